//! UDP (RFC 768).

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned, network_endian::U16};

/// The length of the header.
pub const HEADER_BYTES: usize = 8;

/// The header as it lies in memory.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct Header {
    /// The port of the sender.
    pub source_port: U16,
    /// The port that the datagram is for.
    pub destination_port: U16,
    /// The length of header and payload in octets.
    pub total_bytes: U16,
    /// Over pseudo-header, header and payload; 0 if the sender computed none.
    pub checksum: U16,
}

impl Header {
    /// A header without a checksum.
    #[must_use]
    pub fn new(source_port: u16, destination_port: u16, total_bytes: u16) -> Self {
        Self {
            source_port: U16::new(source_port),
            destination_port: U16::new(destination_port),
            total_bytes: U16::new(total_bytes),
            checksum: U16::ZERO,
        }
    }
}

/// The header at the front of `octets`, and its payload; what lies behind the
/// length is left off. `None` if the length is under 8 or beyond the octets.
#[must_use]
#[inline]
pub fn parse(octets: &[u8]) -> Option<(&Header, &[u8])> {
    let (header, _) = Header::ref_from_prefix(octets).ok()?;
    let datagram = octets.get(..usize::from(header.total_bytes.get()))?;
    Some((header, datagram.get(HEADER_BYTES..)?))
}
