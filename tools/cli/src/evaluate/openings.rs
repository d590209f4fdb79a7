//! Which message opened each alert: the one whose feed and number its id names.
//!
//! The alerts are named first; the reader of the session then tells every message, once, in the session's
//! order. Where a number comes again (messages that the feed did not number have their place in the packet),
//! the first one that is not before the alert's start is it. What an id that is of another form, or names
//! no such message, opened with is not known.

use std::collections::HashMap;

use engine::units::{FeedId, Sequence};

use super::alert::{Alert, Opened};

/// See the module.
#[derive(Clone, Debug, Default)]
pub(super) struct Openings {
    /// Named and not yet come: which alerts, and when the condition of each began.
    ahead: HashMap<(FeedId, Sequence), Vec<(usize, i64)>>,
    /// Of each alert, in the order in which they were named.
    come: Vec<Option<Opened>>,
}

impl Openings {
    /// Will know those of `alerts`; `feed_of` tells a feed by its name.
    pub(super) fn of(alerts: &[Alert], feed_of: impl Fn(&str) -> Option<FeedId>) -> Openings {
        let mut openings = Openings { come: vec![None; alerts.len()], ..Openings::default() };
        for (at, alert) in alerts.iter().enumerate() {
            if let Some((feed, sequence)) = alert.opening_message()
                && let Some(feed) = feed_of(feed)
            {
                let named = openings.ahead.entry((feed, sequence)).or_default();
                named.push((at, alert.start_ns));
            }
        }
        openings
    }

    /// The next message came at `time_ns`, with so many of the session before it.
    pub(super) fn message(
        &mut self,
        feed: FeedId,
        sequence: Sequence,
        time_ns: i64,
        messages_before: u64,
    ) {
        let Some(named) = self.ahead.get_mut(&(feed, sequence)) else { return };
        named.retain(|(alert, start_ns)| {
            let is_it = time_ns >= *start_ns;
            if is_it {
                let messages_before = Some(messages_before);
                self.come[*alert] = Some(Opened { at_ns: time_ns, messages_before });
            }
            !is_it
        });
    }

    /// What opened each alert, in the order in which they were named; `None` where no message did.
    pub(super) fn into_come(self) -> Vec<Option<Opened>> {
        self.come
    }
}

#[cfg(test)]
mod tests {
    use super::super::worked_cases::alert;
    use super::*;

    fn named(id: &str, start_ns: i64) -> Alert {
        Alert { id: String::from(id), ..alert("spoofing", "AAA", start_ns, start_ns) }
    }

    #[test]
    fn an_alert_opened_with_the_message_that_its_id_names() {
        let alerts = [
            named("f0-0000000000000003-01-0001", 5),
            named("f0-0000000000000003-02-0001", 20),
            named("late-feed-0000000000000003-01-0001", 5),
            named("mine, 1", 5),
            named("f0-0000000000000009-01-0001", 5),
            named("f9-0000000000000003-01-0001", 5),
        ];
        let feeds = ["f0", "late-feed"];
        let feed_of =
            |name: &str| feeds.iter().position(|feed| *feed == name).map(|at| FeedId(at as u16));
        let mut openings = Openings::of(&alerts, feed_of);
        for (before, (feed, sequence, time_ns)) in
            (0..).zip([(0, 2, 10), (0, 3, 20), (1, 3, 21), (0, 3, 30)])
        {
            openings.message(FeedId(feed), Sequence(sequence), time_ns, before);
        }
        let opened = |at_ns, before| Some(Opened { at_ns, messages_before: Some(before) });
        let expected = [opened(20, 1), opened(20, 1), opened(21, 2), None, None, None];
        assert_eq!(openings.into_come(), expected);
    }

    #[test]
    fn a_number_that_comes_again_is_that_of_the_first_message_not_before_the_start() {
        let mut openings =
            Openings::of(&[named("f0-0000000000000000-01-0001", 15)], |_| Some(FeedId(0)));
        for (before, time_ns) in (0..).zip([10, 14, 15, 16]) {
            openings.message(FeedId(0), Sequence(0), time_ns, before);
        }
        let opened = Opened { at_ns: 15, messages_before: Some(2) };
        assert_eq!(openings.into_come(), [Some(opened)]);
    }
}
