//! From substrate to guest: the IPv6 head becomes an IPv4 header again (section 2).
//!
//! Between [`Ipv6Facts::parse`], which is check 2 of section 9, and
//! [`Overlay::parse`], which is checks 8 to 10, the caller decides whether the
//! packet is for this overlay at all.

pub mod plain;

use crate::{
    DropReason, address::virtual_of, encode::HeadingRules, ethernet, fragment, ipv4, ipv6,
    label::Label, packet::Packet, protocol,
};
use zerocopy::FromBytes;

/// The checked IPv6 header of a packet from the substrate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ipv6Facts {
    /// DSCP and ECN.
    pub traffic_class: u8,
    /// The flow label, in 20 bits.
    pub label: u32,
    /// The length of what follows the header, in octets.
    pub payload_bytes: u16,
    /// What follows.
    pub next_header: u8,
    /// As it arrived; 255 proves that no router was passed.
    pub hop_limit: u8,
    /// The sender.
    pub source: [u8; 16],
    /// What the packet is for.
    pub destination: [u8; 16],
}

impl Ipv6Facts {
    /// Checks the header at the front of `ip`, behind whose packet there may
    /// be Ethernet padding.
    ///
    /// # Errors
    /// [`DropReason::DecodeMalformed`] if it is truncated, not version 6, its
    /// payload longer than `ip`, or too long to be restored to IPv4.
    #[inline(always)]
    pub fn parse(ip: &[u8]) -> Result<Self, DropReason> {
        let (header, payload) = ipv6::parse(ip).ok_or(DropReason::DecodeMalformed)?;
        let extension_bytes = match header.next_header {
            protocol::FRAGMENT => fragment::HEADER_BYTES,
            _ => 0,
        };
        if payload.len() + ipv4::HEADER_BYTES > ipv4::TOTAL_BYTES_MAX + extension_bytes {
            return Err(DropReason::DecodeMalformed);
        }
        Ok(Self::of(header))
    }

    /// The header at the front of `ip`, of whose packet an ICMPv6 error quotes a
    /// part only. `None` if it is truncated, not version 6, or the packet too
    /// long to be restored to IPv4.
    #[must_use]
    pub fn parse_quoted(ip: &[u8]) -> Option<Self> {
        let (header, _) = ipv6::Header::ref_from_prefix(ip).ok()?;
        let total_bytes = usize::from(header.payload_bytes.get()) + ipv4::HEADER_BYTES;
        (header.version() == 6 && total_bytes <= ipv4::TOTAL_BYTES_MAX).then(|| Self::of(header))
    }

    #[inline]
    fn of(header: &ipv6::Header) -> Self {
        Self {
            traffic_class: header.traffic_class(),
            label: header.label(),
            payload_bytes: header.payload_bytes.get(),
            next_header: header.next_header,
            hop_limit: header.hop_limit,
            source: header.source,
            destination: header.destination,
        }
    }
}

/// What an overlay packet's label and Fragment header say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Overlay {
    /// TTL, DF, C and E.
    pub label: Label,
    /// The guest's protocol.
    pub protocol: u8,
    /// The length of the IPv6 head in octets: 40, or 48 with a Fragment header.
    pub head_bytes: u8,
    /// Not the last fragment.
    pub more_fragments: bool,
    /// Where the payload belongs, in units of 8 octets.
    pub offset_units: u16,
    /// The guest's ID, if there is a Fragment header.
    pub id: Option<u16>,
    /// The length of the guest's payload in octets.
    pub payload_bytes: u16,
}

impl Overlay {
    /// Checks 8, 9 and 10 of section 9, in that order, on a packet that is
    /// known to be for the overlay.
    ///
    /// Like the sender, it lets a fragment pass that ends beyond 65535, or
    /// has MF and a payload that is not a multiple of 8.
    ///
    /// # Errors
    /// `DecodeBadLabel` if the TTL is 0; `DecodeBadFragment` if the Fragment
    /// header is truncated, a reserved bit or one of the high 16 ID bits set;
    /// `DecodeForbiddenProtocol`.
    #[inline(always)]
    pub fn parse(facts: &Ipv6Facts, ip: &[u8], rules: &HeadingRules) -> Result<Self, DropReason> {
        let label = Label::from_bits(facts.label);
        if label.ttl == 0 {
            return Err(DropReason::DecodeBadLabel);
        }
        let overlay = if facts.next_header == protocol::FRAGMENT {
            Self::with_fragment_header(label, facts.payload_bytes, ip)
                .ok_or(DropReason::DecodeBadFragment)?
        } else {
            Self {
                label,
                protocol: facts.next_header,
                head_bytes: ipv6::HEADER_BYTES as u8,
                more_fragments: false,
                offset_units: 0,
                id: None,
                payload_bytes: facts.payload_bytes,
            }
        };
        if protocol::is_forbidden(overlay.protocol, rules.experimental_allowed) {
            return Err(DropReason::DecodeForbiddenProtocol);
        }
        Ok(overlay)
    }

    #[inline]
    fn with_fragment_header(label: Label, payload_bytes: u16, ip: &[u8]) -> Option<Self> {
        let payload_bytes = payload_bytes.checked_sub(fragment::HEADER_BYTES as u16)?;
        let (header, _) = fragment::parse(ip.get(ipv6::HEADER_BYTES..)?)?;
        if !header.reserved_is_zero() {
            return None;
        }
        Some(Self {
            label,
            protocol: header.next_header,
            head_bytes: (ipv6::HEADER_BYTES + fragment::HEADER_BYTES) as u8,
            more_fragments: header.more_fragments(),
            offset_units: header.offset_units(),
            id: Some(u16::try_from(header.id.get()).ok()?),
            payload_bytes,
        })
    }

    /// The total length of the restored IPv4 packet, in octets.
    #[must_use]
    #[inline]
    pub const fn total_bytes(&self) -> u16 {
        self.payload_bytes + ipv4::HEADER_BYTES as u16
    }
}

/// Writes the guest's IPv4 header, its checksum computed. `id` counts whether
/// or not the packet brought one: see [`restore`].
#[inline(always)]
pub fn write_ipv4(
    out: &mut [u8; ipv4::HEADER_BYTES],
    facts: &Ipv6Facts,
    overlay: &Overlay,
    id: u16,
    rules: &HeadingRules,
) {
    let fields = ipv4::Fields {
        tos: rules.dscp.to_guest(facts.traffic_class),
        total_bytes: overlay.total_bytes(),
        id,
        dont_fragment: overlay.label.dont_fragment,
        more_fragments: overlay.more_fragments,
        offset_units: overlay.offset_units,
        ttl: overlay.label.ttl,
        protocol: overlay.protocol,
        source: virtual_of(&facts.source),
        destination: virtual_of(&facts.destination),
    };
    fields.write(out);
}

/// Restores the guest's packet in a frame that `facts` and `overlay` tell of.
///
/// Ethernet padding is cut off. In front of the IPv4 header lie 14 octets of
/// unspecified content for [`ethernet::write`]. `local_id` is asked for an ID
/// only if the packet brought none and may be fragmented (section 3).
///
/// # Panics
/// If `facts` and `overlay` were not parsed from this frame and exceed it.
#[inline(always)]
pub fn restore<P: Packet>(
    packet: &mut P,
    facts: &Ipv6Facts,
    overlay: &Overlay,
    local_id: impl FnOnce() -> u16,
    rules: &HeadingRules,
) {
    let id = match overlay.id {
        Some(id) => id,
        None if overlay.label.dont_fragment => 0,
        None => local_id(),
    };
    let head_bytes = usize::from(overlay.head_bytes);
    packet.truncate(ethernet::HEADER_BYTES + head_bytes + usize::from(overlay.payload_bytes));
    packet.remove_front(head_bytes - ipv4::HEADER_BYTES);
    let header = packet.bytes_mut()[ethernet::HEADER_BYTES..].first_chunk_mut();
    write_ipv4(
        header.expect("the head was there"),
        facts,
        overlay,
        id,
        rules,
    );
}

#[cfg(test)]
mod tests;
