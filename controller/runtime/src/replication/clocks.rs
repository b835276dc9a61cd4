//! How other hosts' clocks stand to this one's, from the heartbeats that they acknowledge.
//!
//! Nothing is decided by it: it lays what several hosts saw on one line of time.

use std::collections::BTreeMap;
use std::time::Duration;

use messages::body::HeartbeatAck;
use messages::{HostId, Time};

/// How long a comparison is preferred to a newer and worse one: clocks drift apart by at most 1 ms
/// in that time (docs/failover.md: 500 ppm each).
const GOOD_FOR: Duration = Duration::from_secs(1);

/// Another host's clock as seen from here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockOffset {
    /// What is to be added to a time of the other host to get ours, in nanoseconds.
    pub to_ours_ns: i64,
    /// How far that may be off, either way: half of the round trip.
    pub uncertainty_ns: u64,
}

/// The last good comparison with each host.
#[derive(Debug, Default)]
pub(super) struct Clocks(BTreeMap<HostId, (Time, ClockOffset)>);

impl Clocks {
    /// An acknowledgement that came at `now`.
    pub(super) fn learn(&mut self, from: HostId, now: Time, ack: &HeartbeatAck) {
        let Some(round_trip) = now.0.checked_sub(ack.echo.0) else {
            return;
        };
        let middle = ack.echo.0 + round_trip / 2;
        let offset = ClockOffset {
            to_ours_ns: middle.wrapping_sub(ack.now.0).cast_signed(),
            uncertainty_ns: round_trip / 2,
        };
        let known = self.0.get(&from);
        let better = known.is_none_or(|(since, known)| {
            offset.uncertainty_ns <= known.uncertainty_ns || now.since(*since) > GOOD_FOR
        });
        if better {
            self.0.insert(from, (now, offset));
        }
    }

    /// The last good comparison with a host.
    pub(super) fn of(&self, host: HostId) -> Option<ClockOffset> {
        self.0.get(&host).map(|(_, offset)| *offset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOST: HostId = HostId([1; 9]);

    fn ack(echo: u64, now: u64) -> HeartbeatAck {
        HeartbeatAck {
            echo: Time(echo),
            now: Time(now),
            acked: Vec::new(),
        }
    }

    #[test]
    fn the_quickest_of_recent_round_trips_counts() {
        let mut clocks = Clocks::default();
        assert_eq!(clocks.of(HOST), None);
        clocks.learn(HOST, Time(1_100), &ack(1_000, 50));
        let first = ClockOffset {
            to_ours_ns: 1_000,
            uncertainty_ns: 50,
        };
        assert_eq!(clocks.of(HOST), Some(first));
        clocks.learn(HOST, Time(3_000), &ack(2_000, 1_900));
        assert_eq!(clocks.of(HOST), Some(first), "a slower one is worse");
        let late = 2_000_000_000;
        clocks.learn(HOST, Time(late + 200), &ack(late, late - 900));
        assert_eq!(
            clocks.of(HOST),
            Some(ClockOffset {
                to_ours_ns: 1_000,
                uncertainty_ns: 100
            }),
            "and yet better than an old one"
        );
    }

    #[test]
    fn an_acknowledgement_from_the_future_is_not_believed() {
        let mut clocks = Clocks::default();
        clocks.learn(HOST, Time(5), &ack(6, 1));
        assert_eq!(clocks.of(HOST), None);
    }
}
