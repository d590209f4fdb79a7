//! A recorded session's directory, for reading: its description, its journal's places, its hashes.
//!
//! What is written there is told in [`recording`](crate::recording). A session whose writer died has
//! a `lock` still, which says where its memory lies; one that is being written, too.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use engine::log::SessionId;
use engine::log::archive::key::ArchiveKey;
use engine::log::directories::LogDirectories;
use engine::log::storage::Directory;
use engine::snapshot::Shelf;
use toml::{Table, Value};

use crate::archive_key;
use crate::config::Config;
use crate::day::TradingDay;
use crate::exit::Failure;
use crate::recording::description::{FORMAT_VERSION, PROTOCOL};
use crate::recording::dir::{is_locked, memory_told};
use crate::recording::follower;

/// See the module.
#[derive(Clone, Debug)]
pub(crate) struct SessionDir {
    path: PathBuf,
    text: String,
    id: SessionId,
    day: TradingDay,
    symbols: Vec<String>,
    state: String,
    over_capacity: u64,
    memory: Option<PathBuf>,
}

impl SessionDir {
    /// Whether its writer is at work.
    pub(crate) fn is_being_recorded(&self) -> bool {
        is_locked(&self.path)
    }

    /// Reads the description of the session in `path`.
    pub(crate) fn open(path: &Path) -> Result<SessionDir, Failure> {
        let name = path.join("session.toml");
        let text = fs::read_to_string(&name).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => Failure::usage(format_args!(
                "{} is no session: it has no session.toml; name the directory given to --session",
                path.display()
            )),
            _ => Failure::usage(format_args!(
                "cannot read {}: {error}; check the path and its permissions",
                name.display()
            )),
        })?;
        let wrong = |what: &str| {
            Failure::usage(format_args!(
                "{}: {what}; restore the file, the journal's first record holds its text",
                name.display()
            ))
        };
        let table: Table = text.parse().map_err(|error: toml::de::Error| wrong(error.message()))?;
        let session = table
            .get("session")
            .and_then(Value::as_table)
            .ok_or_else(|| wrong("it has no section [session]"))?;
        let version = session.get("format_version").and_then(Value::as_integer).unwrap_or(0);
        if version > i64::from(FORMAT_VERSION) {
            return Err(Failure::usage(format_args!(
                "{}: session format version {version}, this program reads up to {FORMAT_VERSION}; use a newer tapewatch",
                name.display()
            )));
        }
        let word = |key: &str| session.get(key).and_then(Value::as_str).unwrap_or_default();
        let protocol = word("protocol");
        if protocol != PROTOCOL {
            return Err(Failure::usage(format_args!(
                "{}: protocol \"{protocol}\", this program decodes \"{PROTOCOL}\"",
                name.display()
            )));
        }
        let id = id(word("id")).ok_or_else(|| wrong("id is not 32 hexadecimal digits"))?;
        let day =
            TradingDay::parse(word("date")).map_err(|error| wrong(&format!("date: {error}")))?;
        let symbols = session.get("symbols").and_then(Value::as_array);
        let symbols = symbols.into_iter().flatten().filter_map(Value::as_str);
        Ok(SessionDir {
            symbols: symbols.map(str::to_owned).collect(),
            state: word("state").to_owned(),
            over_capacity: session
                .get("over_capacity")
                .and_then(Value::as_integer)
                .and_then(|count| u64::try_from(count).ok())
                .unwrap_or(0),
            memory: memory_told(path),
            path: path.to_owned(),
            text,
            id,
            day,
        })
    }

    /// The directory.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The session's id.
    pub(crate) fn id(&self) -> SessionId {
        self.id
    }

    /// Refuses a journal of another session than the one described.
    pub(crate) fn refuse_another(&self, found: SessionId) -> Result<(), Failure> {
        if found == self.id {
            return Ok(());
        }
        Err(Failure::usage(format_args!(
            "the journal in {} is of session {found}, its session.toml says {}; put together what belongs together",
            self.path.display(),
            self.id
        )))
    }

    /// The shards it was recorded with.
    pub(crate) fn shards(&self) -> usize {
        self.config(&[]).map_or(1, |config| config.engine.shards as usize)
    }

    /// How many feeds it has.
    pub(crate) fn feed_count(&self) -> u16 {
        self.config(&[]).map_or(1, |config| config.feed_count())
    }

    /// How often a limit was met while it was recorded.
    pub(crate) fn over_capacity(&self) -> u64 {
        self.over_capacity
    }

    /// Whether `text`, the journal's first record, is `session.toml` as it was when the session began.
    pub(crate) fn began_as(&self, text: &str) -> bool {
        // What changes when a session ends.
        let changes =
            |line: &&str| line.starts_with("state = ") || line.starts_with("over_capacity = ");
        let same = |text: &str| -> Vec<String> {
            text.lines().filter(|line| !changes(line)).map(str::to_owned).collect()
        };
        same(text) == same(&self.text)
    }

    /// `session.toml` with a state that lets the session go on.
    pub(crate) fn text_of_incomplete(&self) -> String {
        self.text.replacen("state = \"complete\"", "state = \"incomplete\"", 1)
    }

    /// Its day.
    pub(crate) fn day(&self) -> TradingDay {
        self.day
    }

    /// The symbols that were computed; none for all.
    pub(crate) fn symbols(&self) -> &[String] {
        &self.symbols
    }

    /// `recording`, `complete` or `incomplete`, as its writer left it.
    pub(crate) fn state(&self) -> &str {
        &self.state
    }

    /// The configuration it was recorded under, with `set` (`KEY=VALUE` each) over it.
    pub(crate) fn config(&self, set: &[String]) -> Result<Config, Failure> {
        let name = self.path.join("session.toml");
        Config::from_toml(&self.text, &["session"], set).map_err(|faults| {
            let first = faults.first().map_or_else(String::new, |fault| fault.text(Some(&name)));
            Failure::usage(format_args!("{first}; `tapewatch config print` shows every key"))
        })
    }

    /// The key of its archived segments, if its configuration names one.
    fn key(&self) -> Result<Option<Arc<ArchiveKey>>, Failure> {
        archive_key::named_in(&self.config(&[])?)
    }

    /// Where the journal's segments lie, and the key of those that are encrypted.
    pub(crate) fn journal_directories(&self) -> Result<LogDirectories<Directory>, Failure> {
        let disk = Directory::new(self.path.join("journal")).with_key(self.key()?);
        Ok(match &self.memory {
            Some(memory) => LogDirectories::disk_and_memory(disk, Directory::new(memory)),
            None => LogDirectories::disk(disk),
        })
    }

    /// Where the output log's segments lie: in memory beside the journal's.
    pub(crate) fn output_directories(&self) -> Result<LogDirectories<Directory>, Failure> {
        let disk = Directory::new(self.path.join("output")).with_key(self.key()?);
        Ok(match self.memory.as_deref().and_then(Path::parent) {
            Some(memory) => {
                LogDirectories::disk_and_memory(disk, Directory::new(memory.join("output")))
            }
            None => LogDirectories::disk(disk),
        })
    }

    /// The directories of the journal that there may be.
    pub(crate) fn journal_paths(&self) -> Vec<PathBuf> {
        let memory = self.memory.iter().cloned();
        memory.chain([self.path.join("journal")]).collect()
    }

    /// The session's snapshots, and the key of those that are encrypted.
    pub(crate) fn shelf(&self) -> Result<Shelf<Directory>, Failure> {
        Ok(follower::shelf(&self.path, self.key()?))
    }

    /// The `hashes` file, which may be absent.
    pub(crate) fn hashes(&self) -> PathBuf {
        self.path.join("hashes")
    }
}

/// An id from its 32 digits.
fn id(digits: &str) -> Option<SessionId> {
    if digits.len() != 32 || !digits.is_ascii() {
        return None;
    }
    let mut bytes = [0; 16];
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(digits.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    Some(SessionId(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::Status;
    use crate::recording::description::{Description, Recorded};

    fn description() -> Description {
        Description {
            id: SessionId([0x1f; 16]),
            day: TradingDay::parse("2019-12-30").unwrap(),
            symbols: vec![String::from("BRK.B"), String::from("A\"B")],
            config: Config::load(None, &[String::from("journal.sync=batch")]).unwrap(),
        }
    }

    #[test]
    fn what_was_described_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let text = description().text(Recorded::Complete, 0);
        fs::write(dir.path().join("session.toml"), &text).unwrap();
        let session = SessionDir::open(dir.path()).unwrap();
        assert_eq!(session.id(), SessionId([0x1f; 16]));
        assert_eq!(session.day().to_string(), "2019-12-30");
        assert_eq!(session.symbols(), ["BRK.B", "A\"B"]);
        assert_eq!(session.state(), "complete");
        assert_eq!(session.config(&[]).unwrap(), description().config);
        assert_eq!(session.journal_paths(), [dir.path().join("journal")]);
        fs::write(dir.path().join("lock"), "pid = 1\nmemory = \"/m/journal\"\n").unwrap();
        let session = SessionDir::open(dir.path()).unwrap();
        assert_eq!(session.journal_paths(), [Path::new("/m/journal"), &dir.path().join("journal")]);
    }

    #[test]
    fn what_is_no_session_of_ours_is_told_in_one_line() {
        let dir = tempfile::tempdir().unwrap();
        let line_of = |text: Option<&str>| {
            let name = dir.path().join("session.toml");
            let _ = fs::remove_file(&name);
            if let Some(text) = text {
                fs::write(&name, text).unwrap();
            }
            let failure = SessionDir::open(dir.path()).unwrap_err();
            assert_eq!(failure.status, Status::Usage);
            failure.line
        };
        assert!(line_of(None).contains("no session.toml"));
        assert!(line_of(Some("x = ")).contains("session.toml"));
        assert!(line_of(Some("x = 1")).contains("no section [session]"));
        let text = description().text(Recorded::Recording, 0);
        let changed = |from: &str, to: &str| line_of(Some(&text.replacen(from, to, 1)));
        assert!(changed("format_version = 1", "format_version = 2").contains("newer tapewatch"));
        assert!(changed("\"itch50\"", "\"pitch\"").contains("protocol \"pitch\""));
        assert!(changed("1f1f", "1fxf").contains("32 hexadecimal digits"));
        assert!(changed("2019-12-30", "2019-12-32").contains("date"));
    }
}
