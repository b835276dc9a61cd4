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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use smoltcp::wire::UdpPacket;

    proptest! {
        #[test]
        fn parse_back(ports: (u16, u16), payload in prop::collection::vec(any::<u8>(), 0..50), padding in 0usize..9) {
            let total = (HEADER_BYTES + payload.len()) as u16;
            let mut octets = [Header::new(ports.0, ports.1, total).as_bytes(), &payload].concat();
            octets.resize(octets.len() + padding, 0x55);
            let (header, rest) = parse(&octets).unwrap();
            prop_assert_eq!((header.source_port.get(), header.destination_port.get()), ports);
            prop_assert_eq!(rest, &payload);

            let oracle = UdpPacket::new_checked(&octets).unwrap();
            prop_assert_eq!((oracle.src_port(), oracle.dst_port()), ports);
            prop_assert_eq!((oracle.checksum(), oracle.payload()), (0, &payload[..]));
        }

        #[test]
        fn parse_arbitrary_bytes(mut octets in prop::collection::vec(any::<u8>(), 0..40), total in 0u8..50) {
            if octets.len() > 5 {
                (octets[4], octets[5]) = (0, total);
            }
            let bounded = (HEADER_BYTES..=octets.len()).contains(&usize::from(total));
            prop_assert_eq!(parse(&octets).is_some(), bounded);
        }
    }
}
