//! May the node behind a guest port speak? Asked once a burst, and only of
//! members of groups.
//!
//! A node that may not still gets its ARP answered: a replica whose stack found
//! no neighbours would stay dumb after its promotion. And its host notes what it
//! listens to.

use tables::{LocalNode, NodeMember, PortIndex, Role, Snapshot};
use wire::drop_reason::DropReason;
use wire::ethernet::EtherType;
use wire::packet::Packet;

use crate::guest::check_frame;
use crate::io::{Burst, BurstIo};
use crate::path::Path;

/// What a member's node is allowed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Gate {
    /// Nothing: it is not the primary. So at launch.
    #[default]
    Silent,
    /// Nothing: it is the primary without a lease.
    Muted,
    /// Everything.
    Open,
}

/// Bursts after which a port counts as drained, however fast its guest sends:
/// more than any receive queue holds.
const DRAIN_BURSTS_MAX: usize = 1024;

impl Gate {
    /// What the tables and the lease say at `now_ns`, a fresh reading.
    #[inline]
    fn of(tables: &Snapshot, member: &NodeMember, now_ns: u64) -> Self {
        match tables.member(member).map(|(_, member)| member.role) {
            Some(Role::Primary { .. }) if member.lease.allows(now_ns) => Self::Open,
            Some(Role::Primary { .. }) => Self::Muted,
            Some(Role::Replica | Role::Fenced | Role::Forwarding { .. }) | None => Self::Silent,
        }
    }

    fn reason(self) -> DropReason {
        match self {
            Self::Silent => DropReason::EncodeReplicaSilent,
            Self::Muted | Self::Open => DropReason::EncodeMuted,
        }
    }
}

impl<Io: BurstIo> Path<Io> {
    /// Handles a burst of a member that may not speak. `None` if it may, and
    /// nothing of what it sent before waits any more.
    ///
    /// What waited at the port when the gate opens was sent before, maybe long
    /// before: a paused process finds a queue of old frames. It goes where it
    /// would have gone.
    #[inline]
    pub(crate) fn closed_gate(
        &mut self,
        tables: &Snapshot,
        port: PortIndex,
        node: &LocalNode,
        member: &NodeMember,
    ) -> Option<usize> {
        let before = self.replication.gate(port);
        let gate = Gate::of(tables, member, self.io.now_ns());
        if gate != before {
            let mut drained = 0;
            if before != Gate::Open {
                drained = self.drain(tables, port, node, before.reason());
            }
            self.replication.set_gate(port, gate);
            if drained > 0 {
                // The lease is asked again in the next round: this took time.
                return Some(drained);
            }
        }
        (gate != Gate::Open).then(|| self.hush(tables, port, node, gate.reason()))
    }

    /// Drops what waits at a port, until nothing does.
    #[cold]
    fn drain(
        &mut self,
        tables: &Snapshot,
        port: PortIndex,
        node: &LocalNode,
        reason: DropReason,
    ) -> usize {
        let mut drained = 0;
        for _ in 0..DRAIN_BURSTS_MAX {
            let count = self.hush(tables, port, node, reason);
            self.flush_all();
            drained += count;
            if count == 0 {
                break;
            }
        }
        drained
    }

    /// Drops a burst, ARP requests answered.
    fn hush(
        &mut self,
        tables: &Snapshot,
        port: PortIndex,
        node: &LocalNode,
        reason: DropReason,
    ) -> usize {
        let mut burst = Burst::new();
        self.receive(port, &mut burst);
        let count = burst.len();
        for packet in burst.drain(..) {
            match check_frame(packet.bytes(), node) {
                Ok(EtherType::ARP) => self.answer_arp(tables, port, node, packet),
                Ok(_) => {
                    self.overhear(tables, port, node, &packet);
                    self.drop_packet(port, reason, packet);
                }
                Err(reason) => self.drop_packet(port, reason, packet),
            }
        }
        count
    }
}
