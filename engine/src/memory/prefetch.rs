//! Asks the processor to bring a cache line in before it is needed.
//!
//! A hint only: it changes no state, and on processors without the instruction it is nothing.

/// Prefetches `slice[index]` into all cache levels; an index past the end is harmless.
#[inline(always)]
pub fn prefetch_read<T>(slice: &[T], index: usize) {
    #[cfg(target_arch = "x86_64")]
    {
        use core::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        let address = slice.as_ptr().wrapping_add(index).cast::<i8>();
        // SAFETY: a prefetch reads no memory architecturally and cannot fault, whatever the address;
        // the address itself is made with wrapping arithmetic, so no out-of-bounds pointer rule applies.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(address) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        let _ = (slice, index);
    }
}
