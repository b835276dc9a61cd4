//! How many datagrams of each host are looked at.
//!
//! A tag costs a microsecond of the controller's thread, also a wrong one. A host that has gone mad
//! or was taken over, or whoever can send from its address, must not use up the time in which the
//! heartbeats of the others are answered.

use std::collections::BTreeMap;
use std::net::Ipv6Addr;
use std::time::Duration;

use messages::Time;

/// Datagrams a second that every host may send, whatever is configured.
const RATE_MIN: u64 = 4_000;

/// Datagrams that a host may send at once.
const BURST: u64 = 512;

/// Groups that have room in a heartbeat at least: each beat with what could not be sent to seven
/// members.
const BEATS_PER_DATAGRAM_MIN: u64 = 5;

const NS_PER_S: u64 = 1_000_000_000;

/// A token bucket for each host.
#[derive(Debug)]
pub(super) struct Budgets {
    /// What one datagram costs.
    cost_ns: u64,
    buckets: BTreeMap<Ipv6Addr, Bucket>,
}

/// What is left, in nanoseconds that have passed and were not spent.
#[derive(Debug)]
struct Bucket {
    left_ns: u64,
    seen: Time,
}

impl Budgets {
    /// Full budgets of these hosts. Heartbeats about so many groups and their acknowledgements are
    /// less than half of each.
    pub(super) fn new(
        hosts: impl Iterator<Item = Ipv6Addr>,
        groups: usize,
        interval: Duration,
    ) -> Self {
        let interval_ns = u64::try_from(interval.as_nanos()).unwrap_or(u64::MAX);
        let beats = (groups as u64).div_ceil(BEATS_PER_DATAGRAM_MIN);
        let heartbeats = beats.saturating_mul(NS_PER_S) / interval_ns.max(1);
        let cost_ns = NS_PER_S / (RATE_MIN + 4 * heartbeats).clamp(1, NS_PER_S);
        let full = || Bucket {
            left_ns: BURST * cost_ns,
            seen: Time::ZERO,
        };
        Self {
            cost_ns,
            buckets: hosts.map(|host| (host, full())).collect(),
        }
    }

    /// Whether a datagram from this address is to be looked at.
    pub(super) fn spend(&mut self, now: Time, from: Ipv6Addr) -> bool {
        let Some(bucket) = self.buckets.get_mut(&from) else {
            return false;
        };
        let passed_ns = now.0.saturating_sub(bucket.seen.0);
        bucket.seen = bucket.seen.max(now);
        let full_ns = BURST * self.cost_ns;
        bucket.left_ns = bucket.left_ns.saturating_add(passed_ns).min(full_ns);
        match bucket.left_ns.checked_sub(self.cost_ns) {
            Some(left_ns) => {
                bucket.left_ns = left_ns;
                true
            }
            None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: Ipv6Addr = Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 1);
    const B: Ipv6Addr = Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 2);
    const STRANGER: Ipv6Addr = Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 3);

    fn taken(budgets: &mut Budgets, now: Time, from: Ipv6Addr, datagrams: usize) -> usize {
        let spent = (0..datagrams).filter(|_| budgets.spend(now, from));
        spent.count()
    }

    #[test]
    fn a_burst_is_taken_then_the_rate_and_another_host_has_its_own_budget() {
        let mut budgets = Budgets::new([A, B].into_iter(), 0, Duration::from_millis(50));
        let now = Time(5 * NS_PER_S);
        assert_eq!(taken(&mut budgets, now, A, 1_000), 512);
        assert_eq!(taken(&mut budgets, now, B, 10), 10);
        let later = now.after(Duration::from_millis(10));
        assert_eq!(taken(&mut budgets, later, A, 1_000), 40);
        let much_later = now.after(Duration::from_secs(60));
        assert_eq!(taken(&mut budgets, much_later, A, 1_000), 512);
    }

    #[test]
    fn a_clock_that_stands_or_goes_back_gives_nothing() {
        let mut budgets = Budgets::new([A].into_iter(), 0, Duration::from_millis(50));
        let now = Time(5 * NS_PER_S);
        taken(&mut budgets, now, A, 1_000);
        assert_eq!(taken(&mut budgets, Time(NS_PER_S), A, 10), 0);
        assert_eq!(taken(&mut budgets, now, A, 10), 0);
    }

    #[test]
    fn an_unknown_address_has_no_budget() {
        let mut budgets = Budgets::new([A].into_iter(), 0, Duration::from_millis(50));
        assert!(!budgets.spend(Time(NS_PER_S), STRANGER));
    }

    #[test]
    fn many_groups_with_short_intervals_have_room_for_all_their_heartbeats() {
        let groups = 1_000;
        let mut budgets = Budgets::new([A].into_iter(), groups, Duration::from_millis(10));
        let heartbeats = 1_000usize.div_ceil(5);
        for round in 0..100u64 {
            let now = Time(NS_PER_S + round * 10_000_000);
            let sent = 2 * heartbeats;
            assert_eq!(taken(&mut budgets, now, A, sent), sent, "round {round}");
        }
    }
}
