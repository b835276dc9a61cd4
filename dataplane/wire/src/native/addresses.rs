//! Both names of both ends of a packet (RFC 7757, RFC 6052).

use crate::{address::Prefix96, checksum};
use std::net::{Ipv4Addr, Ipv6Addr};

/// A native peer under its two names: an explicit address mapping between
/// single addresses (RFC 7757 section 3.1), or what a prefix makes of one
/// (RFC 6052).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    /// The dummy: what nodes of the network call it.
    pub dummy: Ipv4Addr,
    /// What it calls itself.
    pub address: [u8; 16],
    /// S(address) - S(dummy).
    delta: u16,
}

impl Peer {
    /// The peer at `address` that nodes call `dummy`.
    #[must_use]
    #[inline]
    pub fn new(dummy: Ipv4Addr, address: [u8; 16]) -> Self {
        let sums = [checksum::sum(&address), !checksum::sum(&dummy.octets())];
        Self {
            dummy,
            address,
            delta: checksum::add(sums[0], sums[1]),
        }
    }

    /// What the sum of a pseudo-header gains when this peer's IPv4 address is
    /// exchanged for its IPv6 address.
    #[must_use]
    #[inline]
    pub const fn delta(&self) -> u16 {
        self.delta
    }
}

/// A prefix of 96 bits under which IPv6 hosts have an IPv4 address in their
/// last 32 (RFC 6052 section 2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NativePrefix(Prefix96);

impl NativePrefix {
    /// The prefix `network`/96. `None` if bits behind it are set, or if bits 64
    /// to 71 are, which RFC 6052 section 2.2 reserves.
    #[must_use]
    pub fn new(network: Ipv6Addr) -> Option<Self> {
        let octets = network.octets();
        let (prefix, rest) = octets.split_first_chunk::<12>()?;
        (rest == [0; 4] && prefix[8] == 0).then_some(Self(Prefix96(*prefix)))
    }

    /// The peer that nodes call `dummy`.
    #[must_use]
    #[inline]
    pub fn peer_of(&self, dummy: Ipv4Addr) -> Peer {
        Peer::new(dummy, self.0.with(dummy))
    }

    /// The address that the last 32 bits of `address` are, if it has this prefix.
    #[must_use]
    #[inline]
    pub fn dummy_of(&self, address: &[u8; 16]) -> Option<Ipv4Addr> {
        let (prefix, last) = address.split_first_chunk::<12>()?;
        let last: [u8; 4] = last.try_into().ok()?;
        (*prefix == self.0.0).then(|| last.into())
    }

    /// The first address of the prefix.
    #[must_use]
    pub const fn network(&self) -> Ipv6Addr {
        Ipv6Addr::from_bits(u128::from_be_bytes(self.0.with(Ipv4Addr::UNSPECIFIED)))
    }
}

/// Both ends of a packet between a node and a native peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ends {
    /// The node's virtual address.
    pub node: Ipv4Addr,
    /// Its substrate address.
    pub node_address: [u8; 16],
    /// The peer.
    pub peer: Peer,
    /// What a checksum's sum gains on the way up.
    delta: u16,
}

impl Ends {
    /// A node in the network and on the host of `prefix`, and a peer.
    #[must_use]
    #[inline]
    pub fn new(prefix: &Prefix96, node: Ipv4Addr, peer: Peer) -> Self {
        Self {
            node,
            node_address: prefix.with(node),
            peer,
            // A neutral prefix sums to 0xffff, which is zero.
            delta: checksum::add(peer.delta, checksum::sum(&prefix.0)),
        }
    }

    /// What the sum of a pseudo-header gains when both IPv4 addresses are
    /// exchanged for their IPv6 addresses. Length and protocol count the same
    /// in both families.
    #[must_use]
    #[inline]
    pub const fn delta(&self) -> u16 {
        self.delta
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::Layout;
    use crate::samples::{any_layout, guest_address, prefixes};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_delta_is_that_of_all_four_addresses(
            layout in any_layout(), node in guest_address(), dummy in guest_address(), address: [u8; 16],
        ) {
            let [prefix, _] = prefixes(layout);
            let ends = Ends::new(&prefix, node, Peer::new(dummy, address));
            let ipv4 = checksum::add(checksum::sum(&node.octets()), checksum::sum(&dummy.octets()));
            let ipv6 = checksum::add(checksum::sum(&prefix.with(node)), checksum::sum(&address));
            let risen = checksum::add(ipv4, ends.delta());
            // 0 and 0xffff are the same number
            prop_assert_eq!(u32::from(risen) % 0xffff, u32::from(ipv6) % 0xffff);
        }

        #[test]
        fn a_prefix_and_an_address_make_a_peer_and_come_back(dummy in guest_address(), mut network: [u8; 16]) {
            network[8] = 0;
            network[12..].fill(0);
            let prefix = NativePrefix::new(network.into()).unwrap();
            let peer = prefix.peer_of(dummy);
            prop_assert_eq!(&peer.address[..12], &network[..12]);
            prop_assert_eq!(prefix.dummy_of(&peer.address), Some(dummy));
            prop_assert_eq!(prefix.network(), Ipv6Addr::from(network));
            let mut other = peer.address;
            other[11] ^= 1;
            prop_assert_eq!(prefix.dummy_of(&other), None);
        }
    }

    #[test]
    fn a_neutral_prefix_needs_no_change_of_a_checksum() {
        // 64:ff9b::/96 was chosen so (RFC 6052 section 4.1).
        let well_known = NativePrefix::new("64:ff9b::".parse().unwrap()).unwrap();
        let [prefix, _] = prefixes(Layout::Neutral56);
        let peer = well_known.peer_of(Ipv4Addr::new(192, 0, 2, 33));
        assert_eq!(
            Ipv6Addr::from(peer.address).to_string(),
            "64:ff9b::c000:221"
        );
        let delta = Ends::new(&prefix, Ipv4Addr::new(10, 0, 0, 2), peer).delta();
        assert!(matches!(delta, 0 | 0xffff), "{delta:#x}");
    }

    #[test]
    fn bits_behind_the_prefix_and_the_reserved_octet_are_refused() {
        for (network, right) in [
            ("2001:db8:1:2:0:3::", true),
            ("2001:db8::1", false),
            ("2001:db8:0:0:100::", false),
        ] {
            let prefix = NativePrefix::new(network.parse().unwrap());
            assert_eq!(prefix.is_some(), right, "{network}");
        }
    }
}
