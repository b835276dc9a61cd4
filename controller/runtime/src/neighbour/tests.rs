use smoltcp::wire::{
    EthernetAddress, Icmpv6Repr, NdiscNeighborFlags, NdiscRepr, NdiscRouterFlags,
    RawHardwareAddress,
};

use super::*;
use crate::fixture::{
    FAR, ROUTER, ROUTER_MAC, SILENCE, US, US_LINK_LOCAL, US_MAC, exchange, host, icmp, raw_icmp,
};

const OTHER_MAC: MacAddress = MacAddress([2, 0, 0, 0, 1, 9]);

fn option(mac: MacAddress) -> Option<RawHardwareAddress> {
    Some(EthernetAddress(mac.0).into())
}

fn solicitation(target: Ipv6Addr, mac: Option<MacAddress>) -> Icmpv6Repr<'static> {
    let lladdr = mac.and_then(option);
    Icmpv6Repr::Ndisc(NdiscRepr::NeighborSolicit {
        target_addr: target,
        lladdr,
    })
}

fn advertisement(target: Ipv6Addr, mac: MacAddress) -> Icmpv6Repr<'static> {
    let flags = NdiscNeighborFlags::SOLICITED | NdiscNeighborFlags::OVERRIDE;
    let lladdr = option(mac);
    Icmpv6Repr::Ndisc(NdiscRepr::NeighborAdvert {
        flags,
        target_addr: target,
        lladdr,
    })
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

#[test]
fn the_question_for_the_next_hop_has_these_octets() {
    let mut sent = Vec::new();
    host(None).poll(0, &mut |frame| sent.push(hex(frame)));
    assert_eq!(
        sent,
        [concat!(
            "3333ff000001",
            "020000000102",
            "86dd",
            "6000000000203aff",
            "20010db8000000010000000000000002",
            "ff0200000000000000000001ff000001",
            "87001b2500000000",
            "20010db8000000010000000000000001",
            "0101020000000102",
        )]
    );
}

#[test]
fn the_answer_to_the_router_has_these_octets() {
    let asked = icmp(
        ROUTER,
        solicited_node(US),
        255,
        &solicitation(US, Some(ROUTER_MAC)),
    );
    let sent = exchange(&mut host(None), &asked, 0);
    assert_eq!(
        sent.iter().map(|frame| hex(frame)).collect::<Vec<_>>(),
        [concat!(
            "020000000101",
            "020000000102",
            "86dd",
            "6000000000203aff",
            "20010db8000000010000000000000002",
            "20010db8000000010000000000000001",
            "8800896e60000000",
            "20010db8000000010000000000000002",
            "0201020000000102",
        )]
    );
}

#[test]
fn who_is_about_to_claim_our_address_is_told_so_with_all_nodes() {
    let claim = icmp(
        Ipv6Addr::UNSPECIFIED,
        solicited_node(US),
        255,
        &solicitation(US, None),
    );
    let sent = exchange(&mut host(None), &claim, 0);
    assert_eq!(
        sent.iter().map(|frame| hex(frame)).collect::<Vec<_>>(),
        [concat!(
            "333300000001",
            "020000000102",
            "86dd",
            "6000000000203aff",
            "20010db8000000010000000000000002",
            "ff020000000000000000000000000001",
            "8800f82520000000",
            "20010db8000000010000000000000002",
            "0201020000000102",
        )]
    );
}

#[test]
fn a_probe_of_either_address_is_answered_to_where_it_came_from() {
    for target in [US, US_LINK_LOCAL] {
        // A probe may leave its link address out (RFC 4861 section 7.2.2).
        let probe = icmp(ROUTER, target, 255, &solicitation(target, None));
        let sent = exchange(&mut host(Some(OTHER_MAC)), &probe, 0);
        assert_eq!(sent.len(), 1, "{target}");
        assert_eq!(sent[0][..6], ROUTER_MAC.0);
        assert_eq!(sent[0][22..38], target.octets());
    }
}

#[test]
fn a_next_hop_on_the_link_local_scope_is_asked_from_ours() {
    let next_hop = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1);
    let mut neighbour = Neighbour::new(US_MAC, US, next_hop, None);
    let mut source = Vec::new();
    neighbour.poll(0, &mut |frame| source = frame[22..38].to_vec());
    assert_eq!(source, US_LINK_LOCAL.octets());
}

#[test]
fn the_next_hop_is_learnt_from_its_answer_and_only_from_its_own() {
    let mut host = host(None);
    exchange(
        &mut host,
        &icmp(FAR, US, 255, &advertisement(FAR, OTHER_MAC)),
        0,
    );
    assert_eq!(host.next_hop_mac(), None);
    exchange(
        &mut host,
        &icmp(ROUTER, US, 255, &advertisement(ROUTER, ROUTER_MAC)),
        0,
    );
    assert_eq!(host.next_hop_mac(), Some(ROUTER_MAC));
}

#[test]
fn the_next_hop_is_learnt_from_its_question() {
    let mut host = host(None);
    let asked = solicitation(US, Some(ROUTER_MAC));
    exchange(&mut host, &icmp(ROUTER, solicited_node(US), 255, &asked), 0);
    assert_eq!(host.next_hop_mac(), Some(ROUTER_MAC));
}

#[test]
fn a_pinned_next_hop_is_deaf_and_still_answers() {
    let mut host = host(Some(ROUTER_MAC));
    exchange(
        &mut host,
        &icmp(ROUTER, US, 255, &advertisement(ROUTER, OTHER_MAC)),
        0,
    );
    let asked = icmp(
        ROUTER,
        solicited_node(US),
        255,
        &solicitation(US, Some(OTHER_MAC)),
    );
    assert_eq!(exchange(&mut host, &asked, 0).len(), 1);
    assert_eq!(host.next_hop_mac(), Some(ROUTER_MAC));
}

/// A solicitation of `US` octet by octet: header, target, then options.
fn raw_solicitation(head: [u8; 8], target: Ipv6Addr, options: &[u8]) -> Vec<u8> {
    [&head, &target.octets()[..], options].concat()
}

#[test]
fn what_rfc_4861_section_7_1_discards_is_discarded() {
    const SOLICIT: [u8; 8] = [135, 0, 0, 0, 0, 0, 0, 0];
    const ADVERTISE: [u8; 8] = [136, 0, 0, 0, 0x60, 0, 0, 0];
    let router_option = [2, 1, 2, 0, 0, 0, 1, 1];
    let claim = Ipv6Addr::UNSPECIFIED;
    let group = solicited_node(US);
    let from_router = |message: &[u8]| raw_icmp(ROUTER, US, message);
    let mut bad_checksum = icmp(ROUTER, US, 255, &solicitation(US, Some(ROUTER_MAC)));
    bad_checksum[56] ^= 1;

    let refused = [
        (
            "hop limit 254",
            icmp(ROUTER, US, 254, &solicitation(US, Some(ROUTER_MAC))),
        ),
        (
            "an answer at hop limit 254",
            icmp(ROUTER, US, 254, &advertisement(ROUTER, ROUTER_MAC)),
        ),
        ("bad checksum", bad_checksum),
        (
            "code 1",
            from_router(&raw_solicitation([135, 1, 0, 0, 0, 0, 0, 0], US, &[])),
        ),
        (
            "shorter than 24 octets",
            from_router(&raw_solicitation(SOLICIT, US, &[])[..23]),
        ),
        (
            "option of length 0",
            from_router(&raw_solicitation(SOLICIT, US, &[1, 0, 2, 0, 0, 0, 1, 1])),
        ),
        (
            "option past the end",
            from_router(&raw_solicitation(SOLICIT, US, &[1, 2, 2, 0, 0, 0, 1, 1])),
        ),
        (
            "half an option",
            from_router(&raw_solicitation(SOLICIT, US, &[1, 1, 2, 0])),
        ),
        (
            "group as link address",
            from_router(&raw_solicitation(SOLICIT, US, &[1, 1, 3, 0, 0, 0, 1, 1])),
        ),
        (
            "zero as link address",
            from_router(&raw_solicitation(SOLICIT, US, &[1, 1, 0, 0, 0, 0, 0, 0])),
        ),
        (
            "group as target",
            from_router(&raw_solicitation(SOLICIT, ALL_NODES, &[])),
        ),
        (
            "from a group",
            raw_icmp(ALL_NODES, US, &raw_solicitation(SOLICIT, US, &[])),
        ),
        (
            "claim that is not sent to the group",
            icmp(claim, US, 255, &solicitation(US, None)),
        ),
        (
            "claim with a link address",
            icmp(claim, group, 255, &solicitation(US, Some(ROUTER_MAC))),
        ),
        (
            "from our own address",
            icmp(US, group, 255, &solicitation(US, Some(OTHER_MAC))),
        ),
        (
            "for another's address",
            icmp(ROUTER, US, 255, &solicitation(FAR, None)),
        ),
        (
            "answer to all that says it was asked",
            raw_icmp(
                ROUTER,
                ALL_NODES,
                &raw_solicitation(ADVERTISE, ROUTER, &router_option),
            ),
        ),
        (
            "answer about a group",
            from_router(&raw_solicitation(ADVERTISE, ALL_NODES, &router_option)),
        ),
        (
            "router advertisement",
            icmp(ROUTER, US, 255, &router_advertisement()),
        ),
        (
            "router solicitation",
            icmp(
                ROUTER,
                US,
                255,
                &Icmpv6Repr::Ndisc(NdiscRepr::RouterSolicit {
                    lladdr: option(ROUTER_MAC),
                }),
            ),
        ),
        ("redirect", icmp(ROUTER, US, 255, &redirect())),
    ];
    for (why, frame) in refused {
        let mut host = host(None);
        assert_eq!(exchange(&mut host, &frame, 0), SILENCE, "{why}");
        assert_eq!(host.next_hop_mac(), None, "{why}");
        assert_eq!(host.counters().discovery_refused, 1, "{why}");
    }
}

fn router_advertisement() -> Icmpv6Repr<'static> {
    Icmpv6Repr::Ndisc(NdiscRepr::RouterAdvert {
        hop_limit: 64,
        flags: NdiscRouterFlags::empty(),
        router_lifetime: smoltcp::time::Duration::from_secs(1800),
        reachable_time: smoltcp::time::Duration::ZERO,
        retrans_time: smoltcp::time::Duration::ZERO,
        lladdr: option(OTHER_MAC),
        mtu: Some(1280),
        prefix_info: None,
    })
}

fn redirect() -> Icmpv6Repr<'static> {
    Icmpv6Repr::Ndisc(NdiscRepr::Redirect {
        target_addr: ROUTER,
        dest_addr: FAR,
        lladdr: option(OTHER_MAC),
        redirected_hdr: None,
    })
}
