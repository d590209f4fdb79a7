//! Which messages of a journal are exported.
//!
//! A message is in the stretch by its own sequence and exchange time, both ends included; one without
//! a time of this day has the feed's time there. Before the stretch the system events and the directory
//! messages are kept, so that what is exported can be replayed alone.

use engine::journal::symbol_index::MessageKey;
use engine::units::{Nanos, SymbolId};

use crate::day::TradingDay;
use crate::exit::Failure;

/// An end of the stretch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bound {
    /// An exchange time.
    Time(Nanos),
    /// A sequence.
    Sequence(u64),
}

impl Bound {
    /// Reads what was given to an option of this name.
    pub(super) fn read(name: &str, text: &str, day: TradingDay) -> Result<Bound, Failure> {
        let wrong = |why: String| {
            Failure::usage(format_args!(
                "--{name} {text}: {why}; give RFC 3339, HH:MM:SS[.fffffffff] or seq:N"
            ))
        };
        match text.strip_prefix("seq:") {
            Some(digits) => digits
                .parse()
                .map(Bound::Sequence)
                .map_err(|error: std::num::ParseIntError| wrong(error.to_string())),
            // An hour alone would be a time, and is more likely a sequence.
            None if text.bytes().all(|byte| byte.is_ascii_digit()) => {
                Err(wrong(String::from("a number alone is neither time nor sequence")))
            }
            None => day.instant(text).map(Bound::Time).map_err(wrong),
        }
    }
}

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct Choice {
    from: Option<Bound>,
    to: Option<Bound>,
    /// By locate, the market's 0 among them; `None` for all.
    symbols: Option<Vec<bool>>,
    /// The greatest time so far.
    feed_time: Nanos,
}

impl Choice {
    /// The messages between two ends, of all symbols or of some.
    pub(super) fn new(
        from: Option<Bound>,
        to: Option<Bound>,
        symbols: Option<&[SymbolId]>,
    ) -> Choice {
        let symbols = symbols.map(|symbols| {
            let mut chosen = vec![false; 1 << 16];
            chosen[0] = true;
            for symbol in symbols {
                if let Some(is_chosen) = chosen.get_mut(symbol.0 as usize) {
                    *is_chosen = true;
                }
            }
            chosen
        });
        Choice { from, to, symbols, feed_time: Nanos(i64::MIN) }
    }

    /// Whether the next message is exported.
    #[inline]
    pub(super) fn takes(&mut self, sequence: u64, message: &[u8], key: Option<MessageKey>) -> bool {
        let own = key.and_then(|key| key.time);
        self.feed_time = self.feed_time.max(own.unwrap_or(self.feed_time));
        let is_of_symbol = self.symbols.as_ref().is_none_or(|chosen| {
            // What has no key is of no symbol that anyone knows.
            key.is_some_and(|key| chosen.get(key.symbol.0 as usize) == Some(&true))
        });
        if !is_of_symbol {
            return false;
        }
        let time = own.unwrap_or(self.feed_time);
        let is_before = match self.from {
            Some(Bound::Time(from)) => time < from,
            Some(Bound::Sequence(from)) => sequence < from,
            None => false,
        };
        let is_behind = match self.to {
            Some(Bound::Time(to)) => time > to,
            Some(Bound::Sequence(to)) => sequence > to,
            None => false,
        };
        let is_frame_of_day = key.is_some() && matches!(message.first(), Some(b'S' | b'R'));
        !is_behind && (!is_before || is_frame_of_day)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn key(symbol: u32, time: i64) -> Option<MessageKey> {
        Some(MessageKey { symbol: SymbolId(symbol), time: Some(Nanos(time)) })
    }

    /// The sequences, from 1 on, of the messages that are taken.
    fn taken(mut choice: Choice, messages: &[(u8, Option<MessageKey>)]) -> Vec<u64> {
        let numbered = (1..).zip(messages);
        numbered
            .filter(|(sequence, (byte, key))| choice.takes(*sequence, &[*byte], *key))
            .map(|(sequence, _)| sequence)
            .collect()
    }

    /// A start, two directory entries, orders whose times go back once, one without a time, one
    /// unknown message, an end.
    const DAY: [(u8, Option<MessageKey>); 10] = [
        (b'S', key(0, 5)),
        (b'R', key(1, 6)),
        (b'R', key(2, 7)),
        (b'A', key(1, 10)),
        (b'A', key(2, 20)),
        (b'A', key(1, 15)),
        (b'D', Some(MessageKey { symbol: SymbolId(1), time: None })),
        (b'?', None),
        (b'D', key(1, 30)),
        (b'S', key(0, 40)),
    ];

    #[test]
    fn both_ends_are_included_and_the_day_is_framed() {
        let between = |from, to| taken(Choice::new(from, to, None), &DAY);
        let at = |time| Some(Bound::Time(Nanos(time)));
        assert_eq!(between(None, None), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
        // 7 and 8 are taken at 20, the greatest time before them; 6 is of 15.
        assert_eq!(between(at(20), at(30)), [1, 2, 3, 5, 7, 8, 9]);
        assert_eq!(between(at(21), at(29)), [1, 2, 3]);
        assert_eq!(between(None, at(15)), [1, 2, 3, 4, 6]);
        assert_eq!(between(at(15), None), [1, 2, 3, 5, 6, 7, 8, 9, 10]);
        let number = |sequence| Some(Bound::Sequence(sequence));
        assert_eq!(between(number(4), number(6)), [1, 2, 3, 4, 5, 6]);
        assert_eq!(between(number(9), None), [1, 2, 3, 9, 10]);
        assert_eq!(between(number(5), at(20)), [1, 2, 3, 5, 6, 7, 8]);
        assert_eq!(between(None, number(2)), [1, 2]);
    }

    #[test]
    fn of_a_symbol_its_own_messages_and_the_markets_are_taken() {
        let of = |symbols: &[u32], from| {
            let symbols: Vec<SymbolId> = symbols.iter().map(|number| SymbolId(*number)).collect();
            taken(Choice::new(from, None, Some(&symbols)), &DAY)
        };
        assert_eq!(of(&[1], None), [1, 2, 4, 6, 7, 9, 10]);
        assert_eq!(of(&[2], None), [1, 3, 5, 10]);
        assert_eq!(of(&[1, 2], Some(Bound::Sequence(9))), [1, 2, 3, 9, 10]);
    }

    #[test]
    fn an_end_is_a_sequence_or_a_time_of_the_day() {
        let day = TradingDay::parse("2019-12-30").unwrap();
        assert_eq!(Bound::read("from", "seq:12", day).unwrap(), Bound::Sequence(12));
        let open = Bound::Time(Nanos(1_577_716_200_000_000_000));
        assert_eq!(Bound::read("from", "09:30:00", day).unwrap(), open);
        assert_eq!(Bound::read("to", "2019-12-30T14:30:00Z", day).unwrap(), open);
        for text in ["seq:", "seq:-1", "12", "noon"] {
            let failure = Bound::read("to", text, day).unwrap_err();
            assert!(failure.line.contains("seq:N"), "{}", failure.line);
        }
    }
}
