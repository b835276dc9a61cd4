//! Sections 1 to 3 and 10 as claims about the way from guest to substrate.

use super::*;
use crate::{
    address::{Layout, virtual_of},
    drop_reason::DropReason::*,
    ipv4,
    packet::HeapPacket,
    samples::*,
};
use proptest::prelude::*;
use smoltcp::wire::{
    IpAddress, Ipv4Packet, Ipv6Address, Ipv6FragmentHeader, Ipv6Packet, TcpPacket, UdpPacket,
};

const RULES: HeadingRules = HeadingRules {
    dscp: DscpRule::Copy,
    keep_id: KeepId::Off,
    experimental_allowed: false,
};

/// From the first host to the second, in one subnet, generation 1.
fn heading<'a>(prefixes: &'a [Prefix96; 2]) -> Heading<'a> {
    Heading {
        source: &prefixes[0],
        destination: &prefixes[1],
        virtual_routers: 0,
        generation: 1,
        copy: false,
    }
}

/// What `ip` is on the substrate.
fn encoded(ip_in: &[u8], layout: Layout, rules: &HeadingRules) -> Vec<u8> {
    let facts = Ipv4Facts::parse(ip_in).unwrap();
    let mut packet = frame(ip_in, 0);
    reheader(&mut packet, &facts, &heading(&prefixes(layout)), rules).unwrap();
    ip(&packet).to_vec()
}

#[test]
fn the_vectors_of_section_10_come_out_but_for_the_free_hash() {
    for (guest, wire) in [(TCP_IN, TCP_WIRE), (FRAGMENT_IN, FRAGMENT_WIRE)] {
        let mut ours = encoded(&octets(guest), Layout::Neutral56, &RULES);
        let theirs = octets(wire);
        ours[3] = theirs[3];
        assert_eq!(ours, theirs);
    }
}

#[test]
fn with_fixed72_only_the_addresses_differ() {
    let neutral = encoded(&octets(TCP_IN), Layout::Neutral56, &RULES);
    let fixed = encoded(&octets(TCP_IN), Layout::Fixed72, &RULES);
    assert_eq!(fixed[..8], neutral[..8]);
    assert_eq!(fixed[8..24], octets("fd0000aa00bbcc42171234560a000002"));
    assert_eq!(fixed[24..40], octets("fd0000aa00bbdd42171234560a000003"));
    assert_eq!(fixed[40..], neutral[40..]);
}

#[test]
fn routers_between_subnets_count_the_ttl_down_and_not_the_hop_limit() {
    let facts = Ipv4Facts::parse(&octets(TCP_IN)).unwrap();
    let prefixes = prefixes(Layout::Neutral56);
    let mut head = [0; 40];
    let heading = Heading {
        virtual_routers: 2,
        generation: 0xfe,
        copy: true,
        ..heading(&prefixes)
    };
    write_head(&mut head, &facts, &heading, &RULES);
    let label = Label {
        ttl: 62,
        dont_fragment: true,
        copy: true,
        generation: 2,
        hash: facts.flow_hash,
    };
    assert_eq!(
        u32::from_be_bytes(*head.first_chunk().unwrap()),
        6 << 28 | label.to_bits()
    );
    assert_eq!(head[7], 255);
}

#[test]
fn a_fixed_dscp_hides_the_guests_and_keeps_its_ecn() {
    let fixed = HeadingRules {
        dscp: DscpRule::Fixed(46),
        ..RULES
    };
    let mut guest = octets(TCP_IN);
    guest[1] = 0b1010_1011;
    fix_checksum(&mut guest);
    let class = |rules| {
        Ipv6Packet::new_unchecked(encoded(&guest, Layout::Neutral56, rules)).traffic_class()
    };
    assert_eq!(class(&RULES), 0b1010_1011);
    assert_eq!(class(&fixed), 46 << 2 | 0b11);
}

#[test]
fn the_id_crosses_in_fragments_in_ah_and_where_it_is_kept() {
    use KeepId::{All, Df0, Off};
    let facts = Ipv4Facts::parse(&octets(TCP_IN)).unwrap();
    let clear = Ipv4Facts {
        dont_fragment: false,
        ..facts
    };
    let first = Ipv4Facts {
        more_fragments: true,
        ..clear
    };
    let last = Ipv4Facts {
        offset_units: 1,
        ..clear
    };
    let ah = Ipv4Facts {
        protocol: 51,
        ..facts
    };
    for (name, facts, keep_id, bytes) in [
        ("DF, off", facts, Off, 40),
        ("DF, df0", facts, Df0, 40),
        ("DF, all", facts, All, 48),
        ("off", clear, Off, 40),
        ("df0", clear, Df0, 48),
        ("first fragment", first, Off, 48),
        ("last fragment", last, Off, 48),
        ("AH", ah, Off, 48),
    ] {
        assert_eq!(
            head_bytes(&facts, &HeadingRules { keep_id, ..RULES }),
            bytes,
            "{name}"
        );
    }
}

/// Each row changes the TCP vector; the checksum is made right again unless
/// the row is about it.
#[test]
fn a_header_is_refused_for_the_first_reason_that_applies() {
    type Change = fn(&mut Vec<u8>);
    let with_options = |list: [u8; 4]| {
        let mut ip = octets(TCP_IN);
        ip.splice(20..20, list);
        ip[0] = 0x46;
        ip[3] += 4;
        fix_checksum(&mut ip);
        ip
    };
    let rows: [(&str, Change, Result<(), DropReason>); 24] = [
        ("unchanged", |_| (), Ok(())),
        ("empty", |ip| ip.clear(), Err(EncodeMalformed)),
        ("19 octets", |ip| ip.truncate(19), Err(EncodeMalformed)),
        ("version 6", |ip| ip[0] = 0x65, Err(EncodeMalformed)),
        ("version 0", |ip| ip[0] = 0x05, Err(EncodeMalformed)),
        ("IHL 4", |ip| ip[0] = 0x44, Err(EncodeMalformed)),
        (
            "IHL 15 in 40 octets",
            |ip| ip[0] = 0x4f,
            Err(EncodeMalformed),
        ),
        (
            "total length under IHL",
            |ip| ip[3] = 19,
            Err(EncodeMalformed),
        ),
        ("total length 0", |ip| ip[3] = 0, Err(EncodeMalformed)),
        (
            "total length past the frame",
            |ip| ip[3] = 41,
            Err(EncodeMalformed),
        ),
        ("total length 20", |ip| ip[3] = 20, Ok(())),
        ("reserved flag", |ip| ip[6] |= 0x80, Err(EncodeReservedFlag)),
        ("DF with MF", |ip| ip[6] |= 0x20, Ok(())),
        ("TTL 0, which is the caller's", |ip| ip[8] = 0, Ok(())),
        ("source 0/8", |ip| ip[12] = 0, Err(EncodeMartian)),
        ("source 127/8", |ip| ip[12] = 127, Err(EncodeMartian)),
        ("source 224/4", |ip| ip[12] = 224, Err(EncodeMartian)),
        (
            "source broadcast",
            |ip| ip[12..16].fill(255),
            Err(EncodeMartian),
        ),
        ("destination 0/8", |ip| ip[16] = 0, Err(EncodeMartian)),
        ("destination 127/8", |ip| ip[16] = 127, Err(EncodeMartian)),
        ("destination 224/4", |ip| ip[16] = 224, Ok(())),
        ("destination 240/4", |ip| ip[16] = 240, Err(EncodeMartian)),
        ("destination broadcast", |ip| ip[16..20].fill(255), Ok(())),
        (
            "reserved flag before martian",
            |ip| {
                ip[6] |= 0x80;
                ip[12] = 0
            },
            Err(EncodeReservedFlag),
        ),
    ];
    for (name, change, verdict) in rows {
        let mut ip = octets(TCP_IN);
        change(&mut ip);
        if ip.len() >= 20 && ip[0] == 0x45 {
            fix_checksum(&mut ip);
        }
        assert_eq!(Ipv4Facts::parse(&ip).map(drop), verdict, "{name}");
    }
    for (list, verdict) in [
        ([1, 1, 1, 1], Ok(())),
        ([0, 131, 9, 9], Ok(())),
        ([148, 4, 0, 0], Ok(())),
        ([7, 3, 4, 0], Ok(())),
        ([1, 1, 1, 7], Err(EncodeMalformed)),
        ([7, 0, 0, 0], Err(EncodeMalformed)),
        ([7, 1, 0, 0], Err(EncodeMalformed)),
        ([7, 5, 0, 0], Err(EncodeMalformed)),
        ([131, 3, 4, 0], Err(EncodeSourceRoute)),
        ([1, 137, 3, 4], Err(EncodeSourceRoute)),
    ] {
        assert_eq!(
            Ipv4Facts::parse(&with_options(list)).map(drop),
            verdict,
            "{list:?}"
        );
    }
}

#[test]
fn a_wrong_checksum_is_found_before_the_reserved_flag() {
    let mut ip = octets(TCP_IN);
    ip[6] |= 0x80;
    assert_eq!(Ipv4Facts::parse(&ip), Err(EncodeIpChecksum));
}

#[test]
fn without_headroom_nothing_is_lost_but_the_packet() {
    let mut bytes = vec![0; 14];
    bytes.extend(octets(TCP_IN));
    let mut packet = HeapPacket::with_headroom(&bytes, 19);
    let facts = Ipv4Facts::parse(ip(&packet)).unwrap();
    let outcome = reheader(
        &mut packet,
        &facts,
        &heading(&prefixes(Layout::Neutral56)),
        &RULES,
    );
    assert_eq!((outcome, packet.bytes()), (Err(NoMbuf), &bytes[..]));
}

#[test]
fn the_hash_is_the_same_for_a_flow_and_for_all_fragments_of_a_packet() {
    let hash = |change: fn(&mut [u8])| {
        let mut ip = octets(TCP_IN);
        change(&mut ip);
        fix_checksum(&mut ip);
        Ipv4Facts::parse(&ip).unwrap().flow_hash
    };
    let whole = hash(|_| ());
    assert_eq!(
        whole,
        hash(|ip| {
            ip[4] = 77;
            ip[8] = 3;
            ip[24..].fill(9)
        })
    );
    let fragment = hash(|ip| ip[6] = 0x20);
    assert_eq!(
        fragment,
        hash(|ip| {
            ip[6] = 0x20;
            ip[20..].fill(9)
        })
    );
    assert_eq!(
        fragment,
        hash(|ip| {
            ip[6] = 0;
            ip[7] = 9;
            ip[20..].fill(7)
        })
    );
}

fn any_rules() -> impl Strategy<Value = HeadingRules> {
    let dscp = prop_oneof![Just(DscpRule::Copy), (0u8..64).prop_map(DscpRule::Fixed)];
    let keep_id = prop_oneof![Just(KeepId::Off), Just(KeepId::Df0), Just(KeepId::All)];
    (dscp, keep_id).prop_map(|(dscp, keep_id)| HeadingRules {
        dscp,
        keep_id,
        ..RULES
    })
}

proptest! {
    #[test]
    fn the_oracle_reads_the_head_as_the_guest_meant_it(
        guest in guest_packet(), layout in any_layout(), rules in any_rules(), padding in 0usize..50,
    ) {
        let facts = Ipv4Facts::parse(&guest).unwrap();
        let theirs = Ipv4Packet::new_checked(&guest).unwrap();
        let prefixes = prefixes(layout);
        let mut packet = frame(&guest, padding);
        reheader(&mut packet, &facts, &heading(&prefixes), &rules).unwrap();

        let wire = Ipv6Packet::new_checked(ip(&packet)).unwrap();
        prop_assert_eq!(wire.total_len(), ip(&packet).len());
        prop_assert_eq!(wire.src_addr(), Ipv6Address::from(prefixes[0].with(theirs.src_addr())));
        prop_assert_eq!(wire.dst_addr(), Ipv6Address::from(prefixes[1].with(theirs.dst_addr())));
        prop_assert_eq!(virtual_of(&wire.dst_addr().octets()), theirs.dst_addr());
        prop_assert_eq!(wire.traffic_class() & 3, theirs.ecn());
        let label = Label::from_bits(wire.flow_label());
        prop_assert_eq!((label.ttl, label.dont_fragment), (theirs.hop_limit(), theirs.dont_frag()));
        let (protocol, payload) = if head_bytes(&facts, &rules) == 48 {
            prop_assert_eq!(u8::from(wire.next_header()), 44);
            let header = Ipv6FragmentHeader::new_checked(&wire.payload()[2..]).unwrap();
            prop_assert_eq!(header.frag_offset() * 8, theirs.frag_offset());
            prop_assert_eq!(header.more_frags(), theirs.more_frags());
            prop_assert_eq!(header.ident(), u32::from(theirs.ident()));
            (wire.payload()[0], &wire.payload()[8..])
        } else {
            (u8::from(wire.next_header()), wire.payload())
        };
        prop_assert_eq!(protocol, u8::from(theirs.next_header()));
        prop_assert_eq!(payload, theirs.payload(), "L4 octets are never touched");
    }

    #[test]
    fn a_checksum_over_ipv4_is_right_over_the_neutral_addresses(
        source in guest_address(), destination in guest_address(),
        mut l4 in prop::collection::vec(any::<u8>(), 20..200), udp: bool,
    ) {
        let [from, to] = prefixes(Layout::Neutral56);
        let v4 = [IpAddress::from(source), IpAddress::from(destination)];
        let v6 = [from.with(source), to.with(destination)].map(|octets| IpAddress::from(Ipv6Address::from(octets)));
        if udp {
            let len = l4.len() as u16;
            let mut datagram = UdpPacket::new_unchecked(&mut l4);
            datagram.set_len(len);
            datagram.fill_checksum(&v4[0], &v4[1]);
            prop_assert!(datagram.verify_checksum(&v6[0], &v6[1]));
        } else {
            let mut segment = TcpPacket::new_unchecked(&mut l4);
            segment.fill_checksum(&v4[0], &v4[1]);
            prop_assert!(segment.verify_checksum(&v6[0], &v6[1]));
        }
    }

    #[test]
    fn facts_agree_with_the_oracle_and_their_bounds_hold(
        mut octets in prop::collection::vec(any::<u8>(), 0..120), version_ihl in 0x44u8..0x48,
        total_bytes in 0u8..130, valid: bool,
    ) {
        if octets.len() >= 28 {
            (octets[0], octets[2], octets[3]) = (version_ihl, 0, total_bytes);
            octets[6] &= 0x7f;
            if valid && version_ihl < 0x48 {
                fix_checksum(&mut octets);
            }
        }
        if let Ok(facts) = Ipv4Facts::parse(&octets) {
            let theirs = Ipv4Packet::new_checked(&octets).unwrap();
            prop_assert!(theirs.verify_checksum());
            prop_assert_eq!(facts.total_bytes, theirs.total_len());
            prop_assert_eq!(usize::from(facts.payload_bytes()), theirs.payload().len());
            prop_assert!((ipv4::HEADER_BYTES..=60).contains(&usize::from(facts.header_bytes)));
            prop_assert_eq!(facts.options_bytes(), facts.header_bytes - 20);
            let mut packet = frame(&octets, 0);
            let ttl_passes = Ipv4Facts { ttl: facts.ttl.max(1), ..facts };
            prop_assert_eq!(reheader(&mut packet, &ttl_passes, &heading(&prefixes(Layout::Neutral56)), &RULES), Ok(()));
        }
    }

    #[test]
    fn parse_arbitrary_bytes(octets in prop::collection::vec(any::<u8>(), 0..120)) {
        if let Ok(facts) = Ipv4Facts::parse(&octets) {
            prop_assert!(usize::from(facts.total_bytes) <= octets.len());
        }
    }
}
