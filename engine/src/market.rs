//! The one owner of what no single symbol owns.
//!
//! The market stage gives it the signals of all shards in one order, that of
//! [`Signal::key`](crate::signal::Signal::key); so what it holds and tells does not depend on how many
//! shards there are. Nobody else writes it; whoever drives the engine listens to it.

use crate::detect::desk::Desk;
use crate::detect::spec::DetectorCode;
use crate::detect::{Alert, Catalogue, Settings};
use crate::pipeline::named::{Named, Names};
use crate::signal::{Signal, SignalKind, bar_of};
use crate::state::{SectionSums, StateHash};
use crate::units::{FeedId, Nanos, Position, Sequence};
use crate::window::bars::Bar;

/// The state of all shards at one place in the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HashPoint {
    /// All messages up to this position were applied, none after it; the last one's sequence, unless
    /// sequences do not rise or messages behind it were lost.
    pub position: Position,
    /// Feed time there.
    pub time: Nanos,
    /// The digests.
    pub hash: StateHash,
}

/// Hears what the market stage tells, in order, on the market stage's thread.
pub trait MarketListener {
    /// All shards have told the digests of a hash point.
    fn on_hash_point(&mut self, point: &HashPoint);

    /// A signal of a shard that is nothing of the below, in the order of all signals.
    fn on_signal(&mut self, _signal: &Signal) {}

    /// A window of a symbol was put out. Bars come by position, then symbol, end, start and revision;
    /// `name` is empty where the symbol had none by then.
    fn on_bar(&mut self, _cause: &Cause, _bar: &Bar, _name: &[u8]) {}

    /// An alert opens, has ended or is taken back; `name` is its symbol's, empty where it had none by then.
    fn on_alert(&mut self, _cause: &Cause, _alert: &Alert, _name: &[u8]) {}

    /// Messages of a feed were given up as lost, in their place among the rest.
    fn on_gap(&mut self, _cause: &Cause, _feed: FeedId, _first: Sequence, _end: Sequence) {}

    /// All that has come so far was told, and there is nothing more at hand.
    fn on_turn(&mut self) {}
}

/// What something that is told follows from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cause {
    /// Position of the message; of what the end of the input puts out, the one behind the last.
    pub position: Position,
    /// Feed time there, as far as it has passed.
    pub time: Nanos,
}

impl MarketListener for () {
    fn on_hash_point(&mut self, _point: &HashPoint) {}
}

/// See the module.
pub struct Market<L> {
    shards: u32,
    /// The hash point being told, and by how many shards it was.
    sums: SectionSums,
    told: u32,
    state: MarketState,
    /// The first and second part of a bar whose last part comes next.
    bar: [Option<Signal>; 2],
    /// The first part of a detection whose last part comes next.
    detection: Option<Signal>,
    listener: L,
}

/// What a market knows when all signals are taken.
pub(crate) struct MarketState {
    /// Symbols whose trading state is other than trading, of those that ever were told one.
    pub(crate) not_trading: u32,
    /// Signals so far.
    pub(crate) signals: u64,
    pub(crate) names: Names,
    /// Alerts.
    pub(crate) desk: Desk,
    /// Whose alerts these are.
    pub(crate) catalogue: Catalogue,
}

impl MarketState {
    /// Before the first signal, for symbols numbered below `symbols_max`.
    pub(crate) fn new(
        symbols_max: usize,
        settings: &Settings,
        catalogue: Catalogue,
    ) -> MarketState {
        let (names, desk) = (Names::new(symbols_max), Desk::new(settings));
        MarketState { not_trading: 0, signals: 0, names, desk, catalogue }
    }
}

impl<L: MarketListener> Market<L> {
    /// The market of an engine with so many shards, for symbols numbered below `symbols_max`.
    #[must_use]
    pub fn new(shards: u32, symbols_max: usize, listener: L) -> Self {
        let settings = Settings::off();
        let state = MarketState::new(symbols_max, &settings, Catalogue::of(&settings));
        Market::of(shards, state, listener)
    }

    /// The market of an engine with so many shards that knows this.
    pub(crate) fn of(shards: u32, state: MarketState, listener: L) -> Self {
        let sums = SectionSums::default();
        let (bar, detection) = ([None, None], None);
        Market { shards, sums, told: 0, state, bar, detection, listener }
    }

    /// What it knows when the signals of whole packets are taken.
    ///
    /// # Panics
    /// If a hash point or a bar is told in part.
    pub(crate) fn state(&self) -> &MarketState {
        let Market { shards: _, sums, told, state, bar, detection, listener: _ } = self;
        assert!(
            *told == 0
                && *sums == SectionSums::default()
                && bar.iter().all(Option::is_none)
                && detection.is_none(),
            "Invariant: hash points, bars and detections are told whole between packets"
        );
        state
    }

    /// Takes a name, before any signal that follows from its message.
    pub fn learn(&mut self, named: &Named) {
        self.state.names.learn(named);
    }

    /// There is nothing more at hand.
    #[inline]
    pub fn turn(&mut self) {
        self.listener.on_turn();
    }

    /// Takes the next signal in the order of all shards'.
    pub fn take(&mut self, signal: &Signal) {
        self.state.signals += 1;
        match signal.kind() {
            Some(SignalKind::SectionSums) => self.section_sums(signal),
            Some(SignalKind::TradingState) => {
                let [now, before, ..] = signal.words;
                let halted = |state: u64| state != 0 && state != u64::from(b'T');
                self.state.not_trading += u32::from(halted(now));
                self.state.not_trading -= u32::from(halted(before));
                self.listener.on_signal(signal);
            }
            Some(SignalKind::Bar) => self.bar = [Some(*signal), None],
            Some(SignalKind::BarSums) => self.bar[1] = Some(*signal),
            Some(SignalKind::BarValue) => self.bar(signal),
            Some(SignalKind::Gap) => {
                let cause = Cause { position: signal.position(), time: signal.time() };
                let [first, end, feed, ..] = signal.words;
                let (first, end) = (Sequence(first), Sequence(end));
                self.listener.on_gap(&cause, FeedId(feed as u16), first, end);
            }
            Some(SignalKind::Halts) => {
                let [begun, ended, ..] = signal.words;
                let halted = u64::from(self.state.not_trading).wrapping_add(begun);
                self.state.not_trading = halted.wrapping_sub(ended) as u32;
            }
            Some(SignalKind::Detection) => self.detection = Some(*signal),
            Some(SignalKind::Figures) => self.detection(signal),
            Some(SignalKind::Broken) => self.alerts(signal, |desk, tell| desk.broken(signal, tell)),
            Some(SignalKind::Rate) => self.alerts(signal, |desk, tell| desk.rate(signal, tell)),
            None => {}
        }
    }

    #[cold]
    fn detection(&mut self, figures: &Signal) {
        let Some(detection) = self.detection.take() else {
            unreachable!("Invariant: the parts of a detection come in a row");
        };
        let code = DetectorCode(detection.words[0] as u8);
        let family = self.state.catalogue.family(code);
        self.alerts(figures, |desk, tell| desk.detection(&detection, figures, family, tell));
    }

    /// Has the desk do something that follows from a signal, and tells what becomes of alerts by it.
    fn alerts(&mut self, signal: &Signal, act: impl FnOnce(&mut Desk, &mut dyn FnMut(&Alert))) {
        let cause = Cause { position: signal.position(), time: signal.time() };
        let MarketState { names, desk, .. } = &mut self.state;
        let listener = &mut self.listener;
        act(desk, &mut |alert| {
            let name = names.at(alert.symbol, cause.position);
            listener.on_alert(&cause, alert, name);
        });
    }

    /// The input has ended: ends the alerts of the whole market. They stand at the position behind that of
    /// the last message.
    pub fn end_of_input(&mut self, last: Position, time: Nanos) {
        let cause = Cause { position: Position(last.0.saturating_add(1)), time };
        let MarketState { names, desk, .. } = &mut self.state;
        let listener = &mut self.listener;
        desk.end(|alert| {
            let name = names.at(alert.symbol, cause.position);
            listener.on_alert(&cause, alert, name);
        });
    }

    /// Alerts that were not told since too many were open.
    #[must_use]
    pub fn refused_alerts(&self) -> u64 {
        self.state.desk.refused()
    }

    /// What the alerts are called, and what they are held against.
    #[must_use]
    pub fn catalogue(&self) -> &Catalogue {
        &self.state.catalogue
    }

    fn bar(&mut self, value: &Signal) {
        let [Some(prices), Some(sums)] = core::mem::take(&mut self.bar) else {
            unreachable!("Invariant: the parts of a bar come in a row");
        };
        let bar = bar_of(&prices, &sums, value);
        let cause = Cause { position: value.position(), time: value.time() };
        let name = self.state.names.at(bar.symbol, cause.position);
        self.listener.on_bar(&cause, &bar, name);
    }

    fn section_sums(&mut self, signal: &Signal) {
        self.sums += SectionSums::from_words(signal.words);
        self.told += 1;
        if self.told == self.shards {
            let hash = StateHash::of(&self.sums);
            // The signal has the position of the message that comes next.
            let position = Position(signal.position.wrapping_sub(1));
            let point = HashPoint { position, time: signal.time(), hash };
            (self.sums, self.told) = (SectionSums::default(), 0);
            self.listener.on_hash_point(&point);
        }
    }

    /// A market that hears of these detectors.
    #[cfg(test)]
    pub(crate) fn rehearse(&mut self, detectors: &crate::detect::Detectors) {
        self.state.desk = Desk::new(detectors.settings());
        self.state.catalogue = detectors.catalogue();
    }

    /// Symbols that are halted, paused or quoted only.
    #[must_use]
    pub fn not_trading(&self) -> u32 {
        self.state.not_trading
    }

    /// Signals taken.
    #[must_use]
    pub fn signals(&self) -> u64 {
        self.state.signals
    }

    /// The listener.
    #[must_use]
    pub fn listener(&self) -> &L {
        &self.listener
    }

    /// The listener, taken out.
    #[must_use]
    pub fn into_listener(self) -> L {
        self.listener
    }

    /// The listener, to be changed or flushed.
    pub fn listener_mut(&mut self) -> &mut L {
        &mut self.listener
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signal::Outbox;
    use crate::units::SymbolId;

    #[derive(Default)]
    struct Heard(Vec<HashPoint>, usize);

    impl MarketListener for Heard {
        fn on_hash_point(&mut self, point: &HashPoint) {
            self.0.push(*point);
        }

        fn on_signal(&mut self, _signal: &Signal) {
            self.1 += 1;
        }
    }

    fn sums(books: u64) -> SectionSums {
        SectionSums { books, symbols: 1, ..SectionSums::default() }
    }

    #[test]
    fn a_hash_point_is_told_once_all_shards_have_told_theirs() {
        let mut market = Market::new(3, 16, Heard::default());
        let mut outbox = Outbox::new();
        for books in [7, 11, 13] {
            let words = sums(books).words();
            outbox.emit(Position(4), Nanos(9), SymbolId(0), SignalKind::SectionSums, words);
        }
        market.take(&outbox.signals()[0]);
        market.take(&outbox.signals()[1]);
        assert!(market.listener().0.is_empty());
        market.take(&outbox.signals()[2]);
        let all = SectionSums { symbols: 3, ..sums(31) };
        let point = HashPoint { position: Position(3), time: Nanos(9), hash: StateHash::of(&all) };
        assert_eq!(market.listener().0, [point]);
    }

    #[test]
    fn symbols_that_do_not_trade_are_counted_as_their_states_change() {
        let mut market = Market::new(1, 16, Heard::default());
        let mut outbox = Outbox::new();
        let changes = [(0, b'T'), (0, b'H'), (b'H', b'P'), (b'T', b'H'), (b'P', b'T')];
        for (before, now) in changes {
            let words = [u64::from(now), u64::from(before), 0, 0, 0];
            outbox.emit(Position(1), Nanos(0), SymbolId(1), SignalKind::TradingState, words);
        }
        let counts: Vec<u32> = outbox
            .signals()
            .iter()
            .map(|signal| {
                market.take(signal);
                market.not_trading()
            })
            .collect();
        assert_eq!(counts, [0, 1, 1, 2, 1]);
        assert_eq!((market.signals(), market.listener().1), (5, 5));
    }
}
