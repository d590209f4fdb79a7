//! What a hot thread feels of those that look after its session: each packet timed, journaled and
//! applied inline, with nobody beside it but the keeper, with a follower that takes snapshots, or with an
//! archiver that compresses closed segments.
//!
//! The hot thread has the first core, all others share the second; the session lies in memory. A pass is
//! a closed loop as fast as it goes, so cold threads always have work: the follower a snapshot every million
//! messages, the archiver a segment whenever one is closed.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use engine::book::books::Limits;
use engine::journal::source::JournalSource;
use engine::journal::writer::{Append, Journal, JournalOptions, OnError};
use engine::log::archive::archiver::Archiver;
use engine::log::archive::compress::ArchiveOptions;
use engine::log::directories::LogDirectories;
use engine::log::options::{Place, SyncLevel};
use engine::log::storage::Directory;
use engine::log::{LogKind, SessionId};
use engine::market::{HashPoint, MarketListener};
use engine::pipeline::inline::Inline;
use engine::pipeline::selection::Selection;
use engine::pipeline::sequencer::Sequencer;
use engine::shard::Shard;
use engine::snapshot::follower::{FollowFrom, Followed, Follower, FollowerListener, SnapshotEvery};
use engine::snapshot::{MadeBy, Shelf};
use feed_handlers::itch50::decode::Itch50Decoder;
use hdrhistogram::Histogram;

use crate::appends::pin;
use crate::stages::{self, MIDNIGHT};
use crate::tape::Tape;
use crate::whole::Failed;

/// Who is at work beside the hot thread and the journal's keeper.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beside {
    /// Nobody.
    Nobody,
    /// The follower, and what it writes.
    Follower,
    /// The archiver.
    Archiver,
}

impl Beside {
    /// Everyone.
    pub const ALL: [Beside; 3] = [Beside::Nobody, Beside::Follower, Beside::Archiver];

    /// For people.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Beside::Nobody => "nobody but the keeper",
            Beside::Follower => "the follower, snapshots",
            Beside::Archiver => "the archiver, compression",
        }
    }
}

/// What a pass came to.
pub struct Felt {
    /// ns of each packet: journaled, decoded, applied.
    pub ns: Histogram<u64>,
    /// Snapshots that were taken, or segments that were archived, meanwhile.
    pub done: u64,
}

/// Messages between two snapshots.
const SNAPSHOT_EVERY: u64 = 1_000_000;

const SESSION: SessionId = SessionId([2; 16]);

/// Removed when it ends.
struct Root(PathBuf);

impl Drop for Root {
    fn drop(&mut self) {
        // What is left behind is seen, and does no harm.
        let _ = fs::remove_dir_all(&self.0);
    }
}

struct Silent;

impl MarketListener for Silent {
    fn on_hash_point(&mut self, _point: &HashPoint) {}
}

impl FollowerListener for Silent {
    fn outputs(&self) -> u64 {
        0
    }

    fn make_durable(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// One pass over a tape; the session lies in `place`, a file system in memory.
///
/// # Errors
/// If there is no room or memory, or a thread beside it fails.
pub fn pass(tape: &Tape, place: &Path, beside: Beside) -> Result<Felt, Failed> {
    let root = Root(place.join(format!("tapewatch-upkeep-{}", std::process::id())));
    let at = |name: &str| Directory::new(root.0.join(name));
    let options = JournalOptions {
        place: Place::Memory { memory_directory: at("memory"), directory: at("journal") },
        append: Append::Inline,
        segment_bytes: 64 << 20,
        memory_bytes_max: 1 << 30,
        sync: SyncLevel::None,
        on_error: OnError::Stop,
    };
    let directories = LogDirectories::of(&options.place);
    let mut engine = stages::engine()?;
    // Threads begin on the core of the one that starts them.
    pin(1);
    let mut journal = Journal::create(options, SESSION, "")?;
    let ends = Arc::new(AtomicBool::new(false));
    let mut follower = None;
    let mut archiver = None;
    match beside {
        Beside::Nobody => {}
        Beside::Follower => follower = Some(follow(directories, at("snapshots"), ends.clone())?),
        Beside::Archiver => {
            let options = ArchiveOptions { level: 1, key: None };
            archiver = Some(Archiver::start(vec![(LogKind::Journal, at("journal"))], options)?);
        }
    }
    pin(0);
    let mut ns = Histogram::new_with_bounds(1, 60_000_000_000, 3)?;
    let mut failed = None;
    stages::walk(tape, |packet| {
        let from = Instant::now();
        if let Err(error) = journal.append_packet(packet) {
            failed.get_or_insert(error);
        }
        // A second start of day, where the engine stops, stands in no tape.
        let _ = engine.push(packet);
        ns.saturating_record(from.elapsed().as_nanos() as u64);
    });
    ends.store(true, Ordering::Relaxed);
    let mut done = 0;
    if let Some(follower) = follower {
        done = follower.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
    }
    if let Some(archiver) = archiver {
        done = archiver.stop().segments;
    }
    if let Some(error) = failed {
        return Err(error.into());
    }
    journal.close()?;
    Ok(Felt { ns, done })
}

/// A follower on a thread of the lowest priority; how many snapshots it took until it was to end.
fn follow(
    directories: LogDirectories<Directory>,
    snapshots: Directory,
    ends: Arc<AtomicBool>,
) -> Result<JoinHandle<Result<u64, Failed>>, Failed> {
    let run = move || -> Result<u64, Failed> {
        // Where it is refused the thread is as any other.
        let _ = rustix::process::setpriority_process(None, 19);
        let engine = Inline::with_listener(
            Itch50Decoder::new(MIDNIGHT)?,
            Sequencer::new(MIDNIGHT),
            Selection::all(),
            Shard::new(Limits::default())?,
            (),
            Silent,
        );
        let made_by = MadeBy {
            fingerprints: [0; 4],
            state_versions: [0; 4],
            image_version: 0,
            decoder_version: 0,
        };
        let every = SnapshotEvery { messages: SNAPSHOT_EVERY, ..SnapshotEvery::default() };
        let source = JournalSource::following(directories)?;
        let (shelf, from) = (Shelf::new(snapshots), FollowFrom::default());
        let mut follower = Follower::new(source, engine, shelf, every, 2, made_by, from);
        let mut taken = 0;
        while !ends.load(Ordering::Relaxed) {
            match follower.step()? {
                Followed::Record => {}
                Followed::Snapshot(_) => taken += 1,
                Followed::NoSnapshot(error) => return Err(error.into()),
                Followed::Nothing => thread::park_timeout(Duration::from_millis(1)),
                Followed::End => break,
            }
        }
        Ok(taken)
    };
    Ok(thread::Builder::new().name("follower".to_owned()).spawn(run)?)
}
