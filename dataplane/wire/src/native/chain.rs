//! What lies behind the IPv6 header of a native peer's packet (RFC 7915 section 5.1).
//!
//! Our own hosts send no extension header but Fragment; others may. Hop-by-hop
//! options, destination options and routing headers that have done their work
//! are skipped, since IPv4 has no place for them.

use crate::{DropReason, decode::Ipv6Facts, fragment, icmpv6, ipv6, protocol};

/// Extension headers that a packet may have. RFC 7915 sets no limit; without
/// one, a packet that is all headers would cost a thousand steps.
const HEADERS_MAX: usize = 8;

/// Where "segments left" lies in a Routing header (RFC 8200 section 4.4).
const SEGMENTS_LEFT_AT: usize = 3;

/// Where a packet's payload begins, and what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chain {
    /// The length of the IPv6 header and all that is skipped, in octets.
    pub head_bytes: u16,
    /// What follows, in IPv6's numbers: ICMP is 58.
    pub protocol: u8,
    /// Of the Fragment header, if there is one.
    pub fragment: Option<Fragment>,
}

/// What a Fragment header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fragment {
    /// Where the payload belongs, in units of 8 octets.
    pub offset_units: u16,
    /// Not the last fragment.
    pub more_fragments: bool,
    /// The low 16 bits of the identification.
    pub id: u16,
}

impl Fragment {
    /// Whether there are others: a Fragment header may stand on a whole packet
    /// (an atomic fragment, RFC 6946).
    #[must_use]
    #[inline]
    pub const fn is_part(&self) -> bool {
        self.more_fragments || self.offset_units != 0
    }
}

/// Why a packet is not translated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// How it is counted.
    pub reason: DropReason,
    /// What its sender should be told.
    pub answer: Option<icmpv6::Error>,
}

impl Refusal {
    const MALFORMED: Self = Self {
        reason: DropReason::DecodeMalformed,
        answer: None,
    };
    const FORBIDDEN: Self = Self {
        reason: DropReason::DecodeForbiddenProtocol,
        answer: Some(icmpv6::Error::AdministrativelyProhibited),
    };
}

impl Chain {
    /// Walks the headers of the packet at the front of `ip`, which `facts` tell of.
    ///
    /// # Errors
    /// [`DropReason::DecodeMalformed`] if a header is cut short or if there are
    /// more than eight; [`DropReason::DecodeForbiddenProtocol`] for a route that
    /// is not done, an extension header behind a Fragment header, and what a
    /// guest must not get: ICMPv4, which nobody translated, and the forbidden
    /// protocols of section 2.
    #[inline]
    pub fn parse(
        facts: &Ipv6Facts,
        ip: &[u8],
        experimental_allowed: bool,
    ) -> Result<Self, Refusal> {
        let packet = ip.get(..ipv6::HEADER_BYTES + usize::from(facts.payload_bytes));
        let packet = packet.ok_or(Refusal::MALFORMED)?;
        let chain = Self::walk(facts.next_header, packet)?;
        let refused = match chain.protocol {
            protocol::ICMPV6 => false,
            protocol::ICMPV4 => true,
            other => protocol::is_forbidden(other, experimental_allowed),
        };
        if refused {
            return Err(Refusal::FORBIDDEN);
        }
        Ok(chain)
    }

    /// The same for a packet of which `octets` may be the beginning only.
    pub(super) fn walk(next_header: u8, octets: &[u8]) -> Result<Self, Refusal> {
        let mut chain = Self {
            head_bytes: ipv6::HEADER_BYTES as u16,
            protocol: next_header,
            fragment: None,
        };
        for _ in 0..=HEADERS_MAX {
            let at = usize::from(chain.head_bytes);
            let rest = octets.get(at..).ok_or(Refusal::MALFORMED)?;
            let (next, bytes) = match chain.protocol {
                // What is behind it belongs to the packet that fragments make up.
                protocol::HOP_BY_HOP
                | protocol::ROUTING
                | protocol::DESTINATION_OPTIONS
                | protocol::FRAGMENT
                | protocol::AH
                    if chain.fragment.is_some() =>
                {
                    return Err(Refusal::FORBIDDEN);
                }
                protocol::FRAGMENT => {
                    let (header, _) = fragment::parse(rest).ok_or(Refusal::MALFORMED)?;
                    chain.fragment = Some(Fragment {
                        offset_units: header.offset_units(),
                        more_fragments: header.more_fragments(),
                        id: header.id.get() as u16,
                    });
                    (header.next_header, fragment::HEADER_BYTES)
                }
                protocol::HOP_BY_HOP | protocol::ROUTING | protocol::DESTINATION_OPTIONS => {
                    skip(chain.protocol, rest, at)?
                }
                _ => return Ok(chain),
            };
            if bytes > rest.len() {
                return Err(Refusal::MALFORMED);
            }
            chain.protocol = next;
            chain.head_bytes += bytes as u16; // at most the packet's length
        }
        Err(Refusal::MALFORMED)
    }

    /// The length of the payload of the packet that `facts` tell of, in octets.
    #[must_use]
    #[inline]
    pub const fn payload_bytes(&self, facts: &Ipv6Facts) -> u16 {
        facts.payload_bytes + ipv6::HEADER_BYTES as u16 - self.head_bytes
    }

    /// Whether this is a fragment, first or later, of a larger packet.
    #[must_use]
    #[inline]
    pub const fn is_part(&self) -> bool {
        matches!(&self.fragment, Some(fragment) if fragment.is_part())
    }
}

/// The next header behind one of three with the same beginning, and the length
/// of that one in octets.
fn skip(kind: u8, header: &[u8], at: usize) -> Result<(u8, usize), Refusal> {
    let &[next, units, _, segments_left, ..] = header else {
        return Err(Refusal::MALFORMED);
    };
    if kind == protocol::ROUTING && segments_left != 0 {
        let pointer = (at + SEGMENTS_LEFT_AT) as u32;
        return Err(Refusal {
            answer: Some(icmpv6::Error::ErroneousHeader { pointer }),
            ..Refusal::FORBIDDEN
        });
    }
    Ok((next, 8 * (usize::from(units) + 1)))
}
