//! Short arrays of plain old data that grow by doubling, all inside one [`MappedVec`].
//!
//! An array is an [`ArrayRef`] of 12 bytes that its owner keeps; zeroed it is an empty array. When an
//! array outgrows its block it is copied into one of twice the size and the old block goes to the
//! free list of its size class, so the room in use is at most four times what the arrays hold at
//! their longest. Full: the push is refused and the caller counts.

use bytemuck::{Pod, Zeroable};

use super::mapped_vec::{MappedVec, MemoryError, Pages};

/// Elements in a block of the smallest class.
const BLOCK_MIN: usize = 8;
/// Size classes: blocks of 8 elements to 8 × 2^23.
const CLASSES: usize = 24;

/// A growable array inside an [`ArrayArena`].
#[derive(Clone, Copy, Debug, Default, Pod, Zeroable)]
#[repr(C)]
pub struct ArrayRef {
    /// Index of the block's first element in the arena.
    start: u32,
    /// Elements in use.
    len: u32,
    /// 0: no block; else the size class + 1.
    class_plus_one: u32,
}

impl ArrayRef {
    /// Elements in the array.
    #[inline(always)]
    #[must_use]
    pub fn len(&self) -> usize {
        self.len as usize
    }

    /// Whether the array has no elements.
    #[inline(always)]
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    #[inline(always)]
    fn capacity(&self) -> usize {
        if self.class_plus_one == 0 { 0 } else { BLOCK_MIN << (self.class_plus_one - 1) }
    }

    #[inline(always)]
    fn range(&self) -> core::ops::Range<usize> {
        self.start as usize..self.start as usize + self.len as usize
    }
}

/// See the module.
pub struct ArrayArena<T> {
    elements: MappedVec<T>,
    /// First free block of each class, as start + 1; 0 is none. A free block's first four bytes
    /// hold the next one in the same form.
    free: [u32; CLASSES],
}

impl<T: Pod> ArrayArena<T> {
    /// An arena of at most `capacity` elements (below 2^32).
    ///
    /// # Errors
    /// If the system refuses the address range.
    pub fn with_capacity(capacity: usize, pages: Pages) -> Result<Self, MemoryError> {
        const {
            assert!(size_of::<T>() >= 4, "a free block keeps a link in its first element");
        }
        let capacity = capacity.min(u32::MAX as usize - 1);
        Ok(ArrayArena { elements: MappedVec::with_capacity(capacity, pages)?, free: [0; CLASSES] })
    }

    /// See [`MappedVec::prefault`].
    pub fn prefault(&mut self, elements: usize) {
        self.elements.prefault(elements);
    }

    /// The array's elements.
    #[inline(always)]
    #[must_use]
    pub fn get(&self, array: &ArrayRef) -> &[T] {
        &self.elements[array.range()]
    }

    /// The array's elements, to be changed.
    #[inline(always)]
    pub fn get_mut(&mut self, array: &ArrayRef) -> &mut [T] {
        &mut self.elements[array.range()]
    }

    /// The last element.
    #[inline(always)]
    #[must_use]
    pub fn last(&self, array: &ArrayRef) -> Option<&T> {
        if array.len == 0 {
            None
        } else {
            self.elements.get(array.start as usize + array.len as usize - 1)
        }
    }

    /// Makes an empty array `len` elements long, all zero; `false` if the arena is full.
    ///
    /// # Panics
    /// If the array is not empty.
    #[must_use]
    pub fn lengthen(&mut self, array: &mut ArrayRef, len: usize) -> bool {
        assert!(array.is_empty(), "Invariant: only an empty array is lengthened");
        if len > array.capacity() {
            let class = len.div_ceil(BLOCK_MIN).next_power_of_two().trailing_zeros() as usize;
            if class >= CLASSES {
                return false;
            }
            let Some(start) = self.allocate(class) else {
                return false;
            };
            if let Some(outgrown) = array.class_plus_one.checked_sub(1) {
                self.release(outgrown as usize, array.start as usize);
            }
            array.start = start as u32;
            array.class_plus_one = class as u32 + 1;
        }
        array.len = len as u32;
        self.elements[array.range()].fill(T::zeroed());
        true
    }

    /// Inserts `value` before element `at`; `false` if the arena is full.
    ///
    /// # Panics
    /// If `at` is past the end.
    #[inline]
    #[must_use]
    pub fn insert(&mut self, array: &mut ArrayRef, at: usize, value: T) -> bool {
        assert!(at <= array.len(), "Invariant: an element is inserted inside its array");
        if array.len() == array.capacity() && !self.grow(array) {
            return false;
        }
        array.len += 1;
        let elements = &mut self.elements[array.range()];
        let last = elements.len() - 1;
        // Most insertions are near the end: move element by element, without a call to memmove.
        if last - at <= 8 {
            let mut i = last;
            while i > at {
                elements[i] = elements[i - 1];
                i -= 1;
            }
        } else {
            elements.copy_within(at..last, at + 1);
        }
        elements[at] = value;
        true
    }

    /// Removes element `at`.
    ///
    /// # Panics
    /// If `at` is past the end.
    #[inline]
    pub fn remove(&mut self, array: &mut ArrayRef, at: usize) {
        assert!(at < array.len(), "Invariant: an element is removed from inside its array");
        let elements = &mut self.elements[array.range()];
        let last = elements.len() - 1;
        if last - at <= 8 {
            for i in at..last {
                elements[i] = elements[i + 1];
            }
        } else {
            elements.copy_within(at + 1.., at);
        }
        array.len -= 1;
    }

    #[cold]
    #[inline(never)]
    fn grow(&mut self, array: &mut ArrayRef) -> bool {
        let class = array.class_plus_one as usize;
        if class >= CLASSES {
            return false;
        }
        let Some(start) = self.allocate(class) else {
            return false;
        };
        let (old_start, len) = (array.start as usize, array.len as usize);
        self.elements.copy_within(old_start..old_start + len, start);
        if class > 0 {
            self.release(class - 1, old_start);
        }
        array.start = start as u32;
        array.class_plus_one = class as u32 + 1;
        true
    }

    fn allocate(&mut self, class: usize) -> Option<usize> {
        if self.free[class] != 0 {
            let start = self.free[class] as usize - 1;
            let mut link = [0; 4];
            link.copy_from_slice(&bytemuck::bytes_of(&self.elements[start])[..4]);
            self.free[class] = u32::from_ne_bytes(link);
            return Some(start);
        }
        let start = self.elements.len();
        self.elements.grow_to(start + (BLOCK_MIN << class)).then_some(start)
    }

    fn release(&mut self, class: usize, start: usize) {
        let link = self.free[class].to_ne_bytes();
        bytemuck::bytes_of_mut(&mut self.elements[start])[..4].copy_from_slice(&link);
        self.free[class] = start as u32 + 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrays_behave_like_vectors_and_reuse_outgrown_blocks() {
        let mut arena: ArrayArena<u64> = ArrayArena::with_capacity(1 << 16, Pages::Base).unwrap();
        let mut arrays = [ArrayRef::default(); 5];
        let mut plain: [Vec<u64>; 5] = Default::default();
        let mut random = 1u64;
        for step in 0..20_000u64 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(99);
            let which = (random >> 33) as usize % 5;
            let at = (random >> 40) as usize % (plain[which].len() + 1);
            if random & 7 < 4 && plain[which].len() < 300 {
                assert!(arena.insert(&mut arrays[which], at, step));
                plain[which].insert(at, step);
            } else if at < plain[which].len() {
                arena.remove(&mut arrays[which], at);
                plain[which].remove(at);
            }
            assert_eq!(arena.get(&arrays[which]), plain[which]);
            assert_eq!(arena.last(&arrays[which]), plain[which].last());
        }
        // 5 arrays of at most 512 elements with their outgrown blocks.
        assert!(arena.elements.len() <= 5 * 1_024, "{} elements in use", arena.elements.len());
    }

    #[test]
    fn an_array_made_long_at_once_is_zero_and_goes_on_as_one_that_grew() {
        let mut arena: ArrayArena<u64> = ArrayArena::with_capacity(1 << 12, Pages::Base).unwrap();
        let mut grown = ArrayRef::default();
        (0..9).for_each(|at| assert!(arena.insert(&mut grown, at, u64::MAX)));
        for len in [0, 1, 8, 9, 16, 17, 300] {
            let mut array = ArrayRef::default();
            assert!(arena.lengthen(&mut array, len));
            assert_eq!(arena.get(&array), vec![0; len]);
            (0..20).for_each(|more| assert!(arena.insert(&mut array, len + more, 7)));
            assert_eq!(arena.get(&array), [vec![0; len], vec![7; 20]].concat());
            (0..len + 20).for_each(|_| arena.remove(&mut array, 0));
            assert!(arena.lengthen(&mut array, 3));
            assert_eq!(arena.get(&array), [0; 3]);
        }
        assert_eq!(arena.get(&grown), [u64::MAX; 9]);
        assert!(!arena.lengthen(&mut ArrayRef::default(), 1 << 12));
        assert!(!arena.lengthen(&mut ArrayRef::default(), 1 << 30));
    }

    #[test]
    fn a_full_arena_refuses_and_keeps_what_it_holds() {
        let mut arena: ArrayArena<u64> = ArrayArena::with_capacity(8, Pages::Base).unwrap();
        let mut array = ArrayRef::default();
        for i in 0..8 {
            assert!(arena.insert(&mut array, i, i as u64));
        }
        assert!(!arena.insert(&mut array, 8, 8));
        assert_eq!(arena.get(&array), [0, 1, 2, 3, 4, 5, 6, 7]);
    }
}
