//! Other ways to read the same bytes: the floor, two published crates, and the obvious hand match.
//!
//! Each pass but the walk gives the [`FieldSums`] of what it read, so that all can be held against
//! each other: a parser that skips work would show. What a pass does with a message is the least that
//! a book builder needs: the reference and the shares of the order messages.

use std::hint::black_box;
use std::ops::ControlFlow;

use engine::event::{Event, Flags, Kind, PRICE_NONE};
use engine::pipeline::stage::BATCH_EVENTS_MAX;
use engine::units::Price;
use itch5::messages as of_itch5;

/// What order messages (A F E C X D U) name, added up with wrap-around.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FieldSums {
    /// References; of a replace both.
    pub references: u64,
    /// Shares.
    pub shares: u64,
}

impl FieldSums {
    #[inline(always)]
    fn take(&mut self, reference: u64, shares: u32) {
        self.references = self.references.wrapping_add(reference);
        self.shares = self.shares.wrapping_add(shares.into());
    }

    /// Adds what an event names.
    #[inline(always)]
    pub fn take_event(&mut self, event: &Event) {
        let (reference, shares) = match event.kind() {
            Some(Kind::Add | Kind::Execute | Kind::Cancel | Kind::Delete) => {
                (event.order().0, event.qty().0)
            }
            Some(Kind::Replace) => {
                (event.order().0.wrapping_add(event.new_order().0), event.new_qty().0)
            }
            _ => (0, 0),
        };
        self.references = self.references.wrapping_add(reference);
        self.shares = self.shares.wrapping_add(shares);
    }
}

/// The floor: from length to length, each message's first byte looked at.
#[inline(never)]
#[must_use]
pub fn length_walk(bytes: &[u8]) -> u64 {
    let (mut rest, mut sum) = (bytes, 0u64);
    while let Some((length, tail)) = rest.split_first_chunk::<2>() {
        let length = usize::from(u16::from_be_bytes(*length));
        let Some((message, next)) = tail.split_at_checked(length) else {
            break;
        };
        sum += u64::from(message.first().copied().unwrap_or(0));
        rest = next;
    }
    sum
}

/// Crate `itch5`: a visitor with zero-copy views.
#[inline(never)]
#[must_use]
pub fn itch5_pass(bytes: &[u8]) -> FieldSums {
    let mut sums = FieldSums::default();
    // A message that it cannot read ends the pass, and then the sums differ.
    let _ = itch5::Parser::new(bytes).parse_stream(&mut sums);
    sums
}

/// One method of the visitor.
macro_rules! visit {
    ($($method:ident($name:ident): |$m:ident| $reference:expr, $shares:expr;)*) => {
        $(#[inline]
        fn $method(&mut self, $m: &of_itch5::$name) -> ControlFlow<()> {
            self.take($reference, $shares);
            ControlFlow::Continue(())
        })*
    };
}

impl itch5::MessageHandler for FieldSums {
    visit! {
        on_add_order_no_mpid_attribution(AddOrderNoMPIDAttribution):
            |m| m.order_reference_number(), m.shares();
        on_add_order_with_mpid_attribution(AddOrderWithMPIDAttribution):
            |m| m.order_reference_number(), m.shares();
        on_order_executed(OrderExecuted): |m| m.order_reference_number(), m.executed_shares();
        on_order_executed_with_price(OrderExecutedWithPrice):
            |m| m.order_reference_number(), m.executed_shares();
        on_order_cancel(OrderCancel): |m| m.order_reference_number(), m.cancelled_shares();
        on_order_delete(OrderDelete): |m| m.order_reference_number(), 0;
        on_order_replace(OrderReplace):
            |m| m.original_order_reference_number()
                .wrapping_add(m.new_order_reference_number()), m.shares();
    }
}

/// Crate `itchy`: an iterator of owned messages.
#[inline(never)]
#[must_use]
pub fn itchy_pass(bytes: &[u8]) -> FieldSums {
    let mut sums = FieldSums::default();
    for message in itchy::MessageStream::from_reader(bytes) {
        let Ok(message) = message else {
            break;
        };
        match message.body {
            itchy::Body::AddOrder(add) => sums.take(add.reference, add.shares),
            itchy::Body::OrderExecuted { reference, executed, .. }
            | itchy::Body::OrderExecutedWithPrice { reference, executed, .. } => {
                sums.take(reference, executed);
            }
            itchy::Body::OrderCancelled { reference, cancelled } => {
                sums.take(reference, cancelled);
            }
            itchy::Body::DeleteOrder { reference } => sums.take(reference, 0),
            itchy::Body::ReplaceOrder(replace) => {
                let references = replace.old_reference.wrapping_add(replace.new_reference);
                sums.take(references, replace.shares);
            }
            _ => {}
        }
    }
    sums
}

/// The obvious way: a branch a type, fields read one by one, an [`Event`] written a message.
///
/// It does the least of what our decoder does: no directory, no counts, no sequence of a packet; and
/// of rare types nothing but head and kind.
pub struct HandMatch {
    events: Box<[Event; BATCH_EVENTS_MAX]>,
    midnight_ns: i64,
}

impl HandMatch {
    /// For the day that began at `midnight_ns` (UTC epoch).
    #[must_use]
    pub fn new(midnight_ns: i64) -> Self {
        HandMatch { events: Box::new([NO_EVENT; BATCH_EVENTS_MAX]), midnight_ns }
    }

    /// Reads all of `bytes`, handing every [`BATCH_EVENTS_MAX`] events to `each`.
    #[inline(always)]
    pub fn pass(&mut self, bytes: &[u8], mut each: impl FnMut(&[Event])) {
        let (mut rest, mut sequence, mut count) = (bytes, 1, 0);
        while let Some((length, tail)) = rest.split_first_chunk::<2>() {
            let length = usize::from(u16::from_be_bytes(*length));
            let Some((message, next)) = tail.split_at_checked(length) else {
                break;
            };
            rest = next;
            let event = &mut self.events[count];
            if match_message(message, event) {
                event.sequence = sequence;
                event.time_ns = event.time_ns.wrapping_add(self.midnight_ns);
                event.recv_ns = event.time_ns;
                count += 1;
            }
            sequence += 1;
            if count == BATCH_EVENTS_MAX {
                each(&self.events[..]);
                count = 0;
            }
        }
        each(&self.events[..count]);
    }
}

const NO_EVENT: Event = Event {
    sequence: 0,
    time_ns: 0,
    recv_ns: 0,
    symbol: 0,
    kind: 0,
    side: 0,
    flags: 0,
    words: [0; 4],
};

fn be16(message: &[u8], at: usize) -> u16 {
    message.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |b| u16::from_be_bytes(*b))
}

fn be32(message: &[u8], at: usize) -> u32 {
    message.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |b| u32::from_be_bytes(*b))
}

fn be64(message: &[u8], at: usize) -> u64 {
    message.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |b| u64::from_be_bytes(*b))
}

fn price(message: &[u8], at: usize) -> u64 {
    Price::from_e4(be32(message, at)).0 as u64
}

/// Writes the event of a message; `false` if it is too short for its type.
#[inline(always)]
fn match_message(m: &[u8], event: &mut Event) -> bool {
    if m.len() < 12 {
        return false;
    }
    let (mut side, mut flags) = (0, 0);
    let (kind, length, words) = match m[0] {
        b'A' | b'F' if m.len() >= 36 => {
            side = m[19];
            let attributed = m[0] == b'F';
            let mpid = if attributed { be32(m, 36).into() } else { 0 };
            let length = if attributed { 40 } else { 36 };
            (Kind::Add, length, [be64(m, 11), price(m, 32), be32(m, 20).into(), mpid])
        }
        b'E' => {
            flags = Flags::PRINTABLE;
            let words = [be64(m, 11), be64(m, 23), be32(m, 19).into(), PRICE_NONE];
            (Kind::Execute, 31, words)
        }
        b'C' if m.len() >= 36 => {
            flags = if m[31] == b'Y' { Flags::PRINTABLE } else { 0 };
            let words = [be64(m, 11), be64(m, 23), be32(m, 19).into(), price(m, 32)];
            (Kind::Execute, 36, words)
        }
        b'X' => (Kind::Cancel, 23, [be64(m, 11), 0, be32(m, 19).into(), 0]),
        b'D' => (Kind::Delete, 19, [be64(m, 11), 0, 0, 0]),
        b'U' => {
            let words = [be64(m, 11), be64(m, 19), price(m, 31), be32(m, 27).into()];
            (Kind::Replace, 35, words)
        }
        b'P' if m.len() >= 44 => {
            side = m[19];
            let words = [be64(m, 11), be64(m, 36), be32(m, 20).into(), price(m, 32)];
            (Kind::Trade, 44, words)
        }
        b'Q' => {
            let words = [0, be64(m, 31), be64(m, 11), price(m, 27)];
            (Kind::Cross, 40, words)
        }
        b'B' => (Kind::Break, 19, [0, be64(m, 11), 0, 0]),
        b'S' => (Kind::SystemEvent, 12, [m[11].into(), 0, 0, 0]),
        b'R' => (Kind::Directory, 39, [be64(m, 11), 0, 0, 0]),
        b'H' => (Kind::TradingAction, 25, [0; 4]),
        b'Y' => (Kind::ShortSale, 20, [0; 4]),
        b'I' => (Kind::Auction, 50, [be64(m, 11), be64(m, 19), 0, 0]),
        _ => return false,
    };
    if m.len() < length {
        return false;
    }
    event.time_ns = (be64(m, 3) & ((1 << 48) - 1)) as i64;
    event.symbol = be16(m, 1).into();
    event.kind = kind as u8;
    event.side = side;
    event.flags = flags;
    event.words = words;
    true
}

/// The hand match over all of `bytes`.
#[inline(never)]
pub fn hand_match_pass(bytes: &[u8]) {
    HandMatch::new(0).pass(bytes, |events| {
        black_box(events);
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::Exchange;
    use crate::stages;
    use crate::tape::Tape;
    use feed_handlers::itch50::Encoder;

    #[test]
    fn all_parsers_read_the_same_references_and_shares() {
        let mut exchange = Exchange::new(3, 20, 2_000);
        let mut encoder = Encoder::new();
        exchange.open(&mut encoder);
        (0..50_000).for_each(|_| exchange.next(&mut encoder));
        let tape = Tape::of(encoder, "made here");
        let ours = stages::field_sums(&tape).unwrap();
        assert!(ours.references > 0 && ours.shares > 0);
        assert_eq!(itch5_pass(tape.bytes()), ours);
        assert_eq!(itchy_pass(tape.bytes()), ours);
        let mut by_hand = FieldSums::default();
        HandMatch::new(0)
            .pass(tape.bytes(), |events| events.iter().for_each(|event| by_hand.take_event(event)));
        assert_eq!(by_hand, ours);
    }

    #[test]
    fn the_hand_match_writes_the_events_of_the_order_messages_that_our_decoder_writes() {
        let mut exchange = Exchange::new(4, 20, 500);
        let mut encoder = Encoder::new();
        (0..20_000).for_each(|_| exchange.next(&mut encoder));
        let tape = Tape::of(encoder, "made here");
        let mut ours = Vec::new();
        stages::decode_all(&tape, |events| ours.extend_from_slice(events)).unwrap();
        let mut by_hand = Vec::new();
        HandMatch::new(0).pass(tape.bytes(), |events| by_hand.extend_from_slice(events));
        assert_eq!(ours.len(), by_hand.len());
        for (ours, by_hand) in ours.iter().zip(&by_hand) {
            // The packet's receive time is what only framing knows.
            assert_eq!(*ours, Event { recv_ns: ours.recv_ns, ..*by_hand });
        }
    }
}
