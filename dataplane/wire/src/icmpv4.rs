//! ICMP for IPv4 (RFC 792, RFC 1191), and the errors that this host sends.

use crate::{checksum, encode::Ipv4Facts, ipv4, protocol};
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

/// An error quotes at most as much as keeps its packet within this (RFC 1812 section 4.3.2.3).
const ERROR_PACKET_BYTES_MAX: usize = 576;
const ERROR_HEADERS_BYTES: usize = ipv4::HEADER_BYTES + HEADER_BYTES;
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

/// Whether an error may answer the packet `facts` tells of, whose payload
/// begins with `payload`: not if it is an ICMP error itself, a fragment other
/// than the first, for a group, or from nobody (RFC 1122 section 3.2.2).
#[must_use]
pub fn may_answer(facts: &Ipv4Facts, payload: &[u8]) -> bool {
    let is_error = facts.protocol == protocol::ICMPV4
        && !matches!(
            payload.first(),
            Some(&(ECHO_REPLY | ECHO_REQUEST | 13..=18))
        );
    !is_error
        && facts.offset_units == 0
        && !facts.destination.is_multicast()
        && !facts.destination.is_broadcast()
        && !facts.source.is_unspecified()
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
