//! The plain packet of a guest: what nearly every packet is, on a straight way.
//!
//! Plain is an IPv4 packet of the node itself without options, whole, correct, and with a header
//! that crosses in the 40 octets of an IPv6 header. A packet that is not plain is not wrong: it
//! takes the way of [`Ipv4Facts`](super::Ipv4Facts), which alone knows the reasons. A plain one
//! would come out of that way with the same octets.
//!
//! Everything that is the same for all packets of one sender is compared and written from one
//! [`Stencil`], made once a burst.

use std::net::Ipv4Addr;

use super::{Heading, HeadingRules, KeepId};
use crate::{
    address::Prefix96,
    checksum,
    ethernet::{self, EtherType, MacAddress},
    ipv4, ipv6,
    label::{Label, flow_hash},
    packet::Packet,
    protocol::Plainness,
};

/// The length of the Ethernet and the IPv4 header of a plain packet, in octets.
const IPV4_FRONT_BYTES: usize = ethernet::HEADER_BYTES + ipv4::HEADER_BYTES;
/// The length of the Ethernet and the IPv6 header that take their place.
const IPV6_FRONT_BYTES: usize = ethernet::HEADER_BYTES + ipv6::HEADER_BYTES;
/// What is read of a packet: its headers, and what tells flows apart.
const READ_BYTES: usize = IPV4_FRONT_BYTES + 4;

/// What a sender's plain packets have in common.
#[derive(Clone, Copy, Debug)]
pub struct Stencil {
    /// The sender's Ethernet address and the type of IPv4, as a frame has them.
    from: [u8; 8],
    /// The sender's virtual address.
    source: Ipv4Addr,
    /// Flags and fragment offset that a plain packet may have: those of `flags_fixed` as here.
    flags: u16,
    flags_fixed: u16,
    /// The longest packet that fits on every path, in octets.
    total_bytes_max: u16,
    /// Of the TOS octet, the bits that become the traffic class.
    class_from_tos: u8,
    /// What the first 8 octets of all their IPv6 headers have in common. The other fields are zero,
    /// but that the payload's length is short by an IPv4 header: so the packet's own is added.
    first: u64,
    /// The Ethernet header, and two octets that the IPv6 header then covers.
    ethernet: [u8; 16],
    /// The outer source.
    outer_source: [u8; 16],
}

/// The ends of the two links of a stencil.
#[derive(Clone, Copy, Debug)]
pub struct Links {
    /// The sender.
    pub node: MacAddress,
    /// This host on the substrate.
    pub uplink: MacAddress,
    /// Its router.
    pub next_hop: MacAddress,
}

/// What is read from a plain packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plain {
    /// The first 8 octets of its IPv6 header.
    first: [u8; 8],
    /// Its length on the guest's link without padding, in octets.
    frame_bytes: u16,
    /// The virtual address that it is for: unicast.
    pub destination: Ipv4Addr,
}

impl Stencil {
    /// For the packets of `source` on their way to other hosts, where what a
    /// look-up adds, the destination of `heading` and its virtual routers, is left
    /// open. `path_mtu` is the least of all paths. `None` if no packet can be
    /// plain: every one has a Fragment header, or the sender's address is none
    /// that a guest may use.
    #[must_use]
    pub fn new(
        links: Links,
        source: Ipv4Addr,
        heading: &Heading<'_>,
        path_mtu: u16,
        rules: &HeadingRules,
    ) -> Option<Self> {
        let not_plain = IS_FRAGMENT | ipv4::RESERVED_FLAG;
        let (flags, flags_fixed) = match rules.keep_id {
            KeepId::Off => (0, not_plain),
            KeepId::Df0 => (ipv4::DONT_FRAGMENT, not_plain | ipv4::DONT_FRAGMENT),
            KeepId::All => return None,
        };
        if !is_unicast(source) {
            return None;
        }
        let (mut from, mut ethernet) = ([0; 8], [0; 16]);
        from[..6].copy_from_slice(&links.node.0);
        from[6..].copy_from_slice(&EtherType::IPV4.get().to_be_bytes());
        ethernet::write(&mut ethernet, links.next_hop, links.uplink, EtherType::IPV6);
        let label = Label {
            ttl: 0,
            dont_fragment: false,
            copy: heading.copy,
            generation: heading.generation,
            hash: 0,
        };
        Some(Self {
            from,
            source,
            flags,
            flags_fixed,
            total_bytes_max: path_mtu.saturating_sub(GROWTH_BYTES as u16),
            class_from_tos: rules.dscp.to_substrate(0xff) ^ rules.dscp.to_substrate(0),
            first: ipv6::first_word(
                rules.dscp.to_substrate(0),
                label.to_bits(),
                0,
                0,
                super::HOP_LIMIT,
            ) - ((ipv4::HEADER_BYTES as u64) << 16),
            ethernet,
            outer_source: heading.source.with(source),
        })
    }

    /// Reads a frame; `None` if it is not plain. `virtual_routers` says how many lie
    /// before a destination.
    // The branches are never taken by a plain packet: one comparison and no dependency each.
    #[inline(always)]
    #[must_use]
    pub fn read(
        &self,
        frame: &[u8],
        virtual_routers: impl FnOnce(Ipv4Addr) -> u8,
    ) -> Option<Plain> {
        let front: &[u8; READ_BYTES] = frame.first_chunk()?;
        let header: &[u8; ipv4::HEADER_BYTES] = front[ethernet::HEADER_BYTES..].first_chunk()?;
        if front[6..14] != self.from || header[0] != VERSION_4_IHL_5 {
            return None;
        }
        let octets = |at: usize| u16::from_be_bytes([header[at], header[at + 1]]);
        let address = |at: usize| {
            Ipv4Addr::from([header[at], header[at + 1], header[at + 2], header[at + 3]])
        };
        let (total_bytes, flags) = (octets(2), octets(6));
        let (tos, ttl, protocol) = (header[1], header[8], header[9]);
        let (source, destination) = (address(12), address(16));
        if source != self.source || !checksum::verify_plain_header(header) {
            return None;
        }
        let frame_bytes = ethernet::HEADER_BYTES + usize::from(total_bytes);
        if frame_bytes > frame.len()
            || total_bytes > self.total_bytes_max
            || flags & self.flags_fixed != self.flags
            || !is_unicast(destination)
        {
            return None;
        }
        // `total_bytes_max` is less than what `takes` wants to be exceeded.
        let plainness = Plainness::of(protocol);
        if !plainness.takes(total_bytes) {
            return None;
        }
        let virtual_routers = virtual_routers(destination);
        if ttl <= virtual_routers {
            return None;
        }
        let identity = u32::from_be_bytes(*front.last_chunk()?) & plainness.identity_mask;
        let hash = flow_hash(source, destination, protocol, identity);
        // No field reaches into the next, so that none of the sums carries.
        let first = self.first
            + (u64::from(tos & self.class_from_tos) << 52)
            + (u64::from(ttl - virtual_routers) << 44)
            + (u64::from(flags & ipv4::DONT_FRAGMENT) << 29)
            + (u64::from(hash) << 32)
            + (u64::from(total_bytes) << 16)
            + (u64::from(protocol) << 8);
        Some(Plain {
            first: first.to_be_bytes(),
            frame_bytes: frame_bytes as u16,
            destination,
        })
    }

    /// Re-heads a packet that was [read](Self::read) as `plain`, Ethernet header
    /// included. Padding is cut off. `None`, and no octet of the packet changed, if
    /// the buffer does not allow it.
    #[inline(always)]
    #[must_use]
    pub fn rehead<P: Packet>(
        &self,
        packet: &mut P,
        plain: &Plain,
        destination: &Prefix96,
    ) -> Option<()> {
        let front =
            packet.replace_front::<IPV4_FRONT_BYTES, IPV6_FRONT_BYTES>(plain.frame_bytes)?;
        front[..16].copy_from_slice(&self.ethernet);
        front[14..22].copy_from_slice(&plain.first);
        front[22..38].copy_from_slice(&self.outer_source);
        front[38..50].copy_from_slice(&destination.0);
        // The last four octets are the destination's virtual address, in either header.
        Some(())
    }
}

/// By how much a plain packet grows, in octets.
pub const GROWTH_BYTES: usize = ipv6::HEADER_BYTES - ipv4::HEADER_BYTES;
const VERSION_4_IHL_5: u8 = 0x45;
const IS_FRAGMENT: u16 = ipv4::MORE_FRAGMENTS | ipv4::OFFSET_UNITS_MAX;

/// Neither zero nor loopback, multicast or reserved.
#[inline(always)]
fn is_unicast(address: Ipv4Addr) -> bool {
    let first = address.octets()[0];
    // One comparison for 0 and for 224 and above.
    first.wrapping_sub(1) < 223 && first != 127
}

#[cfg(test)]
mod tests;
