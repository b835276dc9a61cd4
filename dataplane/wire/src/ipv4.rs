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
/// The greatest fragment offset.
pub const OFFSET_UNITS_MAX: u16 = OFFSET;

pub(crate) const RESERVED_FLAG: u16 = 0x8000;
pub(crate) const DONT_FRAGMENT: u16 = 0x4000;
pub(crate) const MORE_FRAGMENTS: u16 = 0x2000;
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

impl Fields {
    /// Writes a header without options, its checksum computed.
    // In words that never leave the registers before they are written: a sum over octets that were
    // just written one by one waits for them.
    #[inline(always)]
    pub fn write(&self, out: &mut [u8; HEADER_BYTES]) {
        let flags = u32::from(self.dont_fragment) << 14 | u32::from(self.more_fragments) << 13;
        let mut words = [
            0x45 << 24 | u32::from(self.tos) << 16 | u32::from(self.total_bytes),
            u32::from(self.id) << 16 | flags | u32::from(self.offset_units & OFFSET),
            u32::from(self.ttl) << 24 | u32::from(self.protocol) << 16,
            self.source.to_bits(),
            self.destination.to_bits(),
        ];
        let sum = words.iter().map(|word| u64::from(*word)).sum();
        words[2] |= u32::from(!checksum::fold(sum));
        for (octets, word) in out.as_chunks_mut().0.iter_mut().zip(words) {
            *octets = word.to_be_bytes();
        }
    }
}

impl Header {
    /// A header without options, its checksum computed.
    #[must_use]
    #[inline]
    pub fn new(fields: &Fields) -> Self {
        let mut octets = [0; HEADER_BYTES];
        fields.write(&mut octets);
        zerocopy::transmute!(octets)
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

/// The header at the front of `octets`, which may be no more than the beginning
/// of a packet. `None` if the fixed part is not there, the version is not 4, or
/// the IHL under 5.
#[must_use]
pub fn peek(octets: &[u8]) -> Option<&Header> {
    let (header, _) = Header::ref_from_prefix(octets).ok()?;
    (header.version() == 4 && usize::from(header.header_bytes()) >= HEADER_BYTES).then_some(header)
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use smoltcp::wire::Ipv4Packet;

    fn any_fields() -> impl Strategy<Value = Fields> {
        let flags = any::<(bool, bool)>();
        let octets = any::<(u8, u8, u8)>();
        let addresses = any::<([u8; 4], [u8; 4])>();
        (
            flags,
            octets,
            addresses,
            20u16..100,
            any::<u16>(),
            0u16..0x2000,
        )
            .prop_map(
                |(flags, octets, addresses, total_bytes, id, offset_units)| Fields {
                    tos: octets.0,
                    total_bytes,
                    id,
                    dont_fragment: flags.0,
                    more_fragments: flags.1,
                    offset_units,
                    ttl: octets.1,
                    protocol: octets.2,
                    source: addresses.0.into(),
                    destination: addresses.1.into(),
                },
            )
    }

    proptest! {
        #[test]
        fn parse_back(fields in any_fields(), padding in 0usize..20) {
            let mut octets = Header::new(&fields).as_bytes().to_vec();
            octets.resize(usize::from(fields.total_bytes) + padding, 0x55);
            let packet = parse(&octets).unwrap();
            let header = packet.header;
            prop_assert_eq!(fields, Fields {
                tos: header.tos,
                total_bytes: header.total_bytes.get(),
                id: header.id.get(),
                dont_fragment: header.dont_fragment(),
                more_fragments: header.more_fragments(),
                offset_units: header.offset_units(),
                ttl: header.ttl,
                protocol: header.protocol,
                source: header.source(),
                destination: header.destination(),
            });
            prop_assert!(!header.reserved_flag());
            prop_assert_eq!(packet.options, []);
            prop_assert_eq!(packet.payload.len(), usize::from(fields.total_bytes) - HEADER_BYTES);

            let oracle = Ipv4Packet::new_checked(&octets).unwrap();
            prop_assert!(oracle.verify_checksum());
            prop_assert_eq!(oracle.dscp() << 2 | oracle.ecn(), fields.tos);
            prop_assert_eq!(oracle.ident(), fields.id);
            prop_assert_eq!(oracle.dont_frag(), fields.dont_fragment);
            prop_assert_eq!(oracle.more_frags(), fields.more_fragments);
            prop_assert_eq!(oracle.frag_offset(), fields.offset_units.wrapping_mul(8));
            prop_assert_eq!(oracle.hop_limit(), fields.ttl);
            prop_assert_eq!(u8::from(oracle.next_header()), fields.protocol);
            prop_assert_eq!((oracle.src_addr(), oracle.dst_addr()), (fields.source, fields.destination));
            prop_assert_eq!(oracle.payload(), packet.payload);
        }

        #[test]
        fn parse_arbitrary_bytes(mut octets in prop::collection::vec(any::<u8>(), 0..100), ihl in 0u8..16, total: u8) {
            if octets.len() > 3 {
                (octets[0], octets[2], octets[3]) = (0x40 | ihl, 0, total);
            }
            match parse(&octets) {
                Some(packet) => {
                    let oracle = Ipv4Packet::new_checked(&octets).unwrap();
                    prop_assert_eq!(packet.payload, oracle.payload());
                    prop_assert_eq!(HEADER_BYTES + packet.options.len(), usize::from(oracle.header_len()));
                }
                None => prop_assert!(
                    octets.len() < HEADER_BYTES || ihl < 5 || total < ihl * 4 || usize::from(total) > octets.len()
                ),
            }
        }
    }
}
