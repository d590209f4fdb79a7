//! Alerts of the whole market: what shards open and end, clusters, suppression, the venue's message rate.
//!
//! The market stage owns the desk and gives it the detections of all shards in their one order; so what it
//! tells does not depend on how many shards there are. It keeps the alerts that are open, and those that a
//! print showed ([`shown`]), since a break may come hours later. Both are found by a hash, whose order nothing
//! goes by.
//!
//! **Full**: of open alerts and of those shown by prints 65,536 each are kept; beyond them an alert that
//! opens is counted and not told, and the oldest print's is forgotten.

mod shown;
mod stored;

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use crate::detect::alert::{Alert, Change, Told};
use crate::detect::market_cluster;
use crate::detect::message_burst;
use crate::detect::raised::Score;
use crate::detect::settings::Settings;
use crate::detect::spec::{DetectorCode, Family};
use crate::signal::Signal;
use crate::units::{MatchNumber, Nanos, SymbolId};

use self::shown::{Number, Shown};

/// Alerts that are open at a time, and alerts that prints have shown, at most.
const KEPT_MAX: usize = 1 << 16;

/// Alerts for which there is room at once without growing.
const ROOM: usize = 4_096;

/// See the module.
pub(crate) struct Desk {
    settings: Settings,
    open: HashMap<Key, Open>,
    shown: Shown,
    /// Alerts that were not told since too many were open.
    refused: u64,
    cluster: market_cluster::State,
    burst: message_burst::State,
}

/// By what an open alert is found: a detector has one of a symbol.
type Key = (SymbolId, DetectorCode);

/// An alert that is open.
struct Open {
    alert: Alert,
    /// Its place among those that a print showed, if one did.
    shown: Option<Number>,
}

fn key(alert: &Alert) -> Key {
    (alert.symbol, alert.code)
}

impl Desk {
    /// A desk that has heard nothing.
    pub(crate) fn new(settings: &Settings) -> Desk {
        let room = if settings.is_on() { ROOM } else { 0 };
        Desk {
            settings: *settings,
            open: HashMap::with_capacity(room),
            shown: Shown::with_room(room),
            refused: 0,
            cluster: market_cluster::State::default(),
            burst: message_burst::State::default(),
        }
    }

    /// Takes a detection; `tell` hears what becomes of alerts by it.
    pub(crate) fn detection(
        &mut self,
        detection: &Signal,
        figures: &Signal,
        family: Family,
        mut tell: impl FnMut(&Alert),
    ) {
        let Some((told, score)) = Told::of(detection, figures) else {
            unreachable!("Invariant: shards tell whole detections");
        };
        let symbol = detection.symbol();
        match told.change {
            Change::Open => self.opens(symbol, &told, score, family, detection.time(), &mut tell),
            Change::Close => self.closes(symbol, &told, score, &mut tell),
            Change::Retract => unreachable!("Invariant: shards tell breaks, not retractions"),
        }
    }

    fn opens(
        &mut self,
        symbol: SymbolId,
        told: &Told,
        score: Score,
        family: Family,
        time: Nanos,
        tell: &mut impl FnMut(&Alert),
    ) {
        let cluster = self.settings.market_cluster;
        let mut is_suppressed = false;
        if cluster.arming.enabled > 0.0 {
            // Many symbols at once are no one's layers: the cluster tells of them.
            is_suppressed =
                family == Family::Orders && self.cluster.is_suppressing(&cluster.own, time);
            if let Some(change) = self.cluster.opens(&cluster, symbol, family, time, told) {
                self.whole_market(symbol, change, tell);
            }
        }
        if !is_suppressed {
            self.put(told.alert(symbol, score), told.print, tell);
        }
    }

    fn put(&mut self, alert: Alert, print: Option<MatchNumber>, tell: &mut impl FnMut(&Alert)) {
        let is_full = self.open.len() >= KEPT_MAX;
        match self.open.entry(key(&alert)) {
            Entry::Vacant(place) if !is_full => {
                let shown = print.map(|print| self.shown.push(print, alert));
                place.insert(Open { alert, shown });
                tell(&alert);
            }
            Entry::Vacant(_) | Entry::Occupied(_) => self.refused += 1,
        }
    }

    fn closes(
        &mut self,
        symbol: SymbolId,
        told: &Told,
        score: Score,
        tell: &mut impl FnMut(&Alert),
    ) {
        // One that was suppressed or retracted is not there.
        let Some(open) = self.open.remove(&(symbol, told.code)) else { return };
        let Open { alert: opened, shown } = open;
        let ended = told.alert(symbol, score);
        let closed = Alert {
            opened: opened.opened,
            phase: opened.phase,
            is_suspect: opened.is_suspect || ended.is_suspect,
            score: ended.score.max(opened.score),
            ..ended
        };
        if let Some(shown) = shown {
            self.shown.replace(shown, closed);
        }
        tell(&closed);
    }

    /// A print was broken: takes back the alerts that it showed.
    pub(crate) fn broken(&mut self, signal: &Signal, mut tell: impl FnMut(&Alert)) {
        let Desk { open, shown, .. } = self;
        shown.take_back(signal.symbol(), MatchNumber(signal.words[0]), |number, alert| {
            // A later alert of the detector may be open by now.
            if let Entry::Occupied(place) = open.entry(key(alert))
                && place.get().shown == Some(number)
            {
                place.remove();
            }
            tell(&Alert { change: Change::Retract, ..*alert });
        });
    }

    /// A shard tells how many messages it had since the line of feed time before.
    pub(crate) fn rate(&mut self, signal: &Signal, mut tell: impl FnMut(&Alert)) {
        let of_market = signal.symbol();
        let Settings { market_cluster: cluster, message_burst: burst, .. } = self.settings;
        if let Some(change) = self.cluster.passes(&cluster.arming, signal.time()) {
            self.whole_market(of_market, change, &mut tell);
        }
        if burst.arming.enabled > 0.0
            && let Some(change) = self.burst.messages(&burst, signal)
        {
            self.whole_market(of_market, change, &mut tell);
        }
    }

    /// Ends what is open of the whole market: the input has ended.
    pub(crate) fn end(&mut self, mut tell: impl FnMut(&Alert)) {
        for change in [self.burst.end(), self.cluster.end()].into_iter().flatten() {
            self.whole_market(SymbolId(0), change, &mut tell);
        }
    }

    fn whole_market(&mut self, symbol: SymbolId, told: Told, tell: &mut impl FnMut(&Alert)) {
        let symbol = SymbolId::of(symbol.feed(), 0);
        let score = Score::of_level(told.episode.level);
        match told.change {
            Change::Open => self.put(told.alert(symbol, score), None, tell),
            Change::Close | Change::Retract => self.closes(symbol, &told, score, tell),
        }
    }

    /// Alerts that were not told since too many were open.
    pub(crate) fn refused(&self) -> u64 {
        self.refused
    }
}

#[cfg(test)]
mod tests;
