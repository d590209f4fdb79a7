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
mod tests {
    use super::{State, beyond};
    use crate::detect::rehearsal::{CENT, DOLLAR, MS, Rehearsal, SECOND};
    use crate::detect::settings::Settings;
    use crate::detect::touch::Touch;
    use crate::units::Side;

    const NAME: &str = "price_jump";

    /// A quote of 100 at 100.02 that moves a cent to and fro for 80 s; its orders.
    fn market() -> (Rehearsal, [u64; 2]) {
        // Armed again as soon as a halt ends.
        let mut rehearsal = Rehearsal::with(&[
            ("price_jump", "sigmas", 8.0),
            ("price_jump", "move_min", 0.005),
            ("", "reopening", 0.0),
        ]);
        let mut orders = quote(&mut rehearsal, None, 100 * DOLLAR, 100 * DOLLAR + 2 * CENT);
        for second in 0..80 {
            let bid = 100 * DOLLAR + second % 2 * CENT;
            orders = quote(&mut rehearsal, Some(orders), bid, bid + 2 * CENT);
            rehearsal.pass(SECOND);
        }
        (rehearsal, orders)
    }

    /// A new quote in place of an old one, whose sides never meet.
    fn quote(rehearsal: &mut Rehearsal, old: Option<[u64; 2]>, bid: i64, ask: i64) -> [u64; 2] {
        for order in old.into_iter().flatten() {
            rehearsal.delete(order);
        }
        [rehearsal.add(Side::Buy, bid, 500), rehearsal.add(Side::Sell, ask, 500)]
    }

    /// So many prints, and then a new quote of two cents in place of an old one.
    fn jump(rehearsal: &mut Rehearsal, old: [u64; 2], prints: u64, bid: i64) -> [u64; 2] {
        trade(rehearsal, prints, bid);
        quote(rehearsal, Some(old), bid, bid + 2 * CENT)
    }

    fn trade(rehearsal: &mut Rehearsal, prints: u64, price: i64) {
        for _ in 0..prints {
            rehearsal.hidden(price, 100);
        }
    }

    fn breathe(rehearsal: &mut Rehearsal, seconds: i64) {
        for _ in 0..seconds {
            let order = rehearsal.add(Side::Buy, 50 * DOLLAR, 100);
            rehearsal.pass(SECOND / 2);
            rehearsal.delete(order);
            rehearsal.pass(SECOND / 2);
        }
    }

    #[test]
    fn a_quote_that_moves_by_half_a_percent_and_eight_sigma_has_jumped() {
        // The last quote was 100.01 at 100.03, the mid changes by 1 bp a second: 8 sigma are 8 bp.
        for (cents, alerts) in [(49, 0), (53, 1), (-49, 0), (-53, 1), (300, 1)] {
            let (mut rehearsal, orders) = market();
            jump(&mut rehearsal, orders, 5, 100 * DOLLAR + (1 + cents) * CENT);
            breathe(&mut rehearsal, 15);
            let opened = rehearsal.opened(NAME);
            assert_eq!(opened.len(), alerts, "{cents}");
            assert_eq!(rehearsal.closed(NAME).len(), alerts, "one jump is one alert");
            for alert in opened {
                assert_eq!(alert.figures[0] > 0.0, cents > 0);
                assert!((alert.figures[0].abs() - cents.abs() as f64 / 10_000.0).abs() < 2e-4);
            }
        }
    }

    #[test]
    fn it_must_stand_there_half_a_second_and_no_message_is_needed_for_that() {
        for (for_ns, alerts) in [(400 * MS, 0), (700 * MS, 1)] {
            let (mut rehearsal, orders) = market();
            let away = jump(&mut rehearsal, orders, 5, 101 * DOLLAR);
            rehearsal.pass(for_ns);
            assert_eq!(rehearsal.opened(NAME).len(), alerts, "{for_ns}");
            quote(&mut rehearsal, Some(away), 100 * DOLLAR, 100 * DOLLAR + 2 * CENT);
            breathe(&mut rehearsal, 15);
            // What jumped back has jumped, too, and is of the same alert.
            assert_eq!(rehearsal.opened(NAME).len(), alerts, "{for_ns}");
        }
    }

    #[test]
    fn three_prints_must_come_with_it() {
        for (prints, alerts) in [(0, 0), (2, 0), (3, 1)] {
            let (mut rehearsal, orders) = market();
            jump(&mut rehearsal, orders, prints, 101 * DOLLAR);
            breathe(&mut rehearsal, 3);
            assert_eq!(rehearsal.opened(NAME).len(), alerts, "{prints}");
        }
        let (mut rehearsal, orders) = market();
        // Long before they are no part of it.
        trade(&mut rehearsal, 5, 100 * DOLLAR + CENT);
        breathe(&mut rehearsal, 4);
        jump(&mut rehearsal, orders, 2, 101 * DOLLAR);
        breathe(&mut rehearsal, 3);
        assert_eq!(rehearsal.opened(NAME).len(), 0);
    }

    #[test]
    fn in_a_restless_symbol_half_a_percent_is_nothing() {
        let mut rehearsal =
            Rehearsal::with(&[("price_jump", "sigmas", 8.0), ("price_jump", "move_min", 0.005)]);
        let mut orders = quote(&mut rehearsal, None, 100 * DOLLAR, 100 * DOLLAR + 2 * CENT);
        // 20 cents to and fro: 20 bp a second, 8 sigma are 1.6 %.
        for second in 0..80 {
            let bid = 100 * DOLLAR + second % 2 * 20 * CENT;
            orders = quote(&mut rehearsal, Some(orders), bid, bid + 2 * CENT);
            rehearsal.pass(SECOND);
        }
        let bid = 101 * DOLLAR + 20 * CENT;
        orders = jump(&mut rehearsal, orders, 5, bid);
        breathe(&mut rehearsal, 10);
        assert_eq!(rehearsal.opened(NAME).len(), 0);
        jump(&mut rehearsal, orders, 5, bid + 2 * DOLLAR);
        breathe(&mut rehearsal, 2);
        assert_eq!(rehearsal.opened(NAME).len(), 1);
    }

    #[test]
    fn a_spread_that_widens_and_a_bounce_are_no_jump() {
        let (mut rehearsal, orders) = market();
        let wide = quote(&mut rehearsal, Some(orders), 95 * DOLLAR, 105 * DOLLAR);
        breathe(&mut rehearsal, 5);
        for trade in 0..20i64 {
            rehearsal.hidden(96 * DOLLAR + trade % 2 * 8 * DOLLAR, 100);
            breathe(&mut rehearsal, 1);
        }
        // One side comes back alone, and goes.
        rehearsal.add(Side::Sell, 100 * DOLLAR + 3 * CENT, 100);
        breathe(&mut rehearsal, 5);
        rehearsal.delete(wide[0]);
        breathe(&mut rehearsal, 5);
        assert_eq!(rehearsal.opened(NAME).len(), 0);
    }

    #[test]
    fn a_sweep_of_one_side_is_a_jump_once_the_other_side_follows() {
        let (mut rehearsal, [bid, ask]) = market();
        rehearsal.add(Side::Sell, 101 * DOLLAR + 2 * CENT, 500);
        for _ in 0..5 {
            rehearsal.execute(ask, 100);
        }
        breathe(&mut rehearsal, 8);
        assert_eq!(rehearsal.opened(NAME).len(), 0, "100.01 at 101.02");
        rehearsal.delete(bid);
        rehearsal.add(Side::Buy, 101 * DOLLAR, 500);
        breathe(&mut rehearsal, 2);
        assert_eq!(rehearsal.opened(NAME).len(), 1);
    }

    #[test]
    fn prints_away_from_the_quote_are_no_jump_broken_or_not() {
        let (mut rehearsal, orders) = market();
        let numbers: Vec<u64> = (0..5).map(|_| rehearsal.hidden(103 * DOLLAR, 100)).collect();
        breathe(&mut rehearsal, 3);
        numbers.iter().for_each(|number| rehearsal.break_print(*number));
        breathe(&mut rehearsal, 3);
        assert_eq!(rehearsal.told(NAME).len(), 0);
        // Broken ones do not come with anything.
        jump(&mut rehearsal, orders, 2, 101 * DOLLAR);
        breathe(&mut rehearsal, 3);
        assert_eq!(rehearsal.told(NAME).len(), 0);
    }

    #[test]
    fn a_slow_way_there_is_no_jump() {
        let (mut rehearsal, mut orders) = market();
        for step in 1..=100 {
            rehearsal.hidden(100 * DOLLAR, 100);
            let bid = 100 * DOLLAR + step * 2 * CENT;
            orders = quote(&mut rehearsal, Some(orders), bid, bid + 2 * CENT);
            rehearsal.pass(SECOND);
        }
        // Nor are steps of 0.4 percent, each of which stands.
        for step in 1..=5 {
            orders = jump(&mut rehearsal, orders, 5, 102 * DOLLAR + step * 40 * CENT);
            breathe(&mut rehearsal, 2);
        }
        assert_eq!(rehearsal.opened(NAME).len(), 0);
    }

    #[test]
    fn nothing_is_compared_across_a_halt_the_opening_or_minutes_in_which_no_quote_stood() {
        let (mut rehearsal, orders) = market();
        rehearsal.action(b'H');
        rehearsal.pass(2 * SECOND);
        let orders = quote(&mut rehearsal, Some(orders), 120 * DOLLAR, 120 * DOLLAR + CENT);
        rehearsal.cross(b'H', 120 * DOLLAR, 10_000);
        rehearsal.action(b'T');
        trade(&mut rehearsal, 5, 120 * DOLLAR);
        breathe(&mut rehearsal, 10);
        assert_eq!(rehearsal.opened(NAME).len(), 0, "a halt");
        orders.iter().for_each(|order| rehearsal.delete(*order));
        rehearsal.pass(301 * SECOND);
        trade(&mut rehearsal, 5, 90 * DOLLAR);
        quote(&mut rehearsal, None, 90 * DOLLAR, 90 * DOLLAR + CENT);
        breathe(&mut rehearsal, 10);
        assert_eq!(rehearsal.opened(NAME).len(), 0, "five minutes without a quote");
        let mut rehearsal = Rehearsal::before_the_opening(&Settings::default());
        let orders = quote(&mut rehearsal, None, 100 * DOLLAR, 100 * DOLLAR + 2 * CENT);
        breathe(&mut rehearsal, 90);
        rehearsal.system(b'Q');
        rehearsal.cross(b'O', 120 * DOLLAR, 10_000);
        jump(&mut rehearsal, orders, 5, 120 * DOLLAR);
        breathe(&mut rehearsal, 10);
        assert_eq!(rehearsal.opened(NAME).len(), 0, "the opening");
    }

    #[test]
    fn a_quote_of_which_one_side_came_nearer_is_where_it_was() {
        let mut rehearsal =
            Rehearsal::with(&[("price_jump", "horizon", 60e9), ("", "reopening", 0.0)]);
        let mut orders = quote(&mut rehearsal, None, 100 * DOLLAR, 100 * DOLLAR + 60 * CENT);
        breathe(&mut rehearsal, 80);
        // Half a dollar nearer on one side alone: what stands now is what the next is compared with.
        orders =
            quote(&mut rehearsal, Some(orders), 100 * DOLLAR + 50 * CENT, 100 * DOLLAR + 60 * CENT);
        breathe(&mut rehearsal, 100);
        jump(&mut rehearsal, orders, 5, 102 * DOLLAR);
        breathe(&mut rehearsal, 2);
        let opened = rehearsal.opened(NAME);
        assert_eq!(opened.len(), 1);
        assert!((0.0135..0.0145).contains(&opened[0].figures[0]), "{opened:?}");
    }

    #[test]
    fn a_book_that_is_quiet_for_minutes_stands_and_may_jump() {
        let (mut rehearsal, orders) = market();
        rehearsal.pass(400 * SECOND);
        jump(&mut rehearsal, orders, 5, 101 * DOLLAR);
        rehearsal.pass(SECOND);
        assert_eq!(rehearsal.opened(NAME).len(), 1);
    }

    #[test]
    fn a_gap_in_which_the_price_hardly_moved_is_no_jump() {
        let (mut rehearsal, orders) = market();
        rehearsal.lose(1_000);
        jump(&mut rehearsal, orders, 5, 100 * DOLLAR);
        breathe(&mut rehearsal, 10);
        assert_eq!(rehearsal.opened(NAME).len(), 0);
    }

    #[test]
    fn how_far_a_quote_is_beyond_another_is_what_both_sides_have_moved() {
        let quote = super::Quote { bid: 100, ask: 102, until_ns: 1, prints: 0 };
        let of = |bid, ask| beyond(&quote, &Touch { bid, bid_qty: 1, ask, ask_qty: 1 });
        assert_eq!([of(105, 106), of(105, 105), of(90, 95)], [4, 3, -7]);
        assert_eq!([of(90, 102), of(90, 110), of(100, 102), of(101, 101)], [0; 4]);
        let far = super::Quote { bid: i64::MIN, ask: i64::MAX, until_ns: 1, prints: 0 };
        for (bid, ask) in [(1, -1), (i64::MAX, i64::MIN), (i64::MIN, i64::MAX)] {
            let _ = beyond(&far, &Touch { bid, bid_qty: 1, ask, ask_qty: 1 });
        }
        assert_eq!(size_of::<State>(), 80);
    }
}
