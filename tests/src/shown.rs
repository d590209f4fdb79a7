//! What a board may show: every state that a symbol was in after a packet, by its last message.
//!
//! A run without a board tells it, from the books and metrics themselves; readers of a board, in other
//! processes, hold what they see against it. A value that was torn, from two packets or two symbols, is
//! none of these.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::Path;

use engine::board::symbol::{Detail, Quote, ShownLevel};
use engine::event::Event;
use engine::shard::{Observer, Outcome, Shard};
use engine::units::{Side, SymbolId};

/// By symbol and the sequence of its last message: digests of its quote and its detail.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expected {
    states: HashMap<(u32, u64), [u64; 2]>,
}

/// Best price and shares of a side, or zeros, with whether there is one.
type Best = (bool, i64, u64);

#[derive(Hash)]
struct QuoteFacts {
    time_ns: i64,
    bid: Best,
    ask: Best,
    messages: u32,
    state: Option<u8>,
}

#[derive(Hash)]
struct DetailFacts {
    time_ns: i64,
    tape: [u64; 6],
    volumes: [u64; 3],
    quote_changes: u64,
    quality: [u64; 9],
    kinds: [u64; 5],
    notional: i128,
    levels: [usize; 2],
    ladder: [Vec<(i64, u64, u64)>; 2],
}

fn digest(facts: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    facts.hash(&mut hasher);
    hasher.finish()
}

impl Expected {
    /// How many states there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.states.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.states.is_empty()
    }

    fn note(&mut self, symbol: SymbolId, last: &Event, shard: &Shard) {
        let (book, metrics) = (shard.book(symbol), shard.metrics(symbol));
        let best =
            |side| book.best(side).map_or((false, 0, 0), |best| (true, best.price.0, best.qty.0));
        let quote = QuoteFacts {
            time_ns: last.time_ns,
            bid: best(Side::Buy),
            ask: best(Side::Sell),
            messages: metrics.messages() as u32,
            state: metrics.trading_state(),
        };
        let tape = &metrics.tape;
        let price = |price: Option<engine::units::Price>| price.map_or(0, |it| it.0 as u64);
        let side = |side| {
            let levels = book.levels(side).take(10);
            levels.map(|level| (level.price.0, level.qty.0, u64::from(level.orders))).collect()
        };
        let detail = DetailFacts {
            time_ns: last.time_ns,
            tape: [
                price(tape.last()),
                price(tape.open()),
                price(tape.high()),
                price(tape.low()),
                tape.trades(),
                tape.volume() as u64,
            ],
            volumes: [
                tape.hidden_volume() as u64,
                tape.cross_volume() as u64,
                tape.broken_volume() as u64,
            ],
            quote_changes: metrics.quote_changes(),
            quality: bytemuck::cast(shard.quality_of(symbol)),
            kinds: [
                metrics.adds(),
                metrics.executions(),
                metrics.cancels(),
                metrics.deletes(),
                metrics.replaces(),
            ],
            notional: tape.notional().0,
            levels: [Side::Buy, Side::Sell].map(|side| book.level_count(side)),
            ladder: [side(Side::Buy), side(Side::Sell)],
        };
        self.states.insert((symbol.0, last.sequence), [digest(&quote), digest(&detail)]);
    }

    /// Whether a quote is one that the symbol had.
    #[must_use]
    pub fn has_quote(&self, symbol: SymbolId, quote: &Quote) -> bool {
        let best = |best: Option<(engine::units::Price, engine::units::Qty)>| {
            best.map_or((false, 0, 0), |(price, qty)| (true, price.0, qty.0))
        };
        let facts = QuoteFacts {
            time_ns: quote.time_ns,
            bid: best(quote.bid()),
            ask: best(quote.ask()),
            messages: quote.messages(),
            state: quote.state(),
        };
        let known = self.states.get(&(symbol.0, quote.sequence));
        known.is_some_and(|[expected, _]| *expected == digest(&facts))
    }

    /// Whether a detail is one that the symbol had.
    #[must_use]
    pub fn has_detail(&self, symbol: SymbolId, detail: &Detail) -> bool {
        let side = |levels: &[ShownLevel]| {
            let there = levels.iter().filter(|level| level.orders > 0);
            there.map(|level| (level.price, level.qty, level.orders)).collect()
        };
        let Detail { last, open, high, low, trades, volume, .. } = *detail;
        let facts = DetailFacts {
            time_ns: detail.time_ns,
            tape: [last as u64, open as u64, high as u64, low as u64, trades, volume],
            volumes: [detail.hidden_volume, detail.cross_volume, detail.broken_volume],
            quote_changes: detail.quote_changes,
            quality: bytemuck::cast(detail.quality),
            kinds: [
                detail.adds,
                detail.executions,
                detail.cancels,
                detail.deletes,
                detail.replaces,
            ],
            notional: detail.notional(),
            levels: [detail.bid_levels() as usize, detail.ask_levels() as usize],
            ladder: [side(&detail.bids), side(&detail.asks)],
        };
        let known = self.states.get(&(symbol.0, detail.sequence));
        known.is_some_and(|[_, expected]| *expected == digest(&facts))
    }

    /// Writes all for another process.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        let mut to = BufWriter::new(std::fs::File::create(path)?);
        for ((symbol, sequence), [quote, detail]) in &self.states {
            for word in [u64::from(*symbol), *sequence, *quote, *detail] {
                to.write_all(&word.to_le_bytes())?;
            }
        }
        to.flush()
    }

    /// Reads what [`Expected::write`] wrote.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn read(path: &Path) -> io::Result<Expected> {
        let mut bytes = Vec::new();
        BufReader::new(std::fs::File::open(path)?).read_to_end(&mut bytes)?;
        let word = |at: &[u8]| u64::from_le_bytes(at.try_into().unwrap_or_default());
        let states = bytes.chunks_exact(32).map(|state| {
            let key = (word(&state[..8]) as u32, word(&state[8..16]));
            (key, [word(&state[16..24]), word(&state[24..32])])
        });
        Ok(Expected { states: states.collect() })
    }
}

/// Notes the state of each symbol after each packet that concerns it.
impl Observer for Expected {
    const ACTIVE: bool = false;
    const RUNS: bool = true;

    fn on_event(&mut self, _event: &Event, _outcome: &Outcome, _shard: &Shard) {}

    fn after_run(&mut self, events: &[Event], shard: &Shard) {
        for (at, event) in events.iter().enumerate() {
            let is_last = events[at + 1..].iter().all(|later| later.symbol != event.symbol);
            if event.symbol != 0 && is_last {
                self.note(event.symbol(), event, shard);
            }
        }
    }
}
