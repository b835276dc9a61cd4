//! IPv6 (RFC 8200).

use crate::checksum;
use zerocopy::{
    FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned,
    network_endian::{U16, U32},
};

/// The length of the header.
pub const HEADER_BYTES: usize = 40;

/// The header as it lies in memory.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct Header {
    version_class_label: U32,
    /// The length of what follows, extension headers included, in octets.
    pub payload_bytes: U16,
    /// What follows.
    pub next_header: u8,
    /// Routers that may still forward the packet.
    pub hop_limit: u8,
    /// The sender.
    pub source: [u8; 16],
    /// The host or group that the packet is for.
    pub destination: [u8; 16],
}

impl Header {
    /// A header. Only the low 20 bits of `label` count.
    #[must_use]
    #[inline]
    pub fn new(
        traffic_class: u8,
        label: u32,
        payload_bytes: u16,
        next_header: u8,
        hop_limit: u8,
        source: [u8; 16],
        destination: [u8; 16],
    ) -> Self {
        Self {
            version_class_label: U32::new(
                6 << 28 | u32::from(traffic_class) << 20 | label & 0xf_ffff,
            ),
            payload_bytes: U16::new(payload_bytes),
            next_header,
            hop_limit,
            source,
            destination,
        }
    }

    /// 6, if this is IPv6 at all.
    #[must_use]
    #[inline]
    pub fn version(&self) -> u8 {
        (self.version_class_label.get() >> 28) as u8
    }

    /// DSCP and ECN.
    #[must_use]
    #[inline]
    pub fn traffic_class(&self) -> u8 {
        (self.version_class_label.get() >> 20) as u8
    }

    /// The flow label, in 20 bits.
    #[must_use]
    #[inline]
    pub fn label(&self) -> u32 {
        self.version_class_label.get() & 0xf_ffff
    }
}

/// The packet at the front of `octets` and its payload; padding behind is left
/// off. `None` if the version is not 6 or the payload length exceeds the octets.
#[must_use]
#[inline]
pub fn parse(octets: &[u8]) -> Option<(&Header, &[u8])> {
    let (header, rest) = Header::ref_from_prefix(octets).ok()?;
    if header.version() != 6 {
        return None;
    }
    let payload = rest.get(..usize::from(header.payload_bytes.get()))?;
    Some((header, payload))
}

/// The sum of the pseudo-header (RFC 8200 section 8.1), to be added to that of
/// an upper layer's `payload_bytes` octets.
#[must_use]
pub fn pseudo_header_sum(
    source: &[u8; 16],
    destination: &[u8; 16],
    payload_bytes: u32,
    protocol: u8,
) -> u16 {
    checksum::fold(
        u64::from(checksum::sum(source))
            + u64::from(checksum::sum(destination))
            + u64::from(payload_bytes)
            + u64::from(protocol),
    )
}
