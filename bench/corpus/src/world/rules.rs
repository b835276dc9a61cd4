//! What the configuration says about a packet's way: for the reference, which has no tables.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::{Multicast, Network, World};
use crate::checksum;

impl World {
    /// Whether the protocols 253 and 254 pass.
    pub(crate) fn experimental_allowed(&self) -> bool {
        self.fabric.allow_experimental_protocols
    }

    /// Which packets keep their ID: `off`, `df0` or `all`.
    pub(crate) fn keep_id(&self) -> &str {
        self.fabric.keep_id.as_deref().unwrap_or("off")
    }

    /// The DSCP that the substrate sees, if it is not the guest's.
    pub(crate) fn fixed_dscp(&self) -> Option<u8> {
        self.fabric.dscp_value
    }

    /// The largest IPv6 packet that leaves.
    pub(crate) fn uplink_mtu(&self) -> usize {
        self.uplink.mtu
    }

    /// The next hop's MAC, if it is known.
    pub(crate) fn next_hop_mac(&self) -> Option<[u8; 6]> {
        self.mac(self.uplink.next_hop_mac.as_deref()?).ok()
    }

    /// The id of a network.
    pub(crate) fn id_of(&self, network: &str) -> Option<u32> {
        Some(self.network(network).ok()?.id)
    }

    /// The network with this id.
    pub(crate) fn network_named(&self, id: u32) -> Option<&str> {
        let known = self.network.iter().find(|network| network.id == id)?;
        Some(&known.name)
    }

    /// Whether an address is that of a group.
    pub(crate) fn is_replicated(&self, network: &str, address: Ipv4Addr) -> bool {
        let mut groups = self.group.iter();
        groups.any(|group| group.network == network && group.address == address)
    }

    /// The guest port that leads to an address.
    pub(crate) fn port_of(&self, network: &str, address: Ipv4Addr) -> Option<&str> {
        let network = self.network(network).ok()?;
        let leads_there = |node: &str| {
            let known = node
                .split_once('/')
                .filter(|(name, _)| *name == network.name);
            known.is_some_and(|(_, name)| {
                let mut nodes = network.node.iter();
                nodes.any(|node| node.name == name && node.address == address)
            })
        };
        let port = self.port.iter().find(|port| leads_there(&port.node))?;
        Some(&port.node)
    }

    /// Whether a node with this address is on this host; of a group, whether a port leads to it.
    pub(crate) fn lives_here(&self, network: &str, address: Ipv4Addr) -> bool {
        if self.is_replicated(network, address) {
            return self.port_of(network, address).is_some();
        }
        self.host_of(network, address) == Ok(self.own())
    }

    /// Whether two addresses lie in one subnet.
    pub(crate) fn same_subnet(&self, network: &str, one: Ipv4Addr, other: Ipv4Addr) -> bool {
        let subnet = self.subnet_of(network, one);
        subnet.is_ok_and(|subnet| subnet.contains(other))
    }

    /// What the nodes of a network may send to many, if they may.
    pub(crate) fn multicast(&self, network: &str) -> Option<&Multicast> {
        self.network(network).ok()?.multicast.as_ref()
    }

    /// The other hosts with nodes in the subnet of a node.
    pub(crate) fn hosts_beside(&self, network: &str, node: Ipv4Addr) -> Vec<String> {
        let nodes = self.network(network).map(|known| &known.node[..]);
        let nodes = nodes.unwrap_or_default();
        let is_beside = |other: &super::Node| self.same_subnet(network, node, other.address);
        let has_one = |host: &str| {
            nodes
                .iter()
                .any(|other| other.host == host && is_beside(other))
        };
        let names = self.fabric.host.iter().map(|host| &host.name);
        let others = names.filter(|name| *name != self.own() && has_one(name));
        others.cloned().collect()
    }

    /// The ports of this host that lead to nodes in the subnet of a node.
    pub(crate) fn ports_beside(&self, network: &str, node: Ipv4Addr) -> Vec<String> {
        let leads_there = |port: &&super::Port| {
            let (of, _) = port.node.split_once('/').unwrap_or_default();
            let at = self.node_at(&port.node);
            of == network && at.is_some_and(|at| self.same_subnet(network, node, at))
        };
        let ports = self.port.iter().filter(leads_there);
        ports.map(|port| port.node.clone()).collect()
    }

    /// The address of the node at a guest port.
    pub(crate) fn node_at(&self, port: &str) -> Option<Ipv4Addr> {
        match self.at(port) {
            Ok(super::At::Guest(_, address)) => Some(address),
            _ => None,
        }
    }

    /// The gateway of an address.
    pub(crate) fn gateway_of(&self, network: &str, address: Ipv4Addr) -> Option<Ipv4Addr> {
        Some(self.subnet_of(network, address).ok()?.gateway)
    }

    /// Whether an address is routed to this host: 56 bits, or 72.
    pub(crate) fn is_own_locator(&self, address: &[u8; 16]) -> bool {
        let octets = if self.is_neutral() { 7 } else { 9 };
        let own = self.locator(self.own()).unwrap_or_default();
        address[..octets] == own[..octets]
    }

    /// Whether an address lies in the fabric's prefix.
    pub(crate) fn is_in_fabric(&self, address: &[u8; 16]) -> bool {
        let Some((prefix, bits)) = self.fabric.prefix.split_once('/') else {
            return false;
        };
        match (prefix.parse::<Ipv6Addr>(), bits.parse::<u32>()) {
            (Ok(prefix), Ok(bits @ 1..=128)) => {
                (prefix.to_bits() ^ u128::from_be_bytes(*address)) >> (128 - bits) == 0
            }
            _ => false,
        }
    }

    /// Section 1: the first 96 bits sum to 0xffff, by the one n that is allowed.
    pub(crate) fn is_canonical(&self, address: &[u8; 16]) -> bool {
        let mut without = *address;
        without[7..9].fill(0);
        let n = 0xffff - checksum::sum(&without[..12]);
        !self.is_neutral() || address[7..9] == n.to_le_bytes()
    }

    pub(super) fn is_neutral(&self) -> bool {
        self.fabric.layout.as_deref() != Some("fixed72")
    }

    pub(super) fn network(&self, name: &str) -> Result<&Network, String> {
        let known = self.network.iter().find(|known| known.name == name);
        known.ok_or_else(|| format!("there is no network {name}"))
    }
}
