//! Durations that one thread measures and others read: a histogram.

use std::sync::atomic::{AtomicU64, Ordering};

/// Buckets of each doubling: a duration is known within 3 %.
const PER_DOUBLING: usize = 32;

/// Buckets: up to 2^36 ns, 69 seconds; the last one has what is longer.
const BUCKETS: usize = 32 * PER_DOUBLING;

/// How often something took how long. One writer.
#[derive(Debug)]
pub struct Delays {
    buckets: Box<[AtomicU64]>,
}

impl Default for Delays {
    fn default() -> Self {
        Self {
            buckets: (0..BUCKETS).map(|_| AtomicU64::new(0)).collect(),
        }
    }
}

impl Delays {
    /// Counts a duration. Only its one writer may call this.
    pub fn record(&self, ns: u64) {
        let bucket = &self.buckets[bucket(ns)];
        bucket.store(bucket.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
    }

    /// Each bucket that has something: the longest duration that falls into it, in nanoseconds, and
    /// how many did.
    pub fn read(&self) -> impl Iterator<Item = (u64, u64)> {
        let counts = self.buckets.iter().enumerate();
        let counts = counts.map(|(index, times)| (longest(index), times.load(Ordering::Relaxed)));
        counts.filter(|(_, times)| *times > 0)
    }
}

/// Where a duration is counted: below [`PER_DOUBLING`] each has a bucket of its own, then each
/// doubling has as many as that.
fn bucket(ns: u64) -> usize {
    let doublings = ns.checked_ilog2().unwrap_or(0);
    let shift = doublings.saturating_sub(PER_DOUBLING.ilog2());
    let index = shift as usize * PER_DOUBLING + (ns >> shift) as usize;
    index.min(BUCKETS - 1)
}

/// The longest duration of a bucket.
fn longest(index: usize) -> u64 {
    let shift = (index / PER_DOUBLING).saturating_sub(1);
    let first = (index - shift * PER_DOUBLING) as u64;
    ((first + 1) << shift) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_known_within_a_thirty_second_part() {
        let mut ns = 0;
        while ns < 1 << 35 {
            let longest = longest(bucket(ns));
            assert!(longest >= ns, "{ns} is counted as {longest}");
            assert!(longest - ns <= ns / 32, "{ns} is counted as {longest}");
            ns += 1 + ns / 7;
        }
    }

    #[test]
    fn buckets_stand_in_order_without_a_gap() {
        assert!((1..BUCKETS).all(|index| bucket(longest(index - 1) + 1) == index));
        assert_eq!(bucket(u64::MAX), BUCKETS - 1);
    }

    #[test]
    fn what_was_counted_is_read() {
        let delays = Delays::default();
        for ns in [5, 5, 1_000] {
            delays.record(ns);
        }
        assert_eq!(delays.read().collect::<Vec<_>>(), [(5, 2), (1_007, 1)]);
    }
}
