//! The plain packet from the substrate: what nearly every packet is, on a straight way.
//!
//! Plain is an IPv6 packet without extension headers whose label and protocol are right. Whether it
//! is genuine, the tables tell: its two outer prefixes must be, octet for octet, those that they hold
//! for its two virtual addresses in the network that it names. Since the tables hold only prefixes
//! of this fabric's hosts, that one comparison each answers checks 3, 4, 6, 7 and 12 of section 9 as
//! well. A packet that is not plain is not wrong: it takes the way of
//! [`Ipv6Facts`](super::Ipv6Facts) and [`Overlay`](super::Overlay), which alone knows the reasons.

use std::net::Ipv4Addr;

use crate::{
    address::{NetworkId, Prefix96},
    encode::HeadingRules,
    ethernet::{self, EtherType, MacAddress},
    ipv4, ipv6,
    label::Label,
    packet::Packet,
    protocol::Plainness,
};

/// The length of the Ethernet and the IPv6 header of a plain packet, in octets.
const IPV6_FRONT_BYTES: usize = ethernet::HEADER_BYTES + ipv6::HEADER_BYTES;
/// The length of the Ethernet and the IPv4 header that take their place.
const IPV4_FRONT_BYTES: usize = ethernet::HEADER_BYTES + ipv4::HEADER_BYTES;
/// The longest payload of a plain packet: a frame's length has 16 bits, and no link carries more.
const PAYLOAD_BYTES_MAX: usize = u16::MAX as usize - IPV6_FRONT_BYTES;

/// What is read from a plain packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plain {
    /// The first 8 octets of its IPv6 header, as a number.
    first: u64,
    /// The network of its destination.
    pub network: NetworkId,
    /// The virtual address that sent it.
    pub source: Ipv4Addr,
    /// The virtual address that it is for.
    pub destination: Ipv4Addr,
}

/// The front of a frame that may be plain.
type Front = [u8; IPV6_FRONT_BYTES];

impl Plain {
    /// Reads a frame; `None` if it is not plain.
    // The branches are never taken by a plain packet: one comparison and no dependency each.
    #[inline(always)]
    #[must_use]
    pub fn read(frame: &[u8]) -> Option<Self> {
        let front: &Front = frame.first_chunk()?;
        if front[12..14] != EtherType::IPV6.get().to_be_bytes() || front[14] >> 4 != 6 {
            return None;
        }
        let address =
            |at: usize| Ipv4Addr::from([front[at], front[at + 1], front[at + 2], front[at + 3]]);
        let plain = Self {
            first: u64::from_be_bytes(*front[14..].first_chunk()?),
            network: NetworkId::new(u32::from_be_bytes(*front[46..].first_chunk()?) & 0xff_ffff)?,
            source: address(34),
            destination: address(50),
        };
        let payload_bytes = usize::from(plain.payload_bytes());
        let is_plain = IPV6_FRONT_BYTES + payload_bytes <= frame.len()
            && payload_bytes <= PAYLOAD_BYTES_MAX
            && plain.label().ttl != 0
            && Plainness::of(plain.protocol()).is_possible();
        is_plain.then_some(plain)
    }

    /// Whether the frame that this was read from has these outer addresses, and the owner
    /// generation `generation` of its inner source.
    #[inline(always)]
    #[must_use]
    pub fn is_genuine(
        &self,
        frame: &[u8],
        source: &Prefix96,
        destination: &Prefix96,
        generation: u8,
    ) -> bool {
        let front: Option<&Front> = frame.first_chunk();
        front.is_some_and(|front| {
            front[38..50] == destination.0
                && front[22..34] == source.0
                && self.label().generation == generation & 0b11
        })
    }

    /// Restores the packet that this was read from, Ethernet header included. Padding is cut off.
    /// `local_id` is asked for an ID if the packet may be fragmented. `None`, and no octet of the
    /// packet changed, if the buffer does not allow it.
    #[inline(always)]
    #[must_use]
    pub fn restore<P: Packet>(
        &self,
        packet: &mut P,
        to: MacAddress,
        from: MacAddress,
        local_id: impl FnOnce() -> u16,
        rules: &HeadingRules,
    ) -> Option<()> {
        let payload_bytes = self.payload_bytes();
        let frame_bytes = payload_bytes + IPV6_FRONT_BYTES as u16;
        let front = packet.replace_front::<IPV6_FRONT_BYTES, IPV4_FRONT_BYTES>(frame_bytes)?;
        let label = self.label();
        let fields = ipv4::Fields {
            tos: rules.dscp.to_guest((self.first >> 52) as u8),
            total_bytes: payload_bytes + ipv4::HEADER_BYTES as u16,
            id: match label.dont_fragment {
                true => 0,
                false => local_id(),
            },
            dont_fragment: label.dont_fragment,
            more_fragments: false,
            offset_units: 0,
            ttl: label.ttl,
            protocol: self.protocol(),
            source: self.source,
            destination: self.destination,
        };
        ethernet::write(front, to, from, EtherType::IPV4);
        fields.write(front.last_chunk_mut()?);
        Some(())
    }

    #[inline(always)]
    fn label(&self) -> Label {
        Label::from_bits((self.first >> 32) as u32)
    }

    #[inline(always)]
    fn payload_bytes(&self) -> u16 {
        (self.first >> 16) as u16
    }

    #[inline(always)]
    fn protocol(&self) -> u8 {
        (self.first >> 8) as u8
    }
}

#[cfg(test)]
mod tests;
