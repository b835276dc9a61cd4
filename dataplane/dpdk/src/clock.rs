//! The cycle counter, and the cache's ear.

/// The time stamp counter, in cycles of [`tsc_hz`].
#[inline]
#[must_use]
pub fn tsc() -> u64 {
    // SAFETY: reads a counter; no precondition.
    unsafe { core::arch::x86_64::_rdtsc() }
}

/// Cycles of [`tsc`] in a second, as the EAL measured them; 0 before it runs.
#[must_use]
pub fn tsc_hz() -> u64 {
    // SAFETY: reads an integer; no precondition.
    unsafe { dpdk_sys::rte_get_tsc_hz() }
}

/// Asks for the cache line at the start of `value`.
#[inline]
pub fn prefetch<T>(value: &T) {
    prefetch_at(std::ptr::from_ref(value).cast());
}

/// Asks for the cache line at `address`, which need not be mapped.
#[inline]
pub(crate) fn prefetch_at(address: *const u8) {
    use core::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
    // SAFETY: a prefetch is a hint and never faults, whatever the address.
    unsafe { _mm_prefetch::<_MM_HINT_T0>(address.cast()) }
}
