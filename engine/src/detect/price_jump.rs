//! Price jump: within seconds the price is elsewhere, by far more than it usually moves.
//!
//! Compares with the quotes that stood at the end of each of the symbol's last four seconds, five seconds ago
//! at most. It takes 0.8 percent, three ticks and twelve standard deviations of the mid's change over
//! as many seconds. A quote has jumped as far as the side of it that moved less, so a spread that only widens is
//! no jump; a print as far as it is beyond the side that stood there, so a bounce between bid and ask is
//! none. A jump that a print shows is taken back if the print is broken.
//!
//! A halt, or a minute without a message, leaves nothing to compare with.
//!
//! Sources: Lee and Mykland 2008 for jumps against the usual volatility, here the standard deviation of
//! second returns, each cut to five of them.

use bytemuck::{Pod, Zeroable};

use crate::detect::detector::Detector;
use crate::detect::parameter::Arming;
use crate::detect::phase::{Phase, Phases};
use crate::detect::raised::Raised;
use crate::detect::seen::{Second, Seen};
use crate::detect::spec::{DetectorCode, Family, Spec};
use crate::units::{MatchNumber, Nanos};

crate::parameters! {
    /// `detect.price_jump`
    PriceJump {
        move_min: Ratio = 0.008, 0.0001..1, "Part of the price, at least.", "calibrated on simulated sessions, seeds 1 to 3";
        ticks_min: Count = 3, 1..1000, "Ticks, at least.", "convention";
        sigmas: Ratio = 12, 1..1000, "Standard deviations of the mid's change over as many seconds.", "calibrated on simulated sessions, seeds 1 to 3; beyond any of Lee and Mykland 2008";
        horizon: Time = 5e9, 1e9..6e10, "The quote that it is compared with stood no longer ago.", "convention";
    }
}

/// Quotes that are kept.
const QUOTES: usize = 4;

/// After so many seconds without a message nothing is compared.
const IDLE_MAX: u32 = 60;

/// A dollar, from which on a tick is a cent and below which it is 1e-4 (Regulation NMS, Rule 612).
const DOLLAR: f64 = 1e9;

/// The least standard deviation that is divided by.
const SIGMA_MIN: f64 = 1e-5;

/// A quote that stood at the end of a second.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
struct Quote {
    bid: i64,
    ask: i64,
    /// Until when; 0 for none.
    until_ns: i64,
}

/// What is kept of a symbol.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub struct State {
    /// No bid and no print above this has jumped down.
    below: i64,
    /// No ask and no print below this has jumped up.
    above: i64,
    /// Where the latest quote is.
    at: u64,
    /// By second with messages, the latest at `at`.
    quotes: [Quote; QUOTES],
}

static SPEC: Spec = Spec {
    code: DetectorCode(9),
    name: "price_jump",
    pattern: "a jump of the price",
    figures: &["move", "sigmas", "ticks", "seconds"],
    thresholds: &["move_min", "ticks_min", "sigmas", "horizon"],
    phases: Phases::MARKET,
    warm_up_seconds: 60,
    family: Family::Price,
};

/// A tick at a price.
fn tick(price: f64) -> f64 {
    if price >= DOLLAR { DOLLAR / 100.0 } else { DOLLAR / 10_000.0 }
}

/// How far a price pair is beyond a quote: upwards, and downwards.
fn beyond(quote: &Quote, low: i64, high: i64) -> [i64; 2] {
    let up = low.saturating_sub(quote.bid).min(high.saturating_sub(quote.ask));
    let down = quote.bid.saturating_sub(low).min(quote.ask.saturating_sub(high));
    [up, down]
}

impl PriceJump {
    /// How it is armed unless that is set.
    #[must_use]
    pub fn arming() -> Arming {
        Arming { cool_down: 5e9, ..Arming::default() }
    }

    /// Looks whether prices from `low` to `high` are beyond what stood.
    #[cold]
    #[inline(never)]
    fn judge(
        &self,
        state: &State,
        seen: &Seen<'_>,
        (low, high): (i64, i64),
        print: Option<MatchNumber>,
    ) -> Option<Raised> {
        let sigma = seen.profile.mid_return().sigma().max(SIGMA_MIN);
        let mut most: Option<Raised> = None;
        for back in 0..QUOTES {
            let quote = &state.quotes[(state.at as usize).wrapping_sub(back) % QUOTES];
            let mid = (quote.bid as f64 + quote.ask as f64) / 2.0;
            let age = seen.time.0.saturating_sub(quote.until_ns);
            if quote.until_ns == 0 || !(0..=self.horizon as i64).contains(&age) || mid <= 0.0 {
                continue;
            }
            let [up, down] = beyond(quote, low, high);
            let (way, sign) = if up >= down { (up, 1.0) } else { (down, -1.0) };
            if way <= 0 {
                continue;
            }
            let (part, seconds) = (way as f64 / mid, (back + 1) as f64);
            let (ticks, sigmas) = (way as f64 / tick(mid), part / (sigma * seconds.sqrt()));
            let level =
                (part / self.move_min).min(ticks / self.ticks_min).min(sigmas / self.sigmas);
            if level >= 0.5 && most.is_none_or(|most| level > most.level) {
                let mut since = seen.since(age);
                since.time = Nanos(quote.until_ns);
                let figures = [part * sign, sigmas, ticks, seconds];
                most = Some(Raised { level, since, figures, print });
            }
        }
        most
    }

    /// Sets between which prices nothing has jumped: bids above one, asks below the other, prints between.
    fn bound(&self, state: &mut State, seen: &Seen<'_>) {
        let (mut least, mut greatest) = (i64::MAX, i64::MIN);
        for quote in state.quotes.iter().filter(|quote| quote.until_ns != 0) {
            (least, greatest) = (least.min(quote.ask), greatest.max(quote.bid));
        }
        let sigma = seen.profile.mid_return().sigma().max(SIGMA_MIN);
        let price = least.max(0) as f64;
        let part = self.move_min.max(self.sigmas * sigma);
        let way = (part * price).max(self.ticks_min * tick(price)) / 2.0;
        state.above = least.saturating_add(way as i64);
        state.below = greatest.saturating_sub(way as i64);
    }
}

impl Detector for PriceJump {
    type State = State;

    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    #[inline(always)]
    fn on_print(&self, state: &mut State, seen: &Seen<'_>) -> Option<Raised> {
        let print = seen.print?;
        let price = print.price.0;
        if price > state.below && price < state.above {
            return None;
        }
        self.judge(state, seen, (price, price), Some(print.match_number))
    }

    #[inline(always)]
    fn on_quote(&self, state: &mut State, seen: &Seen<'_>) -> Option<Raised> {
        let touch = &seen.touch;
        if touch.ask < state.above && touch.bid > state.below || !touch.is_two_sided() {
            return None;
        }
        self.judge(state, seen, (touch.bid, touch.ask), None)
    }

    #[inline(always)]
    fn on_second(&self, state: &mut State, seen: &Seen<'_>, second: &Second) -> Option<Raised> {
        let is_halted = matches!(seen.phase, Phase::Halted);
        if second.counts == [0; 4] && second.prints == 0 && !is_halted {
            // Time passed, and nothing else: the quotes before stay as old as they are.
            return None;
        }
        let is_broken_off = second.idle > IDLE_MAX || is_halted;
        if is_broken_off {
            state.quotes = Zeroable::zeroed();
        }
        state.at = state.at.wrapping_add(1);
        let touch = &second.touch;
        let until_ns = if touch.is_two_sided() && !is_broken_off { seen.time.0 } else { 0 };
        state.quotes[state.at as usize % QUOTES] =
            Quote { bid: touch.bid, ask: touch.ask, until_ns };
        self.bound(state, seen);
        None
    }
}

#[cfg(test)]
mod tests {
    use super::{State, beyond};
    use crate::detect::rehearsal::{CENT, DOLLAR, Rehearsal, SECOND};
    use crate::detect::settings::Settings;
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
            let bid = 100 * DOLLAR + (1 + cents) * CENT;
            quote(&mut rehearsal, Some(orders), bid, bid + 2 * CENT);
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
        orders = quote(&mut rehearsal, Some(orders), bid, bid + 2 * CENT);
        breathe(&mut rehearsal, 10);
        assert_eq!(rehearsal.opened(NAME).len(), 0);
        quote(&mut rehearsal, Some(orders), bid + 2 * DOLLAR, bid + 202 * CENT);
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
        // One side comes back alone.
        rehearsal.add(Side::Sell, 95 * DOLLAR + 2 * CENT, 100);
        breathe(&mut rehearsal, 5);
        rehearsal.delete(wide[0]);
        assert_eq!(rehearsal.opened(NAME).len(), 0);
    }

    #[test]
    fn a_print_away_from_the_quote_is_a_jump_until_it_is_broken() {
        let (mut rehearsal, _) = market();
        rehearsal.hidden(100 * DOLLAR + 52 * CENT, 100);
        assert_eq!(rehearsal.opened(NAME).len(), 0, "49 cents above the ask");
        let number = rehearsal.hidden(101 * DOLLAR, 100);
        assert_eq!(rehearsal.opened(NAME).len(), 1);
        breathe(&mut rehearsal, 10);
        let told = rehearsal.told(NAME).len();
        rehearsal.break_print(number);
        assert_eq!(rehearsal.told(NAME).len(), told + 1, "it is taken back");
    }

    #[test]
    fn a_slow_way_there_is_no_jump() {
        let (mut rehearsal, mut orders) = market();
        for step in 1..=100 {
            let bid = 100 * DOLLAR + step * 2 * CENT;
            orders = quote(&mut rehearsal, Some(orders), bid, bid + 2 * CENT);
            rehearsal.pass(SECOND);
        }
        assert_eq!(rehearsal.opened(NAME).len(), 0);
    }

    #[test]
    fn nothing_is_compared_across_a_halt_the_opening_or_a_long_silence() {
        let (mut rehearsal, orders) = market();
        rehearsal.action(b'H');
        rehearsal.pass(2 * SECOND);
        let orders = quote(&mut rehearsal, Some(orders), 120 * DOLLAR, 120 * DOLLAR + CENT);
        rehearsal.cross(b'H', 120 * DOLLAR, 10_000);
        rehearsal.action(b'T');
        rehearsal.hidden(120 * DOLLAR, 100);
        breathe(&mut rehearsal, 10);
        assert_eq!(rehearsal.opened(NAME).len(), 0, "a halt");
        rehearsal.pass(70 * SECOND);
        quote(&mut rehearsal, Some(orders), 90 * DOLLAR, 90 * DOLLAR + CENT);
        assert_eq!(rehearsal.opened(NAME).len(), 0);
        let mut rehearsal = Rehearsal::before_the_opening(&Settings::default());
        let orders = quote(&mut rehearsal, None, 100 * DOLLAR, 100 * DOLLAR + 2 * CENT);
        breathe(&mut rehearsal, 90);
        rehearsal.system(b'Q');
        rehearsal.cross(b'O', 120 * DOLLAR, 10_000);
        quote(&mut rehearsal, Some(orders), 120 * DOLLAR, 120 * DOLLAR + CENT);
        breathe(&mut rehearsal, 10);
        assert_eq!(rehearsal.opened(NAME).len(), 0);
    }

    #[test]
    fn a_gap_in_which_the_price_hardly_moved_is_no_jump() {
        let (mut rehearsal, orders) = market();
        rehearsal.lose(1_000);
        quote(&mut rehearsal, Some(orders), 100 * DOLLAR, 100 * DOLLAR + 2 * CENT);
        breathe(&mut rehearsal, 10);
        assert_eq!(rehearsal.opened(NAME).len(), 0);
    }

    #[test]
    fn how_far_a_quote_is_beyond_another_is_what_both_sides_have_moved() {
        let quote = super::Quote { bid: 100, ask: 102, until_ns: 1 };
        assert_eq!(beyond(&quote, 105, 106), [4, -5]);
        assert_eq!(beyond(&quote, 105, 105), [3, -5]);
        assert_eq!(beyond(&quote, 90, 102), [-10, 0]);
        assert_eq!(beyond(&quote, 90, 95), [-10, 7]);
        let _ = beyond(&super::Quote { bid: i64::MIN, ask: i64::MAX, until_ns: 1 }, 1, -1);
        assert_eq!(size_of::<State>(), 120);
    }
}
