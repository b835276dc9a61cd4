//! The IP protocol numbers that this dataplane knows by name (IANA).

use crate::ipv4;

/// Hop-by-hop options of IPv6.
pub const HOP_BY_HOP: u8 = 0;
/// ICMP for IPv4.
pub const ICMPV4: u8 = 1;
/// IGMP.
pub const IGMP: u8 = 2;
/// TCP.
pub const TCP: u8 = 6;
/// UDP.
pub const UDP: u8 = 17;
/// DCCP.
pub const DCCP: u8 = 33;
/// The IPv6 Routing header.
pub const ROUTING: u8 = 43;
/// The IPv6 Fragment header.
pub const FRAGMENT: u8 = 44;
/// IPsec ESP.
pub const ESP: u8 = 50;
/// IPsec AH.
pub const AH: u8 = 51;
/// ICMP for IPv6.
pub const ICMPV6: u8 = 58;
/// Destination options of IPv6.
pub const DESTINATION_OPTIONS: u8 = 60;
/// SCTP.
pub const SCTP: u8 = 132;
/// UDP-Lite.
pub const UDP_LITE: u8 = 136;

/// Whether the first four octets of this protocol are the same for a whole
/// flow: both ports, or the SPI.
#[must_use]
#[inline]
pub const fn begins_with_flow_identity(protocol: u8) -> bool {
    matches!(protocol, TCP | UDP | DCCP | ESP | SCTP)
}

/// Whether a guest's packet of this protocol is refused at both ends
/// (section 2): an IPv6 router or host would take its payload for an
/// extension header (0, 43, 44, 60, 135, 139, 140) or for ICMPv6 (58).
///
/// The two numbers for experiments (253, 254) are refused unless
/// `experimental_allowed`.
#[must_use]
#[inline]
pub const fn is_forbidden(protocol: u8, experimental_allowed: bool) -> bool {
    match protocol {
        HOP_BY_HOP | ROUTING | FRAGMENT | ICMPV6 | DESTINATION_OPTIONS | 135 | 139 | 140 => true,
        253 | 254 => !experimental_allowed,
        _ => false,
    }
}

/// What the straight way of a plain packet needs to know of a protocol, in one place instead of a
/// chain of comparisons.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plainness {
    /// Of the first four octets behind the header, those that tell flows apart.
    pub(crate) identity_mask: u32,
    /// The shortest IPv4 packet that is read, header included, in octets.
    total_bytes_min: u16,
}

impl Plainness {
    /// Its packets are never plain: forbidden, or, as AH, with a Fragment header.
    const NEVER: Self = Self {
        identity_mask: 0,
        total_bytes_min: u16::MAX,
    };
    /// Nothing in it tells flows apart.
    const ANONYMOUS: Self = Self {
        identity_mask: 0,
        total_bytes_min: ipv4::HEADER_BYTES as u16,
    };
    /// It [begins with what tells flows apart](begins_with_flow_identity).
    const IDENTIFIED: Self = Self {
        identity_mask: u32::MAX,
        total_bytes_min: ipv4::HEADER_BYTES as u16 + 4,
    };

    /// Of this protocol.
    #[inline(always)]
    pub(crate) fn of(protocol: u8) -> &'static Self {
        &PLAINNESS[usize::from(protocol)]
    }

    /// Whether a packet of this protocol can be plain.
    #[inline(always)]
    pub(crate) fn is_possible(&self) -> bool {
        self.total_bytes_min != Self::NEVER.total_bytes_min
    }

    /// Whether a packet of this protocol and of `total_bytes` octets, fewer than 65,535, can be plain.
    #[inline(always)]
    pub(crate) const fn takes(&self, total_bytes: u16) -> bool {
        total_bytes >= self.total_bytes_min
    }
}

/// By protocol.
static PLAINNESS: [Plainness; 256] = {
    let mut table = [Plainness::ANONYMOUS; 256];
    let mut protocol = 0;
    while protocol < 256 {
        // The two for experiments are left to the long way, which knows whether they are allowed.
        if is_forbidden(protocol as u8, false) || protocol as u8 == AH {
            table[protocol] = Plainness::NEVER;
        } else if begins_with_flow_identity(protocol as u8) {
            table[protocol] = Plainness::IDENTIFIED;
        }
        protocol += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exactly_the_listed_protocols_are_forbidden() {
        let refused = |experimental| -> Vec<u8> {
            (0..=255)
                .filter(|&protocol| is_forbidden(protocol, experimental))
                .collect()
        };
        assert_eq!(refused(true), [0, 43, 44, 58, 60, 135, 139, 140]);
        assert_eq!(refused(false), [0, 43, 44, 58, 60, 135, 139, 140, 253, 254]);
    }
}
