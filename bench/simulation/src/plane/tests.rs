use messages::Epoch;

use super::*;
use crate::clock::Moment;
use crate::naming::plain_address;
use crate::packet::{Purpose, Truth};

const R: Host = Host(0);
const S: Host = Host(1);
const T: Host = Host(2);
const NETWORK: u32 = 0x12_3456;
const ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 3);

struct Path {
    plane: Plane,
    ledger: Ledger,
    effects: Vec<Effect>,
}

impl Path {
    fn new(own: Host) -> Self {
        let id = GroupId::new(NETWORK, ADDRESS);
        let copying = Copying {
            buffer: true,
            by_primary: false,
        };
        Self {
            plane: Plane::new(own, vec![NETWORK], &[(id, copying)]),
            ledger: Ledger::default(),
            effects: Vec::new(),
        }
    }

    fn run(&mut self, now: u64, run: impl FnOnce(&mut Plane, &mut Step<'_>)) -> Vec<Effect> {
        let mut step = Step {
            now: Time(now),
            ledger: &mut self.ledger,
            effects: &mut self.effects,
        };
        run(&mut self.plane, &mut step);
        std::mem::take(&mut self.effects)
    }

    fn install(&mut self, entry: Entry) -> Vec<Effect> {
        self.run(0, |plane, step| plane.install(0, entry, None, step))
    }

    fn receive(&mut self, packet: Packet) -> Vec<Effect> {
        self.ledger.made += 1;
        self.run(10, |plane, step| plane.receive(packet, step))
    }
}

fn entry(owner: Host, generation: u64, role: Option<Role>) -> Entry {
    Entry {
        epoch: Epoch {
            term: 0,
            seq: generation,
        },
        generation,
        owner: Some(owner),
        copies_to: vec![T],
        copy_from: None,
        role,
        buffer: true,
    }
}

fn request(from: Host) -> Packet {
    Packet {
        network: NETWORK,
        source: plain_address(from),
        destination: ADDRESS,
        outer_source: from,
        tag: 1,
        copy: false,
        purpose: Purpose::Request {
            group: 0,
            number: 0,
        },
        truth: Truth {
            host: from,
            network: NETWORK,
            passed: Moment::START,
            generation: 1,
            silence: None,
        },
    }
}

fn output(from: Host, generation: u64, to: Host) -> Packet {
    Packet {
        source: ADDRESS,
        destination: plain_address(to),
        tag: tag(generation),
        ..request(from)
    }
}

fn drops(effects: &[Effect]) -> Vec<Reason> {
    effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Dropped(reason, _) => Some(*reason),
            _ => None,
        })
        .collect()
}

fn delivers(effects: &[Effect]) -> usize {
    let delivered = |effect: &&Effect| matches!(effect, Effect::Delivered(_));
    effects.iter().filter(delivered).count()
}

#[test]
fn a_sender_sends_one_to_the_owner_and_a_copy_to_each_replica() {
    let mut path = Path::new(R);
    path.install(entry(S, 1, None));
    let effects = path.run(1, |plane, step| plane.send_plain(0, request(R), step));
    let sent: Vec<_> = effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Transmit(to, packet) => Some((*to, packet.copy)),
            _ => None,
        })
        .collect();
    assert_eq!(sent, [(S, false), (T, true)]);
    assert_eq!(path.ledger.made, 2);
}

#[test]
fn only_the_owner_with_the_present_tag_is_accepted() {
    let mut path = Path::new(R);
    path.install(entry(S, 2, None));
    assert_eq!(delivers(&path.receive(output(S, 2, R))), 1);
    assert_eq!(
        drops(&path.receive(output(T, 2, R))),
        [Reason::DecodeSpoofed]
    );
    assert_eq!(
        drops(&path.receive(output(S, 1, R))),
        [Reason::DecodeStaleGeneration]
    );
}

#[test]
fn a_member_is_heard_only_as_primary_under_a_running_lease() {
    let mut path = Path::new(S);
    for (role, lease, reason) in [
        (
            Role::Replica,
            Lease::Unlimited,
            Some(Reason::EncodeReplicaSilent),
        ),
        (
            Role::Fenced,
            Lease::Unlimited,
            Some(Reason::EncodeReplicaSilent),
        ),
        (
            Role::Primary { hold: false },
            Lease::Muted,
            Some(Reason::EncodeMuted),
        ),
        (
            Role::Primary { hold: false },
            Lease::Until(Time(10)),
            Some(Reason::EncodeMuted),
        ),
        (Role::Primary { hold: false }, Lease::Until(Time(11)), None),
        (Role::Primary { hold: true }, Lease::Unlimited, None),
    ] {
        path.install(entry(S, 1, Some(role)));
        path.plane.set_lease(0, lease);
        let effects = path.run(10, |plane, step| {
            plane.send_member(0, output(S, 1, R), step)
        });
        assert_eq!(
            drops(&effects).first().copied(),
            reason,
            "{role:?} {lease:?}"
        );
    }
}

#[test]
fn a_buffer_is_discarded_up_to_a_mark_and_released_in_order() {
    let mut path = Path::new(T);
    path.install(entry(S, 1, Some(Role::Replica)));
    for now in 1..=5 {
        path.ledger.made += 1;
        path.run(now, |plane, step| plane.receive(request(R), step));
    }
    assert_eq!(path.plane.buffered(0), 5);
    let promoted = entry(T, 2, Some(Role::Primary { hold: false }));
    let effects = path.run(6, |plane, step| {
        plane.install(0, promoted, Some(Time(3)), step);
    });
    assert_eq!(drops(&effects), [Reason::Checkpointed; 2]);
    assert_eq!(delivers(&effects), 3);
    let (made, accounted) = path.ledger.balance();
    assert_eq!(made, accounted);
}

#[test]
fn after_a_planned_move_copies_come_from_the_old_host_only_and_originals_from_anybody() {
    let mut path = Path::new(T);
    path.install(Entry {
        copy_from: Some((S, Time(1_000))),
        ..entry(T, 2, Some(Role::Primary { hold: false }))
    });
    let copy = Packet {
        copy: true,
        ..request(R)
    };
    assert_eq!(drops(&path.receive(copy)), [Reason::DecodeDuplicateCopy]);
    assert_eq!(delivers(&path.receive(request(R))), 1);
    let forwarded = Packet {
        outer_source: S,
        ..copy
    };
    assert_eq!(delivers(&path.receive(forwarded)), 1);
}

#[test]
fn the_old_host_forwards_originals_for_a_while_and_is_fenced_afterwards() {
    let mut path = Path::new(S);
    let role = Role::Forwarding {
        to: T,
        until: Time(50),
    };
    path.install(entry(T, 2, Some(role)));
    assert!(matches!(
        path.receive(request(R))[..],
        [Effect::Transmit(
            T,
            Packet {
                copy: true,
                outer_source: S,
                ..
            }
        )]
    ));
    let late = path.run(50, |plane, step| plane.receive(request(R), step));
    assert_eq!(drops(&late), [Reason::DecodeFenced]);
    assert!(matches!(late[0], Effect::Misled(0, R)));
}

#[test]
fn another_network_is_unknown() {
    let mut path = Path::new(S);
    let packet = Packet {
        network: NETWORK + 1,
        ..request(R)
    };
    assert_eq!(drops(&path.receive(packet)), [Reason::DecodeUnknownNetwork]);
}
