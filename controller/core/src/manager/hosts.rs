//! Which life of each host is the present one.

use std::collections::BTreeMap;

use messages::{BootId, HostId, Time};

use crate::planted::{self, Slip};

/// The fabric's hosts as the manager knows them.
#[derive(Debug, Default)]
pub(super) struct Hosts {
    hosts: BTreeMap<HostId, Host>,
}

#[derive(Clone, Copy, Debug)]
struct Host {
    boot: BootId,
    /// When a heartbeat came from it.
    heard: Option<Time>,
}

impl Hosts {
    /// A session with this life of a host is open. False if it was known.
    pub(super) fn open(&mut self, host: HostId, boot: BootId) -> bool {
        if self.boot(host) == Some(boot) {
            return false;
        }
        self.hosts.insert(host, Host { boot, heard: None });
        true
    }

    /// How many hosts are known.
    pub(super) fn footprint(&self) -> usize {
        self.hosts.len()
    }

    /// The present life of a host; `None` if there has been no session with it.
    pub(super) fn boot(&self, host: HostId) -> Option<BootId> {
        self.hosts.get(&host).map(|host| host.boot)
    }

    /// Whether a message of this life is to be taken.
    pub(super) fn admits(&self, host: HostId, boot: BootId) -> bool {
        self.boot(host) == Some(boot) || planted::is_on(Slip::OldBootAccepted)
    }

    pub(super) fn heard(&mut self, host: HostId, now: Time) {
        if let Some(host) = self.hosts.get_mut(&host) {
            host.heard = Some(now);
        }
    }

    /// Hosts from which a heartbeat came since then.
    pub(super) fn heard_since(&self, since: Time) -> impl Iterator<Item = HostId> + '_ {
        let heard = self
            .hosts
            .iter()
            .filter(move |(_, host)| host.heard >= Some(since));
        heard.map(|(host, _)| *host)
    }

    /// The manager itself stood still: nobody is taken for silent because of that.
    pub(super) fn forgive(&mut self, now: Time) {
        for host in self.hosts.values_mut() {
            host.heard = host.heard.map(|_| now);
        }
    }
}
