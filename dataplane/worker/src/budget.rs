//! How much may be copied, to one member or for one guest: a token bucket, kept as the moment
//! at which it is full again.

use tables::group::Budget;

/// How far a worker may run ahead of its budget, in nanoseconds: bursts pass.
const BURST_NS: u64 = 10_000_000;

/// The state of one worker's share of one budget.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Bucket {
    packets_full_ns: u64,
    bytes_full_ns: u64,
}

impl Bucket {
    /// Whether a frame of `bytes` octets is within the budget now; if so it is
    /// paid for.
    #[inline]
    pub(crate) fn take(&mut self, budget: &Budget, bytes: u64, shares: u64, now_ns: u64) -> bool {
        self.take_ahead(budget, bytes, shares, now_ns, BURST_NS)
    }

    /// The same where one may run ahead by `ahead_ns`.
    #[inline]
    pub(crate) fn take_ahead(
        &mut self,
        budget: &Budget,
        bytes: u64,
        shares: u64,
        now_ns: u64,
        ahead_ns: u64,
    ) -> bool {
        let latest_ns = now_ns.saturating_add(ahead_ns);
        if self.packets_full_ns > latest_ns || self.bytes_full_ns > latest_ns {
            return false;
        }
        let (by_packet, by_bytes) = budget.costs_ns(bytes, shares);
        self.packets_full_ns = self.packets_full_ns.max(now_ns).saturating_add(by_packet);
        self.bytes_full_ns = self.bytes_full_ns.max(now_ns).saturating_add(by_bytes);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Frames of `bytes` octets that pass in a second of offers each microsecond.
    fn passed(budget: Budget, bytes: u64, shares: u64) -> u64 {
        let mut bucket = Bucket::default();
        let offers = 0..1_000_000_u64;
        offers
            .filter(|us| bucket.take(&budget, bytes, shares, us * 1_000))
            .count() as u64
    }

    #[test]
    fn a_second_of_offers_passes_the_rate_and_one_burst() {
        let by_packets = passed(Budget::new(10_000, 1 << 40), 100, 1);
        assert!((10_000..=10_102).contains(&by_packets), "{by_packets}");
        let by_bytes = passed(Budget::new(1 << 40, 1_000_000), 100, 1);
        assert!((10_000..=10_102).contains(&by_bytes), "{by_bytes}");
        let share = passed(Budget::new(10_000, 1 << 40), 100, 4);
        assert!((2_500..=2_530).contains(&share), "{share}");
    }

    #[test]
    fn what_was_refused_costs_nothing() {
        let budget = Budget::new(1_000, u64::MAX);
        let mut bucket = Bucket::default();
        let burst = (0..1_000)
            .filter(|_| bucket.take(&budget, 64, 1, 0))
            .count();
        assert_eq!(burst, 11);
        assert!(
            bucket.take(&budget, 64, 1, 1_000_001),
            "one more a millisecond later"
        );
    }
}
