//! Bytes that nobody meant: refused, or translated within bounds.

use super::*;

/// Either an arbitrary packet or one in which the header makes sense.
fn any_ipv4() -> impl Strategy<Value = Vec<u8>> {
    let noise = prop::collection::vec(any::<u8>(), 0..200);
    let likely = (
        any::<u8>(),
        prop_oneof![Just(1u8), Just(1), Just(6), Just(17), any::<u8>()],
        prop_oneof![Just(0u16), Just(0x2000), 0..0x2fffu16],
        prop::collection::vec(any::<u8>(), 0..200),
        prop_oneof![Just(0usize), Just(4), Just(40)],
    );
    prop_oneof![
        1 => noise,
        9 => likely.prop_map(|(ttl, protocol, flags, payload, options)| {
            let mut packet = ipv4_packet(NODE, DUMMY, protocol, &[vec![1; options], payload].concat());
            packet[0] += (options / 4) as u8;
            packet[6..8].copy_from_slice(&flags.to_be_bytes());
            packet[8] = ttl.max(2);
            crate::samples::fix_checksum(&mut packet);
            packet
        }),
    ]
}

/// Puts something into a message that reads like an error and its quote.
fn quoting(packet: &mut [u8], at: usize, kind: u8, code: u8, length: u8, version: u8) {
    let message = &mut packet[at..];
    if message.len() > 12 {
        message[0] = kind;
        message[1] = code;
        message[4..6].fill(length);
        message[8] = version;
    }
}

proptest! {
    #[test]
    fn arbitrary_ipv4_is_refused_or_becomes_ipv6_of_the_right_length(mut sent in any_ipv4(), long in 0usize..1500) {
        let ends = ends();
        if long > 200 && sent.len() > 20 {
            sent.resize(sent.len() + long, 1);
            let bytes = sent.len() as u16;
            sent[2..4].copy_from_slice(&bytes.to_be_bytes());
            // The worker has compared it before.
            sent[8] = sent[8].max(2);
            crate::samples::fix_checksum(&mut sent);
        }
        if let Ok(risen) = rise(&sent, &ends, &RULES) {
            let facts = Ipv6Facts::parse(&risen).unwrap();
            prop_assert_eq!(risen.len(), 40 + usize::from(facts.payload_bytes));
            prop_assert_eq!((facts.source, facts.destination), (ends.node_address, ends.peer.address));
        }
    }

    #[test]
    fn arbitrary_quotes_in_icmpv4_are_refused_or_bounded(
        mut payload in prop::collection::vec(any::<u8>(), 8..1400),
        kind in prop_oneof![Just(3u8), Just(11), Just(12)], code in 0u8..16, length: u8, ihl in 4u8..16,
        inner in prop_oneof![Just(1u8), Just(6), Just(17), Just(50)], flags in prop_oneof![Just(0u16), 0..0x3fffu16],
    ) {
        let ends = ends();
        quoting(&mut payload, 0, kind, code, length, 0x40 | ihl);
        if payload.len() >= 28 {
            payload[14..16].copy_from_slice(&flags.to_be_bytes());
            payload[17] = inner;
            payload[20..24].copy_from_slice(&DUMMY.octets());
            payload[24..28].copy_from_slice(&NODE.octets());
        }
        let sent = icmp(ipv4_packet(NODE, DUMMY, protocol::ICMPV4, &payload));
        if let Ok(risen) = rise(&sent, &ends, &RULES) {
            let facts = Ipv6Facts::parse(&risen).unwrap();
            prop_assert_eq!(risen.len(), 40 + usize::from(facts.payload_bytes));
            prop_assert!(risen.len() <= 1280);
            prop_assert!(is_right(&risen));
            prop_assert_eq!(&risen[56..72], &ends.peer.address, "quoted source");
            prop_assert_eq!(&risen[72..88], &ends.node_address, "quoted destination");
        }
    }

    #[test]
    fn arbitrary_ipv6_is_refused_or_becomes_ipv4_of_the_right_length(
        next_header in prop_oneof![Just(0u8), Just(43), Just(44), Just(60), Just(58), Just(6), Just(17), any::<u8>()],
        mut payload in prop::collection::vec(any::<u8>(), 0..200), small: bool, hop_limit in 2u8..,
    ) {
        let ends = ends();
        if small && payload.len() > 16 {
            payload[1] &= 3;
            payload[3] = 0;
        }
        let mut sent = ipv6_packet(ends.peer.address, ends.node_address, next_header, &payload);
        sent[7] = hop_limit;
        if let Ok(fallen) = fall(&sent, &ends, &RULES) {
            let facts = Ipv4Facts::parse(&fallen).unwrap();
            prop_assert_eq!(fallen.len(), usize::from(facts.total_bytes));
            prop_assert_eq!((facts.source, facts.destination), (DUMMY, NODE));
            prop_assert!(!protocol::is_forbidden(facts.protocol, false));
        }
    }

    #[test]
    fn arbitrary_quotes_in_icmpv6_are_refused_or_bounded(
        mut payload in prop::collection::vec(any::<u8>(), 8..1400),
        kind in 1u8..5, code in 0u8..8, length: u8, from_router: bool,
        inner in prop_oneof![Just(0u8), Just(44), Just(58), Just(6), Just(17), Just(60)],
    ) {
        let ends = ends();
        quoting(&mut payload, 0, kind, code, length, 0x60);
        if payload.len() >= 48 {
            payload[14] = inner;
            payload[16..32].copy_from_slice(&ends.node_address);
            payload[32..48].copy_from_slice(&ends.peer.address);
        }
        let source = if from_router { [0x20; 16] } else { ends.peer.address };
        let sent = icmp(ipv6_packet(source, ends.node_address, protocol::ICMPV6, &payload));
        if let Ok(fallen) = fall(&sent, &ends, &RULES) {
            let facts = Ipv4Facts::parse(&fallen).unwrap();
            prop_assert_eq!(fallen.len(), usize::from(facts.total_bytes));
            prop_assert!(fallen.len() <= 576);
            prop_assert!(checksum::verify(&fallen[20..]));
            prop_assert_eq!(facts.source, if from_router { GATEWAY } else { DUMMY });
            prop_assert_eq!(facts.destination, NODE);
            prop_assert!(checksum::verify(&fallen[28..48]), "header of the quote");
            prop_assert_eq!(&fallen[40..44], &NODE.octets());
            prop_assert_eq!(&fallen[44..48], &DUMMY.octets());
        }
    }
}
