//! What no single key of a live feed can tell: values that do not go together, within a feed and among
//! several.

use std::borrow::Cow;

use super::clashes::Clash;
use super::feed_keys::FEEDS;
use super::live_feed::{LINES_MAX, LiveFeed, Protocol, SERVERS_MAX};

/// Every clash in `feeds`, whose values are each within their own range.
pub(super) fn feed_clashes(feeds: &[LiveFeed]) -> Vec<Clash> {
    let mut clashes = Vec::new();
    for (number, feed) in feeds.iter().enumerate() {
        let path = |key: &str| Cow::Owned(format!("{FEEDS}.{number}.{key}"));
        let mut clash = |keys: [&str; 2], what: String| {
            clashes.push(Clash { keys: keys.map(path), what });
        };
        for (key, what) in within(feed) {
            clash([key, "protocol"], what);
        }
        for (key, list, most) in [
            ("lines", feed.lines.len(), LINES_MAX),
            ("retransmission", feed.retransmission.len(), SERVERS_MAX),
            ("servers", feed.servers.len(), SERVERS_MAX),
        ] {
            if list > most {
                clash([key, key], format!("names {list}, and at most {most} are taken"));
            }
        }
        if let Some(first) = feeds[..number].iter().position(|other| other.name == feed.name) {
            let what = format!("is \"{}\", as that of feed {first} is", feed.name());
            clash(["name", "name"], what);
        }
        let earlier = feeds[..number].iter().flat_map(|other| &other.lines);
        for (at, line) in feed.lines.iter().enumerate() {
            if feed.lines[..at].contains(line) || earlier.clone().any(|other| other == line) {
                clash(["lines", "lines"], format!("names {line} twice"));
            }
        }
    }
    clashes
}

/// What its protocol needs and cannot use, as keys with what is wrong.
fn within(feed: &LiveFeed) -> Vec<(&'static str, String)> {
    let mut faults = Vec::new();
    let needed = |what: &str| format!("names no {what}, which \"{}\" needs", feed.protocol.name());
    let unused = || format!("means nothing to \"{}\"; leave it out", feed.protocol.name());
    match feed.protocol {
        Protocol::MoldUdp64 => {
            if feed.lines.is_empty() {
                faults.push(("lines", needed("line")));
            }
            if !feed.servers.is_empty() {
                faults.push(("servers", unused()));
            }
        }
        Protocol::SoupBinTcp => {
            if feed.servers.is_empty() {
                faults.push(("servers", needed("server")));
            }
            let given = [
                ("lines", !feed.lines.is_empty()),
                ("retransmission", !feed.retransmission.is_empty()),
                ("snapshot", feed.snapshot.is_some()),
                ("source", feed.source.is_some()),
            ];
            faults.extend(given.iter().filter(|(_, is)| *is).map(|(key, _)| (*key, unused())));
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::model::FeedName;

    fn feed(name: &str, lines: &[&str]) -> LiveFeed {
        LiveFeed {
            name: FeedName::new(name).unwrap(),
            lines: lines.iter().map(|line| line.parse().unwrap()).collect(),
            ..LiveFeed::default()
        }
    }

    fn told(feeds: &[LiveFeed]) -> Vec<String> {
        let text = |clash: Clash| format!("{} {}", clash.keys[0], clash.what);
        feed_clashes(feeds).into_iter().map(text).collect()
    }

    #[test]
    fn a_feed_has_what_its_protocol_needs_and_nothing_else() {
        assert_eq!(told(&[feed("a", &["239.1.1.1:1"])]), [""; 0]);
        assert_eq!(
            told(&[feed("a", &[])]),
            ["feeds.0.lines names no line, which \"moldudp64\" needs"]
        );
        let servers = vec!["10.0.0.1:5".parse().unwrap()];
        let both = LiveFeed { servers, ..feed("a", &["239.1.1.1:1"]) };
        assert_eq!(
            told(std::slice::from_ref(&both)),
            ["feeds.0.servers means nothing to \"moldudp64\"; leave it out"]
        );
        let soup = LiveFeed { protocol: Protocol::SoupBinTcp, lines: Vec::new(), ..both.clone() };
        assert_eq!(told(&[soup]), [""; 0]);
        let soup = LiveFeed { protocol: Protocol::SoupBinTcp, servers: Vec::new(), ..both };
        assert_eq!(told(&[soup]).len(), 2);
    }

    #[test]
    fn feeds_and_lines_are_told_apart() {
        let two = [feed("a", &["239.1.1.1:1"]), feed("a", &["239.1.1.2:1"])];
        assert_eq!(told(&two), ["feeds.1.name is \"a\", as that of feed 0 is"]);
        let two = [feed("a", &["239.1.1.1:1"]), feed("b", &["239.1.1.2:1", "239.1.1.1:1"])];
        assert_eq!(told(&two), ["feeds.1.lines names 239.1.1.1:1 twice"]);
    }
}
