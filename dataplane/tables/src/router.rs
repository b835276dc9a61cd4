//! The virtual router of a network: it has an address in each subnet, and static
//! routes to what lies behind nodes.
//!
//! Packets between nodes never come here: they find each other's mapping. Only
//! what has none is asked for.

use std::net::Ipv4Addr;

use crate::snapshot::Subnet;

/// One network's. Every host has the same, and each answers for it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Router {
    subnets: Box<[Subnet]>,
    /// The longest prefix first.
    routes: Box<[Route]>,
}

/// A static route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    base: u32,
    prefix_bits: u8,
    via: Ipv4Addr,
}

impl Route {
    /// The prefix `address/prefix_bits` (0 to 32) lies behind the node `via`.
    #[must_use]
    pub fn new(address: Ipv4Addr, prefix_bits: u8, via: Ipv4Addr) -> Self {
        let prefix_bits = prefix_bits.min(32);
        Self {
            base: address.to_bits() & mask(prefix_bits),
            prefix_bits,
            via,
        }
    }
}

/// Ones in the first `prefix_bits`, at most 32.
fn mask(prefix_bits: u8) -> u32 {
    u32::MAX
        .checked_shl(32 - u32::from(prefix_bits))
        .unwrap_or(0)
}

impl Router {
    /// A router with an address in each of `subnets`.
    #[must_use]
    pub fn new(subnets: Vec<Subnet>, mut routes: Vec<Route>) -> Self {
        routes.sort_by_key(|route| std::cmp::Reverse(route.prefix_bits));
        Self {
            subnets: subnets.into(),
            routes: routes.into(),
        }
    }

    /// Whether this is one of its own addresses.
    #[must_use]
    pub fn is_own(&self, address: Ipv4Addr) -> bool {
        self.subnets.iter().any(|subnet| subnet.gateway == address)
    }

    /// Whether this names all nodes of one of its subnets (RFC 2644).
    #[must_use]
    pub fn is_directed_broadcast(&self, address: Ipv4Addr) -> bool {
        self.subnets
            .iter()
            .any(|subnet| subnet.is_broadcast(address))
    }

    /// The node behind which `address` lies, by the longest prefix. `None` if that
    /// is a subnet's, or there is none.
    #[must_use]
    pub fn via(&self, address: Ipv4Addr) -> Option<Ipv4Addr> {
        let route = self
            .routes
            .iter()
            .find(|route| address.to_bits() & mask(route.prefix_bits) == route.base)?;
        let on_link =
            |subnet: &Subnet| subnet.contains(address) && subnet.prefix_bits() >= route.prefix_bits;
        (!self.subnets.iter().any(on_link)).then_some(route.via)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn subnet(third: u8) -> Subnet {
        Subnet::new([10, 0, third, 0].into(), 24, [10, 0, third, 1].into())
    }

    fn router(routes: &[([u8; 4], u8, u8)]) -> Router {
        let route = |(address, bits, via): &([u8; 4], u8, u8)| {
            Route::new((*address).into(), *bits, [10, 0, 0, *via].into())
        };
        Router::new(
            vec![subnet(0), subnet(1)],
            routes.iter().map(route).collect(),
        )
    }

    #[test]
    fn the_longest_prefix_counts_and_a_subnets_own_is_one() {
        let router = router(&[
            ([0, 0, 0, 0], 0, 9),
            ([192, 168, 0, 0], 16, 8),
            ([192, 168, 7, 0], 24, 7),
            ([10, 0, 1, 128], 25, 6),
        ]);
        for (address, via) in [
            ([192, 168, 7, 5], Some(7)),
            ([192, 168, 8, 5], Some(8)),
            ([1, 1, 1, 1], Some(9)),
            ([10, 0, 2, 5], Some(9)),
            ([10, 0, 0, 99], None),
            ([10, 0, 1, 127], None),
            ([10, 0, 1, 128], Some(6)),
        ] {
            let via = via.map(|last| [10, 0, 0, last].into());
            assert_eq!(router.via(address.into()), via, "{address:?}");
        }
        assert_eq!(Router::default().via([1, 1, 1, 1].into()), None);
    }

    #[test]
    fn it_knows_its_addresses_and_those_of_all_nodes() {
        let router = router(&[]);
        for (address, own, broadcast) in [
            ([10, 0, 0, 1], true, false),
            ([10, 0, 1, 1], true, false),
            ([10, 0, 0, 2], false, false),
            ([10, 0, 1, 255], false, true),
            ([10, 0, 1, 0], false, true),
            ([10, 0, 2, 255], false, false),
        ] {
            assert_eq!(router.is_own(address.into()), own);
            assert_eq!(router.is_directed_broadcast(address.into()), broadcast);
        }
        let pair = Subnet::new([10, 0, 0, 0].into(), 31, [10, 0, 0, 1].into());
        assert!(!pair.is_broadcast([10, 0, 0, 0].into()), "RFC 3021");
    }

    proptest! {
        #[test]
        fn any_order_of_routes_finds_the_longest(
            routes in prop::collection::vec((any::<[u8; 4]>(), 0u8..=32, any::<u8>()), 0..8),
            address: u32,
        ) {
            let built: Vec<Route> = routes.iter()
                .map(|(net, bits, via)| Route::new((*net).into(), *bits, [1, 1, 1, *via].into()))
                .collect();
            let router = Router::new(vec![], built.clone());
            let longest = built.iter()
                .filter(|route| u64::from(address ^ route.base) >> (32 - u64::from(route.prefix_bits)) == 0)
                .map(|route| route.prefix_bits).max();
            let found = router.via(address.into());
            let matches = |route: &&Route| Some(route.prefix_bits) == longest
                && u64::from(address ^ route.base) >> (32 - u64::from(route.prefix_bits)) == 0;
            prop_assert_eq!(found, built.iter().find(matches).map(|route| route.via));
        }
    }
}
