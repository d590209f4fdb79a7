//! The live part: the exchange trades, its feed is journaled and applied.
//!
//! Three threads: the exchange, the ingest thread with the whole engine, and the caller's, which shows
//! what the ingest thread lets it see now and then. The ingest thread never waits for the screen.

use std::sync::mpsc::{self, SyncSender};
use std::thread;
use std::time::{Duration, Instant};

use engine::packet::{Arrival, Packet, Source as _};
use engine::pipeline::selection::Selection;
use engine::pipeline::stage::Decoder as _;
use engine::shard::Shard;
use engine::state::StateHash;
use engine::units::SymbolId;
use exchange::Simulation;
use feed_handlers::binaryfile::{BinaryFile, Framing, Position, ReadWindow};

use crate::console::Console;
use crate::demo::feed::{self, Feed};
use crate::demo::latency::Latencies;
use crate::demo::place::SessionPlace;
use crate::demo::screen::{Look, Screen};
use crate::demo::{Plan, begun};
use crate::exit::Failure;
use crate::folder::Folder;
use crate::interrupt::Interrupt;
use crate::output::symbols::SymbolLine;
use crate::recording::description::Description;
use crate::recording::{self, Recording};
use crate::replay::engine::{Engine, Finished, Start};
use crate::replay::faults;
use crate::replay::hashes::Hashes;

/// Time between two looks.
const LOOK_PERIOD: Duration = Duration::from_millis(200);

/// Symbols of a look.
const SYMBOLS_SHOWN: usize = 10;

/// What the live part left.
pub(super) struct Traded {
    /// The engine's parts.
    pub(super) finished: Finished<(), Hashes>,
    /// The exchange after its day.
    pub(super) simulation: Simulation,
    /// What was counted and measured.
    pub(super) figures: Figures,
}

/// What was counted and measured.
#[derive(Clone, Debug)]
pub(super) struct Figures {
    /// Messages applied.
    pub(super) messages: u64,
    /// The state at the end.
    pub(super) hash: StateHash,
    /// From the first packet asked for to all applied.
    pub(super) elapsed: Duration,
    /// Why the journal does not hold everything, where it does not.
    pub(super) incomplete: Option<String>,
    /// Packet by packet.
    pub(super) counted: Counted,
}

/// What is counted and measured packet by packet.
#[derive(Clone, Debug)]
pub(super) struct Counted {
    /// Gaps in the feed, and messages lost in them.
    pub(super) gaps: u64,
    pub(super) gap_messages: u64,
    /// Live orders behind the last packet, and the most of them behind any.
    pub(super) orders: u32,
    pub(super) orders_max: u32,
    /// The engine's own time.
    pub(super) latencies: Latencies,
}

/// Simulates and processes a day.
pub(super) fn trade(
    plan: &Plan,
    place: &SessionPlace,
    screen: &Screen,
    interrupt: &Interrupt,
) -> Result<Traded, Failure> {
    let simulation = begun(&plan.settings)?;
    thread::scope(|scope| {
        let (exchange, feed) = feed::start(scope, simulation)?;
        let (looks, seen) = mpsc::sync_channel(1);
        let work = move || ingested(plan, place, Ends { feed, looks: &looks, interrupt });
        let ingest = thread::Builder::new().name(String::from("ingest"));
        let ingest = ingest.spawn_scoped(scope, work);
        let ingest = ingest.map_err(|error| feed::not_started(&error))?;
        // Until the ingest thread is done.
        screen.show(&seen);
        let ended = ingest.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        let simulation = exchange.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        let (finished, figures) = ended?;
        Ok(Traded { finished, simulation, figures })
    })
}

/// What the ingest thread sees and shows.
struct Ends<'a> {
    feed: Feed,
    looks: &'a SyncSender<Look>,
    interrupt: &'a Interrupt,
}

/// The ingest thread's work: the session is begun, the day goes through, the session is ended.
fn ingested(
    plan: &Plan,
    place: &SessionPlace,
    ends: Ends<'_>,
) -> Result<(Finished<(), Hashes>, Figures), Failure> {
    let Plan { settings: _, day, config } = plan;
    let description = Description {
        id: recording::new_id()?,
        day: *day,
        symbols: Vec::new(),
        config: config.clone(),
    };
    // Gone at an orderly end; after a failure nobody would look for it.
    let _memory = Folder(config.journal.memory_dir.join(format!("tapewatch-{}", description.id)));
    let helped = |failure: Failure| place.helped(&failure);
    let mut recording = Recording::begin(place.session(), description, false).map_err(helped)?;
    let (file, path) = recording.dir().begin_hashes().map_err(helped)?;
    let fingerprints = config.fingerprints(&[]);
    let hashes =
        Hashes::written(file, &path, fingerprints, Some(recording.acceptance())).map_err(helped)?;
    let (midnight, silent) = (day.midnight(), Console::new(true, false));
    let mut engine =
        Engine::start(config, Start::of_day(midnight, Selection::all()), |_| (), hashes, silent)?;
    recording.keep();
    let start = Instant::now();
    let journal = |packet: &Packet<'_>| recording.packet(packet).map(|_taken| ()).map_err(helped);
    let counted = drive(plan, ends, &mut engine, journal)?;
    let drained = engine.drain().map_err(|failed| faults::stage_failed(&failed))?;
    let elapsed = start.elapsed();
    let mut finished = drained.hashed();
    let over_capacity = finished.shards.iter().map(|shard| shard.quality().over_capacity).sum();
    let recorded = recording.end(over_capacity).map_err(helped)?;
    let position = finished.sequencer.position();
    let journaled = recorded.incomplete.is_none();
    let hashes = finished.market.listener_mut();
    hashes.end(position, &finished.hash, journaled).map_err(helped)?;
    let figures = Figures {
        messages: finished.decoder.counts().messages,
        hash: finished.hash,
        elapsed,
        incomplete: recorded.incomplete,
        counted,
    };
    Ok((finished, figures))
}

/// The day, packet by packet: journaled, applied, timed.
fn drive(
    plan: &Plan,
    ends: Ends<'_>,
    engine: &mut Engine<(), Hashes>,
    mut journal: impl FnMut(&Packet<'_>) -> Result<(), Failure>,
) -> Result<Counted, Failure> {
    let Ends { feed, looks, interrupt } = ends;
    let position = Position::start(plan.day.midnight());
    let mut source = BinaryFile::new(ReadWindow::new(feed), Framing::LengthPrefix, position);
    let mut counted =
        Counted { gaps: 0, gap_messages: 0, orders: 0, orders_max: 0, latencies: Latencies::new() };
    let start = Instant::now();
    let mut next_look = start + LOOK_PERIOD;
    loop {
        let packet = match source.next() {
            Ok(Arrival::Packet(packet)) => packet,
            Ok(Arrival::Gap { feed, first, end }) => {
                counted.gaps += 1;
                counted.gap_messages += end.0.saturating_sub(first.0);
                engine.gap(feed, first, end).map_err(|_| ended_early())?;
                continue;
            }
            Ok(Arrival::End) => return Ok(counted),
            // A capture's reader gives nothing else.
            Ok(_) => continue,
            Err(error) => return Err(Failure::no(format_args!("the exchange's feed: {error}"))),
        };
        let at_hand = Instant::now();
        journal(&packet)?;
        let journaled = Instant::now();
        engine.push(&packet).map_err(|_| ended_early())?;
        let applied = Instant::now();
        counted.latencies.record(at_hand, journaled, applied);
        counted.orders = live_orders(engine);
        counted.orders_max = counted.orders_max.max(counted.orders);
        if applied >= next_look {
            if interrupt.is_asked() {
                return Err(interrupted());
            }
            next_look = applied + LOOK_PERIOD;
            // A screen that still draws the last one goes without this one.
            let _ = looks.try_send(look(engine, plan, applied - start));
        }
    }
}

/// Live orders now.
fn live_orders(engine: &Engine<(), Hashes>) -> u32 {
    match engine {
        Engine::Inline(engine) => engine.shard().books().order_count(),
        Engine::Pipelined(_) => 0,
    }
}

/// Somebody asked for the end.
pub(super) fn interrupted() -> Failure {
    Failure::no("interrupted before everything was checked; run it again")
}

/// The exchange publishes one day: nothing in it ends a run early.
fn ended_early() -> Failure {
    Failure::no("the exchange's feed holds a second day; this is a bug, please report it")
}

/// What the screen is to show.
fn look(engine: &Engine<(), Hashes>, plan: &Plan, elapsed: Duration) -> Look {
    let mut look = Look {
        messages: engine.decoder().counts().messages,
        time_of_day_ns: engine.sequencer().feed_time().since_ns(plan.day.midnight()),
        elapsed,
        orders: 0,
        levels: 0,
        busiest: Vec::new(),
    };
    let Engine::Inline(engine) = engine else {
        return look;
    };
    let shard = engine.shard();
    look.orders = shard.books().order_count();
    look.levels = shard.books().level_count();
    look.busiest = busiest(shard)
        .into_iter()
        .map(|symbol| {
            let name = engine.decoder().directory().name(symbol);
            SymbolLine::of(symbol, name, shard.metrics(symbol), &shard.book(symbol))
        })
        .collect();
    look
}

/// The symbols with the most volume.
fn busiest(shard: &Shard) -> Vec<SymbolId> {
    let count = u32::try_from(shard.books().symbol_count()).unwrap_or(u32::MAX);
    let mut symbols: Vec<SymbolId> = (1..count).map(SymbolId).collect();
    symbols.sort_by_key(|symbol| std::cmp::Reverse(shard.metrics(*symbol).tape.volume()));
    symbols.truncate(SYMBOLS_SHOWN);
    symbols
}
