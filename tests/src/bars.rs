//! Bars of a stream of events, in any number of shards, and by the general window operator.
//!
//! [`built`] runs the sequencer and shards over the events, an event at a time, and brings the signals
//! of the shards into one order as the market stage does. [`by_operator`] knows nothing of bars: it
//! feeds prints, watermarks and retractions to one [`WindowOperator`] a size whose aggregate keeps every
//! print. Two rules of bars are laid over it by hand: a break corrects its window all session, so a
//! second operator that never forgets gets what the first one found in time; and a window that never
//! held a print when it would have been put out gives nothing.

use std::collections::BTreeMap;

use engine::book::books::Limits;
use engine::event::{Event, Flags};
use engine::market::{Cause, HashPoint, Market, MarketListener};
use engine::pipeline::sequencer::Sequencer;
use engine::shard::{Observer, Outcome, Shard, ShardPlace};
use engine::signal::Signal;
use engine::state::encode::Sink;
use engine::units::{Nanos, Notional, Position, Price, SymbolId};
use engine::window::bars::{Bar, BarSettings};
use engine::window::encoding::{DecodeError, Reader, Stored};
use engine::window::operator::WindowOperator;
use engine::window::tick::{Span, Tick};
use engine::window::{
    Aggregate, Arrival, Assigner, Collected, NotRetractable, Trigger, WindowSettings,
};

/// A bar and the position that put it out.
pub type Put = (u64, Bar);

/// Hears bars.
#[derive(Default)]
struct Bars(Vec<Put>);

impl MarketListener for Bars {
    fn on_hash_point(&mut self, _point: &HashPoint) {}

    fn on_bar(&mut self, cause: &Cause, bar: &Bar, _name: &[u8]) {
        self.0.push((cause.position.0, *bar));
    }
}

/// Shards at work on one stream, an event at a time.
pub struct Run {
    sequencer: Sequencer,
    /// The shards; a symbol's is its number modulo how many there are.
    pub shards: Vec<Shard>,
    market: Market<Bars>,
    last: u64,
}

impl Run {
    /// Shards that have seen nothing, on the day that began at `midnight`.
    ///
    /// # Panics
    /// If their memory can't be had.
    #[must_use]
    pub fn new(settings: &BarSettings, shards: u32, midnight: Nanos) -> Run {
        let shard = |index| {
            let shard = Shard::at(ShardPlace { index }, Limits::default()).expect("memory");
            shard.with_bars(settings).expect("memory for bars")
        };
        Run {
            sequencer: Sequencer::new(midnight).with_time_grid(settings.grid()),
            shards: (0..shards).map(shard).collect(),
            market: Market::new(shards, 1 << 16, Bars::default()),
            last: 0,
        }
    }

    /// Applies one event; the event as it was stamped.
    ///
    /// # Panics
    /// If its sequence does not rise.
    pub fn apply(&mut self, event: &Event, observer: &mut impl Observer) -> Event {
        let mut events = [*event];
        assert_eq!(self.sequencer.stamp(&mut events).mark, None, "sequences rise");
        let [event] = events;
        let owner = event.symbol as usize % self.shards.len();
        for (at, shard) in self.shards.iter_mut().enumerate() {
            if at == owner || event.symbol == 0 {
                shard.apply(&event, observer);
            } else if event.flags & Flags::TIME != 0 {
                shard.apply(&Event::passing_time(event.sequence(), event.time()), observer);
            }
        }
        self.last = event.sequence;
        self.hand_over();
        event
    }

    /// Every shard's signals, in the one order that does not depend on how many shards there are.
    fn hand_over(&mut self) {
        let mut signals: Vec<Signal> = Vec::new();
        for shard in &mut self.shards {
            let own = shard.outbox().signals();
            let keys = own.iter().map(|signal| (signal.position, signal.symbol));
            assert!(keys.is_sorted(), "a shard's signals have the order of their key");
            signals.extend(own);
            shard.outbox().clear();
        }
        signals.sort_by_key(|signal| (signal.position, signal.symbol));
        signals.iter().for_each(|signal| self.market.take(signal));
    }

    /// Ends the input; all bars.
    #[must_use]
    pub fn end(mut self) -> Vec<Put> {
        let (last, time) = (Position(self.last), self.sequencer.feed_time());
        self.shards.iter_mut().for_each(|shard| shard.end_of_input(last, time));
        self.hand_over();
        std::mem::take(&mut self.market.listener_mut().0)
    }

    /// Feed time.
    #[must_use]
    pub fn feed_time(&self) -> Nanos {
        self.sequencer.feed_time()
    }
}

/// All bars of a stream.
#[must_use]
pub fn built(events: &[Event], settings: &BarSettings, shards: u32, midnight: Nanos) -> Vec<Put> {
    let mut run = Run::new(settings, shards, midnight);
    events.iter().for_each(|event| {
        run.apply(event, &mut ());
    });
    run.end()
}

/// One print: its place in the feed, price, shares.
type Print = (u64, i64, u64);

/// Keeps every print, in the order of the feed.
#[derive(Clone, Debug, PartialEq)]
struct Prints(Vec<Print>);

impl Stored for Prints {
    fn encode<S: Sink>(&self, sink: &mut S) {
        sink.u64(self.0.len() as u64);
        for (place, price, qty) in &self.0 {
            sink.u64(*place);
            sink.i64(*price);
            sink.u64(*qty);
        }
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let prints = (0..reader.u64()?).map(|_| Ok((reader.u64()?, reader.i64()?, reader.u64()?)));
        prints.collect::<Result<_, _>>().map(Prints)
    }
}

impl Aggregate for Prints {
    type Value = Print;
    type Result = Vec<Print>;

    const EMPTY: Self = Prints(Vec::new());

    fn add(&mut self, print: &Print) {
        self.0.push(*print);
        self.0.sort_unstable();
    }

    fn merge(&mut self, other: Self) {
        self.0.extend(other.0);
        self.0.sort_unstable();
    }

    fn retract(&mut self, print: &Print) -> Result<(), NotRetractable> {
        self.0.retain(|held| held != print);
        Ok(())
    }

    fn result(&self) -> Vec<Print> {
        self.0.clone()
    }
}

/// What the shard says an event printed or broke; which prints count is not what is tested here.
#[derive(Default)]
struct Last(Outcome);

impl Observer for Last {
    fn on_event(&mut self, _event: &Event, outcome: &Outcome, _shard: &Shard) {
        self.0 = *outcome;
    }
}

/// The windows of one size.
struct Size {
    /// Says what comes in time.
    in_time: WindowOperator<u32, Prints>,
    /// Never forgets.
    kept: WindowOperator<u32, Prints>,
    /// Outputs of a window, by symbol and start.
    put_out: BTreeMap<(u32, i64), u32>,
}

impl Size {
    fn new(size: Span, lateness: Span) -> Size {
        let settings = |lateness| {
            let assigner = Assigner::tumbling(size, Span::ZERO).expect("a size");
            let settings = WindowSettings::new(assigner, Trigger::event_time()).expect("settings");
            settings.with_allowed_lateness(lateness).expect("a lateness")
        };
        Size {
            in_time: WindowOperator::new(settings(lateness)),
            kept: WindowOperator::new(settings(Span(i64::MAX))),
            put_out: BTreeMap::new(),
        }
    }

    /// Makes bars of what an operator put out.
    fn put(&mut self, out: Collected<u32, Print, Vec<Print>>, position: u64, put: &mut Vec<Put>) {
        for fired in out.fired {
            let window = fired.window.time().expect("tumbling");
            let before = self.put_out.entry((fired.key, window.start.0)).or_default();
            if fired.result.is_empty() && *before == 0 {
                continue;
            }
            let prices: Vec<i64> = fired.result.iter().map(|(_, price, _)| *price).collect();
            let price = |price: Option<&i64>| Price(price.copied().unwrap_or(0));
            let value = |(_, price, qty): &Print| i128::from(*price) * i128::from(*qty);
            let bar = Bar {
                symbol: SymbolId(fired.key),
                start: Nanos(window.start.0),
                end: Nanos(window.end.0),
                revision: *before,
                open: price(prices.first()),
                high: price(prices.iter().max()),
                low: price(prices.iter().min()),
                close: price(prices.last()),
                trades: prices.len() as u64,
                volume: fired.result.iter().map(|(_, _, qty)| u128::from(*qty)).sum(),
                notional: Notional(fired.result.iter().map(value).sum()),
                price_sum: prices.iter().copied().map(i128::from).sum(),
                is_suspect: false,
            };
            *before += 1;
            put.push((position, bar));
        }
    }

    fn advance(&mut self, watermark: Tick, position: u64, put: &mut Vec<Put>) {
        self.in_time.advance(watermark, &mut Collected::default());
        let mut out = Collected::default();
        self.kept.advance(watermark, &mut out);
        self.put(out, position, put);
    }

    /// Whether it came in time.
    fn print(&mut self, symbol: u32, print: Print, at: Tick, put: &mut Vec<Put>) -> bool {
        let arrival = self.in_time.element(&symbol, print, at, &mut Collected::default());
        if arrival != Ok(Arrival::Added) {
            return false;
        }
        let mut out = Collected::default();
        self.kept.element(&symbol, print, at, &mut out).expect("it fits");
        self.put(out, print.0, put);
        true
    }

    fn take_out(&mut self, symbol: u32, (print, at): (Print, Tick), by: u64, put: &mut Vec<Put>) {
        let mut out = Collected::default();
        self.kept.retract(&symbol, &print, at, &mut out).expect("it can");
        self.put(out, by, put);
    }
}

/// All bars of a stream, by the general operator.
///
/// # Panics
/// If the operator refuses what it should take.
#[must_use]
pub fn by_operator(events: &[Event], settings: &BarSettings, midnight: Nanos) -> Vec<Put> {
    let mut sizes: Vec<Size> =
        settings.sizes().iter().map(|&size| Size::new(size, settings.lateness())).collect();
    let mut run = Run::new(&BarSettings::NONE, 1, midnight);
    let mut put = Vec::new();
    // The latest print of a match number, and the sizes that took it in.
    let mut printed: BTreeMap<(u32, u64), (Print, Tick, Vec<bool>)> = BTreeMap::new();
    let mut last = 0;
    for event in events {
        let mut outcome = Last::default();
        let event = run.apply(event, &mut outcome);
        let feed_time = Tick(run.feed_time().0);
        for size in &mut sizes {
            size.advance(feed_time.minus(Span(1)), event.sequence, &mut put);
        }
        if let Some(print) = outcome.0.print {
            let (place, at) = ((event.sequence, print.price.0, print.qty.0), Tick(print.time.0));
            let took = sizes.iter_mut().map(|size| size.print(event.symbol, place, at, &mut put));
            let took = took.collect();
            printed.insert((event.symbol, print.match_number.0), (place, at, took));
        }
        if let Some(print) = outcome.0.broken {
            let (place, at, took) = printed[&(event.symbol, print.match_number.0)].clone();
            for (size, _) in sizes.iter_mut().zip(&took).filter(|(_, took)| **took) {
                size.take_out(event.symbol, (place, at), event.sequence, &mut put);
            }
        }
        last = event.sequence;
    }
    for size in &mut sizes {
        size.advance(Tick::MAX, last + 1, &mut put);
    }
    put.sort_by_key(|(position, bar)| (*position, bar.symbol, bar.end, bar.start, bar.revision));
    put
}
