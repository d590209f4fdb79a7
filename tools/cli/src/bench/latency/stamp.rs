//! The time that stands in a message: when it is meant to be sent.
//!
//! ITCH 5.0 has it behind type, locate and tracking number, six bytes of ns since midnight (specification
//! section 3: *Timestamp*). Before a row begins every message of it gets the time that it is due at; who
//! measures reads it from the message that has come, whatever way it took. Feed time then passes in a
//! row as on a live day.

use engine::units::Nanos;

/// Where the time stands.
const PLACE: std::ops::Range<usize> = 5..11;

/// Nanoseconds of a day.
const DAY_NS: u64 = Nanos::DAY as u64;

/// What time of day a row's zero is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamps {
    base_ns: u64,
}

impl Stamps {
    /// A row that begins at `time_of_day_ns`, or earlier, so that its last message, `span_ns` after its
    /// zero, is still of the day.
    pub(super) fn of(time_of_day_ns: u64, span_ns: u64) -> Stamps {
        Stamps { base_ns: time_of_day_ns.min((DAY_NS - 1).saturating_sub(span_ns)) }
    }

    /// The time of day at the zero, ns since midnight.
    pub(super) fn base_ns(self) -> u64 {
        self.base_ns
    }

    /// When `message` is due, ns since the row's zero; before it: 0. A message that is too short for a
    /// time has none.
    #[inline]
    pub(super) fn due_ns(self, message: &[u8]) -> Option<u64> {
        time_of_day_ns(message).map(|time_ns| time_ns.saturating_sub(self.base_ns))
    }

    /// Makes `message` due at `due_ns`.
    pub(super) fn set_due(self, message: &mut [u8], due_ns: u64) {
        set_time_of_day(message, self.base_ns + due_ns);
    }
}

/// The time in `message`, ns since midnight; `None` if it is too short for one.
#[inline]
pub(super) fn time_of_day_ns(message: &[u8]) -> Option<u64> {
    let &[a, b, c, d, e, f] = message.get(PLACE)?.first_chunk()?;
    Some(u64::from_be_bytes([0, 0, a, b, c, d, e, f]))
}

/// Puts a time into `message`, where it is long enough for one.
pub(super) fn set_time_of_day(message: &mut [u8], time_of_day_ns: u64) {
    if let Some(place) = message.get_mut(PLACE) {
        place.copy_from_slice(&time_of_day_ns.to_be_bytes()[2..]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::units::{OrderRef, Side};
    use feed_handlers::itch50::{Encoder, Header, Message, Price4, Stock};

    fn add() -> Vec<u8> {
        let mut encoder = Encoder::new();
        let head = Header { locate: 7, tracking: 9, time_of_day_ns: 34_200_000_000_001 };
        let (stock, price) = (Stock::new("AAPL").unwrap(), Price4(1_000_000));
        encoder.add_order(head, OrderRef(5), Side::Buy, 100, stock, price, None);
        encoder.last_message().unwrap().to_vec()
    }

    #[test]
    fn the_time_in_a_message_is_the_one_that_its_reader_finds() {
        let mut message = add();
        assert_eq!(time_of_day_ns(&message), Some(34_200_000_000_001));
        let stamps = Stamps::of(34_200_000_000_000, 1_000);
        stamps.set_due(&mut message, 987);
        assert_eq!(stamps.due_ns(&message), Some(987));
        let read = Message::parse(&message).unwrap();
        assert_eq!(read.head().time_of_day_ns(), 34_200_000_000_987);
        assert_eq!((read.head().locate(), read.head().tracking()), (7, 9));
        // Nothing else has changed.
        set_time_of_day(&mut message, 34_200_000_000_001);
        assert_eq!(message, add());
    }

    #[test]
    fn a_row_late_in_the_day_begins_early_enough_to_end_in_it() {
        let span_ns = 3_000_000_000;
        let stamps = Stamps::of(DAY_NS - 1_000_000_000, span_ns);
        assert_eq!(stamps.base_ns(), DAY_NS - 1 - span_ns);
        let mut message = add();
        stamps.set_due(&mut message, span_ns);
        assert_eq!(time_of_day_ns(&message), Some(DAY_NS - 1));
        assert_eq!(Stamps::of(5, span_ns).base_ns(), 5);
    }

    #[test]
    fn what_is_too_short_for_a_time_has_none_and_is_left_alone() {
        let mut short = *b"S\0\0\0\0\0\0\0\0\0";
        set_time_of_day(&mut short, u64::MAX);
        assert_eq!(&short, b"S\0\0\0\0\0\0\0\0\0");
        assert_eq!(time_of_day_ns(&short), None);
    }
}
