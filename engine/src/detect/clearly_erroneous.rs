//! Clearly erroneous prints: so far from the last sale that the exchange's guideline would let them be broken.
//!
//! The guideline of Nasdaq Equity 11, Rule 11890 (as FINRA 11892): in market hours 10 % up to 25 dollars, 5 %
//! up to 50, 3 % above; twice as much before and after them; times the leverage of a leveraged fund. The
//! reference is the last sale before the executions that are reviewed: those of one order carry one time,
//! so it is the last one of an earlier time, and a sweep is measured as a whole.
//!
//! **The way back is no error**: a print after an erroneous one is far from the last sale, yet near the
//! sale before it. So a print must be far from the last sale and from the last one that was not told. One
//! that stays where the last sale was is a market that has moved.
//!
//! **Left alone**: a sale long ago is no reference (the rule sets it aside in sustained illiquidity); a
//! halt takes the reference away, and a cross sets it; a bounce between a bid and an offer far apart, by the
//! symbol's usual spread. The last sale is this venue's, not the consolidated one. The rule's wider guidelines
//! for events of many securities are not applied: those are told as a cluster.

use bytemuck::{Pod, Zeroable};

use crate::detect::detector::Detector;
use crate::detect::parameter::Arming;
use crate::detect::phase::{Phase, Phases};
use crate::detect::raised::Raised;
use crate::detect::seen::Seen;
use crate::detect::spec::{DetectorCode, Family, Spec};
use crate::event::Kind;

crate::parameters! {
    /// `detect.clearly_erroneous`
    ClearlyErroneous {
        to_25: Ratio = 0.10, 0.001..10, "Distance from a last sale up to 25 dollars.", "Nasdaq Equity 11, Rule 11890";
        to_50: Ratio = 0.05, 0.001..10, "Distance from a last sale above 25 and up to 50 dollars.", "Nasdaq Equity 11, Rule 11890";
        above_50: Ratio = 0.03, 0.001..10, "Distance from a last sale above 50 dollars.", "Nasdaq Equity 11, Rule 11890";
        outside: Ratio = 2, 1..10, "Times as much before and after market hours.", "Nasdaq Equity 11, Rule 11890: 20, 10 and 6 %";
        spreads: Ratio = 2, 0.1..100, "Distance in usual spreads of the symbol, at least.", "convention: a bounce from bid to offer is one";
        distance_min: Money = 0.05, 0..1000, "The distance in currency units, at least.", "convention: below half a dollar a tick is more than the guideline";
        age: Time = 6e11, 1e9..864e11, "A last sale longer ago is no reference.", "convention: 10 min; the rule names sustained illiquidity";
    }
}

/// What is kept of a symbol. Prices are 0 for none.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub struct State {
    /// The time of the last print.
    time_ns: i64,
    /// The last sale, and the last one that was not told, up to now.
    sale: i64,
    quiet_sale: i64,
    /// The same of earlier times than the last print's, and when that was.
    sale_before: i64,
    quiet_before: i64,
    before_ns: i64,
    /// How many times a leveraged fund moves; 0 where that was not told.
    leverage: u64,
}

static SPEC: Spec = Spec {
    code: DetectorCode(16),
    name: "clearly_erroneous",
    pattern: "a clearly erroneous print",
    figures: &["price", "last_sale", "distance_ratio", "guideline_ratio"],
    thresholds: &["to_25", "to_50", "above_50", "outside"],
    phases: Phases::TRADING,
    warm_up_seconds: 0,
    family: Family::Rule,
};

impl ClearlyErroneous {
    /// How it is armed unless that is set.
    #[must_use]
    pub fn arming() -> Arming {
        Arming::default()
    }

    /// How far a print may be from a last sale, as a part of it.
    fn guideline(&self, sale: i64, leverage: u64, phase: Phase) -> f64 {
        let ratio = match sale {
            ..=25_000_000_000 => self.to_25,
            25_000_000_001..=50_000_000_000 => self.to_50,
            _ => self.above_50,
        };
        let times = if matches!(phase, Phase::Pre | Phase::Post) { self.outside } else { 1.0 };
        ratio * times * leverage.clamp(1, 10) as f64
    }

    fn level(&self, price: i64, sale: i64, leverage: u64, seen: &Seen<'_>) -> f64 {
        let distance = price.abs_diff(sale) as f64;
        let guideline = self.guideline(sale, leverage, seen.phase);
        let mut level = distance / sale.max(1) as f64 / guideline;
        level = level.min(distance / (self.distance_min * 1e9).max(1.0));
        let spread = seen.profile.spread();
        if spread > 0.0 {
            level = level.min(distance / (spread * self.spreads));
        }
        level
    }

    /// A print that is not near the sale before.
    #[cold]
    #[inline(never)]
    fn judge(&self, state: &mut State, price: i64, seen: &Seen<'_>) -> Option<Raised> {
        let State { sale_before, quiet_before, leverage, before_ns, .. } = *state;
        let age_ns = seen.time.0.saturating_sub(before_ns) as f64;
        state.sale = price;
        if sale_before <= 0 || quiet_before <= 0 || age_ns > self.age {
            state.quiet_sale = price;
            return None;
        }
        let of_sale = self.level(price, sale_before, leverage, seen);
        let of_quiet = self.level(price, quiet_before, leverage, seen);
        let (level, sale) =
            if of_sale <= of_quiet { (of_sale, sale_before) } else { (of_quiet, quiet_before) };
        if level < 1.0 {
            state.quiet_sale = price;
        }
        (level >= 0.5).then(|| Raised {
            level,
            since: seen.here(),
            figures: [
                price as f64 / 1e9,
                sale as f64 / 1e9,
                price.abs_diff(sale) as f64 / sale.max(1) as f64,
                self.guideline(sale, leverage, seen.phase),
            ],
            print: seen.print.map(|print| print.match_number),
        })
    }
}

impl State {
    /// Prints so far are none to compare with; `price` is, if it is above 0.
    fn begin(&mut self, price: i64, time_ns: i64) {
        *self = State {
            time_ns,
            sale: price,
            quiet_sale: price,
            sale_before: price,
            quiet_before: price,
            before_ns: time_ns,
            leverage: self.leverage,
        };
    }
}

impl Detector for ClearlyErroneous {
    type State = State;

    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    #[inline(always)]
    fn on_print(&self, state: &mut State, seen: &Seen<'_>) -> Option<Raised> {
        let price = seen.print?.price.0;
        if seen.phase == Phase::Halted {
            return None;
        }
        if seen.time.0 != state.time_ns {
            (state.sale_before, state.quiet_before) = (state.sale, state.quiet_sale);
            state.before_ns = core::mem::replace(&mut state.time_ns, seen.time.0);
        }
        let near = state.quiet_before as f64 * self.above_50.min(self.to_50).min(self.to_25) / 2.0;
        if (price.abs_diff(state.quiet_before) as f64) < near {
            (state.sale, state.quiet_sale) = (price, price);
            return None;
        }
        self.judge(state, price, seen)
    }

    fn on_notice(&self, state: &mut State, seen: &Seen<'_>) -> Option<Raised> {
        const TRADING_ACTION: u8 = Kind::TradingAction as u8;
        const CROSS: u8 = Kind::Cross as u8;
        const DIRECTORY: u8 = Kind::Directory as u8;
        match seen.event.kind {
            TRADING_ACTION if seen.metrics.is_halted() => state.begin(0, 0),
            CROSS => {
                if let Some(print) = seen.print {
                    state.begin(print.price.0, seen.time.0);
                }
            }
            DIRECTORY => state.leverage = seen.event.words[3] & 0xffff_ffff,
            _ => {}
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use crate::detect::rehearsal::{CENT, DOLLAR, MINUTE, MS, Rehearsal, SECOND};
    use crate::detect::{Change, Settings};
    use crate::units::Side;

    const NAME: &str = "clearly_erroneous";

    /// One print of an order at each price, each a second after the other.
    fn prints(rehearsal: &mut Rehearsal, prices: &[i64]) {
        for price in prices {
            rehearsal.pass(SECOND);
            rehearsal.hidden(*price, 100);
        }
    }

    #[test]
    fn the_guideline_is_that_of_the_price() {
        let tick = CENT / 100;
        for (sale, distance) in [
            (20 * DOLLAR, 2 * DOLLAR),
            (25 * DOLLAR, 250 * CENT),
            (25 * DOLLAR + CENT, 5 * (25 * DOLLAR + CENT) / 100),
            (50 * DOLLAR, 250 * CENT),
            (100 * DOLLAR, 3 * DOLLAR),
        ] {
            for sign in [-1, 1] {
                for (away, alerts) in [(distance - tick, 0), (distance + tick, 1)] {
                    let mut rehearsal = Rehearsal::with(&[]);
                    prints(&mut rehearsal, &[sale, sale + sign * away]);
                    let opened = rehearsal.opened(NAME);
                    assert_eq!(opened.len(), alerts, "{sale} {away}");
                    for alert in opened {
                        assert_eq!(alert.opened.0, rehearsal.sequence());
                        assert_eq!(alert.figures[1], sale as f64 / 1e9);
                    }
                }
            }
        }
    }

    #[test]
    fn before_and_after_market_hours_it_is_twice_as_wide_and_of_a_leveraged_fund_thrice() {
        let mut rehearsal = Rehearsal::before_the_opening(&Settings::default());
        prints(&mut rehearsal, &[100 * DOLLAR, 105 * DOLLAR]);
        assert_eq!(rehearsal.told(NAME), []);
        prints(&mut rehearsal, &[112 * DOLLAR]);
        assert_eq!(rehearsal.opened(NAME)[0].figures[3], 0.06);
        let mut rehearsal = Rehearsal::with(&[]);
        rehearsal.directory(b'2', b'Y', 3);
        prints(&mut rehearsal, &[100 * DOLLAR, 108 * DOLLAR, 100 * DOLLAR]);
        assert_eq!(rehearsal.told(NAME), []);
        prints(&mut rehearsal, &[110 * DOLLAR]);
        assert_eq!(rehearsal.opened(NAME).len(), 1);
    }

    #[test]
    fn executions_of_one_order_are_measured_from_the_sale_before_them() {
        let mut rehearsal = Rehearsal::with(&[]);
        prints(&mut rehearsal, &[100 * DOLLAR]);
        rehearsal.pass(SECOND);
        // A percent each: the third is 3 % away.
        for step in 1..=3 {
            assert_eq!(rehearsal.opened(NAME).len(), 0, "{step}");
            let order = rehearsal.add(Side::Buy, (100 - step) * DOLLAR, 100);
            rehearsal.execute(order, 100);
        }
        let opened = rehearsal.opened(NAME);
        assert_eq!(opened.len(), 1);
        assert_eq!(opened[0].figures[..3], [97.0, 100.0, 0.03]);
        // With a time each, they are a market that moves.
        let mut rehearsal = Rehearsal::with(&[]);
        let prices: Vec<i64> = (0..5).map(|step| (100 - step) * DOLLAR).collect();
        prints(&mut rehearsal, &prices);
        assert_eq!(rehearsal.told(NAME), []);
    }

    #[test]
    fn the_way_back_is_no_second_error_and_a_market_that_has_moved_is_one() {
        let mut rehearsal = Rehearsal::with(&[]);
        let there = 100 * DOLLAR;
        prints(&mut rehearsal, &[there, 90 * DOLLAR]);
        rehearsal.pass(10 * SECOND);
        prints(&mut rehearsal, &[there, there + CENT, there]);
        assert_eq!(rehearsal.opened(NAME).len(), 1);
        let mut rehearsal = Rehearsal::with(&[]);
        prints(&mut rehearsal, &[there, 90 * DOLLAR]);
        rehearsal.pass(10 * SECOND);
        prints(&mut rehearsal, &[90 * DOLLAR - CENT, 90 * DOLLAR, 91 * DOLLAR]);
        rehearsal.pass(10 * SECOND);
        assert_eq!(rehearsal.opened(NAME).len(), 1);
        prints(&mut rehearsal, &[there]);
        assert_eq!(rehearsal.opened(NAME).len(), 2);
    }

    #[test]
    fn a_break_takes_it_back() {
        let mut rehearsal = Rehearsal::with(&[]);
        prints(&mut rehearsal, &[100 * DOLLAR]);
        rehearsal.pass(SECOND);
        let number = rehearsal.hidden(94 * DOLLAR, 100);
        assert_eq!(rehearsal.opened(NAME)[0].score.get(), 75.0);
        rehearsal.pass(MINUTE);
        rehearsal.break_print(number);
        assert_eq!(rehearsal.told(NAME).last().map(|alert| alert.change), Some(Change::Retract));
    }

    #[test]
    fn nothing_is_compared_across_a_halt_or_with_a_sale_long_ago_and_a_cross_sets_the_sale() {
        let mut rehearsal = Rehearsal::with(&[]);
        prints(&mut rehearsal, &[100 * DOLLAR]);
        rehearsal.action(b'H');
        rehearsal.pass(MINUTE);
        rehearsal.action(b'T');
        prints(&mut rehearsal, &[80 * DOLLAR, 81 * DOLLAR]);
        rehearsal.pass(11 * MINUTE);
        prints(&mut rehearsal, &[70 * DOLLAR]);
        rehearsal.cross(b'O', 60 * DOLLAR, 1_000);
        prints(&mut rehearsal, &[61 * DOLLAR]);
        assert_eq!(rehearsal.told(NAME), []);
        prints(&mut rehearsal, &[65 * DOLLAR]);
        assert_eq!(rehearsal.opened(NAME).len(), 1);
    }

    #[test]
    fn across_a_gap_the_last_sale_seen_is_the_reference() {
        let mut rehearsal = Rehearsal::with(&[]);
        prints(&mut rehearsal, &[100 * DOLLAR]);
        rehearsal.lose(1_000);
        prints(&mut rehearsal, &[102 * DOLLAR]);
        assert_eq!(rehearsal.told(NAME), []);
    }

    #[test]
    fn a_bounce_over_a_wide_spread_and_cents_of_a_penny_stock_are_none() {
        let mut rehearsal = Rehearsal::with(&[]);
        rehearsal.fill(18 * DOLLAR, 22 * DOLLAR, 3, 100);
        for turn in 0..60 {
            rehearsal.add(Side::Buy, 10 * DOLLAR, 100);
            rehearsal.pass(SECOND);
            rehearsal.wait(MS);
            if turn >= 30 {
                rehearsal.hidden(if turn % 2 == 0 { 18 * DOLLAR } else { 22 * DOLLAR }, 100);
            }
        }
        assert_eq!(rehearsal.told(NAME), []);
        let mut rehearsal = Rehearsal::with(&[]);
        prints(&mut rehearsal, &[10 * CENT, 12 * CENT, 10 * CENT]);
        assert_eq!(rehearsal.told(NAME), []);
    }
}
