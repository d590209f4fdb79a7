//! Books from the bytes that the walk over state made of them (`state/encode.rs` draws them).
//!
//! Orders come queue by queue, so they lie in the pool side by side as they are read. Which reference
//! is which order's is entered into the index when all are there: then the index knows how many it is
//! to hold, and the places of orders further on can be fetched while earlier ones are entered. What
//! is derived (links, best prices, the index) is made anew; sums that the bytes hold as well must
//! agree with it. Whatever the bytes are, reading ends in books whose invariants hold or in a
//! [`DecodeError`], after which the books are of no use.

use bytemuck::Zeroable;

use crate::book::books::{Books, SymbolBook};
use crate::book::levels::{Ladder, Level, Owner, key_of};
use crate::book::orders::Order;
use crate::book::pool::NONE;
use crate::units::{OrderRef, SymbolId};
use crate::window::encoding::{DecodeError, Reader};

/// Bytes of a level before its orders.
const LEVEL_BYTES: usize = 8 + 8 + 4;
/// Bytes of an order.
const ORDER_BYTES: usize = 8 + 4 + 4 + 8;
/// Orders whose place in the index is fetched ahead.
const AHEAD: u32 = 24;

/// An order that the index cannot take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NotIndexed {
    pub(crate) symbol: SymbolId,
    pub(crate) order: OrderRef,
    /// Another order of the symbol has the reference; otherwise there is no room.
    pub(crate) is_duplicate: bool,
}

impl NotIndexed {
    /// As an error at the end of the symbol's bytes.
    pub(crate) fn at(&self, reader: &Reader<'_>) -> DecodeError {
        reader.refuse(if self.is_duplicate { DUPLICATE } else { "an order without room" })
    }
}

/// What is said of an order whose reference another order of its symbol has.
const DUPLICATE: &str = "an order whose reference another one has";

impl Books {
    /// Reads the book of a symbol that has none, index included.
    pub(crate) fn restore_book(
        &mut self,
        symbol: SymbolId,
        bytes: &[u8],
    ) -> Result<(), DecodeError> {
        let first = self.next_restored();
        let mut reader = Reader::new(bytes);
        self.read_book(symbol, &mut reader)?;
        reader.end()?;
        self.index_orders(first).map_err(|order| order.at(&reader))
    }

    /// Handle of the next order that is read.
    ///
    /// # Panics
    /// If an order has left these books: what is restored is restored before the first event.
    pub(crate) fn next_restored(&self) -> u32 {
        let Some(next) = self.orders.next_of_dense() else {
            panic!("Invariant: books are restored before any order leaves them");
        };
        next
    }

    /// Reads the book of a symbol that has none. Nothing finds its orders before
    /// [`Books::index_orders`].
    pub(crate) fn read_book(
        &mut self,
        symbol: SymbolId,
        reader: &mut Reader<'_>,
    ) -> Result<(), DecodeError> {
        if !self.admit(symbol) {
            return Err(reader.refuse("a symbol past the limit"));
        }
        let SymbolBook { ladders } = &self.symbols[symbol.0 as usize];
        if ladders.iter().any(|ladder| ladder.best_level != NONE) {
            return Err(reader.refuse("a book for a symbol that has one"));
        }
        for side in 0..2 {
            self.read_side(Owner::of(symbol.0, side == 1), reader)?;
        }
        Ok(())
    }

    fn read_side(&mut self, owner: Owner, reader: &mut Reader<'_>) -> Result<(), DecodeError> {
        let count = reader.u32()? as usize;
        if count > reader.rest_bytes() / (LEVEL_BYTES + ORDER_BYTES) {
            return Err(reader.refuse("a number of levels"));
        }
        if count == 0 {
            return Ok(());
        }
        let (symbol, side) = (owner.symbol() as usize, owner.side_index());
        let mut ladder: Ladder = self.symbols[symbol].ladders[side];
        if !self.levels.lengthen(&mut ladder, count) {
            return Err(reader.refuse("a level without room"));
        }
        let mut better = None;
        for at in (0..count).rev() {
            let level = Level {
                price: reader.i64()?,
                qty: reader.u64()?,
                orders: reader.u32()?,
                owner: owner.0,
                ..Level::zeroed()
            };
            let key = key_of(side, level.price);
            if better.is_some_and(|better| better <= key) {
                return Err(reader.refuse("a level that is not behind the one before it"));
            }
            better = Some(key);
            let Some(handle) = self.levels.set(&ladder, at, key, level) else {
                return Err(reader.refuse("a level without room"));
            };
            self.read_queue(handle, reader)?;
        }
        let best = self.levels.best(&ladder);
        ladder.set_best(best, self.levels.get(best));
        // Only now: what could not be read is no book.
        self.symbols[symbol].ladders[side] = ladder;
        Ok(())
    }

    /// Reads the orders of a level of which the totals are known.
    fn read_queue(&mut self, level: u32, reader: &mut Reader<'_>) -> Result<(), DecodeError> {
        let Level { qty, orders, .. } = *self.levels.get(level);
        let Some(rows) = (orders as usize).checked_mul(ORDER_BYTES).filter(|&bytes| bytes > 0)
        else {
            return Err(reader.refuse("a level without orders"));
        };
        let rows = reader.bytes(rows)?;
        let (mut sum, mut prev) = (0_u64, NONE);
        let mut head = NONE;
        for row in rows.as_chunks::<ORDER_BYTES>().0 {
            let (order, filled) = order_of(row);
            let Some(is_filled) = filled else {
                return Err(reader.refuse("whether an order was filled"));
            };
            sum += u64::from(order.qty);
            let order = Order { level_and_filled: level, prev, ..order };
            let Some(handle) = self.orders.allocate(order) else {
                return Err(reader.refuse("an order without room"));
            };
            self.orders.get_mut(handle).note_fill(is_filled);
            // As in `enter`: a link of slot 0 is written and never read.
            self.orders.get_mut(prev).next = handle;
            head = if head == NONE { handle } else { head };
            prev = handle;
        }
        if sum != qty {
            return Err(reader.refuse("the shares of a level"));
        }
        let level = self.levels.get_mut(level);
        (level.head, level.tail) = (head, prev);
        Ok(())
    }

    /// Lets the orders from handle `first` on be found by their references.
    pub(crate) fn index_orders(&mut self, first: u32) -> Result<(), NotIndexed> {
        let Books { index, orders, levels, .. } = self;
        let end = first + (orders.live() + 1).saturating_sub(first);
        for handle in first..end {
            if handle + AHEAD < end {
                let ahead = orders.get(handle + AHEAD);
                let owner = Owner(levels.get(ahead.level()).owner);
                let _ = index.prefetch(owner.symbol(), ahead.reference);
            }
            let order = orders.get(handle);
            let (reference, symbol) =
                (order.reference, Owner(levels.get(order.level()).owner).symbol());
            let not_indexed = |is_duplicate| NotIndexed {
                symbol: SymbolId(symbol),
                order: OrderRef(reference),
                is_duplicate,
            };
            let found = index.find(symbol, reference, orders, levels);
            if found.handle != NONE {
                return Err(not_indexed(true));
            }
            if !index.insert(found.slot, symbol, reference, handle, orders, levels) {
                return Err(not_indexed(false));
            }
        }
        Ok(())
    }
}

/// The order in a row of bytes, without a place; and whether it was filled, if that is told.
fn order_of(row: &[u8; ORDER_BYTES]) -> (Order, Option<bool>) {
    let word = |at: usize| {
        let mut word = [0; 8];
        word.copy_from_slice(&row[at..at + 8]);
        u64::from_le_bytes(word)
    };
    let qty_and_filled = word(8);
    let order = Order {
        reference: word(0),
        time_ns: word(16) as i64,
        qty: qty_and_filled as u32,
        ..Order::zeroed()
    };
    let filled = match qty_and_filled >> 32 {
        0 => Some(false),
        1 => Some(true),
        _ => None,
    };
    (order, filled)
}
