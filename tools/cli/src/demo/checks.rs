//! What is checked after the day: two more runs over the same messages, and the journal itself.
//!
//! One run is the replay that `tapewatch replay SESSION` does, from the journal. The other knows
//! nothing of lines, packets and journal: all that the exchange has published, as it keeps it for its
//! own servers, goes straight into an engine, a piece at a time. So a fault in arbitration, recovery,
//! journaling or reading back shows as another state. The two run side by side.

use std::thread;
use std::time::{Duration, Instant};

use engine::detect::Detectors;
use engine::packet::Packet;
use engine::pipeline::inline::Inline;
use engine::pipeline::selection::Selection;
use engine::pipeline::sequencer::Sequencer;
use engine::shard::Shard;
use engine::state::{StateHash, section_sums};
use engine::units::{FeedId, Sequence};
use exchange::wire::Store;
use feed_handlers::input::Format;
use feed_handlers::itch50::decode::Itch50Decoder;

use crate::console::Console;
use crate::demo::Plan;
use crate::demo::live::{self, interrupted};
use crate::demo::place::SessionPlace;
use crate::exit::Failure;
use crate::interrupt::Interrupt;
use crate::journal::verify;
use crate::replay::faults;
use crate::replay::pace::{Pace, Speed};
use crate::replay::select::Wanted;
use crate::replay::session::{Record, Session, Setup};
use crate::session_dir::SessionDir;

/// Bytes that go into the engine at once.
const PIECE_BYTES: usize = 64 << 10;

/// What was found.
pub(super) struct Checks {
    /// The replay from the journal.
    pub(super) replay: Run,
    /// Why that did not end well, where it did not; a digest on record that is not the replay's, too.
    pub(super) replay_fault: Option<String>,
    /// Digests on record that are the replay's.
    pub(super) digests_equal: u64,
    /// The exchange's own stream.
    pub(super) stream: Run,
    /// The journal.
    pub(super) journal: JournalCheck,
}

/// A run over the day's messages.
pub(super) struct Run {
    /// Messages.
    pub(super) messages: u64,
    /// The state at the end.
    pub(super) hash: StateHash,
    /// Time taken.
    pub(super) elapsed: Duration,
}

/// What the journal was found to be.
pub(super) struct JournalCheck {
    /// Whole frames.
    pub(super) frames: u64,
    /// Segments.
    pub(super) segments: u64,
    /// Whether an end closes it.
    pub(super) ended_orderly: bool,
    /// The first thing that is wrong with it.
    pub(super) fault: Option<String>,
}

impl Checks {
    /// Checks the session in `place`.
    pub(super) fn make(
        plan: &Plan,
        store: &Store,
        place: &SessionPlace,
        interrupt: &Interrupt,
    ) -> Result<Checks, Failure> {
        let ended = thread::scope(|scope| -> Result<_, Failure> {
            let start = |name: &str| thread::Builder::new().name(String::from(name));
            let replay = start("replay").spawn_scoped(scope, || replayed(place, interrupt));
            let replay = replay.map_err(|error| live::not_started(&error))?;
            let stream = start("stream").spawn_scoped(scope, || streamed(plan, store, interrupt));
            let stream = stream.map_err(|error| live::not_started(&error))?;
            let replayed = replay.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            let streamed = stream.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            Ok((replayed?, streamed?))
        })?;
        let ((replay, replay_fault, digests_equal), stream) = ended;
        let (report, _) = verify::examined(&SessionDir::open(place.session())?)?;
        let journal = JournalCheck {
            frames: report.frames,
            segments: report.segments,
            ended_orderly: report.ended_orderly,
            fault: report.faults.first().map(|fault| {
                format!("{} at byte {}: {}", fault.file, fault.offset_bytes, fault.what)
            }),
        };
        Ok(Checks { replay, replay_fault, digests_equal, stream, journal })
    }
}

/// The session from its journal; why it did not end well; digests that are those on record.
fn replayed(
    place: &SessionPlace,
    interrupt: &Interrupt,
) -> Result<(Run, Option<String>, u64), Failure> {
    let start = Instant::now();
    let setup = Setup {
        inputs: vec![place.session().to_owned()],
        format: Format::Auto,
        is_session: true,
        live: None,
        date: None,
        wanted: Wanted::default(),
        config: SessionDir::open(place.session())?.config(&[])?,
        record: Record::Nothing,
        report: None,
    };
    let silent = Console::new(true, false);
    let pace = Pace::new(Speed::Max);
    let ended = Session::open(setup)?.drive(pace, silent, interrupt, |_| ())?;
    if interrupt.is_asked() {
        return Err(interrupted());
    }
    let run = Run {
        messages: ended.finished.decoder.counts().messages,
        hash: ended.finished.hash,
        elapsed: start.elapsed(),
    };
    let digests_equal =
        ended.finished.market.listener().hashes.check().map_or(0, |check| check.equal);
    Ok((run, ended.fault().map(|failure| failure.line), digests_equal))
}

/// All that the exchange published, without anything between it and the engine.
fn streamed(plan: &Plan, store: &Store, interrupt: &Interrupt) -> Result<Run, Failure> {
    let start = Instant::now();
    let (midnight, refused) = (plan.day.midnight(), |error| faults::no_memory(&error));
    let shard = Shard::new(plan.config.limits()).map_err(refused)?;
    let detectors = Detectors::new(&plan.config.detect.0, shard.symbols_max()).map_err(refused)?;
    let mut engine = Inline::new(
        Itch50Decoder::new(midnight).map_err(refused)?,
        Sequencer::new(midnight),
        Selection::all(),
        shard.with_detectors(detectors),
        (),
    );
    let mut sequence = Sequence(1);
    let mut piece = Vec::new();
    loop {
        if interrupt.is_asked() {
            return Err(interrupted());
        }
        piece.clear();
        let read = store.read(sequence.0, u64::MAX, PIECE_BYTES, &mut piece);
        let count = read.map_err(|error| {
            Failure::no(format_args!("cannot read what the exchange published: {error}"))
        })?;
        if count == 0 {
            break;
        }
        let packet = Packet { feed: FeedId(0), sequence, recv: midnight, messages: &piece };
        engine.push(&packet).map_err(|second| faults::second_start(second, None))?;
        sequence.0 += count;
    }
    let sums = section_sums(engine.shard(), engine.sequencer().feed_time(), true);
    Ok(Run {
        messages: engine.decoder().counts().messages,
        hash: StateHash::of(&sums),
        elapsed: start.elapsed(),
    })
}
