//! Handles of densely numbered orders: a direct index from reference to handle in recycled pages.
//!
//! ```text
//!  reference − anchor ─► directory[ >> 10 ] ─► page number ─► slots[page × 1024 + low 10 bits] ─► handle
//!                        u32 a page            0: none        u32 a reference                    0: none
//! ```
//! Exchanges number orders almost densely through a day, so a reference finds its handle with one
//! cache miss. The window of 2^32 references is anchored at the first one seen, an eighth of it
//! below, and moves only while no page is in use. Page 0 is never written, so a look-up needs no
//! branch for an absent page. A page goes back to the spare list with its last order, and a new page
//! is taken only within [`PagedIndex::page_budget`]; past it a thin page is emptied into the sparse
//! table first. So the memory follows the most orders that ever lived at once: at most 4 MiB and 256
//! bytes for each, plus the directory, at most 16 MiB. Pages are recycled, not given back.

use crate::book::pool::NONE;
use crate::memory::mapped_vec::{MappedVec, MemoryError, Pages};
use crate::memory::masked_table::MaskedTable;

/// References in a page, as a power of two.
const PAGE_BITS: u32 = 10;
/// References in a page: 4 KiB of handles.
pub(super) const PAGE: usize = 1 << PAGE_BITS;
/// References in the window.
const WINDOW: u64 = 1 << 32;
/// Entries of the directory, as a power of two.
const DIRECTORY_BITS: u32 = WINDOW.trailing_zeros() - PAGE_BITS;
/// Slots of all pages, as a power of two: 8 GiB of address space, 2^21 pages.
const SLOT_BITS: u32 = 31;
/// Pages that may be in use however few orders live.
const PAGES_FREE: u32 = 1_024;
/// Live orders that pay for one further page.
const ORDERS_A_PAGE: u32 = 16;
/// A page with at most this many orders may be emptied into the sparse table.
const EVICT_MAX: u32 = 24;
/// Pages looked at for one to empty before giving up.
const EVICT_TRIES: u32 = 8;

/// See the module.
pub(super) struct PagedIndex {
    anchor: u64,
    directory: MaskedTable<u32, DIRECTORY_BITS>,
    slots: MaskedTable<u32, SLOT_BITS>,
    /// Orders in each page.
    live: MappedVec<u32>,
    /// Directory entry of each page in use; in a spare page the next spare one.
    entry: MappedVec<u32>,
    spare: u32,
    in_use: u32,
    clock_hand: u32,
}

/// A place for one handle in the pages. Good until the next order is stored or removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Slot(u32);

/// What became of a reference that was to be stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stored {
    /// It has a slot now.
    Yes,
    /// Outside the window, its slot taken by another symbol, or no page to be had.
    No,
    /// Its page is over budget; empty this page into the sparse table and try again.
    Evict(u32),
}

impl PagedIndex {
    pub(super) fn new(orders_max: usize) -> Result<Self, MemoryError> {
        let pages = 1 + PAGES_FREE as usize + orders_max / ORDERS_A_PAGE as usize;
        let pages = pages.min(1 << (SLOT_BITS - PAGE_BITS));
        Ok(PagedIndex {
            anchor: 0,
            directory: MaskedTable::new(Pages::Base)?,
            slots: MaskedTable::new(Pages::Huge)?,
            live: MappedVec::zeroed(1, pages, Pages::Base)?,
            entry: MappedVec::zeroed(1, pages, Pages::Base)?,
            spare: NONE,
            in_use: 0,
            clock_hand: 1,
        })
    }

    /// Where the handle of a reference stands. A reference without a page has a slot of page 0.
    #[inline(always)]
    pub(super) fn slot(&self, reference: u64) -> Slot {
        let relative = reference.wrapping_sub(self.anchor);
        if relative >= WINDOW {
            return Slot(0);
        }
        let page = *self.directory.at((relative >> PAGE_BITS) as u32);
        Slot(page << PAGE_BITS | relative as u32 & (PAGE as u32 - 1))
    }

    /// The handle in a slot, or [`NONE`]. It may belong to another symbol.
    #[inline(always)]
    pub(super) fn get(&self, slot: Slot) -> u32 {
        *self.slots.at(slot.0)
    }

    #[inline(always)]
    pub(super) fn prefetch(&self, slot: Slot) {
        self.slots.prefetch(slot.0);
    }

    /// See [`MaskedTable::prefault`].
    pub(super) fn prefault(&mut self, slots: usize) {
        self.slots.prefault(slots);
    }

    /// How many pages may be in use while `orders` live.
    pub(super) fn page_budget(orders: u32) -> u32 {
        PAGES_FREE + orders / ORDERS_A_PAGE
    }

    pub(super) fn pages_in_use(&self) -> u32 {
        self.in_use
    }

    /// Orders in all pages, for validation.
    pub(super) fn stored(&self) -> u64 {
        self.live.iter().map(|&n| u64::from(n)).sum()
    }

    /// Stores `handle` at `reference`, whose slot is `slot` and which holds nothing of its symbol.
    #[inline(always)]
    pub(super) fn store(&mut self, slot: Slot, reference: u64, handle: u32, orders: u32) -> Stored {
        if slot.0 < PAGE as u32 {
            return self.store_in_new_page(reference, handle, orders);
        }
        let held = self.slots.at_mut(slot.0);
        if *held != NONE {
            return Stored::No;
        }
        *held = handle;
        self.live[(slot.0 >> PAGE_BITS) as usize] += 1;
        Stored::Yes
    }

    #[cold]
    #[inline(never)]
    fn store_in_new_page(&mut self, reference: u64, handle: u32, orders: u32) -> Stored {
        if self.in_use == 0 {
            self.anchor = reference.wrapping_sub(WINDOW / 8) & !(PAGE as u64 - 1);
        }
        let relative = reference.wrapping_sub(self.anchor);
        if relative >= WINDOW {
            return Stored::No;
        }
        if self.in_use >= Self::page_budget(orders) {
            return self.sparsest_near_clock_hand().map_or(Stored::No, Stored::Evict);
        }
        let Some(page) = self.take_page() else {
            return Stored::No;
        };
        let entry = (relative >> PAGE_BITS) as u32;
        debug_assert_eq!(*self.directory.at(entry), NONE, "Invariant: a page is entered once");
        *self.directory.at_mut(entry) = page;
        self.entry[page as usize] = entry;
        self.live[page as usize] = 1;
        *self.slots.at_mut(page << PAGE_BITS | relative as u32 & (PAGE as u32 - 1)) = handle;
        self.in_use += 1;
        Stored::Yes
    }

    fn take_page(&mut self) -> Option<u32> {
        if self.spare != NONE {
            let page = self.spare;
            self.spare = self.entry[page as usize];
            return Some(page);
        }
        let page = self.live.len();
        let grown = self.live.grow_to(page + 1) && self.entry.grow_to(page + 1);
        grown.then_some(page as u32)
    }

    /// A thinly filled page, looked for like a clock's hand goes round.
    fn sparsest_near_clock_hand(&mut self) -> Option<u32> {
        for _ in 0..EVICT_TRIES {
            let page = self.clock_hand;
            self.clock_hand = if page as usize + 1 >= self.live.len() { 1 } else { page + 1 };
            let live = self.live.get(page as usize).copied().unwrap_or(0);
            if (1..=EVICT_MAX).contains(&live) {
                return Some(page);
            }
        }
        None
    }

    /// The handles of a page, to be moved elsewhere.
    pub(super) fn handles(&self, page: u32) -> &[u32] {
        self.slots.range(page << PAGE_BITS, PAGE)
    }

    /// The slot of a page's handle.
    pub(super) fn slot_in(page: u32, within: usize) -> Slot {
        Slot(page << PAGE_BITS | within as u32)
    }

    /// Empties a slot that holds a handle; frees its page with the last one.
    #[inline(always)]
    pub(super) fn clear(&mut self, slot: Slot) {
        let page = (slot.0 >> PAGE_BITS) as usize;
        debug_assert!(page != 0 && self.get(slot) != NONE, "Invariant: the slot was stored");
        *self.slots.at_mut(slot.0) = NONE;
        self.live[page] -= 1;
        if self.live[page] == 0 {
            *self.directory.at_mut(self.entry[page]) = NONE;
            self.entry[page] = self.spare;
            self.spare = page as u32;
            self.in_use -= 1;
        }
    }
}
