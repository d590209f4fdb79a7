//! What was read of a board so far, and what follows from it: rates of the last second, latencies of the
//! last ten. Pure: looks in, figures out.

use std::collections::{HashMap, VecDeque};
use std::mem;
use std::time::{Duration, Instant};

use engine::board::Liveness;
use engine::board::histogram::{Latencies, Stage};
use engine::board::reader::ShownSymbol;
use engine::board::symbol::Detail;
use engine::quality::Quality;
use engine::units::{Price, SymbolId};

use crate::stat::between::{self, Rates, ThreadShares};
use crate::stat::look::{Look, name_of};

/// The time that rates are of.
const RATES_OVER: Duration = Duration::from_secs(1);

/// The time that latencies are of.
const LATENCIES_OVER: Duration = Duration::from_secs(10);

/// Latencies of every stage.
pub(super) type AllLatencies = Vec<(Stage, Latencies)>;

/// See the module.
pub(super) struct Readings {
    /// Those before the last, newest last; from about a second ago on.
    looks: VecDeque<Look>,
    last: Look,
    latencies: VecDeque<(Instant, AllLatencies)>,
    details: HashMap<SymbolId, Detail>,
    quality: Quality,
}

/// A symbol's line in the table.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Row {
    /// Which.
    pub(super) symbol: SymbolId,
    /// Its name.
    pub(super) name: String,
    /// Its trading state.
    pub(super) state: Option<u8>,
    /// Best bid and its shares.
    pub(super) bid: Option<(Price, u64)>,
    /// Best offer and its shares.
    pub(super) ask: Option<(Price, u64)>,
    /// Its detail, where it was read.
    pub(super) detail: Option<Detail>,
    /// Messages a second.
    pub(super) messages_per_s: f64,
    /// Whether its book may be wrong.
    pub(super) is_suspect: bool,
}

impl Row {
    /// From the bid to the offer; `None` where one is missing.
    pub(super) fn spread(&self) -> Option<Price> {
        let (bid, ask) = (self.bid?.0, self.ask?.0);
        Some(Price(ask.0.saturating_sub(bid.0)))
    }

    /// Of its prints; `None` before the first.
    pub(super) fn prints(&self) -> Option<&Detail> {
        self.detail.as_ref().filter(|detail| detail.trades > 0)
    }
}

impl Readings {
    /// Begins with a look.
    pub(super) fn new(look: Look) -> Readings {
        Readings {
            looks: VecDeque::new(),
            last: look,
            latencies: VecDeque::new(),
            details: HashMap::new(),
            quality: Quality::default(),
        }
    }

    /// Takes the next look.
    pub(super) fn take(&mut self, look: Look) {
        self.looks.push_back(mem::replace(&mut self.last, look));
        let is_old = |look: &Look| self.last.taken.duration_since(look.taken) >= RATES_OVER;
        while self.looks.get(1).is_some_and(is_old) {
            self.looks.pop_front();
        }
    }

    /// Takes latencies as they stand.
    pub(super) fn take_latencies(&mut self, at: Instant, latencies: AllLatencies) {
        self.latencies.push_back((at, latencies));
        let is_old = |(of, _): &(Instant, AllLatencies)| at.duration_since(*of) >= LATENCIES_OVER;
        while self.latencies.get(1).is_some_and(is_old) {
            self.latencies.pop_front();
        }
    }

    /// Takes a symbol's detail.
    pub(super) fn take_detail(&mut self, symbol: SymbolId, detail: Detail) {
        self.details.insert(symbol, detail);
    }

    /// Adds up what all details count.
    pub(super) fn sum_quality(&mut self) {
        let mut sum = Quality::default();
        self.details.values().for_each(|detail| sum += detail.quality);
        self.quality = sum;
    }

    /// Whether the engine is there, where nothing else is looked at.
    pub(super) fn set_liveness(&mut self, liveness: Liveness) {
        self.last.liveness = liveness;
    }

    /// The last look.
    pub(super) fn last(&self) -> &Look {
        &self.last
    }

    /// The look that rates are counted from; `None`: from the start. So it is of an engine that does not
    /// run: its last second says nothing.
    fn earlier(&self) -> Option<&Look> {
        let first = self.looks.front().filter(|_| self.last.liveness == Liveness::Running);
        first.filter(|first| self.last.taken.duration_since(first.taken) >= RATES_OVER / 10)
    }

    /// Whether rates are averages since the start.
    pub(super) fn are_averages(&self) -> bool {
        self.earlier().is_none()
    }

    /// Rates of the feed.
    pub(super) fn rates(&self) -> Rates {
        Rates::of(self.earlier(), &self.last)
    }

    /// What the threads do.
    pub(super) fn threads(&self) -> Vec<ThreadShares> {
        let of_late = between::threads(self.earlier(), &self.last);
        // The keeper looks ten times a second: two looks may be of one of its own.
        if of_late.is_empty() { between::threads(None, &self.last) } else { of_late }
    }

    /// Latencies of the last ten seconds, or since the start where there are none.
    pub(super) fn latencies(&self) -> (AllLatencies, bool) {
        let Some((_, last)) = self.latencies.back() else { return (Vec::new(), false) };
        let first = self.latencies.front().filter(|_| self.latencies.len() > 1);
        let first = first.filter(|_| self.last.liveness == Liveness::Running);
        let recent: AllLatencies = match first {
            Some((_, first)) => {
                let both = last.iter().zip(first);
                both.map(|((stage, now), (_, then))| (*stage, now.since(then))).collect()
            }
            None => Vec::new(),
        };
        if recent.iter().any(|(_, latencies)| latencies.samples() > 0) {
            (recent, true)
        } else {
            (last.clone(), false)
        }
    }

    /// A symbol's detail, where it was read.
    pub(super) fn detail(&self, symbol: SymbolId) -> Option<&Detail> {
        self.details.get(&symbol)
    }

    /// How much was amiss, of any cause.
    pub(super) fn amiss(&self) -> u64 {
        let causes = self.last.quality(self.quality);
        // Gaps are told for themselves, and a crossed book is the market's own.
        let is_told = |name: &str| matches!(name, "gap_messages" | "crossed" | "locked");
        causes.iter().filter(|(name, _)| !is_told(name)).map(|(_, count)| count).sum()
    }

    /// Messages a second of a symbol.
    pub(super) fn messages_per_s(&self, shown: &ShownSymbol) -> f64 {
        let (before, over_s) = match self.earlier() {
            Some(earlier) => {
                let at = earlier.symbols.binary_search_by_key(&shown.symbol.0, |of| of.symbol.0);
                let before = at.map_or(0, |at| earlier.symbols[at].quote.messages());
                (before, self.last.taken.duration_since(earlier.taken).as_secs_f64())
            }
            None => (0, self.last.uptime_ns() as f64 / 1e9),
        };
        let more = shown.quote.messages().wrapping_sub(before);
        if over_s > 0.0 { f64::from(more) / over_s } else { 0.0 }
    }

    /// The line of a symbol; `None` of one that is not on the board.
    pub(super) fn row(&self, symbol: SymbolId) -> Option<Row> {
        let at = self.last.symbols.binary_search_by_key(&symbol.0, |of| of.symbol.0).ok()?;
        let shown = &self.last.symbols[at];
        Some(Row {
            symbol,
            name: name_of(shown),
            state: shown.quote.state(),
            bid: shown.quote.bid().map(|(price, qty)| (price, qty.0)),
            ask: shown.quote.ask().map(|(price, qty)| (price, qty.0)),
            detail: self.details.get(&symbol).copied(),
            messages_per_s: self.messages_per_s(shown),
            is_suspect: self.last.is_suspect(symbol),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stat::fixture;

    fn later(look: &Look, ms: u64, messages: u64) -> Look {
        let mut later = look.clone();
        later.taken += Duration::from_millis(ms);
        later.at.0 += ms as i64 * 1_000_000;
        later.ingest.messages = messages;
        later.symbols = vec![fixture::symbol(7, "AAPL", 100, 101, messages)];
        later
    }

    #[test]
    fn rates_are_of_the_last_second_of_a_running_engine() {
        let first = later(&fixture::look(), 0, 1_000);
        let mut readings = Readings::new(first.clone());
        assert!(readings.are_averages());
        assert_eq!(readings.rates().messages_per_s, 10.0);
        for (ms, messages) in [(500, 1_100), (1_000, 1_300), (1_500, 1_700)] {
            readings.take(later(&first, ms, messages));
        }
        // From 500 ms to 1,500 ms.
        assert_eq!(readings.rates().messages_per_s, 600.0);
        assert_eq!(readings.row(SymbolId(7)).unwrap().messages_per_s, 600.0);
        readings.set_liveness(Liveness::Stale(3_000_000_000));
        assert!(readings.are_averages());
    }

    #[test]
    fn a_symbol_s_count_that_wraps_gives_no_wild_rate() {
        let first = later(&fixture::look(), 0, u64::from(u32::MAX) - 1);
        let mut readings = Readings::new(first.clone());
        readings.take(later(&first, 1_000, 5 + (1 << 32)));
        let rate = readings.row(SymbolId(7)).unwrap().messages_per_s;
        assert_eq!(rate, 7.0);
    }

    #[test]
    fn a_symbol_that_is_not_there_has_no_line() {
        let readings = Readings::new(later(&fixture::look(), 0, 1));
        assert_eq!(readings.row(SymbolId(8)), None);
        let row = readings.row(SymbolId(7)).unwrap();
        assert_eq!((row.name.as_str(), row.state), ("AAPL", Some(b'T')));
        assert_eq!(row.spread(), Some(Price(10_000_000)));
    }
}
