//! One host's packet path, as far as the protocol needs it: the tables that its agent published,
//! the order of checks of docs/wire.md, roles, the lease that is compared once a burst, buffers.
//!
//! It is a model of `dataplane/worker`, not that code: packets carry numbers instead of bytes.

mod entry;
mod receive;

use std::collections::VecDeque;
use std::net::Ipv4Addr;

use failover::Lease;
use messages::{GroupId, Time};

use crate::ledger::Ledger;
use crate::naming::{HOSTS_MAX, Host, plain_host};
use crate::packet::{Packet, Reason};

pub use entry::{Entry, Role};

/// Frames that a member's buffer holds at most.
pub const BUFFER_FRAMES_MAX: usize = 20_000;

/// How a group is replicated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Copying {
    /// Whether replicas buffer instead of delivering.
    pub buffer: bool,
    /// Whether the primary's host makes the copies instead of the sender's.
    pub by_primary: bool,
}

/// What a step of the path leads to.
#[derive(Clone, Copy, Debug)]
pub enum Effect {
    /// A frame leaves for another host.
    Transmit(Host, Packet),
    /// The receiver let a packet from the substrate or from a local node pass.
    Accepted(Packet),
    /// A node gets a packet.
    Delivered(Packet),
    /// The buffer of a group's member has taken a packet.
    Buffered(usize, Packet),
    /// A packet ended.
    Dropped(Reason, Packet),
    /// A fenced member got a packet for this group from that host, which ought to be told.
    Misled(usize, Host),
}

/// What a step of the path may change outside of it.
#[derive(Debug)]
pub struct Step<'a> {
    /// The host's clock.
    pub now: Time,
    /// The run's counts.
    pub ledger: &'a mut Ledger,
    /// Gets what the step leads to, in order.
    pub effects: &'a mut Vec<Effect>,
}

impl Step<'_> {
    fn drop(&mut self, reason: Reason, packet: Packet) {
        self.ledger.drop(reason);
        self.effects.push(Effect::Dropped(reason, packet));
    }
}

/// The packet path of one host.
#[derive(Debug)]
pub struct Plane {
    own: Host,
    groups: Vec<Group>,
    networks: Vec<u32>,
}

#[derive(Debug)]
struct Group {
    id: GroupId,
    copying: Copying,
    entry: Option<Entry>,
    lease: Lease,
    port_up: bool,
    buffer: VecDeque<(Time, Packet)>,
    counted: Counted,
    senders: [Option<Time>; HOSTS_MAX],
}

/// What the workers of a host counted for its member of a group since the daemon's start.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counted {
    /// Copies taken.
    pub received: u64,
    /// Copies lost: no room, or the port is down.
    pub lost: u64,
    /// Copies that came from the owner's host.
    pub from_owner: u64,
}

impl Plane {
    /// A path that knows nothing but its own host's plain nodes.
    #[must_use]
    pub fn new(own: Host, networks: Vec<u32>, groups: &[(GroupId, Copying)]) -> Self {
        let groups = groups
            .iter()
            .map(|&(id, copying)| Group {
                id,
                copying,
                entry: None,
                lease: Lease::Muted,
                port_up: true,
                buffer: VecDeque::new(),
                counted: Counted::default(),
                senders: [None; HOSTS_MAX],
            })
            .collect();
        Self {
            own,
            groups,
            networks,
        }
    }

    /// What is known about a group.
    #[must_use]
    pub fn entry(&self, group: usize) -> Option<&Entry> {
        self.groups[group].entry.as_ref()
    }

    /// The lease of a group's member here.
    #[must_use]
    pub fn lease(&self, group: usize) -> Lease {
        self.groups[group].lease
    }

    /// Frames in a group's buffer.
    #[must_use]
    pub fn buffered(&self, group: usize) -> usize {
        self.groups[group].buffer.len()
    }

    /// What was counted for a group's member.
    #[must_use]
    pub fn counted(&self, group: usize) -> Counted {
        self.groups[group].counted
    }

    /// Hosts from which packets for a group's address came at `since` or later.
    pub fn senders(&self, group: usize, since: Time) -> impl Iterator<Item = Host> + '_ {
        Host::all(HOSTS_MAX).filter(move |host| {
            self.groups[group].senders[host.index()].is_some_and(|last| last >= since)
        })
    }

    /// Whether the member would let output pass now.
    #[must_use]
    pub fn is_heard(&self, group: usize, now: Time) -> bool {
        let group = &self.groups[group];
        let is_primary = matches!(
            group.entry,
            Some(Entry {
                role: Some(Role::Primary { .. }),
                ..
            })
        );
        is_primary && is_running(group.lease, now)
    }

    /// Publishes a lease.
    pub fn set_lease(&mut self, group: usize, lease: Lease) {
        self.groups[group].lease = lease;
    }

    /// The member's port comes up or goes down.
    pub fn set_port(&mut self, group: usize, up: bool) {
        self.groups[group].port_up = up;
    }

    /// Publishes what is known about a group. What was received before `discard_before` leaves the
    /// buffer, covered by a checkpoint; what is left is treated as the new role says.
    pub fn install(
        &mut self,
        group: usize,
        entry: Entry,
        discard_before: Option<Time>,
        step: &mut Step<'_>,
    ) {
        let role = entry.role;
        self.groups[group].entry = Some(entry);
        if let Some(before) = discard_before {
            self.discard(group, before, step);
        }
        match role {
            Some(Role::Replica | Role::Primary { hold: true }) => (),
            Some(Role::Primary { hold: false }) => {
                for packet in self.empty(group, step) {
                    self.deliver(group, packet, step);
                }
            }
            Some(Role::Forwarding { to, .. }) => {
                // What was queued as a copy has its original at the new owner.
                let buffers = self.groups[group].copying.buffer;
                for packet in self.empty(group, step) {
                    match (packet.copy, buffers) {
                        (false, _) => self.send_on(to, packet, step),
                        (true, true) => step.drop(Reason::DecodeDuplicateCopy, packet),
                        (true, false) => self.deliver(group, packet, step),
                    }
                }
            }
            Some(Role::Fenced) | None => {
                for packet in self.empty(group, step) {
                    step.drop(Reason::DecodeFenced, packet);
                }
            }
        }
    }

    fn discard(&mut self, group: usize, before: Time, step: &mut Step<'_>) {
        let buffer = &mut self.groups[group].buffer;
        while buffer
            .front()
            .is_some_and(|&(received, _)| received < before)
        {
            if let Some((_, packet)) = buffer.pop_front() {
                step.ledger.buffered -= 1;
                step.drop(Reason::Checkpointed, packet);
            }
        }
    }

    fn empty(&mut self, group: usize, step: &mut Step<'_>) -> Vec<Packet> {
        let buffer = &mut self.groups[group].buffer;
        step.ledger.buffered -= buffer.len() as u64;
        buffer.drain(..).map(|(_, packet)| packet).collect()
    }

    /// The daemon dies: what its buffers held is gone.
    pub fn die(&mut self, step: &mut Step<'_>) {
        for group in 0..self.groups.len() {
            for packet in self.empty(group, step) {
                step.drop(Reason::HostDown, packet);
            }
        }
    }

    /// A plain node of this host sends to a group.
    pub fn send_plain(&mut self, group: usize, packet: Packet, step: &mut Step<'_>) {
        step.ledger.made += 1;
        self.send_to_group(group, packet, step);
    }

    /// The guest of this host's member of a group sends.
    pub fn send_member(&mut self, group: usize, mut packet: Packet, step: &mut Step<'_>) {
        step.ledger.made += 1;
        let member = &self.groups[group];
        let Some(Entry {
            role: Some(role),
            generation,
            ..
        }) = &member.entry
        else {
            step.drop(Reason::EncodeReplicaSilent, packet);
            return;
        };
        match role {
            Role::Replica | Role::Fenced | Role::Forwarding { .. } => {
                step.drop(Reason::EncodeReplicaSilent, packet);
                return;
            }
            Role::Primary { .. } if !is_running(member.lease, step.now) => {
                step.drop(Reason::EncodeMuted, packet);
                return;
            }
            Role::Primary { .. } => (),
        }
        packet.tag = tag(*generation);
        packet.truth.generation = *generation;
        match self.position(packet.network, packet.destination) {
            Some(destination) => self.send_to_group(destination, packet, step),
            None => match plain_host(packet.destination) {
                Some(host) => self.hand_to(host, packet, step),
                None => step.drop(Reason::EncodeNoMapping, packet),
            },
        }
    }

    fn send_to_group(&mut self, group: usize, mut packet: Packet, step: &mut Step<'_>) {
        packet.outer_source = self.own;
        packet.copy = false;
        let by_primary = self.groups[group].copying.by_primary;
        let Some(entry) = &self.groups[group].entry else {
            step.drop(Reason::EncodeNoMapping, packet);
            return;
        };
        let Some(owner) = entry.owner else {
            step.drop(Reason::DecodeNoOwner, packet);
            return;
        };
        let copies_to = if by_primary {
            Vec::new()
        } else {
            entry.copies_to.clone()
        };
        self.hand_to(owner, packet, step);
        packet.copy = true;
        for to in copies_to {
            step.ledger.made += 1;
            self.hand_to(to, packet, step);
        }
    }

    fn hand_to(&mut self, host: Host, mut packet: Packet, step: &mut Step<'_>) {
        packet.outer_source = self.own;
        if host == self.own {
            self.take(packet, step);
        } else {
            step.effects.push(Effect::Transmit(host, packet));
        }
    }

    fn position(&self, network: u32, address: Ipv4Addr) -> Option<usize> {
        self.groups
            .iter()
            .position(|group| group.id.network == network && group.id.address() == address)
    }
}

/// Whether output passes at this time of the host's clock.
#[must_use]
pub fn is_running(lease: Lease, now: Time) -> bool {
    match lease {
        Lease::Muted => false,
        Lease::Until(end) => now < end,
        Lease::Unlimited => true,
    }
}

/// What travels of an owner generation.
#[must_use]
pub const fn tag(generation: u64) -> u8 {
    (generation & 3) as u8
}

#[cfg(test)]
mod tests;
