//! A replicated address, V, which is g's of network z, and what a host knows of it.

use std::sync::Arc;

use tables::group::{Budget, BufferLimits, Copies, CopyTo, CopyWindow, FanOut, Owner};
use tables::mappings::Change;
use tables::{
    Group, GroupIndex, HostIndex, Key, Lease, LocalMember, LocalNode, NodeMember, PortIndex, Role,
    Snapshot, Subnet,
};
use wire::address::{Layout, Prefix96};
use wire::ethernet::MacAddress;

use super::host::*;

pub(super) const V: [u8; 4] = [10, 0, 0, 3];
pub(super) const R: u16 = 0;
pub(super) const S: u16 = 1;
pub(super) const T: u16 = 2;
pub(super) const MS: u64 = 1_000_000;

/// Where V's guest port is at each host.
pub(super) fn v_port(host: u16) -> PortIndex {
    PortIndex(if host == R { 5 } else { 1 })
}

pub(super) fn group_index() -> GroupIndex {
    GroupIndex::new(0).expect("a position")
}

pub(super) fn z_prefix(host: u16) -> Prefix96 {
    Layout::Neutral56.prefix96(&locator(host), Z)
}

/// What one host knows of the group.
#[derive(Clone)]
pub(super) struct View {
    pub(super) me: u16,
    pub(super) owner: Option<u16>,
    pub(super) replicas: Vec<u16>,
    pub(super) fan_out: FanOut,
    pub(super) generation: u8,
    pub(super) role: Option<Role>,
    pub(super) copies: Copies,
    pub(super) discard_before_ns: u64,
    pub(super) copy_from: Option<(u16, u64)>,
    pub(super) limits: BufferLimits,
    pub(super) budget: Option<Budget>,
}

/// V lives at s, t has a replica; what `me` makes of it.
pub(super) fn view(me: u16) -> View {
    View {
        me,
        owner: Some(S),
        replicas: vec![T],
        fan_out: FanOut::Sender,
        generation: 1,
        role: match me {
            S => Some(Role::Primary { hold: false }),
            T => Some(Role::Replica),
            _ => None,
        },
        copies: Copies::Deliver,
        discard_before_ns: 0,
        copy_from: None,
        limits: BufferLimits {
            packets: 1_000,
            bytes: 1 << 20,
            age_ns: 10_000 * MS,
        },
        budget: None,
    }
}

impl View {
    pub(super) fn group(&self) -> Group {
        let copy = |(slot, host): (usize, &u16)| CopyTo {
            host: HostIndex(*host),
            prefix: z_prefix(*host),
            slot: slot as u8,
            budget: self.budget,
        };
        Group {
            key: Key::new(network(Z), V.into()),
            fan_out: self.fan_out,
            owner: self.owner.map(|host| Owner {
                host: HostIndex(host),
                prefix: z_prefix(host),
            }),
            generation: self.generation,
            copies: self.replicas.iter().enumerate().map(copy).collect(),
            local: self.role.map(|role| LocalMember {
                port: v_port(self.me),
                role,
                copies: self.copies,
                discard_before_ns: self.discard_before_ns,
                copy_from: self.copy_from.map(|(host, until_ns)| CopyWindow {
                    host: HostIndex(host),
                    prefix: z_prefix(host),
                    until_ns,
                }),
                limits: self.limits,
            }),
        }
    }

    pub(super) fn snapshot(&self, lease: &Arc<Lease>) -> Snapshot {
        let plain = snapshot(self.me);
        let member = NodeMember {
            group: group_index(),
            lease: Arc::clone(lease),
        };
        let v = LocalNode {
            mtu: 1500,
            network: network(Z),
            address: V.into(),
            mac: MacAddress::virtual_of(V.into()),
            subnet: Subnet::new([10, 0, 0, 0].into(), 24, [10, 0, 0, 1].into()),
            prefix: z_prefix(self.me),
            // Not the group's: of a member that one counts.
            generation: 0,
            member: Some(member),
        };
        let mut nodes = plain.nodes.to_vec();
        if self.role.is_some() {
            let at = v_port(self.me).index() - 1;
            nodes.truncate(if self.me == S { 3 } else { at });
            match nodes.get_mut(at) {
                Some(node) => *node = v,
                None => nodes.push(v),
            }
        }
        let group = self.group();
        Snapshot {
            nodes: nodes.into(),
            mappings: plain
                .mappings
                .with(&[Change::Put(group.entry(group_index()))]),
            groups: [group].into(),
            ..plain
        }
    }
}

/// A host that knows the group.
pub(super) struct Member {
    pub(super) host: Host,
    pub(super) lease: Arc<Lease>,
    pub(super) view: View,
}

impl Member {
    /// The lease is without end.
    pub(super) fn new(view: View) -> Self {
        let lease = Arc::new(Lease::muted());
        lease.set(Lease::UNLIMITED);
        let mut host = Host::new(view.snapshot(&lease));
        host.worker.run_once();
        Self { host, lease, view }
    }

    /// Publishes a changed view.
    pub(super) fn install(&mut self, change: impl FnOnce(&mut View)) {
        change(&mut self.view);
        self.host.publisher.publish(self.view.snapshot(&self.lease));
    }

    pub(super) fn counters(&self) -> &tables::counters::GroupCounters {
        self.host.counters.group(group_index()).expect("the group")
    }

    /// What V's guest got.
    pub(super) fn delivered(&mut self) -> Vec<Vec<u8>> {
        self.host.sent(v_port(self.view.me))
    }
}

/// What r's host sends when a, there, sends `payload_bytes` octets to V: the
/// original and the copies.
pub(super) fn sent_by_r(view: View, payload_bytes: usize) -> Vec<Vec<u8>> {
    let mut r = Member::new(view);
    r.host.receive(A, &a_to_g(payload_bytes).build());
    r.host.sent(UPLINK)
}

/// The original from a to V at s, and the copy for t.
pub(super) fn original_and_copy(payload_bytes: usize) -> (Vec<u8>, Vec<u8>) {
    let mut sent = sent_by_r(view(R), payload_bytes);
    let copy = sent.pop().expect("a copy");
    (sent.pop().expect("an original"), copy)
}

/// A frame of V's guest to a.
pub(super) fn v_to_a() -> Vec<u8> {
    Ipv4Frame::udp(V, [10, 0, 0, 2], 20).build()
}

/// Whether C is set.
pub(super) fn is_copy(frame: &[u8]) -> bool {
    frame[16] & 4 != 0
}

/// Outer source and destination.
pub(super) fn outer(frame: &[u8]) -> ([u8; 16], [u8; 16]) {
    let address = |at: usize| std::array::from_fn(|i| frame[at + i]);
    (address(22), address(38))
}
