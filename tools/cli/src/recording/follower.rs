//! The follower of a session being recorded: a cold thread that takes snapshots and writes `hashes`.
//!
//! Owns an engine of its own, inline, over the journal as it is appended; the hot threads know nothing
//! of it and never wait. It has the lowest priority that a thread can have without privileges. An engine
//! takes memory, so it is not begun before there is something to do: a session that ends before its
//! first hash point and snapshot never has one.
//!
//! **Late**: it is behind by what it has not read; the end of the session waits for it. **Full**: a
//! snapshot that cannot be written is told at the end and the next one tried. **Killed**: a snapshot is
//! whole or not there, and digests from the last snapshot on are written again.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU8, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use engine::detect::Alert;
use engine::journal::source::JournalSource;
use engine::log::archive::key::ArchiveKey;
use engine::log::directories::LogDirectories;
use engine::log::storage::Directory;
use engine::log::tails::LogTails;
use engine::market::{Cause, HashPoint, MarketListener};
use engine::pipeline::inline::Inline;
use engine::snapshot::follower::{FollowFrom, Followed, Follower, FollowerListener, Taken};
use engine::snapshot::{Shelf, Snapshot};
use engine::state::StateHash;
use engine::units::{FeedId, Nanos, Position, Sequence};
use engine::window::bars::Bar;
use feed_handlers::itch50::decode::Itch50Decoder;
use serde_json::{Value, json};

use crate::board::now_unix;
use crate::config::Config;
use crate::exit::Failure;
use crate::output::bars::BarSymbols;
use crate::replay::engine::{Start, inline_shard};
use crate::replay::faults;
use crate::replay::hashes::Hashes;
use crate::replay::select::Wanted;

/// How long nothing may come before it is looked for again.
const PERIOD: Duration = Duration::from_millis(2);

/// Bytes of a journal that a message takes at least on average, when it is guessed how many there are.
const MESSAGE_BYTES_GUESSED: u64 = 16;

/// Records between two looks at what is asked for.
const RECORDS_PER_LOOK: u32 = 64;

/// What is followed, and what becomes of it.
pub(crate) struct Follows {
    /// The journal.
    pub(crate) journal: LogDirectories<Directory>,
    /// How far it is; `None` where it is not written any more.
    pub(crate) tails: Option<LogTails>,
    /// Where snapshots go.
    pub(crate) shelf: Shelf<Directory>,
    /// The session's configuration.
    pub(crate) config: Config,
    /// When its day began.
    pub(crate) midnight: Nanos,
    /// The symbols that are computed.
    pub(crate) wanted: Wanted,
    /// What the session goes on from.
    pub(crate) start: Option<Arc<Snapshot<File>>>,
    /// Where digests go.
    pub(crate) hashes: Hashes,
}

/// What came of it.
pub(crate) struct FollowerEnd {
    /// Where digests went, for the last one.
    pub(crate) hashes: Hashes,
    /// What went wrong first.
    pub(crate) fault: Option<Failure>,
    /// For `summary.json`.
    pub(crate) json: Value,
    /// Whether all digests that were due are written, as far as that was the follower's to do.
    pub(crate) has_followed: bool,
    /// The state behind the last record, where it was computed.
    pub(crate) state: Option<(Position, StateHash)>,
}

/// How far a session has come that is at its end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reached {
    /// Position of the last message.
    pub(crate) position: Position,
    /// Messages in all.
    pub(crate) messages: u64,
}

/// Goes on.
const FOLLOWING: u8 = 0;
/// Nothing more is journaled: to the end.
const TO_THE_END: u8 = 1;
/// Nothing more is wanted.
const GIVEN_UP: u8 = 2;

/// How far a follower has come, for whoever looks from another thread.
#[derive(Default)]
pub(crate) struct Reach {
    position: AtomicU64,
    snapshot_position: AtomicU64,
    snapshot_ns: AtomicI64,
}

impl Reach {
    /// Position of the last message that it has applied; 0 before it has begun.
    pub(crate) fn position(&self) -> Position {
        Position(self.position.load(Ordering::Relaxed))
    }

    /// Position of the last message of the newest snapshot, and when it was finished, UTC epoch ns; 0
    /// where the run has taken none.
    pub(crate) fn snapshot(&self) -> (Position, Nanos) {
        let taken = Nanos(self.snapshot_ns.load(Ordering::Acquire));
        (Position(self.snapshot_position.load(Ordering::Relaxed)), taken)
    }

    fn take(&self, position: Position) {
        self.snapshot_position.store(position.0, Ordering::Relaxed);
        // Release: who sees the time sees the position.
        self.snapshot_ns.store(now_unix().0, Ordering::Release);
    }
}

/// What the thread is told.
struct Orders {
    phase: AtomicU8,
    /// Whether the session has come to something that only an engine can tell.
    must_begin: AtomicBool,
    /// What it tells.
    reach: Arc<Reach>,
}

/// See the module.
pub(crate) struct FollowerThread {
    orders: Arc<Orders>,
    thread: Option<JoinHandle<FollowerEnd>>,
    marks: Marks,
}

/// After what an engine has something to do, and from where on.
#[derive(Clone, Copy, Debug)]
struct Marks {
    hash_every: u64,
    messages_every: u64,
    /// Whether snapshots are taken by bytes or by time, too.
    is_otherwise: bool,
    from: Reached,
}

impl Marks {
    fn is_passed(&self, reached: Reached) -> bool {
        let Marks { hash_every, messages_every, from, .. } = *self;
        let lines = |position: Position| position.0.checked_div(hash_every);
        let come = reached.messages.saturating_sub(from.messages);
        lines(reached.position) != lines(from.position)
            || (messages_every > 0 && come >= messages_every)
    }

    /// Bytes of the journal before which nothing is passed, in all likelihood.
    fn bytes_before(&self) -> u64 {
        if self.is_otherwise {
            return 0;
        }
        let every = [self.hash_every, self.messages_every];
        let first = every.into_iter().filter(|every| *every > 0).min();
        first.map_or(u64::MAX, |messages| messages.saturating_mul(MESSAGE_BYTES_GUESSED))
    }
}

impl FollowerThread {
    /// Starts the thread.
    pub(crate) fn start(follows: Follows) -> Result<FollowerThread, Failure> {
        let orders = Arc::new(Orders {
            phase: AtomicU8::new(FOLLOWING),
            must_begin: AtomicBool::new(false),
            reach: Arc::default(),
        });
        let every = follows.config.snapshot_every();
        let from = follows.start.as_ref().map(|snapshot| *snapshot.head());
        let marks = Marks {
            hash_every: follows.config.hashes.every_sequences,
            messages_every: every.messages,
            is_otherwise: every.bytes > 0 || every.period.is_some(),
            from: Reached {
                position: from.map_or(Position(0), |head| head.position),
                messages: from.map_or(0, |head| head.messages),
            },
        };
        let told = orders.clone();
        let thread = thread::Builder::new()
            .name(String::from("follower"))
            .spawn(move || Following::new(follows, told, marks).run())
            .map_err(|error| {
                Failure::usage(format_args!("cannot start a thread: {error}; raise `ulimit -u`"))
            })?;
        Ok(FollowerThread { orders, thread: Some(thread), marks })
    }

    /// How far it has come.
    pub(crate) fn reach(&self) -> Arc<Reach> {
        Arc::clone(&self.orders.reach)
    }

    /// The journal is closed, and holds `reached`: waits until the follower has all of it.
    pub(crate) fn finish(mut self, reached: Reached) -> FollowerEnd {
        let must_begin = self.marks.is_passed(reached);
        self.orders.must_begin.store(must_begin, Ordering::Relaxed);
        self.join(TO_THE_END).unwrap_or_else(|| {
            unreachable!("Invariant: a follower is ended once, by this or by being dropped")
        })
    }

    fn join(&mut self, phase: u8) -> Option<FollowerEnd> {
        let thread = self.thread.take()?;
        // Release: with the phase the thread sees whether it must begin.
        self.orders.phase.store(phase, Ordering::Release);
        thread.thread().unpark();
        Some(thread.join().unwrap_or_else(|_panic| FollowerEnd {
            hashes: Hashes::Ignored,
            fault: Some(Failure::no(
                "the follower's thread has panicked: the session is journaled, its digests are not all written; go on with --resume, and report it",
            )),
            json: Value::Null,
            has_followed: false,
            state: None,
        }))
    }
}

impl Drop for FollowerThread {
    fn drop(&mut self) {
        self.join(GIVEN_UP);
    }
}

/// Hears the follower's market: writes digests, counts what goes into the output log.
struct FollowerHeard {
    hashes: Hashes,
    symbols: BarSymbols,
    outputs: u64,
}

impl MarketListener for FollowerHeard {
    fn on_hash_point(&mut self, point: &HashPoint) {
        self.hashes.on_hash_point(point);
    }

    fn on_bar(&mut self, _cause: &Cause, bar: &Bar, name: &[u8]) {
        self.outputs += u64::from(self.symbols.field(bar.symbol, name).is_some());
    }

    fn on_alert(&mut self, _cause: &Cause, _alert: &Alert, _name: &[u8]) {
        self.outputs += 1;
    }

    fn on_gap(&mut self, _cause: &Cause, _feed: FeedId, _first: Sequence, _end: Sequence) {
        self.outputs += 1;
    }
}

impl FollowerListener for FollowerHeard {
    fn outputs(&self) -> u64 {
        self.outputs
    }

    fn make_durable(&mut self) -> io::Result<()> {
        self.hashes.make_durable()
    }
}

/// The thread's side.
struct Following {
    follows: Follows,
    orders: Arc<Orders>,
    marks: Marks,
    taken: Vec<Taken>,
    fault: Option<Failure>,
}

impl Following {
    fn new(follows: Follows, orders: Arc<Orders>, marks: Marks) -> Following {
        Following { follows, orders, marks, taken: Vec::new(), fault: None }
    }

    fn run(mut self) -> FollowerEnd {
        lower_priority();
        if !self.is_needed() {
            let hashes = std::mem::take(&mut self.follows.hashes);
            return self.end(hashes, None, true);
        }
        let hashes = std::mem::take(&mut self.follows.hashes);
        let mut follower = match self.begin(hashes) {
            Ok(follower) => follower,
            Err((hashes, failure)) => {
                self.fault.get_or_insert(failure);
                return self.end(hashes, None, false);
            }
        };
        let is_whole = self.follow(&mut follower);
        let state =
            is_whole.then(|| (follower.engine().sequencer().position(), follower.state_hash()));
        let hashes = follower.into_engine().into_parts().market.into_listener().hashes;
        self.end(hashes, state, is_whole)
    }

    /// Waits until an engine has something to do; `false` if the session ends before.
    fn is_needed(&self) -> bool {
        let before_bytes = self.marks.bytes_before();
        let from_bytes = self.appended_bytes();
        loop {
            match self.orders.phase.load(Ordering::Acquire) {
                TO_THE_END => return self.orders.must_begin.load(Ordering::Relaxed),
                GIVEN_UP => return false,
                _ => {}
            }
            if self.appended_bytes().saturating_sub(from_bytes) >= before_bytes {
                return true;
            }
            thread::park_timeout(PERIOD);
        }
    }

    fn appended_bytes(&self) -> u64 {
        let Some(appended) = self.follows.tails.as_ref().map(LogTails::appended) else { return 0 };
        let segment_bytes = self.follows.config.journal.segment_bytes;
        appended.segment().0.saturating_mul(segment_bytes).saturating_add(appended.offset_bytes())
    }

    #[allow(
        clippy::result_large_err,
        reason = "once a session; the digests go back to their owner"
    )]
    fn begin(
        &self,
        hashes: Hashes,
    ) -> Result<Follower<Directory, Itch50Decoder, FollowerHeard>, (Hashes, Failure)> {
        let Follows { journal, shelf, config, midnight, wanted, start, .. } = &self.follows;
        let opened = JournalSource::following(journal.clone()).and_then(|mut source| {
            if let Some(snapshot) = start {
                let head = snapshot.head();
                source.start_from(head.next)?;
            }
            Ok(source)
        });
        let source = match opened {
            Ok(source) => source,
            Err(error) => return Err((hashes, faults::of_journal(&error))),
        };
        let heard = FollowerHeard { hashes, symbols: BarSymbols::new(wanted.clone()), outputs: 0 };
        let selection = wanted.selection(config.limits().symbols_max);
        let from = start.as_deref();
        let begun = Start { midnight: *midnight, selection, hash_points: true, from };
        // One shard holds here what all of the session's do.
        let mut whole = config.clone();
        whole.limits.scale(config.engine.shards);
        let stages = match begun.stages(config, || inline_shard(&whole)) {
            Ok(stages) => stages,
            Err(failure) => return Err((heard.hashes, failure)),
        };
        let engine = Inline::of(stages, (), heard);
        let from = start.as_ref().map_or(FollowFrom::default(), |snapshot| {
            let head = snapshot.head();
            FollowFrom { accepted: head.accepted, outputs: head.outputs }
        });
        let keep = usize::try_from(config.snapshots.keep).unwrap_or(usize::MAX);
        let made_by = config.made_by(wanted.names());
        let every = config.snapshot_every();
        Ok(Follower::new(source, engine, shelf.clone(), every, keep, made_by, from))
    }

    /// Follows to the end; `true` if that was reached.
    fn follow(&mut self, follower: &mut Follower<Directory, Itch50Decoder, FollowerHeard>) -> bool {
        loop {
            let phase = self.orders.phase.load(Ordering::Acquire);
            if phase == GIVEN_UP {
                return false;
            }
            let position = follower.engine().sequencer().position();
            self.orders.reach.position.store(position.0, Ordering::Relaxed);
            for _ in 0..RECORDS_PER_LOOK {
                match follower.step() {
                    Ok(Followed::Record) => {}
                    Ok(Followed::Snapshot(taken)) => {
                        self.orders.reach.take(taken.head.position);
                        self.taken.push(taken);
                    }
                    Ok(Followed::NoSnapshot(error)) => {
                        let failure = cannot_write(self.follows.shelf.storage(), &error);
                        self.fault.get_or_insert(failure);
                    }
                    // The journal was closed before this thread was told.
                    Ok(Followed::End) => return true,
                    Ok(Followed::Nothing) if phase == TO_THE_END => return true,
                    Ok(Followed::Nothing) => {
                        thread::park_timeout(PERIOD);
                        break;
                    }
                    Err(error) => {
                        self.fault.get_or_insert(faults::of_follower(&error));
                        return false;
                    }
                }
            }
        }
    }

    fn end(
        self,
        hashes: Hashes,
        state: Option<(Position, StateHash)>,
        has_followed: bool,
    ) -> FollowerEnd {
        let last = self.taken.last();
        let most = self.taken.iter().map(|taken| taken.took).max().unwrap_or_default();
        let json = json!({
            "taken": self.taken.len(),
            "last_sequence": last.map(|taken| taken.head.last_sequence.0),
            "last_bytes": last.map(|taken| taken.size_bytes),
            "longest_write_s": most.as_secs_f64(),
        });
        FollowerEnd { hashes, fault: self.fault, json, has_followed, state }
    }
}

/// Where others want a core, this thread has none.
fn lower_priority() {
    // Of the calling thread alone, as Linux has it (setpriority(2), "C library/kernel differences").
    // Where it is refused the thread is as any other.
    let _ = rustix::process::setpriority_process(None, 19);
}

fn cannot_write(directory: &Directory, error: &io::Error) -> Failure {
    Failure::no(format_args!(
        "cannot write a snapshot in {}: {error}; the session is recorded, and a restart begins at an older one; make room",
        directory.path().display()
    ))
}

/// Where the snapshots of the session in `path` lie, and the key of those that are encrypted.
pub(crate) fn shelf(path: &Path, key: Option<Arc<ArchiveKey>>) -> Shelf<Directory> {
    Shelf::new(Directory::new(path.join("snapshots")).with_key(key))
}
