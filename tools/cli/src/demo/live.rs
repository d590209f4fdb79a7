//! The live part: the exchange trades, its feed comes by the wire, is journaled and applied.
//!
//! The exchange has threads of its own; the ingest thread has sockets and the whole engine; the caller's
//! shows what the ingest thread lets it see now and then. The ingest thread never waits for the screen.

use std::sync::mpsc::{self, SyncSender};
use std::thread;
use std::time::{Duration, Instant};

use engine::journal::stand::FeedStand;
use engine::packet::{Arrival, Packet, Source as _};
use engine::pipeline::selection::Selection;
use engine::pipeline::stage::Decoder as _;
use engine::shard::Shard;
use engine::state::StateHash;
use engine::units::SymbolId;
use exchange::wire::Ended;
use feed_handlers::live::LiveFeeds;

use crate::config::Config;
use crate::console::Console;
use crate::demo::Plan;
use crate::demo::latency::Latencies;
use crate::demo::place::SessionPlace;
use crate::demo::screen::{Look, Screen};
use crate::demo::wire::Exchange;
use crate::exit::Failure;
use crate::folder::Folder;
use crate::interrupt::Interrupt;
use crate::output::symbols::SymbolLine;
use crate::recording::description::Description;
use crate::recording::{self, Recording};
use crate::replay::engine::{Engine, Finished, Start};
use crate::replay::faults;
use crate::replay::hashes::Hashes;
use crate::run::report::{self, FeedsReport};
use crate::run::settings::live_settings;

/// Time between two looks.
const LOOK_PERIOD: Duration = Duration::from_millis(200);

/// Symbols of a look.
const SYMBOLS_SHOWN: usize = 10;

/// What the live part left.
pub(super) struct Traded {
    /// The engine's parts.
    pub(super) finished: Finished<(), Hashes>,
    /// The exchange after its day, and what it published.
    pub(super) exchange: Ended,
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
    /// Symbols whose books are in doubt at the end.
    pub(super) suspect_symbols: u64,
    /// From the first packet asked for to all applied.
    pub(super) elapsed: Duration,
    /// Why the journal does not hold everything, where it does not.
    pub(super) incomplete: Option<String>,
    /// Packet by packet.
    pub(super) counted: Counted,
    /// Lines and losses.
    pub(super) feeds: FeedsReport,
}

/// What is counted and measured packet by packet.
#[derive(Clone, Debug)]
pub(super) struct Counted {
    /// Ranges that were given up, and messages lost in them.
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
    let exchange = Exchange::open(&plan.settings, &plan.network)?;
    let config = Config { feeds: vec![exchange.feed().clone()], ..plan.config.clone() };
    let ended = thread::scope(|scope| {
        let (looks, seen) = mpsc::sync_channel(1);
        let (ready, is_ready) = mpsc::sync_channel(1);
        let listens = Listens { plan, config: &config, place, looks, interrupt };
        let work = move || ingested(&listens, &ready);
        let ingest = thread::Builder::new().name(String::from("ingest"));
        let ingest = ingest.spawn_scoped(scope, work);
        let ingest = ingest.map_err(|error| not_started(&error))?;
        // An ingest thread that fails before says so by its end.
        if is_ready.recv().is_ok() {
            exchange.begin();
        }
        // Until the ingest thread is done.
        screen.show(&seen);
        ingest.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    });
    let (finished, figures) = ended?;
    Ok(Traded { finished, exchange: exchange.end()?, figures })
}

/// A thread that the system does not give.
pub(super) fn not_started(error: &std::io::Error) -> Failure {
    Failure::no(format_args!("cannot start a thread: {error}; raise `ulimit -u`"))
}

/// What the ingest thread works with.
struct Listens<'a> {
    plan: &'a Plan,
    config: &'a Config,
    place: &'a SessionPlace,
    looks: SyncSender<Look>,
    interrupt: &'a Interrupt,
}

/// The ingest thread's work: the session is begun, the day goes through, the session is ended.
fn ingested(
    listens: &Listens<'_>,
    ready: &SyncSender<()>,
) -> Result<(Finished<(), Hashes>, Figures), Failure> {
    let Listens { plan, config, place, .. } = listens;
    let description = Description {
        id: recording::new_id()?,
        day: plan.day,
        symbols: Vec::new(),
        config: (*config).clone(),
    };
    // Gone at an orderly end; after a failure nobody would look for it.
    let _memory = Folder(config.journal.memory_dir.join(format!("tapewatch-{}", description.id)));
    let helped = |failure: Failure| place.helped(&failure);
    let mut recording = Recording::begin(place.session(), description, false).map_err(helped)?;
    let (file, path) = recording.dir().begin_hashes().map_err(helped)?;
    let fingerprints = config.fingerprints(&[]);
    let hashes =
        Hashes::written(file, &path, fingerprints, Some(recording.acceptance())).map_err(helped)?;
    let (midnight, silent) = (plan.day.midnight(), Console::new(true, false));
    let mut engine =
        Engine::start(config, Start::of_day(midnight, Selection::all()), |_| (), hashes, silent)?;
    recording.keep();
    let settings = live_settings(config, |_| FeedStand::default())?;
    let mut feeds = LiveFeeds::open(&settings).map_err(|error| report::of_live(&error))?;
    // Its receiver waits for it.
    let _ = ready.send(());
    let start = Instant::now();
    let journal = |arrival: &Arrival<'_>, engine: &Engine<(), Hashes>| {
        let taken = match arrival {
            Arrival::Packet(packet) => recording.packet(packet),
            Arrival::Gap { feed, first, end } => {
                recording.gap(*feed, *first, *end, engine.sequencer().feed_time())
            }
            Arrival::SnapshotItem(item) => recording.snapshot_item(item),
            Arrival::Tick { feed, last, time } => recording.tick(*feed, *last, *time),
            Arrival::Parameters(_) | Arrival::Idle | Arrival::End => return Ok(()),
        };
        taken.map(|_taken| ()).map_err(helped)
    };
    let counted = drive(listens, &mut feeds, &mut engine, journal)?;
    let report = FeedsReport::of(config, &mut feeds);
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
        suspect_symbols: finished.shards.iter().map(Shard::suspect_symbols).sum(),
        elapsed,
        incomplete: recorded.incomplete,
        counted,
        feeds: report,
    };
    Ok((finished, figures))
}

/// The day, arrival by arrival: journaled, applied, timed.
fn drive(
    listens: &Listens<'_>,
    feeds: &mut LiveFeeds,
    engine: &mut Engine<(), Hashes>,
    mut journal: impl FnMut(&Arrival<'_>, &Engine<(), Hashes>) -> Result<(), Failure>,
) -> Result<Counted, Failure> {
    let Listens { plan, looks, interrupt, .. } = listens;
    let mut counted =
        Counted { gaps: 0, gap_messages: 0, orders: 0, orders_max: 0, latencies: Latencies::new() };
    let start = Instant::now();
    let mut next_look = start + LOOK_PERIOD;
    loop {
        let arrival = feeds.next().map_err(|error| report::of_live(&error))?;
        let at_hand = Instant::now();
        match &arrival {
            Arrival::Packet(packet) => {
                let applied = applied(packet, engine, &mut counted, at_hand, |engine| {
                    journal(&arrival, engine)
                })?;
                counted.orders = live_orders(engine);
                counted.orders_max = counted.orders_max.max(counted.orders);
                if applied < next_look {
                    continue;
                }
            }
            Arrival::Gap { feed, first, end } => {
                journal(&arrival, engine)?;
                counted.gaps += 1;
                counted.gap_messages += end.0.saturating_sub(first.0);
                engine.gap(*feed, *first, *end).map_err(|_| ended_early())?;
            }
            Arrival::SnapshotItem(item) => {
                journal(&arrival, engine)?;
                engine.snapshot_item(item).map_err(|_| ended_early())?;
            }
            Arrival::Tick { .. } => journal(&arrival, engine)?,
            // What the feed has to tell is in the report.
            Arrival::Idle => while feeds.next_notice().is_some() {},
            Arrival::Parameters(_) => {}
            Arrival::End => return Ok(counted),
        }
        if at_hand >= next_look {
            if interrupt.is_asked() {
                return Err(interrupted());
            }
            next_look = at_hand + LOOK_PERIOD;
            // A screen that still draws the last one goes without this one.
            let _ = looks.try_send(look(engine, plan, at_hand - start));
        }
    }
}

/// Journals and applies a packet that was at hand; when that was done.
#[inline]
fn applied(
    packet: &Packet<'_>,
    engine: &mut Engine<(), Hashes>,
    counted: &mut Counted,
    at_hand: Instant,
    journal: impl FnOnce(&Engine<(), Hashes>) -> Result<(), Failure>,
) -> Result<Instant, Failure> {
    journal(engine)?;
    let journaled = Instant::now();
    engine.push(packet).map_err(|_| ended_early())?;
    let applied = Instant::now();
    counted.latencies.record(at_hand, journaled, applied);
    Ok(applied)
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
