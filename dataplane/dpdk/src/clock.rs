//! The cycle counter, time by it, and the cache's ear.

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

/// Time by the cycle counter: a straight line through two readings of it and of
/// another clock. It holds as long as the counter's rate is constant, which the
/// processor says (`constant_tsc`, `nonstop_tsc`).
///
/// [`tsc_hz`] is not asked: the EAL rounds what it measures, by up to 0.2 %.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TscLine {
    from: Reading,
    /// Nanoseconds a cycle, times 2^32.
    scale: u64,
}

/// Both clocks at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// Cycles, of [`tsc`].
    pub tsc: u64,
    /// Nanoseconds, of the other clock.
    pub ns: u64,
}

impl TscLine {
    /// The line through two readings; `None` if the counter did not rise, or so
    /// slowly that a cycle would be longer than a second.
    #[must_use]
    pub fn through(first: Reading, second: Reading) -> Option<Self> {
        let cycles = second
            .tsc
            .checked_sub(first.tsc)
            .filter(|cycles| *cycles > 0)?;
        let ns = second.ns.checked_sub(first.ns).filter(|ns| *ns > 0)?;
        let scale = (u128::from(ns) << 32) / u128::from(cycles);
        Some(Self {
            from: second,
            scale: u64::try_from(scale).ok()?,
        })
    }

    /// The other clock's nanoseconds at this reading of the counter. Before the
    /// second reading, as another core's counter may be, it stands still.
    #[inline]
    #[must_use]
    pub fn ns_at(&self, tsc: u64) -> u64 {
        let cycles = tsc.saturating_sub(self.from.tsc);
        let passed = (u128::from(cycles) * u128::from(self.scale)) >> 32;
        self.from.ns + passed as u64
    }

    /// The other clock's nanoseconds now.
    #[inline]
    #[must_use]
    pub fn now_ns(&self) -> u64 {
        self.ns_at(tsc())
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_goes_through_both_clocks_for_days() {
        let first = Reading {
            tsc: 1 << 60,
            ns: 5_000_000_000,
        };
        let after = |s: u64| Reading {
            tsc: (1 << 60) + s * 2_596_000_000,
            ns: 5_000_000_000 + s * 1_000_000_000,
        };
        let line = TscLine::through(first, after(1)).expect("it rose");
        for s in [1, 2, 60, 3_600, 86_400 * 30] {
            let error = line.ns_at(after(s).tsc).abs_diff(after(s).ns);
            assert!(error <= 1 + s, "{error} ns after {s} s");
        }
        assert_eq!(line.ns_at(0), after(1).ns, "it never runs backwards");
    }

    #[test]
    fn a_counter_that_stands_still_makes_no_line() {
        let reading = |tsc, ns| Reading { tsc, ns };
        assert_eq!(TscLine::through(reading(7, 1), reading(7, 2)), None);
        assert_eq!(TscLine::through(reading(8, 1), reading(7, 2)), None);
        assert_eq!(TscLine::through(reading(7, 2), reading(8, 2)), None);
        assert_eq!(TscLine::through(reading(7, 0), reading(8, 1 << 33)), None);
    }
}
