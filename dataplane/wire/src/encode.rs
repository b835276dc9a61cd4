//! From guest to substrate: an IPv4 header becomes an IPv6 header (section 2).
//!
//! The payload is neither moved nor changed. The packet stays the guest's: what
//! is not in its header comes in [`Heading`].

mod facts;
mod rules;

pub use crate::protocol::is_forbidden as forbidden_protocol;
pub use facts::Ipv4Facts;
pub use rules::{DscpRule, HeadingRules, KeepId};

use crate::{
    DropReason, address::Prefix96, ethernet, fragment, ipv6, label::Label, packet::Packet, protocol,
};
use zerocopy::IntoBytes;

/// The hop limit of every packet that this host sends into the substrate.
const HOP_LIMIT: u8 = 255;

/// Where a packet goes from and to: what a lookup adds to the guest's header.
#[derive(Clone, Copy, Debug)]
pub struct Heading<'a> {
    /// Host and network of the sender.
    pub source: &'a Prefix96,
    /// Host and network of the receiver.
    pub destination: &'a Prefix96,
    /// k: how many routers between the subnets this dataplane stands for; 0 in a subnet.
    pub virtual_routers: u8,
    /// The owner generation of the inner source; its low two bits are sent.
    pub generation: u8,
    /// This is a copy for a replica.
    pub copy: bool,
}

/// The length of the IPv6 head of a packet in octets: 40, or 48 with a
/// Fragment header.
#[must_use]
#[inline]
pub fn head_bytes(facts: &Ipv4Facts, rules: &HeadingRules) -> usize {
    if has_fragment_header(facts, rules) {
        ipv6::HEADER_BYTES + fragment::HEADER_BYTES
    } else {
        ipv6::HEADER_BYTES
    }
}

/// Section 3. AH always has one, since it authenticates the ID.
#[inline]
fn has_fragment_header(facts: &Ipv4Facts, rules: &HeadingRules) -> bool {
    let keep_id = match rules.keep_id {
        KeepId::Off => false,
        KeepId::Df0 => !facts.dont_fragment,
        KeepId::All => true,
    };
    keep_id || facts.is_fragment() || facts.protocol == protocol::AH
}

/// Writes the IPv6 head of the packet that `facts` tell of.
///
/// The caller has compared TTL and virtual routers ([`DropReason::EncodeTtl`])
/// and refused forbidden protocols ([`DropReason::EncodeForbiddenProtocol`]).
///
/// # Panics
/// If `out` is not [`head_bytes`] long.
#[inline]
pub fn write_head(out: &mut [u8], facts: &Ipv4Facts, heading: &Heading<'_>, rules: &HeadingRules) {
    debug_assert!(facts.ttl > heading.virtual_routers, "TTL is checked before");
    let label = Label {
        ttl: facts.ttl.saturating_sub(heading.virtual_routers),
        dont_fragment: facts.dont_fragment,
        copy: heading.copy,
        generation: heading.generation,
        hash: facts.flow_hash,
    };
    let extra = head_bytes(facts, rules) - ipv6::HEADER_BYTES;
    let (head, extension) = out.split_at_mut(ipv6::HEADER_BYTES);
    let header = ipv6::Header::new(
        rules.dscp.to_substrate(facts.tos),
        label.to_bits(),
        facts.payload_bytes() + extra as u16, // 0 or 8; the sum is at most 65523
        if extra == 0 {
            facts.protocol
        } else {
            protocol::FRAGMENT
        },
        HOP_LIMIT,
        heading.source.with(facts.source),
        heading.destination.with(facts.destination),
    );
    head.copy_from_slice(header.as_bytes());
    if extra != 0 {
        let header = fragment::Header::new(
            facts.protocol,
            facts.offset_units,
            facts.more_fragments,
            facts.id.into(),
        );
        extension.copy_from_slice(header.as_bytes());
    }
}

/// Re-heads a frame whose IPv4 packet `facts` tell of.
///
/// Ethernet padding is cut off. In front of the new head lie 14 octets of
/// unspecified content for [`ethernet::write`].
///
/// # Errors
/// [`DropReason::NoMbuf`], and only the padding cut off, if the headroom does
/// not hold the up to 28 octets by which the head grows.
///
/// # Panics
/// If `facts` were not parsed from this frame and exceed it.
#[inline]
pub fn reheader<P: Packet>(
    packet: &mut P,
    facts: &Ipv4Facts,
    heading: &Heading<'_>,
    rules: &HeadingRules,
) -> Result<(), DropReason> {
    packet.truncate(ethernet::HEADER_BYTES + usize::from(facts.total_bytes));
    let old = usize::from(facts.header_bytes);
    let new = head_bytes(facts, rules);
    if new >= old {
        packet.prepend(new - old).ok_or(DropReason::NoMbuf)?;
    } else {
        packet.remove_front(old - new);
    }
    let head = &mut packet.bytes_mut()[ethernet::HEADER_BYTES..][..new];
    write_head(head, facts, heading, rules);
    Ok(())
}

#[cfg(test)]
mod tests;
