//! Which life of each other host is the present one, and what was heard of it.

use std::collections::BTreeMap;

use messages::{BootId, HostId, Time};

use crate::planted::{self, Slip};

/// What an agent knows of other hosts, whatever the group.
#[derive(Clone, Debug, Default)]
pub(super) struct Peers {
    peers: BTreeMap<HostId, Peer>,
}

/// Another host.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer {
    /// Its present life.
    pub(super) boot: BootId,
    /// When the next heartbeat leaves for it.
    pub(super) beat_at: Time,
    /// The newest acknowledgement of a heartbeat: when it was answered, on that host's clock.
    pub(super) answered: Option<Time>,
}

impl Peers {
    /// A session with this life of the host is open. False if it was known already.
    pub(super) fn open(&mut self, host: HostId, boot: BootId, now: Time) -> bool {
        if self.is_current(host, boot) {
            return false;
        }
        let peer = Peer {
            boot,
            beat_at: now,
            answered: None,
        };
        self.peers.insert(host, peer);
        true
    }

    /// Whether this is the host's present life.
    pub(super) fn is_current(&self, host: HostId, boot: BootId) -> bool {
        self.peers.get(&host).is_some_and(|peer| peer.boot == boot)
    }

    /// Whether a message from this life of the host is to be taken.
    pub(super) fn admits(&self, host: HostId, boot: BootId) -> bool {
        planted::is_on(Slip::OldBootAccepted) || self.is_current(host, boot)
    }

    /// Whether there is a session with the host.
    pub(super) fn is_open(&self, host: HostId) -> bool {
        self.peers.contains_key(&host)
    }

    /// How many hosts are known.
    pub(super) fn footprint(&self) -> usize {
        self.peers.len()
    }

    /// The host, if there is a session with it.
    pub(super) fn get(&self, host: HostId) -> Option<&Peer> {
        self.peers.get(&host)
    }

    /// The same, to change it.
    pub(super) fn get_mut(&mut self, host: HostId) -> Option<&mut Peer> {
        self.peers.get_mut(&host)
    }
}
