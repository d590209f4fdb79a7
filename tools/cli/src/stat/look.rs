//! One look at a board: everything that stands on it, read slot by slot, as plain values.
//!
//! `stat` and `top` work with looks alone; whoever draws never meets the mapped file. A slot whose writer
//! lost its core while it wrote is tried again for [`PATIENCE`]. One that stays torn, for its writer died,
//! shows what the look before had, and is named in [`Look::torn`].

use std::thread;
use std::time::{Duration, Instant, SystemTime};

use engine::board::counters::{FeedCounts, Ingest, LineCounts, ShardCounts};
use engine::board::histogram::{Latencies, Stage};
use engine::board::kept::{CursorLag, Kept, RingDepth, ThreadTimes};
use engine::board::reader::ShownSymbol;
use engine::board::seqlock::Busy;
use engine::board::symbol::Detail;
use engine::board::{BoardReader, Liveness};
use engine::log::SessionId;
use engine::quality::Quality;
use engine::units::{FeedId, Nanos, SymbolId};

use crate::output::names;

/// What the header of a board says: it does not change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Engine {
    /// The session.
    pub(crate) session: SessionId,
    /// The process.
    pub(crate) pid: u32,
    /// When it began.
    pub(crate) started: Nanos,
    /// When its day began.
    pub(crate) midnight: Nanos,
    /// Shards.
    pub(crate) shards: u32,
    /// Feeds.
    pub(crate) feeds: u16,
    /// What its clock reads.
    pub(crate) clock: &'static str,
}

/// See the module.
#[derive(Clone, Debug)]
pub(crate) struct Look {
    /// When it was taken, by the wall clock.
    pub(crate) at: Nanos,
    /// … and by a clock that nobody sets.
    pub(crate) taken: Instant,
    /// Whose board.
    pub(crate) engine: Engine,
    /// Whether the engine is there.
    pub(crate) liveness: Liveness,
    /// What the ingest thread counts.
    pub(crate) ingest: Ingest,
    /// Messages by their type byte.
    pub(crate) by_type: Box<[u64; 256]>,
    /// Feeds.
    pub(crate) feeds: Vec<FeedCounts>,
    /// Lines.
    pub(crate) lines: Vec<LineCounts>,
    /// Shards.
    pub(crate) shards: Vec<ShardCounts>,
    /// Journal, output log, snapshots.
    pub(crate) kept: Kept,
    /// Threads.
    pub(crate) threads: Vec<ThreadTimes>,
    /// Rings.
    pub(crate) rings: Vec<RingDepth>,
    /// Cursors of the output log.
    pub(crate) cursors: Vec<CursorLag>,
    /// Symbols that were seen or named, by number.
    pub(crate) symbols: Vec<ShownSymbol>,
    /// What could not be read and is of the look before, or missing.
    pub(crate) torn: Vec<&'static str>,
}

impl Look {
    /// Looks; what cannot be read is as `before` had it.
    pub(crate) fn take(board: &BoardReader, before: Option<&Look>) -> Look {
        let at = now();
        let mut torn = Vec::new();
        let mut had = Had { before, torn: &mut torn };
        let (ingest, shards) = (
            had.or("ingest", patiently(|| board.ingest()), |look| look.ingest),
            had.or("shards", patiently(|| board.shard_counts()), |look| look.shards.clone()),
        );
        let feeds = had.or("feeds", patiently(|| board.feed_counts()), |look| look.feeds.clone());
        let lines = had.or("lines", patiently(|| board.lines()), |look| look.lines.clone());
        let kept = had.or("keeper", patiently(|| board.kept()), |look| look.kept);
        let threads = had.or("threads", patiently(|| board.threads()), |look| look.threads.clone());
        let rings = had.or("rings", patiently(|| board.rings()), |look| look.rings.clone());
        let cursors = had.or("cursors", patiently(|| board.cursors()), |look| look.cursors.clone());
        let symbols = match (patiently(|| board.symbols()), before) {
            (Err(Busy), None) => had.or("symbols", Ok(whole_quotes(board)), |_| Vec::new()),
            (symbols, _) => had.or("symbols", symbols, |look| look.symbols.clone()),
        };
        Look {
            at,
            taken: Instant::now(),
            engine: Engine {
                session: board.session(),
                pid: board.pid(),
                started: board.started(),
                midnight: board.midnight(),
                shards: board.shards(),
                feeds: board.feeds(),
                clock: board.clock(),
            },
            liveness: board.liveness(at),
            ingest,
            by_type: Box::new(board.by_type()),
            feeds,
            lines,
            shards,
            kept,
            threads,
            rings,
            cursors,
            symbols,
            torn,
        }
    }

    /// The moment that the figures are of: now while the engine runs, and the last that was heard of it
    /// else.
    pub(crate) fn as_of(&self) -> Nanos {
        match self.liveness {
            Liveness::Running => self.at,
            Liveness::Ended(at) => at,
            Liveness::Stale(_) | Liveness::Gone => {
                let heard = self.kept.heartbeat_ns.max(self.ingest.counted_ns);
                Nanos(heard.max(self.engine.started.0))
            }
        }
    }

    /// For how long the engine has run, ns.
    pub(crate) fn uptime_ns(&self) -> u64 {
        self.as_of().since_ns(self.engine.started)
    }

    /// Feed time, as far as it has come anywhere.
    pub(crate) fn feed_time(&self) -> Option<Nanos> {
        let shards = self.shards.iter().map(|shard| shard.feed_time_ns);
        let last = shards.chain([self.ingest.feed_time_ns]).max()?;
        (last > 0).then_some(Nanos(last))
    }

    /// Whether messages of a symbol's feed were lost, and no snapshot came since.
    pub(crate) fn is_suspect(&self, symbol: SymbolId) -> bool {
        let FeedId(feed) = symbol.feed();
        self.shards.iter().any(|shard| shard.suspect_feeds >> feed.min(63) & 1 == 1)
    }

    /// Live orders of all shards.
    pub(crate) fn orders(&self) -> u64 {
        self.shards.iter().map(|shard| shard.orders).sum()
    }

    /// Price levels of all shards.
    pub(crate) fn levels(&self) -> u64 {
        self.shards.iter().map(|shard| shard.levels).sum()
    }

    /// Every cause of `summary.json`, under its name there; `symbols` is what the symbols' details count.
    pub(crate) fn quality(&self, symbols: Quality) -> Vec<(&'static str, u64)> {
        let mut applied = symbols;
        self.shards.iter().for_each(|shard| applied += shard.quality);
        let ingest = &self.ingest;
        vec![
            ("unknown_type", ingest.unknown_type),
            ("bad_length", ingest.bad_length),
            ("unknown_order", applied.unknown_order),
            ("duplicate_order", applied.duplicate_order),
            ("negative_size", applied.negative_size),
            ("zero_size", applied.zero_size),
            ("unknown_match", applied.unknown_match),
            ("symbol_conflict", ingest.symbol_conflict),
            ("foreign_session", ingest.foreign_session),
            ("time_backwards", ingest.time_backwards),
            ("future_time", ingest.future_time),
            ("gap_messages", ingest.gap_messages),
            ("crossed", applied.crossed),
            ("locked", applied.locked),
            ("bad_field", applied.bad_field),
            ("over_capacity", applied.over_capacity),
        ]
    }
}

/// What to take for a slot that cannot be read.
struct Had<'a> {
    before: Option<&'a Look>,
    torn: &'a mut Vec<&'static str>,
}

impl Had<'_> {
    fn or<T: Default>(
        &mut self,
        name: &'static str,
        read: Result<T, Busy>,
        of: impl Fn(&Look) -> T,
    ) -> T {
        read.unwrap_or_else(|Busy| {
            self.torn.push(name);
            self.before.map(of).unwrap_or_default()
        })
    }
}

/// How long a slot is read again before it is taken for torn: a time slice of the kernel's or two.
const PATIENCE: Duration = Duration::from_millis(10);

/// Reads, and again for [`PATIENCE`] while the slot is being written: its writer may be without a core.
fn patiently<T>(read: impl Fn() -> Result<T, Busy>) -> Result<T, Busy> {
    let mut since = None;
    loop {
        match read() {
            Err(Busy) if since.get_or_insert_with(Instant::now).elapsed() < PATIENCE => {
                thread::sleep(PATIENCE / 10);
            }
            read => return read,
        }
    }
}

/// The quotes that are whole, one by one, where one of all is torn for good; their names are not known.
fn whole_quotes(board: &BoardReader) -> Vec<ShownSymbol> {
    let mut whole = Vec::new();
    for feed in (0..board.feeds()).map(FeedId) {
        for symbol in (0..=u16::MAX).map(|locate| SymbolId::of(feed, locate)) {
            if let Ok(Some(quote)) = board.quote(symbol) {
                whole.push(ShownSymbol { symbol, name: String::new(), quote });
            }
        }
    }
    whole
}

/// The name that a symbol is shown under.
pub(crate) fn name_of(symbol: &ShownSymbol) -> String {
    let name = Some(symbol.name.as_bytes()).filter(|name| !name.is_empty());
    names::text(name, symbol.symbol)
}

/// The detail of a symbol, where it is there and whole.
pub(crate) fn detail_of(board: &BoardReader, symbol: SymbolId) -> Option<Detail> {
    patiently(|| board.detail(symbol)).ok().flatten()
}

/// What was wrong with the messages of all symbols.
pub(crate) fn quality_of_symbols(board: &BoardReader, symbols: &[ShownSymbol]) -> Quality {
    let mut sum = Quality::default();
    for detail in symbols.iter().filter_map(|symbol| detail_of(board, symbol.symbol)) {
        sum += detail.quality;
    }
    sum
}

/// The latencies of every stage, of all threads together.
pub(crate) fn latencies(board: &BoardReader) -> Vec<(Stage, Latencies)> {
    Stage::ALL.into_iter().map(|stage| (stage, board.latencies(stage))).collect()
}

/// The wall clock's time.
pub(crate) fn now() -> Nanos {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Nanos(i64::try_from(since.as_nanos()).unwrap_or(i64::MAX))
}
