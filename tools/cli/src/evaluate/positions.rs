//! How many messages of a session came before given instants.
//!
//! The instants are named first; the reader of the session then tells the time of every message, once,
//! in the session's order. The session's time never goes back: a message that claims an earlier time
//! counts at the latest one before it.

use std::collections::BTreeMap;

/// See the module.
#[derive(Clone, Debug, Default)]
pub(super) struct Positions {
    /// Named and not yet reached, the latest first.
    ahead: Vec<i64>,
    /// Reached, with the messages before the first one at or after it.
    reached: BTreeMap<i64, u64>,
    messages: u64,
    now_ns: Option<i64>,
}

impl Positions {
    /// Will know these instants.
    pub(super) fn of(instants: impl IntoIterator<Item = i64>) -> Positions {
        let mut ahead: Vec<i64> = instants.into_iter().collect();
        ahead.sort_unstable_by(|a, b| b.cmp(a));
        ahead.dedup();
        Positions { ahead, ..Positions::default() }
    }

    /// The next message came at `time_ns`.
    pub(super) fn message(&mut self, time_ns: i64) {
        if self.now_ns.is_none_or(|now_ns| time_ns > now_ns) {
            self.now_ns = Some(time_ns);
            while let Some(instant) = self.ahead.pop_if(|instant| *instant <= time_ns) {
                self.reached.insert(instant, self.messages);
            }
        }
        self.messages += 1;
    }

    /// The session has ended.
    pub(super) fn end(&mut self) {
        let messages = self.messages;
        self.reached.extend(self.ahead.drain(..).map(|instant| (instant, messages)));
    }

    /// Messages so far.
    pub(super) fn messages(&self) -> u64 {
        self.messages
    }

    /// Messages before the first one at or after an instant; `None` unless it was named.
    pub(super) fn before(&self, instant_ns: i64) -> Option<u64> {
        self.reached.get(&instant_ns).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_before_an_instant_are_those_before_the_first_one_that_reaches_it() {
        let mut positions = Positions::of([5, 20, 1, 30, 20, 99]);
        for time_ns in [3, 5, 5, 7, 6, 20, 29] {
            positions.message(time_ns);
        }
        positions.end();
        assert_eq!(positions.before(1), Some(0));
        assert_eq!(positions.before(5), Some(1));
        assert_eq!(positions.before(20), Some(5), "3, 5, 5, 7 and one that came late");
        assert_eq!(positions.before(30), Some(7), "behind the end");
        assert_eq!(positions.before(99), Some(7));
        assert_eq!(positions.before(6), None, "never named");
        assert_eq!(positions.messages(), 7);
    }
}
