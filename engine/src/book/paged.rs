//! Handles of densely numbered orders: a direct index from reference to handle in recycled pages.
//!
//! ```text
//!  reference − anchor ─► directory[ >> 10 ] ─► page number ─► slots[page × 1024 + low 10 bits] ─► handle
//!                        u32 a page            0: none        u32 a reference                    0: none
//! ```
//! Exchanges number orders almost densely through a day, so a reference finds its handle with one
//! cache miss. The window of 2^32 references is anchored at the first one seen, an eighth of it
//! below, and moves only while no page is in use. Page 0 is never written, so a look-up needs no
//! branch for an absent page. A page goes back to the spare list with its last order; pages are
//! bounded by [`PagedIndex::page_budget`], so their memory follows the live orders: at most 4 MiB
//! and 512 bytes an order, plus the directory, at most 16 MiB.

use crate::book::orders::NONE;
use crate::memory::mapped_vec::{MappedVec, MemoryError, Pages};
use crate::memory::prefetch::prefetch_read;

/// References in a page, as a power of two.
const PAGE_BITS: u32 = 10;
/// References in a page: 4 KiB of handles.
pub(super) const PAGE: usize = 1 << PAGE_BITS;
/// References in the window.
const WINDOW: u64 = 1 << 32;
/// Pages that may be in use however few orders live.
const PAGES_FREE: u32 = 1_024;
/// Live orders that pay for one further page.
const ORDERS_A_PAGE: u32 = 8;
/// A page with at most this many orders may be emptied into the sparse table.
const EVICT_MAX: u32 = 16;
/// Pages looked at for one to empty before giving up.
const EVICT_TRIES: u32 = 8;

/// See the module.
pub(super) struct PagedIndex {
    anchor: u64,
    directory: MappedVec<u32>,
    slots: MappedVec<u32>,
    /// Orders in each page.
    live: MappedVec<u32>,
    /// Directory entry of each page in use; in a spare page the next spare one.
    entry: MappedVec<u32>,
    spare: u32,
    in_use: u32,
    clock_hand: u32,
}

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
        let entries = (WINDOW >> PAGE_BITS) as usize;
        let pages = 1 + PAGES_FREE as usize + orders_max / ORDERS_A_PAGE as usize;
        Ok(PagedIndex {
            anchor: 0,
            directory: MappedVec::zeroed(entries, entries, Pages::Base)?,
            slots: MappedVec::zeroed(PAGE, pages * PAGE, Pages::Huge)?,
            live: MappedVec::zeroed(1, pages, Pages::Base)?,
            entry: MappedVec::zeroed(1, pages, Pages::Base)?,
            spare: NONE,
            in_use: 0,
            clock_hand: 1,
        })
    }

    /// Index into `slots`, inside page 0 where the reference has no page.
    #[inline(always)]
    fn slot(&self, reference: u64) -> usize {
        let relative = reference.wrapping_sub(self.anchor);
        if relative >= WINDOW {
            return 0;
        }
        let page = self.directory[(relative >> PAGE_BITS) as usize] as usize;
        page * PAGE + (relative as usize & (PAGE - 1))
    }

    /// The handle at a reference, or [`NONE`]. It may belong to another symbol.
    #[inline(always)]
    pub(super) fn get(&self, reference: u64) -> u32 {
        self.slots[self.slot(reference)]
    }

    #[inline(always)]
    pub(super) fn prefetch(&self, reference: u64) {
        prefetch_read(&self.slots, self.slot(reference));
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

    /// Stores `handle` at `reference`, which holds nothing of its symbol yet.
    #[inline(always)]
    pub(super) fn store(&mut self, reference: u64, handle: u32, orders: u32) -> Stored {
        let slot = self.slot(reference);
        if slot < PAGE {
            return self.store_in_new_page(reference, handle, orders);
        }
        if self.slots[slot] != NONE {
            return Stored::No;
        }
        self.slots[slot] = handle;
        self.live[slot >> PAGE_BITS] += 1;
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
            return self
                .sparsest_near_clock_hand()
                .map_or(Stored::No, Stored::Evict);
        }
        let Some(page) = self.take_page() else {
            return Stored::No;
        };
        let entry = (relative >> PAGE_BITS) as usize;
        debug_assert_eq!(
            self.directory[entry], NONE,
            "Invariant: a page is entered once"
        );
        self.directory[entry] = page;
        self.entry[page as usize] = entry as u32;
        self.live[page as usize] = 1;
        self.slots[page as usize * PAGE + (relative as usize & (PAGE - 1))] = handle;
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
        let grown = self.live.grow_to(page + 1)
            && self.entry.grow_to(page + 1)
            && self.slots.grow_to((page + 1) * PAGE);
        grown.then_some(page as u32)
    }

    /// A thinly filled page, looked for like a clock's hand goes round.
    fn sparsest_near_clock_hand(&mut self) -> Option<u32> {
        for _ in 0..EVICT_TRIES {
            let page = self.clock_hand;
            self.clock_hand = if page as usize + 1 >= self.live.len() {
                1
            } else {
                page + 1
            };
            let live = self.live.get(page as usize).copied().unwrap_or(0);
            if (1..=EVICT_MAX).contains(&live) {
                return Some(page);
            }
        }
        None
    }

    /// The handles of a page, to be moved elsewhere.
    pub(super) fn handles(&self, page: u32) -> &[u32] {
        &self.slots[page as usize * PAGE..(page as usize + 1) * PAGE]
    }

    /// Empties one slot of a page that is being moved elsewhere; frees the page with the last one.
    pub(super) fn clear_slot(&mut self, page: u32, within: usize) {
        self.clear_at(page as usize * PAGE + within);
    }

    /// Empties the slot of a stored reference.
    #[inline(always)]
    pub(super) fn clear(&mut self, reference: u64) {
        self.clear_at(self.slot(reference));
    }

    #[inline(always)]
    fn clear_at(&mut self, slot: usize) {
        let page = slot >> PAGE_BITS;
        debug_assert!(
            page != 0 && self.slots[slot] != NONE,
            "Invariant: the slot was stored"
        );
        self.slots[slot] = NONE;
        self.live[page] -= 1;
        if self.live[page] == 0 {
            self.directory[self.entry[page] as usize] = NONE;
            self.entry[page] = self.spare;
            self.spare = page as u32;
            self.in_use -= 1;
        }
    }
}
