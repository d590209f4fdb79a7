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
use std::thread;
use std::time::{Duration, Instant};

use engine::packet::Arrival;
use engine::pipeline::selection::Selection;
use engine::shard::{Observer, ShardPlace};
use engine::state::StateHash;
use feed_handlers::input::{Format, InputSource};
use serde_json::{Value, json};

use crate::bench::input::Tape;
use crate::bench::poller::Poller;
use crate::bench::stages;
use crate::board::Watch;
use crate::config::{Config, Place};
use crate::console::Console;
use crate::day::TradingDay;
use crate::exit::Failure;
use crate::folder::Folder;
use crate::recording::description::Description;
use crate::recording::{self, Recording};
use crate::replay::engine::{Drained, Engine, Start};
use crate::replay::faults;
use crate::replay::source::ReplaySource;
use crate::session_dir::SessionDir;

/// A journal's segments are prepared when there has been no new one for this long.
const PREPARED_AFTER: Duration = Duration::from_millis(100);

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
        whole.record_as("session", Seen::Board)?;
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
        self.record_as("recording", seen)
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

    fn record_as(&self, name: &str, seen: Seen) -> Result<Duration, Failure> {
        let mut config = self.config.clone();
        config.board.enabled &= seen != Seen::Nobody;
        on_a_thread(|| {
            let path = self.folder.0.join(name);
            let (_removed, mut recording) = begin(&path, self.tape.day, &config)?;
            let silent = Console::new(true, false);
            let mut watch = Watch::begin(&config, Some(&recording), self.tape.day, false, silent);
            let mut engine = engine(&config, &self.tape, |place| watch.publisher(place))?;
            recording.keep();
            if watch.is_on() {
                let rings = engine.take_gauges();
                watch.keep(recording.kept(recording.output_tails(), None, rings), silent);
            }
            let is_polled = seen == Seen::Polled && watch.is_on();
            let poller = recording.board().filter(|_| is_polled).map(Poller::start);
            let poller = poller.transpose()?;
            let start = Instant::now();
            let mut pushed = Ok(());
            stages::walk(&self.tape, |packet| {
                watch.received();
                pushed = recording.packet(packet).and_then(|_taken| {
                    watch.accepted(packet, engine.sequencer().position(), false);
                    engine.push(packet).map_err(|_| cut_short())
                });
                watch.pushed(packet, &engine);
                pushed.is_ok()
            });
            let drained = drain(engine)?;
            let elapsed = start.elapsed();
            pushed?;
            if let Some(poller) = poller {
                poller.end()?;
            }
            let (drained, publishers) = drained.split();
            watch.end(publishers, drained.shards());
            recording.end(0)?;
            self.must_be_the_same(drained)?;
            Ok(elapsed)
        })
    }

    fn replay(
        &self,
        open: impl Fn() -> Result<ReplaySource, Failure> + Sync,
    ) -> Result<Duration, Failure> {
        on_a_thread(|| {
            let mut engine = engine(&self.config, &self.tape, |_| ())?;
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
            let drained = drain(engine)?;
            let elapsed = start.elapsed();
            self.must_be_the_same(drained)?;
            Ok(elapsed)
        })
    }

    /// A pass that led elsewhere did not do the same work.
    fn must_be_the_same<O>(&self, drained: Drained<O, ()>) -> Result<(), Failure> {
        let hash = drained.hashed().hash;
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

/// Begins to record a session of `day` in `path`, its first segments prepared; what of it would stay in
/// memory after a fault goes with the folder.
pub(super) fn begin(
    path: &Path,
    day: TradingDay,
    config: &Config,
) -> Result<(Folder, Recording), Failure> {
    let id = recording::new_id()?;
    // Removed by an orderly end; after a fault it would stay.
    let removed = Folder(config.journal.memory_dir.join(format!("tapewatch-{id}")));
    let description = Description { id, day, symbols: Vec::new(), config: config.clone() };
    let recording = Recording::begin(path, description, false)?;
    wait_until_prepared(&recording.written_in());
    Ok((removed, recording))
}

/// `work` on a thread of its own, whose core it may set.
pub(super) fn on_a_thread<T: Send>(
    work: impl FnOnce() -> Result<T, Failure> + Send,
) -> Result<T, Failure> {
    thread::scope(|scope| {
        let started = thread::Builder::new().name(String::from("ingest")).spawn_scoped(scope, work);
        let started = started.map_err(|error| {
            Failure::usage(format_args!("cannot start a thread: {error}; raise `ulimit -u`"))
        })?;
        started.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

/// An engine without anybody who listens to it.
fn engine<O: Observer + Send + 'static>(
    config: &Config,
    tape: &Tape,
    observers: impl FnMut(ShardPlace) -> O,
) -> Result<Engine<((), O), ()>, Failure> {
    let mut observers = observers;
    // What is to be noted was noted once.
    let silent = Console::new(true, false);
    let start = Start::of_day(tape.midnight(), Selection::all());
    Engine::start(config, start, |place| ((), observers(place)), (), silent)
}

fn drain<O: Observer + Send + 'static>(engine: Engine<O, ()>) -> Result<Drained<O, ()>, Failure> {
    engine.drain().map_err(|failed| faults::stage_failed(&failed))
}

/// The input was read whole and is of one day: only a stage that failed stops it, which is told when
/// the stages are taken apart.
fn cut_short() -> Failure {
    Failure::no("a pass ended before its input did; this is a bug, please report it")
}

/// Waits until the keeper of a journal in `directory` has prepared what it prepares.
fn wait_until_prepared(directory: &Path) {
    let segments = || fs::read_dir(directory).map_or(0, Iterator::count);
    let mut seen = (segments(), Instant::now());
    while seen.1.elapsed() < PREPARED_AFTER {
        thread::sleep(Duration::from_millis(5));
        let now = segments();
        if now != seen.0 {
            seen = (now, Instant::now());
        }
    }
}
