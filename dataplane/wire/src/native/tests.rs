//! Packets between a node and a native peer, both ways.

mod chains;
mod errors;
mod golden;
mod hostile;
mod packets;

use super::{Chain, Ends, Mtus, Peer, Translation, UdpZero, down, quote, up};
use crate::{
    DropReason,
    address::Layout,
    checksum,
    decode::Ipv6Facts,
    encode::{DscpRule, Ipv4Facts},
    ipv4, ipv6, protocol,
    samples::{frame, guest_address, ip, prefixes},
};
use proptest::prelude::*;
use std::net::{Ipv4Addr, Ipv6Addr};

pub const RULES: Translation = Translation {
    dscp: DscpRule::Copy,
    udp_zero: UdpZero::Compute,
    experimental_allowed: false,
    mtus: Mtus {
        ipv4: 1500,
        ipv6: 1600,
    },
};

pub const NODE: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
pub const DUMMY: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 200);
/// The virtual router, in whose name errors of the substrate's routers come.
pub const GATEWAY: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
pub const LOCAL_ID: u16 = 77;

/// The peer of the documentation's examples.
pub fn peer() -> Ipv6Addr {
    "2001:db8:7::80".parse().unwrap()
}

/// Node 10.0.0.2 of section 1's first host, and the peer.
pub fn ends() -> Ends {
    let [prefix, _] = prefixes(Layout::Neutral56);
    Ends::new(&prefix, NODE, Peer::new(DUMMY, peer().octets()))
}

/// Any node and peer, in both layouts.
pub fn any_ends() -> impl Strategy<Value = Ends> {
    let layout = prop_oneof![Just(Layout::Neutral56), Just(Layout::Fixed72)];
    (layout, guest_address(), guest_address(), any::<[u8; 16]>()).prop_map(
        |(layout, node, dummy, address)| {
            let [prefix, _] = prefixes(layout);
            Ends::new(&prefix, node, Peer::new(dummy, address))
        },
    )
}

/// What becomes of a node's IPv4 packet.
pub fn rise(ipv4: &[u8], ends: &Ends, rules: &Translation) -> Result<Vec<u8>, DropReason> {
    let facts = Ipv4Facts::parse(ipv4)?;
    let mut packet = frame(ipv4, 3);
    if up::is_error(&facts, &ipv4[usize::from(facts.header_bytes)..]) {
        quote::up(&mut packet, &facts, ends, rules)?;
    } else {
        up::reheader(&mut packet, &facts, ends, rules)?;
    }
    Ok(ip(&packet).to_vec())
}

/// What becomes of a peer's IPv6 packet.
pub fn fall(ipv6: &[u8], ends: &Ends, rules: &Translation) -> Result<Vec<u8>, DropReason> {
    let facts = Ipv6Facts::parse(ipv6)?;
    let chain = Chain::parse(&facts, ipv6, rules.experimental_allowed);
    let chain = chain.map_err(|refusal| refusal.reason)?;
    let mut packet = frame(ipv6, 3);
    let id = || LOCAL_ID;
    if down::is_error(&chain, &ipv6[usize::from(chain.head_bytes)..]) {
        let from = match facts.source == ends.peer.address {
            true => ends.peer.dummy,
            false => GATEWAY,
        };
        quote::down(&mut packet, &facts, &chain, from, ends, id, rules)?;
    } else {
        down::restore(&mut packet, &facts, &chain, ends, id, rules)?;
    }
    Ok(ip(&packet).to_vec())
}

/// Writes the checksum of a whole packet's payload, computed over everything
/// that it covers. `at` is where the field lies in the payload.
pub fn fill(packet: &mut [u8], at: usize) {
    let (front, payload) = packet.split_at_mut(front_bytes(packet));
    payload[at..at + 2].fill(0);
    let sum = checksum::add(pseudo(front, payload.len()), checksum::sum(payload));
    payload[at..at + 2].copy_from_slice(&(!sum).to_be_bytes());
}

/// Whether the checksum of a whole packet's payload is right, computed over
/// everything that it covers.
pub fn is_right(packet: &[u8]) -> bool {
    let (front, payload) = packet.split_at(front_bytes(packet));
    checksum::add(pseudo(front, payload.len()), checksum::sum(payload)) == 0xffff
}

fn front_bytes(packet: &[u8]) -> usize {
    match packet[0] >> 4 {
        4 => ipv4::HEADER_BYTES,
        _ => ipv6::HEADER_BYTES,
    }
}

/// The pseudo-header of what a header without extensions stands in front of.
fn pseudo(front: &[u8], bytes: usize) -> u16 {
    let (protocol, addresses) = match front[0] >> 4 {
        4 => (front[9], &front[12..20]),
        _ => (front[6], &front[8..40]),
    };
    match protocol {
        protocol::ICMPV4 => 0,
        _ => {
            checksum::fold(u64::from(checksum::sum(addresses)) + u64::from(protocol) + bytes as u64)
        }
    }
}

/// An IPv4 packet without options, TTL 64, DF clear, ID 0x1234.
pub fn ipv4_packet(from: Ipv4Addr, to: Ipv4Addr, protocol: u8, payload: &[u8]) -> Vec<u8> {
    use zerocopy::IntoBytes;
    let header = ipv4::Header::new(&ipv4::Fields {
        tos: 0,
        total_bytes: (ipv4::HEADER_BYTES + payload.len()) as u16,
        id: 0x1234,
        dont_fragment: false,
        more_fragments: false,
        offset_units: 0,
        ttl: 64,
        protocol,
        source: from,
        destination: to,
    });
    [header.as_bytes(), payload].concat()
}

/// An IPv6 packet without extension headers, hop limit 64.
pub fn ipv6_packet(from: [u8; 16], to: [u8; 16], next_header: u8, payload: &[u8]) -> Vec<u8> {
    use zerocopy::IntoBytes;
    let header = ipv6::Header::new(0, 0, payload.len() as u16, next_header, 64, from, to);
    [header.as_bytes(), payload].concat()
}

/// An ICMP message with its checksum, in the family of its packet.
pub fn icmp(mut packet: Vec<u8>) -> Vec<u8> {
    fill(&mut packet, 2);
    packet
}
