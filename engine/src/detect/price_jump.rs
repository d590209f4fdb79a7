//! Price jump: a quote that stood has gone elsewhere, and stands there: by far more than the price usually
//! moves, and with trades.
//!
//! Compares a quote that stands half a second with the last one before it that stood. It takes 0.85 percent, three
//! ticks and six standard deviations of the mid's change over a second, and three prints on the way. A quote
//! has jumped as far as the side of it that moved less, so a spread that widens is no jump until the other
//! side follows; nor is a bounce between bid and ask, a print beyond both, a spike that comes back at once,
//! or quotes that return over an empty book without a trade. Prints only count, so breaking one changes
//! nothing: what is told of stands in the quotes.
//!
//! A quote stands if its spread is usual, or at most three times as wide as what it has moved by. A halt, or five minutes
//! in which none stood, leaves nothing to compare with; a book that is quiet stands.
//!
//! Sources: Lee and Mykland 2008 for jumps against the usual volatility, here the standard deviation of
//! second returns, each cut to five of them.

use bytemuck::{Pod, Zeroable};

use crate::detect::detector::Detector;
use crate::detect::parameter::Arming;
use crate::detect::phase::Phases;
use crate::detect::raised::Raised;
use crate::detect::seen::{Second, Seen};
use crate::detect::spec::{DetectorCode, Family, Spec};
use crate::detect::touch::Touch;
use crate::units::Nanos;

crate::parameters! {
    /// `detect.price_jump`
    PriceJump {
        move_min: Ratio = 0.0085, 0.0001..1, "Part of the price, at least.", "calibrated on simulated sessions, seeds 1 to 10";
        ticks_min: Count = 3, 1..1000, "Ticks, at least.", "convention";
        sigmas: Ratio = 6, 1..1000, "Standard deviations of the mid's change over a second.", "calibrated on simulated sessions, seeds 1 to 10; beyond any of Lee and Mykland 2008";
        prints: Count = 3, 0..10000, "Prints since the quote that it is compared with, and in the second before.", "calibrated on simulated sessions, seeds 1 to 10";
        dwell: Time = 500_000_000, 1_000_000..6e10, "It stands there so long.", "calibrated on simulated sessions, seeds 1 to 10";
        horizon: Time = 3e11, 1e9..3.6e12, "The quote that it is compared with stood no longer before.", "calibrated on simulated sessions, seeds 1 to 10";
    }
}

/// A dollar, from which on a tick is a cent and below which it is 1e-4 (Regulation NMS, Rule 612).
const DOLLAR: f64 = 1e9;

/// The least standard deviation that is divided by.
const SIGMA_MIN: f64 = 1e-5;

/// Part of the price within which a quote is where it was.
const CALM: f64 = 0.0035;

/// A spread of so many medians, or of such a part of the price, is usual.
const USUAL_MEDIANS: f64 = 3.0;
const USUAL_PART: f64 = 0.0025;

/// How many times as wide as what it has moved by a quote elsewhere may be.
const WIDE: f64 = 3.0;

/// By how much of the price a quote may move while it stands elsewhere.
const STEADY: f64 = 0.002;

/// A quote that stood.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
struct Quote {
    bid: i64,
    ask: i64,
    /// Until when it is known to have stood; 0 for none.
    until_ns: i64,
    /// The symbol's prints a second before.
    prints: u64,
}

/// What is kept of a symbol.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub struct State {
    /// A bid below this has not gone up.
    above: i64,
    /// An ask above this has not gone down.
    below: i64,
    /// The last quote that stood.
    from: Quote,
    /// Since when a quote stands elsewhere; 0 while none does.
    away_ns: i64,
    /// Twice the mid of that quote when that began.
    away_doubled_mid: i64,
    /// By how much it was beyond the other at least; below 0 downwards.
    away: i64,
    /// The symbol's prints at the end of the last second.
    prints: u64,
}

static SPEC: Spec = Spec {
    code: DetectorCode(9),
    name: "price_jump",
    pattern: "a jump of the price",
    figures: &["move", "sigmas", "ticks", "prints"],
    thresholds: &["move_min", "ticks_min", "sigmas", "prints"],
    phases: Phases::MARKET,
    warm_up_seconds: 60,
    family: Family::Price,
};

/// A tick at a price.
fn tick(price: f64) -> f64 {
    if price >= DOLLAR { DOLLAR / 100.0 } else { DOLLAR / 10_000.0 }
}

/// How far a quote is beyond another, by the side that moved less: above 0 upwards, below it downwards.
fn beyond(quote: &Quote, touch: &Touch) -> i64 {
    let up = touch.bid.saturating_sub(quote.bid).min(touch.ask.saturating_sub(quote.ask));
    let down = quote.bid.saturating_sub(touch.bid).min(quote.ask.saturating_sub(touch.ask));
    if up > 0 {
        up
    } else if down > 0 {
        down.saturating_neg()
    } else {
        0
    }
}

/// Whether a spread is usual.
fn is_usual(touch: &Touch, seen: &Seen<'_>) -> bool {
    let usual = (USUAL_MEDIANS * seen.profile.spread()).max(USUAL_PART * touch.mid());
    touch.is_two_sided() && touch.spread() as f64 <= usual
}

impl State {
    /// Forgets the quote that stood.
    fn forget(&mut self) {
        self.from = Zeroable::zeroed();
        self.away_ns = 0;
        (self.above, self.below) = (i64::MAX, i64::MIN);
    }

    /// A quote stands until now: what comes is compared with it.
    fn stand(&mut self, touch: &Touch, until_ns: i64, prints: u64) {
        self.from = Quote { bid: touch.bid, ask: touch.ask, until_ns: until_ns.max(1), prints };
        self.away_ns = 0;
        let way = (CALM * touch.mid()) as i64;
        self.above = touch.bid.saturating_add(way);
        self.below = touch.ask.saturating_sub(way);
    }
}

impl PriceJump {
    /// How it is armed unless that is set.
    #[must_use]
    pub fn arming() -> Arming {
        Arming { cool_down: 5e9, ..Arming::default() }
    }

    /// Looks at a quote that is not where the last one stood, or was not.
    #[cold]
    #[inline(never)]
    fn judge(&self, state: &mut State, seen: &Seen<'_>) -> Option<Raised> {
        let (touch, now) = (&seen.touch, seen.time.0);
        if !SPEC.phases.has(seen.phase) || state.from.until_ns == 0 {
            return None;
        }
        let way = beyond(&state.from, touch);
        let is_there = way.unsigned_abs() as f64 >= CALM * touch.mid();
        let is_quote =
            is_usual(touch, seen) || touch.spread() as f64 <= WIDE * way.saturating_abs() as f64;
        if !(touch.is_two_sided() && is_there && is_quote) {
            state.away_ns = 0;
            return None;
        }
        let doubled_mid = touch.doubled_mid();
        let moved = doubled_mid.abs_diff(state.away_doubled_mid) as f64 / 2.0;
        let is_other = (way > 0) != (state.away > 0) || moved > STEADY * touch.mid();
        if state.away_ns == 0 || is_other {
            (state.away_ns, state.away_doubled_mid, state.away) = (now, doubled_mid, way);
        }
        if way.unsigned_abs() < state.away.unsigned_abs() {
            state.away = way;
        }
        let due = state.away_ns.saturating_add(self.dwell as i64);
        if now < due {
            seen.wake_at(Nanos(due));
            return None;
        }
        let raised = self.jumped(state, seen);
        state.stand(touch, now, seen.metrics.tape.trades());
        raised
    }

    /// A quote stands elsewhere.
    fn jumped(&self, state: &State, seen: &Seen<'_>) -> Option<Raised> {
        let from = &state.from;
        let age = state.away_ns.saturating_sub(from.until_ns);
        let mid = (from.bid as f64 + from.ask as f64) / 2.0;
        if age > self.horizon as i64 || mid <= 0.0 {
            return None;
        }
        let (way, sign) = (state.away.unsigned_abs() as f64, state.away.signum() as f64);
        let sigma = seen.profile.mid_return().sigma().max(SIGMA_MIN);
        let (part, ticks) = (way / mid, way / tick(mid));
        let sigmas = part / sigma;
        let prints = seen.metrics.tape.trades().saturating_sub(from.prints) as f64;
        let level = (part / self.move_min).min(ticks / self.ticks_min).min(sigmas / self.sigmas);
        let level = level.min(prints / self.prints.max(f64::MIN_POSITIVE));
        let mut since = seen.profile.since(Nanos(from.until_ns));
        since.time = Nanos(from.until_ns);
        let figures = [part * sign, sigmas, ticks, prints];
        Some(Raised { level, since, figures, print: None })
    }

    /// Whether a quote may be elsewhere, or the one before was.
    #[inline(always)]
    pub(super) fn is_quote_of_concern(&self, state: &State, touch: &Touch) -> bool {
        touch.bid >= state.above || touch.ask <= state.below || state.away_ns != 0
    }
}

impl Detector for PriceJump {
    type State = State;

    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    #[inline(always)]
    fn on_quote(&self, state: &mut State, seen: &Seen<'_>) -> Option<Raised> {
        if self.is_quote_of_concern(state, &seen.touch) { self.judge(state, seen) } else { None }
    }

    #[inline(always)]
    fn on_second(&self, state: &mut State, seen: &Seen<'_>, second: &Second) -> Option<Raised> {
        if !SPEC.phases.has(seen.phase) {
            state.forget();
            return None;
        }
        let raised = if state.away_ns == 0 { None } else { self.judge(state, seen) };
        let touch = &second.touch;
        // What is neither elsewhere nor wide is where the last one was, or near.
        if state.away_ns == 0 && is_usual(touch, seen) {
            // The prints of the second that ends may already be of a jump.
            state.stand(touch, seen.time.0, state.prints);
        }
        state.prints = seen.metrics.tape.trades();
        raised
    }

    #[inline(always)]
    fn on_wake(&self, state: &mut State, seen: &Seen<'_>) -> Option<Raised> {
        if state.away_ns == 0 { None } else { self.judge(state, seen) }
    }
}

#[cfg(test)]
mod tests;
