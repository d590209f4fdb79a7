//! The books as the matching engine has them: what an engine that read the feed so far must have.

use std::io::{self, Write};

use engine::units::{OrderRef, Side};
use feed_handlers::itch50::{Price4, Stock};

use crate::matching::Market;

/// A displayed price level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LevelLine {
    /// The security's symbol.
    pub stock: Stock,
    /// The side.
    pub side: Side,
    /// The price.
    pub price: Price4,
    /// Shares of all its orders.
    pub size: u64,
    /// How many orders.
    pub orders: u32,
}

/// A displayed order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderLine {
    /// The security's symbol.
    pub stock: Stock,
    /// The security's number in the feed.
    pub locate: u16,
    /// The side.
    pub side: Side,
    /// The price.
    pub price: Price4,
    /// The order's reference.
    pub reference: OrderRef,
    /// Shares left.
    pub size: u32,
}

/// Displayed orders of all books: by index of the security, bids before asks, the best price first,
/// and at a price first in time first.
pub fn orders(market: &Market) -> impl Iterator<Item = OrderLine> + '_ {
    (0..).zip(market.listings()).flat_map(move |(symbol, listing)| {
        [Side::Buy, Side::Sell].into_iter().flat_map(move |side| {
            market.queue(symbol, side).map(move |order| OrderLine {
                stock: listing.stock,
                locate: listing.locate,
                side,
                price: Price4(order.price),
                reference: order.reference,
                size: order.qty,
            })
        })
    })
}

/// Displayed levels of all books: by symbol, bids before asks, the best price first.
pub fn levels(market: &Market) -> impl Iterator<Item = LevelLine> + '_ {
    let mut order: Vec<u16> = (0..).take(market.listings().len()).collect();
    order.sort_by_key(|&symbol| market.listings()[usize::from(symbol)].stock);
    order.into_iter().flat_map(move |symbol| {
        let stock = market.listings()[usize::from(symbol)].stock;
        [Side::Buy, Side::Sell].into_iter().flat_map(move |side| {
            market.levels(symbol, side).map(move |(price_e4, size, orders)| LevelLine {
                stock,
                side,
                price: Price4(price_e4),
                size,
                orders,
            })
        })
    })
}

/// Writes `symbol,side,price,size,orders` and a line a level.
///
/// # Errors
/// What the writer says.
pub fn write_csv(lines: impl Iterator<Item = LevelLine>, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "symbol,side,price,size,orders")?;
    for LevelLine { stock, side, price, size, orders } in lines {
        let price = engine::units::Price::from_e4(price.0);
        writeln!(out, "{stock},{},{price},{size},{orders}", char::from(side.byte()))?;
    }
    Ok(())
}
