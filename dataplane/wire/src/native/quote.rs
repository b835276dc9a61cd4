//! An ICMP error and the packet that it quotes (RFC 7915 sections 4.3 and 5.3).
//!
//! ```text
//!   IPv4 | ICMPv4 | IPv4 of the quoted packet        | its payload | extensions
//!   IPv6 | ICMPv6 | IPv6 of it, perhaps and Fragment | its payload | extensions
//! ```
//! Everything in front of the quoted payload is written anew, the rest stays
//! where it is. Only if extensions follow (RFC 4884) the payload is moved by a
//! few octets, since its length is told in units of 4 or 8.
//!
//! A quoted packet is one that the receiver of the error sent. The message's
//! checksum is verified, since it is computed anew afterwards.

mod heads;
mod quoted;

use super::{Chain, Ends, Translation, icmp};
use crate::{
    DropReason, checksum, decode::Ipv6Facts, encode::Ipv4Facts, ethernet, fragment, icmpv4, icmpv6,
    ipv4, ipv6, packet::Packet, protocol,
};
use heads::Heads;
use quoted::Quoted;
use std::net::Ipv4Addr;
use zerocopy::IntoBytes;

/// What an error may have at most, so that it arrives on every path (RFC 1812
/// section 4.3.2.3, RFC 4443 section 2.4).
const IPV4_ERROR_BYTES_MAX: usize = 576;
const IPV6_ERROR_BYTES_MAX: usize = 1280;

/// What the length of a quote is told in.
const IPV4_QUOTE_UNIT_BYTES: usize = 4;
const IPV6_QUOTE_UNIT_BYTES: usize = 8;

/// Sender and receiver of the packet that an ICMPv6 error quotes. `None` if the
/// quote is cut before the end of its header or is not of IPv6.
#[must_use]
pub fn quoted_addresses(message: &[u8]) -> Option<([u8; 16], [u8; 16])> {
    let (_, quote) = icmpv6::parse(message)?;
    let header = ipv6::peek(quote)?;
    Some((header.source, header.destination))
}

/// Translates an ICMPv4 error of a node, about a packet that the peer sent.
///
/// # Errors
/// `EncodeMalformed` if the message is cut short or its checksum wrong;
/// `IcmpRefused` if it has no counterpart, comes in fragments, quotes another
/// ICMP error, or quotes what this peer did not send to this node;
/// [`DropReason::NoMbuf`] if the headroom does not hold the up to 76 octets by
/// which it grows.
///
/// # Panics
/// If `facts` were not parsed from this frame and exceed it.
pub fn up<P: Packet>(
    packet: &mut P,
    facts: &Ipv4Facts,
    ends: &Ends,
    rules: &Translation,
) -> Result<(), DropReason> {
    packet.truncate(ethernet::HEADER_BYTES + usize::from(facts.total_bytes));
    let message_at = ethernet::HEADER_BYTES + usize::from(facts.header_bytes);
    let message = &packet.bytes()[message_at..];
    if facts.is_fragment() {
        return Err(DropReason::IcmpRefused);
    }
    let (header, quote) = icmpv4::parse(message).ok_or(DropReason::EncodeMalformed)?;
    if !checksum::verify(message) {
        return Err(DropReason::EncodeMalformed);
    }
    let quoted = Quoted::of_ipv4(quote).ok_or(DropReason::IcmpRefused)?;
    let [source, destination] = quoted.ipv4;
    if (source, destination) != (ends.peer.dummy, ends.node) {
        return Err(DropReason::IcmpRefused);
    }
    let head = icmp::icmpv6_error(header, quoted.total_bytes, rules.mtus)
        .ok_or(DropReason::IcmpRefused)?;
    let next_header = quoted.next_header().ok_or(DropReason::IcmpRefused)?;

    let heads = Heads {
        outer: ipv6::HEADER_BYTES + icmpv6::HEADER_BYTES,
        quoted: ipv6::HEADER_BYTES + quoted.piece.map_or(0, |_| fragment::HEADER_BYTES),
        quote_unit: IPV6_QUOTE_UNIT_BYTES,
        packet_bytes_max: IPV6_ERROR_BYTES_MAX,
    };
    let told = usize::from(header.rest[0].get() as u8) * IPV4_QUOTE_UNIT_BYTES;
    let old = message_at + icmpv4::HEADER_BYTES;
    let length = heads.take_place(packet, old, quoted.head_bytes, told, &head)?;

    let octets = &mut packet.bytes_mut()[ethernet::HEADER_BYTES..];
    let (front, payload) = octets.split_at_mut(heads.bytes());
    quoted.translate_payload(payload, ends.delta(), || {
        pseudo_header_sum(ends, quoted.payload_bytes.into())
    });
    quoted.write_ipv6(&mut front[heads.outer..], next_header, ends, rules);
    let message_bytes = (octets.len() - ipv6::HEADER_BYTES) as u16; // at most IPV6_ERROR_BYTES_MAX
    let header = ipv6::Header::new(
        rules.dscp.to_substrate(facts.tos),
        0,
        message_bytes,
        protocol::ICMPV6,
        facts.ttl.saturating_sub(1),
        ends.node_address,
        ends.peer.address,
    );
    let (outer, message) = octets.split_at_mut(ipv6::HEADER_BYTES);
    outer.copy_from_slice(header.as_bytes());
    let icmp = icmpv6::Header::new(head.kind, head.code, head.rest | u32::from(length) << 24);
    message[..icmpv6::HEADER_BYTES].copy_from_slice(icmp.as_bytes());
    let sum = checksum::add(
        pseudo_header_sum(ends, message_bytes.into()),
        checksum::sum(message),
    );
    message[2..4].copy_from_slice(&(!sum).to_be_bytes());
    Ok(())
}

/// Translates an ICMPv6 error about a packet that the node of `ends` sent to
/// the peer of `ends`, in the name of `from`: the peer that sends it, or a
/// router of the substrate, which has no virtual address of its own.
///
/// # Errors
/// `DecodeMalformed` if the message is cut short or its checksum wrong;
/// `IcmpRefused` if it has no counterpart, comes in fragments, quotes another
/// ICMP error, or quotes what this node did not send to this peer.
///
/// # Panics
/// If `facts` and `chain` were not parsed from this frame and exceed it.
pub fn down<P: Packet>(
    packet: &mut P,
    facts: &Ipv6Facts,
    chain: &Chain,
    from: Ipv4Addr,
    ends: &Ends,
    local_id: impl FnOnce() -> u16,
    rules: &Translation,
) -> Result<(), DropReason> {
    let message_at = ethernet::HEADER_BYTES + usize::from(chain.head_bytes);
    packet.truncate(message_at + usize::from(chain.payload_bytes(facts)));
    let message = &packet.bytes()[message_at..];
    if chain.is_part() {
        return Err(DropReason::IcmpRefused);
    }
    let (header, quote) = icmpv6::parse(message).ok_or(DropReason::DecodeMalformed)?;
    if !icmpv6::verify(&facts.source, &facts.destination, message) {
        return Err(DropReason::DecodeMalformed);
    }
    if quoted_addresses(message) != Some((ends.node_address, ends.peer.address)) {
        return Err(DropReason::IcmpRefused);
    }
    let quoted = Quoted::of_ipv6(quote).ok_or(DropReason::IcmpRefused)?;
    let head = icmp::icmpv4_error(header, rules.mtus).ok_or(DropReason::IcmpRefused)?;
    let protocol = quoted.ipv4_protocol().ok_or(DropReason::IcmpRefused)?;

    let heads = Heads {
        outer: ipv4::HEADER_BYTES + icmpv4::HEADER_BYTES,
        quoted: ipv4::HEADER_BYTES,
        quote_unit: IPV4_QUOTE_UNIT_BYTES,
        packet_bytes_max: IPV4_ERROR_BYTES_MAX,
    };
    let told = usize::from(header.rest[0].get().to_be_bytes()[0]) * IPV6_QUOTE_UNIT_BYTES;
    let told = match header.kind {
        icmpv6::UNREACHABLE | icmpv6::TIME_EXCEEDED => told,
        _ => 0,
    };
    let old = message_at + icmpv6::HEADER_BYTES;
    let length = heads.take_place(packet, old, quoted.head_bytes, told, &head)?;

    let octets = &mut packet.bytes_mut()[ethernet::HEADER_BYTES..];
    let total_bytes = octets.len() as u16; // at most IPV4_ERROR_BYTES_MAX
    let (front, payload) = octets.split_at_mut(heads.bytes());
    quoted.translate_payload(payload, !ends.delta(), || {
        !pseudo_header_sum(ends, quoted.payload_bytes.into())
    });
    quoted.write_ipv4(&mut front[heads.outer..], protocol, ends, rules);
    let outer = ipv4::Header::new(&ipv4::Fields {
        tos: rules.dscp.to_guest(facts.traffic_class),
        total_bytes,
        id: local_id(),
        dont_fragment: false,
        more_fragments: false,
        offset_units: 0,
        ttl: facts.hop_limit.saturating_sub(1),
        protocol: protocol::ICMPV4,
        source: from,
        destination: ends.node,
    });
    let (front, message) = octets.split_at_mut(ipv4::HEADER_BYTES);
    front.copy_from_slice(outer.as_bytes());
    let rest = head.rest | u32::from(length) << 16;
    message[..4].copy_from_slice(&[head.kind, head.code, 0, 0]);
    message[4..8].copy_from_slice(&rest.to_be_bytes());
    let checksum = checksum::of(message);
    message[2..4].copy_from_slice(&checksum.to_be_bytes());
    Ok(())
}

/// The sum of an ICMPv6 pseudo-header between both ends.
fn pseudo_header_sum(ends: &Ends, bytes: u32) -> u16 {
    let (node, peer) = (&ends.node_address, &ends.peer.address);
    ipv6::pseudo_header_sum(node, peer, bytes, protocol::ICMPV6)
}
