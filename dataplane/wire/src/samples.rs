//! Packets and places that the tests of several modules share.

use crate::{
    address::{Layout, Locator, Prefix96},
    ethernet,
    packet::HeapPacket,
    protocol,
};
use proptest::prelude::*;
use smoltcp::wire::Ipv4Packet;
use std::net::{Ipv4Addr, Ipv6Addr};

/// The network of sections 1 and 10.
pub const NET: u32 = 0x12_3456;
/// Section 10: a TCP SYN with DF, the wire with HASH 0x6d, and what comes back.
pub const TCP_IN: &str =
    "4500002812344000400614980a0000020a0000039c40005000000001000000005002ffffff4c0000";
pub const TCP_WIRE: &str = "6004096d001406fffd0000aa00bbcc31011234560a000002fd0000aa00bbdd30f01234560a0000039c40005000000001000000005002ffffff4c0000";
pub const TCP_BACK: &str =
    "4500002800004000400626cc0a0000020a0000039c40005000000001000000005002ffffff4c0000";
/// Section 10: a UDP fragment, which comes back as it went in, and the wire with HASH 0x2f.
pub const FRAGMENT_IN: &str =
    "45020024beef20b90111c61a0a0000020a00000311111111111111111111111111111111";
pub const FRAGMENT_WIRE: &str = "6020112f00182cfffd0000aa00bbcc31011234560a000002fd0000aa00bbdd30f01234560a000003110005c90000beef11111111111111111111111111111111";

/// The octets that hexadecimal digits stand for.
pub fn octets(hex: &str) -> Vec<u8> {
    (0..hex.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
        .collect()
}

/// The locators of the two hosts of section 1, or their like in 72 bits.
pub fn locators(layout: Layout) -> [Locator; 2] {
    let residue = match layout {
        Layout::Neutral56 => 0,
        Layout::Fixed72 => 0x0042_1700,
    };
    [0xcc, 0xdd].map(|last: u128| {
        let bits = 0xfd00_00aa_00bb << 80 | last << 72 | residue << 48;
        Locator::new(Ipv6Addr::from_bits(bits), layout).unwrap()
    })
}

/// Network [`NET`] at the two hosts.
pub fn prefixes(layout: Layout) -> [Prefix96; 2] {
    locators(layout).map(|locator| layout.prefix96(&locator, NET))
}

pub fn any_layout() -> impl Strategy<Value = Layout> {
    prop_oneof![Just(Layout::Neutral56), Just(Layout::Fixed72)]
}

/// A frame of `ip` behind an Ethernet header, with `padding_bytes` behind.
pub fn frame(ip: &[u8], padding_bytes: usize) -> HeapPacket {
    let mut frame = vec![0xee; ethernet::HEADER_BYTES];
    frame.extend_from_slice(ip);
    frame.resize(frame.len() + padding_bytes, 0xaa);
    HeapPacket::new(&frame)
}

/// What `frame` put in front and behind of.
pub fn ip(frame: &HeapPacket) -> &[u8] {
    use crate::packet::Packet;
    &frame.bytes()[ethernet::HEADER_BYTES..]
}

/// An address that a guest may have.
pub fn guest_address() -> impl Strategy<Value = Ipv4Addr> {
    any::<u32>()
        .prop_map(Ipv4Addr::from)
        .prop_filter("martian", |address| {
            !matches!(address.octets()[0], 0 | 127 | 224..)
        })
}

/// A packet that a guest may send, built by the oracle, with any options that
/// are well formed, any flags but the reserved one, and TTL 1 or more.
pub fn guest_packet() -> impl Strategy<Value = Vec<u8>> {
    let option = prop_oneof![
        Just(vec![1; 4]),
        Just(vec![148, 4, 0, 0]),
        Just(vec![7, 8, 4, 9, 9, 9, 9, 1]),
    ];
    let options = prop_oneof![
        3 => Just(vec![]),
        1 => prop::collection::vec(option, 1..=5).prop_map(|list| list.concat()),
    ];
    let offset_units = prop_oneof![Just(0), Just(0), 0u16..0x2000];
    let protocol = any::<u8>().prop_filter("forbidden", |&protocol| {
        !protocol::is_forbidden(protocol, false)
    });
    let payload = prop::collection::vec(any::<u8>(), 0..200);
    (
        (
            options,
            any::<u8>(),
            any::<u16>(),
            any::<bool>(),
            any::<bool>(),
        ),
        (
            offset_units,
            1u8..,
            protocol,
            guest_address(),
            guest_address(),
        ),
        payload,
    )
        .prop_map(
            |(
                (options, tos, id, df, mf),
                (offset_units, ttl, protocol, source, destination),
                payload,
            )| {
                let header_bytes = 20 + options.len();
                let mut octets = vec![0; 20];
                octets.extend(options);
                octets.extend(payload);
                let total_bytes = octets.len() as u16;
                let mut packet = Ipv4Packet::new_unchecked(&mut octets);
                packet.set_version(4);
                packet.set_header_len(header_bytes as u8);
                packet.set_dscp(tos >> 2);
                packet.set_ecn(tos & 3);
                packet.set_total_len(total_bytes);
                packet.set_ident(id);
                packet.set_dont_frag(df);
                packet.set_more_frags(mf);
                packet.set_frag_offset(offset_units * 8);
                packet.set_hop_limit(ttl);
                packet.set_next_header(protocol.into());
                packet.set_src_addr(source);
                packet.set_dst_addr(destination);
                packet.fill_checksum();
                octets
            },
        )
}

/// Writes the checksum into an IPv4 header that a test has changed.
pub fn fix_checksum(ip: &mut [u8]) {
    Ipv4Packet::new_unchecked(ip).fill_checksum();
}
