//! Native IPv6 peers: found by the virtual address that a node writes, and by the
//! IPv6 address that a peer sends from.
//!
//! They are few, operators choose them, and no packet adds one. Sorted lists cost
//! the same for every address that a stranger may try.

use std::net::{Ipv4Addr, Ipv6Addr};

use wire::address::NetworkId;
use wire::native::{NativePrefix, Peer, UdpZero};

use crate::snapshot::Subnet;

/// All native peers, by network.
#[derive(Clone, Debug, Default)]
pub struct NativePeers {
    /// Sorted by id.
    networks: Box<[(NetworkId, NativeNetwork)]>,
}

impl NativePeers {
    /// The peers of these networks, each of which occurs once.
    pub fn new(networks: impl IntoIterator<Item = (NetworkId, NativeNetwork)>) -> Self {
        let mut networks: Box<[_]> = networks.into_iter().collect();
        networks.sort_by_key(|(id, _)| *id);
        assert!(
            networks.windows(2).all(|pair| pair[0].0 != pair[1].0),
            "a network once"
        );
        Self { networks }
    }

    /// The peers of a network, if it has any.
    #[inline]
    pub fn of(&self, network: NetworkId) -> Option<&NativeNetwork> {
        let at = self.networks.binary_search_by_key(&network, |(id, _)| *id);
        Some(&self.networks[at.ok()?].1)
    }

    /// Every network that has peers.
    pub fn iter(&self) -> impl Iterator<Item = &(NetworkId, NativeNetwork)> {
        self.networks.iter()
    }
}

/// The native peers of one network.
#[derive(Clone, Debug)]
pub struct NativeNetwork {
    /// What becomes of a guest's UDP datagram without a checksum.
    pub udp_zero: UdpZero,
    /// The largest IPv6 packet that a guest's packet without DF becomes, in octets.
    pub lowest_ipv6_mtu: u16,
    by_dummy: Box<[Peer]>,
    by_address: Box<[Peer]>,
    prefixes: Box<[(Subnet, NativePrefix)]>,
}

impl NativeNetwork {
    /// A network with these peers, whose virtual addresses and IPv6 addresses
    /// are unique, and with these ranges of virtual addresses, which do not
    /// overlap, behind prefixes.
    pub fn new(
        peers: &[Peer],
        prefixes: impl IntoIterator<Item = (Subnet, NativePrefix)>,
        udp_zero: UdpZero,
        lowest_ipv6_mtu: u16,
    ) -> Self {
        let sorted = |key: fn(&Peer) -> u128| -> Box<[Peer]> {
            let mut peers = peers.to_vec();
            peers.sort_by_key(key);
            assert!(
                peers.windows(2).all(|pair| key(&pair[0]) != key(&pair[1])),
                "a peer once"
            );
            peers.into()
        };
        Self {
            udp_zero,
            lowest_ipv6_mtu,
            by_dummy: sorted(|peer| peer.dummy.to_bits().into()),
            by_address: sorted(|peer| u128::from_be_bytes(peer.address)),
            prefixes: prefixes.into_iter().collect(),
        }
    }

    /// The peer that nodes call `dummy`. An explicit mapping goes before a
    /// prefix (RFC 7757 section 3.2).
    #[inline]
    pub fn by_dummy(&self, dummy: Ipv4Addr) -> Option<Peer> {
        let explicit = self
            .by_dummy
            .binary_search_by_key(&dummy, |peer| peer.dummy);
        match explicit {
            Ok(at) => Some(self.by_dummy[at]),
            Err(_) => self
                .prefixes
                .iter()
                .find(|(range, _)| range.contains(dummy))
                .map(|(_, prefix)| prefix.peer_of(dummy)),
        }
    }

    /// The peer that sends from `address`, likewise.
    #[inline]
    pub fn by_address(&self, address: &[u8; 16]) -> Option<Peer> {
        let explicit = self
            .by_address
            .binary_search_by(|peer| peer.address.cmp(address));
        match explicit {
            Ok(at) => Some(self.by_address[at]),
            Err(_) => self.prefixes.iter().find_map(|(range, prefix)| {
                let dummy = prefix.dummy_of(address)?;
                range.contains(dummy).then(|| prefix.peer_of(dummy))
            }),
        }
    }

    /// Each peer that is mapped explicitly: its virtual and its IPv6 address.
    pub fn peers(&self) -> impl Iterator<Item = (Ipv4Addr, Ipv6Addr)> {
        self.by_dummy
            .iter()
            .map(|peer| (peer.dummy, peer.address.into()))
    }

    /// How many ranges of virtual addresses lie behind a prefix.
    pub fn prefixes(&self) -> usize {
        self.prefixes.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network() -> NativeNetwork {
        let peer = |dummy: &str, address: &str| {
            let address: Ipv6Addr = address.parse().expect("an address");
            Peer::new(dummy.parse().expect("an address"), address.octets())
        };
        let range = Subnet::new(Ipv4Addr::new(198, 18, 0, 0), 15, Ipv4Addr::UNSPECIFIED);
        let prefix = NativePrefix::new("2001:db8:64::".parse().expect("a prefix"));
        NativeNetwork::new(
            &[
                peer("198.18.0.7", "2001:db8:7::7"),
                peer("10.0.0.201", "2001:db8:7::1"),
                peer("10.0.0.200", "2001:db8:7::2"),
            ],
            [(range, prefix.expect("a /96"))],
            UdpZero::Compute,
            1280,
        )
    }

    fn address_of(network: &NativeNetwork, dummy: &str) -> Option<String> {
        let peer = network.by_dummy(dummy.parse().expect("an address"))?;
        Some(Ipv6Addr::from(peer.address).to_string())
    }

    fn dummy_of(network: &NativeNetwork, address: &str) -> Option<String> {
        let address: Ipv6Addr = address.parse().expect("an address");
        Some(network.by_address(&address.octets())?.dummy.to_string())
    }

    #[test]
    fn each_peer_is_found_by_both_names_and_nobody_else() {
        let network = network();
        for (dummy, address) in [
            ("10.0.0.200", "2001:db8:7::2"),
            ("10.0.0.201", "2001:db8:7::1"),
            ("198.18.0.7", "2001:db8:7::7"),
            ("198.19.255.255", "2001:db8:64::c613:ffff"),
        ] {
            assert_eq!(address_of(&network, dummy).as_deref(), Some(address));
            assert_eq!(dummy_of(&network, address).as_deref(), Some(dummy));
        }
        assert_eq!(address_of(&network, "10.0.0.202"), None);
        assert_eq!(dummy_of(&network, "2001:db8:7::3"), None);
    }

    #[test]
    fn an_explicit_mapping_goes_before_a_prefix() {
        assert_eq!(
            address_of(&network(), "198.18.0.7").as_deref(),
            Some("2001:db8:7::7")
        );
    }

    #[test]
    fn behind_a_prefix_are_the_addresses_of_its_range_only() {
        let network = network();
        assert_eq!(
            dummy_of(&network, "2001:db8:64::c612:1").as_deref(),
            Some("198.18.0.1")
        );
        // 10.0.0.3 may be a node's
        assert_eq!(dummy_of(&network, "2001:db8:64::a00:3"), None);
        assert_eq!(dummy_of(&network, "2001:db8:65::c612:1"), None);
    }

    #[test]
    fn networks_are_apart() {
        let id = |id| NetworkId::new(id).expect("a tenant network");
        let peers = NativePeers::new([(id(7), network()), (id(3), network())]);
        assert!(peers.of(id(3)).is_some() && peers.of(id(7)).is_some());
        assert!(peers.of(id(5)).is_none());
    }
}
