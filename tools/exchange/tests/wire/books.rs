//! Books of a plain reader, that knows messages by the offsets of the specification.

use std::collections::HashMap;

use engine::units::Side;
use exchange::{LevelLine, Simulation};

/// Shares and orders by symbol, whether a sell, and price.
pub(crate) type Levels = HashMap<([u8; 8], bool, u32), (u64, u32)>;

/// Orders by reference: locate, whether a sell, price, shares. No more than a book needs.
#[derive(Default)]
pub(crate) struct Books {
    orders: HashMap<u64, (u16, bool, u32, u32)>,
    names: HashMap<u16, [u8; 8]>,
}

impl Books {
    /// Takes one message.
    pub(crate) fn apply(&mut self, message: &[u8]) {
        let number = |from: usize, to: usize| {
            message[from..to].iter().fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte))
        };
        let locate = number(1, 3) as u16;
        let reference = if b"AFECXDU".contains(&message[0]) { number(11, 19) } else { 0 };
        match message[0] {
            b'R' => _ = self.names.insert(locate, message[11..19].try_into().unwrap()),
            b'A' | b'F' => {
                let (shares, price) = (number(20, 24) as u32, number(32, 36) as u32);
                let order = (locate, message[19] == b'S', price, shares);
                assert!(self.orders.insert(reference, order).is_none(), "{reference} twice");
            }
            b'E' | b'C' | b'X' => {
                let order = self.orders.get_mut(&reference).expect("an order that rests");
                order.3 -= number(19, 23) as u32;
                if order.3 == 0 {
                    self.orders.remove(&reference);
                }
            }
            b'D' => _ = self.orders.remove(&reference).expect("an order that rests"),
            b'U' => {
                let order = self.orders.remove(&reference).expect("an order that rests");
                let (shares, price) = (number(27, 31) as u32, number(31, 35) as u32);
                self.orders.insert(number(19, 27), (order.0, order.1, price, shares));
            }
            _ => {}
        }
    }

    /// Levels: shares and orders by symbol, side and price.
    pub(crate) fn levels(&self) -> Levels {
        let mut levels = Levels::new();
        for (locate, is_sell, price, shares) in self.orders.values() {
            let level = levels.entry((self.names[locate], *is_sell, *price)).or_default();
            *level = (level.0 + u64::from(*shares), level.1 + 1);
        }
        levels
    }
}

/// The levels that the exchange has.
pub(crate) fn levels_of(simulation: &Simulation) -> Levels {
    let level = |line: LevelLine| {
        let key = (line.stock.0, line.side == Side::Sell, line.price.0);
        (key, (line.size, line.orders))
    };
    simulation.truth().map(level).collect()
}
