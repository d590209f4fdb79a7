//! Large orders of one side that are pulled together, and what came of their having been there.
//!
//! Spoofing and layering gather pulls here until no more of them belong together, and judge them then:
//! by that time it shows whether the other side was pulled as well, or the orders came back, as when a
//! market maker renews its quotes. What comes back takes its pull back, and keeps the time of it.

use bytemuck::{Pod, Zeroable};

use crate::detect::large_orders::{LargeOrder, LargeOrders};
use crate::detect::raised::Since;
use crate::detect::seen::Seen;
use crate::event::Kind;
use crate::units::{Nanos, Sequence, Side};

/// Price levels that are told apart.
const LEVELS: usize = 8;

/// See the module. All zero is none.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub struct Withdrawal {
    /// The first pull and the last.
    pub first_ns: i64,
    /// See there.
    pub last_ns: i64,
    /// When the earliest of the orders entered.
    added_ns: i64,
    /// With which message.
    added_sequence: u64,
    /// Best price of the other side then.
    opposite: i64,
    /// Shares of resting bids and offers executed by then.
    executed: [u32; 2],
    /// Shares pulled, less those that came back.
    pub qty: u64,
    /// Shares × price of what was pulled, 1e-9 currency units.
    pub notional: f64,
    /// Shares that its side shows at five levels without them.
    pub left: u64,
    /// How far the best price of the other side has gone away from the orders, 1e-9 units; 0 where it has not.
    pub moved: i64,
    /// Shares of the other side executed while they were there.
    pub gained: u32,
    /// Shares of their own side executed meanwhile.
    pub own: u32,
    /// Price levels that were told apart.
    levels: u32,
    /// Orders that came back.
    returned: u32,
    /// Their prices.
    prices: [i64; LEVELS],
}

impl Withdrawal {
    /// Whether anything was pulled that has not come back.
    #[inline]
    pub fn is_some(&self) -> bool {
        self.qty > 0
    }

    /// Takes an order that was pulled with the message that is seen.
    pub fn pull(&mut self, one: &LargeOrder, orders: &LargeOrders, seen: &Seen<'_>) {
        let side = one.side();
        if !self.is_some() {
            *self = Withdrawal { first_ns: seen.time.0, ..Withdrawal::zeroed() };
        }
        if self.last_ns == 0 || one.time_ns < self.added_ns {
            (self.added_ns, self.added_sequence) = (one.time_ns, one.sequence);
            (self.opposite, self.executed) = (one.opposite, one.executed);
        }
        self.last_ns = seen.time.0;
        self.qty = self.qty.saturating_add(u64::from(one.pulled()));
        self.notional += f64::from(one.pulled()) * one.price as f64;
        self.left = seen.depth(side);
        let now = if side == 0 { seen.touch.best(Side::Sell) } else { seen.touch.best(Side::Buy) };
        if let Some(now) = now {
            // Bids that are shown let offers rise, offers let bids fall.
            let up = now.0.saturating_sub(self.opposite);
            self.moved = self.moved.max(if side == 0 { up } else { up.saturating_neg() });
        }
        let since = |side: usize| orders.executed[side].wrapping_sub(self.executed[side]);
        (self.gained, self.own) = (since(1 - side), since(side));
        let known = self.prices.iter().take(self.levels as usize).any(|price| *price == one.price);
        if !known && let Some(free) = self.prices.get_mut(self.levels as usize) {
            *free = one.price;
            self.levels += 1;
        }
    }

    /// An order of the side has entered while this is gathered: it is one that comes back. It gets the
    /// history of what was pulled.
    pub fn come_back(&mut self, one: &mut LargeOrder) {
        (one.time_ns, one.sequence) = (self.added_ns, self.added_sequence);
        (one.opposite, one.executed) = (self.opposite, self.executed);
        self.qty = self.qty.saturating_sub(u64::from(one.qty));
        self.returned = self.returned.saturating_add(1);
    }

    /// Price levels that were pulled and have not come back.
    pub fn levels(&self) -> u32 {
        self.levels.saturating_sub(self.returned)
    }

    /// How long the earliest order was there when pulling began.
    pub fn age_ns(&self) -> i64 {
        self.first_ns.saturating_sub(self.added_ns).max(1)
    }

    /// Where it begins: with the earliest order.
    pub fn since(&self) -> Since {
        Since { time: Nanos(self.added_ns), sequence: Sequence(self.added_sequence) }
    }

    /// Shares pulled for each that is still shown. Where hardly any is, half of what usually is counts.
    pub fn times_left(&self, seen: &Seen<'_>, side: usize) -> f64 {
        let shown = (self.left as f64).max(seen.profile.depth(side) / 2.0);
        self.qty as f64 / shown.max(1.0)
    }

    /// 1 where orders of the other side were executed meanwhile, at least a usual print of them and twice
    /// as much as of their own; else 0.
    pub fn benefit(&self, seen: &Seen<'_>) -> f64 {
        let gained = f64::from(self.gained);
        let usual = seen.profile.print_qty().max(1.0);
        f64::from(u8::from(gained >= usual && gained >= 2.0 * f64::from(self.own)))
    }

    /// By how many usual spreads the other side has moved away, 0 to 1.
    pub fn moved_spreads(&self, seen: &Seen<'_>) -> f64 {
        let usual = seen.profile.spread().max(crate::detect::large_orders::CENT as f64);
        (self.moved as f64 / usual).clamp(0.0, 1.0)
    }
}

/// Whether a notice ends what was shown: a halt, a cross.
pub fn ends_what_was(seen: &Seen<'_>) -> bool {
    let event = seen.event;
    event.kind == Kind::Cross as u8
        || event.kind == Kind::TradingAction as u8 && event.code() != b'T'
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::large_orders::scene::{Scene, add, delete, execute, median};
    use crate::detect::large_orders::{CENT, Large, Turn};
    use crate::units::Side::{Buy, Sell};

    const BID: i64 = 9_999 * CENT;
    const ASK: i64 = 10_001 * CENT;
    const LARGE: Large = Large { size: 5.0, of_depth: 0.1, cents: 50.0, spreads: 5.0, filled: 0.5 };

    /// What is withdrawn of the offers, beside a book with 400 shares at 99.99 (order 1), as many a cent
    /// below, and 400 at 100.01.
    struct Stage {
        scene: Scene,
        orders: LargeOrders,
        offers: Withdrawal,
    }

    impl Stage {
        fn new() -> Stage {
            let zero = (Zeroable::zeroed(), Zeroable::zeroed());
            let mut stage = Stage { scene: Scene::new(), orders: zero.0, offers: zero.1 };
            stage.scene.profile.print_qty = median(200.0);
            for (side, price) in [(Buy, BID), (Buy, BID - CENT), (Sell, ASK)] {
                stage.add(side, price, 400);
            }
            stage
        }

        fn show(&mut self, message: (Kind, u8, [u64; 4])) {
            let Stage { scene, orders, offers } = self;
            scene.show(message, |seen| match orders.take(seen, &LARGE) {
                Some(Turn::Entered(place)) if offers.is_some() => {
                    offers.come_back(orders.get_mut(place));
                }
                Some(Turn::Pulled(one)) => offers.pull(&one, orders, seen),
                _ => {}
            });
        }

        fn add(&mut self, side: Side, price: i64, qty: u64) -> u64 {
            let order = self.scene.next_reference();
            self.show(add(order, side, price, qty));
            order
        }

        /// A bid enters and is executed.
        fn trade(&mut self, side: Side, qty: u64) {
            let order = self.add(side, if side == Buy { BID } else { ASK }, qty);
            self.show(execute(order, qty));
        }

        /// What it is beside what is usual.
        fn judged<T>(&mut self, look: impl FnOnce(&Withdrawal, &Seen<'_>) -> T) -> T {
            let offers = self.offers;
            // A message of an order that there is not changes nothing.
            self.scene.show(delete(u64::MAX), |seen| look(&offers, seen))
        }
    }

    #[test]
    fn one_pull_tells_its_size_its_life_and_what_is_left() {
        let mut stage = Stage::new();
        assert!(!stage.offers.is_some());
        let order = stage.add(Sell, ASK + CENT, 1_000);
        let (time, sequence) = (stage.scene.now, stage.scene.sequence);
        stage.show(execute(order, 100));
        stage.scene.now += 249_000_000;
        stage.show(delete(order));
        let it = stage.offers;
        // A millisecond a message, and 249.
        assert_eq!(
            (it.first_ns, it.last_ns, it.age_ns()),
            (time + 251_000_000, it.first_ns, 251_000_000)
        );
        assert_eq!((it.since().time.0, it.since().sequence.0), (time, sequence));
        assert_eq!((it.qty, it.levels(), it.left), (900, 1, 400));
        assert_eq!(it.notional, 900.0 * (ASK + CENT) as f64);
        assert_eq!((it.moved, it.gained, it.own), (0, 0, 100));
        // 400 shares are shown, half of the usual 1,500 are more: 900 / 750.
        assert_eq!(stage.judged(|it, seen| it.times_left(seen, 1)), 1.2);
        stage.scene.profile.depth[1] = median(600.0);
        assert_eq!(stage.judged(|it, seen| it.times_left(seen, 1)), 900.0 / 400.0);
    }

    #[test]
    fn pulls_that_belong_together_begin_with_the_order_that_entered_first() {
        let mut stage = Stage::new();
        let first = stage.add(Sell, ASK + CENT, 1_000);
        let (time, sequence) = (stage.scene.now, stage.scene.sequence);
        stage.trade(Buy, 300);
        let second = stage.add(Sell, ASK + 2 * CENT, 600);
        let third = stage.add(Sell, ASK + CENT, 500);
        stage.trade(Buy, 70);
        stage.show(delete(second));
        let pulled = stage.scene.now;
        // The second has seen the later trade only.
        assert_eq!((stage.offers.gained, stage.offers.since().sequence.0), (70, sequence + 3));
        stage.show(delete(third));
        stage.show(delete(first));
        let it = stage.offers;
        assert_eq!((it.first_ns, it.last_ns), (pulled, stage.scene.now));
        assert_eq!((it.since().time.0, it.since().sequence.0), (time, sequence));
        assert_eq!((it.qty, it.levels(), it.gained, it.own), (2_100, 2, 370, 0));
        let notional = 1_500.0 * (ASK + CENT) as f64 + 600.0 * (ASK + 2 * CENT) as f64;
        assert_eq!(it.notional, notional);
    }

    #[test]
    fn eight_levels_are_told_apart() {
        let mut stage = Stage::new();
        let orders: Vec<u64> =
            (1..=10).map(|level| stage.add(Sell, ASK + level * CENT, 500)).collect();
        for (count, order) in (1u32..).zip(orders) {
            stage.show(delete(order));
            assert_eq!(stage.offers.levels(), count.min(8));
        }
        assert_eq!(stage.offers.qty, 5_000);
    }

    #[test]
    fn what_comes_back_takes_its_pull_back_and_keeps_its_time() {
        let mut stage = Stage::new();
        let one = stage.add(Sell, ASK + CENT, 1_000);
        let (time, sequence) = (stage.scene.now, stage.scene.sequence);
        let other = stage.add(Sell, ASK + 2 * CENT, 600);
        stage.show(delete(one));
        stage.show(delete(other));
        assert_eq!((stage.offers.qty, stage.offers.levels()), (1_600, 2));
        let back = stage.add(Sell, ASK + 3 * CENT, 1_100);
        assert_eq!((stage.offers.qty, stage.offers.levels()), (500, 1));
        stage.add(Sell, ASK + 3 * CENT, 500);
        assert!(!stage.offers.is_some());
        // Pulled again it is as old as what was pulled first, in a withdrawal of its own.
        stage.show(delete(back));
        let it = stage.offers;
        assert_eq!((it.since().time.0, it.since().sequence.0), (time, sequence));
        assert_eq!((it.first_ns, it.qty, it.levels()), (stage.scene.now, 1_100, 1));
    }

    #[test]
    fn the_other_side_moves_away_by_parts_of_a_usual_spread_up_to_one() {
        // The usual spread is 2 cents: one cent is half of it; towards the orders is no move.
        for (bids_gone, better, moved, spreads) in
            [(0, false, 0, 0.0), (1, false, 1, 0.5), (2, false, 3, 1.0), (0, true, 0, 0.0)]
        {
            let mut stage = Stage::new();
            stage.add(Buy, BID - 3 * CENT, 100);
            let order = stage.add(Sell, ASK + CENT, 1_000);
            (1..=bids_gone).for_each(|bid| stage.show(delete(bid)));
            if better {
                stage.add(Buy, BID + CENT, 100);
            }
            stage.show(delete(order));
            assert_eq!(stage.offers.moved, moved * CENT);
            assert_eq!(stage.judged(|it, seen| it.moved_spreads(seen)), spreads);
        }
        // Bids let offers rise. A usual spread of less than a cent counts as one.
        let mut stage = Stage::new();
        stage.scene.profile.spread = median(1_000.0);
        stage.add(Sell, ASK + CENT / 4, 100);
        let order = stage.add(Buy, BID - CENT, 1_000);
        stage.show(delete(3));
        stage.show(delete(order));
        assert_eq!(stage.offers.moved, CENT / 4);
        assert_eq!(stage.judged(|it, seen| it.moved_spreads(seen)), 0.25);
        // With no order left on the other side nothing is known of it.
        let mut stage = Stage::new();
        let order = stage.add(Sell, ASK + CENT, 1_000);
        (1..=2).for_each(|bid| stage.show(delete(bid)));
        stage.show(delete(order));
        assert_eq!(stage.offers.moved, 0);
    }

    #[test]
    fn a_usual_print_of_the_other_side_and_twice_its_own_is_a_benefit() {
        for (other, own, benefit) in
            [(200, 0, 1.0), (199, 0, 0.0), (200, 100, 1.0), (200, 101, 0.0), (0, 0, 0.0)]
        {
            let mut stage = Stage::new();
            // So many were executed before that the counts go round.
            stage.orders.executed = [u32::MAX - 50; 2];
            let order = stage.add(Sell, ASK + CENT, 1_000);
            stage.trade(Buy, other);
            stage.trade(Sell, own);
            stage.show(delete(order));
            let it = stage.offers;
            assert_eq!((u64::from(it.gained), u64::from(it.own)), (other, own));
            assert_eq!(stage.judged(|it, seen| it.benefit(seen)), benefit, "{other} {own}");
        }
    }

    #[test]
    fn a_halt_or_a_cross_ends_what_was_and_a_resumption_or_an_imbalance_does_not() {
        let mut stage = Stage::new();
        for (kind, code, ends) in [
            (Kind::Cross, b'H', true),
            (Kind::Cross, b'O', true),
            (Kind::TradingAction, b'H', true),
            (Kind::TradingAction, b'P', true),
            (Kind::TradingAction, b'Q', true),
            (Kind::TradingAction, b'T', false),
            (Kind::Auction, b'C', false),
        ] {
            let message = (kind, 0, [u64::from(code), 0, 0, 0]);
            assert_eq!(stage.scene.show(message, ends_what_was), ends, "{kind:?}");
        }
    }
}
