//! Types, codes, pointers and MTUs of ICMP, between the families (RFC 7915
//! sections 4.2 and 5.2).
//!
//! What these tables do not have is not translated: messages about one link
//! (redirect, router and neighbour discovery, group membership), those that
//! nobody uses any more, and what is not known.

use crate::{icmpv4, icmpv6};

/// What the 20 octets by which the headers differ do to an MTU.
const HEADER_GROWTH: u32 = 20;
/// The MTU of every IPv6 link (RFC 8200 section 5).
pub const IPV6_MTU_MIN: u32 = 1280;
/// The MTUs that links have, where a router does not tell its own (RFC 1191 section 7.1).
const PLATEAUS: [u32; 7] = [65535, 32000, 17914, 8166, 4352, 2002, 1492];

/// The largest packets of the links on both sides, in octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mtus {
    /// Of the node's subnet.
    pub ipv4: u16,
    /// Of the substrate.
    pub ipv6: u16,
}

/// The header of an error message without its checksum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// What the message is.
    pub kind: u8,
    /// Says more about the kind.
    pub code: u8,
    /// The last four octets, but for the length of what is quoted.
    pub rest: u32,
    /// Whether an octet of `rest` says where the quote ends and extensions
    /// begin (RFC 4884 section 4).
    pub extensible: bool,
}

impl Head {
    const fn new(kind: u8, code: u8, rest: u32) -> Self {
        Self {
            kind,
            code,
            rest,
            extensible: false,
        }
    }

    const fn extensible(kind: u8, code: u8) -> Self {
        Self {
            extensible: true,
            ..Self::new(kind, code, 0)
        }
    }
}

/// Whether an ICMPv4 message quotes a packet.
#[must_use]
#[inline]
pub const fn is_icmpv4_error(kind: u8) -> bool {
    matches!(
        kind,
        icmpv4::UNREACHABLE | 4 | 5 | icmpv4::TIME_EXCEEDED | icmpv4::PARAMETER_PROBLEM
    )
}

/// The ICMPv6 type of an ICMPv4 message that quotes nothing.
#[must_use]
#[inline]
pub const fn icmpv6_query(kind: u8) -> Option<u8> {
    match kind {
        icmpv4::ECHO_REQUEST => Some(icmpv6::ECHO_REQUEST),
        icmpv4::ECHO_REPLY => Some(icmpv6::ECHO_REPLY),
        _ => None,
    }
}

/// The ICMPv4 type of an ICMPv6 message that quotes nothing.
#[must_use]
#[inline]
pub const fn icmpv4_query(kind: u8) -> Option<u8> {
    match kind {
        icmpv6::ECHO_REQUEST => Some(icmpv4::ECHO_REQUEST),
        icmpv6::ECHO_REPLY => Some(icmpv4::ECHO_REPLY),
        _ => None,
    }
}

/// What an ICMPv4 error says in ICMPv6. `quoted_bytes` is the total length in
/// the header that it quotes.
#[must_use]
pub fn icmpv6_error(header: &icmpv4::Header, quoted_bytes: u16, mtus: Mtus) -> Option<Head> {
    let [high, low] = header.rest.map(zerocopy::network_endian::U16::get);
    Some(match (header.kind, header.code) {
        (icmpv4::UNREACHABLE, 0 | 1 | 5..=8 | 11 | 12) => Head::extensible(icmpv6::UNREACHABLE, 0),
        // The pointer is to the Next Header.
        (icmpv4::UNREACHABLE, 2) => Head::new(icmpv6::PARAMETER_PROBLEM, 1, 6),
        (icmpv4::UNREACHABLE, 3) => Head::extensible(icmpv6::UNREACHABLE, 4),
        (icmpv4::UNREACHABLE, 4) => {
            Head::new(icmpv6::PACKET_TOO_BIG, 0, ipv6_mtu(low, quoted_bytes, mtus))
        }
        (icmpv4::UNREACHABLE, 9 | 10 | 13 | 15) => Head::extensible(icmpv6::UNREACHABLE, 1),
        (icmpv4::TIME_EXCEEDED, code) => Head::extensible(icmpv6::TIME_EXCEEDED, code),
        (icmpv4::PARAMETER_PROBLEM, 0 | 2) => {
            let pointer = ipv6_pointer((high >> 8) as u8)?;
            Head::new(icmpv6::PARAMETER_PROBLEM, 0, pointer)
        }
        _ => return None,
    })
}

/// What an ICMPv6 error says in ICMPv4.
#[must_use]
pub fn icmpv4_error(header: &icmpv6::Header, mtus: Mtus) -> Option<Head> {
    Some(match (header.kind, header.code) {
        (icmpv6::UNREACHABLE, 0 | 2 | 3) => Head::extensible(icmpv4::UNREACHABLE, 1),
        (icmpv6::UNREACHABLE, 1) => Head::extensible(icmpv4::UNREACHABLE, 10),
        (icmpv6::UNREACHABLE, 4) => Head::extensible(icmpv4::UNREACHABLE, 3),
        (icmpv6::PACKET_TOO_BIG, _) => Head {
            rest: ipv4_mtu(header.rest(), mtus),
            ..Head::extensible(icmpv4::UNREACHABLE, 4)
        },
        (icmpv6::TIME_EXCEEDED, code) => Head::extensible(icmpv4::TIME_EXCEEDED, code),
        (icmpv6::PARAMETER_PROBLEM, 0) => Head {
            rest: ipv4_pointer(header.rest())? << 24,
            ..Head::extensible(icmpv4::PARAMETER_PROBLEM, 0)
        },
        (icmpv6::PARAMETER_PROBLEM, 1) => Head::extensible(icmpv4::UNREACHABLE, 2),
        _ => return None,
    })
}

/// The MTU that a peer is told. `quoted_bytes` stands in where a router before
/// RFC 1191 told none.
fn ipv6_mtu(told: u16, quoted_bytes: u16, mtus: Mtus) -> u32 {
    let told = match told {
        0 => PLATEAUS
            .into_iter()
            .find(|&plateau| plateau < quoted_bytes.into())
            .unwrap_or(IPV6_MTU_MIN - HEADER_GROWTH),
        told => told.into(),
    };
    (told + HEADER_GROWTH)
        .min(mtus.ipv6.into())
        .min(u32::from(mtus.ipv4) + HEADER_GROWTH)
        .max(IPV6_MTU_MIN)
}

/// The MTU that a node is told. No IPv6 link has less than 1280, whatever
/// somebody says (RFC 8201 section 4).
fn ipv4_mtu(told: u32, mtus: Mtus) -> u32 {
    told.min(mtus.ipv6.into())
        .max(IPV6_MTU_MIN)
        .saturating_sub(HEADER_GROWTH)
        .min(mtus.ipv4.into())
}

/// Where the field of an IPv4 header lies in an IPv6 header (figure 3).
const fn ipv6_pointer(ipv4: u8) -> Option<u32> {
    match ipv4 {
        0 => Some(0),
        1 => Some(1),
        2 | 3 => Some(4),
        8 => Some(7),
        9 => Some(6),
        12..=15 => Some(8),
        16..=19 => Some(24),
        _ => None,
    }
}

/// Where the field of an IPv6 header lies in an IPv4 header (figure 6).
const fn ipv4_pointer(ipv6: u32) -> Option<u32> {
    match ipv6 {
        0 => Some(0),
        1 => Some(1),
        4 | 5 => Some(2),
        6 => Some(9),
        7 => Some(8),
        8..=23 => Some(12),
        24..=39 => Some(16),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use zerocopy::network_endian::U16;

    const MTUS: Mtus = Mtus {
        ipv4: 1500,
        ipv6: 1600,
    };

    fn v4(kind: u8, code: u8, rest: u32) -> icmpv4::Header {
        icmpv4::Header {
            kind,
            code,
            checksum: U16::ZERO,
            rest: [U16::new((rest >> 16) as u16), U16::new(rest as u16)],
        }
    }

    fn up(kind: u8, code: u8, rest: u32) -> Option<(u8, u8, u32)> {
        let head = icmpv6_error(&v4(kind, code, rest), 1500, MTUS)?;
        Some((head.kind, head.code, head.rest))
    }

    fn down(kind: u8, code: u8, rest: u32) -> Option<(u8, u8, u32)> {
        let head = icmpv4_error(&icmpv6::Header::new(kind, code, rest), MTUS)?;
        Some((head.kind, head.code, head.rest))
    }

    #[test]
    fn only_echo_is_translated_among_queries() {
        for kind in 0..=255 {
            let expected = match kind {
                8 => Some(128),
                0 => Some(129),
                _ => None,
            };
            assert_eq!(icmpv6_query(kind), expected, "ICMPv4 {kind}");
            let expected = match kind {
                128 => Some(8),
                129 => Some(0),
                _ => None,
            };
            assert_eq!(icmpv4_query(kind), expected, "ICMPv6 {kind}");
        }
    }

    #[test]
    fn each_icmpv4_unreachable_code_has_its_icmpv6_message() {
        let expected = |code| match code {
            0 | 1 | 5 | 6 | 7 | 8 | 11 | 12 => Some((1, 0, 0)),
            2 => Some((4, 1, 6)),
            3 => Some((1, 4, 0)),
            4 => Some((2, 0, 1420)),
            9 | 10 | 13 | 15 => Some((1, 1, 0)),
            _ => None,
        };
        for code in 0..=255 {
            assert_eq!(up(3, code, 1400), expected(code), "3/{code}");
        }
    }

    #[test]
    fn each_icmpv6_unreachable_code_has_its_icmpv4_message() {
        let expected = |code| match code {
            0 | 2 | 3 => Some((3, 1, 0)),
            1 => Some((3, 10, 0)),
            4 => Some((3, 3, 0)),
            _ => None,
        };
        for code in 0..=255 {
            assert_eq!(down(1, code, 0), expected(code), "1/{code}");
        }
    }

    #[test]
    fn time_exceeded_keeps_its_code() {
        for code in 0..=1 {
            assert_eq!(up(11, code, 0), Some((3, code, 0)));
            assert_eq!(down(3, code, 0), Some((11, code, 0)));
        }
    }

    #[test]
    fn the_pointer_of_a_parameter_problem_follows_the_field() {
        let figure_3 = |pointer| match pointer {
            0 => Some(0),
            1 => Some(1),
            2 | 3 => Some(4),
            8 => Some(7),
            9 => Some(6),
            12..=15 => Some(8),
            16..=19 => Some(24),
            _ => None,
        };
        let figure_6 = |pointer| match pointer {
            0 => Some(0),
            1 => Some(1),
            4 | 5 => Some(2),
            6 => Some(9),
            7 => Some(8),
            8..=23 => Some(12),
            24..=39 => Some(16),
            _ => None,
        };
        for pointer in 0..=255u32 {
            let expected = figure_3(pointer).map(|pointer| (4, 0, pointer));
            assert_eq!(up(12, 0, pointer << 24), expected, "12/0 {pointer}");
            assert_eq!(up(12, 2, pointer << 24), expected, "12/2 {pointer}");
            let expected = figure_6(pointer).map(|pointer: u32| (12, 0, pointer << 24));
            assert_eq!(down(4, 0, pointer), expected, "4/0 {pointer}");
        }
        assert_eq!(down(4, 0, 1 << 24), None);
    }

    #[test]
    fn an_unknown_next_header_is_an_unreachable_protocol() {
        assert_eq!(down(4, 1, 6), Some((3, 2, 0)));
        assert_eq!(up(3, 2, 0), Some((4, 1, 6)));
    }

    #[test]
    fn what_has_no_counterpart_is_not_translated() {
        // missing option; source quench, redirect, alternate host, unknown
        for (kind, code) in [(12, 1), (12, 3), (4, 0), (5, 0), (5, 1), (6, 0), (77, 0)] {
            assert_eq!(up(kind, code, 0), None, "{kind}/{code}");
        }
        // unrecognised IPv6 option; unknown errors
        for (kind, code) in [(4, 2), (4, 3), (0, 0), (5, 0), (100, 0), (127, 0)] {
            assert_eq!(down(kind, code, 0), None, "{kind}/{code}");
        }
    }

    #[test]
    fn the_mtu_for_a_peer_is_20_more_within_both_links_and_never_under_1280() {
        for (told, expected) in [(1400, 1420), (1260, 1280), (1259, 1280), (68, 1280)] {
            assert_eq!(up(3, 4, told), Some((2, 0, expected)), "{told}");
        }
        assert_eq!(up(3, 4, 9000), Some((2, 0, 1520)), "the subnet's + 20");
        let narrow = Mtus { ipv6: 1450, ..MTUS };
        let head = icmpv6_error(&v4(3, 4, 1500), 1500, narrow).unwrap();
        assert_eq!(head.rest, 1450, "the substrate's");
    }

    #[test]
    fn a_router_that_tells_no_mtu_is_taken_for_the_next_plateau() {
        let wide = Mtus {
            ipv4: 65000,
            ipv6: 65535,
        };
        for (quoted, expected) in [(9000, 8186), (1500, 1512), (1492, 1280), (576, 1280)] {
            let head = icmpv6_error(&v4(3, 4, 0), quoted, wide).unwrap();
            assert_eq!(head.rest, expected, "{quoted}");
        }
    }

    #[test]
    fn the_mtu_for_a_node_is_20_less_within_both_links_and_never_under_1260() {
        for (told, expected) in [
            (1500, 1480),
            (1280, 1260),
            (1279, 1260),
            (0, 1260),
            (9000, 1500),
            (u32::MAX, 1500),
        ] {
            assert_eq!(down(2, 0, told), Some((3, 4, expected)), "{told}");
        }
    }
}
