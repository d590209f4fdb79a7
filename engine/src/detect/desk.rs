//! Alerts of the whole market: what shards open and end, clusters, suppression, the venue's message rate.
//!
//! The market stage owns the desk and gives it the detections of all shards in their one order; so what it
//! tells does not depend on how many shards there are. It keeps the alerts that are open, and those that a
//! print showed, since a break may come hours later.
//!
//! **Full**: of open alerts and of those shown by prints 65,536 each are kept; beyond them an alert that
//! opens is counted and not told, and the oldest print's is forgotten.

use std::collections::VecDeque;

use crate::detect::alert::{Alert, Change, Told};
use crate::detect::episode::Episode;
use crate::detect::market_cluster;
use crate::detect::message_burst;
use crate::detect::raised::Score;
use crate::detect::settings::Settings;
use crate::detect::sparse;
use crate::detect::spec::{DetectorCode, Family};
use crate::signal::Signal;
use crate::state::encode::Sink;
use crate::units::{MatchNumber, Nanos, Sequence, SymbolId};
use crate::window::encoding::{DecodeError, Reader};

/// Alerts that are open at a time, and alerts that prints have shown, at most.
const KEPT_MAX: usize = 1 << 16;

/// See the module.
pub(crate) struct Desk {
    pub(super) settings: Settings,
    /// Open ones, by symbol and code.
    open: Vec<Alert>,
    /// Those that a print showed, in the order of their opening.
    shown: VecDeque<(MatchNumber, Alert)>,
    /// Alerts that were not told since too many were open.
    refused: u64,
    pub(super) cluster: market_cluster::State,
    pub(super) burst: message_burst::State,
}

/// What an alert's order in the desk goes by.
fn key(alert: &Alert) -> (u32, u8) {
    (alert.symbol.0, alert.code.0)
}

impl Desk {
    /// A desk that has heard nothing.
    pub(crate) fn new(settings: &Settings) -> Desk {
        Desk {
            settings: *settings,
            open: Vec::with_capacity(if settings.is_on() { 4_096 } else { 0 }),
            shown: VecDeque::with_capacity(if settings.is_on() { 4_096 } else { 0 }),
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
        // Many symbols at once are no one's layers: the cluster tells of them.
        let is_suppressed =
            family == Family::Orders && self.cluster.is_suppressing(&cluster.own, time);
        let raised = self.cluster.opens(&cluster.own, symbol, family, time, told);
        if cluster.arming.enabled > 0.0
            && let Some(change) = raised
        {
            self.whole_market(symbol, market_cluster::CODE, change, tell);
        }
        let Told { code, phase, is_suspect, episode, print, .. } = *told;
        let alert = Alert {
            opened: Sequence(episode.last_sequence),
            code,
            symbol,
            change: Change::Open,
            phase,
            is_suspect,
            score,
            start: Nanos(episode.start_ns),
            end: Nanos(episode.last_ns),
            first: Sequence(episode.first_sequence),
            last: Sequence(episode.last_sequence),
            figures: episode.figures,
        };
        if !is_suppressed {
            self.put(alert, print, tell);
        }
    }

    fn put(&mut self, alert: Alert, print: Option<MatchNumber>, tell: &mut impl FnMut(&Alert)) {
        let at = self.open.partition_point(|open| key(open) < key(&alert));
        if self.open.len() >= KEPT_MAX
            || self.open.get(at).is_some_and(|open| key(open) == key(&alert))
        {
            self.refused += 1;
            return;
        }
        self.open.insert(at, alert);
        if let Some(print) = print {
            if self.shown.len() >= KEPT_MAX {
                self.shown.pop_front();
            }
            self.shown.push_back((print, alert));
        }
        tell(&alert);
    }

    fn find(&self, symbol: SymbolId, code: DetectorCode) -> Option<usize> {
        let wanted = (symbol.0, code.0);
        self.open.binary_search_by_key(&wanted, key).ok()
    }

    fn closes(
        &mut self,
        symbol: SymbolId,
        told: &Told,
        score: Score,
        tell: &mut impl FnMut(&Alert),
    ) {
        // One that was suppressed or retracted is not there.
        let Some(at) = self.find(symbol, told.code) else { return };
        let open = self.open.remove(at);
        let Episode { start_ns, last_ns, first_sequence, last_sequence, figures, .. } =
            told.episode;
        let closed = Alert {
            change: Change::Close,
            is_suspect: open.is_suspect || told.is_suspect,
            score: score.max(open.score),
            start: Nanos(start_ns),
            end: Nanos(last_ns),
            first: Sequence(first_sequence),
            last: Sequence(last_sequence),
            figures,
            ..open
        };
        if let Some((_, shown)) = self.shown.iter_mut().rev().find(|(_, it)| is_same(it, &closed)) {
            *shown = closed;
        }
        tell(&closed);
    }

    /// A print was broken: takes back the alerts that it showed.
    pub(crate) fn broken(&mut self, signal: &Signal, mut tell: impl FnMut(&Alert)) {
        let (symbol, broken) = (signal.symbol(), MatchNumber(signal.words[0]));
        let mut at = 0;
        while let Some((print, alert)) = self.shown.get(at).copied() {
            if print != broken || alert.symbol != symbol {
                at += 1;
                continue;
            }
            self.shown.remove(at);
            if let Some(open) = self.find(symbol, alert.code)
                && is_same(&self.open[open], &alert)
            {
                self.open.remove(open);
            }
            tell(&Alert { change: Change::Retract, ..alert });
        }
    }

    /// A shard tells how many messages it had since the line of feed time before.
    pub(crate) fn rate(&mut self, signal: &Signal, mut tell: impl FnMut(&Alert)) {
        let burst = self.settings.message_burst;
        if burst.arming.enabled <= 0.0 {
            return;
        }
        let raised = self.burst.messages(&burst, signal);
        let of_market = SymbolId(signal.symbol);
        if let Some(change) = raised {
            self.whole_market(of_market, message_burst::CODE, change, &mut tell);
        }
        let cluster = self.settings.market_cluster;
        if let Some(change) = self.cluster.passes(&cluster.arming, signal.time()) {
            self.whole_market(of_market, market_cluster::CODE, change, &mut tell);
        }
    }

    /// Ends what is open of the whole market: the input has ended.
    pub(crate) fn end(&mut self, mut tell: impl FnMut(&Alert)) {
        let last =
            [(message_burst::CODE, self.burst.end()), (market_cluster::CODE, self.cluster.end())];
        for (code, change) in last {
            if let Some(change) = change {
                self.whole_market(SymbolId(0), code, change, &mut tell);
            }
        }
    }

    fn whole_market(
        &mut self,
        symbol: SymbolId,
        code: DetectorCode,
        told: Told,
        tell: &mut impl FnMut(&Alert),
    ) {
        let symbol = SymbolId::of(symbol.feed(), 0);
        let score = Score::of_level(told.episode.level);
        match told.change {
            Change::Open => {
                let Told { phase, is_suspect, episode, .. } = told;
                let alert = Alert {
                    opened: Sequence(episode.last_sequence),
                    code,
                    symbol,
                    change: Change::Open,
                    phase,
                    is_suspect,
                    score,
                    start: Nanos(episode.start_ns),
                    end: Nanos(episode.last_ns),
                    first: Sequence(episode.first_sequence),
                    last: Sequence(episode.last_sequence),
                    figures: episode.figures,
                };
                self.put(alert, None, tell);
            }
            Change::Close | Change::Retract => self.closes(symbol, &told, score, tell),
        }
    }

    /// Alerts that were not told since too many were open.
    pub(crate) fn refused(&self) -> u64 {
        self.refused
    }

    /// Writes all that it holds; nothing where nothing is detected.
    pub(crate) fn store<S: Sink>(&self, sink: &mut S) {
        if !self.settings.is_on() {
            return;
        }
        let Desk { settings: _, open, shown, refused, cluster, burst } = self;
        sink.u64(*refused);
        sink.u32(open.len() as u32);
        open.iter().for_each(|alert| store_alert(alert, sink));
        sink.u32(shown.len() as u32);
        for (print, alert) in shown {
            sink.u64(print.0);
            store_alert(alert, sink);
        }
        sparse::put(cluster, sink);
        sparse::put(burst, sink);
    }

    /// The desk that was stored.
    pub(crate) fn restored(
        settings: &Settings,
        reader: &mut Reader<'_>,
    ) -> Result<Desk, DecodeError> {
        let mut desk = Desk::new(settings);
        if !settings.is_on() {
            return Ok(desk);
        }
        desk.refused = reader.u64()?;
        for _ in 0..kept(reader)? {
            let alert = read_alert(reader)?;
            if desk.open.last().is_some_and(|last| key(last) >= key(&alert)) {
                return Err(reader.refuse("the order of open alerts"));
            }
            desk.open.push(alert);
        }
        for _ in 0..kept(reader)? {
            let print = MatchNumber(reader.u64()?);
            desk.shown.push_back((print, read_alert(reader)?));
        }
        desk.cluster = sparse::take(reader)?;
        desk.burst = sparse::take(reader)?;
        Ok(desk)
    }
}

/// Whether two are one alert.
fn is_same(one: &Alert, other: &Alert) -> bool {
    one.opened == other.opened && key(one) == key(other)
}

fn kept(reader: &mut Reader<'_>) -> Result<usize, DecodeError> {
    match reader.u32()? as usize {
        count if count <= KEPT_MAX => Ok(count),
        _ => Err(reader.refuse("the number of alerts")),
    }
}

fn store_alert<S: Sink>(alert: &Alert, sink: &mut S) {
    let Alert {
        opened,
        code,
        symbol,
        change,
        phase,
        is_suspect,
        score,
        start,
        end,
        first,
        last,
        figures,
    } = *alert;
    sink.u64(opened.0);
    sink.u32(symbol.0);
    sink.bytes(&[code.0, change as u8, phase as u8, u8::from(is_suspect)]);
    sink.u32(u32::from(score.tenths()));
    sink.i64(start.0);
    sink.i64(end.0);
    sink.u64(first.0);
    sink.u64(last.0);
    figures.iter().for_each(|figure| sink.u64(figure.to_bits()));
}

fn read_alert(reader: &mut Reader<'_>) -> Result<Alert, DecodeError> {
    use crate::detect::phase::Phase;
    let (opened, symbol) = (Sequence(reader.u64()?), SymbolId(reader.u32()?));
    let (code, change, phase) = (reader.u8()?, reader.u8()?, reader.u8()?);
    let is_suspect = reader.flag("whether an alert's book was in doubt")?;
    let change = Change::from_byte(change).ok_or_else(|| reader.refuse("an alert's change"))?;
    let phase = Phase::from_byte(phase).ok_or_else(|| reader.refuse("an alert's phase"))?;
    let tenths = u16::try_from(reader.u32()?).ok();
    let score = tenths.and_then(Score::from_tenths);
    let score = score.ok_or_else(|| reader.refuse("an alert's score"))?;
    let (start, end) = (Nanos(reader.i64()?), Nanos(reader.i64()?));
    let (first, last) = (Sequence(reader.u64()?), Sequence(reader.u64()?));
    let mut figures = [0.0; crate::detect::spec::FIGURES_MAX];
    for figure in &mut figures {
        *figure = f64::from_bits(reader.u64()?);
    }
    let code = DetectorCode(code);
    Ok(Alert {
        opened,
        code,
        symbol,
        change,
        phase,
        is_suspect,
        score,
        start,
        end,
        first,
        last,
        figures,
    })
}

#[cfg(test)]
mod tests;
