//! IPv6 extension headers.

use super::packets::complete;
use super::*;
use crate::fragment;
use zerocopy::IntoBytes;

proptest! {
    #[test]
    fn extension_headers_are_skipped(
        before in prop::collection::vec((prop_oneof![Just(0u8), Just(43), Just(60)], 0u8..3), 0..8),
        fragmented: bool, data in prop::collection::vec(any::<u8>(), 20..60),
    ) {
        let ends = ends();
        let mut plain = ipv6_packet(ends.peer.address, ends.node_address, protocol::TCP, &data);
        complete(&mut plain, 16, protocol::TCP);
        let mut kinds: Vec<u8> = before.iter().map(|(kind, _)| *kind).collect();
        kinds.extend(fragmented.then_some(protocol::FRAGMENT));
        kinds.truncate(8);
        kinds.push(protocol::TCP);
        let mut payload = Vec::new();
        for (at, next) in kinds[1..].iter().enumerate() {
            match kinds[at] {
                protocol::FRAGMENT => payload.extend(fragment::Header::new(*next, 0, false, 0x5_6789).as_bytes()),
                _ => {
                    let units = before[at].1;
                    // options of zeros are padding; segments left is 0
                    payload.extend([*next, units]);
                    payload.extend(vec![0; 8 * (usize::from(units) + 1) - 2]);
                }
            }
        }
        payload.extend(&plain[40..]);
        let chained = ipv6_packet(ends.peer.address, ends.node_address, kinds[0], &payload);
        let mut expected = fall(&plain, &ends, &RULES).unwrap();
        if kinds.contains(&protocol::FRAGMENT) {
            expected[4..6].copy_from_slice(&[0x67, 0x89]);
            crate::samples::fix_checksum(&mut expected);
        }
        prop_assert_eq!(fall(&chained, &ends, &RULES).unwrap(), expected);
    }
}

#[test]
fn what_a_chain_may_not_have_is_refused_and_its_sender_told() {
    use crate::icmpv6::Error;
    let ends = ends();
    let refusal = |next_header, payload: &[u8]| {
        let packet = ipv6_packet(ends.peer.address, ends.node_address, next_header, payload);
        let facts = Ipv6Facts::parse(&packet).unwrap();
        let refusal = Chain::parse(&facts, &packet, false).unwrap_err();
        (refusal.reason, refusal.answer)
    };
    let (malformed, forbidden) = (
        (DropReason::DecodeMalformed, None),
        (
            DropReason::DecodeForbiddenProtocol,
            Some(Error::AdministrativelyProhibited),
        ),
    );
    // a route that goes on: the pointer is to "segments left", behind an options header of 8
    let options = [43, 0, 1, 4, 0, 0, 0, 0];
    let route = [[6, 0, 0, 1, 0, 0, 0, 0].as_slice(), &[0; 20]].concat();
    let pointer = |pointer| {
        (
            DropReason::DecodeForbiddenProtocol,
            Some(Error::ErroneousHeader { pointer }),
        )
    };
    assert_eq!(refusal(protocol::ROUTING, &route), pointer(43));
    let chained = [options.as_slice(), &route].concat();
    assert_eq!(refusal(protocol::HOP_BY_HOP, &chained), pointer(51));
    // behind a Fragment header
    for next in [0, 43, 44, 51, 60, 135, 139, 140] {
        let piece = fragment::Header::new(next, 0, true, 1);
        let payload = [piece.as_bytes(), &[0; 16]].concat();
        assert_eq!(refusal(protocol::FRAGMENT, &payload), forbidden, "{next}");
    }
    // what would be taken for ICMP by the guest, or is forbidden at both ends
    for protocol in [protocol::ICMPV4, 135, 139, 140, 253, 254] {
        assert_eq!(refusal(protocol, &[0; 16]), forbidden, "{protocol}");
    }
    // cut short, too long, too many
    assert_eq!(refusal(protocol::FRAGMENT, &[6, 0, 0, 0]), malformed);
    assert_eq!(refusal(protocol::HOP_BY_HOP, &[]), malformed);
    assert_eq!(
        refusal(protocol::DESTINATION_OPTIONS, &[6, 1, 0, 0, 0, 0, 0, 0]),
        malformed
    );
    let nine = [[60, 0, 1, 4, 0, 0, 0, 0].as_slice(); 9].concat();
    assert_eq!(refusal(protocol::DESTINATION_OPTIONS, &nine), malformed);
}
