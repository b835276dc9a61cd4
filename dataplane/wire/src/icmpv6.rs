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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use smoltcp::wire::{Icmpv6Packet, Ipv6Address};

    proptest! {
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
