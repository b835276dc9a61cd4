//! Packets to groups and to all, among the hosts r, s and t.

use std::sync::Arc;

use tables::group::{Budget, Copies};
use tables::multicast::{FarHost, Link, Rules};
use tables::notice::Notice;
use tables::{HostIndex, Lease, Multicast, PortIndex, Role, Snapshot, Subnet};
use wire::drop_reason::DropReason;

use super::fragments::narrow;
use super::group::*;
use super::host::*;
use super::substrate_errors::too_big;

const GROUP: [u8; 4] = [239, 1, 1, 1];
const SECOND: u64 = 1_000 * MS;

/// When no host that was not heard counts as listening any more.
const LATER: u64 = 300 * SECOND;

/// What host `me` knows, with two groups in the first subnet of network Z, where `ports` lead to.
fn with_groups(plain: Snapshot, me: u16, ports: &[PortIndex], budget: Budget) -> Snapshot {
    let rules = Rules {
        broadcast: true,
        never: [Subnet::new([224, 0, 0, 0].into(), 16, [0; 4].into())].into(),
        budget,
        query_interval_s: 125,
    };
    let others = [R, S, T].into_iter().filter(|host| *host != me);
    let hosts = others.map(|host| FarHost {
        host: HostIndex(host),
        prefix: z_prefix(host),
    });
    let groups = vec![GROUP.into(), [239, 1, 1, 2].into()];
    let link = Link::new(
        network(Z),
        subnet(0),
        rules,
        hosts.collect(),
        ports.to_vec(),
        groups,
    );
    Snapshot {
        multicast: Arc::new(Multicast::new(vec![link])),
        ..plain
    }
}

fn plenty() -> Budget {
    Budget::new(1_000_000, 1 << 40)
}

/// r with a and c, or s with g, at a time when all that is known was said.
fn host(me: u16) -> Host {
    let ports: &[PortIndex] = if me == R { &[A, C] } else { &[G] };
    let mut host = Host::new(with_groups(snapshot(me), me, ports, plenty()));
    host.at(LATER);
    host
}

/// An IGMP message of version 2.
fn igmp(source: [u8; 4], kind: u8, group: [u8; 4]) -> Vec<u8> {
    let mut payload = [&[kind, 0, 0, 0][..], &group].concat();
    let sum = wire::checksum::of(&payload);
    payload[2..4].copy_from_slice(&sum.to_be_bytes());
    let destination = if kind == LEAVE { [224, 0, 0, 2] } else { group };
    Ipv4Frame {
        protocol: 2,
        ttl: 1,
        options: vec![0x94, 4, 0, 0],
        payload,
        ..Ipv4Frame::udp(source, destination, 0)
    }
    .build()
}

const JOIN: u8 = 0x16;
const LEAVE: u8 = 0x17;

const AT_A: [u8; 4] = [10, 0, 0, 2];
const AT_C: [u8; 4] = [10, 0, 0, 4];
const AT_G: [u8; 4] = [10, 0, 0, 3];

fn to_group(source: [u8; 4], payload_bytes: usize) -> Vec<u8> {
    Ipv4Frame::udp(source, GROUP, payload_bytes).build()
}

/// The hosts that frames of the substrate are for.
fn hosts_of(frames: &[Vec<u8>]) -> Vec<u16> {
    let host_of = |frame: &Vec<u8>| {
        let to = outer(frame).1;
        let is_for = |host: &u16| locator(*host).contains(&to);
        [R, S, T].into_iter().find(is_for).expect("a host's")
    };
    frames.iter().map(host_of).collect()
}

/// Brings `to` those of the frames that are for it.
fn carry(frames: &[Vec<u8>], to: &mut Host, host: u16) {
    for (frame, _) in frames
        .iter()
        .zip(hosts_of(frames))
        .filter(|(_, of)| *of == host)
    {
        to.receive(UPLINK, frame);
    }
}

/// Lets a node of s join or leave, and r hear of it.
fn g_says(s: &mut Host, r: &mut Host, kind: u8) {
    s.receive(G, &igmp(AT_G, kind, GROUP));
    let announced = s.sent(UPLINK);
    assert_eq!(hosts_of(&announced), [R, T], "each other host of the link");
    carry(&announced, r, R);
}

#[test]
fn each_host_and_each_node_that_listens_gets_one_copy_and_others_none() {
    let (mut r, mut s) = (host(R), host(S));
    g_says(&mut s, &mut r, JOIN);
    r.receive(C, &igmp(AT_C, JOIN, GROUP));
    assert_eq!(hosts_of(&r.sent(UPLINK)), [S, T]);

    let sent = to_group(AT_A, 32);
    r.receive(A, &sent);
    let across = r.sent(UPLINK);
    assert_eq!(hosts_of(&across), [S]);
    assert!(!is_copy(&across[0]), "C is 0");
    assert_eq!(outer(&across[0]).1[12..], GROUP, "V4 is the group's");
    let here = r.sent(C);
    assert_eq!(here.len(), 1);
    assert_eq!(here[0][..6], [1, 0, 0x5e, 1, 1, 1]);
    assert_eq!(here[0][6..12], sent[6..12], "from a's virtual MAC");
    assert_eq!(here[0][14..], sent[14..], "as a sent it");
    assert_eq!(r.sent(A).len(), 0, "not to the sender");
    assert_eq!(r.sent(OTHER_SUBNET).len(), 0);

    carry(&across, &mut s, S);
    let there = s.sent(G);
    assert_eq!(there.len(), 1);
    assert_eq!(there[0], here[0], "TTL and all");
    r.assert_balanced();
    s.assert_balanced();
    let counters = &r.counters.worker.multicast;
    let counts = [&counters.sent, &counters.to_hosts, &counters.to_nodes];
    assert_eq!(counts.map(tables::counters::Counter::get), [1, 1, 1]);
}

#[test]
fn until_a_host_must_have_been_heard_it_counts_as_listening() {
    let mut r = host(R);
    r.at(259 * SECOND).receive(A, &to_group(AT_A, 8));
    assert_eq!(hosts_of(&r.sent(UPLINK)), [S, T]);
    r.at(260 * SECOND)
        .refuses(A, &to_group(AT_A, 8), DropReason::NoSubscriber);
}

#[test]
fn a_membership_that_is_not_said_again_ends_and_a_leave_ends_it_at_once() {
    let (mut r, mut s) = (host(R), host(S));
    g_says(&mut s, &mut r, JOIN);
    for (at, expected) in [(LATER + 259 * SECOND, 1), (LATER + 260 * SECOND, 0)] {
        r.at(at).receive(A, &to_group(AT_A, 8));
        assert_eq!(r.sent(UPLINK).len(), expected);
    }
    r.at(LATER);
    s.at(LATER);
    g_says(&mut s, &mut r, LEAVE);
    r.refuses(A, &to_group(AT_A, 8), DropReason::NoSubscriber);
}

#[test]
fn a_host_leaves_when_its_last_node_does() {
    let mut r = host(R);
    for node in [(A, AT_A), (C, AT_C)] {
        r.receive(node.0, &igmp(node.1, JOIN, GROUP));
    }
    r.sent(UPLINK);
    r.keeps(A, &igmp(AT_A, LEAVE, GROUP));
    r.receive(C, &igmp(AT_C, LEAVE, GROUP));
    assert_eq!(hosts_of(&r.sent(UPLINK)), [S, T]);
    r.assert_balanced();
}

#[test]
fn what_may_not_or_cannot_be_sent_to_many_ends_with_a_reason_and_in_silence() {
    let mut r = host(R);
    let udp = |destination| Ipv4Frame::udp(AT_A, destination, 8);
    let no_ttl = Ipv4Frame {
        ttl: 0,
        ..udp(GROUP)
    };
    let query = igmp(AT_A, 0x11, [224, 0, 0, 1]);
    let mut broken = igmp(AT_A, JOIN, GROUP);
    broken[41] ^= 1;
    for (frame, reason) in [
        (udp([224, 0, 0, 251]).build(), DropReason::PolicyDenied),
        (udp([224, 0, 255, 1]).build(), DropReason::PolicyDenied),
        (udp([239, 9, 9, 9]).build(), DropReason::EncodeNoMapping),
        (udp([224, 1, 0, 1]).build(), DropReason::EncodeNoMapping),
        (udp([10, 0, 1, 255]).build(), DropReason::PolicyDenied),
        (no_ttl.build(), DropReason::EncodeTtl),
        (udp(GROUP).build(), DropReason::NoSubscriber),
        (query, DropReason::IcmpRefused),
        (broken, DropReason::IcmpRefused),
    ] {
        r.refuses(A, &frame, reason);
    }
    // A network without groups.
    let of_y = Ipv4Frame::udp(AT_A, GROUP, 8).build();
    r.refuses(YA, &of_y, DropReason::EncodeNoMapping);
    // Nor is another subnet's.
    let of_other = Ipv4Frame::udp([10, 0, 1, 6], GROUP, 8).build();
    r.refuses(OTHER_SUBNET, &of_other, DropReason::EncodeNoMapping);
    r.assert_balanced();
}

#[test]
fn a_broadcast_reaches_all_of_the_subnet_and_nobody_else() {
    for destination in [[255; 4], [10, 0, 0, 255]] {
        let (mut r, mut s) = (host(R), host(S));
        r.receive(A, &Ipv4Frame::udp(AT_A, destination, 8).build());
        let across = r.sent(UPLINK);
        assert_eq!(hosts_of(&across), [S, T]);
        let here = r.sent(C);
        assert_eq!((here.len(), &here[0][..6]), (1, &[0xff; 6][..]));
        for other in [A, YA, OTHER_SUBNET] {
            assert_eq!(r.sent(other).len(), 0);
        }
        carry(&across, &mut s, S);
        assert_eq!(s.sent(G), here, "{destination:?}");
        for other in [2, 3] {
            assert_eq!(s.sent(PortIndex(other)).len(), 0);
        }
        r.assert_balanced();
        s.assert_balanced();
    }
}

#[test]
fn a_node_that_amplifies_is_held_to_its_budget_and_its_neighbour_is_not() {
    let budget = Budget::new(1_000, 1 << 40);
    let mut r = Host::new(with_groups(snapshot(R), R, &[A, C], budget));
    let broadcast = |source| Ipv4Frame::udp(source, [255; 4], 8).build();
    // Three copies of each: to s, to t, to the neighbour.
    for _ in 0..200 {
        r.receive(A, &broadcast(AT_A));
    }
    let made = r.sent(UPLINK).len() + r.sent(C).len();
    assert!(
        (100..=102).contains(&made),
        "a tenth of a second at once: {made}"
    );
    let refused = r.counters.port(A).dropped(DropReason::MulticastBudget);
    assert_eq!(made as u64 + refused, 600);
    r.receive(C, &broadcast(AT_C));
    assert_eq!(r.sent(UPLINK).len() + r.sent(A).len(), 3);
    // A second later there is a tenth again, and no more.
    r.at(SECOND);
    for _ in 0..200 {
        r.receive(A, &broadcast(AT_A));
    }
    let made = r.sent(UPLINK).len() + r.sent(C).len();
    assert!((100..=102).contains(&made), "{made}");
    r.assert_balanced();
}

#[test]
fn octets_are_counted_after_the_fan_out_as_packets_are() {
    let budget = Budget::new(1 << 40, 100_000);
    let mut r = Host::new(with_groups(snapshot(R), R, &[A, C], budget));
    for _ in 0..100 {
        r.receive(A, &Ipv4Frame::udp(AT_A, [255; 4], 1_000).build());
    }
    let made = [UPLINK, C].map(|port| r.sent(port)).concat();
    let octets: usize = made.iter().map(Vec::len).sum();
    assert!((10_000..12_000).contains(&octets), "{octets}");
    r.assert_balanced();
}

#[test]
fn what_one_path_does_not_take_the_others_still_get_and_nobody_is_told() {
    let mut r = host(R);
    narrow(&mut r, S, 1_400);
    let large = |flags_and_offset| Ipv4Frame {
        flags_and_offset,
        ..Ipv4Frame::udp(AT_A, [255; 4], 1_450)
    };
    r.receive(A, &large(0x4000).build());
    assert_eq!(hosts_of(&r.sent(UPLINK)), [T]);
    assert_eq!((r.sent(A).len(), r.sent(C).len()), (0, 1));
    assert_eq!(r.drops(), [(A, DropReason::EncodeTooBig, 1)]);
    r.receive(A, &large(0).build());
    let across = r.sent(UPLINK);
    assert_eq!(hosts_of(&across), [S, S, T], "in fragments, and whole");
    assert_eq!(r.sent(C).len(), 1);
    r.assert_balanced();

    let mut s = host(S);
    carry(&across, &mut s, S);
    assert_eq!(s.sent(G).len(), 2, "put together by the guest");
    s.assert_balanced();
}

#[test]
fn without_buffers_what_is_missing_is_counted_and_the_rest_arrives() {
    let mut r = host(R);
    r.worker.io().pool_packets = Some(0);
    r.receive(A, &Ipv4Frame::udp(AT_A, [255; 4], 8).build());
    assert_eq!(r.drops(), [(A, DropReason::NoMbuf, 2)]);
    assert_eq!(r.sent(C).len(), 1, "the packet itself");
    r.assert_balanced();
}

#[test]
fn a_packet_to_many_is_judged_as_any_and_passed_on_to_no_host() {
    let (mut r, mut s) = (host(R), host(S));
    r.at(0).receive(A, &to_group(AT_A, 8));
    let to_group = r.sent(UPLINK).remove(0);
    r.receive(A, &Ipv4Frame::udp(AT_A, [255; 4], 8).build());
    let genuine = r.sent(UPLINK).remove(0);
    let patched = |frame: &[u8], at: usize, octets: &[u8]| {
        let mut frame = frame.to_vec();
        frame[at..at + octets.len()].copy_from_slice(octets);
        frame
    };
    let unknown = overlay_address(S, Z, [239, 9, 9, 9]);
    let of_y = overlay_address(S, Y, [255; 4]);
    let another = overlay_address(T, Z, AT_A);
    let own = overlay_address(S, Z, AT_G);
    for (frame, reason) in [
        (to_group, DropReason::NoSubscriber),
        (
            patched(&genuine, 38, &unknown),
            DropReason::DecodeUnknownDestination,
        ),
        (
            patched(&genuine, 38, &of_y),
            DropReason::DecodeUnknownDestination,
        ),
        (patched(&genuine, 22, &another), DropReason::DecodeSpoofed),
        (patched(&genuine, 22, &own), DropReason::DecodeSpoofed),
        (
            patched(&genuine, 34, &[10, 0, 0, 77]),
            DropReason::DecodeUnknownSource,
        ),
        // Of the other subnet, where there is no broadcast.
        (
            patched(&genuine, 22, &overlay_address(R, Z, [10, 0, 1, 6])),
            DropReason::DecodeUnknownDestination,
        ),
    ] {
        s.refuses(UPLINK, &frame, reason);
    }
    s.receive(UPLINK, &genuine);
    assert_eq!((s.sent(G).len(), s.sent(UPLINK).len()), (1, 0));
    s.assert_balanced();
}

#[test]
fn no_host_says_what_anothers_node_listens_to() {
    let (mut r, mut s) = (host(R), host(S));
    s.receive(G, &igmp(AT_G, JOIN, GROUP));
    let mut forged = s.sent(UPLINK).remove(0);
    forged[22..38].copy_from_slice(&overlay_address(T, Z, AT_G));
    r.refuses(UPLINK, &forged, DropReason::DecodeSpoofed);
    r.refuses(A, &to_group(AT_A, 8), DropReason::NoSubscriber);
}

#[test]
fn nodes_are_asked_at_the_start_and_every_125_seconds() {
    let mut r = Host::new(with_groups(snapshot(R), R, &[A, C], plenty()));
    let mut asked = |at_ms: u64| {
        r.at(at_ms * MS).worker.keep_house();
        let asked = [A, C].map(|port| r.sent(port).len());
        assert_eq!(r.sent(YA).len() + r.sent(OTHER_SUBNET).len(), 0);
        asked
    };
    assert_eq!(asked(999), [0, 0]);
    assert_eq!(asked(1_000), [1, 1]);
    assert_eq!(asked(32_249), [0, 0]);
    assert_eq!(asked(32_250), [1, 1], "a quarter of the interval");
    assert_eq!(asked(157_249), [0, 0]);
    assert_eq!(asked(157_250), [1, 1]);
    assert_eq!(asked(282_250), [1, 1]);
    r.assert_balanced();
}

/// A member's host where the group's nodes may listen.
fn member(view: View) -> Member {
    let (me, port) = (view.me, v_port(view.me));
    let lease = Arc::new(Lease::muted());
    lease.set(Lease::UNLIMITED);
    let plain = view.snapshot(&lease);
    let mut host = Host::new(with_groups(plain, me, &[port], plenty()));
    host.worker.run_once();
    host.at(LATER);
    Member { host, lease, view }
}

/// Publishes a changed view; the links stay.
fn install(member: &mut Member, change: impl FnOnce(&mut View)) {
    let multicast = Arc::clone(&member.host.publisher.current().multicast);
    change(&mut member.view);
    let plain = member.view.snapshot(&member.lease);
    member
        .host
        .publisher
        .publish(Snapshot { multicast, ..plain });
}

#[test]
fn a_join_of_the_owner_counts_for_the_host_of_each_member() {
    let (mut s, mut t) = (member(view(S)), member(view(T)));
    let mut r = Host::new(with_groups(
        view(R).snapshot(&Arc::new(Lease::muted())),
        R,
        &[A, C],
        plenty(),
    ));
    r.at(LATER);
    s.host.receive(v_port(S), &igmp(V, JOIN, GROUP));
    let announced = s.host.sent(UPLINK);
    carry(&announced, &mut r, R);
    carry(&announced, &mut t.host, T);
    r.receive(A, &to_group(AT_A, 8));
    let across = r.sent(UPLINK);
    assert_eq!(hosts_of(&across), [S, T]);
    carry(&across, &mut s.host, S);
    carry(&across, &mut t.host, T);
    assert_eq!((s.delivered().len(), t.delivered().len()), (1, 1));
    // What the owner leaves its replica does not get any more, whoever sends it there.
    s.host.receive(v_port(S), &igmp(V, LEAVE, GROUP));
    let announced = s.host.sent(UPLINK);
    carry(&announced, &mut t.host, T);
    t.host.refuses(UPLINK, &across[1], DropReason::NoSubscriber);
}

#[test]
fn a_silent_member_is_listened_to_and_says_nothing() {
    let mut t = member(view(T));
    let join = igmp(V, JOIN, GROUP);
    t.host
        .refuses(v_port(T), &join, DropReason::EncodeReplicaSilent);
    let mut r = host(R);
    r.at(0).receive(A, &to_group(AT_A, 8));
    carry(&r.sent(UPLINK), &mut t.host, T);
    assert_eq!(t.delivered().len(), 1);
    let leave = igmp(V, LEAVE, GROUP);
    t.host
        .refuses(v_port(T), &leave, DropReason::EncodeReplicaSilent);
    // Nor does it listen in another's name.
    let spoofed = Ipv4Frame {
        source: AT_A,
        ..Ipv4Frame::udp(V, GROUP, 0)
    };
    t.host
        .refuses(v_port(T), &spoofed.build(), DropReason::EncodeReplicaSilent);
    t.host.assert_balanced();
}

/// A packet of a to the group, as it reaches t.
fn at_t() -> Vec<u8> {
    let mut r = host(R);
    r.at(0).receive(A, &to_group(AT_A, 8));
    r.sent(UPLINK).remove(1)
}

#[test]
fn each_role_takes_of_what_is_for_many_what_it_shall() {
    let forwarding = Role::Forwarding {
        to: HostIndex(S),
        prefix: z_prefix(S),
    };
    for (role, copies, reason) in [
        (Role::Replica, Copies::Deliver, None),
        (Role::Primary { hold: false }, Copies::Buffer, None),
        (forwarding, Copies::Deliver, None),
        (
            Role::Fenced,
            Copies::Deliver,
            Some(DropReason::DecodeFenced),
        ),
        (
            forwarding,
            Copies::Buffer,
            Some(DropReason::DecodeDuplicateCopy),
        ),
    ] {
        let mut t = member(View {
            role: Some(role),
            copies,
            ..view(T)
        });
        t.lease.set(Lease::MUTED);
        let join = igmp(V, JOIN, GROUP);
        t.host.receive(v_port(T), &join);
        match reason {
            None => {
                t.host.receive(UPLINK, &at_t());
                assert_eq!(t.delivered().len(), 1, "{role:?}");
            }
            Some(reason) => t.host.refuses(UPLINK, &at_t(), reason),
        }
        t.host.assert_balanced();
    }
}

#[test]
fn what_a_member_kept_it_gets_as_it_was_and_passes_on_to_nobody() {
    let kept = || {
        let mut t = member(View {
            copies: Copies::Buffer,
            ..view(T)
        });
        t.host.receive(v_port(T), &igmp(V, JOIN, GROUP));
        t.host.receive(UPLINK, &at_t());
        assert_eq!(t.delivered().len(), 0);
        assert_eq!(t.counters().held.packets.get(), 1);
        t
    };
    let mut t = kept();
    install(&mut t, |view| {
        view.role = Some(Role::Primary { hold: false })
    });
    t.host.settle_for(10 * MS);
    let delivered = t.delivered();
    assert_eq!(delivered.len(), 1);
    assert_eq!(delivered[0][..6], [1, 0, 0x5e, 1, 1, 1]);
    assert_eq!(delivered[0][14..], to_group(AT_A, 8)[14..]);
    t.host.assert_balanced();

    let mut t = kept();
    install(&mut t, |view| {
        view.role = Some(Role::Forwarding {
            to: HostIndex(S),
            prefix: z_prefix(S),
        });
    });
    t.host.settle_for(10 * MS);
    assert_eq!(
        (t.host.sent(UPLINK).len(), t.counters().discarded.get()),
        (0, 1)
    );
    t.host.assert_balanced();
}

#[test]
fn an_error_about_a_copy_lowers_the_path_and_its_sender_is_not_told() {
    let mut r = host(R);
    r.receive(A, &Ipv4Frame::udp(AT_A, [255; 4], 1_450).build());
    let to_s = r.sent(UPLINK).remove(0);
    r.sent(C);
    r.receive(UPLINK, &too_big(1_400, &to_s));
    let heard: Vec<_> = std::iter::from_fn(|| r.noticed.pop()).collect();
    let (host, mtu) = (HostIndex(S), 1_400);
    assert_eq!(heard, [Notice::PathMtu { host, mtu }]);
    assert_eq!(r.sent(A).len(), 0);
    // One about a packet that this host did not send is nobody's.
    let mut foreign = to_s.clone();
    foreign[22..38].copy_from_slice(&overlay_address(R, Z, [10, 0, 0, 77]));
    r.refuses(UPLINK, &too_big(1_400, &foreign), DropReason::IcmpRefused);
    let mut elsewhere = to_s;
    elsewhere[50..54].copy_from_slice(&[239, 9, 9, 9]);
    r.refuses(UPLINK, &too_big(1_400, &elsewhere), DropReason::IcmpRefused);
}
