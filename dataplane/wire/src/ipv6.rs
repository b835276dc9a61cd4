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

/// The octets of a header before its addresses, as a number. Only the low 20 bits of `label` count.
#[must_use]
#[inline]
pub const fn first_word(
    traffic_class: u8,
    label: u32,
    payload_bytes: u16,
    next_header: u8,
    hop_limit: u8,
) -> u64 {
    6 << 60
        | (traffic_class as u64) << 52
        | (label as u64 & 0xf_ffff) << 32
        | (payload_bytes as u64) << 16
        | (next_header as u64) << 8
        | hop_limit as u64
}

/// The header at the front of `octets`, which may be no more than the beginning
/// of a packet. `None` if it is not all there or the version is not 6.
#[must_use]
pub fn peek(octets: &[u8]) -> Option<&Header> {
    let (header, _) = Header::ref_from_prefix(octets).ok()?;
    (header.version() == 6).then_some(header)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol;
    use proptest::prelude::*;
    use smoltcp::wire::{Ipv6Address, Ipv6Packet, UdpPacket};

    proptest! {
        #[test]
        fn the_first_word_is_that_of_the_header(class: u8, label: u32, payload: u16, next: u8, hops: u8) {
            let header = Header::new(class, label, payload, next, hops, [0; 16], [0; 16]);
            prop_assert_eq!(&first_word(class, label, payload, next, hops).to_be_bytes()[..], &header.as_bytes()[..8]);
        }

        #[test]
        fn parse_back(
            traffic_class: u8, next_header: u8, hop_limit: u8, label in 0u32..1 << 20,
            payload in prop::collection::vec(any::<u8>(), 0..100), padding in 0usize..20,
            source: [u8; 16], destination: [u8; 16],
        ) {
            let len = payload.len() as u16;
            let header = Header::new(traffic_class, label, len, next_header, hop_limit, source, destination);
            let mut octets = [header.as_bytes(), &payload].concat();
            octets.resize(octets.len() + padding, 0x55);
            let (header, rest) = parse(&octets).unwrap();
            prop_assert_eq!((header.traffic_class(), header.label()), (traffic_class, label));
            prop_assert_eq!((header.next_header, header.hop_limit), (next_header, hop_limit));
            prop_assert_eq!((header.source, header.destination), (source, destination));
            prop_assert_eq!(rest, &payload);

            let oracle = Ipv6Packet::new_checked(&octets).unwrap();
            prop_assert_eq!((oracle.traffic_class(), oracle.flow_label()), (traffic_class, label));
            prop_assert_eq!((u8::from(oracle.next_header()), oracle.hop_limit()), (next_header, hop_limit));
            prop_assert_eq!(oracle.src_addr(), Ipv6Address::from(source));
            prop_assert_eq!(oracle.dst_addr(), Ipv6Address::from(destination));
            prop_assert_eq!(oracle.payload(), payload);
        }

        #[test]
        fn parse_arbitrary_bytes(mut octets in prop::collection::vec(any::<u8>(), 0..100), version in 5u8..8, len: u8) {
            if octets.len() > 5 {
                (octets[0], octets[4], octets[5]) = (version << 4, 0, len);
            }
            let bounded = octets.len() >= HEADER_BYTES + usize::from(len);
            prop_assert_eq!(parse(&octets).is_some(), version == 6 && bounded);
        }

        #[test]
        fn a_checksum_over_the_pseudo_header_satisfies_the_oracle(
            source: [u8; 16], destination: [u8; 16], mut datagram in prop::collection::vec(any::<u8>(), 8..200),
        ) {
            let len = datagram.len() as u16;
            datagram[4..6].copy_from_slice(&len.to_be_bytes());
            datagram[6..8].fill(0);
            let pseudo = pseudo_header_sum(&source, &destination, len.into(), protocol::UDP);
            let sum = checksum::add(pseudo, checksum::sum(&datagram));
            datagram[6..8].copy_from_slice(&(!sum).to_be_bytes());
            let [source, destination] = [source, destination].map(|octets| Ipv6Address::from(octets).into());
            prop_assert!(UdpPacket::new_checked(&datagram).unwrap().verify_checksum(&source, &destination));
        }
    }
}
