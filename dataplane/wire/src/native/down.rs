//! From a native peer to a node: IPv6 becomes IPv4 (RFC 7915 section 5).

use super::{Chain, Ends, Translation, icmp, transport};
use crate::{
    DropReason, checksum, decode::Ipv6Facts, ethernet, icmpv6, ipv4, ipv6, native::transport::Part,
    packet::Packet, protocol,
};
use zerocopy::IntoBytes;

/// The largest IPv4 packet that routers may fragment; a larger one tells the
/// peer that an IPv4 link is smaller (section 5.1).
pub const FRAGMENTABLE_BYTES_MAX: u16 = 1260;

/// The total length of the IPv4 packet that comes of it, in octets.
#[must_use]
#[inline]
pub const fn total_bytes(facts: &Ipv6Facts, chain: &Chain) -> u16 {
    chain.payload_bytes(facts) + ipv4::HEADER_BYTES as u16
}

/// Whether the packet is an ICMP error, which [`super::quote::down`] translates.
#[must_use]
#[inline]
pub fn is_error(chain: &Chain, payload: &[u8]) -> bool {
    let first = match &chain.fragment {
        Some(piece) => piece.offset_units == 0,
        None => true,
    };
    first && chain.protocol == protocol::ICMPV6 && payload.first().is_some_and(|&kind| kind < 128)
}

/// Translates a payload in place, all but that of an ICMP error. Returns the
/// protocol.
fn payload(payload: &mut [u8], chain: &Chain, ends: &Ends) -> Result<u8, DropReason> {
    match chain.protocol {
        protocol::ICMPV6 if chain.is_part() => Err(DropReason::IcmpRefused),
        protocol::ICMPV6 => {
            echo(payload, ends)?;
            Ok(protocol::ICMPV4)
        }
        protocol => {
            let piece = chain.fragment;
            let part = Part {
                protocol,
                offset_units: piece.map_or(0, |piece| piece.offset_units),
                more: piece.is_some_and(|piece| piece.more_fragments),
            };
            transport::down(payload, part, ends)?;
            Ok(protocol)
        }
    }
}

/// ICMPv4 has no pseudo-header and ICMPv6 has one.
fn echo(message: &mut [u8], ends: &Ends) -> Result<(), DropReason> {
    let bytes = message.len() as u32; // an IPv6 packet's
    let (header, _) = icmpv6::parse(message).ok_or(DropReason::DecodeMalformed)?;
    let kind = icmp::icmpv4_query(header.kind).ok_or(DropReason::IcmpRefused)?;
    let pseudo = ipv6::pseudo_header_sum(
        &ends.peer.address,
        &ends.node_address,
        bytes,
        protocol::ICMPV6,
    );
    let word = |kind| u16::from_be_bytes([kind, header.code]);
    let removed = checksum::add(word(header.kind), pseudo);
    let field = checksum::exchange(header.checksum.get(), removed, word(kind));
    message[0] = kind;
    message[2..4].fill(0);
    // An echo reply may be nothing but zeros, whose sum is not 0xffff.
    let field = match field {
        0 if checksum::sum(message) == 0 => 0xffff,
        field => field,
    };
    message[2..4].copy_from_slice(&field.to_be_bytes());
    Ok(())
}

/// Translates a packet that fits the node's link and is no ICMP error.
///
/// Ethernet padding is cut off. In front of the IPv4 header lie 14 octets of
/// unspecified content for [`ethernet::write`]. `local_id` is asked for an ID
/// only if the packet has no Fragment header (section 5.1).
///
/// The caller has compared the hop limit with 1.
///
/// # Errors
/// `IcmpRefused` for ICMP that has no counterpart, and for fragments of ICMP;
/// `DecodeMalformed` if the payload ends before its checksum, or is UDP without
/// one. Nothing is changed then, but padding is gone.
///
/// # Panics
/// If `facts` and `chain` were not parsed from this frame and exceed it.
#[inline]
pub fn restore<P: Packet>(
    packet: &mut P,
    facts: &Ipv6Facts,
    chain: &Chain,
    ends: &Ends,
    local_id: impl FnOnce() -> u16,
    rules: &Translation,
) -> Result<(), DropReason> {
    debug_assert!(facts.hop_limit > 1, "the hop limit is checked before");
    let head_bytes = usize::from(chain.head_bytes);
    let front = ethernet::HEADER_BYTES + head_bytes;
    packet.truncate(front + usize::from(chain.payload_bytes(facts)));
    let protocol = payload(&mut packet.bytes_mut()[front..], chain, ends)?;
    packet.remove_front(head_bytes - ipv4::HEADER_BYTES);
    let total_bytes = total_bytes(facts, chain);
    let piece = chain.fragment;
    let header = ipv4::Header::new(&ipv4::Fields {
        tos: rules.dscp.to_guest(facts.traffic_class),
        total_bytes,
        id: match piece {
            Some(piece) => piece.id,
            None => local_id(),
        },
        dont_fragment: piece.is_none() && total_bytes > FRAGMENTABLE_BYTES_MAX,
        more_fragments: piece.is_some_and(|piece| piece.more_fragments),
        offset_units: piece.map_or(0, |piece| piece.offset_units),
        ttl: facts.hop_limit.saturating_sub(1),
        protocol,
        source: ends.peer.dummy,
        destination: ends.node,
    });
    packet.bytes_mut()[ethernet::HEADER_BYTES..][..ipv4::HEADER_BYTES]
        .copy_from_slice(header.as_bytes());
    Ok(())
}
