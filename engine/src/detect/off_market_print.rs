//! Prints off the market: an execution at a price outside the symbol's own best bid and offer.
//!
//! Compared with the quote as it was before the message, so that an order that sweeps through levels is
//! not off the market: each of its executions is at the best price of its moment. A hidden order's print, or
//! one at another price than the resting order's, shows a strange price; an execution of an order that was
//! not the best in our book shows that the book is wrong. The level is the distance over the threshold.
//!
//! **Left alone**: a side that is empty bounds nothing; a book that is locked or crossed before the message
//! is told by another detector; prints of crosses are no executions against the quote. Below a dollar a
//! cent is more than a percent, so the distance must be some cents, too.
//!
//! A real trade-through (Regulation NMS, Rule 611) needs the protected quotes of all venues, which one feed
//! does not hold.

use crate::detect::detector::Detector;
use crate::detect::parameter::Arming;
use crate::detect::phase::Phases;
use crate::detect::raised::Raised;
use crate::detect::seen::Seen;
use crate::detect::spec::{DetectorCode, Family, Spec};

crate::parameters! {
    /// `detect.off_market_print`
    OffMarketPrint {
        distance: Ratio = 0.01, 0.0001..1, "Distance from the nearer of bid and offer, as a part of it.", "convention: 1 %";
        distance_min: Money = 0.02, 0..1000, "The distance in currency units, at least.", "convention: two ticks above a dollar";
    }
}

/// Nothing is kept of a symbol.
pub type State = [u64; 0];

static SPEC: Spec = Spec {
    code: DetectorCode(15),
    name: "off_market_print",
    pattern: "a print off the market",
    figures: &["price", "bid", "ask", "distance_ratio"],
    thresholds: &["distance", "distance_min"],
    phases: Phases::MARKET,
    warm_up_seconds: 0,
    family: Family::Rule,
};

impl OffMarketPrint {
    /// How it is armed unless that is set.
    #[must_use]
    pub fn arming() -> Arming {
        Arming::default()
    }

    #[cold]
    #[inline(never)]
    fn judge(&self, price: i64, seen: &Seen<'_>) -> Option<Raised> {
        let (bid, ask) = (seen.before.bid, seen.before.ask);
        if bid >= ask {
            return None;
        }
        let best = if price < bid { bid } else { ask };
        let distance = price.abs_diff(best) as f64;
        let ratio = distance / (best.max(1) as f64);
        let level = (ratio / self.distance).min(distance / (self.distance_min * 1e9).max(1.0));
        (level >= 0.5).then(|| {
            let side = |price: i64| {
                if matches!(price, i64::MIN | i64::MAX) { 0.0 } else { price as f64 / 1e9 }
            };
            Raised {
                level,
                since: seen.here(),
                figures: [price as f64 / 1e9, side(bid), side(ask), ratio],
                print: seen.print.map(|print| print.match_number),
            }
        })
    }
}

impl Detector for OffMarketPrint {
    type State = State;

    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    #[inline(always)]
    fn on_print(&self, _state: &mut State, seen: &Seen<'_>) -> Option<Raised> {
        let price = seen.print?.price.0;
        // An empty side has the worst price there is.
        let is_outside = price < seen.before.bid || price > seen.before.ask;
        if is_outside { self.judge(price, seen) } else { None }
    }
}

#[cfg(test)]
mod tests {
    use crate::detect::rehearsal::{CENT, DOLLAR, Rehearsal, SECOND};
    use crate::units::Side;

    const BID: i64 = 100 * DOLLAR;
    const ASK: i64 = 100 * DOLLAR + 2 * CENT;

    fn market() -> Rehearsal {
        let mut rehearsal = Rehearsal::with(&[]);
        rehearsal.fill(BID, ASK, 5, 300);
        rehearsal.pass(2 * SECOND);
        rehearsal
    }

    #[test]
    fn a_print_a_percent_outside_the_quote_is_told_and_one_a_tick_nearer_is_not() {
        let tick = CENT / 100;
        for (price, alerts) in [
            (99 * DOLLAR + tick, 0),
            (99 * DOLLAR, 1),
            // 1 % of 100.02 is 1.0002.
            (ASK + DOLLAR, 0),
            (ASK + DOLLAR + 2 * tick, 1),
            (BID + CENT, 0),
        ] {
            let mut rehearsal = market();
            rehearsal.hidden(price, 100);
            let opened = rehearsal.opened("off_market_print");
            assert_eq!(opened.len(), alerts, "{price}");
            for alert in opened {
                assert_eq!(alert.opened.0, rehearsal.sequence());
                assert_eq!(alert.figures[..3], [price as f64 / 1e9, 100.0, 100.02]);
                assert_eq!(alert.score.get(), 50.0);
            }
        }
    }

    #[test]
    fn the_score_rises_with_the_distance_and_prints_together_are_one_alert() {
        let mut rehearsal = market();
        rehearsal.hidden(98 * DOLLAR, 100);
        rehearsal.hidden(96 * DOLLAR, 100);
        rehearsal.pass(5 * SECOND);
        assert_eq!(rehearsal.opened("off_market_print")[0].score.get(), 75.0);
        let closed = rehearsal.closed("off_market_print");
        assert_eq!((closed.len(), closed[0].score.get(), closed[0].figures[3]), (1, 87.5, 0.04));
    }

    #[test]
    fn a_break_of_the_print_takes_the_alert_back() {
        let mut rehearsal = market();
        let number = rehearsal.hidden(95 * DOLLAR, 100);
        rehearsal.pass(5 * SECOND);
        rehearsal.break_print(number);
        let told = rehearsal.told("off_market_print");
        assert_eq!(told.last().map(|alert| alert.change), Some(crate::detect::Change::Retract));
    }

    #[test]
    fn a_sweep_through_the_book_is_at_the_market_and_an_order_behind_the_best_is_not() {
        let mut rehearsal = Rehearsal::with(&[]);
        rehearsal.add(Side::Sell, 110 * DOLLAR, 100);
        let bids: Vec<u64> =
            (0..10).map(|at| rehearsal.add(Side::Buy, (100 - at) * DOLLAR, 100)).collect();
        rehearsal.pass(2 * SECOND);
        for bid in &bids[..5] {
            rehearsal.execute(*bid, 100);
        }
        assert_eq!(rehearsal.told("off_market_print"), []);
        // Of the bids from 95 down the one at 93: 2.1 % below the best.
        rehearsal.execute(bids[7], 100);
        let opened = rehearsal.opened("off_market_print");
        assert_eq!(opened.len(), 1);
        assert_eq!(opened[0].figures[..3], [93.0, 95.0, 110.0]);
    }

    #[test]
    fn an_execution_at_a_price_of_its_own_is_compared_by_that_price() {
        let mut rehearsal = market();
        let best = rehearsal.add(Side::Buy, BID, 100);
        rehearsal.execute_at(best, 50, BID + CENT);
        assert_eq!(rehearsal.told("off_market_print"), []);
        rehearsal.execute_at(best, 50, 98 * DOLLAR);
        assert_eq!(rehearsal.opened("off_market_print").len(), 1);
    }

    #[test]
    fn an_empty_side_a_crossed_book_a_cross_and_cents_of_a_penny_stock_are_left_alone() {
        let mut rehearsal = Rehearsal::with(&[]);
        let bid = rehearsal.add(Side::Buy, BID, 100);
        rehearsal.pass(2 * SECOND);
        rehearsal.hidden(120 * DOLLAR, 100);
        rehearsal.cross(b'O', 80 * DOLLAR, 1_000);
        rehearsal.add(Side::Sell, 90 * DOLLAR, 100);
        rehearsal.hidden(90 * DOLLAR, 100);
        rehearsal.delete(bid);
        assert_eq!(rehearsal.told("off_market_print"), []);
        let mut rehearsal = Rehearsal::with(&[]);
        rehearsal.fill(DOLLAR / 2, DOLLAR / 2 + CENT, 3, 100);
        rehearsal.hidden(DOLLAR / 2 - CENT, 100);
        assert_eq!(rehearsal.told("off_market_print"), []);
        rehearsal.hidden(DOLLAR / 2 - 2 * CENT, 100);
        assert_eq!(rehearsal.opened("off_market_print").len(), 1);
    }

    #[test]
    fn in_a_halt_and_after_it_nothing_is_told_and_across_a_gap_the_quote_is_the_one_at_hand() {
        let mut rehearsal = market();
        rehearsal.action(b'H');
        rehearsal.hidden(90 * DOLLAR, 100);
        rehearsal.action(b'T');
        rehearsal.hidden(90 * DOLLAR, 100);
        assert_eq!(rehearsal.told("off_market_print"), []);
        let mut rehearsal = market();
        rehearsal.lose(100);
        rehearsal.hidden(BID, 100);
        assert_eq!(rehearsal.told("off_market_print"), []);
    }
}
