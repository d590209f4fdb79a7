//! An allocator that counts, in front of the system's: for the thread that asks it for memory, and only
//! while that thread says so.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    /// Allocations of this thread, `None` while nobody counts.
    static ALLOCATIONS: Cell<Option<u64>> = const { Cell::new(None) };
}

struct Counting;

fn count() {
    // A thread that is being torn down has no counter any more, and nobody asks.
    let _ = ALLOCATIONS.try_with(|count| count.set(count.get().map(|count| count + 1)));
}

// SAFETY: every call is handed to the system's allocator as it came, so its contract is kept; counting
// touches a thread-local without destructor, which allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller keeps the contract of `alloc`, which is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: as in `alloc`.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, new_bytes: usize) -> *mut u8 {
        count();
        // SAFETY: as in `alloc`; `pointer` is the system allocator's, since all of ours are.
        unsafe { System.realloc(pointer, layout, new_bytes) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as in `realloc`.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// How often `work` asks the global allocator for memory.
pub(crate) fn allocations_of(work: impl FnOnce()) -> u64 {
    ALLOCATIONS.set(Some(0));
    work();
    ALLOCATIONS.take().unwrap_or_default()
}

/// Counts for this thread from now on.
pub(crate) fn begin() {
    ALLOCATIONS.set(Some(0));
}

/// How often this thread has asked since [`begin`].
pub(crate) fn so_far() -> u64 {
    ALLOCATIONS.get().unwrap_or_default()
}
