//! The flow label: what IPv4 knows and an IPv6 header has no field for (section 2).

use std::net::Ipv4Addr;

/// The 20 bits of the flow label, `TTL 8 | DF | C | E 2 | HASH 8`.
///
/// Everything in it is constant per flow, so that a router which spreads by
/// label keeps the order of a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Label {
    /// The guest's TTL. A router counts the hop limit down, not this; never 0 on the wire.
    pub ttl: u8,
    /// The guest's don't-fragment flag.
    pub dont_fragment: bool,
    /// C: this packet is a copy for a replica.
    pub copy: bool,
    /// E: the low two bits of the owner generation of the inner source.
    pub generation: u8,
    /// Spreads flows over paths. Receivers ignore it.
    pub hash: u8,
}

impl Label {
    /// The label in the low 20 bits.
    #[must_use]
    #[inline]
    pub const fn to_bits(self) -> u32 {
        (self.ttl as u32) << 12
            | (self.dont_fragment as u32) << 11
            | (self.copy as u32) << 10
            | (self.generation as u32 & 3) << 8
            | self.hash as u32
    }

    /// The label from the low 20 bits; higher ones are ignored.
    #[must_use]
    #[inline]
    pub const fn from_bits(bits: u32) -> Self {
        Self {
            ttl: (bits >> 12) as u8,
            dont_fragment: bits & 0x800 != 0,
            copy: bits & 0x400 != 0,
            generation: (bits >> 8) as u8 & 3,
            hash: bits as u8,
        }
    }
}

/// The HASH of a flow. `identity` is the first four octets of a protocol that
/// [begins with them](crate::protocol::begins_with_flow_identity), and 0 for
/// every other and for every fragment, since later fragments do not carry them.
#[must_use]
#[inline]
pub const fn flow_hash(source: Ipv4Addr, destination: Ipv4Addr, protocol: u8, identity: u32) -> u8 {
    // One long multiplication, its halves folded: each input bit reaches the top octet.
    const ODD: [u64; 2] = [0x9e37_79b9_7f4a_7c15, 0xd1b5_4a32_d192_ed03];
    let addresses = (source.to_bits() as u64) << 32 | destination.to_bits() as u64;
    let rest = (identity as u64) << 8 | protocol as u64;
    let product = (addresses ^ ODD[0]) as u128 * (rest ^ ODD[1]) as u128;
    ((product as u64 ^ (product >> 64) as u64) >> 56) as u8
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn fields_lie_where_section_2_draws_them() {
        let label = Label {
            ttl: 0x40,
            dont_fragment: true,
            copy: false,
            generation: 1,
            hash: 0x6d,
        };
        assert_eq!(label.to_bits(), 0x4096d);
        let copy = Label {
            dont_fragment: false,
            copy: true,
            generation: 3,
            ..label
        };
        assert_eq!(copy.to_bits(), 0x4076d);
    }

    proptest! {
        #[test]
        fn parse_back(bits in 0u32..1 << 20) {
            prop_assert_eq!(Label::from_bits(bits).to_bits(), bits);
        }

        #[test]
        fn parse_arbitrary_bits(bits: u32) {
            prop_assert_eq!(Label::from_bits(bits), Label::from_bits(bits & 0xfffff));
        }
    }

    #[test]
    fn neighbouring_ports_and_addresses_spread_over_all_hashes() {
        let of = |n: u32, m: u32| {
            flow_hash(
                (0x0a00_0000 + n).into(),
                0x0a00_0100.into(),
                6,
                m << 16 | 80,
            )
        };
        for spread in [
            (0..4096).map(|port| of(2, port)).collect::<Vec<_>>(),
            (0..4096).map(|address| of(address, 4000)).collect(),
        ] {
            let mut hits = [0; 256];
            spread.iter().for_each(|&hash| hits[hash as usize] += 1);
            // 16 are expected in each; an empty or a crowded octet means a lost input bit
            assert!(hits.iter().all(|&n| (1..64).contains(&n)), "{hits:?}");
        }
    }
}
