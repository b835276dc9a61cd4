//! One packet to a group, and what becomes of it on its way to the members.

use tables::group::{Copies, FanOut};
use tables::{HostIndex, Role};
use wire::drop_reason::DropReason;
use wire::packet::HeapPacket;

use super::group::*;
use super::host::*;

#[test]
fn the_owner_gets_the_original_and_each_other_member_a_copy() {
    let mut r = Member::new(View {
        replicas: vec![T, 3],
        ..view(R)
    });
    let packet = a_to_g(100);
    r.host.receive(A, &packet.build());
    let sent = r.host.sent(UPLINK);
    let a = |host| overlay_address(host, Z, [10, 0, 0, 2]);
    let to_v = |host| overlay_address(host, Z, V);
    let outers: Vec<_> = sent.iter().map(|frame| outer(frame)).collect();
    assert_eq!(
        outers,
        [(a(R), to_v(S)), (a(R), to_v(T)), (a(R), to_v(3))],
        "the original first"
    );
    let flags: Vec<bool> = sent.iter().map(|frame| is_copy(frame)).collect();
    assert_eq!(flags, [false, true, true]);
    for copy in &sent[1..] {
        let mut expected = sent[0].clone();
        expected[16] |= 4;
        expected[38..54].copy_from_slice(&copy[38..54]);
        assert_eq!(*copy, expected, "nothing else differs");
    }
    for slot in [0, 1] {
        let counted = &r.counters().copies[slot].sent;
        assert_eq!(counted.packets.get(), 1);
        assert_eq!(counted.bytes.get(), sent[0].len() as u64);
    }
    assert_eq!(r.host.counters.worker.copied.get(), 2);
    r.host.assert_balanced();
}

#[test]
fn a_burst_of_all_kinds_of_packets_keeps_its_order_and_each_comes_out_as_it_would_alone() {
    let elsewhere = || Ipv4Frame::udp([10, 0, 0, 2], [10, 0, 1, 7], 30);
    let mut fragment = a_to_g(64);
    fragment.flags_and_offset = 0x2000; // more of them follow
    // To the group plain and not plain, past a router, to a node here, to nobody.
    let frames = [
        a_to_g(10).build(),
        elsewhere().build(),
        fragment.build(),
        Ipv4Frame::udp([10, 0, 0, 2], [10, 0, 0, 4], 5).build(),
        a_to_g(11).build(),
        Ipv4Frame::udp([10, 0, 0, 2], [10, 0, 0, 99], 5).build(),
        elsewhere().build(),
    ];
    let (mut alone, mut together) = (Member::new(view(R)), Member::new(view(R)));
    for frame in &frames {
        alone.host.receive(A, frame);
        let incoming = &mut together.host.worker.io().port(A).incoming;
        incoming.push_back(HeapPacket::new(frame));
    }
    together.host.worker.run_once();
    let sent = together.host.sent(UPLINK);
    let copies: Vec<bool> = sent.iter().map(|frame| is_copy(frame)).collect();
    assert_eq!(
        copies,
        [false, true, false, false, true, false, true, false]
    );
    assert_eq!(sent, alone.host.sent(UPLINK));
    assert_eq!(together.host.drops(), alone.host.drops());
    assert_eq!(together.counters().copies[0].sent.packets.get(), 3);
    together.host.assert_balanced();
}

#[test]
fn owner_and_replica_restore_the_same_packet_from_original_and_copy() {
    let (original, copy) = original_and_copy(64);
    let (mut s, mut t) = (Member::new(view(S)), Member::new(view(T)));
    let at_owner = s.host.forwards(UPLINK, &original, v_port(S));
    let at_replica = t.host.forwards(UPLINK, &copy, v_port(T));
    assert_eq!(at_owner, at_replica);
    assert_eq!(at_owner[14..], a_to_g(64).build()[14..]);
    let from = |member: &Member| {
        let copies = member.counters().copies_from(HostIndex(R));
        let packets = member.counters().packets_from(HostIndex(R));
        (
            packets.expect("a host").get(),
            copies.expect("a host").get(),
        )
    };
    assert_eq!((from(&s), from(&t)), ((1, 0), (1, 1)));
}

#[test]
fn with_primary_fan_out_the_senders_host_makes_no_copy_and_the_primarys_all() {
    let primary = |me| View {
        fan_out: FanOut::Primary,
        replicas: vec![T, 3],
        ..view(me)
    };
    let sent = sent_by_r(primary(R), 50);
    assert_eq!(sent.len(), 1);
    let mut s = Member::new(primary(S));
    let padded = [&sent[0][..], &[0xee; 9]].concat();
    s.host.receive(UPLINK, &padded);
    assert_eq!(s.delivered().len(), 1);
    let copies = s.host.sent(UPLINK);
    assert_eq!(copies.len(), 2);
    for (copy, host) in copies.iter().zip([T, 3]) {
        let mut expected = sent[0].clone();
        expected[16] |= 4; // E and TTL as they were
        expected[22..38].copy_from_slice(&overlay_address(S, Z, [10, 0, 0, 2]));
        expected[38..54].copy_from_slice(&overlay_address(host, Z, V));
        assert_eq!(*copy, expected);
    }
    s.host.assert_balanced();

    // The replica takes it, although its outer source is not the sender's.
    let mut t = Member::new(primary(T));
    let arrived = t.host.forwards(UPLINK, &copies[0], v_port(T));
    assert_eq!(arrived[14..], a_to_g(50).build()[14..]);
    let from = |host| t.counters().copies_from(HostIndex(host)).map(|c| c.get());
    assert_eq!((from(S), from(R)), (Some(1), Some(0)));
    // But not as an original, and not from a third host.
    let mut without_flag = copies[0].clone();
    without_flag[16] &= !4;
    t.host
        .refuses(UPLINK, &without_flag, DropReason::DecodeSpoofed);
    let mut from_third = copies[0].clone();
    from_third[22..38].copy_from_slice(&overlay_address(3, Z, [10, 0, 0, 2]));
    t.host
        .refuses(UPLINK, &from_third, DropReason::DecodeSpoofed);
}

#[test]
fn a_copy_is_never_copied() {
    for fan_out in [FanOut::Sender, FanOut::Primary] {
        let mut s = Member::new(View { fan_out, ..view(S) });
        // A sender with a newer or older table calls the owner's packet a copy.
        let (mut original, _) = original_and_copy(8);
        original[16] |= 4;
        s.host.forwards(UPLINK, &original, v_port(S));
        assert!(s.host.sent(UPLINK).is_empty());
        s.host.assert_balanced();
    }
}

#[test]
fn members_on_the_senders_own_host_are_served_without_the_substrate() {
    // V lives here, t has a replica: delivered here, copied there.
    for fan_out in [FanOut::Sender, FanOut::Primary] {
        let mut r = Member::new(View {
            owner: Some(R),
            role: Some(Role::Primary { hold: false }),
            fan_out,
            ..view(R)
        });
        r.host.receive(A, &a_to_g(30).build());
        assert_eq!(r.delivered()[0][14..], a_to_g(30).build()[14..]);
        let copies = r.host.sent(UPLINK);
        assert_eq!(copies.len(), 1);
        assert!(is_copy(&copies[0]));
        assert_eq!(outer(&copies[0]).1, overlay_address(T, Z, V));
        r.host.assert_balanced();
    }
    // A replica here, the owner at s: the original there, a copy here.
    let mut r = Member::new(View {
        replicas: vec![R, T],
        role: Some(Role::Replica),
        ..view(R)
    });
    r.host.receive(A, &a_to_g(30).build());
    assert_eq!(r.delivered()[0][14..], a_to_g(30).build()[14..]);
    assert_eq!(r.host.sent(UPLINK).len(), 2);
    let counted = &r.counters().copies;
    assert_eq!(counted[0].sent.packets.get(), 1);
    assert_eq!(counted[1].sent.packets.get(), 1);
    let own = r.counters().copies_from(HostIndex(R)).expect("a host");
    assert_eq!(own.get(), 1);
    r.host.assert_balanced();
    // With primary fan-out that copy comes from the primary's host, for a node
    // that is our own.
    let primary = |me, role| View {
        fan_out: FanOut::Primary,
        replicas: vec![R],
        role: Some(role),
        ..view(me)
    };
    let mut r = Member::new(primary(R, Role::Replica));
    let original = r.host.forwards(A, &a_to_g(30).build(), UPLINK);
    let mut s = Member::new(primary(S, Role::Primary { hold: false }));
    s.host.receive(UPLINK, &original);
    let copy = s.host.sent(UPLINK).remove(0);
    r.host.forwards(UPLINK, &copy, v_port(R));
}

#[test]
fn a_copy_that_cannot_be_made_costs_the_original_nothing() {
    let mut r = Member::new(View {
        replicas: vec![T, 3],
        ..view(R)
    });
    r.host.worker.io().pool_packets = Some(1);
    r.host.receive(A, &a_to_g(9).build());
    let sent = r.host.sent(UPLINK);
    assert_eq!(sent.len(), 2);
    assert!(!is_copy(&sent[0]) && is_copy(&sent[1]));
    assert_eq!(r.host.drops(), [(A, DropReason::NoMbuf, 1)]);
    assert_eq!(r.counters().copies[1].failed.get(), 1);
    assert_eq!(r.host.counters.worker.copies_not_made.get(), 1);
    r.host.assert_balanced();
}

#[test]
fn a_full_uplink_drops_the_copies_before_the_originals() {
    let mut r = Member::new(view(R));
    r.host.worker.io().port(UPLINK).room_packets = 1;
    r.host.receive(A, &a_to_g(9).build());
    let sent = r.host.sent(UPLINK);
    assert!(sent.len() == 1 && !is_copy(&sent[0]));
    assert_eq!(r.host.drops(), [(UPLINK, DropReason::TxQueueFull, 1)]);
    r.host.assert_balanced();
}

#[test]
fn a_packet_that_cannot_go_to_the_owner_is_dropped_once_and_not_copied() {
    let mut r = Member::new(view(R));
    let large = a_to_g(usize::from(MTU)).build();
    r.host
        .refuses_and_tells(A, &large, DropReason::EncodeTooBig);
    let mut expiring = a_to_g(8);
    expiring.ttl = 0;
    let expired = expiring.build();
    r.host.refuses_and_tells(A, &expired, DropReason::EncodeTtl);
    assert_eq!(r.host.counters.worker.copied.get(), 0);
    r.host.assert_balanced();
}

#[test]
fn what_a_primary_sends_carries_its_groups_generation() {
    let mut s = Member::new(View {
        generation: 6,
        ..view(S)
    });
    let frame = s.host.forwards(v_port(S), &v_to_a(), UPLINK);
    assert_eq!(frame[16] & 3, 2);
    // And only that generation is believed elsewhere.
    let mut r = Member::new(View {
        generation: 6,
        ..view(R)
    });
    r.host.forwards(UPLINK, &frame, A);
    r.install(|view| view.generation = 7);
    r.host
        .refuses(UPLINK, &frame, DropReason::DecodeStaleGeneration);
    // A deposed owner is not the present one, whatever its generation.
    r.install(|view| view.owner = Some(T));
    r.host.refuses(UPLINK, &frame, DropReason::DecodeSpoofed);
}

#[test]
fn copies_of_a_replica_that_buffers_are_counted_and_not_delivered() {
    let mut r = Member::new(View {
        replicas: vec![R],
        role: Some(Role::Replica),
        copies: Copies::Buffer,
        ..view(R)
    });
    r.host.receive(A, &a_to_g(8).build());
    assert_eq!(r.delivered().len(), 0);
    assert_eq!(r.counters().held.packets.get(), 1);
    r.host.assert_balanced();
}
