//! Native IPv6 peers: who reaches whom, and what is told of what does not pass.

use wire::drop_reason::DropReason;
use wire::ethernet::MacAddress;
use wire::{checksum, icmpv6, ipv6, protocol};

use super::host::*;

/// A datagram of the peer to port 53 of a, with its checksum, in its frame.
fn from_peer(payload_bytes: usize) -> Vec<u8> {
    let mut datagram = vec![0x1f, 0x90, 0, 53, 0, 0, 0, 0];
    datagram[4..6].copy_from_slice(&(8 + payload_bytes as u16).to_be_bytes());
    datagram.extend((0..payload_bytes).map(|octet| octet as u8));
    substrate_frame(
        peer_address(),
        protocol::UDP,
        &checked(peer_address(), protocol::UDP, datagram, 6),
    )
}

fn a_address() -> [u8; 16] {
    overlay_address(0, Z, [10, 0, 0, 2])
}

/// Fills the checksum of a message from `source` to a.
fn checked(source: [u8; 16], protocol: u8, mut message: Vec<u8>, at: usize) -> Vec<u8> {
    message[at..at + 2].fill(0);
    let pseudo = ipv6::pseudo_header_sum(&source, &a_address(), message.len() as u32, protocol);
    let sum = checksum::add(pseudo, checksum::sum(&message));
    message[at..at + 2].copy_from_slice(&(!sum).to_be_bytes());
    message
}

/// An IPv6 packet to a with hop limit 64.
fn substrate_frame(source: [u8; 16], next_header: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = [UPLINK_MAC.0, NEXT_HOP_MAC.0].concat();
    frame.extend([0x86, 0xdd, 0x60, 0, 0, 0]);
    frame.extend((payload.len() as u16).to_be_bytes());
    frame.extend([next_header, 64]);
    frame.extend(source);
    frame.extend(a_address());
    frame.extend(payload);
    frame
}

/// An ICMPv6 error of `source` to a about a packet of a.
fn says(source: [u8; 16], kind: u8, code: u8, rest: u32, quoted: &[u8]) -> Vec<u8> {
    let message = [&[kind, code, 0, 0], &rest.to_be_bytes()[..], quoted].concat();
    substrate_frame(
        source,
        protocol::ICMPV6,
        &checked(source, protocol::ICMPV6, message, 2),
    )
}

/// The ICMPv6 error that the uplink was sent: type, code, last four octets.
#[track_caller]
fn told(host: &mut Host, about: &[u8]) -> (u8, u8, u32) {
    let sent = host.sent(UPLINK);
    let [error] = sent.as_slice() else {
        panic!("one error; sent {sent:02x?}, drops {:?}", host.drops());
    };
    let (header, message) = ipv6::parse(&error[14..]).expect("IPv6");
    assert_eq!(header.source, uplink_address(0).octets());
    assert_eq!(header.destination, peer_address());
    assert!(icmpv6::verify(&header.source, &header.destination, message));
    let (icmp, quoted) = icmpv6::parse(message).expect("ICMPv6");
    assert!(about[14..].starts_with(quoted), "it quotes what was sent");
    assert_eq!(error[..12], [NEXT_HOP_MAC.0, UPLINK_MAC.0].concat());
    (icmp.kind, icmp.code, icmp.rest())
}

const ROUTER: [u8; 16] = [0x20, 1, 0xd, 0xb8, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];

/// What a sends to the peer, as it crosses.
fn crossed(host: &mut Host, payload_bytes: usize) -> Vec<u8> {
    let frame = Ipv4Frame::udp([10, 0, 0, 2], DUMMY, payload_bytes).build();
    host.forwards(A, &frame, UPLINK)
}

#[test]
fn a_node_reaches_a_native_peer_by_its_dummy_address() {
    let mut host = Host::new(snapshot(0));
    let frame = crossed(&mut host, 100);
    assert_eq!(
        frame[..14],
        [&NEXT_HOP_MAC.0[..], &UPLINK_MAC.0, &[0x86, 0xdd]].concat()
    );
    let (header, datagram) = ipv6::parse(&frame[14..]).expect("IPv6");
    assert_eq!(
        (header.label(), header.hop_limit),
        (0, 63),
        "no label, a router less"
    );
    assert_eq!(
        (header.source, header.destination),
        (a_address(), peer_address())
    );
    // The guest sent none: it got one.
    let pseudo = ipv6::pseudo_header_sum(&header.source, &header.destination, 108, 17);
    assert_eq!(checksum::add(pseudo, checksum::sum(datagram)), 0xffff);
    assert_eq!(host.counters.worker.native.up.get(), 1);
    host.assert_balanced();
}

#[test]
fn a_native_peer_reaches_a_node_and_appears_as_its_dummy() {
    let mut host = Host::new(snapshot(0));
    let got = host.forwards(UPLINK, &from_peer(100), A);
    let (a, dummy) = ([10, 0, 0, 2], MacAddress::virtual_of(DUMMY.into()));
    assert_eq!(
        got[..12],
        [MacAddress::virtual_of(a.into()).0, dummy.0].concat()
    );
    assert_eq!((&got[26..30], &got[30..34]), (&DUMMY[..], &a[..]));
    assert_eq!(
        (got[22], got[18], got[19]),
        (63, 0, 1),
        "TTL; the first local ID"
    );
    assert!(checksum::verify(&got[14..34]));
    assert_eq!(host.counters.worker.native.down.get(), 1);
    host.assert_balanced();
}

#[test]
fn a_peer_elsewhere_is_behind_the_virtual_router() {
    let mut host = Host::new(snapshot(0));
    let frame = Ipv4Frame::udp([10, 0, 0, 2], [192, 0, 2, 7], 10).build();
    let crossed = host.forwards(A, &frame, UPLINK);
    assert_eq!(crossed[21], 63, "one router, not two");
    let range = Ipv4Frame::udp([10, 0, 0, 2], [198, 18, 0, 1], 10).build();
    let crossed = host.forwards(A, &range, UPLINK);
    assert_eq!(crossed[38 + 12..38 + 16], [198, 18, 0, 1]);

    let mut frame = from_peer(10);
    frame[22..38].copy_from_slice(&crossed[38..54]);
    let got = host.forwards(UPLINK, &frame, A);
    let gateway = MacAddress::virtual_of([10, 0, 0, 1].into());
    assert_eq!(
        (&got[6..12], &got[26..30]),
        (&gateway.0[..], &[198, 18, 0, 1][..])
    );
}

fn arp_request(target: [u8; 4]) -> Vec<u8> {
    let a = [10, 0, 0, 2];
    super::arp::arp(1, (MacAddress::virtual_of(a.into()), a), target)
}

#[test]
fn arp_is_answered_for_a_peer_in_the_subnet() {
    let mut host = Host::new(snapshot(0));
    let request = arp_request(DUMMY);
    let answer = host.forwards(A, &request, A);
    assert_eq!(answer[22..28], MacAddress::virtual_of(DUMMY.into()).0);
    let elsewhere = arp_request([10, 0, 0, 201]);
    host.refuses(A, &elsewhere, DropReason::EncodeNoMapping);
}

#[test]
fn strangers_and_what_concerns_nobody_are_refused_with_a_reason_and_in_silence() {
    let mut host = Host::new(snapshot(0));
    let with = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut frame = from_peer(20);
        change(&mut frame);
        frame
    };
    let destination =
        |address: [u8; 16]| with(&|frame: &mut Vec<u8>| frame[38..54].copy_from_slice(&address));
    for (frame, reason) in [
        // not a peer of this network
        (
            with(&|frame| frame[37] ^= 0x10),
            DropReason::DecodeNativeOff,
        ),
        // a node's address behind the prefix of peers
        (
            with(&|frame| {
                frame[22..38].copy_from_slice(
                    &"2001:db8:64::a00:3"
                        .parse::<std::net::Ipv6Addr>()
                        .expect("it")
                        .octets(),
                )
            }),
            DropReason::DecodeNativeOff,
        ),
        // a network without native peers, and one that is not here
        (
            destination(overlay_address(0, Y, [10, 0, 0, 2])),
            DropReason::DecodeNativeOff,
        ),
        (
            destination(overlay_address(0, 0x777, [10, 0, 0, 2])),
            DropReason::DecodeNativeOff,
        ),
        // another n; nobody; on another host; without a port
        (with(&|frame| frame[45] ^= 1), DropReason::DecodeBadPrefix),
        (
            destination(overlay_address(0, Z, [10, 0, 0, 77])),
            DropReason::DecodeUnknownDestination,
        ),
        (
            destination(overlay_address(0, Z, [10, 0, 0, 3])),
            DropReason::DecodeUnknownDestination,
        ),
        (
            destination(overlay_address(0, Z, DUMMY)),
            DropReason::DecodeUnknownDestination,
        ),
        (
            destination(overlay_address(0, Z, [10, 0, 0, 8])),
            DropReason::PortDown,
        ),
        // UDP without a checksum; ICMP that is about one link
        (
            with(&|frame| frame[60..62].fill(0)),
            DropReason::DecodeMalformed,
        ),
        (
            says(peer_address(), 135, 0, 0, &[]),
            DropReason::IcmpRefused,
        ),
        (says(ROUTER, 128, 0, 0, &[]), DropReason::IcmpRefused),
    ] {
        host.refuses(UPLINK, &frame, reason);
    }
}

#[test]
fn a_host_of_the_fabric_is_no_native_peer() {
    let mut host = Host::new(snapshot(0));
    // The right form of a native packet, from an address inside F.
    let mut frame = from_peer(20);
    frame[22..38].copy_from_slice(&overlay_address(1, Z, DUMMY));
    host.refuses(UPLINK, &frame, DropReason::DecodeBadLabel);
    // With a label it is an overlay packet of somebody whom nobody knows.
    frame[15..18].copy_from_slice(&[0x04, 0x01, 0]);
    host.refuses(UPLINK, &frame, DropReason::DecodeUnknownSource);
}

#[test]
fn the_translator_is_a_hop_both_ways() {
    let mut host = Host::new(snapshot(0));
    let frame = Ipv4Frame {
        ttl: 1,
        ..Ipv4Frame::udp([10, 0, 0, 2], DUMMY, 10)
    };
    let error = host.forwards(A, &frame.build(), A);
    assert_eq!(
        (error[34], error[35], &error[26..30]),
        (11, 0, &[10, 0, 0, 1][..])
    );
    for hop_limit in [1, 0] {
        let mut frame = from_peer(10);
        frame[21] = hop_limit;
        host.receive(UPLINK, &frame);
        assert_eq!(told(&mut host, &frame), (3, 0, 0));
    }
    let drops = host.drops();
    assert!(
        drops.contains(&(A, DropReason::EncodeTtl, 1))
            && drops.contains(&(UPLINK, DropReason::EncodeTtl, 2)),
        "{drops:?}"
    );
    host.assert_balanced();
}

#[test]
fn too_big_for_the_substrate_is_told_with_df_and_cut_without() {
    let mut host = Host::new(snapshot(0));
    // 1600 octets of IPv6 are 1580 of IPv4, 1552 of UDP payload.
    assert_eq!(crossed(&mut host, 1552).len(), 14 + 1600);
    let error = host.forwards(A, &Ipv4Frame::udp([10, 0, 0, 2], DUMMY, 1553).build(), A);
    assert_eq!(
        (error[34], error[35], &error[38..42]),
        (3, 4, &[0, 0, 0x06, 0x2c][..])
    );

    let whole = Ipv4Frame {
        flags_and_offset: 0,
        id: 0xbeef,
        ..Ipv4Frame::udp([10, 0, 0, 2], DUMMY, 2500)
    };
    host.receive(A, &whole.build());
    let fragments = host.sent(UPLINK);
    assert_eq!(
        fragments.iter().map(Vec::len).collect::<Vec<_>>(),
        [14 + 1280, 14 + 1280, 14 + 48 + 44]
    );
    let mut datagram = Vec::new();
    for (at, fragment) in fragments.iter().enumerate() {
        let (header, rest) = ipv6::parse(&fragment[14..]).expect("IPv6");
        assert_eq!(
            (header.next_header, header.label()),
            (protocol::FRAGMENT, 0)
        );
        let (piece, rest) = wire::fragment::parse(rest).expect("a Fragment header");
        assert_eq!((piece.next_header, piece.id.get()), (17, 0xbeef));
        assert_eq!(usize::from(piece.offset_units()) * 8, datagram.len());
        assert_eq!(piece.more_fragments(), at < 2);
        datagram.extend_from_slice(rest);
    }
    let pseudo = ipv6::pseudo_header_sum(&a_address(), &peer_address(), 2508, 17);
    assert_eq!(checksum::add(pseudo, checksum::sum(&datagram)), 0xffff);
    assert_eq!(host.counters.worker.native.up.get(), 2);
    host.assert_balanced();
}

#[test]
fn a_long_ping_without_df_crosses_in_fragments_of_one_message() {
    let mut host = Host::new(snapshot(0));
    let mut ping = Ipv4Frame {
        flags_and_offset: 0,
        protocol: 1,
        payload: [&[8, 0, 0, 0, 0, 7, 0, 1][..], &[0x5a; 1300]].concat(),
        ..Ipv4Frame::udp([10, 0, 0, 2], DUMMY, 0)
    };
    let sum = checksum::of(&ping.payload);
    ping.payload[2..4].copy_from_slice(&sum.to_be_bytes());
    host.receive(A, &ping.build());
    let fragments = host.sent(UPLINK);
    let message: Vec<u8> = fragments
        .iter()
        .flat_map(|fragment| fragment[62..].to_vec())
        .collect();
    assert_eq!((fragments.len(), message.len(), message[0]), (2, 1308, 128));
    assert!(icmpv6::verify(&a_address(), &peer_address(), &message));
}

#[test]
fn too_big_for_the_nodes_link_is_told_to_the_peer() {
    let mut host = Host::new(snapshot(0));
    // 1500 octets of IPv4 are 1472 of UDP payload.
    assert_eq!(host.forwards(UPLINK, &from_peer(1472), A).len(), 14 + 1500);
    let long = from_peer(1473);
    host.receive(UPLINK, &long);
    assert_eq!(told(&mut host, &long), (2, 0, 1520));
    assert_eq!(host.drops(), [(UPLINK, DropReason::EncodeTooBig, 1)]);
    host.assert_balanced();
}

#[test]
fn a_packet_that_is_not_translated_is_answered_where_rfc_7915_says_so() {
    let mut host = Host::new(snapshot(0));
    // a route that goes on, ICMPv4 in IPv6
    let route = substrate_frame(
        peer_address(),
        43,
        &[[6, 0, 0, 1, 0, 0, 0, 0], [0; 8]].concat(),
    );
    host.receive(UPLINK, &route);
    assert_eq!(told(&mut host, &route), (4, 0, 43));
    let foreign = substrate_frame(peer_address(), 1, &[8, 0, 0xf7, 0xff, 0, 0, 0, 0]);
    host.receive(UPLINK, &foreign);
    assert_eq!(told(&mut host, &foreign), (1, 1, 0));
    assert_eq!(
        host.drops(),
        [(UPLINK, DropReason::DecodeForbiddenProtocol, 2)]
    );
    // the guest is told where a rule denies: the first fragment of UDP without a checksum
    let first = Ipv4Frame {
        flags_and_offset: 0x2000,
        ..Ipv4Frame::udp([10, 0, 0, 2], DUMMY, 16)
    };
    let error = host.forwards(A, &first.build(), A);
    assert_eq!((error[34], error[35]), (3, 13));
    host.assert_balanced();
}

#[test]
fn errors_to_peers_are_rate_limited() {
    let mut host = Host::new(snapshot(0));
    let mut frame = from_peer(10);
    frame[21] = 1;
    for _ in 0..200 {
        host.receive(UPLINK, &frame);
    }
    assert_eq!(host.sent(UPLINK).len(), 50);
    let native = &host.counters.worker.native;
    assert_eq!(
        (native.errors.get(), native.errors_limited.get()),
        (50, 150)
    );
    host.assert_balanced();
}

#[test]
fn an_error_about_a_packet_to_a_peer_reaches_the_guest_that_sent_it() {
    let mut host = Host::new(snapshot(0));
    let crossed = crossed(&mut host, 40);
    let error = host.forwards(UPLINK, &says(peer_address(), 1, 4, 0, &crossed[14..]), A);
    assert_eq!((error[34], error[35], &error[26..30]), (3, 3, &DUMMY[..]));
    assert_eq!(
        (&error[54..58], &error[58..62]),
        (&[10, 0, 0, 2][..], &DUMMY[..])
    );
    assert!(checksum::verify(&error[34..]));
    // a router's comes in the name of the virtual router, by its MAC
    let error = host.forwards(UPLINK, &says(ROUTER, 2, 0, 1400, &crossed[14..]), A);
    assert_eq!(
        (error[34], error[35], &error[38..42]),
        (3, 4, &[0, 0, 0x05, 0x64][..])
    );
    assert_eq!(error[26..30], [10, 0, 0, 1]);
    assert_eq!(error[6..12], MacAddress::virtual_of([10, 0, 0, 1].into()).0);
    // about what a did not send, to somebody who is no peer, damaged
    let mut foreign = crossed[14..].to_vec();
    foreign[23] ^= 1;
    host.refuses(
        UPLINK,
        &says(ROUTER, 1, 0, 0, &foreign),
        DropReason::IcmpRefused,
    );
    let mut elsewhere = crossed[14..].to_vec();
    elsewhere[39] ^= 0x10;
    host.refuses(
        UPLINK,
        &says(ROUTER, 1, 0, 0, &elsewhere),
        DropReason::IcmpRefused,
    );
    let mut damaged = says(ROUTER, 1, 0, 0, &crossed[14..]);
    damaged[60] ^= 1;
    host.refuses(UPLINK, &damaged, DropReason::DecodeMalformed);
    host.assert_balanced();
}

#[test]
fn strangers_can_tell_a_guest_only_so_many_errors() {
    let mut host = Host::new(snapshot(0));
    let crossed = crossed(&mut host, 40);
    let error = says(ROUTER, 1, 0, 0, &crossed[14..]);
    for _ in 0..60 {
        host.receive(UPLINK, &error);
    }
    assert_eq!(host.sent(A).len(), 50);
    assert_eq!(host.drops(), [(UPLINK, DropReason::RateLimit, 10)]);
}

#[test]
fn ping_works_in_both_directions() {
    let mut host = Host::new(snapshot(0));
    let message = checked(
        peer_address(),
        protocol::ICMPV6,
        vec![128, 0, 0, 0, 0, 9, 0, 1, 1, 2],
        2,
    );
    let ping = host.forwards(
        UPLINK,
        &substrate_frame(peer_address(), protocol::ICMPV6, &message),
        A,
    );
    assert_eq!((ping[23], ping[34]), (1, 8));
    assert!(checksum::verify(&ping[34..]));
    // a answers
    let mut payload = ping[34..].to_vec();
    payload[0] = 0;
    payload[2..4].fill(0);
    let sum = checksum::of(&payload);
    payload[2..4].copy_from_slice(&sum.to_be_bytes());
    let reply = Ipv4Frame {
        protocol: 1,
        payload,
        ..Ipv4Frame::udp([10, 0, 0, 2], DUMMY, 0)
    };
    let reply = host.forwards(A, &reply.build(), UPLINK);
    assert_eq!((reply[20], reply[54]), (58, 129));
    assert!(icmpv6::verify(&a_address(), &peer_address(), &reply[54..]));
}
