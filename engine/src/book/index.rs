//! From (symbol, order reference) to order handle.
//!
//! Dense references live in pages (`paged.rs`), the others in a hash table
//! (`sparse.rs`); where each stands is this module's business alone. A reference belongs to
//! its symbol: when two symbols use one reference, the first has the page slot and the second goes
//! to the table, and a look-up checks whose order it found.
//!
//! Over the yardstick file the books take 54 ns a message with pages and 92 with the hash table alone
//! (`benches/benches/book.rs` repeats it).

use crate::book::levels::{LevelStore, Owner};
use crate::book::orders::OrderPool;
use crate::book::paged::{PagedIndex, Slot, Stored};
use crate::book::pool::NONE;
use crate::book::sparse::SparseTable;
use crate::memory::mapped_vec::MemoryError;

/// See the module.
pub struct OrderIndex {
    paged: PagedIndex,
    sparse: SparseTable,
    mode: IndexMode,
}

/// Where an order stands, or would. Good until the next order is stored or removed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Found {
    /// The slot of its reference.
    pub(crate) slot: Slot,
    /// Its handle, [`NONE`] if the symbol has no such order.
    pub(crate) handle: u32,
}

/// Which structures an index may use; the second is there to be measured against.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IndexMode {
    /// Pages for dense references, a hash table for the rest.
    #[default]
    Paged,
    /// A hash table for all.
    HashOnly,
}

impl OrderIndex {
    /// An index for at most `orders_max` orders.
    ///
    /// # Errors
    /// If the system refuses the address range.
    pub fn new(orders_max: usize, mode: IndexMode) -> Result<Self, MemoryError> {
        Ok(OrderIndex { paged: PagedIndex::new(orders_max)?, sparse: SparseTable::new()?, mode })
    }

    /// The slot of a reference, brought into the cache.
    #[inline(always)]
    #[must_use]
    pub(crate) fn prefetch(&self, symbol: u32, reference: u64) -> Slot {
        let slot = self.paged.slot(reference);
        self.paged.prefetch(slot);
        if !self.sparse.is_empty() {
            self.sparse.prefetch(symbol, reference);
        }
        slot
    }

    /// Puts memory behind the index of so many orders, densely numbered.
    pub(crate) fn prefault(&mut self, orders: usize) {
        self.paged.prefault(orders);
    }

    /// The handle that is probably the order's, for prefetching: it may be another symbol's.
    #[inline(always)]
    #[must_use]
    pub(crate) fn guess(&self, slot: Slot, symbol: u32, reference: u64) -> u32 {
        let handle = self.paged.get(slot);
        if handle == NONE && !self.sparse.is_empty() {
            return self.sparse.get(symbol, reference);
        }
        handle
    }

    /// Looks for the symbol's live order under a reference.
    #[inline(always)]
    #[must_use]
    pub(crate) fn find(
        &self,
        symbol: u32,
        reference: u64,
        orders: &OrderPool,
        levels: &LevelStore,
    ) -> Found {
        let slot = self.paged.slot(reference);
        let mut handle = self.paged.get(slot);
        if handle != NONE {
            let level = orders.get(handle).level();
            if Owner(levels.get(level).owner).symbol() != symbol {
                handle = NONE;
            }
        }
        if handle == NONE && !self.sparse.is_empty() {
            handle = self.sparse.get(symbol, reference);
        }
        Found { slot, handle }
    }

    /// Stores the handle of a new order under a reference that was just looked for in vain; `false`
    /// if no memory can be had for it.
    #[inline(always)]
    #[must_use]
    pub(crate) fn insert(
        &mut self,
        slot: Slot,
        symbol: u32,
        reference: u64,
        handle: u32,
        orders: &OrderPool,
        levels: &LevelStore,
    ) -> bool {
        if self.mode == IndexMode::Paged {
            match self.paged.store(slot, reference, handle, orders.live()) {
                Stored::Yes => return true,
                Stored::No => {}
                Stored::Evict(page) => {
                    return self.evict_and_insert(page, symbol, reference, handle, orders, levels);
                }
            }
        }
        self.sparse.insert(symbol, reference, handle)
    }

    #[cold]
    #[inline(never)]
    fn evict_and_insert(
        &mut self,
        page: u32,
        symbol: u32,
        reference: u64,
        handle: u32,
        orders: &OrderPool,
        levels: &LevelStore,
    ) -> bool {
        for within in 0..super::paged::PAGE {
            let moved = self.paged.handles(page)[within];
            if moved == NONE {
                continue;
            }
            let order = orders.get(moved);
            let owner = Owner(levels.get(order.level()).owner).symbol();
            if !self.sparse.insert(owner, order.reference, moved) {
                break;
            }
            self.paged.clear(PagedIndex::slot_in(page, within));
        }
        let slot = self.paged.slot(reference);
        match self.paged.store(slot, reference, handle, orders.live()) {
            Stored::Yes => true,
            Stored::No | Stored::Evict(_) => self.sparse.insert(symbol, reference, handle),
        }
    }

    /// Takes out an order that was just found.
    #[inline(always)]
    pub(crate) fn remove(&mut self, found: Found, symbol: u32, reference: u64) {
        if self.paged.get(found.slot) == found.handle {
            self.paged.clear(found.slot);
        } else {
            self.sparse.remove(symbol, reference);
        }
    }

    /// Orders that the index holds.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.paged.stored() + self.sparse.len() as u64
    }

    /// Whether the index holds no order.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How much of the index is in use: `(pages, references in the hash table)`.
    #[must_use]
    pub fn usage(&self) -> (u32, usize) {
        (self.paged.pages_in_use(), self.sparse.len())
    }
}
