//! From a node to a native peer: IPv4 becomes IPv6 (RFC 7915 section 4).

use super::{Ends, Translation, icmp, transport};
use crate::{
    DropReason, checksum, encode::Ipv4Facts, ethernet, fragment, icmpv4, ipv6,
    native::transport::Part, packet::Packet, protocol,
};
use zerocopy::IntoBytes;

/// The length of the IPv6 head of a packet in octets: 40, or 48 with a
/// Fragment header, which fragments have and nothing else (section 4.1).
#[must_use]
#[inline]
pub const fn head_bytes(facts: &Ipv4Facts) -> usize {
    if facts.is_fragment() {
        ipv6::HEADER_BYTES + fragment::HEADER_BYTES
    } else {
        ipv6::HEADER_BYTES
    }
}

/// Whether the packet is an ICMP error, which [`super::quote::up`] translates.
#[must_use]
#[inline]
pub fn is_error(facts: &Ipv4Facts, payload: &[u8]) -> bool {
    facts.protocol == protocol::ICMPV4
        && facts.offset_units == 0
        && payload
            .first()
            .is_some_and(|&kind| icmp::is_icmpv4_error(kind))
}

/// Translates a payload in place, all but that of an ICMP error. Returns the
/// next header.
///
/// # Errors
/// `IcmpRefused` for ICMP and IGMP that have no counterpart, and for fragments
/// of ICMP (section 1.2); `EncodeMalformed` if the payload ends before its
/// checksum; `PolicyDenied` for UDP without a checksum that gets none. Nothing
/// is changed then.
#[inline]
pub fn payload(
    payload: &mut [u8],
    facts: &Ipv4Facts,
    ends: &Ends,
    rules: &Translation,
) -> Result<u8, DropReason> {
    match facts.protocol {
        protocol::ICMPV4 if facts.is_fragment() => Err(DropReason::IcmpRefused),
        protocol::ICMPV4 => {
            echo(payload, ends)?;
            Ok(protocol::ICMPV6)
        }
        // Group membership is about one link (section 4.2).
        protocol::IGMP => Err(DropReason::IcmpRefused),
        protocol => {
            let part = Part {
                protocol,
                offset_units: facts.offset_units,
                more: facts.more_fragments,
            };
            transport::up(payload, part, ends, rules.udp_zero)?;
            Ok(protocol)
        }
    }
}

/// ICMPv6 has a pseudo-header and ICMPv4 has none.
fn echo(message: &mut [u8], ends: &Ends) -> Result<(), DropReason> {
    let bytes = message.len() as u32; // an IPv4 packet's
    let (header, _) = icmpv4::parse(message).ok_or(DropReason::EncodeMalformed)?;
    let kind = icmp::icmpv6_query(header.kind).ok_or(DropReason::IcmpRefused)?;
    let pseudo = ipv6::pseudo_header_sum(
        &ends.node_address,
        &ends.peer.address,
        bytes,
        protocol::ICMPV6,
    );
    let word = |kind| u16::from_be_bytes([kind, header.code]);
    let added = checksum::add(word(kind), pseudo);
    let checksum = checksum::exchange(header.checksum.get(), word(header.kind), added);
    message[0] = kind;
    message[2..4].copy_from_slice(&checksum.to_be_bytes());
    Ok(())
}

/// Writes the IPv6 head of the packet that `facts` tell of, whose payload has
/// been translated; of a fragment of such a packet, if they tell of that.
///
/// The caller has compared the TTL with 1 ([`DropReason::EncodeTtl`]).
///
/// # Panics
/// If `out` is not [`head_bytes`] long.
#[inline]
pub fn write_head(
    out: &mut [u8],
    facts: &Ipv4Facts,
    next_header: u8,
    ends: &Ends,
    rules: &Translation,
) {
    debug_assert!(facts.ttl > 1, "TTL is checked before");
    let (head, extension) = out.split_at_mut(ipv6::HEADER_BYTES);
    let header = ipv6::Header::new(
        rules.dscp.to_substrate(facts.tos),
        0,
        facts.payload_bytes() + extension.len() as u16, // 0 or 8
        match extension.len() {
            0 => next_header,
            _ => protocol::FRAGMENT,
        },
        facts.ttl.saturating_sub(1),
        ends.node_address,
        ends.peer.address,
    );
    head.copy_from_slice(header.as_bytes());
    if !extension.is_empty() {
        let header = fragment::Header::new(
            next_header,
            facts.offset_units,
            facts.more_fragments,
            facts.id.into(),
        );
        extension.copy_from_slice(header.as_bytes());
    }
}

/// Translates a packet that fits the substrate as it is and is no ICMP error.
///
/// Ethernet padding is cut off. In front of the new head lie 14 octets of
/// unspecified content for [`ethernet::write`].
///
/// # Errors
/// Those of [`payload`]; [`DropReason::NoMbuf`] if the headroom does not hold
/// the up to 28 octets by which the head grows.
///
/// # Panics
/// If `facts` were not parsed from this frame and exceed it.
#[inline]
pub fn reheader<P: Packet>(
    packet: &mut P,
    facts: &Ipv4Facts,
    ends: &Ends,
    rules: &Translation,
) -> Result<(), DropReason> {
    packet.truncate(ethernet::HEADER_BYTES + usize::from(facts.total_bytes));
    let old = usize::from(facts.header_bytes);
    let new = head_bytes(facts);
    let octets = &mut packet.bytes_mut()[ethernet::HEADER_BYTES + old..];
    let next_header = payload(octets, facts, ends, rules)?;
    if new >= old {
        packet.prepend(new - old).ok_or(DropReason::NoMbuf)?;
    } else {
        packet.remove_front(old - new);
    }
    let head = &mut packet.bytes_mut()[ethernet::HEADER_BYTES..][..new];
    write_head(head, facts, next_header, ends, rules);
    Ok(())
}
