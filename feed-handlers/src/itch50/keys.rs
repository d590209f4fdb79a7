//! Symbol and time of a message, taken without decoding it: what an index of a journal needs.
//!
//! Says the same as the decoder: a message of an unknown type or a wrong length has no key; one that
//! claims a time 24 hours or more after midnight has no time of its own.

use engine::journal::symbol_index::{MessageKey, MessageKeys};
use engine::units::{Nanos, SymbolId};

use crate::itch50::messages::MESSAGE_LENGTHS;

/// See the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Itch50Keys {
    midnight: Nanos,
}

impl Itch50Keys {
    /// Of a trading day that began at `midnight`, New York.
    #[must_use]
    pub const fn new(midnight: Nanos) -> Itch50Keys {
        Itch50Keys { midnight }
    }
}

impl MessageKeys for Itch50Keys {
    const CODE: u32 = 1;

    #[inline]
    fn key(&self, message: &[u8]) -> Option<MessageKey> {
        let &[type_byte, high, low, _, _, a, b, c, d, e, f] = message.first_chunk::<11>()?;
        if message.len() != usize::from(MESSAGE_LENGTHS[usize::from(type_byte)]) {
            return None;
        }
        let of_day_ns = i64::from_be_bytes([0, 0, a, b, c, d, e, f]);
        let time =
            (of_day_ns < Nanos::DAY).then(|| Nanos(self.midnight.0.saturating_add(of_day_ns)));
        Some(MessageKey { symbol: SymbolId(u16::from_be_bytes([high, low]).into()), time })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::itch50::encode::{Encoder, Header};
    use crate::itch50::fields::{Price4, Stock};
    use engine::units::{OrderRef, Side};

    #[test]
    fn a_key_is_the_locate_and_the_time_of_the_day() {
        let keys = Itch50Keys::new(Nanos(1_000));
        let key_at = |time_of_day_ns| {
            let head = Header { locate: 0x0102, tracking: 9, time_of_day_ns };
            let mut encoder = Encoder::new();
            let (stock, price) = (Stock::new("AAPL").unwrap(), Price4(1));
            encoder.add_order(head, OrderRef(1), Side::Buy, 1, stock, price, None);
            keys.key(encoder.last_message().unwrap())
        };
        let symbol = SymbolId(0x0102);
        assert_eq!(key_at(77), Some(MessageKey { symbol, time: Some(Nanos(1_077)) }));
        let last_ns = Nanos::DAY as u64 - 1;
        let time = Some(Nanos(1_000 + Nanos::DAY - 1));
        assert_eq!(key_at(last_ns), Some(MessageKey { symbol, time }));
        assert_eq!(key_at(last_ns + 1), Some(MessageKey { symbol, time: None }));
    }

    #[test]
    fn what_the_decoder_skips_has_no_key() {
        let keys = Itch50Keys::new(Nanos(0));
        assert_eq!(keys.key(b""), None);
        assert_eq!(keys.key(b"?what it is"), None);
        assert!(keys.key(b"D234567890123456789").is_some());
        assert_eq!(keys.key(b"D2345678901234567890"), None);
    }
}
