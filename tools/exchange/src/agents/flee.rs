//! Orders flee: what rests too near to the value is pulled or moved before it is picked off.
//!
//! Nobody looks at once: each arrival gives the owners of the best orders one chance. What stays is the
//! value traders'.

use engine::units::Side;
use feed_handlers::itch50::Encoder;

use super::{Call, Floor, Place};

/// Orders of a side that can flee at an arrival.
const FLEEING_MAX: usize = 3;
/// Chances in 10,000 that an order that flees is moved behind rather than pulled.
const MOVED: u32 = 2_500;

impl<T: Copy + From<Call>> Floor<T> {
    /// Lets the owners of what rests too near to the value pull it.
    pub(super) fn flee(&mut self, place: Place, out: &mut Encoder) {
        let half = self.securities[place.at()].half_spread_q8 >> 8;
        let value = u64::from(self.pits[place.at()].value_e4());
        for side in [Side::Buy, Side::Sell] {
            let near = match side {
                Side::Buy => value.saturating_sub(half / 2),
                Side::Sell => value + half / 2,
            };
            let near = self.on_grid(place, side, near);
            for _ in 0..FLEEING_MAX {
                let Some((id, first)) = self.market.first(place.symbol, side) else { break };
                if !Self::is_better(side, first.price, near)
                    || !self.random.chance(self.population.flee)
                {
                    break;
                }
                if self.random.chance(MOVED) {
                    self.move_order(place, id, &first, out);
                } else {
                    self.market.cancel(id, place.time_ns, out);
                }
            }
        }
    }
}
