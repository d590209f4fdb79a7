//! Asks the processor to bring a cache line in before it is needed.
//!
//! A hint only: it changes no state, and on processors without the instruction it is nothing.

/// Prefetches `slice[index]` into all cache levels; an index past the end is harmless.
#[inline(always)]
pub fn prefetch_read<T>(slice: &[T], index: usize) {
    prefetch_address(slice.as_ptr().wrapping_add(index));
}

/// As [`prefetch_read`], in a state in which `slice[index]` can be written: other cores give the line up.
#[inline(always)]
pub(crate) fn prefetch_write<T>(slice: &[T], index: usize) {
    prefetch_write_address(slice.as_ptr().wrapping_add(index));
}

/// Prefetches the line of an address, which need not be a valid one.
#[inline(always)]
pub(crate) fn prefetch_address<T>(address: *const T) {
    #[cfg(target_arch = "x86_64")]
    {
        use core::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: a prefetch reads no memory architecturally and cannot fault, whatever the address.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(address.cast::<i8>()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        let _ = address;
    }
}

/// Asks for the line of an address, which need not be a valid one, in a state in which it can be
/// written: other cores give it up.
#[inline(always)]
pub(crate) fn prefetch_write_address<T>(address: *const T) {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    // SAFETY: the instruction changes no register and no memory, cannot fault whatever the address,
    // and does nothing on processors that do not know it. (The intrinsic becomes a read prefetch
    // unless the whole program is compiled for processors that know it.)
    unsafe {
        core::arch::asm!(
            "prefetchw [{line}]",
            line = in(reg) address,
            options(nostack, preserves_flags, readonly)
        );
    }
    #[cfg(not(all(target_arch = "x86_64", not(miri))))]
    {
        let _ = address;
    }
}
