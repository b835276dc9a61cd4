//! A replicated address through any roles, leases, budgets and full queues.

use std::sync::{Arc, LazyLock};

use tables::group::{Budget, BufferLimits, Copies, CopyTo, CopyWindow, FanOut, Owner};
use tables::mappings::Change;
use tables::{Group, GroupIndex, HostIndex, Lease, LocalMember, PortIndex, Role, Snapshot};
use wire::address::Prefix96;

use crate::Target;
use crate::choices::Choices;
use crate::frames;
use crate::place::{Host, Place};

pub(crate) const TARGET: Target = Target {
    name: "groups",
    claim: "whatever the roles, nothing of a member that is not the primary with a lease leaves its \
            host, no copy is copied, and every packet, copy and kept frame has one fate",
    run,
};

static PLACE: LazyLock<Place> = LazyLock::new(|| Place::load("group"));

/// The member's guest port, its network and its address.
const MEMBER: PortIndex = PortIndex(2);
const NETWORK: u32 = 0x12_3456;
const ADDRESS: [u8; 4] = [10, 0, 0, 3];
const MS: u64 = 1_000_000;
const LIMITS: BufferLimits = BufferLimits {
    packets: 32,
    bytes: 1 << 13,
    age_ns: 10_000 * MS,
};

fn run(octets: &[u8]) {
    let mut choices = Choices::new(octets);
    let place = &*PLACE;
    let mut host = Host::new(with_small_buffer(place.snapshot()));
    let lease = lease_of(&host.publisher.current());
    let mut now_ns = 1_000 * MS;
    while !choices.is_empty() {
        now_ns += choices.pick(&[0, MS, 20 * MS, 1_000 * MS]);
        host.worker.io().now_ns = now_ns;
        match choices.below(5) {
            0 => publish(&mut choices, &mut host, now_ns),
            1 => lease.set(choices.pick(&[Lease::MUTED, now_ns + 30 * MS, Lease::UNLIMITED])),
            2 => {
                let port = PortIndex(choices.below(3) as u16);
                let sent = host.worker.io().port(port).sent.len();
                host.worker.io().port(port).room_packets = sent + choices.below(8);
            }
            _ => offer(&mut choices, place, &mut host),
        }
        let may_speak = may_speak(&host.publisher.current(), &lease, now_ns);
        host.worker.run_once();
        for frame in host.sent(PortIndex::UPLINK) {
            check(place, &frame, may_speak);
        }
        for port in [PortIndex(1), MEMBER] {
            host.sent(port);
        }
        while host.controller.pop(&mut Vec::new()) {}
    }
    host.assert_balanced();
}

/// What a member keeps is set aside at launch, for each input anew.
fn with_small_buffer(mut tables: Snapshot) -> Snapshot {
    let mut group = tables.groups[0].clone();
    if let Some(member) = &mut group.local {
        member.limits = LIMITS;
    }
    tables.groups = [group].into();
    tables
}

fn lease_of(tables: &Snapshot) -> Arc<Lease> {
    let node = tables.node(MEMBER).expect("the member has a port");
    let member = node.member.as_ref().expect("it is a member");
    Arc::clone(&member.lease)
}

fn may_speak(tables: &Snapshot, lease: &Lease, now_ns: u64) -> bool {
    let member = tables.groups[0].local.as_ref();
    let is_primary = member.is_some_and(|member| matches!(member.role, Role::Primary { .. }));
    is_primary && lease.allows(now_ns)
}

fn offer(choices: &mut Choices<'_>, place: &Place, host: &mut Host) {
    for _ in 0..choices.below(6) {
        let port = choices.below(3);
        let frame = match port {
            0 => frames::of_substrate(choices, place),
            guest => frames::of_guest(choices, place, guest),
        };
        host.offer(PortIndex(port as u16), &frame);
    }
}

/// What leaves at the uplink in the name of the member leaves only while it may speak. What is passed
/// on or copied has its sender's address inside: the member's own only if an owner of the address
/// spoke to itself.
fn check(place: &Place, frame: &[u8], may_speak: bool) {
    assert_eq!(frame[12..14], [0x86, 0xdd], "{frame:02x?}");
    assert_eq!(
        frame[22..38][..12],
        prefix(place, 0).0,
        "our address outside: {frame:02x?}"
    );
    let to_itself = frame[50..54] == ADDRESS;
    assert!(
        may_speak || to_itself || frame[34..38] != ADDRESS,
        "a member spoke that may not: {frame:02x?}"
    );
}

fn prefix(place: &Place, host: usize) -> Prefix96 {
    let fabric = &place.config.fabric;
    fabric.layout.prefix96(&fabric.hosts[host].locator, NETWORK)
}

/// The next state of the group, any that the controller could install.
fn publish(choices: &mut Choices<'_>, host: &mut Host, now_ns: u64) {
    let tables = host.publisher.current();
    let group = any_group(choices, &tables.groups[0], now_ns);
    let index = GroupIndex::new(0).expect("a position");
    let change = Change::Put(group.entry(index));
    let mut next = (*tables).clone();
    next.mappings = tables.mappings.with(&[change]);
    next.groups = [group].into();
    drop(tables);
    host.publisher.publish(next);
    host.publisher.retire();
}

fn any_group(choices: &mut Choices<'_>, before: &Group, now_ns: u64) -> Group {
    let place = &*PLACE;
    let budget = choices.pick(&[None, Some((1_000, 1_000_000)), Some((1, 1))]);
    let owner = choices.pick(&[None, Some(0_usize), Some(1)]);
    let copy = |host: usize| CopyTo {
        host: HostIndex(host as u16),
        prefix: prefix(place, host),
        slot: host as u8,
        budget: budget.map(|(packets, octets)| Budget::new(packets, octets)),
    };
    let member = before.local.as_ref().expect("the member has a port");
    let role = match (owner, choices.below(4)) {
        (Some(0), 0) => Role::Primary { hold: true },
        (Some(0), _) => Role::Primary { hold: false },
        (Some(_), 0) => Role::Forwarding {
            to: HostIndex(1),
            prefix: prefix(place, 1),
        },
        (_, 1) => Role::Replica,
        (_, _) => Role::Fenced,
    };
    let window = choices.one_in(3).then(|| CopyWindow {
        host: HostIndex(1),
        prefix: prefix(place, 1),
        until_ns: now_ns + 500 * MS,
    });
    Group {
        key: before.key,
        fan_out: choices.pick(&[FanOut::Sender, FanOut::Primary]),
        owner: owner.map(|host| Owner {
            host: HostIndex(host as u16),
            prefix: prefix(place, host),
        }),
        generation: choices.pick(&[1, 2, 5]),
        copies: [0, 1]
            .into_iter()
            .filter(|host| owner.is_some_and(|owner| owner != *host))
            .map(copy)
            .collect(),
        local: Some(LocalMember {
            port: member.port,
            role,
            copies: choices.pick(&[Copies::Deliver, Copies::Buffer]),
            discard_before_ns: choices.pick(&[0, now_ns, now_ns.saturating_sub(10 * MS)]),
            copy_from: window,
            limits: LIMITS,
        }),
    }
}
