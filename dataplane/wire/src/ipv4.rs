//! IPv4 (RFC 791).

use crate::checksum;
use std::net::Ipv4Addr;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned, network_endian::U16};

/// The length of a header without options.
pub const HEADER_BYTES: usize = 20;
/// The greatest total length.
pub const TOTAL_BYTES_MAX: usize = 0xffff;
/// What the fragment offset counts in.
pub const OFFSET_UNIT_BYTES: usize = 8;

const RESERVED_FLAG: u16 = 0x8000;
const DONT_FRAGMENT: u16 = 0x4000;
const MORE_FRAGMENTS: u16 = 0x2000;
const OFFSET: u16 = 0x1fff;

/// The header as it lies in memory, without options.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct Header {
    version_ihl: u8,
    /// DSCP and ECN.
    pub tos: u8,
    /// The length of header, options and payload in octets.
    pub total_bytes: U16,
    /// What fragments of one packet have in common.
    pub id: U16,
    flags_offset: U16,
    /// Routers that may still forward the packet.
    pub ttl: u8,
    /// What follows.
    pub protocol: u8,
    /// Over the header and its options.
    pub checksum: U16,
    source: [u8; 4],
    destination: [u8; 4],
}

/// What a header without options is built from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fields {
    /// DSCP and ECN.
    pub tos: u8,
    /// The length of header and payload in octets.
    pub total_bytes: u16,
    /// What fragments of one packet have in common.
    pub id: u16,
    /// Routers must not fragment the packet.
    pub dont_fragment: bool,
    /// Not the last fragment.
    pub more_fragments: bool,
    /// Where the payload belongs, in units of 8 octets; 13 bits.
    pub offset_units: u16,
    /// Routers that may still forward the packet.
    pub ttl: u8,
    /// What follows.
    pub protocol: u8,
    /// The sender.
    pub source: Ipv4Addr,
    /// The host or group that the packet is for.
    pub destination: Ipv4Addr,
}

impl Header {
    /// A header without options, its checksum computed.
    #[must_use]
    #[inline]
    pub fn new(fields: &Fields) -> Self {
        let mut header = Self {
            version_ihl: 0x45,
            tos: fields.tos,
            total_bytes: U16::new(fields.total_bytes),
            id: U16::new(fields.id),
            flags_offset: U16::new(
                u16::from(fields.dont_fragment) << 14
                    | u16::from(fields.more_fragments) << 13
                    | fields.offset_units & OFFSET,
            ),
            ttl: fields.ttl,
            protocol: fields.protocol,
            checksum: U16::ZERO,
            source: fields.source.octets(),
            destination: fields.destination.octets(),
        };
        header.checksum = U16::new(checksum::ipv4_header(header.as_bytes()));
        header
    }

    /// 4, if this is IPv4 at all.
    #[must_use]
    #[inline]
    pub fn version(&self) -> u8 {
        self.version_ihl >> 4
    }

    /// The length of header and options in octets, as the header says: 0 to 60.
    #[must_use]
    #[inline]
    pub fn header_bytes(&self) -> u8 {
        (self.version_ihl & 0x0f) * 4
    }

    /// The flag that must be zero.
    #[must_use]
    #[inline]
    pub fn reserved_flag(&self) -> bool {
        self.flags_offset.get() & RESERVED_FLAG != 0
    }

    /// Routers must not fragment the packet.
    #[must_use]
    #[inline]
    pub fn dont_fragment(&self) -> bool {
        self.flags_offset.get() & DONT_FRAGMENT != 0
    }

    /// Not the last fragment.
    #[must_use]
    #[inline]
    pub fn more_fragments(&self) -> bool {
        self.flags_offset.get() & MORE_FRAGMENTS != 0
    }

    /// Where the payload belongs, in units of 8 octets.
    #[must_use]
    #[inline]
    pub fn offset_units(&self) -> u16 {
        self.flags_offset.get() & OFFSET
    }

    /// The sender.
    #[must_use]
    #[inline]
    pub fn source(&self) -> Ipv4Addr {
        self.source.into()
    }

    /// The host or group that the packet is for.
    #[must_use]
    #[inline]
    pub fn destination(&self) -> Ipv4Addr {
        self.destination.into()
    }
}

/// A packet whose lengths agree with each other and with its octets.
#[derive(Clone, Copy, Debug)]
pub struct Packet<'a> {
    /// The fixed part of the header.
    pub header: &'a Header,
    /// 0 to 40 octets, not checked.
    pub options: &'a [u8],
    /// To the total length; padding behind it is left off.
    pub payload: &'a [u8],
}

/// The packet at the front of `octets`. `None` if the version is not 4, the
/// IHL under 5, or the total length under the header's or beyond the octets.
///
/// The checksum is not verified.
#[must_use]
#[inline]
pub fn parse(octets: &[u8]) -> Option<Packet<'_>> {
    let (header, _) = Header::ref_from_prefix(octets).ok()?;
    let header_bytes = usize::from(header.header_bytes());
    if header.version() != 4 || header_bytes < HEADER_BYTES {
        return None;
    }
    let packet = octets.get(..usize::from(header.total_bytes.get()))?;
    Some(Packet {
        header,
        options: packet.get(HEADER_BYTES..header_bytes)?,
        payload: &packet[header_bytes..],
    })
}
