//! The whole configured engine: a session being recorded, and replayed from a file and its journal.
//!
//! Everything lies in one folder (see [`super::place`]): the input as a plain file, one recorded
//! session, and the session of the pass that runs. A recording is made, and its first segments are
//! prepared, before the clock starts, as they are in a live engine; it is sealed after the clock
//! has stopped, which is when every message is journaled and applied. Every pass must lead to the
//! same state. The folder is removed at the end, also after Ctrl-C; a killed process leaves it.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use engine::detect::Settings;
use engine::packet::Arrival;
use engine::state::StateHash;
use feed_handlers::input::{Format, InputSource};
use serde_json::{Value, json};

use crate::bench::input::Tape;
use crate::bench::pipeline::{self, Pipeline, on_a_thread};
use crate::bench::{poller, stages};
use crate::config::{Config, Place};
use crate::console::Console;
use crate::exit::Failure;
use crate::folder::Folder;
use crate::replay::faults;
use crate::replay::source::ReplaySource;
use crate::session_dir::SessionDir;

/// Who looks at the engine while it records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    /// It has no board.
    Nobody,
    /// It has a board, where it is configured so, and nobody looks.
    Board,
    /// Somebody reads every quote on it as fast as can be.
    Polled,
}

/// See the module.
pub(super) struct Whole {
    tape: Tape,
    config: Config,
    folder: Folder,
    /// What the first pass led to.
    hash: OnceLock<StateHash>,
}

impl Whole {
    /// Writes the input to a file and records it once. `place` is where the sessions lie.
    pub(super) fn prepare(tape: Tape, config: Config, place: &Path) -> Result<Whole, Failure> {
        let path = place.join(format!("tapewatch-bench-{}", std::process::id()));
        let cannot = |error: io::Error| {
            Failure::usage(format_args!(
                "cannot write to {}: {error}; make room or name another place with --session-dir",
                path.display()
            ))
        };
        fs::create_dir_all(&path).map_err(cannot)?;
        let folder = Folder(path.clone());
        fs::write(folder.0.join("input.itch"), &tape.bytes).map_err(cannot)?;
        let whole = Whole { tape, config, folder, hash: OnceLock::new() };
        whole.record_as("session", Seen::Board, true)?;
        Ok(whole)
    }

    /// The input.
    pub(super) fn tape(&self) -> &Tape {
        &self.tape
    }

    /// The state that every pass led to.
    pub(super) fn hash(&self) -> Option<StateHash> {
        self.hash.get().copied()
    }

    /// Whether a recording has a board.
    pub(super) fn has_board(&self) -> bool {
        self.config.board.enabled
    }

    /// A session being recorded.
    pub(super) fn record(&self, seen: Seen) -> Result<Duration, Failure> {
        let _removed = Folder(self.folder.0.join("recording"));
        self.record_as("recording", seen, true)
    }

    /// A session being recorded without detectors and a board: other state, which is not compared.
    pub(super) fn record_undetected(&self) -> Result<Duration, Failure> {
        let _removed = Folder(self.folder.0.join("recording"));
        self.record_as("recording", Seen::Nobody, false)
    }

    /// A replay of the input from a plain file in the folder.
    pub(super) fn replay_file(&self) -> Result<Duration, Failure> {
        let input = self.folder.0.join("input.itch");
        self.replay(|| {
            let mut source = InputSource::open(std::slice::from_ref(&input), Format::Itch)
                .map_err(|error| faults::of(&error))?;
            source.set_midnight(self.tape.midnight());
            Ok(ReplaySource::Files(Box::new(source)))
        })
    }

    /// A replay of the recorded session.
    pub(super) fn replay_journal(&self) -> Result<Duration, Failure> {
        let session = self.folder.0.join("session");
        let made_by = self.config.made_by(&[]);
        self.replay(|| Ok(ReplaySource::session(&SessionDir::open(&session)?, &made_by)?.0))
    }

    fn record_as(&self, name: &str, seen: Seen, detects: bool) -> Result<Duration, Failure> {
        let mut config = self.config.clone();
        if !detects {
            config.detect.0 = Settings::off();
        }
        config.board.enabled &= seen != Seen::Nobody;
        on_a_thread(|| {
            let (path, day) = (self.folder.0.join(name), self.tape.day);
            // What is to be noted was noted once.
            let silent = Console::new(true, false);
            let mut pipeline = Pipeline::begin(&path, day, &config, false, silent)?;
            let poller = pipeline.board().filter(|_| seen == Seen::Polled).map(poller::start);
            let poller = poller.transpose()?;
            let start = Instant::now();
            let mut pushed = Ok(());
            stages::walk(&self.tape, |packet| {
                pushed = pipeline.packet(packet);
                pushed.is_ok()
            });
            let drained = pipeline.drain()?;
            let elapsed = start.elapsed();
            pushed?;
            drop(poller);
            let ended = drained.end()?;
            if detects {
                self.must_be_the_same(ended.hash)?;
            }
            Ok(elapsed)
        })
    }

    fn replay(
        &self,
        open: impl Fn() -> Result<ReplaySource, Failure> + Sync,
    ) -> Result<Duration, Failure> {
        on_a_thread(|| {
            let mut engine = pipeline::engine(self.tape.day, &self.config, |_| None)?;
            let start = Instant::now();
            let mut source = open()?;
            loop {
                match source.next()? {
                    Arrival::Packet(packet) => engine.push(&packet).map_err(|_| cut_short())?,
                    Arrival::Gap { feed, first, end } => {
                        engine.gap(feed, first, end).map_err(|_| cut_short())?;
                    }
                    Arrival::End => break,
                    // A file gives nothing else.
                    _ => {}
                }
            }
            let drained = engine.drain().map_err(|failed| faults::stage_failed(&failed))?;
            let elapsed = start.elapsed();
            self.must_be_the_same(drained.hashed().hash)?;
            Ok(elapsed)
        })
    }

    /// A pass that led elsewhere did not do the same work.
    fn must_be_the_same(&self, hash: StateHash) -> Result<(), Failure> {
        if *self.hash.get_or_init(|| hash) == hash {
            return Ok(());
        }
        Err(Failure::no(
            "two passes over the same input led to different states; this is a bug, please report it",
        ))
    }

    /// How the engine is laid out and journals, for programs.
    pub(super) fn json(&self) -> Value {
        let Config { engine, journal, .. } = &self.config;
        json!({
            "topology": engine.topology.name(),
            "shards": engine.shards,
            "journal": {
                "place": journal.place.name(),
                "append": journal.append.name(),
                "sync": journal.sync.name(),
                "segment_bytes": journal.segment_bytes,
                "written_in": self.written_in().display().to_string(),
                "session_dir": self.place().display().to_string(),
            },
        })
    }

    /// The same in a line for people.
    pub(super) fn line(&self) -> String {
        let Config { engine, journal, .. } = &self.config;
        let carried = match journal.place {
            Place::Disk => String::new(),
            Place::Memory => format!(", carried to {}", self.place().display()),
        };
        format!(
            "pipeline: {}, {} shard(s); journal in {}{carried}, append {}, sync {}; from_file, from_journal: without a journal",
            engine.topology.name(),
            engine.shards,
            self.written_in().display(),
            journal.append.name(),
            journal.sync.name(),
        )
    }

    fn place(&self) -> &Path {
        self.folder.0.parent().unwrap_or(&self.folder.0)
    }

    /// Where segments are appended to.
    fn written_in(&self) -> &Path {
        match self.config.journal.place {
            Place::Disk => self.place(),
            Place::Memory => &self.config.journal.memory_dir,
        }
    }
}

/// The input was read whole and is of one day: only a stage that failed stops it, which is told when
/// the stages are taken apart.
fn cut_short() -> Failure {
    Failure::no("a pass ended before its input did; this is a bug, please report it")
}
