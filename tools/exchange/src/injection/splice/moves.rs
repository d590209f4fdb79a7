//! The moves of episodes in a record: messages that add, and what of a script a record has no room for.

use engine::units::{MatchNumber, OrderRef, Side};
use feed_handlers::itch50::Price4;

use super::splicer::{Cue, Held, Player, Splicer};
use crate::injection::script::{Act, At, Slot};

/// Shares of a print where nothing of the episode's own is met.
const PRINTED: u32 = 100;

impl Splicer<'_> {
    /// Makes a move of an episode.
    pub(super) fn make(&mut self, player: u32, act: Act, time_ns: u64) {
        let Player { planned, middle_e4, .. } = self.players[player as usize];
        let place = planned.symbol;
        match act {
            Act::Post { slot, side, at, qty } => {
                if let Some(price_e4) = self.resting_e4(place, middle_e4, side, at) {
                    self.post(player, slot, (side, price_e4, qty), time_ns);
                }
            }
            Act::Hide { slot, side, at, qty } => {
                let price_e4 = self.resting_e4(place, middle_e4, side, at);
                let held = price_e4.map(|price_e4| Held::Hidden { side, price_e4, qty });
                self.players[player as usize].orders[slot.0 as usize] = held;
            }
            Act::Pull { slot } => self.pull(player, slot, time_ns),
            Act::Shift { slot, at, qty } => self.shift(player, slot, at, qty, time_ns),
            Act::Release { slot, life_ns } => {
                self.calendar.enter(time_ns + life_ns, Cue::End { player, slot });
            }
            Act::Take { side, at, qty } => {
                let limit_e4 = self.price_e4(place, middle_e4, side, at);
                if let Some(limit_e4) = limit_e4 {
                    self.take_own(player, (side, limit_e4, qty), time_ns);
                }
            }
            // What would be swept is others': prints tell of it.
            Act::Sweep { side, at: At::Off(ppm) } => {
                if let Some(price_e4) = self.price_e4(place, middle_e4, side, At::Off(ppm)) {
                    self.print(place, price_e4, PRINTED, time_ns);
                }
            }
            Act::Report { at, qty } => {
                if let Some(price_e4) = self.price_e4(place, middle_e4, Side::Buy, at) {
                    self.print(place, price_e4, qty, time_ns);
                }
            }
            Act::Anchor => {
                let book = self.books.book(place);
                if let (Some(bid), Some(ask)) = (book.best(Side::Buy), book.best(Side::Sell)) {
                    self.players[player as usize].middle_e4 = bid.midpoint(ask);
                }
            }
            // Others do nothing for it; nor is there anything to do for the label's end.
            _ => {}
        }
    }

    /// A price by where it lies now.
    fn price_e4(&self, place: u16, middle_e4: u32, side: Side, at: At) -> Option<u32> {
        let book = self.books.book(place);
        let tick = i64::from(self.survey.seen[usize::from(place)].tick_e4());
        let towards_worse = if side == Side::Buy { -1 } else { 1 };
        let price = match at {
            At::Behind(ticks) => {
                let best = i64::from(book.best(side)?);
                // A best price off the grid is drawn onto it.
                best.div_euclid(tick) * tick + towards_worse * i64::from(ticks) * tick
            }
            At::Touch => i64::from(book.best(side.opposite())?),
            At::Off(ppm) => {
                let price = i64::from(middle_e4) * (1_000_000 + i64::from(ppm)) / 1_000_000;
                price.div_euclid(tick) * tick
            }
        };
        u32::try_from(price).ok().filter(|&price| price > 0)
    }

    /// The price of an order that takes nothing.
    fn resting_e4(&self, place: u16, middle_e4: u32, side: Side, at: At) -> Option<u32> {
        let price_e4 = self.price_e4(place, middle_e4, side, at)?;
        let tick = self.survey.seen[usize::from(place)].tick_e4();
        let Some(other) = self.books.book(place).best(side.opposite()) else {
            return Some(price_e4);
        };
        let drawn = match side {
            Side::Buy => price_e4.min(other.checked_sub(1)? / tick * tick),
            Side::Sell => price_e4.max((other / tick + 1) * tick),
        };
        (drawn > 0).then_some(drawn)
    }

    fn post(
        &mut self,
        player: u32,
        slot: Slot,
        (side, price_e4, qty): (Side, u32, u32),
        time_ns: u64,
    ) {
        let place = self.players[player as usize].planned.symbol;
        let (header, stock) =
            (self.header(place, time_ns), self.survey.seen[usize::from(place)].stock);
        let reference = self.next_reference;
        self.next_reference += 1;
        self.write(place, |out| {
            out.add_order(header, OrderRef(reference), side, qty, stock, Price4(price_e4), None);
        });
        self.players[player as usize].orders[slot.0 as usize] = Some(Held::Shown { reference });
        self.shown[usize::from(place)].push((player, slot));
    }

    fn shift(&mut self, player: u32, slot: Slot, at: At, qty: u32, time_ns: u64) {
        let Player { planned, middle_e4, .. } = self.players[player as usize];
        let place = planned.symbol;
        let Some(old) = self.reference(player, slot) else { return };
        let Some(rest) = self.books.order(place, old) else { return };
        let Some(price_e4) = self.resting_e4(place, middle_e4, rest.side, at) else { return };
        let new = self.next_reference;
        self.next_reference += 1;
        let header = self.header(place, time_ns);
        self.write(place, |out| {
            out.order_replaced(header, OrderRef(old), OrderRef(new), qty, Price4(price_e4));
        });
        let held = Some(Held::Shown { reference: new });
        self.players[player as usize].orders[slot.0 as usize] = held;
    }

    fn print(&mut self, place: u16, price_e4: u32, qty: u32, time_ns: u64) {
        let header = self.header(place, time_ns);
        let stock = self.survey.seen[usize::from(place)].stock;
        let number = MatchNumber(self.next_match);
        self.next_match += 1;
        self.write(place, |out| {
            out.trade(header, OrderRef(0), Side::Buy, qty, stock, Price4(price_e4), number);
        });
    }

    /// Executes an episode's own orders where nobody's stand before them: those at the best price or
    /// better, hidden ones first where they are better.
    fn take_own(&mut self, player: u32, (side, limit_e4, qty): (Side, u32, u32), time_ns: u64) {
        let place = self.players[player as usize].planned.symbol;
        let Some(best_e4) = self.books.book(place).best(side.opposite()) else { return };
        let mut left = qty;
        for slot in 0..self.players[player as usize].orders.len() {
            let Some(held) = self.players[player as usize].orders[slot].filter(|_| left > 0) else {
                continue;
            };
            left -= match held {
                Held::Hidden { side: of, price_e4, qty } => {
                    let is_met = of == side.opposite() && is_within(side, price_e4, limit_e4);
                    let taken = if is_met { qty.min(left) } else { 0 };
                    if taken > 0 {
                        self.print(place, price_e4, taken, time_ns);
                        let rest = Held::Hidden { side: of, price_e4, qty: qty - taken };
                        self.players[player as usize].orders[slot] = (taken < qty).then_some(rest);
                    }
                    taken
                }
                Held::Shown { reference } => {
                    let is_met = |price_e4| {
                        is_within(side, price_e4, limit_e4) && is_within(side, price_e4, best_e4)
                    };
                    let rest = self.books.order(place, reference);
                    let rest = rest.filter(|rest| rest.side != side && is_met(rest.price_e4));
                    rest.map_or(0, |rest| {
                        let taken = rest.qty.min(left);
                        self.execute(player, Slot(slot as u32), (reference, taken), time_ns);
                        taken
                    })
                }
            };
        }
    }

    fn execute(&mut self, player: u32, slot: Slot, (reference, qty): (u64, u32), time_ns: u64) {
        let place = self.players[player as usize].planned.symbol;
        let (header, number) = (self.header(place, time_ns), MatchNumber(self.next_match));
        self.next_match += 1;
        self.write(place, |out| out.order_executed(header, OrderRef(reference), qty, number));
        if self.books.order(place, reference).is_none() {
            self.players[player as usize].orders[slot.0 as usize] = None;
            self.forget(place, player, slot);
        }
    }
}

/// Whether one who takes for a side with a limit is served at a price.
fn is_within(side: Side, price_e4: u32, limit_e4: u32) -> bool {
    match side {
        Side::Buy => price_e4 <= limit_e4,
        Side::Sell => price_e4 >= limit_e4,
    }
}
