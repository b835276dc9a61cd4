//! What an agent is told.

use messages::body::{Body, Counts, Request};
use messages::{BootId, Epoch, GroupId, HostId, Time};

/// What an agent is told, with the host's time beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AgentEvent {
    /// The time of `next_deadline` has come.
    Tick,
    /// A message from a host, authenticated, with every signature in it verified, and addressed to
    /// this life of this daemon.
    Message {
        /// Who sent it.
        from: HostId,
        /// In which life.
        from_boot: BootId,
        /// What it says.
        body: Body,
    },
    /// A session with this life of a host's daemon is open; messages of another life are void.
    PeerBoot {
        /// The host.
        host: HostId,
        /// Its life.
        boot: BootId,
    },
    /// The port of this host's member of a group changed.
    Port {
        /// The group.
        group: GroupId,
        /// Whether it is up.
        up: bool,
    },
    /// Sampled once an interval, before the `Tick` that sends heartbeats.
    Workers {
        /// Whether every worker advanced since the last sample.
        advanced: bool,
    },
    /// Every worker has passed a loop boundary since the barrier of this token, and what was
    /// installed before it is in force.
    Boundary {
        /// From the barrier.
        token: u64,
    },
    /// The record of this token is on the disk.
    Persisted {
        /// From `AgentAction::Persist`.
        token: u64,
    },
    /// The record of this token is not on the disk, and will not be.
    PersistFailed {
        /// From `AgentAction::Persist`.
        token: u64,
    },
    /// What the workers counted; at least once an interval.
    Counts {
        /// The group.
        group: GroupId,
        /// Totals since the daemon's start. `checkpoint` is ignored: the agent knows it.
        counts: Counts,
        /// Hosts from which packets for the address came within the last second; at most 64.
        senders: Vec<HostId>,
    },
    /// A hook ended.
    HookDone {
        /// The group.
        group: GroupId,
        /// The epoch with which it was started.
        epoch: Epoch,
        /// Whether it ended well.
        ok: bool,
    },
    /// A packet for a fenced member came from this host (limited by the runtime): tell it better.
    FencedPacket {
        /// The group.
        group: GroupId,
        /// The sender's host.
        sender: HostId,
    },
    /// The substrate says that the owner's host is unreachable.
    Bounced {
        /// The group.
        group: GroupId,
    },
    /// The guest of this host's member sent something that passed, for the first time since it was
    /// silent.
    FirstAnswer {
        /// The group.
        group: GroupId,
        /// When.
        at: Time,
    },
    /// An operator's request at this host's local API.
    Operate {
        /// Repeated in the answer.
        token: u64,
        /// What is asked.
        request: Request,
    },
}
