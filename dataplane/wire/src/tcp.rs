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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use smoltcp::wire::{TcpPacket, TcpSeqNumber};

    proptest! {
        #[test]
        fn parse_back(ports: (u16, u16), numbers: (u32, u32), flags: u8, window: u16, payload in prop::collection::vec(any::<u8>(), 0..50)) {
            // the oracle refuses ports of 0
            let ports = (ports.0.max(1), ports.1.max(1));
            let header = Header::new(ports.0, ports.1, numbers.0, numbers.1, flags, window);
            let octets = [header.as_bytes(), &payload].concat();
            let (header, options, rest) = parse(&octets).unwrap();
            prop_assert_eq!((header.source_port.get(), header.destination_port.get()), ports);
            prop_assert_eq!((header.sequence.get(), header.acknowledgement.get()), numbers);
            prop_assert_eq!((header.flags, header.window.get()), (flags, window));
            prop_assert_eq!((options.len(), rest), (0, &payload[..]));

            let oracle = TcpPacket::new_checked(&octets).unwrap();
            prop_assert_eq!((oracle.src_port(), oracle.dst_port()), ports);
            prop_assert_eq!(oracle.seq_number(), TcpSeqNumber(numbers.0 as i32));
            prop_assert_eq!(oracle.ack_number(), TcpSeqNumber(numbers.1 as i32));
            prop_assert_eq!(oracle.syn(), flags & SYN != 0);
            prop_assert_eq!(oracle.ack(), flags & ACK != 0);
            prop_assert_eq!(oracle.psh(), flags & PSH != 0);
            prop_assert_eq!(oracle.rst(), flags & RST != 0);
            prop_assert_eq!(oracle.fin(), flags & FIN != 0);
            prop_assert_eq!((oracle.window_len(), oracle.payload()), (window, &payload[..]));
        }

        #[test]
        fn parse_arbitrary_bytes(octets in prop::collection::vec(any::<u8>(), 0..90)) {
            let said = octets.get(12).map_or(0, |octet| usize::from(octet >> 4) * 4);
            let bounded = octets.len() >= HEADER_BYTES && (HEADER_BYTES..=octets.len()).contains(&said);
            prop_assert_eq!(parse(&octets).is_some(), bounded);
            if let Some((header, options, payload)) = parse(&octets) {
                prop_assert_eq!(usize::from(header.header_bytes()), said);
                prop_assert_eq!(options, &octets[HEADER_BYTES..said]);
                prop_assert_eq!(payload, &octets[said..]);
            }
        }
    }
}
