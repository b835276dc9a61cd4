//! Copies per group and replica, counted over all daemons of this host: what a provider bills.

use std::collections::BTreeMap;
use std::time::Duration;

use journal::Count;
use messages::{GroupId, HostId, Time};

use crate::plane::Plane;

/// How often the counts are put on the disk. A crash loses what was counted since: the bill is then
/// too low, never too high.
const PERIOD: Duration = Duration::from_secs(5);

/// Packets and octets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Copied {
    pub(crate) packets: u64,
    pub(crate) octets: u64,
}

/// What earlier daemons counted, to which this one's counts are added.
#[derive(Debug)]
pub(crate) struct Billing {
    before: BTreeMap<(GroupId, HostId), Copied>,
    next: Time,
}

impl Billing {
    /// After daemons that counted this.
    pub(crate) fn new(counted: &[Count]) -> Self {
        let before = counted.iter().map(|count| {
            let copied = Copied {
                packets: count.packets,
                octets: count.octets,
            };
            ((count.group, count.replica), copied)
        });
        Self {
            before: before.collect(),
            next: Time::ZERO,
        }
    }

    /// Copies to one replica of a group, ever.
    pub(crate) fn copied(&self, plane: &Plane, group: usize, replica: HostId) -> Copied {
        let Some(known) = plane.groups().get(group) else {
            return Copied::default();
        };
        let before = self.before.get(&(known.id(), replica)).copied();
        let mut total = before.unwrap_or_default();
        let slot = known.slots().iter().position(|host| *host == replica);
        if let Some(slot) = slot {
            for counters in known.counters(plane.workers()) {
                total.packets += counters.copies[slot].sent.packets.get();
                total.octets += counters.copies[slot].sent.bytes.get();
            }
        }
        total
    }

    /// The counts, if it is time to put them on the disk.
    pub(crate) fn due(&mut self, now: Time, plane: &Plane) -> Option<Vec<Count>> {
        if now < self.next {
            return None;
        }
        self.next = now.after(PERIOD);
        Some(self.totals(plane))
    }

    /// The counts of all groups and replicas to which anything was ever copied.
    pub(crate) fn totals(&self, plane: &Plane) -> Vec<Count> {
        let groups = plane.groups().iter().enumerate();
        let counts = groups.flat_map(|(position, group)| {
            group.slots().iter().map(move |replica| {
                let Copied { packets, octets } = self.copied(plane, position, *replica);
                Count {
                    group: group.id(),
                    replica: *replica,
                    packets,
                    octets,
                }
            })
        });
        counts.filter(|count| count.packets > 0).collect()
    }
}

#[cfg(test)]
mod tests;
