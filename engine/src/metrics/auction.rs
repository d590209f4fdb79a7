//! Auctions: the latest net order imbalance, and the prices of the official crosses.
//!
//! The imbalance is that of the latest NOII message (`I`), of whichever cross; its prices are 0 where
//! there is none to tell. A cross's price and size are those of the latest `Q` of its type with shares
//! above 0; a `Q` of no shares says that there was no cross. A break names executions, not crosses
//! (ITCH 5.0 section 1.5.3), so it changes nothing here.

use bytemuck::{Pod, Zeroable};

use crate::event::Event;
use crate::units::{Nanos, Price, Qty};

/// A cross that sets an official price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OfficialCross {
    /// `O`: the opening.
    Open,
    /// `C`: the close.
    Close,
    /// `H`: an IPO, or the end of a halt or pause.
    Halt,
}

impl OfficialCross {
    fn of(code: u8) -> Option<OfficialCross> {
        match code {
            b'O' => Some(OfficialCross::Open),
            b'C' => Some(OfficialCross::Close),
            b'H' => Some(OfficialCross::Halt),
            _ => None,
        }
    }
}

/// Price and shares of a cross. No shares: none was seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub(crate) struct CrossPrint {
    pub(crate) price: i64,
    pub(crate) qty: u64,
}

/// What an NOII message tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Imbalance {
    /// When it was sent (exchange time).
    pub time: Nanos,
    /// The cross: `O`, `C`, `H` or another.
    pub cross: u8,
    /// Shares that can be matched at the reference price.
    pub paired: Qty,
    /// Shares that cannot.
    pub imbalance: Qty,
    /// `B`, `S`, `N` for none, `O` for too few orders to tell, `P` for paused.
    pub side: u8,
    /// Price at which the cross would be with orders for it alone.
    pub far: Option<Price>,
    /// Price at which it would be with the orders of the book, too.
    pub near: Option<Price>,
    /// Price at which paired and imbalance are told.
    pub reference: Option<Price>,
    /// How far the near price is from the reference, as the exchange puts it into classes.
    pub variation: u8,
}

/// See the module. All zero is nothing seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct AuctionFigures {
    pub(crate) paired: u64,
    pub(crate) imbalance: u64,
    pub(crate) time_ns: i64,
    /// Prices in 1e-4 units, 0 for none.
    pub(crate) far: u32,
    pub(crate) near: u32,
    pub(crate) reference: u32,
    pub(crate) side: u8,
    pub(crate) cross: u8,
    pub(crate) variation: u8,
    /// 1 once an imbalance was told.
    pub(crate) told: u8,
    /// Open, close, halt.
    pub(crate) crosses: [CrossPrint; 3],
    pub(crate) reserved: u64,
}

impl AuctionFigures {
    /// Nothing seen.
    pub const NONE: AuctionFigures = AuctionFigures {
        paired: 0,
        imbalance: 0,
        time_ns: 0,
        far: 0,
        near: 0,
        reference: 0,
        side: 0,
        cross: 0,
        variation: 0,
        told: 0,
        crosses: [CrossPrint { price: 0, qty: 0 }; 3],
        reserved: 0,
    };

    /// Takes an NOII message.
    pub(crate) fn take_imbalance(&mut self, event: &Event) {
        let [paired, imbalance, far_and_near, reference_and_codes] = event.words;
        let [side, cross, variation, _] = (reference_and_codes as u32).to_be_bytes();
        (self.paired, self.imbalance, self.time_ns) = (paired, imbalance, event.time_ns);
        (self.far, self.near) = ((far_and_near >> 32) as u32, far_and_near as u32);
        self.reference = (reference_and_codes >> 32) as u32;
        (self.side, self.cross, self.variation, self.told) = (side, cross, variation, 1);
    }

    /// Takes a cross that printed.
    pub(crate) fn take_cross(&mut self, code: u8, price: Price, qty: Qty) {
        if let Some(cross) = OfficialCross::of(code) {
            self.crosses[cross as usize] = CrossPrint { price: price.0, qty: qty.0 };
        }
    }

    /// The latest imbalance; `None` before the first.
    #[must_use]
    pub fn imbalance(&self) -> Option<Imbalance> {
        let price = |e4: u32| (e4 != 0).then_some(Price::from_e4(e4));
        (self.told != 0).then_some(Imbalance {
            time: Nanos(self.time_ns),
            cross: self.cross,
            paired: Qty(self.paired),
            imbalance: Qty(self.imbalance),
            side: self.side,
            far: price(self.far),
            near: price(self.near),
            reference: price(self.reference),
            variation: self.variation,
        })
    }

    /// Price and shares of the latest cross of a type; `None` before the first.
    #[must_use]
    pub fn cross(&self, cross: OfficialCross) -> Option<(Price, Qty)> {
        let CrossPrint { price, qty } = self.crosses[cross as usize];
        (qty > 0).then_some((Price(price), Qty(qty)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Kind, pack_u32s};

    #[test]
    fn the_latest_imbalance_and_each_cross_are_kept() {
        let mut figures = AuctionFigures::NONE;
        assert_eq!(figures.imbalance(), None);
        let codes = u32::from_be_bytes([b'B', b'O', b'L', 0]);
        let event = Event {
            time_ns: 77,
            kind: Kind::Auction as u8,
            words: [5_000, 300, pack_u32s(0, 100_500), pack_u32s(100_000, codes)],
            ..bytemuck::Zeroable::zeroed()
        };
        figures.take_imbalance(&event);
        let told = Imbalance {
            time: Nanos(77),
            cross: b'O',
            paired: Qty(5_000),
            imbalance: Qty(300),
            side: b'B',
            far: None,
            near: Some(Price(10_050_000_000)),
            reference: Some(Price(10_000_000_000)),
            variation: b'L',
        };
        assert_eq!(figures.imbalance(), Some(told));
        figures.take_cross(b'O', Price(7), Qty(10));
        figures.take_cross(b'A', Price(8), Qty(10));
        figures.take_cross(b'H', Price(9), Qty(20));
        assert_eq!(figures.cross(OfficialCross::Open), Some((Price(7), Qty(10))));
        assert_eq!(figures.cross(OfficialCross::Close), None);
        assert_eq!(figures.cross(OfficialCross::Halt), Some((Price(9), Qty(20))));
    }
}
