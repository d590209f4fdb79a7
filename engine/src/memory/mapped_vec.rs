//! A vector of plain old data over one anonymous, zero-filled mapping.
//!
//! The address range for the greatest length is reserved at the start without memory behind it; the
//! kernel gives a page when it is first touched. So growing never copies, never moves an element and
//! never calls the global allocator, and untouched room costs nothing. Large vectors ask for
//! transparent huge pages: over the yardstick file the books take about 5 % less time with them.
//!
//! One owner writes; there is no sharing. Full: [`MappedVec::grow_to`] says no and the caller counts.

use bytemuck::Pod;
use core::marker::PhantomData;
use core::ops::{Deref, DerefMut};
use memmap2::{MmapMut, MmapOptions};

/// Mappings from this size on ask for transparent huge pages.
const HUGE_PAGE_MIN_BYTES: usize = 4 << 20;

/// The operating system refused memory.
#[derive(Debug, thiserror::Error)]
#[error(
    "cannot reserve {bytes} bytes of address space: {source}; lower the limits or raise `ulimit -v`"
)]
pub struct MemoryError {
    /// What was asked for.
    pub bytes: usize,
    /// What the system answered.
    #[source]
    pub source: std::io::Error,
}

/// See the module.
pub struct MappedVec<T> {
    map: MmapMut,
    len: usize,
    capacity: usize,
    element: PhantomData<T>,
}

/// Whether a mapping is asked to use huge pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pages {
    /// Huge pages where the kernel grants them: for vectors that are filled densely.
    Huge,
    /// Base pages: for vectors touched here and there, where a huge page would be mostly waste.
    Base,
}

/// Asks for huge pages where they are wanted and the mapping is large enough to hold some.
pub(super) fn advise(map: &MmapMut, pages: Pages) {
    #[cfg(target_os = "linux")]
    if pages == Pages::Huge && map.len() >= HUGE_PAGE_MIN_BYTES {
        // Refused by kernels built without huge pages: then base pages it is.
        let _ = map.advise(memmap2::Advice::HugePage);
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (map, pages);
}

impl<T: Pod> MappedVec<T> {
    /// An empty vector that can grow to `capacity` elements.
    ///
    /// # Errors
    /// If the system refuses the address range.
    pub fn with_capacity(capacity: usize, pages: Pages) -> Result<Self, MemoryError> {
        const {
            assert!(align_of::<T>() <= 4096);
        }
        let bytes = capacity.saturating_mul(size_of::<T>()).max(1);
        let map = MmapOptions::new()
            .len(bytes)
            .no_reserve_swap()
            .map_anon()
            .map_err(|source| MemoryError { bytes, source })?;
        advise(&map, pages);
        Ok(MappedVec { map, len: 0, capacity, element: PhantomData })
    }

    /// A vector of `len` zero elements that can grow to `capacity`, or to `len` if that is more.
    ///
    /// # Errors
    /// If the system refuses the address range.
    pub fn zeroed(len: usize, capacity: usize, pages: Pages) -> Result<Self, MemoryError> {
        let mut vec = Self::with_capacity(capacity.max(len), pages)?;
        vec.len = len;
        Ok(vec)
    }

    /// How many elements fit at most.
    #[inline]
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// Makes the vector at least `len` long. New elements are zero. `false` if that is too long.
    #[inline]
    #[must_use]
    pub fn grow_to(&mut self, len: usize) -> bool {
        if len > self.capacity {
            return false;
        }
        if len > self.len {
            self.len = len;
        }
        true
    }

    /// Has the kernel put memory behind the first `elements` now, so that growing into them costs nothing
    /// later. Kernels before Linux 5.14 cannot; then it is put there as it is touched.
    pub fn prefault(&mut self, elements: usize) {
        let bytes = elements.min(self.capacity) * size_of::<T>();
        #[cfg(target_os = "linux")]
        let _ = self.map.advise_range(memmap2::Advice::PopulateWrite, 0, bytes);
        #[cfg(not(target_os = "linux"))]
        let _ = bytes;
    }

    /// Appends a value; `None` when full, else its index.
    #[inline]
    pub fn push(&mut self, value: T) -> Option<usize> {
        let index = self.len;
        if !self.grow_to(index + 1) {
            return None;
        }
        self[index] = value;
        Some(index)
    }
}

impl<T: Pod> Deref for MappedVec<T> {
    type Target = [T];

    #[inline(always)]
    fn deref(&self) -> &[T] {
        // SAFETY: the mapping is `capacity * size_of::<T>()` bytes or more, readable, and lives as
        // long as `self`; `len <= capacity` always (`grow_to`). Its start is page-aligned and `T`'s
        // alignment is at most a page (const assert). It is zero-filled or written through
        // `deref_mut`, and `T: Pod` allows every bit pattern. The borrow of `self` keeps writers out.
        unsafe { core::slice::from_raw_parts(self.map.as_ptr().cast::<T>(), self.len) }
    }
}

impl<T: Pod> DerefMut for MappedVec<T> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: as in `deref`; the mapping is writable and private to this vector, and `&mut self`
        // makes this the only reference into it.
        unsafe { core::slice::from_raw_parts_mut(self.map.as_mut_ptr().cast::<T>(), self.len) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growing_never_moves_and_new_elements_are_zero() {
        let mut v: MappedVec<u64> = MappedVec::with_capacity(1 << 20, Pages::Huge).unwrap();
        assert_eq!(v.push(7), Some(0));
        let address = v.as_ptr();
        assert!(v.grow_to(1 << 20));
        assert_eq!(v.as_ptr(), address);
        assert_eq!(v[0], 7);
        assert!(v[1..].iter().all(|&x| x == 0));
        v[(1 << 20) - 1] = 9;
        assert!(!v.grow_to((1 << 20) + 1));
        assert_eq!(v.push(1), None);
        assert_eq!(v.len(), 1 << 20);
    }

    #[test]
    fn room_for_more_than_the_machine_has_costs_nothing_until_touched() {
        let mut v: MappedVec<[u64; 4]> = MappedVec::with_capacity(1 << 32, Pages::Base).unwrap();
        assert!(v.grow_to(1 << 32));
        v[(1 << 32) - 1] = [1; 4];
        assert_eq!(v[1 << 31], [0; 4]);
    }

    #[test]
    fn an_impossible_reservation_is_an_error() {
        assert!(MappedVec::<u64>::with_capacity(usize::MAX / 16, Pages::Base).is_err());
    }
}
