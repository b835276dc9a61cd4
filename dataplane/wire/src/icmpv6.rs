//! ICMP for IPv6 (RFC 4443).

use crate::{checksum, ipv6, protocol};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned, network_endian::U16};

/// The length of the header.
pub const HEADER_BYTES: usize = 8;

/// Destination unreachable.
pub const UNREACHABLE: u8 = 1;
/// Packet too big.
pub const PACKET_TOO_BIG: u8 = 2;
/// Time exceeded.
pub const TIME_EXCEEDED: u8 = 3;
/// Parameter problem.
pub const PARAMETER_PROBLEM: u8 = 4;
/// Echo request.
pub const ECHO_REQUEST: u8 = 128;
/// Echo reply.
pub const ECHO_REPLY: u8 = 129;
/// Router solicitation (RFC 4861).
pub const ROUTER_SOLICITATION: u8 = 133;
/// Router advertisement (RFC 4861).
pub const ROUTER_ADVERTISEMENT: u8 = 134;
/// Neighbour solicitation (RFC 4861).
pub const NEIGHBOUR_SOLICITATION: u8 = 135;
/// Neighbour advertisement (RFC 4861).
pub const NEIGHBOUR_ADVERTISEMENT: u8 = 136;

/// The header as it lies in memory.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct Header {
    /// What the message is; an error if below 128.
    pub kind: u8,
    /// Says more about the kind.
    pub code: u8,
    /// Over pseudo-header, header and payload.
    pub checksum: U16,
    /// Identifier and sequence of an echo; high and low half of the MTU of 2/0.
    pub rest: [U16; 2],
}

impl Header {
    /// A header without its checksum.
    #[must_use]
    pub fn new(kind: u8, code: u8, rest: u32) -> Self {
        Self {
            kind,
            code,
            checksum: U16::ZERO,
            rest: [U16::new((rest >> 16) as u16), U16::new(rest as u16)],
        }
    }

    /// The last four octets of the header: the MTU of 2/0, in octets.
    #[must_use]
    #[inline]
    pub fn rest(&self) -> u32 {
        u32::from(self.rest[0].get()) << 16 | u32::from(self.rest[1].get())
    }

    /// Whether the message tells of an error and quotes the packet that met it.
    #[must_use]
    #[inline]
    pub fn is_error(&self) -> bool {
        self.kind < 128
    }

    /// Whether the message is part of neighbour or router discovery, which is
    /// valid only with hop limit 255.
    #[must_use]
    #[inline]
    pub fn is_discovery(&self) -> bool {
        matches!(self.kind, ROUTER_SOLICITATION..=NEIGHBOUR_ADVERTISEMENT)
    }
}

/// The header at the front of a packet's payload, and what follows. `None` if
/// it is truncated. The checksum is not verified.
#[must_use]
#[inline]
pub fn parse(octets: &[u8]) -> Option<(&Header, &[u8])> {
    Header::ref_from_prefix(octets).ok()
}

/// Whether the checksum of a whole message is right. `false` if it is too long for IPv6.
#[must_use]
pub fn verify(source: &[u8; 16], destination: &[u8; 16], message: &[u8]) -> bool {
    u32::try_from(message.len()).is_ok_and(|len| {
        let pseudo = ipv6::pseudo_header_sum(source, destination, len, protocol::ICMPV6);
        checksum::add(pseudo, checksum::sum(message)) == 0xffff
    })
}

/// The longest IPv6 packet with an error: it quotes at most as much as keeps it
/// within the MTU of every link (RFC 4443 section 2.4).
pub const ERROR_PACKET_BYTES_MAX: usize = 1280;
const ERROR_HEADERS_BYTES: usize = ipv6::HEADER_BYTES + HEADER_BYTES;
const ERROR_HOP_LIMIT: u8 = 64;

/// What a host of the substrate is told about a packet that it sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// 1/1: a rule denies it.
    AdministrativelyProhibited,
    /// 2/0: the path takes packets of this length only.
    PacketTooBig {
        /// The greatest length of a packet, in octets.
        mtu: u32,
    },
    /// 3/0: we counted the hop limit to zero.
    HopLimitExceeded,
    /// 4/0: a field of a header has a value that is not accepted.
    ErroneousHeader {
        /// Where the field lies in the packet, in octets.
        pointer: u32,
    },
}

impl Error {
    fn header(self) -> Header {
        match self {
            Self::AdministrativelyProhibited => Header::new(UNREACHABLE, 1, 0),
            Self::PacketTooBig { mtu } => Header::new(PACKET_TOO_BIG, 0, mtu),
            Self::HopLimitExceeded => Header::new(TIME_EXCEEDED, 0, 0),
            Self::ErroneousHeader { pointer } => Header::new(PARAMETER_PROBLEM, 0, pointer),
        }
    }
}

/// The length of the IPv6 packet that [`write_error`] makes of a quoted packet
/// of `quoted_bytes`.
#[must_use]
pub fn error_bytes(quoted_bytes: usize) -> usize {
    ERROR_PACKET_BYTES_MAX.min(ERROR_HEADERS_BYTES + quoted_bytes)
}

/// Writes a whole IPv6 packet that tells the sender of `quoted`, which begins
/// at its IPv6 header, about `error`; as much is quoted as `out` holds.
///
/// # Panics
/// If `out` is not [`error_bytes`] long.
pub fn write_error(
    out: &mut [u8],
    error: Error,
    source: [u8; 16],
    destination: [u8; 16],
    quoted: &[u8],
) {
    assert_eq!(
        out.len(),
        error_bytes(quoted.len()),
        "length of an ICMP error"
    );
    let (front, message) = out.split_at_mut(ipv6::HEADER_BYTES);
    let bytes = message.len() as u16; // at most ERROR_PACKET_BYTES_MAX
    let header = ipv6::Header::new(
        0,
        0,
        bytes,
        protocol::ICMPV6,
        ERROR_HOP_LIMIT,
        source,
        destination,
    );
    front.copy_from_slice(header.as_bytes());
    let (icmp, quote) = message.split_at_mut(HEADER_BYTES);
    icmp.copy_from_slice(error.header().as_bytes());
    quote.copy_from_slice(&quoted[..quote.len()]);
    let pseudo = ipv6::pseudo_header_sum(&source, &destination, bytes.into(), protocol::ICMPV6);
    let sum = checksum::add(pseudo, checksum::sum(message));
    message[2..4].copy_from_slice(&(!sum).to_be_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use smoltcp::wire::{Icmpv6Packet, IpProtocol, Ipv6Address, Ipv6Packet};

    const ERRORS: [(Error, u8, u8, u32); 4] = [
        (Error::AdministrativelyProhibited, 1, 1, 0),
        (Error::PacketTooBig { mtu: 1_400 }, 2, 0, 1_400),
        (Error::HopLimitExceeded, 3, 0, 0),
        (Error::ErroneousHeader { pointer: 41 }, 4, 0, 41),
    ];

    proptest! {
        #[test]
        fn an_error_is_whole_and_quotes_what_every_link_carries(
            which in 0..ERRORS.len(), source: [u8; 16], destination: [u8; 16],
            quoted in prop::collection::vec(any::<u8>(), 0..1_500),
        ) {
            let (error, kind, code, rest) = ERRORS[which];
            let mut out = vec![0; error_bytes(quoted.len())];
            write_error(&mut out, error, source, destination, &quoted);
            prop_assert_eq!(out.len(), 1_280.min(48 + quoted.len()));

            let ip = Ipv6Packet::new_checked(&out).unwrap();
            prop_assert_eq!((ip.next_header(), ip.hop_limit()), (IpProtocol::Icmpv6, 64));
            let (from, to) = (ip.src_addr(), ip.dst_addr());
            prop_assert_eq!((from.octets(), to.octets()), (source, destination));
            let icmp = Icmpv6Packet::new_unchecked(ip.payload());
            prop_assert!(icmp.verify_checksum(&from, &to));
            prop_assert_eq!((u8::from(icmp.msg_type()), icmp.msg_code()), (kind, code));
            let (header, quote) = parse(ip.payload()).unwrap();
            prop_assert_eq!(header.rest(), rest);
            prop_assert_eq!(quote, &quoted[..quote.len()]);
        }

        #[test]
        fn parse_back(kind: u8, code: u8, rest: u32) {
            let octets = Header::new(kind, code, rest);
            let (header, payload) = parse(octets.as_bytes()).unwrap();
            prop_assert_eq!((header.kind, header.code, header.rest()), (kind, code, rest));
            prop_assert!(payload.is_empty());

            let oracle = Icmpv6Packet::new_unchecked(octets.as_bytes());
            prop_assert_eq!((u8::from(oracle.msg_type()), oracle.msg_code()), (kind, code));
            prop_assert_eq!(oracle.pkt_too_big_mtu(), rest);
            prop_assert_eq!(header.is_discovery(), oracle.msg_type().is_ndisc() && kind != 137);
        }

        #[test]
        fn parse_arbitrary_bytes(octets in prop::collection::vec(any::<u8>(), 0..20)) {
            prop_assert_eq!(parse(&octets).is_some(), octets.len() >= HEADER_BYTES);
        }

        #[test]
        fn a_message_verifies_where_the_oracle_says_so(
            source: [u8; 16], destination: [u8; 16], mut message in prop::collection::vec(any::<u8>(), 8..100),
            filled: bool,
        ) {
            message[0] = ECHO_REQUEST;
            let [from, to] = [source, destination].map(Ipv6Address::from);
            if filled {
                Icmpv6Packet::new_unchecked(&mut message).fill_checksum(&from, &to);
            }
            let oracle = Icmpv6Packet::new_checked(&message).unwrap().verify_checksum(&from, &to);
            prop_assert_eq!(verify(&source, &destination, &message), oracle);
            prop_assert!(!filled || oracle);
        }
    }
}
