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
    /// How far the best price of the other side has gone away from the orders, 1e-9 units; below 0, towards them.
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
