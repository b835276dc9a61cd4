//! The virtual router: what it answers, what lies behind nodes, what it refuses.

use tables::PortIndex;
use wire::drop_reason::DropReason;
use wire::ethernet::MacAddress;
use wire::icmpv4;

use super::group::*;
use super::host::*;
use super::icmp::read_error;

/// An echo request of a's with this content.
fn ping(destination: [u8; 4], content: &[u8]) -> Ipv4Frame {
    let mut packet = Ipv4Frame::udp([10, 0, 0, 2], destination, 0);
    packet.protocol = 1;
    packet.payload = [&[8, 0, 0, 0, 0x12, 0x34, 0, 7], content].concat();
    let checksum = wire::checksum::of(&packet.payload);
    packet.payload[2..4].copy_from_slice(&checksum.to_be_bytes());
    packet
}

#[test]
fn ping_to_any_address_of_the_router_is_answered_by_it() {
    let mut r = Host::new(snapshot(0));
    for (ttl, options, router) in [
        (64, vec![], [10, 0, 0, 1]),
        (1, vec![1; 8], [10, 0, 0, 1]),
        (64, vec![], [10, 0, 1, 1]),
    ] {
        let request = Ipv4Frame {
            ttl,
            options,
            ..ping(router, b"content")
        };
        let mut frame = request.build();
        frame.extend([0; 20]); // Ethernet padding
        let reply = r.forwards(A, &frame, A);
        assert_eq!(&reply[..6], MacAddress::virtual_of([10, 0, 0, 2].into()).0);
        assert_eq!(
            &reply[6..12],
            MacAddress::virtual_of([10, 0, 0, 1].into()).0
        );
        let ip = &reply[14..];
        assert!(wire::checksum::verify(&ip[..20]) && wire::checksum::verify(&ip[20..]));
        assert_eq!(
            (ip[8], &ip[12..16], &ip[16..20]),
            (64, &router[..], &[10, 0, 0, 2][..])
        );
        assert_eq!(ip[20], icmpv4::ECHO_REPLY);
        assert_eq!(ip[24..], request.payload[4..]);
    }
    assert_eq!(r.counters.worker.icmp.echoes.get(), 3);
    r.assert_balanced();
}

#[test]
fn the_router_answers_nothing_else() {
    let mut r = Host::new(snapshot(0));
    let router = [10, 0, 0, 1];
    let mut broken = ping(router, b"content");
    broken.payload[9] ^= 1;
    let mut for_many = ping(router, b"content").build();
    for_many[..6].fill(0xff);
    let reply = |mut packet: Ipv4Frame| {
        (packet.payload[0], packet.payload[2]) = (0, packet.payload[2] + 8);
        packet
    };
    for frame in [
        Ipv4Frame::udp([10, 0, 0, 2], router, 8).build(),
        broken.build(),
        for_many,
        reply(ping(router, b"content")).build(),
        Ipv4Frame {
            flags_and_offset: 0x2000,
            ..ping(router, b"content")
        }
        .build(),
        Ipv4Frame {
            payload: vec![8; 7],
            ..ping(router, b"")
        }
        .build(),
    ] {
        r.refuses(A, &frame, DropReason::EncodeNoMapping);
    }
    let expired = Ipv4Frame {
        ttl: 0,
        ..ping(router, b"")
    };
    let told = r.refuses_and_tells(A, &expired.build(), DropReason::EncodeTtl);
    assert_eq!(read_error(&told).0, icmpv4::TIME_EXCEEDED);
}

#[test]
fn what_is_for_all_nodes_of_another_subnet_is_refused() {
    let mut r = Host::new(snapshot(0));
    let to = |destination| Ipv4Frame::udp([10, 0, 0, 2], destination, 8).build();
    for destination in [[10, 0, 1, 255], [10, 0, 1, 0]] {
        r.refuses(A, &to(destination), DropReason::PolicyDenied);
        let mut expiring = Ipv4Frame::udp([10, 0, 0, 2], destination, 8);
        expiring.ttl = 1;
        r.refuses(A, &expiring.build(), DropReason::PolicyDenied);
    }
    for destination in [[10, 0, 0, 255], [10, 0, 2, 255], [255; 4], [224, 0, 0, 1]] {
        r.refuses(A, &to(destination), DropReason::EncodeNoMapping);
    }
}

#[test]
fn an_address_behind_a_node_is_reached_and_speaks_from_any_host() {
    let (mut r, mut s) = (Host::new(snapshot(0)), Host::new(snapshot(1)));
    let behind_g = [192, 168, 7, 5];
    // From r to g, at s.
    let there = Ipv4Frame::udp([10, 0, 0, 2], behind_g, 40);
    let across = r.forwards(A, &there.build(), UPLINK);
    let got = s.forwards(UPLINK, &across, G);
    let expected = Ipv4Frame { ttl: 63, ..there };
    assert_eq!(got[14..], expected.build()[14..]);
    assert_eq!(&got[..6], MacAddress::virtual_of([10, 0, 0, 3].into()).0);
    // And back: g sends what lies behind it.
    let mut back = Ipv4Frame::udp(behind_g, [10, 0, 0, 2], 40);
    back.source_mac = MacAddress::virtual_of([10, 0, 0, 3].into());
    let across = s.forwards(G, &back.build(), UPLINK);
    let got = r.forwards(UPLINK, &across, A);
    assert_eq!(
        got[14..],
        back.build()[14..],
        "one subnet: no router in between"
    );
    assert_eq!(&got[6..12], MacAddress::virtual_of([10, 0, 0, 1].into()).0);
    // Behind a node of the same host.
    let near = Ipv4Frame::udp([10, 0, 0, 2], [192, 168, 8, 1], 8);
    let got = r.forwards(A, &near.build(), C);
    assert_eq!(got[14..], Ipv4Frame { ttl: 63, ..near }.build()[14..]);
    r.assert_balanced();
    s.assert_balanced();
}

#[test]
fn nobody_else_speaks_for_what_lies_behind_a_node() {
    let (mut r, mut s) = (Host::new(snapshot(0)), Host::new(snapshot(1)));
    let from = |source: [u8; 4], node: [u8; 4], to: [u8; 4]| {
        let mut packet = Ipv4Frame::udp(source, to, 8);
        packet.source_mac = MacAddress::virtual_of(node.into());
        packet.build()
    };
    let (a, c) = ([10, 0, 0, 2], [10, 0, 0, 4]);
    let behind_c = from([192, 168, 8, 1], c, [10, 0, 0, 3]);
    let genuine = r.forwards(C, &behind_c, UPLINK);
    s.forwards(UPLINK, &genuine, G);
    for source in [[192, 168, 8, 1], [192, 168, 7, 1], [8, 8, 8, 8]] {
        r.refuses(
            A,
            &from(source, a, [10, 0, 0, 3]),
            DropReason::EncodeSpoofed,
        );
    }
    // Of another host, in the name of what lies behind g.
    let mut forged = genuine;
    forged[22 + 12..22 + 16].copy_from_slice(&[192, 168, 7, 5]);
    s.refuses(UPLINK, &forged, DropReason::DecodeSpoofed);
    forged[22 + 12..22 + 16].copy_from_slice(&[8, 8, 8, 8]);
    s.refuses(UPLINK, &forged, DropReason::DecodeUnknownSource);
}

#[test]
fn what_would_go_round_between_a_node_and_the_router_is_dropped() {
    let mut r = Host::new(snapshot(0));
    let mut packet = Ipv4Frame::udp([10, 0, 0, 4], [192, 168, 8, 1], 8);
    r.refuses(C, &packet.build(), DropReason::EncodeMartian);
    packet.destination = [192, 168, 9, 1];
    r.refuses(C, &packet.build(), DropReason::EncodeNoMapping);
    // Nobody has a mapping for the node behind which it lies.
    let key = tables::Key::new(network(Z), [10, 0, 0, 3].into());
    let current = (*r.publisher.current()).clone();
    let mappings = current
        .mappings
        .with(&[tables::mappings::Change::Remove(key)]);
    r.publisher.publish(tables::Snapshot {
        mappings,
        ..current
    });
    packet.destination = [192, 168, 7, 1];
    r.refuses(C, &packet.build(), DropReason::EncodeNoMapping);
}

#[test]
fn an_error_about_what_lies_behind_a_node_goes_to_who_sent_it() {
    let mut r = Host::new(snapshot(0));
    let mut packet = Ipv4Frame::udp([192, 168, 8, 1], [10, 0, 1, 7], 8);
    packet.source_mac = MacAddress::virtual_of([10, 0, 0, 4].into());
    packet.ttl = 1;
    let told = r.refuses_and_tells(C, &packet.build(), DropReason::EncodeTtl);
    assert_eq!(&told[..6], MacAddress::virtual_of([10, 0, 0, 4].into()).0);
    assert_eq!(
        (&told[26..30], &told[30..34]),
        (&[10, 0, 0, 1][..], &[192, 168, 8, 1][..])
    );
}

#[test]
fn what_lies_behind_a_replicated_node_reaches_each_member() {
    let mut r = Member::new(view(R));
    let packet = Ipv4Frame::udp([10, 0, 0, 2], [192, 168, 7, 5], 40);
    r.host.receive(A, &packet.build());
    let sent = r.host.sent(UPLINK);
    assert_eq!(sent.len(), 2, "to the owner and to the replica");
    for (member, copy) in [(S, false), (T, true)] {
        let mut host = Member::new(view(member));
        let frame = sent.iter().find(|frame| is_copy(frame) == copy);
        host.host.receive(UPLINK, frame.expect("one of each"));
        let delivered = host.delivered();
        assert_eq!(delivered.len(), 1);
        assert_eq!(&delivered[0][30..34], [192, 168, 7, 5]);
    }
    assert_eq!(r.host.sent(PortIndex(1)).len(), 0);
}
