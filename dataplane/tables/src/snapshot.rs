//! Everything that a worker reads while it handles a burst.

use std::collections::BTreeMap;
use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use wire::address::{FabricPrefix, Layout, Locator, NetworkId, Prefix96};
use wire::encode::HeadingRules;
use wire::ethernet::MacAddress;

use crate::group::{Group, GroupIndex, LocalMember};
use crate::lease::Lease;
use crate::mappings::{Aim, Entry, HostIndex, Key, Mappings, PortIndex};
use crate::multicast::{Multicast, is_for_many};
use crate::native::NativePeers;
use crate::path_mtu::PathMtus;
use crate::router::Router;

/// One version of what this host knows. Immutable, complete, cheap to derive
/// from its predecessor: every part that did not change is shared.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// Counts the published snapshots of this process, from 1.
    pub version: u64,
    /// When it was published, by the publisher's clock in nanoseconds; 0 where it has none.
    pub published_ns: u64,
    /// Rules of the fabric that all hosts share.
    pub fabric: Fabric,
    /// This host's own place in it.
    pub host: LocalHost,
    /// How packets leave for the substrate.
    pub uplink: Uplink,
    /// How large a packet the path to each other host takes.
    pub path_mtus: PathMtus,
    /// The node behind each guest port: port `i + 1` is at `i`.
    pub nodes: Arc<[LocalNode]>,
    /// The networks that this host knows of, and the virtual router of each.
    pub networks: Arc<BTreeMap<u32, Router>>,
    /// Where each virtual address lives.
    pub mappings: Mappings,
    /// Hosts of the substrate that nodes reach by a virtual address.
    pub natives: Arc<NativePeers>,
    /// Who listens to packets for many; the same object in every version.
    pub multicast: Arc<Multicast>,
    /// The replicated addresses. Their number and order are those of the launch.
    pub groups: Arc<[Group]>,
}

impl Snapshot {
    /// The virtual router of a network, by its 24 bits; `None` for one that this
    /// host does not know.
    pub fn router(&self, network_bits: u32) -> Option<&Router> {
        self.networks.get(&network_bits)
    }

    /// Where packets for an address go: its own mapping, or that of the node
    /// behind which it lies.
    #[inline]
    pub fn place<'a>(&'a self, looked_up: Aim<'a>) -> Option<&'a Entry> {
        match looked_up.find() {
            Some(entry) => Some(entry),
            None => self.routed(looked_up.key()),
        }
    }

    /// The mapping of the node behind which an address lies that has none itself. What
    /// names many lies behind nobody.
    pub fn routed(&self, key: Key) -> Option<&Entry> {
        if is_for_many(key.address()) {
            return None;
        }
        let via = self.router(key.network_bits())?.via(key.address())?;
        self.mappings.find(key.with_address(via))
    }

    /// A group. Indices come from this snapshot's own mappings and nodes.
    #[inline]
    pub fn group(&self, group: GroupIndex) -> Option<&Group> {
        self.groups.get(group.index())
    }

    /// The member behind a node, and its group.
    #[inline]
    pub fn member(&self, member: &NodeMember) -> Option<(&Group, &LocalMember)> {
        let group = self.group(member.group)?;
        Some((group, group.local.as_ref()?))
    }

    /// The node behind a guest port; `None` for the uplink.
    #[inline]
    pub fn node(&self, port: PortIndex) -> Option<&LocalNode> {
        self.nodes.get(port.index().checked_sub(1)?)
    }
}

/// What all hosts of a fabric have in common.
#[derive(Clone, Copy, Debug)]
pub struct Fabric {
    /// F: every locator lies inside, no router's interface does.
    pub prefix: FabricPrefix,
    /// How an address is composed.
    pub layout: Layout,
    /// How headers are rewritten.
    pub rules: HeadingRules,
}

/// This host.
#[derive(Clone, Copy, Debug)]
pub struct LocalHost {
    /// Its position in the list of hosts.
    pub index: HostIndex,
    /// H: the prefix that the substrate routes to it.
    pub locator: Locator,
    /// Where its control endpoint listens: (H, NET 0, 0.0.0.1).
    pub control_address: Ipv6Addr,
}

/// How packets leave for the substrate, and by which names it knows us there.
#[derive(Clone, Copy, Debug)]
pub struct Uplink {
    /// Our address on the link, outside the fabric's prefix.
    pub address: Ipv6Addr,
    /// Our Ethernet address on the link.
    pub mac: MacAddress,
    /// The next hop's, once known.
    pub next_hop_mac: Option<MacAddress>,
    /// The largest IPv6 packet the link takes, in octets.
    pub mtu: u16,
}

/// The node behind a guest port. The port fixes all of this; nothing of it is
/// ever learned from a packet.
#[derive(Clone, Debug)]
pub struct LocalNode {
    /// The network it belongs to.
    pub network: NetworkId,
    /// Its virtual address: the only source it may use.
    pub address: Ipv4Addr,
    /// Its Ethernet address.
    pub mac: MacAddress,
    /// The subnet it is attached to.
    pub subnet: Subnet,
    /// The largest IPv4 packet of its link, in octets.
    pub mtu: u16,
    /// The first 96 bits of its substrate address on this host.
    pub prefix: Prefix96,
    /// Owner generation of its address; the low two bits go into each packet.
    /// Of a member, its group's counts instead.
    pub generation: u8,
    /// What makes it a member of a group.
    pub member: Option<NodeMember>,
}

/// A node's membership.
#[derive(Clone, Debug)]
pub struct NodeMember {
    /// Its group.
    pub group: GroupIndex,
    /// Until when it may speak, if it is the primary.
    pub lease: Arc<Lease>,
}

/// An IPv4 subnet of a virtual network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subnet {
    /// Its base address, as a number in host order.
    base: u32,
    /// Ones where an address must agree with the base.
    mask: u32,
    /// The virtual router's address in it.
    pub gateway: Ipv4Addr,
}

impl Subnet {
    /// The subnet `address/prefix_bits` (0 to 32) with this virtual router.
    pub fn new(address: Ipv4Addr, prefix_bits: u8, gateway: Ipv4Addr) -> Self {
        let mask = u32::MAX
            .checked_shl(32 - u32::from(prefix_bits.min(32)))
            .unwrap_or(0);
        Self {
            base: address.to_bits() & mask,
            mask,
            gateway,
        }
    }

    /// The length of its prefix in bits.
    pub fn prefix_bits(&self) -> u8 {
        self.mask.count_ones() as u8 // at most 32
    }

    /// True if `address` names all nodes of this subnet: its last address, and its
    /// first, which is the same by an old custom. A subnet of two addresses has
    /// neither (RFC 3021).
    pub fn is_broadcast(&self, address: Ipv4Addr) -> bool {
        let host = address.to_bits() & !self.mask;
        self.contains(address) && self.prefix_bits() < 31 && (host == 0 || host == !self.mask)
    }

    /// True if `address` is the last of this subnet, which names all its nodes. A subnet of
    /// two addresses has none (RFC 3021).
    pub fn is_last(&self, address: Ipv4Addr) -> bool {
        self.prefix_bits() < 31 && address.to_bits() == self.base | !self.mask
    }

    /// True if `address` is on this subnet, so that no router is in between.
    #[inline]
    pub fn contains(&self, address: Ipv4Addr) -> bool {
        address.to_bits() & self.mask == self.base
    }
}

impl fmt::Display for Subnet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}/{}",
            Ipv4Addr::from_bits(self.base),
            self.prefix_bits()
        )
    }
}

#[cfg(test)]
pub(crate) mod tests;
