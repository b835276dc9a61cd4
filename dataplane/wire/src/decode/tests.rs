//! Sections 2, 3, 9 and 10 as claims about the way from substrate to guest.

use super::*;
use crate::{
    address::Layout,
    drop_reason::DropReason::*,
    encode::{DscpRule, Heading, Ipv4Facts, KeepId, reheader},
    samples::*,
};
use proptest::prelude::*;
use smoltcp::wire::Ipv4Packet;

const RULES: HeadingRules = HeadingRules {
    dscp: DscpRule::Copy,
    keep_id: KeepId::Off,
    experimental_allowed: false,
};

/// The ID that our counter would give next.
const LOCAL_ID: u16 = 0x1d1d;

fn parsed(wire: &[u8], rules: &HeadingRules) -> Result<(Ipv6Facts, Overlay), DropReason> {
    let facts = Ipv6Facts::parse(wire)?;
    Ok((facts, Overlay::parse(&facts, wire, rules)?))
}

/// What the guest gets of a packet on the substrate, behind which the
/// Ethernet frame has padding.
fn decoded(wire: &[u8], rules: &HeadingRules) -> Result<Vec<u8>, DropReason> {
    let mut packet = frame(wire, 7);
    let (facts, overlay) = parsed(ip(&packet), rules)?;
    restore(&mut packet, &facts, &overlay, || LOCAL_ID, rules);
    Ok(ip(&packet).to_vec())
}

#[test]
fn the_vectors_of_section_10_come_back() {
    assert_eq!(decoded(&octets(TCP_WIRE), &RULES), Ok(octets(TCP_BACK)));
    assert_eq!(
        decoded(&octets(FRAGMENT_WIRE), &RULES),
        Ok(octets(FRAGMENT_IN))
    );
}

#[test]
fn a_local_id_is_taken_only_if_routers_may_fragment_and_none_came() {
    let id = |wire: &[u8]| {
        let mut taken = 0;
        let mut packet = frame(wire, 0);
        let (facts, overlay) = parsed(wire, &RULES).unwrap();
        restore(
            &mut packet,
            &facts,
            &overlay,
            || {
                taken += 1;
                LOCAL_ID
            },
            &RULES,
        );
        (Ipv4Packet::new_checked(ip(&packet)).unwrap().ident(), taken)
    };
    let mut wire = octets(TCP_WIRE);
    assert_eq!(id(&wire), (0, 0));
    wire[2] &= !0x08; // DF
    assert_eq!(id(&wire), (LOCAL_ID, 1));
    assert_eq!(id(&octets(FRAGMENT_WIRE)), (0xbeef, 0));
}

#[test]
fn congestion_experienced_survives_and_a_fixed_dscp_is_forgotten() {
    let mut wire = octets(TCP_WIRE);
    (wire[0], wire[1]) = (0x6b, wire[1] | 0xb0); // TC 0xbb: DSCP 46, CE
    let fixed = HeadingRules {
        dscp: DscpRule::Fixed(46),
        ..RULES
    };
    assert_eq!(decoded(&wire, &RULES).unwrap()[1], 0xbb);
    assert_eq!(decoded(&wire, &fixed).unwrap()[1], 0x03);
}

#[test]
fn routers_of_the_substrate_do_not_count_for_the_guest() {
    let mut wire = octets(TCP_WIRE);
    wire[7] = 1;
    assert_eq!(decoded(&wire, &RULES), Ok(octets(TCP_BACK)));
}

#[test]
fn experimental_protocols_pass_where_they_are_allowed() {
    let allowed = HeadingRules {
        experimental_allowed: true,
        ..RULES
    };
    for protocol in [253, 254] {
        let mut wire = octets(TCP_WIRE);
        wire[6] = protocol;
        assert_eq!(decoded(&wire, &RULES), Err(DecodeForbiddenProtocol));
        assert_eq!(decoded(&wire, &allowed).unwrap()[9], protocol);
    }
}

#[test]
fn a_packet_is_refused_for_the_first_reason_that_applies() {
    type Change = fn(&mut Vec<u8>);
    let rows: [(&str, &str, Change, Result<(), DropReason>); 26] = [
        ("unchanged", TCP_WIRE, |_| (), Ok(())),
        ("unchanged fragment", FRAGMENT_WIRE, |_| (), Ok(())),
        ("empty", TCP_WIRE, |ip| ip.clear(), Err(DecodeMalformed)),
        (
            "39 octets",
            TCP_WIRE,
            |ip| ip.truncate(39),
            Err(DecodeMalformed),
        ),
        (
            "version 4",
            TCP_WIRE,
            |ip| ip[0] = 0x40,
            Err(DecodeMalformed),
        ),
        (
            "payload past the frame",
            TCP_WIRE,
            |ip| ip[5] = 21,
            Err(DecodeMalformed),
        ),
        ("payload 0", TCP_WIRE, |ip| ip[5] = 0, Ok(())),
        (
            "label 0",
            TCP_WIRE,
            |ip| {
                ip[1] = 0;
                ip[2..4].fill(0)
            },
            Err(DecodeBadLabel),
        ),
        (
            "TTL 0",
            TCP_WIRE,
            |ip| {
                ip[1] = 0;
                ip[2] &= 0x0f
            },
            Err(DecodeBadLabel),
        ),
        (
            "TTL 0 and forbidden",
            TCP_WIRE,
            |ip| {
                ip[1] = 0;
                ip[2] = 0;
                ip[6] = 0
            },
            Err(DecodeBadLabel),
        ),
        (
            "hop-by-hop",
            TCP_WIRE,
            |ip| ip[6] = 0,
            Err(DecodeForbiddenProtocol),
        ),
        (
            "routing header",
            TCP_WIRE,
            |ip| ip[6] = 43,
            Err(DecodeForbiddenProtocol),
        ),
        (
            "ICMPv6",
            TCP_WIRE,
            |ip| ip[6] = 58,
            Err(DecodeForbiddenProtocol),
        ),
        ("ICMPv4", TCP_WIRE, |ip| ip[6] = 1, Ok(())),
        (
            "fragment of 7 octets",
            FRAGMENT_WIRE,
            |ip| ip[5] = 7,
            Err(DecodeBadFragment),
        ),
        (
            "fragment of 0 octets",
            FRAGMENT_WIRE,
            |ip| ip[5] = 0,
            Err(DecodeBadFragment),
        ),
        (
            "fragment of 8 octets",
            FRAGMENT_WIRE,
            |ip| ip[5] = 8,
            Ok(()),
        ),
        (
            "reserved octet",
            FRAGMENT_WIRE,
            |ip| ip[41] = 1,
            Err(DecodeBadFragment),
        ),
        (
            "first reserved bit",
            FRAGMENT_WIRE,
            |ip| ip[43] |= 2,
            Err(DecodeBadFragment),
        ),
        (
            "second reserved bit",
            FRAGMENT_WIRE,
            |ip| ip[43] |= 4,
            Err(DecodeBadFragment),
        ),
        (
            "high octet of the ID",
            FRAGMENT_WIRE,
            |ip| ip[44] = 1,
            Err(DecodeBadFragment),
        ),
        (
            "17th bit of the ID",
            FRAGMENT_WIRE,
            |ip| ip[45] = 1,
            Err(DecodeBadFragment),
        ),
        (
            "fragment in a fragment",
            FRAGMENT_WIRE,
            |ip| ip[40] = 44,
            Err(DecodeForbiddenProtocol),
        ),
        (
            "fragment of ICMPv6",
            FRAGMENT_WIRE,
            |ip| ip[40] = 58,
            Err(DecodeForbiddenProtocol),
        ),
        (
            "bad and forbidden",
            FRAGMENT_WIRE,
            |ip| {
                ip[40] = 0;
                ip[41] = 1
            },
            Err(DecodeBadFragment),
        ),
        (
            "MF, not a multiple of 8",
            FRAGMENT_WIRE,
            |ip| ip[5] = 23,
            Ok(()),
        ),
    ];
    for (name, wire, change, verdict) in rows {
        let mut wire = octets(wire);
        change(&mut wire);
        assert_eq!(parsed(&wire, &RULES).map(drop), verdict, "{name}");
    }
}

#[test]
fn what_is_too_long_for_ipv4_is_refused() {
    for (next_header, payload_bytes, verdict) in [
        (6, 65515, Ok(())),
        (6, 65516, Err(DecodeMalformed)),
        (44, 65523, Ok(())),
        (44, 65524, Err(DecodeMalformed)),
    ] {
        let mut wire = octets(FRAGMENT_WIRE);
        wire[6] = next_header;
        wire[4..6].copy_from_slice(&u16::to_be_bytes(payload_bytes));
        wire.resize(40 + usize::from(payload_bytes), 0);
        let back_bytes = decoded(&wire, &RULES).map(|ip| ip.len());
        assert_eq!(back_bytes, verdict.map(|()| 65535));
    }
}

/// What comes back of a guest's packet when both ends apply the rules.
fn there_and_back(guest: &[u8], layout: Layout, rules: &HeadingRules) -> Vec<u8> {
    let [source, destination] = &prefixes(layout);
    let heading = Heading {
        source,
        destination,
        virtual_routers: 0,
        generation: 3,
        copy: true,
    };
    let mut packet = frame(guest, 3);
    let facts = Ipv4Facts::parse(ip(&packet)).unwrap();
    reheader(&mut packet, &facts, &heading, rules).unwrap();
    decoded(ip(&packet), rules).unwrap()
}

proptest! {
    /// The stated exceptions: options stripped, the ID not kept unless asked
    /// for, the checksum recomputed.
    #[test]
    fn decode_restores_what_encode_was_given(guest in guest_packet(), layout in any_layout(), keep in 0..3) {
        let keep_id = [KeepId::Off, KeepId::Df0, KeepId::All][keep as usize];
        let before = Ipv4Packet::new_checked(&guest).unwrap();
        let back = there_and_back(&guest, layout, &HeadingRules { keep_id, ..RULES });

        let fragment = before.more_frags() || before.frag_offset() != 0;
        let kept = keep_id == KeepId::All || keep_id == KeepId::Df0 && !before.dont_frag()
            || fragment || u8::from(before.next_header()) == 51;
        let mut expected = guest[..20].to_vec();
        expected.extend_from_slice(before.payload());
        let mut header = Ipv4Packet::new_unchecked(&mut expected);
        header.set_header_len(20);
        header.set_total_len(20 + before.payload().len() as u16);
        if !kept {
            header.set_ident(if before.dont_frag() { 0 } else { LOCAL_ID });
        }
        header.fill_checksum();
        prop_assert_eq!(back, expected);
    }

    #[test]
    fn with_keep_id_all_and_no_options_the_packet_comes_back_octet_for_octet(
        guest in guest_packet().prop_filter("options", |ip| ip[0] == 0x45), layout in any_layout(),
    ) {
        let rules = HeadingRules { keep_id: KeepId::All, ..RULES };
        prop_assert_eq!(there_and_back(&guest, layout, &rules), guest);
    }

    #[test]
    fn parse_arbitrary_bytes(mut wire in prop::collection::vec(any::<u8>(), 0..120), fragment: bool, len in 0u8..80) {
        if wire.len() > 41 {
            (wire[0], wire[4], wire[5]) = (wire[0] & 0x0f | 0x60, 0, len);
            if fragment {
                (wire[6], wire[41]) = (44, 0);
            }
        }
        if let Ok((facts, overlay)) = parsed(&wire, &RULES) {
            prop_assert!(40 + usize::from(facts.payload_bytes) <= wire.len());
            prop_assert!(overlay.label.ttl > 0);
            let back = decoded(&wire, &RULES).unwrap();
            let theirs = Ipv4Packet::new_checked(&back).unwrap();
            prop_assert!(theirs.verify_checksum());
            prop_assert_eq!(theirs.total_len(), overlay.total_bytes());
            let payload_at = usize::from(overlay.head_bytes);
            prop_assert_eq!(theirs.payload(), &wire[payload_at..][..usize::from(overlay.payload_bytes)]);
        }
    }
}
