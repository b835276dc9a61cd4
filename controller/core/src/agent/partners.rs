//! Which hosts do heartbeats go to, how often, and about which groups?

use std::collections::BTreeMap;
use std::time::Duration;

use messages::{GroupId, HostId};

use super::group::Group;
use crate::schedule::Schedule;

/// The hosts that heartbeats go to. It follows from the records, and is found anew when one changes.
#[derive(Debug)]
pub(super) struct Partners {
    host: HostId,
    manager: HostId,
    /// Every host of an audience, for the manager's host.
    everyone: Vec<HostId>,
    /// The shortest interval of a group.
    shortest: Duration,
    hosts: BTreeMap<HostId, Partner>,
    stale: bool,
}

/// Another host, or the own one if it is the manager's.
#[derive(Debug)]
pub(super) struct Partner {
    /// The shortest interval of the groups that both are members of.
    pub(super) interval: Duration,
    /// Those groups; for the manager's host all that this one knows.
    pub(super) groups: Vec<GroupId>,
}

impl Partners {
    pub(super) fn new(
        host: HostId,
        manager: HostId,
        everyone: Vec<HostId>,
        shortest: Duration,
    ) -> Self {
        Self {
            host,
            manager,
            everyone,
            shortest,
            hosts: BTreeMap::new(),
            stale: true,
        }
    }

    /// A record has changed, and with it perhaps who is a member.
    pub(super) fn forget(&mut self) {
        self.stale = true;
    }

    /// Finds them by the records as they are now, if one has changed.
    pub(super) fn refresh(&mut self, groups: &Schedule<Group>) {
        if std::mem::take(&mut self.stale) {
            self.hosts = self.find(groups);
        }
    }

    /// The hosts.
    pub(super) fn known(&self) -> impl Iterator<Item = HostId> + '_ {
        self.hosts.keys().copied()
    }

    /// One of them.
    pub(super) fn get(&self, host: HostId) -> Option<&Partner> {
        self.hosts.get(&host)
    }

    fn find(&self, groups: &Schedule<Group>) -> BTreeMap<HostId, Partner> {
        let fresh = || Partner {
            interval: self.shortest,
            groups: Vec::new(),
        };
        let mut hosts: BTreeMap<HostId, Partner> = BTreeMap::new();
        for group in groups.values() {
            for host in group.partners(self.host) {
                let partner = hosts.entry(host).or_insert_with(|| Partner {
                    interval: group.config.timers.interval,
                    groups: Vec::new(),
                });
                partner.interval = partner.interval.min(group.config.timers.interval);
                partner.groups.push(group.id());
            }
        }
        for host in &self.everyone {
            hosts.entry(*host).or_insert_with(fresh);
        }
        let manager = hosts.entry(self.manager).or_insert_with(fresh);
        manager.groups = groups.values().map(Group::id).collect();
        for (host, partner) in &mut hosts {
            if *host == self.manager || self.host == self.manager {
                partner.interval = self.shortest;
            }
        }
        hosts
    }

    /// How many hosts and groups of theirs are known.
    pub(super) fn footprint(&self) -> usize {
        let entries = self.hosts.values().map(|partner| 1 + partner.groups.len());
        entries.sum::<usize>() + self.everyone.len()
    }
}
