//! Who is where: hosts, networks and nodes by the names that cases use.

mod rules;

use std::net::{Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::checksum;
use crate::notation::number;

/// A host's configuration, as far as packets show it.
#[derive(Clone, Debug, Deserialize)]
pub struct World {
    /// The file.
    #[serde(skip)]
    pub path: PathBuf,
    host: HostTable,
    uplink: Uplink,
    port: Vec<Port>,
    fabric: Fabric,
    network: Vec<Network>,
    #[serde(default)]
    group: Vec<Group>,
}

#[derive(Clone, Debug, Deserialize)]
struct HostTable {
    name: String,
}

#[derive(Clone, Debug, Deserialize)]
struct Uplink {
    mac: String,
    next_hop_mac: Option<String>,
    address: String,
    next_hop: Ipv6Addr,
    mtu: usize,
}

#[derive(Clone, Debug, Deserialize)]
struct Port {
    node: String,
}

#[derive(Clone, Debug, Deserialize)]
struct Fabric {
    prefix: String,
    layout: Option<String>,
    keep_id: Option<String>,
    dscp_value: Option<u8>,
    #[serde(default)]
    allow_experimental_protocols: bool,
    host: Vec<FabricHost>,
}

#[derive(Clone, Debug, Deserialize)]
struct FabricHost {
    name: String,
    locator: String,
}

#[derive(Clone, Debug, Deserialize)]
struct Network {
    name: String,
    id: u32,
    subnet: Vec<Subnet>,
    node: Vec<Node>,
    multicast: Option<Multicast>,
}

/// What nodes may send to many.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Multicast {
    #[serde(default)]
    pub(crate) groups: Vec<Ipv4Addr>,
    #[serde(default = "yes")]
    pub(crate) broadcast: bool,
    /// In place of 224.0.0.0/16.
    never_forward: Option<Vec<String>>,
}

const fn yes() -> bool {
    true
}

#[derive(Clone, Debug, Deserialize)]
struct Subnet {
    prefix: String,
    gateway: Ipv4Addr,
    #[serde(default = "ethernet_mtu")]
    mtu: usize,
}

const fn ethernet_mtu() -> usize {
    1500
}

#[derive(Clone, Debug, Deserialize)]
struct Node {
    name: String,
    address: Ipv4Addr,
    host: String,
    mac: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
struct Group {
    network: String,
    address: Ipv4Addr,
}

/// What is at a port.
#[derive(Clone, Debug)]
pub(crate) enum At<'a> {
    /// The substrate.
    Uplink,
    /// The node of this network and address.
    Guest(&'a str, Ipv4Addr),
}

impl World {
    /// Reads a configuration, which is one file.
    ///
    /// # Errors
    /// A sentence, if there is none or something that packets show is missing from it.
    pub fn load(path: &Path) -> Result<Self, String> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| format!("cannot read {}: {error}", path.display()))?;
        let world: Self =
            toml::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(Self {
            path: path.to_owned(),
            ..world
        })
    }

    /// Its ports: `uplink`, then the guests in their order.
    pub fn ports(&self) -> impl Iterator<Item = &str> {
        std::iter::once("uplink").chain(self.port.iter().map(|port| port.node.as_str()))
    }

    /// The longest IP packet that the device at a port carries.
    #[must_use]
    pub fn mtu(&self, port: &str) -> usize {
        match self.at(port) {
            Ok(At::Guest(network, address)) => {
                let subnet = self.subnet_of(network, address);
                subnet.map_or(ethernet_mtu(), |subnet| subnet.mtu)
            }
            _ => self.uplink.mtu,
        }
    }

    /// What is at a port.
    pub(crate) fn at(&self, port: &str) -> Result<At<'_>, String> {
        if port == "uplink" {
            return Ok(At::Uplink);
        }
        let known = self.port.iter().find(|known| known.node == port);
        let known = known.and_then(|known| known.node.split_once('/'));
        let (network, node) =
            known.ok_or_else(|| format!("{port} is no port of host {}", self.host.name))?;
        let network = self.network(network)?;
        let node = network.node.iter().find(|known| known.name == node);
        let node = node.ok_or_else(|| format!("there is no node {port}"))?;
        Ok(At::Guest(&network.name, node.address))
    }

    /// Whom an honest packet of this network is exchanged with: the first node, in the order of
    /// the file, that lives on another host.
    pub(crate) fn peer(&self, network: &str) -> Result<Ipv4Addr, String> {
        let nodes = &self.network(network)?.node;
        let far = nodes.iter().find(|node| node.host != self.host.name);
        let far = far.ok_or_else(|| format!("no node of {network} lives on another host"))?;
        Ok(far.address)
    }

    /// The network and node of the first guest port, which packets of the uplink are for.
    pub(crate) fn first_guest(&self) -> Result<(&str, Ipv4Addr), String> {
        let port = self.port.first().ok_or("the host has no guest")?;
        match self.at(&port.node)? {
            At::Guest(network, address) => Ok((network, address)),
            At::Uplink => Err("a guest's port is not the uplink".to_owned()),
        }
    }

    /// The MAC address of a node, given or virtual (docs/wire.md section 11: 02:55 and its octets).
    pub(crate) fn node_mac(&self, network: &str, address: Ipv4Addr) -> Result<[u8; 6], String> {
        let mut nodes = self.network(network)?.node.iter();
        match nodes.find(|node| node.address == address) {
            Some(Node { mac: Some(mac), .. }) => self.mac(mac),
            _ => Ok(virtual_mac(address)),
        }
    }

    /// The Ethernet source under which the node sees packets from `source`: its virtual MAC on the
    /// same subnet, else the gateway's.
    pub(crate) fn seen_as(
        &self,
        network: &str,
        node: Ipv4Addr,
        source: Ipv4Addr,
    ) -> Result<[u8; 6], String> {
        let subnet = self.subnet_of(network, node)?;
        Ok(virtual_mac(match subnet.contains(source) {
            true => source,
            false => subnet.gateway,
        }))
    }

    /// A MAC address: as digits, `zero`, `broadcast`, `uplink`, `next-hop`, or `of:` an address.
    pub(crate) fn mac(&self, text: &str) -> Result<[u8; 6], String> {
        match text {
            "zero" => return Ok([0; 6]),
            "broadcast" => return Ok([0xff; 6]),
            "uplink" => return self.mac(&self.uplink.mac),
            "next-hop" => {
                let known = self.uplink.next_hop_mac.as_deref();
                return self.mac(known.unwrap_or("zero"));
            }
            _ => {}
        }
        if let Some(address) = text.strip_prefix("of:") {
            let address = address
                .parse()
                .map_err(|_| format!("{text} names no address"))?;
            return Ok(virtual_mac(address));
        }
        let octet = |part: &str| u8::from_str_radix(part, 16).ok();
        let octets: Option<Vec<u8>> = text.split(':').map(octet).collect();
        octets
            .and_then(|octets| octets.try_into().ok())
            .ok_or_else(|| format!("{text} is no MAC address"))
    }

    /// An IPv6 address: an ordinary one, `uplink`, `next-hop`, or HOST/NETWORK/ADDRESS in the
    /// overlay, with a wrong residue if `!residue` follows.
    pub(crate) fn ipv6(&self, text: &str) -> Result<[u8; 16], String> {
        match text {
            "uplink" => {
                let address = self.uplink.address.split('/').next().unwrap_or_default();
                return self.ipv6(address);
            }
            "next-hop" => return Ok(self.uplink.next_hop.octets()),
            _ => {}
        }
        if let Ok(address) = text.parse::<Ipv6Addr>() {
            return Ok(address.octets());
        }
        let (path, wrong) = match text.strip_suffix("!residue") {
            Some(path) => (path, true),
            None => (text, false),
        };
        let parts: Vec<&str> = path.split('/').collect();
        let [host, network, address] = parts[..] else {
            return Err(format!(
                "{text} is neither an IPv6 address nor HOST/NETWORK/ADDRESS"
            ));
        };
        let id = match number(network) {
            Some(id) => id,
            None => self.network(network)?.id,
        };
        let address = address
            .parse()
            .map_err(|_| format!("{text} ends in no IPv4 address"))?;
        let mut octets = self.overlay(host, id, address)?;
        if wrong {
            octets[7] ^= 1;
        }
        Ok(octets)
    }

    /// An overlay address, docs/wire.md section 1 (`fixed72`: section 8).
    pub(crate) fn overlay(
        &self,
        host: &str,
        network: u32,
        address: Ipv4Addr,
    ) -> Result<[u8; 16], String> {
        let mut octets = self.locator(host)?;
        octets[9..12].copy_from_slice(&network.to_be_bytes()[1..]);
        octets[12..].copy_from_slice(&address.octets());
        if self.is_neutral() {
            octets[7..9].fill(0);
            let n = 0xffff - checksum::sum(&octets[..12]);
            octets[7..9].copy_from_slice(&n.to_le_bytes());
        }
        Ok(octets)
    }

    /// The host where the tables of the host say that a node lives.
    pub(crate) fn host_of(&self, network: &str, address: Ipv4Addr) -> Result<&str, String> {
        let mut nodes = self.network(network)?.node.iter();
        let node = nodes.find(|node| node.address == address);
        let node = node.ok_or_else(|| format!("no node of {network} has {address}"))?;
        Ok(&node.host)
    }

    /// This host's name.
    pub(crate) fn own(&self) -> &str {
        &self.host.name
    }

    fn locator(&self, host: &str) -> Result<[u8; 16], String> {
        let known = self.fabric.host.iter().find(|known| known.name == host);
        let known = known.ok_or_else(|| format!("there is no host {host}"))?;
        let prefix = known.locator.split('/').next().unwrap_or_default();
        let prefix: Ipv6Addr = prefix
            .parse()
            .map_err(|_| format!("{} is no locator", known.locator))?;
        Ok(prefix.octets())
    }

    /// Whether an address is the virtual router's in any subnet of the network.
    pub(crate) fn is_gateway(&self, network: &str, address: Ipv4Addr) -> bool {
        let subnets = self.network(network).map(|network| &network.subnet);
        subnets.is_ok_and(|subnets| subnets.iter().any(|subnet| subnet.gateway == address))
    }

    /// Whether an address is the first or last of its subnet, neither of which is a node's.
    pub(crate) fn is_for_all(&self, network: &str, address: Ipv4Addr) -> bool {
        let subnet = self.subnet_of(network, address);
        let bits = subnet
            .ok()
            .and_then(|subnet| subnet.prefix.split_once('/')?.1.parse().ok());
        let Some(host_bits) = bits.map(|bits: u32| 32 - bits).filter(|bits| *bits > 1) else {
            return false;
        };
        let all = (1_u64 << host_bits) - 1;
        let host = u64::from(address.to_bits()) & all;
        host == 0 || host == all
    }

    /// Whether an address is the last of its subnet, which names all nodes there.
    pub(crate) fn is_last(&self, network: &str, address: Ipv4Addr) -> bool {
        let next = address.to_bits().wrapping_add(1);
        self.is_for_all(network, address)
            && !self.same_subnet(network, address, Ipv4Addr::from_bits(next))
    }

    fn subnet_of(&self, network: &str, address: Ipv4Addr) -> Result<&Subnet, String> {
        let mut subnets = self.network(network)?.subnet.iter();
        subnets
            .find(|subnet| subnet.contains(address))
            .ok_or_else(|| format!("no subnet of {network} has {address}"))
    }
}

impl Subnet {
    fn contains(&self, address: Ipv4Addr) -> bool {
        is_in(&self.prefix, address)
    }
}

impl Multicast {
    /// Whether no packet to this group goes anywhere.
    pub(crate) fn is_never_forwarded(&self, group: Ipv4Addr) -> bool {
        match &self.never_forward {
            Some(prefixes) => prefixes.iter().any(|prefix| is_in(prefix, group)),
            None => is_in("224.0.0.0/16", group),
        }
    }
}

/// Whether a prefix, as it is written, holds an address.
fn is_in(prefix: &str, address: Ipv4Addr) -> bool {
    let Some((base, bits)) = prefix.split_once('/') else {
        return false;
    };
    match (base.parse::<Ipv4Addr>(), bits.parse::<u32>()) {
        (Ok(base), Ok(bits @ 1..=32)) => (base.to_bits() ^ address.to_bits()) >> (32 - bits) == 0,
        _ => false,
    }
}

/// 02:55, then the four octets of the address.
pub(crate) fn virtual_mac(address: Ipv4Addr) -> [u8; 6] {
    let [a, b, c, d] = address.octets();
    [0x02, 0x55, a, b, c, d]
}
