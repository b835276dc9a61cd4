//! Until when a member may speak: one number that workers compare.

use std::sync::atomic::{AtomicU64, Ordering};

/// The deadline of one member of this host, in nanoseconds of the process's
/// clock. Written by the controller only, read by the worker that owns the
/// member's port, once a burst.
#[derive(Debug)]
pub struct Lease(AtomicU64);

impl Lease {
    /// The deadline of a member that may not speak.
    pub const MUTED: u64 = 0;

    /// The deadline of a member that nobody could replace.
    pub const UNLIMITED: u64 = u64::MAX;

    /// How much earlier than its deadline a lease counts as over: what was
    /// judged before must have left by then. A burst is handled in some tens of
    /// microseconds; a queue of 2,048 frames of ordinary mix (353 octets on
    /// average) drains in 0.6 ms at 10 Gbit/s.
    pub const EARLY_NS: u64 = 1_000_000;

    /// A lease that has not begun.
    #[must_use]
    pub fn muted() -> Self {
        Self(AtomicU64::new(Self::MUTED))
    }

    /// Sets the deadline, earlier or later. For the controller only.
    pub fn set(&self, deadline_ns: u64) {
        // SeqCst: whoever then reads how far the workers are reads what they
        // did at the earliest after this.
        self.0.store(deadline_ns, Ordering::SeqCst);
    }

    /// The deadline.
    #[must_use]
    pub fn deadline_ns(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }

    /// Whether what is sent now leaves before the deadline. `now_ns` must be a
    /// fresh reading: a worker may have been paused since its round began.
    #[inline]
    #[must_use]
    pub fn allows(&self, now_ns: u64) -> bool {
        now_ns.saturating_add(Self::EARLY_NS) < self.deadline_ns()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_ends_early_by_what_may_still_be_on_its_way() {
        let lease = Lease::muted();
        assert!(!lease.allows(0));
        lease.set(50_000_000);
        assert!(lease.allows(48_999_999));
        assert!(!lease.allows(49_000_000));
        assert!(!lease.allows(u64::MAX));
    }

    #[test]
    fn an_unlimited_lease_never_ends_and_a_muted_one_never_begins() {
        let lease = Lease::muted();
        lease.set(Lease::UNLIMITED);
        assert!(lease.allows(0) && lease.allows(1 << 62));
        lease.set(Lease::MUTED);
        assert!(!lease.allows(0));
    }
}
