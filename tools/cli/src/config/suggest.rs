//! What an unknown name was probably meant to be. Each text follows the name: `is no key; …`.

use super::feed_keys::FEED_KEYS;
use super::keys::{KEYS, Key, SECTIONS};

/// An unknown section.
pub(super) fn section(name: &str) -> String {
    let known = || SECTIONS.iter().map(|(section, _)| String::from(*section));
    match nearest(name, known()) {
        Some(section) => format!("is no section; did you mean [{section}]?"),
        None => format!("is no section; they are {}", listed(known())),
    }
}

/// An unknown key `name` in `section`, or before the first.
pub(super) fn key(section: Option<&str>, name: &str) -> String {
    let what = if section.is_some() { "is no key" } else { "stands before the first section" };
    let namesakes: Vec<&Key> = KEYS.iter().filter(|key| key.name == name).collect();
    if let [key] = namesakes[..] {
        return format!("{what}; it belongs in [{}]", key.section);
    }
    let Some(section) = section else {
        return match nearest(name, paths()) {
            Some(near) => format!("{what}; did you mean {near}?"),
            None => format!("{what} and is no key"),
        };
    };
    let known = || {
        let keys = KEYS.iter().filter(move |key| key.section == section);
        keys.map(|key| String::from(key.name))
    };
    match nearest(name, known()) {
        Some(near) => format!("{what}; did you mean {near}?"),
        None => format!("{what}; those of [{section}] are {}", listed(known())),
    }
}

/// An unknown key of a feed.
pub(super) fn feed_key(name: &str) -> String {
    let known = || FEED_KEYS.iter().map(|key| String::from(key.name));
    match nearest(name, known()) {
        Some(near) => format!("is no key; did you mean {near}?"),
        None => format!("is no key; those of [[feeds]] are {}", listed(known())),
    }
}

/// An unknown `section.name` of `--set`.
pub(super) fn path(path: &str) -> String {
    let mut namesakes = KEYS.iter().filter(|key| key.name == path).map(Key::path);
    match namesakes.next().or_else(|| nearest(path, paths())) {
        Some(near) => format!("is no key; did you mean {near}?"),
        None => String::from("is no key; `tapewatch config print` shows them all"),
    }
}

fn paths() -> impl Iterator<Item = String> {
    KEYS.iter().map(Key::path)
}

/// The known name nearest to `name`, where it is near: at most a third of its letters differ.
pub(crate) fn nearest(name: &str, known: impl Iterator<Item = String>) -> Option<String> {
    // Distance costs the product of both lengths.
    if name.len() > 100 {
        return None;
    }
    known
        .map(|known| (strsim::damerau_levenshtein(name, &known), known))
        .filter(|(distance, known)| *distance <= known.len().div_ceil(3))
        .min()
        .map(|(_, known)| known)
}

fn listed(names: impl Iterator<Item = String>) -> String {
    names.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_pen_is_recognised() {
        assert_eq!(section("enigne"), "is no section; did you mean [engine]?");
        let near = key(Some("journal"), "segment_byte");
        assert_eq!(near, "is no key; did you mean segment_bytes?");
        assert_eq!(path("journal.synk"), "is no key; did you mean journal.sync?");
    }

    #[test]
    fn a_key_in_the_wrong_place_is_sent_home() {
        assert_eq!(key(Some("threads"), "shards"), "is no key; it belongs in [engine]");
        let first = key(None, "shards");
        assert_eq!(first, "stands before the first section; it belongs in [engine]");
        assert_eq!(path("shards"), "is no key; did you mean engine.shards?");
    }

    #[test]
    fn what_resembles_nothing_gets_the_list() {
        assert!(key(Some("hashes"), "colour").ends_with("of [hashes] are every_sequences"));
        assert!(section(&"x".repeat(10_000)).contains("they are feed, engine"));
        assert!(path("colour").contains("config print"));
    }
}
