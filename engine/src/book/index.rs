//! From (symbol, order reference) to order handle.
//!
//! Dense references live in pages ([`super::paged`]), the others in a hash table
//! ([`super::sparse`]); where each stands is this module's business alone. A reference belongs to
//! its symbol: when two symbols use one reference, the first has the page slot and the second goes
//! to the table, and a look-up checks whose order it found.
//!
//! Measured on the yardstick file beside the hash table alone: see `benches/benches/book.rs`.

use crate::book::levels::{LevelStore, Owner};
use crate::book::orders::{NONE, OrderPool};
use crate::book::paged::{PagedIndex, Stored};
use crate::book::sparse::SparseTable;
use crate::memory::mapped_vec::MemoryError;

/// See the module.
pub struct OrderIndex {
    paged: PagedIndex,
    sparse: SparseTable,
    mode: IndexMode,
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
        Ok(OrderIndex {
            paged: PagedIndex::new(orders_max)?,
            sparse: SparseTable::new()?,
            mode,
        })
    }

    /// The handle that is probably the order's, for prefetching: it may be another symbol's.
    #[inline(always)]
    #[must_use]
    pub fn guess(&self, symbol: u32, reference: u64) -> u32 {
        let handle = self.paged.get(reference);
        if handle == NONE && !self.sparse.is_empty() {
            return self.sparse.get(symbol, reference);
        }
        handle
    }

    /// Brings the slot of a reference into the cache.
    #[inline(always)]
    pub fn prefetch(&self, symbol: u32, reference: u64) {
        self.paged.prefetch(reference);
        if !self.sparse.is_empty() {
            self.sparse.prefetch(symbol, reference);
        }
    }

    /// The handle of the symbol's live order under a reference, or [`NONE`].
    #[inline(always)]
    #[must_use]
    pub fn find(
        &self,
        symbol: u32,
        reference: u64,
        orders: &OrderPool,
        levels: &LevelStore,
    ) -> u32 {
        let handle = self.paged.get(reference);
        if handle != NONE {
            let level = orders.get(handle).level;
            if Owner(levels.get(level).owner).symbol() == symbol {
                return handle;
            }
        }
        if self.sparse.is_empty() {
            NONE
        } else {
            self.sparse.get(symbol, reference)
        }
    }

    /// Stores the handle of a new order; `false` if no memory can be had for it.
    #[inline(always)]
    #[must_use]
    pub fn insert(
        &mut self,
        symbol: u32,
        reference: u64,
        handle: u32,
        orders: &OrderPool,
        levels: &LevelStore,
    ) -> bool {
        if self.mode == IndexMode::Paged {
            match self.paged.store(reference, handle, orders.live()) {
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
            let owner = Owner(levels.get(order.level).owner).symbol();
            if !self.sparse.insert(owner, order.reference, moved) {
                break;
            }
            self.paged.clear_slot(page, within);
        }
        match self.paged.store(reference, handle, orders.live()) {
            Stored::Yes => true,
            Stored::No | Stored::Evict(_) => self.sparse.insert(symbol, reference, handle),
        }
    }

    /// Takes out the reference of an order that is stored.
    #[inline(always)]
    pub fn remove(&mut self, symbol: u32, reference: u64, handle: u32) {
        if self.paged.get(reference) == handle {
            self.paged.clear(reference);
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
