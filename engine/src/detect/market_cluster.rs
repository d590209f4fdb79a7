//! Alerts of one family on many symbols at once, and the suppression of what then is nobody's.
//!
//! Held in the market stage. Of each family the last symbols with an alert are kept with its time; a cluster
//! is so many distinct ones within a span. Separately, when as many symbols as
//! `suppress_symbols` have alerts of the orders family within `suppress_span`, further ones of that span
//! are suppressed: a fade on news is no layering.
//!
//! **Several feeds**: symbols of all count together. An alert is that of the market of the feed whose alert made it
//! open; the first message of its evidence is the least number of all, of whichever feed.
//!
//! Source: Nanex 4613 (13 and 8 names in two bursts, 2014-04-21).

use bytemuck::{Pod, Zeroable};

use crate::detect::alert::{Change, Told};
use crate::detect::episode::Episode;
use crate::detect::parameter::{Armed, Arming};
use crate::detect::phase::{Phase, Phases};
use crate::detect::raised::{Score, Since};
use crate::detect::spec::{DetectorCode, Family, Spec};
use crate::units::{Nanos, Sequence, SymbolId};

/// Its number.
pub const CODE: DetectorCode = DetectorCode(26);

/// Alerts that are kept a family.
const KEPT: usize = 32;

/// Families that cluster.
const FAMILIES: usize = 5;

crate::parameters! {
    /// `detect.market_cluster`
    MarketCluster {
        symbols: Count = 10, 2..32, "Distinct symbols with alerts of one family.", "Nanex 4613: 13 and 8 names; convention: 10";
        span: Time = 5e9, 1_000_000..6e11, "Within so long.", "convention";
        suppress_symbols: Count = 20, 2..32, "Symbols with alerts of the orders family that suppress further ones.", "convention";
        suppress_span: Time = 100_000_000, 1_000_000..6e11, "Within so long.", "convention";
    }
}

static SPECIFICATION: Spec = Spec {
    code: CODE,
    name: "market_cluster",
    pattern: "one cause over many symbols",
    figures: &["symbols", "family"],
    thresholds: &["symbols"],
    phases: Phases::ANY,
    warm_up_seconds: 0,
    family: Family::Other,
};

/// An alert that opened.
#[derive(Clone, Copy, Debug, Default, Pod, Zeroable)]
#[repr(C)]
struct Opened {
    symbol: u64,
    time_ns: i64,
    sequence: u64,
}

/// What is kept of the market. All zero has seen nothing.
#[derive(Clone, Copy, Debug, Default, Pod, Zeroable)]
#[repr(C)]
pub struct State {
    opened: [[Opened; KEPT]; FAMILIES],
    /// Places that come next.
    next: [u64; FAMILIES],
    /// 1 while an alert is open.
    is_open: u64,
    episode: Episode,
}

impl MarketCluster {
    /// What it is called.
    pub const SPEC: &'static Spec = &SPECIFICATION;

    /// How it is armed unless that is set.
    #[must_use]
    pub fn arming() -> Arming {
        Arming { cool_down: 5e9, ..Arming::default() }
    }
}

impl State {
    /// An alert opens on a symbol; what becomes of the cluster's alert by it.
    pub(crate) fn opens(
        &mut self,
        settings: &Armed<MarketCluster>,
        symbol: SymbolId,
        family: Family,
        time: Nanos,
        told: &Told,
    ) -> Option<Told> {
        let own = &settings.own;
        let at = family as usize;
        let (kept, next) = (self.opened.get_mut(at)?, self.next.get_mut(at)?);
        let sequence = told.episode.last_sequence;
        kept[*next as usize % KEPT] =
            Opened { symbol: u64::from(symbol.0) + 1, time_ns: time.0, sequence };
        *next = next.wrapping_add(1);
        let (symbols, first) = self.distinct(at, time, own.span);
        let level = f64::from(symbols) / own.symbols;
        let figures = [f64::from(symbols), at as f64, 0.0, 0.0];
        let here = Since { time, sequence: Sequence(sequence) };
        if self.is_open != 0 {
            if level >= 1.0 {
                self.episode.hold(here, level, figures);
            }
            return None;
        }
        if level < 1.0 || Score::of_level(level).get() < settings.arming.min_score {
            return None;
        }
        self.is_open = 1;
        self.episode = Episode::open(first, here, level, figures);
        Some(Told { change: Change::Open, ..of(self.episode) })
    }

    /// Distinct symbols with an alert of a family within the last `span_ns`, and the first of them.
    fn distinct(&self, family: usize, now: Nanos, span_ns: f64) -> (u32, Since) {
        let from = now.0.saturating_sub(span_ns as i64);
        let mut symbols = [0u64; KEPT];
        let mut count = 0;
        let mut first = Since { time: now, sequence: Sequence(u64::MAX) };
        for opened in self.opened.get(family).into_iter().flatten() {
            if opened.symbol == 0 || opened.time_ns < from {
                continue;
            }
            first.time = first.time.min(Nanos(opened.time_ns));
            first.sequence = first.sequence.min(Sequence(opened.sequence));
            if !symbols[..count].contains(&opened.symbol) {
                symbols[count] = opened.symbol;
                count += 1;
            }
        }
        (count as u32, first)
    }

    /// Whether so many symbols have alerts of the orders family that one more is suppressed.
    pub(crate) fn is_suppressing(&self, own: &MarketCluster, time: Nanos) -> bool {
        let (symbols, _) = self.distinct(Family::Orders as usize, time, own.suppress_span);
        f64::from(symbols) >= own.suppress_symbols
    }

    /// Feed time passes.
    pub(crate) fn passes(&mut self, arming: &Arming, time: Nanos) -> Option<Told> {
        if self.is_open != 0 && time.0 >= self.episode.ends_ns(arming.cool_down) {
            return self.end();
        }
        None
    }

    /// Ends the alert, if one is open.
    pub(crate) fn end(&mut self) -> Option<Told> {
        if core::mem::take(&mut self.is_open) == 0 {
            return None;
        }
        Some(of(core::mem::take(&mut self.episode)))
    }
}

fn of(episode: Episode) -> Told {
    Told::close(CODE, Phase::Unknown, false, episode)
}

const _: () = assert!(Family::Rule as usize >= FAMILIES);
