//! One session run by the binary in many ways: in each topology, from a file, compressed, paced, as
//! captures of other packets and from its own journal. All must come to the same.
//!
//! What is compared is what people rely on: the state hash, the digests on record, and the outputs
//! byte for byte. The first run is what the others are held to; its session stays, since the journal of
//! it is replayed too.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, BufReader, Read, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;

use crate::capture;

/// How the engine is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// On one thread.
    Inline,
    /// With so many shards on threads of their own.
    Pipelined(u32),
}

impl Layout {
    /// Those in which every session must come to the same.
    pub const ALL: [Layout; 5] = [
        Layout::Inline,
        Layout::Pipelined(1),
        Layout::Pipelined(2),
        Layout::Pipelined(3),
        Layout::Pipelined(7),
    ];

    fn args(self) -> Vec<OsString> {
        match self {
            Layout::Inline => vec!["--topology".into(), "inline".into()],
            Layout::Pipelined(shards) => vec![
                "--topology".into(),
                "pipelined".into(),
                "--shards".into(),
                shards.to_string().into(),
            ],
        }
    }
}

impl core::fmt::Display for Layout {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Layout::Inline => f.write_str("inline"),
            Layout::Pipelined(shards) => write!(f, "pipelined, {shards} shard(s)"),
        }
    }
}

/// Where the session comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// Files or captures, at full speed.
    Files(Vec<PathBuf>),
    /// A file at a multiple of its own pace.
    Paced(PathBuf),
    /// The journal of the first run.
    Journal,
}

/// An input and what it is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Way {
    /// For people.
    pub name: &'static str,
    /// The input.
    pub input: Input,
}

impl Way {
    /// Makes every way in which a session given as BinaryFILE can come, in `directory`.
    ///
    /// # Errors
    /// The files cannot be written, or the session ends within a message.
    pub fn all(messages: &[u8], directory: &Path) -> io::Result<Vec<Way>> {
        let path = |name: &str| directory.join(name);
        let [file, gzip, capture, a, b] =
            ["session.itch", "session.itch.gz", "lines.pcap", "a.pcap", "b.pcap"].map(path);
        fs::write(&file, messages)?;
        let mut encoder = GzEncoder::new(File::create(&gzip)?, Compression::fast());
        encoder.write_all(messages)?;
        encoder.finish()?;
        capture::write_one(messages, 1, &capture)?;
        capture::write_a_line_each(messages, 2, [&a, &b])?;
        let way = |name, input| Way { name, input };
        Ok(vec![
            way("file", Input::Files(vec![file.clone()])),
            way("file, paced", Input::Paced(file)),
            way("file.gz", Input::Files(vec![gzip])),
            way("capture of two lines", Input::Files(vec![capture])),
            way("capture of each line", Input::Files(vec![a, b])),
            way("journal", Input::Journal),
        ])
    }
}

/// What one run came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Which run.
    pub name: String,
    /// As the summary has it.
    pub state_hash: String,
    /// Messages read.
    pub messages: u64,
    /// What is not as in the first run.
    pub differs: Vec<&'static str>,
}

/// The outputs that are compared.
const OUTPUTS: [&str; 7] = [
    "report/symbols.csv",
    "report/trades.csv",
    "report/bbo.csv",
    "report/bars.csv",
    "report/late_windows.csv",
    "report/alerts.jsonl",
    "hashes",
];

/// Runs and compares. Everything lies in one directory, which is the caller's.
#[derive(Debug)]
pub struct Comparison {
    binary: PathBuf,
    directory: PathBuf,
    /// Further arguments of each run.
    more: Vec<OsString>,
    /// Further arguments of runs that read files.
    of_files: Vec<OsString>,
    first: Option<First>,
}

#[derive(Debug)]
struct First {
    row: Row,
    session: PathBuf,
    /// Exchange time from the first message to the last, ns.
    span_ns: u64,
    elapsed_s: f64,
}

impl Comparison {
    /// Runs `binary` with the arguments `more` in each run and `of_files` where it reads files.
    #[must_use]
    pub fn new(binary: &Path, directory: &Path, more: &[&str], of_files: &[&str]) -> Comparison {
        let words = |words: &[&str]| words.iter().map(OsString::from).collect();
        Comparison {
            binary: binary.to_owned(),
            directory: directory.to_owned(),
            more: words(more),
            of_files: words(of_files),
            first: None,
        }
    }

    /// The directory of the first run's session.
    #[must_use]
    pub fn first_session(&self) -> Option<&Path> {
        self.first.as_ref().map(|first| first.session.as_path())
    }

    /// Runs one way in one layout, recorded, and compares it with the first run.
    ///
    /// # Errors
    /// The run does not end well, or its outputs cannot be read.
    pub fn run(&mut self, way: &Way, layout: Layout) -> io::Result<Row> {
        let name = format!("{}, {layout}", way.name);
        let session = self.directory.join(if self.first.is_none() { "first" } else { "other" });
        let ended = self.command(way, layout, &session)?.output()?;
        let told = || {
            let stderr = String::from_utf8_lossy(&ended.stderr);
            io::Error::other(format!("{name}: {}", stderr.trim_end()))
        };
        if !ended.status.success() {
            return Err(told());
        }
        let summary: Value = serde_json::from_slice(&ended.stdout)?;
        let figure = |key: &str| summary[key].as_u64().ok_or_else(told);
        let state_hash = summary["state_hash"].as_str().ok_or_else(told)?.to_owned();
        let mut row = Row {
            name: name.clone(),
            state_hash,
            messages: figure("messages")?,
            differs: Vec::new(),
        };
        let Some(first) = &self.first else {
            let span_ns = figure("last_ts_ns")?.saturating_sub(figure("first_ts_ns")?);
            let elapsed_s = summary["elapsed_s"].as_f64().ok_or_else(told)?;
            self.first = Some(First { row: row.clone(), session, span_ns, elapsed_s });
            return Ok(row);
        };
        if row.state_hash != first.row.state_hash {
            row.differs.push("state hash");
        }
        for output in OUTPUTS {
            if !are_equal(&first.session.join(output), &session.join(output))? {
                row.differs.push(output);
            }
        }
        fs::remove_dir_all(&session)?;
        Ok(row)
    }

    fn command(&self, way: &Way, layout: Layout, session: &Path) -> io::Result<Command> {
        let mut command = Command::new(&self.binary);
        command.args(["replay", "--trades", "--bbo", "--bar", "1s", "--bar", "1m", "--json"]);
        command.args(["--quiet", "--session"]);
        command.arg(session).args(layout.args()).args(&self.more).stdin(Stdio::null());
        let first = || self.first.as_ref().ok_or_else(|| io::Error::other("nothing was run yet"));
        match &way.input {
            Input::Files(paths) => command.args(paths).args(&self.of_files),
            Input::Paced(path) => {
                let speed = first()?.paced_speed();
                command.arg(path).args(&self.of_files).args(["--speed", &speed])
            }
            Input::Journal => command.arg(&first()?.session),
        };
        Ok(command)
    }
}

impl First {
    /// A multiple at which the session takes longer than flat out, but not much.
    fn paced_speed(&self) -> String {
        let aim_s = (2.0 * self.elapsed_s).max(0.2);
        let multiple = (self.span_ns as f64 / 1e9 / aim_s).ceil().clamp(1.0, 999_999_999.0);
        format!("{}x", multiple as u64)
    }
}

/// Whether two files hold the same bytes.
fn are_equal(one: &Path, other: &Path) -> io::Result<bool> {
    let open = |path: &Path| {
        let said = |error: io::Error| io::Error::other(format!("{}: {error}", path.display()));
        let file = File::open(path).map_err(said)?;
        Ok::<_, io::Error>((file.metadata()?.len(), BufReader::with_capacity(1 << 16, file)))
    };
    let ((one_bytes, one), (other_bytes, other)) = (open(one)?, open(other)?);
    if one_bytes != other_bytes {
        return Ok(false);
    }
    let mut others = other.bytes();
    for byte in one.bytes() {
        if others.next().transpose()? != Some(byte?) {
            return Ok(false);
        }
    }
    Ok(true)
}
