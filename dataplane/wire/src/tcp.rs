//! TCP (RFC 9293).

use zerocopy::{
    FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned,
    network_endian::{U16, U32},
};

/// The length of a header without options.
pub const HEADER_BYTES: usize = 20;

/// The sender has no more to send.
pub const FIN: u8 = 0x01;
/// Opens a connection.
pub const SYN: u8 = 0x02;
/// Aborts a connection.
pub const RST: u8 = 0x04;
/// Deliver without delay.
pub const PSH: u8 = 0x08;
/// The acknowledgement number counts.
pub const ACK: u8 = 0x10;

/// The header as it lies in memory, without options.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct Header {
    /// The port of the sender.
    pub source_port: U16,
    /// The port that the segment is for.
    pub destination_port: U16,
    /// The number of the first octet of the payload.
    pub sequence: U32,
    /// The number of the octet expected next.
    pub acknowledgement: U32,
    offset_reserved: u8,
    /// CWR, ECE, URG, ACK, PSH, RST, SYN, FIN from the highest bit down.
    pub flags: u8,
    /// Octets that the sender can take.
    pub window: U16,
    /// Over pseudo-header, header, options and payload.
    pub checksum: U16,
    /// Where urgent data ends.
    pub urgent: U16,
}

impl Header {
    /// A header without options and checksum.
    #[must_use]
    pub fn new(
        source_port: u16,
        destination_port: u16,
        sequence: u32,
        acknowledgement: u32,
        flags: u8,
        window: u16,
    ) -> Self {
        Self {
            source_port: U16::new(source_port),
            destination_port: U16::new(destination_port),
            sequence: U32::new(sequence),
            acknowledgement: U32::new(acknowledgement),
            offset_reserved: 5 << 4,
            flags,
            window: U16::new(window),
            checksum: U16::ZERO,
            urgent: U16::ZERO,
        }
    }

    /// The length of header and options in octets, as the header says: 0 to 60.
    #[must_use]
    #[inline]
    pub fn header_bytes(&self) -> u8 {
        (self.offset_reserved >> 4) * 4
    }
}

/// The header at the front of `octets`, its options and its payload. `None` if
/// the data offset is under 5 or beyond the octets.
#[must_use]
#[inline]
pub fn parse(octets: &[u8]) -> Option<(&Header, &[u8], &[u8])> {
    let (header, _) = Header::ref_from_prefix(octets).ok()?;
    let header_bytes = usize::from(header.header_bytes());
    let options = octets.get(HEADER_BYTES..header_bytes)?;
    Some((header, options, &octets[header_bytes..]))
}
