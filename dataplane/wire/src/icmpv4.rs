//! ICMP for IPv4 (RFC 792, RFC 1191), and the errors that this host sends.

use crate::{checksum, ipv4, protocol};
use std::net::Ipv4Addr;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned, network_endian::U16};

/// The length of the header.
pub const HEADER_BYTES: usize = 8;

/// Echo reply.
pub const ECHO_REPLY: u8 = 0;
/// Destination unreachable.
pub const UNREACHABLE: u8 = 3;
/// Echo request.
pub const ECHO_REQUEST: u8 = 8;
/// Time exceeded.
pub const TIME_EXCEEDED: u8 = 11;
/// Parameter problem.
pub const PARAMETER_PROBLEM: u8 = 12;

/// The longest IPv4 packet with an error: it quotes at most as much as keeps it
/// within this (RFC 1812 section 4.3.2.3).
pub const ERROR_PACKET_BYTES_MAX: usize = 576;
const ERROR_HEADERS_BYTES: usize = ipv4::HEADER_BYTES + HEADER_BYTES;
/// The most that an error quotes, from the IPv4 header on.
pub const QUOTED_BYTES_MAX: usize = ERROR_PACKET_BYTES_MAX - ERROR_HEADERS_BYTES;
const ERROR_TTL: u8 = 64;
/// Internetwork control, the precedence of errors (RFC 1812 section 4.3.2.5).
const ERROR_TOS: u8 = 0xc0;

/// The header as it lies in memory.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct Header {
    /// What the message is.
    pub kind: u8,
    /// Says more about the kind.
    pub code: u8,
    /// Over header and payload.
    pub checksum: U16,
    /// Identifier and sequence of an echo; zero and next-hop MTU of 3/4.
    pub rest: [U16; 2],
}

/// The header at the front of a packet's payload, and what follows. `None` if
/// it is truncated. The checksum is not verified.
#[must_use]
#[inline]
pub fn parse(octets: &[u8]) -> Option<(&Header, &[u8])> {
    Header::ref_from_prefix(octets).ok()
}

/// What a guest is told about a packet that it sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// 3/0: there is no such network here.
    NetworkUnreachable,
    /// 3/1: the address exists, its host does not answer.
    HostUnreachable,
    /// 3/4: don't-fragment was set, and the path takes packets of this length only.
    FragmentationNeeded {
        /// The greatest total length of a guest's packet, in octets.
        next_hop_mtu: u16,
    },
    /// 3/13: a rule denies it.
    AdministrativelyProhibited,
    /// 11/0: a virtual router counted the TTL to zero.
    TimeExceeded,
}

impl Error {
    const fn header(self) -> (u8, u8, u16) {
        match self {
            Self::NetworkUnreachable => (UNREACHABLE, 0, 0),
            Self::HostUnreachable => (UNREACHABLE, 1, 0),
            Self::FragmentationNeeded { next_hop_mtu } => (UNREACHABLE, 4, next_hop_mtu),
            Self::AdministrativelyProhibited => (UNREACHABLE, 13, 0),
            Self::TimeExceeded => (TIME_EXCEEDED, 0, 0),
        }
    }
}

/// Whether an error may answer the IPv4 packet that begins with `quoted`: not if
/// it is an ICMP error itself, a fragment other than the first, for a group or
/// for all, or from nobody (RFC 1122 section 3.2.2). Nor if that cannot be told.
#[must_use]
pub fn may_answer(quoted: &[u8]) -> bool {
    let Some(header) = ipv4::peek(quoted) else {
        return false;
    };
    let kind = quoted.get(usize::from(header.header_bytes()));
    let is_error = header.protocol == protocol::ICMPV4
        && !matches!(kind, Some(&(ECHO_REPLY | ECHO_REQUEST | 13..=18)));
    let (source, destination) = (header.source(), header.destination());
    !is_error
        && header.offset_units() == 0
        && !destination.is_multicast()
        && !destination.is_broadcast()
        && !source.is_unspecified()
        && !source.is_multicast()
        && !source.is_broadcast()
}

/// Makes the IPv4 packet at the front of `packet`, an echo request, the reply of
/// its destination, without options; returns its length. `None`, and nothing
/// changed, if it is a fragment, no echo request, or its ICMP checksum is wrong.
#[must_use]
pub fn answer_echo(packet: &mut [u8]) -> Option<usize> {
    let ipv4::Packet {
        header, payload, ..
    } = ipv4::parse(packet)?;
    let (icmp, _) = parse(payload)?;
    let is_whole = !header.more_fragments() && header.offset_units() == 0;
    let is_request =
        header.protocol == protocol::ICMPV4 && (icmp.kind, icmp.code) == (ECHO_REQUEST, 0);
    if !is_whole || !is_request || !checksum::verify(payload) {
        return None;
    }
    let request = usize::from(header.header_bytes());
    let total_bytes = ipv4::HEADER_BYTES + payload.len();
    let reply = ipv4::Header::new(&ipv4::Fields {
        tos: header.tos,
        total_bytes: total_bytes as u16, // at most the request's
        id: 0,
        dont_fragment: true,
        more_fragments: false,
        offset_units: 0,
        ttl: ERROR_TTL,
        protocol: protocol::ICMPV4,
        source: header.destination(),
        destination: header.source(),
    });
    let payload = request..request + payload.len();
    packet.copy_within(payload, ipv4::HEADER_BYTES);
    let (head, message) = packet[..total_bytes].split_at_mut(ipv4::HEADER_BYTES);
    head.copy_from_slice(reply.as_bytes());
    message[0] = ECHO_REPLY;
    message[2..4].fill(0);
    let sum = checksum::of(message);
    message[2..4].copy_from_slice(&sum.to_be_bytes());
    Some(total_bytes)
}

/// The length of the IPv4 packet that [`write_error`] makes of a quoted packet
/// of `quoted_bytes`.
#[must_use]
pub fn error_bytes(quoted_bytes: usize) -> usize {
    ERROR_PACKET_BYTES_MAX.min(ERROR_HEADERS_BYTES + quoted_bytes)
}

/// Writes a whole IPv4 packet that tells the sender of `quoted`, which begins
/// at its IPv4 header, about `error`; as much is quoted as `out` holds.
///
/// # Panics
/// If `out` is not [`error_bytes`] long.
pub fn write_error(
    out: &mut [u8],
    error: Error,
    source: Ipv4Addr,
    destination: Ipv4Addr,
    quoted: &[u8],
) {
    let total_bytes = error_bytes(quoted.len());
    assert_eq!(out.len(), total_bytes, "length of an ICMP error");
    let header = ipv4::Header::new(&ipv4::Fields {
        tos: ERROR_TOS,
        total_bytes: total_bytes as u16, // at most ERROR_PACKET_BYTES_MAX
        id: 0,
        dont_fragment: false,
        more_fragments: false,
        offset_units: 0,
        ttl: ERROR_TTL,
        protocol: protocol::ICMPV4,
        source,
        destination,
    });
    let (kind, code, mtu) = error.header();
    let mut icmp = Header {
        kind,
        code,
        checksum: U16::ZERO,
        rest: [U16::ZERO, U16::new(mtu)],
    };
    let (front, quote) = out.split_at_mut(ERROR_HEADERS_BYTES);
    quote.copy_from_slice(&quoted[..quote.len()]);
    let sum = checksum::add(checksum::sum(icmp.as_bytes()), checksum::sum(quote));
    icmp.checksum = U16::new(!sum);
    front[..ipv4::HEADER_BYTES].copy_from_slice(header.as_bytes());
    front[ipv4::HEADER_BYTES..].copy_from_slice(icmp.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::guest_packet;
    use proptest::prelude::*;
    use smoltcp::wire::{Icmpv4Packet, Ipv4Packet};

    const ROUTER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);

    fn any_error() -> impl Strategy<Value = Error> {
        prop_oneof![
            Just(Error::NetworkUnreachable),
            Just(Error::HostUnreachable),
            any::<u16>().prop_map(|next_hop_mtu| Error::FragmentationNeeded { next_hop_mtu }),
            Just(Error::AdministrativelyProhibited),
            Just(Error::TimeExceeded),
        ]
    }

    proptest! {
        #[test]
        fn parse_back(error in any_error(), guest in guest_packet(), long in 0usize..2000) {
            let mut guest = guest;
            guest.resize(guest.len() + long, 0x77);
            let mut out = vec![0; error_bytes(guest.len())];
            let sender = Ipv4Packet::new_unchecked(&guest).src_addr();
            write_error(&mut out, error, ROUTER, sender, &guest);

            let packet = Ipv4Packet::new_checked(&out).unwrap();
            prop_assert!(packet.verify_checksum());
            prop_assert_eq!(usize::from(packet.total_len()), out.len());
            prop_assert!(out.len() <= 576);
            prop_assert_eq!((packet.src_addr(), packet.dst_addr()), (ROUTER, sender));
            let icmp = Icmpv4Packet::new_checked(packet.payload()).unwrap();
            prop_assert!(icmp.verify_checksum());
            prop_assert!(guest.starts_with(icmp.data()));
            prop_assert!(icmp.data().len() >= guest.len().min(28), "RFC 792: header and 8 octets");

            let (header, quote) = parse(packet.payload()).unwrap();
            prop_assert_eq!((header.kind, header.code), (u8::from(icmp.msg_type()), icmp.msg_code()));
            prop_assert_eq!((header.kind, header.code, header.rest[1].get()), error.header());
            prop_assert_eq!(quote, icmp.data());
        }

        #[test]
        fn an_echo_comes_back_to_its_sender_with_the_same_content(
            content in prop::collection::vec(any::<u8>(), 0..100), identity: u32, tos: u8, broken: bool,
        ) {
            let head = Header { kind: ECHO_REQUEST, code: 0, checksum: U16::ZERO,
                rest: [U16::new((identity >> 16) as u16), U16::new(identity as u16)] };
            let mut message = [head.as_bytes(), &content].concat();
            let sum = checksum::of(&message).wrapping_add(u16::from(broken));
            message[2..4].copy_from_slice(&sum.to_be_bytes());
            let sender = Ipv4Addr::new(10, 0, 0, 2);
            let fields = ipv4::Fields { tos, total_bytes: 20 + message.len() as u16, id: 7,
                dont_fragment: false, more_fragments: false, offset_units: 0, ttl: 1,
                protocol: protocol::ICMPV4, source: sender, destination: ROUTER };
            let mut packet = [ipv4::Header::new(&fields).as_bytes(), &message].concat();
            let answered = answer_echo(&mut packet);
            // 0 and 0xffff are the same sum.
            prop_assume!(!(broken && sum == 0));
            prop_assert_eq!(answered.is_some(), !broken);
            if !broken {
                let reply = Ipv4Packet::new_checked(&packet).unwrap();
                prop_assert!(reply.verify_checksum());
                prop_assert_eq!(answered, Some(packet.len()));
                prop_assert_eq!((reply.src_addr(), reply.dst_addr(), reply.hop_limit()), (ROUTER, sender, 64));
                let icmp = Icmpv4Packet::new_checked(reply.payload()).unwrap();
                prop_assert!(icmp.verify_checksum());
                prop_assert_eq!(u8::from(icmp.msg_type()), ECHO_REPLY);
                prop_assert_eq!(&reply.payload()[4..8], identity.to_be_bytes());
                prop_assert_eq!(icmp.data(), content);
            }
        }

        #[test]
        fn parse_arbitrary_bytes(octets in prop::collection::vec(any::<u8>(), 0..20)) {
            prop_assert_eq!(parse(&octets).is_some(), octets.len() >= HEADER_BYTES);
        }
    }

    #[test]
    fn errors_fragments_groups_and_nobody_are_not_answered() {
        let fields = ipv4::Fields {
            tos: 0,
            total_bytes: 28,
            id: 0,
            dont_fragment: true,
            more_fragments: false,
            offset_units: 0,
            ttl: 64,
            protocol: protocol::TCP,
            source: Ipv4Addr::new(10, 0, 0, 2),
            destination: Ipv4Addr::new(10, 0, 0, 3),
        };
        let icmp = ipv4::Fields {
            protocol: protocol::ICMPV4,
            ..fields
        };
        let first = ipv4::Fields {
            more_fragments: true,
            ..fields
        };
        let later = ipv4::Fields {
            offset_units: 1,
            ..fields
        };
        let to = |destination| ipv4::Fields {
            destination,
            ..fields
        };
        let from = |source| ipv4::Fields { source, ..fields };
        for (name, fields, kind, answered) in [
            ("TCP", fields, UNREACHABLE, true),
            ("echo request", icmp, ECHO_REQUEST, true),
            ("echo reply", icmp, ECHO_REPLY, true),
            ("unreachable", icmp, UNREACHABLE, false),
            ("time exceeded", icmp, TIME_EXCEEDED, false),
            ("redirect", icmp, 5, false),
            ("unknown type", icmp, 200, false),
            ("first fragment", first, 0, true),
            ("later fragment", later, 0, false),
            ("to a group", to(Ipv4Addr::new(224, 0, 0, 1)), 0, false),
            ("to all", to(Ipv4Addr::BROADCAST), 0, false),
            ("from nobody", from(Ipv4Addr::UNSPECIFIED), 0, false),
            ("from a group", from(Ipv4Addr::new(224, 0, 0, 1)), 0, false),
            ("from all", from(Ipv4Addr::BROADCAST), 0, false),
        ] {
            let header = ipv4::Header::new(&fields);
            let quoted = [header.as_bytes(), &[kind]].concat();
            assert_eq!(may_answer(&quoted), answered, "{name}");
        }
        let header = ipv4::Header::new(&icmp);
        assert!(!may_answer(header.as_bytes()), "of which type?");
        assert!(!may_answer(&header.as_bytes()[..19]));
    }
}
