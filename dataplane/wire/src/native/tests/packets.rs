//! Packets that are no ICMP errors.

use super::*;
use crate::{fragment, samples::guest_packet};
use smoltcp::wire::{Ipv6Address, Ipv6Packet};
use zerocopy::IntoBytes;

/// A whole packet with its checksum: TCP, UDP, DCCP, UDP-Lite or echo.
fn checked_payload() -> impl Strategy<Value = (u8, usize, Vec<u8>)> {
    let kind = prop_oneof![
        Just((protocol::TCP, 16, 20)),
        Just((protocol::UDP, 6, 8)),
        Just((protocol::DCCP, 6, 12)),
        Just((protocol::UDP_LITE, 6, 8)),
        Just((protocol::ICMPV4, 2, 8)),
    ];
    (
        kind,
        prop::collection::vec(any::<u8>(), 0..100),
        any::<[u8; 20]>(),
        any::<bool>(),
    )
        .prop_map(|((protocol, at, header_bytes), data, header, request)| {
            let mut payload = [&header[..header_bytes], &data].concat();
            if protocol == protocol::ICMPV4 {
                payload[..2].copy_from_slice(&[if request { 8 } else { 0 }, 0]);
            }
            if protocol == protocol::UDP {
                let bytes = payload.len() as u16;
                payload[4..6].copy_from_slice(&bytes.to_be_bytes());
            }
            (protocol, at, payload)
        })
}

/// The checksum as it may stand in a packet that is right: UDP has no 0.
pub fn complete(packet: &mut [u8], at: usize, protocol: u8) {
    fill(packet, at);
    let front = front_bytes(packet);
    let field = &mut packet[front + at..front + at + 2];
    if matches!(protocol, protocol::UDP | protocol::UDP_LITE) && *field == [0, 0] {
        field.fill(0xff);
    }
}

proptest! {
    #[test]
    fn a_checksum_that_is_right_is_right_in_the_other_family(
        ends in any_ends(), (protocol, at, payload) in checked_payload(),
    ) {
        let mut sent = ipv4_packet(ends.node, ends.peer.dummy, protocol, &payload);
        complete(&mut sent, at, protocol);
        let risen = rise(&sent, &ends, &RULES).unwrap();
        prop_assert!(is_right(&risen), "{risen:02x?}");
        let field = [risen[40 + at], risen[41 + at]];
        prop_assert!(!matches!(protocol, protocol::UDP | protocol::UDP_LITE) || field != [0, 0]);

        // The same from the peer: it must come down as it would have been sent.
        let next_header = risen[6];
        let mut answer = ipv6_packet(ends.peer.address, ends.node_address, next_header, &risen[40..]);
        complete(&mut answer, at, next_header);
        let fallen = fall(&answer, &ends, &RULES).unwrap();
        prop_assert!(is_right(&fallen), "{fallen:02x?}");
        prop_assert!(checksum::verify(&fallen[..20]));
    }

    #[test]
    fn a_checksum_that_is_wrong_stays_wrong(
        ends in any_ends(), (protocol, at, payload) in checked_payload(), by in 1u16..0xffff,
    ) {
        let mut sent = ipv4_packet(ends.node, ends.peer.dummy, protocol, &payload);
        complete(&mut sent, at, protocol);
        let field = u16::from_be_bytes([sent[20 + at], sent[21 + at]]);
        let wrong = checksum::add(field, by);
        prop_assume!(wrong != 0);
        sent[20 + at..22 + at].copy_from_slice(&wrong.to_be_bytes());
        prop_assert!(!is_right(&rise(&sent, &ends, &RULES).unwrap()));
    }

    #[test]
    fn fields_are_translated_as_section_4_1_says(mut sent in guest_packet(), ends in any_ends()) {
        sent[8] = sent[8].max(2);
        crate::samples::fix_checksum(&mut sent);
        let facts = Ipv4Facts::parse(&sent).unwrap();
        let translated = rise(&sent, &ends, &RULES);
        prop_assume!(translated.is_ok());
        let translated = translated.unwrap();
        let oracle = Ipv6Packet::new_checked(&translated[..]).unwrap();
        prop_assert_eq!((oracle.traffic_class(), oracle.flow_label()), (facts.tos, 0));
        prop_assert_eq!(oracle.hop_limit(), facts.ttl - 1);
        prop_assert_eq!(oracle.src_addr(), Ipv6Address::from(ends.node_address));
        prop_assert_eq!(oracle.dst_addr(), Ipv6Address::from(ends.peer.address));
        let next_header = match facts.protocol {
            protocol::ICMPV4 => protocol::ICMPV6,
            other => other,
        };
        let payload = if facts.is_fragment() {
            prop_assert_eq!(u8::from(oracle.next_header()), protocol::FRAGMENT);
            let (extension, payload) = fragment::parse(oracle.payload()).unwrap();
            prop_assert_eq!(extension.next_header, next_header);
            prop_assert_eq!(extension.offset_units(), facts.offset_units);
            prop_assert_eq!(extension.more_fragments(), facts.more_fragments);
            prop_assert_eq!(extension.id.get(), u32::from(facts.id));
            prop_assert!(extension.reserved_is_zero());
            payload
        } else {
            prop_assert_eq!(u8::from(oracle.next_header()), next_header);
            oracle.payload()
        };
        prop_assert_eq!(payload.len(), usize::from(facts.payload_bytes()));
        if transport_is_opaque(facts.protocol) {
            prop_assert_eq!(payload, &sent[usize::from(facts.header_bytes)..]);
        }
    }

    #[test]
    fn a_packet_goes_up_and_comes_down_as_it_was_but_for_what_a_router_changes(
        mut sent in guest_packet(), ends in any_ends(),
    ) {
        sent[8] = sent[8].max(3);
        crate::samples::fix_checksum(&mut sent);
        let facts = Ipv4Facts::parse(&sent).unwrap();
        let Ok(mut risen) = rise(&sent, &ends, &RULES) else { return Ok(()) };
        // A UDP datagram may have been given a checksum.
        let payload = &sent[usize::from(facts.header_bytes)..];
        prop_assume!(facts.protocol != protocol::UDP || payload.get(6..8) != Some(&[0, 0]));
        // The peer sends it back.
        let (source, destination) = risen[8..40].split_at_mut(16);
        source.swap_with_slice(destination);
        let fallen = fall(&risen, &ends, &RULES);
        if facts.protocol == protocol::AH && facts.is_fragment() {
            // AH is an extension header, which must not follow a Fragment header.
            prop_assert_eq!(fallen, Err(DropReason::DecodeForbiddenProtocol));
            return Ok(());
        }
        let fallen = fallen.unwrap();
        let back = Ipv4Facts::parse(&fallen).unwrap();
        prop_assert_eq!(back.total_bytes, facts.payload_bytes() + 20);
        prop_assert_eq!((back.tos, back.ttl, back.protocol), (facts.tos, facts.ttl - 2, facts.protocol));
        prop_assert_eq!((back.offset_units, back.more_fragments), (facts.offset_units, facts.more_fragments));
        prop_assert_eq!(back.id, if facts.is_fragment() { facts.id } else { LOCAL_ID });
        prop_assert!(!back.dont_fragment, "at most 1260 octets");
        prop_assert_eq!((back.source, back.destination), (ends.peer.dummy, ends.node));
        let came = &fallen[20..];
        if came != payload {
            // Two forms of the same checksum.
            let at = super::super::transport::checksum_at(facts.protocol).unwrap_or(2);
            let at = at.saturating_sub(usize::from(facts.offset_units) * 8);
            prop_assert_eq!(&came[..at], &payload[..at]);
            prop_assert_eq!(&came[at + 2..], &payload[at + 2..]);
            let field = |payload: &[u8]| u16::from_be_bytes([payload[at], payload[at + 1]]);
            prop_assert_eq!([field(came), field(payload)].map(|sum| sum % 0xffff), [0, 0]);
        }
    }

    #[test]
    fn df_says_whether_the_ipv4_packet_exceeds_1260_octets(bytes in 1200usize..1300, id: u32, fragmented: bool) {
        let ends = ends();
        let payload = vec![7; bytes];
        let mut packet = ipv6_packet(ends.peer.address, ends.node_address, protocol::ESP, &payload);
        if fragmented {
            let header = fragment::Header::new(protocol::ESP, 0, true, id);
            let payload = [header.as_bytes(), &payload].concat();
            packet = ipv6_packet(ends.peer.address, ends.node_address, protocol::FRAGMENT, &payload);
        }
        let facts = Ipv4Facts::parse(&fall(&packet, &ends, &RULES).unwrap()).unwrap();
        prop_assert_eq!(facts.dont_fragment, !fragmented && bytes + 20 > 1260);
        prop_assert_eq!(facts.id, if fragmented { id as u16 } else { LOCAL_ID });
        prop_assert_eq!(facts.more_fragments, fragmented);
    }

    #[test]
    fn what_a_packet_is_cut_into_has_one_right_checksum_between_all(
        ends in any_ends(), data in prop::collection::vec(any::<u8>(), 20..200), cut_units in 1usize..4, tcp: bool,
    ) {
        let (protocol, at) = if tcp { (protocol::TCP, 16) } else { (protocol::UDP, 6) };
        let mut whole = ipv4_packet(ends.node, ends.peer.dummy, protocol, &data);
        complete(&mut whole, at, protocol);
        let payload = &whole[20..];
        let cut = (cut_units * 8).min(payload.len() & !7);
        let mut put_together = Vec::new();
        for (offset, part, more) in [(0, &payload[..cut], true), (cut, &payload[cut..], false)] {
            let mut piece = ipv4_packet(ends.node, ends.peer.dummy, protocol, part);
            let flags = (offset / 8) as u16 | u16::from(more) << 13;
            piece[6..8].copy_from_slice(&flags.to_be_bytes());
            crate::samples::fix_checksum(&mut piece);
            let risen = rise(&piece, &ends, &RULES).unwrap();
            put_together.extend_from_slice(&risen[48..]);
        }
        let together = ipv6_packet(ends.node_address, ends.peer.address, protocol, &put_together);
        prop_assert!(is_right(&together), "cut at {cut}");
    }

    #[test]
    fn udp_without_a_checksum_gets_one_or_is_refused(ends in any_ends(), data in prop::collection::vec(any::<u8>(), 0..60)) {
        let mut datagram = vec![0x1f, 0x90, 0, 53, 0, 0, 0, 0];
        datagram.extend(&data);
        let bytes = datagram.len() as u16;
        datagram[4..6].copy_from_slice(&bytes.to_be_bytes());
        let sent = ipv4_packet(ends.node, ends.peer.dummy, protocol::UDP, &datagram);
        let risen = rise(&sent, &ends, &RULES).unwrap();
        prop_assert!(is_right(&risen));
        prop_assert!(risen[46..48] != [0, 0]);

        let refusing = Translation { udp_zero: UdpZero::Drop, ..RULES };
        prop_assert_eq!(rise(&sent, &ends, &refusing), Err(DropReason::PolicyDenied));
        // The first of several fragments: nobody has the whole here.
        let mut first = sent.clone();
        first[6] = 0x20;
        crate::samples::fix_checksum(&mut first);
        prop_assert_eq!(rise(&first, &ends, &RULES), Err(DropReason::PolicyDenied));
        // The peer must not send any.
        let from_peer = ipv6_packet(ends.peer.address, ends.node_address, protocol::UDP, &datagram);
        prop_assert_eq!(fall(&from_peer, &ends, &RULES), Err(DropReason::DecodeMalformed));
    }
}

fn transport_is_opaque(protocol: u8) -> bool {
    protocol != protocol::ICMPV4 && super::super::transport::checksum_at(protocol).is_none()
}

#[test]
fn dscp_is_hidden_where_the_fabric_says_so_and_ecn_passes() {
    let ends = ends();
    let rules = Translation {
        dscp: DscpRule::Fixed(46),
        ..RULES
    };
    let mut sent = ipv4_packet(NODE, DUMMY, protocol::ESP, &[0; 8]);
    sent[1] = 0x2b;
    crate::samples::fix_checksum(&mut sent);
    let risen = rise(&sent, &ends, &rules).unwrap();
    assert_eq!(
        Ipv6Facts::parse(&risen).unwrap().traffic_class,
        46 << 2 | 0x03
    );
    let fallen = fall(&risen, &ends, &rules).unwrap();
    assert_eq!(fallen[1], 0x03);
    let copied = fall(&risen, &ends, &RULES).unwrap();
    assert_eq!(copied[1], 46 << 2 | 0x03);
}

#[test]
fn an_echo_reply_of_zeros_has_a_checksum_that_verifies() {
    let ends = ends();
    let message = [129, 0, 0, 0, 0, 0, 0, 0];
    let reply = icmp(ipv6_packet(
        ends.peer.address,
        ends.node_address,
        protocol::ICMPV6,
        &message,
    ));
    let fallen = fall(&reply, &ends, &RULES).unwrap();
    assert_eq!(fallen[20..], [0, 0, 0xff, 0xff, 0, 0, 0, 0]);
}

#[test]
fn icmp_that_is_about_one_link_or_obsolete_or_fragmented_is_not_translated() {
    let ends = ends();
    // source quench, redirect, router discovery, timestamp, information, address mask, unknown
    for kind in [4, 5, 9, 10, 13, 14, 15, 16, 17, 18, 30, 255] {
        let sent = icmp(ipv4_packet(
            NODE,
            DUMMY,
            protocol::ICMPV4,
            &[kind, 0, 0, 0, 0, 0, 0, 0],
        ));
        assert_eq!(
            rise(&sent, &ends, &RULES),
            Err(DropReason::IcmpRefused),
            "ICMPv4 {kind}"
        );
    }
    // group membership, neighbour and router discovery, redirect, unknown
    for kind in [130, 131, 132, 133, 134, 135, 136, 137, 138, 143, 200, 255] {
        let message = [kind, 0, 0, 0, 0, 0, 0, 0];
        let sent = icmp(ipv6_packet(
            ends.peer.address,
            ends.node_address,
            protocol::ICMPV6,
            &message,
        ));
        assert_eq!(
            fall(&sent, &ends, &RULES),
            Err(DropReason::IcmpRefused),
            "ICMPv6 {kind}"
        );
    }
    let igmp = ipv4_packet(NODE, DUMMY, protocol::IGMP, &[0x16; 8]);
    assert_eq!(rise(&igmp, &ends, &RULES), Err(DropReason::IcmpRefused));
    for flags in [0x20, 0x00] {
        let mut ping = icmp(ipv4_packet(
            NODE,
            DUMMY,
            protocol::ICMPV4,
            &[8, 0, 0, 0, 0, 0, 0, 0],
        ));
        ping[6..8].copy_from_slice(&[flags, u8::from(flags == 0)]);
        crate::samples::fix_checksum(&mut ping);
        assert_eq!(
            rise(&ping, &ends, &RULES),
            Err(DropReason::IcmpRefused),
            "fragment {flags:#x}"
        );
        let offset = if flags == 0 { 1 } else { 0 };
        let header = fragment::Header::new(protocol::ICMPV6, offset, flags != 0, 1);
        let payload = [header.as_bytes(), &[128, 0, 0, 0, 0, 0, 0, 0]].concat();
        let ping = ipv6_packet(
            ends.peer.address,
            ends.node_address,
            protocol::FRAGMENT,
            &payload,
        );
        assert_eq!(fall(&ping, &ends, &RULES), Err(DropReason::IcmpRefused));
    }
}

#[test]
fn a_packet_that_ends_before_its_checksum_is_malformed() {
    let ends = ends();
    for (protocol, bytes) in [(protocol::TCP, 17), (protocol::UDP, 7), (protocol::DCCP, 0)] {
        let payload = vec![1; bytes];
        let sent = ipv4_packet(NODE, DUMMY, protocol, &payload);
        assert_eq!(rise(&sent, &ends, &RULES), Err(DropReason::EncodeMalformed));
        let sent = ipv6_packet(ends.peer.address, ends.node_address, protocol, &payload);
        assert_eq!(fall(&sent, &ends, &RULES), Err(DropReason::DecodeMalformed));
    }
    let echo = ipv4_packet(NODE, DUMMY, protocol::ICMPV4, &[8, 0, 0, 0, 0, 0, 0]);
    assert_eq!(rise(&echo, &ends, &RULES), Err(DropReason::EncodeMalformed));
    // UDP whose own length is none, which would decide what a checksum covers
    for length in [0u8, 7, 9] {
        let sent = ipv4_packet(NODE, DUMMY, protocol::UDP, &[0, 1, 0, 2, 0, length, 0, 0]);
        assert_eq!(
            rise(&sent, &ends, &RULES),
            Err(DropReason::EncodeMalformed),
            "{length}"
        );
    }
}

#[test]
fn other_protocols_pass_as_they_are() {
    let ends = ends();
    // IPv4 in IPv4, GRE, ESP, AH, no next header, SCTP
    for protocol in [4, 47, 50, 51, 59, 132] {
        let sent = ipv4_packet(NODE, DUMMY, protocol, &[0xab; 9]);
        let risen = rise(&sent, &ends, &RULES).unwrap();
        assert_eq!((risen[6], &risen[40..]), (protocol, &[0xab; 9][..]));
        let fallen = fall(&risen, &ends, &RULES).unwrap();
        assert_eq!((fallen[9], &fallen[20..]), (protocol, &[0xab; 9][..]));
    }
}

#[test]
fn a_head_that_does_not_fit_the_headroom_is_no_mbuf() {
    use crate::packet::HeapPacket;
    let sent = ipv4_packet(NODE, DUMMY, protocol::ESP, &[0; 8]);
    let facts = Ipv4Facts::parse(&sent).unwrap();
    let frame = [&[0; 14], &sent[..]].concat();
    let mut packet = HeapPacket::with_headroom(&frame, 19);
    let outcome = up::reheader(&mut packet, &facts, &ends(), &RULES);
    assert_eq!(outcome, Err(DropReason::NoMbuf));
    let mut packet = HeapPacket::with_headroom(&frame, 20);
    assert_eq!(up::reheader(&mut packet, &facts, &ends(), &RULES), Ok(()));
}
