//! A configuration as TOML: with comments for people, bare for a session, and as JSON.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use engine::detect::parameter::Parameter;

use super::detect_keys::{self, DETECT};
use super::feed_keys::{self, FEED_KEYS, FEEDS};
use super::keys::{KEYS, Key, SECTIONS, Slot};
use super::live_feed::LiveFeed;
use super::model::Config;
use super::value;

impl Config {
    /// The whole configuration, one line a key in the order of the table. Read again, it gives an
    /// equal configuration.
    pub(crate) fn to_toml(&self) -> String {
        self.toml(|_, _| ())
    }

    /// As [`Config::to_toml`], each key under a comment that says what it means, its range and its
    /// default. A key that is left out stands in a comment.
    pub(super) fn to_commented_toml(&self) -> String {
        let mut defaults = Config::default();
        let head = "# Configuration of Tapewatch. Units stand in the keys: _bytes, _ms, _us.\n\
                    # What is left out has its default. `tapewatch config check FILE` finds every fault.\n\n";
        let body = self.toml(|text, part| match part {
            Part::Section(about) => comment(text, about),
            Part::Key(key) => {
                for line in key.about {
                    comment(text, line);
                }
                for line in rules(&mut defaults, key) {
                    comment(text, &line);
                }
            }
            Part::Parameter(parameter) => {
                detect_keys::comments(parameter).iter().for_each(|line| comment(text, line));
            }
            Part::LeftOut(key) => {
                let example = if key.name.ends_with("cores") { "[2]" } else { "2" };
                comment(text, &format!("{} = {example}", key.name));
            }
        });
        format!("{head}{body}{}", feeds_explained(self.feeds.is_empty()))
    }

    /// The whole configuration as an object of sections; `null` for what is left out.
    pub(super) fn to_json(&self) -> Value {
        let mut config = self.clone();
        let mut sections = Map::new();
        for (section, _) in SECTIONS {
            let keys = KEYS.iter().filter(|key| key.section == section);
            let values = keys.map(|key| (String::from(key.name), value::json(&mut config, key)));
            sections.insert(String::from(section), Value::Object(values.collect()));
        }
        sections.insert(String::from(DETECT), detect_keys::to_json(&self.detect.0));
        let feed = |feed: &mut LiveFeed| {
            let values = FEED_KEYS.iter().map(|key| (key.name.to_owned(), value::json(feed, key)));
            Value::Object(values.collect())
        };
        let feeds = config.feeds.iter_mut().map(feed).collect();
        sections.insert(String::from(FEEDS), Value::Array(feeds));
        Value::Object(sections)
    }

    fn toml(&self, mut beside: impl FnMut(&mut String, Part<'_>)) -> String {
        let mut config = self.clone();
        let mut text = String::new();
        for (place, (section, about)) in SECTIONS.iter().enumerate() {
            if place > 0 {
                text.push('\n');
            }
            beside(&mut text, Part::Section(about));
            // Writing to a string cannot fail.
            let _ = writeln!(text, "[{section}]");
            for key in KEYS.iter().filter(|key| key.section == *section) {
                beside(&mut text, Part::Key(key));
                match value::toml_text(&mut config, key) {
                    Some(value) => {
                        let _ = writeln!(text, "{} = {value}", key.name);
                    }
                    None => beside(&mut text, Part::LeftOut(key)),
                }
            }
        }
        for (detector, table) in detect_keys::tables() {
            text.push('\n');
            match detector {
                "" => {
                    beside(&mut text, Part::Section(detect_keys::ABOUT));
                    let _ = writeln!(text, "[{DETECT}]");
                }
                _ => {
                    let _ = writeln!(text, "[{DETECT}.{detector}]");
                }
            }
            for parameter in &table {
                beside(&mut text, Part::Parameter(parameter));
                let value = detect_keys::toml_text(&self.detect.0, detector, parameter);
                let _ = writeln!(text, "{} = {value}", parameter.name);
            }
        }
        for feed in &mut config.feeds {
            let _ = write!(text, "\n[[{FEEDS}]]\n");
            for key in &FEED_KEYS {
                let value = value::toml_text(feed, key).unwrap_or_default();
                let _ = writeln!(text, "{} = {value}", key.name);
            }
        }
        text
    }
}

/// What each key of a feed means; as a table to be filled in, where the configuration has no feed.
fn feeds_explained(has_example: bool) -> String {
    let mut text = String::from("\n");
    for line in feed_keys::ABOUT {
        comment(&mut text, line);
    }
    let mut defaults = LiveFeed::default();
    if has_example {
        comment(&mut text, &format!("[[{FEEDS}]]"));
    }
    for key in &FEED_KEYS {
        let about = key.about.iter().map(|line| String::from(*line));
        let rules = rules(&mut defaults, key);
        for line in about.chain(rules) {
            comment(&mut text, &format!("  {line}"));
        }
        let value = value::toml_text(&mut defaults, key).unwrap_or_default();
        comment(&mut text, &format!("{} = {value}", key.name));
    }
    text
}

/// What a comment can stand beside.
enum Part<'a> {
    Section(&'static str),
    Key(&'static Key),
    Parameter(&'a Parameter),
    LeftOut(&'static Key),
}

fn comment(text: &mut String, line: &str) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, "# {line}");
}

/// The range and default of a key.
fn rules<T>(defaults: &mut T, key: &Key<T>) -> Vec<String> {
    let default = value::toml_text(defaults, key);
    let default = default.as_deref();
    let range = key.numbers.text();
    match (key.slot)(defaults) {
        Slot::Word(choice) => {
            let words = choice.words().iter().map(|(word, does)| {
                let mark = if *word == choice.word() { " (default)" } else { "" };
                format!("  \"{word}\"{mark}: {does}")
            });
            words.collect()
        }
        Slot::U32(_) | Slot::U64(_) | Slot::Span(_) => {
            vec![format!("{}; default {}.", capitalised(&range), default.unwrap_or_default())]
        }
        Slot::Core(_) | Slot::Cores(_) => {
            vec![format!("{}; not pinned where left out, the default.", capitalised(&range))]
        }
        Slot::Spans(_) => vec![format!("Each {range}.")],
        Slot::Text(_)
        | Slot::Ip(_)
        | Slot::Sender(_)
        | Slot::Endpoint(_)
        | Slot::Endpoints(_)
        | Slot::Flag(_)
        | Slot::Feed(_)
        | Slot::Dir(_)
        | Slot::File(_)
        | Slot::Variable(_) => {
            vec![format!("Default {}.", default.unwrap_or_default())]
        }
    }
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
