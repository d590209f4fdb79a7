//! The packets in which an input's messages were sent, and when.
//!
//! A capture has them. A plain file has only messages: they are cut as an exchange would, which is how the
//! simulated one does when it writes a capture or publishes: a packet has whole messages of up to
//! [`BLOCKS_BYTES_MAX`] that came within [`SPAN_NS`] of its first one, and leaves with its last one.

use engine::packet::whole_messages;
use engine::units::Nanos;
use exchange::capture::{BLOCKS_BYTES_MAX, SPAN_NS};

use super::stamp::time_of_day_ns;
use crate::bench::input::{Captured, Tape};

/// One packet of a tape, after those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cut {
    /// Bytes of the tape up to its end.
    pub(super) end_bytes: usize,
    /// Messages of the tape up to its end.
    pub(super) end_messages: u64,
    /// When it came.
    pub(super) recv: Nanos,
}

/// The packets of `tape`.
pub(super) fn of(tape: &Tape) -> Vec<Cut> {
    match tape.captured.is_empty() {
        true => cut(tape),
        false => captured(tape),
    }
}

/// Those of a capture, without those that brought no message.
fn captured(tape: &Tape) -> Vec<Cut> {
    let (mut from, mut messages) = (0, 0);
    let cuts = tape.captured.iter().filter_map(|&Captured { end_bytes, recv }| {
        let packet = &tape.bytes[from..end_bytes];
        from = end_bytes;
        messages += whole_messages(packet).count() as u64;
        (!packet.is_empty()).then_some(Cut { end_bytes, end_messages: messages, recv })
    });
    cuts.collect()
}

fn cut(tape: &Tape) -> Vec<Cut> {
    let midnight = tape.midnight();
    let mut cuts: Vec<Cut> = Vec::new();
    let (mut begin_bytes, mut end_bytes, mut first_ns, mut last_ns) = (0, 0, 0, 0);
    for (message, messages) in whole_messages(&tape.bytes).zip(1..) {
        // As its sender's clock would have it: no message is before the last one, or of another day.
        let own_ns = time_of_day_ns(message).filter(|own_ns| *own_ns < Nanos::DAY as u64);
        last_ns = own_ns.unwrap_or(last_ns).max(last_ns);
        end_bytes += size_of::<u16>() + message.len();
        let recv = Nanos(midnight.0 + last_ns as i64);
        let cut = Cut { end_bytes, end_messages: messages, recv };
        match cuts.last_mut() {
            Some(packet)
                if end_bytes - begin_bytes <= BLOCKS_BYTES_MAX && last_ns - first_ns <= SPAN_NS =>
            {
                *packet = cut;
            }
            before => {
                begin_bytes = before.map_or(0, |packet| packet.end_bytes);
                first_ns = last_ns;
                cuts.push(cut);
            }
        }
    }
    cuts
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Messages of each packet, and its time of the day.
    fn told(tape: &Tape) -> Vec<(u64, i64)> {
        let mut before = 0;
        let cuts = of(tape).into_iter().map(|cut| {
            assert_eq!(cut.end_bytes as u64, cut.end_messages * 38);
            let count = cut.end_messages - std::mem::replace(&mut before, cut.end_messages);
            (count, cut.recv.0 - tape.midnight().0)
        });
        cuts.collect()
    }

    #[test]
    fn a_packet_has_what_came_within_twenty_microseconds_and_leaves_with_its_last() {
        let tape = Tape::of_adds([100, 100, 20_100, 20_101, 30_000, 50_000]);
        assert_eq!(told(&tape), [(3, 20_100), (2, 30_000), (1, 50_000)]);
    }

    #[test]
    fn a_packet_has_no_more_than_fits() {
        // 36 of 38 bytes are 1,368.
        assert_eq!(told(&Tape::of_adds([5; 80])), [(36, 5), (36, 5), (8, 5)]);
    }

    #[test]
    fn a_time_that_goes_back_or_is_of_no_day_is_that_of_the_message_before() {
        let tape = Tape::of_adds([50_000, 10, u64::MAX >> 16, 90_000]);
        assert_eq!(told(&tape), [(3, 50_000), (1, 90_000)]);
    }

    #[test]
    fn a_capture_keeps_its_packets_and_their_times() {
        let mut tape = Tape::of_adds([5; 4]);
        let packet = |messages: usize, ns| Captured { end_bytes: messages * 38, recv: Nanos(ns) };
        // The second brought nothing but what the feed has no use for.
        tape.captured = vec![packet(1, 10), packet(1, 20), packet(4, 30)];
        let cut = |messages, ns| Cut {
            end_bytes: messages as usize * 38,
            end_messages: messages,
            recv: Nanos(ns),
        };
        assert_eq!(of(&tape), [cut(1, 10), cut(4, 30)]);
        assert!(of(&Tape::of_adds([])).is_empty());
    }
}
