//! That the straight way and the long one agree, of any packet.

use super::*;
use crate::{
    address::{Layout, virtual_of},
    decode::{self, Ipv6Facts, Overlay},
    encode::DscpRule,
    packet::HeapPacket,
    protocol,
    samples::*,
};
use proptest::prelude::*;

const TO: MacAddress = MacAddress([2; 6]);
const FROM: MacAddress = MacAddress([4; 6]);
const LOCAL_ID: u16 = 0x1234;
const GENERATION: u8 = 1;

/// What the long way makes of a frame between the two hosts; `None` if it drops it, or finds an
/// extension header.
fn long_way(frame: &HeapPacket, layout: Layout, rules: &HeadingRules) -> Option<HeapPacket> {
    let (header, ip) = ethernet::parse(frame.bytes())?;
    let facts = Ipv6Facts::parse(ip).ok()?;
    let [from, to] = locators(layout);
    let network = layout.network_of(&facts.destination);
    let passes = header.ether_type == EtherType::IPV6
        && to.contains(&facts.destination)
        && from.contains(&facts.source)
        && layout.is_canonical(&facts.destination)
        && layout.is_canonical(&facts.source)
        && network == NET
        && layout.network_of(&facts.source) == network;
    let overlay = Overlay::parse(&facts, ip, rules).ok()?;
    let is_bare = usize::from(overlay.head_bytes) == ipv6::HEADER_BYTES
        && !matches!(overlay.protocol, protocol::AH | 253 | 254);
    if !passes || !is_bare || overlay.label.generation != GENERATION & 3 {
        return None;
    }
    let mut packet = frame.clone();
    decode::restore(&mut packet, &facts, &overlay, || LOCAL_ID, rules);
    ethernet::write(packet.bytes_mut(), TO, FROM, EtherType::IPV4);
    Some(packet)
}

fn straight_way(frame: &HeapPacket, layout: Layout, rules: &HeadingRules) -> Option<HeapPacket> {
    let mut packet = frame.clone();
    let [from, to] = prefixes(layout);
    let plain = Plain::read(frame.bytes())?;
    assert_eq!(
        plain.destination,
        virtual_of(frame.bytes()[38..].first_chunk()?)
    );
    assert_eq!(plain.source, virtual_of(frame.bytes()[22..].first_chunk()?));
    if !plain.is_genuine(frame.bytes(), &from, &to, GENERATION) {
        return None;
    }
    plain.restore(&mut packet, TO, FROM, || LOCAL_ID, rules)?;
    Some(packet)
}

/// A frame with a right packet from the first host to the second.
fn frame_of(layout: Layout, first: u64, payload: &[u8], inner: [u32; 2]) -> HeapPacket {
    let [from, to] = prefixes(layout);
    let first = 6 << 60 | first & 0x0fff_ffff_0000_ffff | (payload.len() as u64) << 16;
    let mut octets = first.to_be_bytes().to_vec();
    octets.extend(from.with(inner[0].into()));
    octets.extend(to.with(inner[1].into()));
    octets.extend(payload);
    let mut frame = frame(&octets, 0);
    ethernet::write(frame.bytes_mut(), TO, FROM, EtherType::IPV6);
    frame
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn a_packet_is_plain_exactly_if_the_long_way_would_restore_the_same(
        layout in any_layout(), first: u64, inner: [u32; 2], fixed: bool,
        payload in prop::collection::vec(any::<u8>(), 0..60), generation in prop_oneof![4 => Just(GENERATION), 1 => 0u8..4],
        flaw in prop::option::of((12usize..54, 0u8..8)),
    ) {
        let rules = HeadingRules {
            dscp: if fixed { DscpRule::Fixed(9) } else { DscpRule::Copy },
            ..HeadingRules::default()
        };
        let first = first & !(3 << 40) | u64::from(generation) << 40;
        let mut frame = frame_of(layout, first, &payload, inner);
        if let Some((at, bit)) = flaw {
            frame.bytes_mut()[at] ^= 1 << bit;
        }
        prop_assert_eq!(straight_way(&frame, layout, &rules), long_way(&frame, layout, &rules));
    }

    #[test]
    fn arbitrary_octets_are_plain_only_if_the_long_way_passes_them(
        octets in prop::collection::vec(any::<u8>(), 0..120),
    ) {
        let (frame, rules) = (HeapPacket::new(&octets), HeadingRules::default());
        let straight = straight_way(&frame, Layout::Neutral56, &rules);
        prop_assert_eq!(straight, long_way(&frame, Layout::Neutral56, &rules));
    }
}

#[test]
fn the_vector_of_section_10_comes_back() {
    let mut frame = frame(&octets(TCP_WIRE), 3);
    ethernet::write(frame.bytes_mut(), TO, FROM, EtherType::IPV6);
    let back = straight_way(&frame, Layout::Neutral56, &HeadingRules::default()).unwrap();
    assert_eq!(ip(&back), octets(TCP_BACK));
}
