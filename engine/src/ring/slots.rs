//! The ring's memory: a power of two of slots, and the only code that reads and writes them.
//!
//! A slot belongs to the consumer while its position is in `head..tail`, else to the producer; the
//! two indices are in [`super::Shared`], and each end reaches only the slots that are its own. A
//! position is a free-running counter; its slot is the position modulo the capacity, so a run of
//! positions is at most two slices.
//!
//! The memory is one anonymous mapping, touched before use, in huge pages where it is large. It
//! begins and ends with a page of its own, so no line of it is shared with a neighbour.

use core::ptr::NonNull;

use bytemuck::Pod;

use crate::memory::mapped_vec::{MappedVec, MemoryError, Pages};
use crate::memory::prefetch::{prefetch_address, prefetch_write_address};

/// Bytes of a cache line.
pub(super) const LINE_BYTES: usize = 64;
/// Most bytes asked for at once: 32 lines, some more than a core fetches at a time.
const PREFETCH_BYTES_MAX: usize = 32 * LINE_BYTES;

/// See the module.
pub(super) struct Slots<T> {
    /// Slot 0. Derived from a unique borrow of `memory`, which is not borrowed again.
    first: NonNull<T>,
    /// Capacity - 1.
    mask: u64,
    /// Kept for its drop alone.
    _memory: MappedVec<T>,
    /// Stands for the slots in a model: what is done to a slot's bytes is announced here, so that two
    /// threads at one slot are found.
    #[cfg(loom)]
    watched: Vec<super::sync::UnsafeCell<()>>,
}

// SAFETY: `Slots` owns its memory, so it may move to another thread if the values may (`T: Send`).
unsafe impl<T: Send> Send for Slots<T> {}
// SAFETY: through a shared reference slots are reached only by the `unsafe` functions below, whose
// contract lets one thread at a time at a slot; values cross threads by it, hence `T: Send`.
unsafe impl<T: Send> Sync for Slots<T> {}

impl<T: Pod> Slots<T> {
    /// `capacity` zeroed slots; a power of two, as the caller has checked.
    ///
    /// # Errors
    /// If the system refuses the memory.
    pub(super) fn new(capacity: usize) -> Result<Self, MemoryError> {
        assert!(capacity.is_power_of_two(), "Invariant: {capacity} slots are a power of two");
        let mut memory = MappedVec::zeroed(capacity, capacity, Pages::Huge)?;
        // Writing each byte takes the page faults here, not on the first lap of a hot thread.
        memory.fill(T::zeroed());
        let first = NonNull::from(&mut *memory).cast::<T>();
        Ok(Slots {
            first,
            mask: capacity as u64 - 1,
            _memory: memory,
            #[cfg(loom)]
            watched: (0..capacity).map(|_| super::sync::UnsafeCell::new(())).collect(),
        })
    }

    /// How many slots there are.
    #[inline(always)]
    pub(super) fn capacity(&self) -> u64 {
        self.mask + 1
    }

    /// The slot of a position.
    #[inline(always)]
    fn slot(&self, position: u64) -> *mut T {
        // SAFETY: the masked position is below the capacity, and so many slots are mapped.
        unsafe { self.first.as_ptr().add((position & self.mask) as usize) }
    }

    /// Where a run of `count` slots is cut by the end of the memory: the lengths of its two slices.
    #[inline(always)]
    fn cut(&self, position: u64, count: usize) -> (usize, usize) {
        debug_assert!(
            count as u64 <= self.capacity(),
            "Invariant: a run is no longer than the ring"
        );
        let before_end = (self.capacity() - (position & self.mask)) as usize;
        let front = count.min(before_end);
        (front, count - front)
    }

    /// Writes the slot of a position.
    ///
    /// # Safety
    /// The caller is the producer's thread and `position` is not in `head..tail`.
    #[inline(always)]
    pub(super) unsafe fn write(&self, position: u64, value: T) {
        let _writing = self.writing(position, 1);
        // SAFETY: the slot is mapped, aligned (page start, multiples of the size) and, by the
        // contract, nobody else's while it is written.
        unsafe { self.slot(position).write(value) };
    }

    /// Reads the slot of a position.
    ///
    /// # Safety
    /// The caller is the consumer's thread and `position` is in `head..tail`.
    #[inline(always)]
    pub(super) unsafe fn read(&self, position: u64) -> T {
        let _reading = self.reading(position, 1);
        // SAFETY: the slot is mapped, aligned and initialised (zeroed at first, `T: Pod`), and by the
        // contract nobody writes it meanwhile.
        unsafe { self.slot(position).read() }
    }

    /// `count` slots from `position` on, to be written.
    ///
    /// # Safety
    /// As [`Slots::write`] for each position; for as long as the slices live, nothing else reaches
    /// these slots.
    #[inline(always)]
    #[expect(clippy::mut_from_ref, reason = "the contract makes the borrow unique")]
    pub(super) unsafe fn slices_mut(&self, position: u64, count: usize) -> (&mut [T], &mut [T]) {
        let (front, back) = self.cut(position, count);
        // SAFETY: the first slice ends at the memory's end at most, the second begins at slot 0 and
        // is shorter than what lies before `position`, so they do not overlap; all is mapped, aligned
        // and initialised, and by the contract unique.
        unsafe {
            (
                core::slice::from_raw_parts_mut(self.slot(position), front),
                core::slice::from_raw_parts_mut(self.first.as_ptr(), back),
            )
        }
    }

    /// `count` slots from `position` on, to be read.
    ///
    /// # Safety
    /// As [`Slots::read`] for each position, for as long as the slices live.
    #[inline(always)]
    pub(super) unsafe fn slices(&self, position: u64, count: usize) -> (&[T], &[T]) {
        let (front, back) = self.cut(position, count);
        // SAFETY: both slices lie in the memory, which is mapped, aligned and initialised, and by the
        // contract nobody writes to them.
        unsafe {
            (
                core::slice::from_raw_parts(self.slot(position), front),
                core::slice::from_raw_parts(self.first.as_ptr(), back),
            )
        }
    }

    /// Asks for the slot of a position to be read soon.
    #[inline(always)]
    pub(super) fn prefetch_read(&self, position: u64) {
        prefetch_address(self.slot(position));
    }

    /// Asks for `count` slots from `position` on that are to be written soon, but for no more lines
    /// than a processor can have on their way at a time. Tells how many slots were asked for.
    #[inline(always)]
    pub(super) fn prefetch_write(&self, position: u64, count: u64) -> u64 {
        // Slots that begin in one line are asked for once, lines that one slot spans each.
        let step = const { Self::within(LINE_BYTES) };
        let lines = const { size_of::<T>().div_ceil(LINE_BYTES) };
        let count = count.min(const { Self::within(PREFETCH_BYTES_MAX) });
        let mut ahead = 0;
        while ahead < count {
            let slot = self.slot(position.wrapping_add(ahead)).cast::<[u8; LINE_BYTES]>();
            (0..lines).for_each(|line| prefetch_write_address(slot.wrapping_add(line)));
            ahead += step;
        }
        count
    }

    /// How many slots there are in so many bytes, at least one.
    pub(super) const fn within(bytes: usize) -> u64 {
        if bytes > size_of::<T>() { (bytes / size_of::<T>()) as u64 } else { 1 }
    }
}

/// A write of slots that is going on while this lives, as a model sees it; outside one it is nothing.
pub(super) struct Writing {
    #[cfg(loom)]
    _cells: Vec<loom::cell::MutPtr<()>>,
}

/// A read of slots that is going on while this lives, as [`Writing`].
pub(super) struct Reading {
    #[cfg(loom)]
    _cells: Vec<loom::cell::ConstPtr<()>>,
}

impl Writing {
    /// The write is done.
    #[inline(always)]
    pub(super) fn end(self) {}
}

impl Reading {
    /// The read is done.
    #[inline(always)]
    pub(super) fn end(self) {}
}

#[cfg(not(loom))]
impl<T> Slots<T> {
    /// Announces a write of `count` slots.
    #[inline(always)]
    pub(super) fn writing(&self, _position: u64, _count: usize) -> Writing {
        Writing {}
    }

    /// Announces a read of `count` slots.
    #[inline(always)]
    pub(super) fn reading(&self, _position: u64, _count: usize) -> Reading {
        Reading {}
    }
}

#[cfg(loom)]
impl<T> Slots<T> {
    /// Announces a write of `count` slots.
    pub(super) fn writing(&self, position: u64, count: usize) -> Writing {
        let cells = (0..count as u64).map(|i| self.watched(position.wrapping_add(i)).get_mut());
        Writing { _cells: cells.collect() }
    }

    /// Announces a read of `count` slots.
    pub(super) fn reading(&self, position: u64, count: usize) -> Reading {
        let cells = (0..count as u64).map(|i| self.watched(position.wrapping_add(i)).get());
        Reading { _cells: cells.collect() }
    }

    fn watched(&self, position: u64) -> &super::sync::UnsafeCell<()> {
        &self.watched[(position & self.mask) as usize]
    }
}
