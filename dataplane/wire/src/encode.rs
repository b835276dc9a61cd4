//! From guest to substrate: an IPv4 header becomes an IPv6 header (section 2).
//!
//! The payload is neither moved nor changed. The packet stays the guest's: what
//! is not in its header comes in [`Heading`].

mod facts;
pub mod plain;
mod rules;

pub use crate::protocol::is_forbidden as forbidden_protocol;
pub use facts::Ipv4Facts;
pub use rules::{DscpRule, HeadingRules, KeepId};

use crate::{
    DropReason,
    address::Prefix96,
    ethernet, fragment, ipv4, ipv6,
    label::{Label, flow_hash},
    packet::Packet,
    protocol,
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
#[inline(always)]
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
    let (head, extension) = out
        .split_first_chunk_mut::<{ ipv6::HEADER_BYTES }>()
        .expect("the caller sized it by `head_bytes`");
    let next_header = if extra == 0 {
        facts.protocol
    } else {
        protocol::FRAGMENT
    };
    // Each piece straight to where it belongs: see `Ipv4Facts::parse`.
    head[..8].copy_from_slice(
        &ipv6::first_word(
            rules.dscp.to_substrate(facts.tos),
            label.to_bits(),
            facts.payload_bytes() + extra as u16, // 0 or 8; the sum is at most 65523
            next_header,
            HOP_LIMIT,
        )
        .to_be_bytes(),
    );
    head[8..20].copy_from_slice(&heading.source.0);
    head[20..24].copy_from_slice(&facts.source.octets());
    head[24..36].copy_from_slice(&heading.destination.0);
    head[36..].copy_from_slice(&facts.destination.octets());
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
#[inline(always)]
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

/// The octets of payload in each fragment but the last of a packet that is too
/// big for a path (section 4).
#[must_use]
pub const fn fragment_unit_bytes(path_mtu: u16) -> u16 {
    let head_bytes = (ipv6::HEADER_BYTES + fragment::HEADER_BYTES) as u16;
    path_mtu.saturating_sub(head_bytes) & !(ipv4::OFFSET_UNIT_BYTES as u16 - 1)
}

/// One fragment of a packet: where in its payload it lies, in octets. `start` is
/// a multiple of 8.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Where it begins.
    pub start: u16,
    /// How long it is.
    pub bytes: u16,
}

impl Piece {
    /// What the header of this fragment of the packet `facts` says, which may be
    /// a fragment itself. `None` if it would begin beyond what 13 bits can say,
    /// which nothing can put together.
    #[must_use]
    pub fn facts(self, facts: &Ipv4Facts) -> Option<Ipv4Facts> {
        let offset_units = facts.offset_units + self.start / ipv4::OFFSET_UNIT_BYTES as u16;
        let is_last = self.start + self.bytes == facts.payload_bytes();
        (offset_units <= ipv4::OFFSET_UNITS_MAX).then(|| Ipv4Facts {
            header_bytes: ipv4::HEADER_BYTES as u8,
            total_bytes: ipv4::HEADER_BYTES as u16 + self.bytes,
            more_fragments: facts.more_fragments || !is_last,
            offset_units,
            flow_hash: flow_hash(facts.source, facts.destination, facts.protocol, 0),
            ..*facts
        })
    }
}

/// Puts a head in front of `packet`, which holds the payload of the fragment
/// that `facts` tell of and nothing else. In front of the head lie 14 octets of
/// unspecified content for [`ethernet::write`].
///
/// # Errors
/// [`DropReason::NoMbuf`], and nothing changed, if the headroom does not hold 62
/// octets.
pub fn head_fragment<P: Packet>(
    packet: &mut P,
    facts: &Ipv4Facts,
    heading: &Heading<'_>,
    rules: &HeadingRules,
) -> Result<(), DropReason> {
    let head_bytes = head_bytes(facts, rules);
    let front_bytes = ethernet::HEADER_BYTES + head_bytes;
    packet.prepend(front_bytes).ok_or(DropReason::NoMbuf)?;
    let head = &mut packet.bytes_mut()[ethernet::HEADER_BYTES..front_bytes];
    write_head(head, facts, heading, rules);
    Ok(())
}

#[cfg(test)]
mod tests;
