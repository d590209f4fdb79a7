//! A fixed-size table of plain old data in which every `u32` is a valid index.
//!
//! The whole table, a power of two of elements, is one anonymous mapping; only the address range is
//! reserved, the kernel gives zeroed pages as they are touched. An index is masked to the table's
//! size, so an access needs no bounds check and yet can never leave the mapping. That an index is in
//! range is the owner's invariant, checked in debug builds. (The books' hot path makes some twenty
//! accesses a message: without the checks it takes a fifth fewer instructions.)
//!
//! One owner writes; there is no sharing.

use bytemuck::Pod;
use core::marker::PhantomData;
use memmap2::{MmapMut, MmapOptions};

use super::mapped_vec::{MemoryError, Pages, advise};
use super::prefetch::prefetch_address;

/// A table of 2^`BITS` elements. See the module.
pub struct MaskedTable<T, const BITS: u32> {
    map: MmapMut,
    element: PhantomData<T>,
}

impl<T: Pod, const BITS: u32> MaskedTable<T, BITS> {
    /// How many elements there are.
    pub const CAPACITY: usize = 1 << BITS;
    const MASK: u32 = (Self::CAPACITY - 1) as u32;

    /// A table of zeros.
    ///
    /// # Errors
    /// If the system refuses the address range.
    pub fn new(pages: Pages) -> Result<Self, MemoryError> {
        const {
            assert!(BITS < 32 && size_of::<T>() > 0 && align_of::<T>() <= 4096);
        }
        let bytes = Self::CAPACITY * size_of::<T>();
        let map = MmapOptions::new()
            .len(bytes)
            .no_reserve_swap()
            .map_anon()
            .map_err(|source| MemoryError { bytes, source })?;
        advise(&map, pages);
        Ok(MaskedTable { map, element: PhantomData })
    }

    /// Has the kernel put memory behind the first `elements` now, so that touching them first costs
    /// nothing later. Kernels before Linux 5.14 cannot; then it is put there as it is touched.
    pub fn prefault(&mut self, elements: usize) {
        let bytes = elements.min(Self::CAPACITY) * size_of::<T>();
        #[cfg(target_os = "linux")]
        let _ = self.map.advise_range(memmap2::Advice::PopulateWrite, 0, bytes);
        #[cfg(not(target_os = "linux"))]
        let _ = bytes;
    }

    /// The element at `index`.
    #[inline(always)]
    #[must_use]
    pub fn at(&self, index: u32) -> &T {
        debug_assert!(index <= Self::MASK, "Invariant: index {index} is inside its table");
        // SAFETY: the masked index is below CAPACITY, and the mapping holds CAPACITY elements; it is
        // page-aligned, which is enough for `T` (const assert), initialised (zero or written through
        // `at_mut`), every bit pattern is a `T: Pod`, and `&self` keeps writers out.
        unsafe { &*self.map.as_ptr().cast::<T>().add((index & Self::MASK) as usize) }
    }

    /// The element at `index`, to be changed.
    #[inline(always)]
    pub fn at_mut(&mut self, index: u32) -> &mut T {
        debug_assert!(index <= Self::MASK, "Invariant: index {index} is inside its table");
        // SAFETY: as in `at`; the mapping is writable and private, and `&mut self` is the only
        // reference into it.
        unsafe { &mut *self.map.as_mut_ptr().cast::<T>().add((index & Self::MASK) as usize) }
    }

    /// `count` elements from `start` on, fewer where the table ends.
    #[must_use]
    pub fn range(&self, start: u32, count: usize) -> &[T] {
        let start = (start & Self::MASK) as usize;
        let count = count.min(Self::CAPACITY - start);
        // SAFETY: `start + count <= CAPACITY`; otherwise as in `at`.
        unsafe { core::slice::from_raw_parts(self.map.as_ptr().cast::<T>().add(start), count) }
    }

    /// Brings the element's cache line in.
    #[inline(always)]
    pub fn prefetch(&self, index: u32) {
        prefetch_address(self.map.as_ptr().cast::<T>().wrapping_add((index & Self::MASK) as usize));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_keep_what_is_written_and_start_as_zero() {
        let mut table: MaskedTable<u64, 20> = MaskedTable::new(Pages::Huge).unwrap();
        assert_eq!(*table.at(0), 0);
        *table.at_mut((1 << 20) - 1) = 7;
        *table.at_mut(5) = 6;
        assert_eq!((*table.at((1 << 20) - 1), *table.at(5), *table.at(4)), (7, 6, 0));
        assert_eq!(table.range((1 << 20) - 2, 9), [0, 7]);
    }

    #[test]
    fn a_table_far_larger_than_memory_costs_only_what_is_touched() {
        let mut table: MaskedTable<[u64; 8], 31> = MaskedTable::new(Pages::Base).unwrap();
        table.at_mut((1 << 31) - 1)[7] = 1;
        assert_eq!(table.at(1 << 30)[0], 0);
        assert_eq!(table.at((1 << 31) - 1)[7], 1);
    }
}
