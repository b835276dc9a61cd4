//! ICMP errors and what they quote.

use super::*;
use crate::fragment;
use zerocopy::IntoBytes;

/// UDP 8080 to 53 with its checksum, from the peer to the node, as each sees it.
fn from_peer(data: usize) -> [Vec<u8>; 2] {
    let ends = ends();
    let mut datagram = vec![0x1f, 0x90, 0, 53, 0, 0, 0, 0];
    datagram.extend((0..data).map(|octet| octet as u8));
    let bytes = datagram.len() as u16;
    datagram[4..6].copy_from_slice(&bytes.to_be_bytes());
    let mut sent = ipv6_packet(
        ends.peer.address,
        ends.node_address,
        protocol::UDP,
        &datagram,
    );
    fill(&mut sent, 6);
    let got = fall(&sent, &ends, &RULES).unwrap();
    [sent, got]
}

/// The same from the node to the peer.
fn from_node(data: usize) -> [Vec<u8>; 2] {
    let ends = ends();
    let mut datagram = vec![0x1f, 0x90, 0, 53, 0, 0, 0, 0];
    datagram.extend((0..data).map(|octet| octet as u8));
    let bytes = datagram.len() as u16;
    datagram[4..6].copy_from_slice(&bytes.to_be_bytes());
    let mut sent = ipv4_packet(NODE, DUMMY, protocol::UDP, &datagram);
    fill(&mut sent, 6);
    let got = rise(&sent, &ends, &RULES).unwrap();
    [sent, got]
}

/// An ICMPv4 error of the node about `quoted`.
fn node_says(kind: u8, code: u8, rest: u32, quoted: &[u8]) -> Vec<u8> {
    let message = [&[kind, code, 0, 0], &rest.to_be_bytes()[..], quoted].concat();
    icmp(ipv4_packet(NODE, DUMMY, protocol::ICMPV4, &message))
}

/// An ICMPv6 error of `source` about `quoted`.
fn substrate_says(source: [u8; 16], kind: u8, code: u8, rest: u32, quoted: &[u8]) -> Vec<u8> {
    let message = [&[kind, code, 0, 0], &rest.to_be_bytes()[..], quoted].concat();
    let to = ends().node_address;
    icmp(ipv6_packet(source, to, protocol::ICMPV6, &message))
}

const ROUTER: [u8; 16] = [0x20, 1, 0xd, 0xb8, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];

#[test]
fn a_nodes_error_quotes_what_the_peer_sent() {
    let [sent, mut got] = from_peer(40);
    got[8] = 9; // routers between lowered it, and nobody raises it again
    crate::samples::fix_checksum(&mut got);
    let error = rise(&node_says(3, 3, 0, &got), &ends(), &RULES).unwrap();
    assert!(is_right(&error));
    assert_eq!(
        (error[7], error[40], error[41]),
        (63, 1, 4),
        "hop limit, type, code"
    );
    let mut quoted = sent;
    quoted[7] = 9;
    assert_eq!(&error[48..], quoted);
}

#[test]
fn a_peers_error_quotes_what_the_node_sent() {
    let ends = ends();
    let [mut sent, got] = from_node(40);
    let error = substrate_says(ends.peer.address, 1, 4, 0, &got);
    let error = fall(&error, &ends, &RULES).unwrap();
    assert!(checksum::verify(&error[20..]) && checksum::verify(&error[..20]));
    assert_eq!(
        (error[8], error[20], error[21]),
        (63, 3, 3),
        "TTL, type, code"
    );
    assert_eq!(error[12..16], DUMMY.octets());
    // The ID did not cross; the TTL is what it was when the error was made.
    sent[4..6].fill(0);
    sent[8] = 63;
    crate::samples::fix_checksum(&mut sent);
    assert_eq!(&error[28..], sent);
}

#[test]
fn a_router_of_the_substrate_speaks_in_the_virtual_routers_name() {
    let [_, got] = from_node(40);
    let error = fall(&substrate_says(ROUTER, 3, 0, 0, &got), &ends(), &RULES).unwrap();
    assert_eq!((error[20], error[21]), (11, 0));
    assert_eq!(error[12..16], GATEWAY.octets());
    let error = fall(&substrate_says(ROUTER, 2, 0, 1400, &got), &ends(), &RULES).unwrap();
    assert_eq!(
        (error[20], error[21], &error[24..28]),
        (3, 4, &[0, 0, 5, 100][..])
    );
}

#[test]
fn a_quote_is_cut_to_what_arrives_everywhere_and_lengths_follow() {
    let [_, got] = from_peer(1400);
    let error = rise(&node_says(11, 1, 0, &got), &ends(), &RULES).unwrap();
    assert_eq!(error.len(), 1280);
    assert_eq!(error[4..6], [0x04, 0xd8], "1240 octets of payload");
    assert!(is_right(&error));
    let [_, got] = from_node(1400);
    let error = fall(
        &substrate_says(ROUTER, 3, 1, 0, &got[..1232]),
        &ends(),
        &RULES,
    )
    .unwrap();
    assert_eq!((error.len(), &error[2..4]), (576, &[2, 64][..]));
    assert!(checksum::verify(&error[20..]));
    assert_eq!(
        error[30..32],
        [0x05, 0x94],
        "the quoted header tells the packet's length: 1428"
    );
}

#[test]
fn an_error_about_what_was_not_sent_is_refused() {
    let ends = ends();
    let [sent, got] = from_peer(8);
    let stranger = Ipv4Addr::new(10, 0, 0, 9);
    for (at, address) in [(12, stranger), (16, stranger)] {
        let mut quoted = got.clone();
        quoted[at..at + 4].copy_from_slice(&address.octets());
        let error = node_says(3, 1, 0, &quoted);
        assert_eq!(
            rise(&error, &ends, &RULES),
            Err(DropReason::IcmpRefused),
            "{at}"
        );
    }
    assert!(rise(&node_says(3, 1, 0, &got), &ends, &RULES).is_ok());

    // what the peer sent itself, what another node or to another peer was sent
    let [_, ours] = from_node(8);
    let mut foreign = ours.clone();
    foreign[23] ^= 1;
    let mut elsewhere = ours.clone();
    elsewhere[39] ^= 1;
    for quoted in [&sent, &foreign, &elsewhere] {
        let error = substrate_says(ROUTER, 1, 0, 0, quoted);
        assert_eq!(fall(&error, &ends, &RULES), Err(DropReason::IcmpRefused));
    }
    assert!(fall(&substrate_says(ROUTER, 1, 0, 0, &ours), &ends, &RULES).is_ok());
}

#[test]
fn an_error_about_an_error_is_refused_and_one_about_an_echo_is_not() {
    let ends = ends();
    let inner = |kind| {
        icmp(ipv4_packet(
            DUMMY,
            NODE,
            protocol::ICMPV4,
            &[kind, 0, 0, 0, 1, 2, 3, 4],
        ))
    };
    for kind in [3, 5, 11, 12, 13, 77] {
        let error = node_says(11, 0, 0, &inner(kind));
        assert_eq!(
            rise(&error, &ends, &RULES),
            Err(DropReason::IcmpRefused),
            "{kind}"
        );
    }
    let error = rise(&node_says(11, 0, 0, &inner(8)), &ends, &RULES).unwrap();
    let quoted = &error[48..];
    assert!(is_right(&error) && is_right(quoted), "{error:02x?}");
    assert_eq!((quoted[6], quoted[40]), (58, 128));

    let inner = |kind| {
        let message = [kind, 0, 0, 0, 1, 2, 3, 4];
        icmp(ipv6_packet(
            ends.node_address,
            ends.peer.address,
            protocol::ICMPV6,
            &message,
        ))
    };
    for kind in [1, 2, 3, 4, 135, 137, 200] {
        let error = substrate_says(ROUTER, 1, 0, 0, &inner(kind));
        assert_eq!(
            fall(&error, &ends, &RULES),
            Err(DropReason::IcmpRefused),
            "{kind}"
        );
    }
    let error = fall(&substrate_says(ROUTER, 3, 0, 0, &inner(128)), &ends, &RULES).unwrap();
    let quoted = &error[28..];
    assert!(checksum::verify(&quoted[20..]), "{error:02x?}");
    assert_eq!((quoted[9], quoted[20]), (1, 8));
}

#[test]
fn a_damaged_or_cut_error_is_malformed() {
    let ends = ends();
    let [_, got] = from_peer(8);
    let mut error = node_says(3, 1, 0, &got);
    *error.last_mut().unwrap() ^= 1;
    assert_eq!(
        rise(&error, &ends, &RULES),
        Err(DropReason::EncodeMalformed)
    );
    let short = ipv4_packet(NODE, DUMMY, protocol::ICMPV4, &[3, 1, 0, 0]);
    assert_eq!(
        rise(&short, &ends, &RULES),
        Err(DropReason::EncodeMalformed)
    );
    let [_, got] = from_node(8);
    let mut error = substrate_says(ROUTER, 1, 0, 0, &got);
    *error.last_mut().unwrap() ^= 1;
    assert_eq!(
        fall(&error, &ends, &RULES),
        Err(DropReason::DecodeMalformed)
    );
    let short = ipv6_packet(ROUTER, ends.node_address, protocol::ICMPV6, &[1, 0, 0, 0]);
    assert_eq!(
        fall(&short, &ends, &RULES),
        Err(DropReason::DecodeMalformed)
    );
    // whole messages whose quotes have no whole header
    for bytes in [0, 19] {
        let error = node_says(3, 1, 0, &got[..bytes]);
        assert_eq!(rise(&error, &ends, &RULES), Err(DropReason::IcmpRefused));
    }
    for bytes in [0, 39] {
        let error = substrate_says(ROUTER, 1, 0, 0, &got[..bytes]);
        assert_eq!(fall(&error, &ends, &RULES), Err(DropReason::IcmpRefused));
    }
}

#[test]
fn a_quoted_fragment_keeps_its_place() {
    let ends = ends();
    let mut piece = ipv4_packet(DUMMY, NODE, protocol::UDP, &[9; 16]);
    piece[6..8].copy_from_slice(&[0x20, 0x05]);
    let error = rise(&node_says(11, 1, 0, &piece), &ends, &RULES).unwrap();
    let (extension, rest) = fragment::parse(&error[88..]).unwrap();
    assert_eq!(
        (error[54], extension.next_header),
        (protocol::FRAGMENT, protocol::UDP)
    );
    assert_eq!(
        (extension.offset_units(), extension.more_fragments()),
        (5, true)
    );
    assert_eq!((extension.id.get(), rest), (0x1234, &[9; 16][..]));
    assert_eq!(error[52..54], [0, 24]);

    let header = fragment::Header::new(protocol::ICMPV6, 0, true, 0x5_6789);
    let payload = [header.as_bytes(), &[128, 0, 1, 1, 0, 7, 0, 9]].concat();
    let piece = ipv6_packet(
        ends.node_address,
        ends.peer.address,
        protocol::FRAGMENT,
        &payload,
    );
    let error = fall(&substrate_says(ROUTER, 3, 1, 0, &piece), &ends, &RULES).unwrap();
    assert_eq!(error[32..36], [0x67, 0x89, 0x20, 0], "ID and MF");
    assert_eq!(
        (error[37], &error[48..]),
        (1, &[8, 0, 1, 1, 0, 7, 0, 9][..])
    );
}

/// A quote of `quoted` padded to `padded` octets, then an extension.
fn extended(quoted: &[u8], padded: usize) -> Vec<u8> {
    let mut quote = quoted.to_vec();
    quote.resize(padded, 0);
    quote.extend([0x20, 0, 0xdf, 0xff, 0xab, 0xcd, 0xef, 0x01]);
    quote
}

#[test]
fn extensions_follow_a_quote_whose_length_is_told_anew() {
    let ends = ends();
    // 128 octets of IPv4 become 148, which is told as 152 in units of 8
    let [sent, got] = from_peer(100);
    let error = node_says(3, 3, 32 << 16, &extended(&got, 128));
    let error = rise(&error, &ends, &RULES).unwrap();
    assert!(is_right(&error));
    assert_eq!(error[44], 19);
    assert_eq!(
        &error[48..48 + 148],
        &sent[..148]
            .iter()
            .enumerate()
            .map(|(at, octet)| if at == 7 { 63 } else { *octet })
            .collect::<Vec<_>>()[..]
    );
    assert_eq!(error[196..], extended(&[], 4));
    // 128 octets of IPv6 become 108, which must be 128 with padding
    let [_, got] = from_node(80);
    let error = substrate_says(ROUTER, 1, 4, 16 << 24, &extended(&got, 128));
    let error = fall(&error, &ends, &RULES).unwrap();
    assert!(checksum::verify(&error[20..]));
    assert_eq!(error[24..28], [0, 32, 0, 0]);
    assert_eq!(error[28 + 108..], extended(&[], 20));
}

#[test]
fn extensions_are_left_off_where_the_message_cannot_tell_of_them() {
    let ends = ends();
    let [_, got] = from_peer(100);
    // 3/4 becomes 2/0 and 12/0 becomes 4/0, which have no length
    for (kind, code, rest) in [(3, 4, 32 << 16 | 1400), (12, 0, 0x0820_0000)] {
        let error = rise(
            &node_says(kind, code, rest, &extended(&got, 128)),
            &ends,
            &RULES,
        );
        let error = error.unwrap();
        assert_eq!(error.len(), 48 + 148, "{kind}/{code}");
        assert!(is_right(&error));
    }
    // a length beyond the message is no length
    let error = rise(
        &node_says(3, 3, 255 << 16, &extended(&got, 128)),
        &ends,
        &RULES,
    )
    .unwrap();
    assert_eq!((error[44], error.len()), (0, 48 + 148 + 8));
}
