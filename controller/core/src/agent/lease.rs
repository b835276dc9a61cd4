//! How long may an owner transmit? As long as the members that could follow it keep silent.
//!
//! The lease set is every member listed in-sync, and every joining member from its first
//! acknowledgement. Each of them keeps silent for G after it received a heartbeat that it
//! acknowledged, so the owner may transmit for L after it sent that heartbeat; L < G.

use std::collections::BTreeMap;
use std::time::Duration;

use messages::{HostId, MemberState, Record, Time};

use crate::install::Lease;
use crate::planted::{self, Slip};

/// What an owner knows of each other member, under one owner generation.
#[derive(Clone, Debug, Default)]
pub(super) struct LeaseSet {
    members: BTreeMap<HostId, Ledger>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Ledger {
    /// Whether the lease depends on it.
    counted: bool,
    /// When the newest heartbeat that it acknowledged was sent.
    acked: Option<Time>,
    /// When the newest heartbeat was sent to it.
    sent: Option<Time>,
    /// When the oldest heartbeat was sent whose acknowledgement is missing.
    owed: Option<Time>,
}

impl LeaseSet {
    /// Goes over to a new record of the same generation. In-sync members keep what they promised;
    /// a joining member counts from its first acknowledgement of the new epoch.
    pub(super) fn adopt(&mut self, record: &Record, own: HostId) {
        let before = std::mem::take(&mut self.members);
        for member in record.members.iter().filter(|member| member.host != own) {
            let known = before.get(&member.host).copied().unwrap_or_default();
            let ledger = match member.state {
                MemberState::Removed => continue,
                MemberState::InSync => Ledger {
                    counted: true,
                    ..known
                },
                MemberState::Joining => Ledger {
                    counted: false,
                    acked: None,
                    owed: None,
                    sent: known.sent,
                },
            };
            self.members.insert(member.host, ledger);
        }
    }

    /// A heartbeat leaves for this host.
    pub(super) fn sent(&mut self, to: HostId, now: Time) {
        if let Some(ledger) = self.members.get_mut(&to) {
            ledger.sent = Some(now);
            ledger.owed.get_or_insert(now);
        }
    }

    /// This host acknowledged the heartbeat of the present epoch that was sent at `echo`. If it is
    /// a joining member's first one, it counts from now on; but not if half of a `lease` that
    /// began with that heartbeat is over. A machine that wakes up answers what lay there
    /// meanwhile, and would mute the owner, whom nothing forces to count it yet.
    pub(super) fn acked(&mut self, from: HostId, echo: Time, now: Time, lease: Duration) {
        let Some(ledger) = self.members.get_mut(&from) else {
            return;
        };
        // What was never sent cannot have been acknowledged.
        if ledger.sent.is_none_or(|sent| echo > sent) {
            return;
        }
        if !ledger.counted && echo.after(lease / 2) < now {
            return;
        }
        let proof = if planted::is_on(Slip::LeaseFromAck) {
            now
        } else {
            echo
        };
        ledger.acked = ledger.acked.max(Some(proof));
        ledger.owed = ledger.sent.filter(|sent| *sent > echo);
        ledger.counted |= !planted::is_on(Slip::JoiningNotInLease);
    }

    /// Until when the owner may transmit, each promise lasting this long.
    pub(super) fn end(&self, lease: Duration) -> Lease {
        let mut end = Lease::Unlimited;
        for ledger in self.members.values().filter(|ledger| ledger.counted) {
            end = match (end, ledger.acked) {
                (Lease::Muted, _) | (_, None) => Lease::Muted,
                (Lease::Unlimited, Some(acked)) => Lease::Until(acked.after(lease)),
                (Lease::Until(until), Some(acked)) => Lease::Until(until.min(acked.after(lease))),
            };
        }
        end
    }

    /// The members on which the lease depends and whose acknowledgement is an interval late.
    pub(super) fn overdue(&self, now: Time, interval: Duration) -> Vec<HostId> {
        self.members
            .iter()
            .filter(|(_, ledger)| ledger.counted)
            .filter(|(_, ledger)| ledger.owed.is_some_and(|owed| now >= owed.after(interval)))
            .map(|(host, _)| *host)
            .collect()
    }

    /// When the next acknowledgement will be an interval late.
    pub(super) fn overdue_at(&self, interval: Duration) -> impl Iterator<Item = Time> + '_ {
        self.members
            .values()
            .filter(|ledger| ledger.counted)
            .filter_map(move |ledger| Some(ledger.owed?.after(interval)))
    }

    /// The own host stood still: whatever is missing is counted as sent just now.
    pub(super) fn forgive(&mut self, now: Time) {
        for ledger in self.members.values_mut() {
            ledger.owed = ledger.owed.map(|_| now);
        }
    }

    /// How many members are known.
    pub(super) fn footprint(&self) -> usize {
        self.members.len()
    }

    /// When the newest heartbeat was sent that each member acknowledged.
    pub(super) fn acknowledged(&self) -> impl Iterator<Item = (HostId, Time)> + '_ {
        let members = self.members.iter();
        members.filter_map(|(host, ledger)| Some((*host, ledger.acked?)))
    }

    /// Members that are not listed in-sync but count, by their first acknowledgement.
    pub(super) fn counts(&self, host: HostId) -> bool {
        self.members.get(&host).is_some_and(|ledger| ledger.counted)
    }
}
