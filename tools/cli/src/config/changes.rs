//! What differs between two configurations, key by key, and what of it a running engine can take over.

use std::fmt::Write as _;

use super::detect_keys;
use super::feed_keys::{FEED_KEYS, FEEDS};
use super::keys::KEYS;
use super::model::Config;
use super::value;

/// Keys that a running engine takes over. Each is also marked in the text of the configuration.
const LIVE: [&str; 3] = ["journal.low_disk_bytes", "retention.keep", "retention.keep_bytes"];

/// Keys of a feed that a running engine takes over.
const LIVE_OF_FEEDS: [&str; 8] = [
    "reorder_wait",
    "hole_wait",
    "request_timeout",
    "request_tries_max",
    "snapshot_wait",
    "snapshot_retry",
    "line_silent",
    "stale",
];

/// One key that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    /// `section.name`, or `feeds.N.name`.
    pub(crate) path: String,
    /// Its new value as TOML; `None` where it is left out.
    value: Option<String>,
    /// Whether a running engine takes it over.
    pub(crate) is_live: bool,
}

impl Config {
    /// Every key in which `new` differs, in the order in which they are printed.
    pub(crate) fn changes(&self, new: &Config) -> Vec<Change> {
        let (mut old, mut new) = (self.clone(), new.clone());
        let mut changes = Vec::new();
        for key in &KEYS {
            let value = value::toml_text(&mut new, key);
            if value != value::toml_text(&mut old, key) {
                let path = key.path();
                let is_live = LIVE.contains(&path.as_str());
                changes.push(Change { path, value, is_live });
            }
        }
        for (detector, table) in detect_keys::tables() {
            for parameter in &table {
                let value = detect_keys::toml_text(&new.detect.0, detector, parameter);
                if value != detect_keys::toml_text(&old.detect.0, detector, parameter) {
                    let path = detect_keys::path(detector, parameter.name);
                    changes.push(Change { path, value: Some(value), is_live: false });
                }
            }
        }
        if old.feeds.len() != new.feeds.len() {
            changes.push(Change { path: FEEDS.to_owned(), value: None, is_live: false });
        }
        for (number, (old, new)) in old.feeds.iter_mut().zip(&mut new.feeds).enumerate() {
            for key in &FEED_KEYS {
                let value = value::toml_text(new, key);
                if value != value::toml_text(old, key) {
                    let path = format!("{FEEDS}.{number}.{}", key.name);
                    let is_live = LIVE_OF_FEEDS.contains(&key.name);
                    changes.push(Change { path, value, is_live });
                }
            }
        }
        changes
    }
}

/// The changes as TOML, a dotted key a line: what a journal says of them.
pub(crate) fn text<'a>(changes: impl Iterator<Item = &'a Change>) -> String {
    let mut text = String::new();
    for Change { path, value, .. } in changes {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{path} = {}", value.as_deref().unwrap_or("\"\""));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(set: &[&str]) -> Config {
        let feed = "[[feeds]]\nlines = [\"239.0.0.1:5\"]\n[[feeds]]\nname = \"g\"\nlines = [\"239.0.0.2:5\"]";
        let set: Vec<String> = set.iter().map(ToString::to_string).collect();
        Config::from_toml(feed, &[], &set).unwrap()
    }

    #[test]
    fn changes_are_named_and_those_that_cannot_be_taken_over_are_told_apart() {
        let old = config(&[]);
        assert_eq!(old.changes(&old), []);
        let new = config(&["retention.keep=2h", "journal.sync=batch", "feeds.1.stale=3s"]);
        let changes = old.changes(&new);
        let told: Vec<(&str, bool)> =
            changes.iter().map(|change| (change.path.as_str(), change.is_live)).collect();
        assert_eq!(
            told,
            [("journal.sync", false), ("retention.keep", true), ("feeds.1.stale", true)]
        );
        assert_eq!(
            text(changes.iter()),
            "journal.sync = \"batch\"\nretention.keep = \"2h\"\nfeeds.1.stale = \"3s\"\n"
        );
        let table: toml::Table = text(changes.iter()).parse().unwrap();
        assert_eq!(table["feeds"]["1"]["stale"].as_str(), Some("3s"));
        let fewer = Config { feeds: Vec::new(), ..old.clone() };
        assert!(old.changes(&fewer).iter().any(|change| change.path == "feeds" && !change.is_live));
    }

    #[test]
    fn the_keys_marked_as_live_are_those_that_are() {
        for key in &FEED_KEYS {
            let is_marked = key.about[0].starts_with("Live. ");
            assert_eq!(is_marked, LIVE_OF_FEEDS.contains(&key.name), "{}", key.name);
        }
        for key in &KEYS {
            let is_marked = key.about[0].starts_with("Live. ");
            assert_eq!(is_marked, LIVE.contains(&key.path().as_str()), "{}", key.path());
        }
    }
}
