//! That the straight way and the long one agree, of any packet.

use super::*;
use crate::{
    address::Layout,
    encode::{self, DscpRule, Ipv4Facts},
    packet::HeapPacket,
    samples::*,
};
use proptest::prelude::*;

const LINKS: Links = Links {
    node: MacAddress([0xee; 6]),
    uplink: MacAddress([2; 6]),
    next_hop: MacAddress([4; 6]),
};
const PATH_MTU: u16 = 200;

fn any_rules() -> impl Strategy<Value = HeadingRules> {
    let dscp = prop_oneof![Just(DscpRule::Copy), (0u8..64).prop_map(DscpRule::Fixed)];
    let keep_id = prop_oneof![Just(KeepId::Off), Just(KeepId::Df0), Just(KeepId::All)];
    (dscp, keep_id, any::<bool>()).prop_map(|(dscp, keep_id, experimental_allowed)| HeadingRules {
        dscp,
        keep_id,
        experimental_allowed,
    })
}

/// A frame of the sender with `ip` in it.
fn frame_of(ip: &[u8], padding_bytes: usize) -> HeapPacket {
    let mut frame = frame(ip, padding_bytes);
    let source = LINKS.node;
    ethernet::write(
        frame.bytes_mut(),
        MacAddress::BROADCAST,
        source,
        EtherType::IPV4,
    );
    frame
}

/// What the long way makes of a frame; `None` if it drops it, or makes anything but one packet with
/// an IPv6 header alone of it.
fn long_way(
    frame: &HeapPacket,
    heading: &Heading<'_>,
    source: Ipv4Addr,
    rules: &HeadingRules,
) -> Option<HeapPacket> {
    let mut packet = frame.clone();
    let facts = Ipv4Facts::parse(&frame.bytes()[ethernet::HEADER_BYTES..]).ok()?;
    let bytes = encode::head_bytes(&facts, rules) + usize::from(facts.payload_bytes());
    let crosses = facts.source == source
        && !encode::forbidden_protocol(facts.protocol, rules.experimental_allowed)
        && facts.ttl > heading.virtual_routers
        && bytes <= usize::from(PATH_MTU);
    let is_bare = encode::head_bytes(&facts, rules) == ipv6::HEADER_BYTES
        && facts.options_bytes() == 0
        && !facts.destination.is_multicast()
        && !facts.destination.is_broadcast()
        && !matches!(facts.protocol, 253 | 254);
    if !crosses || !is_bare {
        return None;
    }
    encode::reheader(&mut packet, &facts, heading, rules).ok()?;
    ethernet::write(
        packet.bytes_mut(),
        LINKS.next_hop,
        LINKS.uplink,
        EtherType::IPV6,
    );
    Some(packet)
}

fn straight_way(
    frame: &HeapPacket,
    heading: &Heading<'_>,
    source: Ipv4Addr,
    rules: &HeadingRules,
) -> Option<HeapPacket> {
    let mut packet = frame.clone();
    let stencil = Stencil::new(LINKS, source, heading, PATH_MTU, rules)?;
    let plain = stencil.read(frame.bytes(), |_| heading.virtual_routers)?;
    stencil.rehead(&mut packet, &plain, heading.destination)?;
    Some(packet)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn a_packet_is_plain_exactly_if_the_long_way_would_write_the_same(
        ip in guest_packet(), padding in 0usize..30, rules in any_rules(), copy: bool,
        flaw in prop::option::of((0usize..38, 0u8..8)), virtual_routers in 0u8..2, generation: u8,
    ) {
        let mut frame = frame_of(&ip, padding);
        let source = Ipv4Addr::from(*ip[12..].first_chunk().unwrap());
        if let Some((at, bit)) = flaw
            && let Some(octet) = frame.bytes_mut().get_mut(at + 14)
        {
            *octet ^= 1 << bit;
        }
        let [from, to] = prefixes(Layout::Neutral56);
        let heading = Heading { source: &from, destination: &to, virtual_routers, generation, copy };
        let straight = straight_way(&frame, &heading, source, &rules);
        let long = long_way(&frame, &heading, source, &rules);
        if let Some(straight) = &straight {
            prop_assert_eq!(Some(straight), long.as_ref());
        }
        // The other way round but for what is read: of TCP and its like, four octets of payload.
        let payload = frame.bytes().len() - 34;
        if long.is_some() && payload >= 4 && ip.len() >= 24 {
            prop_assert!(straight.is_some());
        }
    }

    #[test]
    fn arbitrary_octets_are_plain_only_if_the_long_way_passes_them(
        octets in prop::collection::vec(any::<u8>(), 0..80),
    ) {
        let [from, to] = prefixes(Layout::Neutral56);
        let heading = heading_of(&from, &to);
        let source = Ipv4Addr::new(10, 0, 0, 2);
        let (frame, rules) = (HeapPacket::new(&octets), HeadingRules::default());
        let straight = straight_way(&frame, &heading, source, &rules);
        prop_assert!(straight.is_none() || straight == long_way(&frame, &heading, source, &rules));
    }
}

/// Of an original within a subnet, by an owner that never moved.
fn heading_of<'a>(source: &'a Prefix96, destination: &'a Prefix96) -> Heading<'a> {
    Heading {
        source,
        destination,
        virtual_routers: 0,
        generation: 1,
        copy: false,
    }
}

#[test]
fn another_ethernet_source_or_type_is_not_plain() {
    let [from, to] = prefixes(Layout::Neutral56);
    let heading = heading_of(&from, &to);
    let rules = HeadingRules::default();
    let source = Ipv4Addr::new(10, 0, 0, 2);
    let right = frame_of(&octets(TCP_IN), 6);
    assert!(straight_way(&right, &heading, source, &rules).is_some());
    for at in 6..14 {
        let mut wrong = right.clone();
        wrong.bytes_mut()[at] ^= 1;
        assert!(
            straight_way(&wrong, &heading, source, &rules).is_none(),
            "{at}"
        );
    }
    assert!(straight_way(&right, &heading, Ipv4Addr::LOCALHOST, &rules).is_none());
}

#[test]
fn a_packet_without_room_in_front_stays_as_it_is() {
    let [from, to] = prefixes(Layout::Neutral56);
    let heading = heading_of(&from, &to);
    let frame = frame_of(&octets(TCP_IN), 6);
    let source = Ipv4Addr::new(10, 0, 0, 2);
    let stencil =
        Stencil::new(LINKS, source, &heading, PATH_MTU, &HeadingRules::default()).unwrap();
    let plain = stencil.read(frame.bytes(), |_| 0).unwrap();
    let mut narrow = HeapPacket::with_headroom(frame.bytes(), 19);
    assert_eq!(stencil.rehead(&mut narrow, &plain, &to), None);
    assert_eq!(narrow, frame);
}
