//! From text to a [`Config`]: the file, then what `--set` says, then what does not go together.
//!
//! Reading goes on after a fault, so that all of them are told at once. A line that is no TOML is
//! told once, and what might follow from it there is not told again.

use std::collections::BTreeMap;

use toml::de::{DeTable, DeValue};

use super::clashes;
use super::detect_keys::{self, DETECT};
use super::fault::{Fault, Given};
use super::feed_keys::{self, FEEDS};
use super::keys::{self, Key, SECTIONS, Slot};
use super::live_feed::{FEEDS_MAX, LiveFeed};
use super::model::Config;
use super::suggest;
use super::value;

/// Reads `text` and applies `set` (`KEY=VALUE` each) over it. Sections in `beside` are somebody
/// else's and left alone.
pub(super) fn read(text: &str, beside: &[&str], set: &[String]) -> (Config, Vec<Fault>) {
    let mut reader =
        Reader { text, config: Config::default(), given: BTreeMap::new(), faults: Vec::new() };
    reader.file(beside);
    for given in set {
        reader.set(given);
    }
    reader.clashes();
    let Reader { config, mut faults, .. } = reader;
    faults.sort_by(|a, b| a.given.cmp(&b.given));
    (config, faults)
}

/// Faults of lines that are no TOML, by line.
type Broken = BTreeMap<usize, Fault>;

/// Adds `errors`, the first of each line: one slip often upsets the parser several times.
fn add_broken(broken: &mut Broken, text: &str, errors: impl IntoIterator<Item = toml::de::Error>) {
    for error in errors {
        let span = error.span().unwrap_or(0..0);
        let given = Given::at(text, span.start);
        let at = text.get(span).filter(|at| !at.trim().is_empty());
        let what = match at {
            Some(at) => format!("{} at `{}`", error.message(), value::cut(at)),
            None => error.message().to_owned(),
        };
        broken.entry(given.line()).or_insert(Fault { given, key: None, what });
    }
}

/// Whether the error is about the tables rather than the text.
fn is_duplicate(error: &toml::de::Error) -> bool {
    error.message() == "duplicate key"
}

/// `text` with the lines of `broken` empty, section headers aside; no byte changes its place.
fn without(text: &str, broken: &Broken) -> String {
    let mut kept = String::with_capacity(text.len());
    for (number, line) in (1..).zip(text.split_inclusive('\n')) {
        if broken.contains_key(&number) && !line.trim_start().starts_with('[') {
            let end = if line.ends_with('\n') { "\n" } else { "" };
            kept.extend(std::iter::repeat_n(' ', line.len() - end.len()));
            kept.push_str(end);
        } else {
            kept.push_str(line);
        }
    }
    kept
}

struct Reader<'t> {
    text: &'t str,
    config: Config,
    /// Where each key was given last, and whether its value was right.
    given: BTreeMap<String, (Given, bool)>,
    faults: Vec<Fault>,
}

impl Reader<'_> {
    fn file(&mut self, beside: &[&str]) {
        let mut broken = Broken::new();
        let (_, errors) = DeTable::parse_recoverable(self.text);
        add_broken(&mut broken, self.text, errors);
        // The parser finds every broken line, but leaves the table at the first one that it cannot
        // make a key and a value of. Without those lines the rest is seen too.
        let rest = without(self.text, &broken);
        let (table, errors) = DeTable::parse_recoverable(&rest);
        add_broken(&mut broken, self.text, errors.into_iter().filter(is_duplicate));

        for (name, value) in table.get_ref().iter() {
            if !beside.contains(&name.get_ref().as_ref()) {
                self.section(name.get_ref(), name.span().start, value.get_ref());
            }
        }
        self.faults.retain(|fault| !broken.contains_key(&fault.given.line()));
        self.faults.extend(broken.into_values());
    }

    /// A top-level entry, whose name stands at `offset`.
    fn section(&mut self, name: &str, offset: usize, value: &DeValue<'_>) {
        if name == FEEDS {
            return self.feeds(offset, value);
        }
        if name == DETECT
            && let DeValue::Table(table) = value
        {
            return self.detect(table);
        }
        let is_section = SECTIONS.iter().any(|(section, _)| *section == name);
        match value {
            DeValue::Table(table) if is_section => {
                for (key, value) in table.iter() {
                    self.key(name, key.get_ref(), key.span().start, value.get_ref());
                }
            }
            _ if is_section => {
                self.fault(offset, name.to_owned(), format!("must be a section, [{name}]"));
            }
            DeValue::Table(_) => self.fault(offset, value::cut(name), suggest::section(name)),
            _ => self.fault(offset, value::cut(name), suggest::key(None, name)),
        }
    }

    /// What raises an alert: what concerns no detector, and a table each.
    fn detect(&mut self, table: &DeTable<'_>) {
        for (name, value) in table.iter() {
            let offset = name.span().start;
            match value.get_ref() {
                DeValue::Table(of) => {
                    for (key, value) in of.iter() {
                        let given = Given::at(self.text, key.span().start);
                        self.put_in_detector(name.get_ref(), key.get_ref(), given, value.get_ref());
                    }
                }
                value => {
                    let given = Given::at(self.text, offset);
                    self.put_in_detector("", name.get_ref(), given, value);
                }
            }
        }
    }

    fn put_in_detector(&mut self, detector: &str, name: &str, given: Given, value: &DeValue<'_>) {
        let path = detect_keys::path(detector, name);
        let Some(parameter) = detect_keys::find(detector, name) else {
            let what = detect_keys::suggestion(&path);
            return self.faults.push(Fault { given, key: Some(value::cut(&path)), what });
        };
        let result = detect_keys::put(&mut self.config.detect.0, detector, &parameter, value);
        self.given.insert(path.clone(), (given.clone(), result.is_ok()));
        if let Err(what) = result {
            self.faults.push(Fault { given, key: Some(path), what });
        }
    }

    /// The live feeds, a table each.
    fn feeds(&mut self, offset: usize, value: &DeValue<'_>) {
        let tables = value.as_array().filter(|list| list.iter().all(|it| it.get_ref().is_table()));
        let Some(tables) = tables else {
            let what = String::from("must be tables, [[feeds]]");
            return self.fault(offset, FEEDS.to_owned(), what);
        };
        if tables.len() > FEEDS_MAX {
            let what = format!("are {}, and at most {FEEDS_MAX} are taken", tables.len());
            return self.fault(offset, FEEDS.to_owned(), what);
        }
        for (number, table) in tables.iter().enumerate() {
            let DeValue::Table(table) = table.get_ref() else { continue };
            self.config.feeds.push(LiveFeed::default());
            for (name, value) in table.iter() {
                let path = format!("{FEEDS}.{number}.{}", value::cut(name.get_ref()));
                let given = Given::at(self.text, name.span().start);
                match feed_keys::find(name.get_ref()) {
                    Some(key) => self.put_in_feed(number, key, given, value.get_ref()),
                    None => {
                        let what = suggest::feed_key(name.get_ref());
                        self.faults.push(Fault { given, key: Some(path), what });
                    }
                }
            }
        }
    }

    fn put_in_feed(
        &mut self,
        number: usize,
        key: &'static Key<LiveFeed>,
        given: Given,
        value: &DeValue<'_>,
    ) {
        let path = format!("{FEEDS}.{number}.{}", key.name);
        let result = value::put(&mut self.config.feeds[number], key, value);
        self.given.insert(path.clone(), (given.clone(), result.is_ok()));
        if let Err(what) = result {
            self.faults.push(Fault { given, key: Some(path), what });
        }
    }

    /// `feeds.N.KEY`: a key of a feed that the file has.
    fn in_feed(&self, path: &str) -> Option<(usize, &'static Key<LiveFeed>)> {
        let (number, name) = path.strip_prefix(FEEDS)?.strip_prefix('.')?.split_once('.')?;
        let number = number.parse().ok().filter(|number| *number < self.config.feeds.len())?;
        Some((number, feed_keys::find(name)?))
    }

    fn key(&mut self, section: &str, name: &str, offset: usize, value: &DeValue<'_>) {
        let Some(key) = keys::find(section, name) else {
            let path = format!("{section}.{}", value::cut(name));
            return self.fault(offset, path, suggest::key(Some(section), name));
        };
        let given = Given::at(self.text, offset);
        self.put(key, given, value);
    }

    /// One `--set`.
    fn set(&mut self, given: &str) {
        let place = Given::Set(given.to_owned());
        let Some((path, text)) = given.split_once('=') else {
            let what = String::from("is not KEY=VALUE, such as journal.sync=batch");
            return self.faults.push(Fault { given: place, key: None, what });
        };
        let (path, text) = (path.trim(), text.trim());
        if let Some((number, key)) = self.in_feed(path) {
            return match DeValue::parse(text) {
                Ok(value) => self.put_in_feed(number, key, place, value.get_ref()),
                Err(_) => self.put_in_feed(number, key, place, &DeValue::String(text.into())),
            };
        }
        if let Some(rest) = path.strip_prefix(DETECT).and_then(|rest| rest.strip_prefix('.')) {
            let (detector, name) = rest.split_once('.').unwrap_or(("", rest));
            let parsed = DeValue::parse(text);
            let value = parsed.map_or_else(|_| DeValue::String(text.into()), |it| it.into_inner());
            return self.put_in_detector(detector, name, place, &value);
        }
        let key = path.split_once('.').and_then(|(section, name)| keys::find(section, name));
        let Some(key) = key else {
            let what = suggest::path(path);
            return self.faults.push(Fault { given: place, key: Some(value::cut(path)), what });
        };
        if text.is_empty() && value::unset(&mut self.config, key) {
            self.given.insert(key.path(), (place, true));
            return;
        }
        // Words need no quotes here: what is no TOML value is text.
        match DeValue::parse(text) {
            Ok(value) => self.put(key, place, value.get_ref()),
            Err(_) => self.put(key, place, &DeValue::String(text.into())),
        }
    }

    fn put(&mut self, key: &'static Key, given: Given, value: &DeValue<'_>) {
        let result = value::put(&mut self.config, key, value);
        // What was given for a variable's name may be the key itself.
        let given = match (key.slot)(&mut self.config) {
            Slot::Variable(_) if matches!(given, Given::Set(_)) => {
                Given::Set(format!("{}=…", key.path()))
            }
            _ => given,
        };
        self.given.insert(key.path(), (given.clone(), result.is_ok()));
        if let Err(what) = result {
            self.faults.push(Fault { given, key: Some(key.path()), what });
        }
    }

    fn clashes(&mut self) {
        for clash in clashes::clashes(&self.config) {
            let given: Vec<&(Given, bool)> =
                clash.keys.iter().filter_map(|key| self.given.get(key.as_ref())).collect();
            // Of a value that is wrong already, nothing more can be said.
            if given.iter().any(|(_, right)| !right) {
                continue;
            }
            // Defaults do not clash, so at least one was given.
            let place = given.first().map(|(given, _)| given.clone());
            // A feed's table alone may clash, with what it leaves out: it is told where it stands.
            let is_feeds = clash.keys[0].starts_with(FEEDS);
            let place = place.or_else(|| is_feeds.then(|| self.place_of_feeds()));
            if let Some(given) = place {
                let key = Some(clash.keys[0].clone().into_owned());
                self.faults.push(Fault { given, key, what: clash.what });
            }
        }
    }

    fn place_of_feeds(&self) -> Given {
        Given::at(self.text, self.text.find("[[feeds]]").unwrap_or(0))
    }

    fn fault(&mut self, offset: usize, key: String, what: String) {
        let given = Given::at(self.text, offset);
        self.faults.push(Fault { given, key: Some(key), what });
    }
}
