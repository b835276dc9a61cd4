//! The validated configuration: what the rest of the program may rely on
//!
//! Values of these types exist only if every check of this crate has passed, so an index is in
//! range, a name is known and an address lies where it must. Fields are public for reading; nobody
//! but [`load`](crate::load) builds a [`Config`].

use std::net::{Ipv4Addr, Ipv6Addr};
use std::path::PathBuf;

use ipnet::Ipv4Net;
use wire::address::{FabricPrefix, Layout, Locator, NetworkId};
use wire::encode::HeadingRules;
use wire::ethernet::MacAddress;

use crate::problem::Problem;

mod group;
mod multicast;
mod native;

pub use group::{
    BufferLimits, Copies, CopyBudget, FanOut, Group, Hook, Manager, OnIsolation, PublicKey,
};
pub use multicast::Multicast;
pub use native::{Native, Peer, PeerPrefix};

/// One host's configuration: its own file and everything that it includes.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// `[host]`: this host.
    pub host: Host,
    /// `[uplink]`: the way to the substrate.
    pub uplink: Uplink,
    /// `[[port]]`: the local guests, in the order of the files.
    pub ports: Vec<Port>,
    /// `[fabric]`: what all hosts share.
    pub fabric: Fabric,
    /// `[[network]]`: the tenants' networks, in the order of the files.
    pub networks: Vec<Network>,
    /// `[[group]]`: the replicated addresses, in the order of the files.
    pub groups: Vec<Group>,
    /// `[manager]`: who decides; there is one wherever there are groups.
    pub manager: Option<Manager>,
    /// Every file that was read, the host's own first.
    pub files: Vec<PathBuf>,
    /// What is legal and yet probably not meant.
    pub warnings: Vec<Problem>,
}

impl Config {
    /// What it says, in a line: the host, the fabric, and what is here.
    #[must_use]
    pub fn summary(&self) -> String {
        let count = |number: usize, noun: &str| {
            format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
        };
        let nodes = self
            .networks
            .iter()
            .map(|network| network.nodes.len())
            .sum();
        let groups = match self.groups.len() {
            0 => String::new(),
            groups => format!("{}, ", count(groups, "group")),
        };
        format!(
            "host {} can run: fabric of {}, {}, {}, {groups}{} here",
            self.host.name,
            count(self.fabric.hosts.len(), "host"),
            count(self.networks.len(), "network"),
            count(nodes, "node"),
            count(self.ports.len(), "port"),
        )
    }
}

/// `[host]`: the process on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// The name, one of the fabric's hosts.
    pub name: String,
    /// The position in [`Fabric::hosts`].
    pub index: usize,
    /// The lcores of the polling workers, each once, in the order written; never empty.
    pub workers: Vec<u16>,
    /// What an idle worker does.
    pub poll: Poll,
    /// Where packet buffers live.
    pub memory: Memory,
    /// The unix socket of the local API.
    pub socket: PathBuf,
    /// Where the daemon keeps what it must know after a restart: the last records, the counts that
    /// are billed.
    pub state_dir: PathBuf,
    /// The host's secret key; `None` without authentication.
    pub key_file: Option<PathBuf>,
}

/// What a worker does when no packet is waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Poll {
    /// Asks again at once: the lowest latency, a whole core at any load.
    Busy,
    /// Sleeps for some microseconds after a number of empty rounds.
    Adaptive,
}

/// Where packet buffers live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Memory {
    /// In hugepages: needed by PCI devices and by `dpdk-dumpcap`.
    HugePages {
        /// Size in MiB.
        mib: u32,
    },
    /// In ordinary pages: slower, needs no set-up.
    Ordinary {
        /// Size in MiB.
        mib: u32,
    },
}

/// `[uplink]`: the port towards the substrate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uplink {
    /// A DPDK device string or a PCI address.
    pub device: String,
    /// The host's own address on the link, outside the fabric's prefix.
    pub address: Ipv6Addr,
    /// The length in bits of the link's prefix.
    pub prefix_len: u8,
    /// The router: on the link, or link-local.
    pub next_hop: Ipv6Addr,
    /// The router's MAC; `None` asks by neighbour discovery.
    pub next_hop_mac: Option<MacAddress>,
    /// The port's MAC; `None` takes the device's own.
    pub mac: Option<MacAddress>,
    /// The largest IPv6 packet of the substrate in bytes, Ethernet header not counted.
    pub mtu: u16,
    /// Receive descriptors per queue; `None` leaves them to the daemon.
    pub rx_descriptors: Option<u16>,
    /// Transmit descriptors per queue; `None` leaves them to the daemon.
    pub tx_descriptors: Option<u16>,
    /// Packet buffers, at least; `None` takes what the queues of the host can hold.
    pub mbufs_min: Option<u32>,
}

/// `[[port]]`: the port of a guest on this host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Port {
    /// The position in [`Config::networks`].
    pub network: usize,
    /// The position in [`Network::nodes`]; the node's host is this one.
    pub node: usize,
    /// `network/node`, unique among the ports.
    pub name: String,
    /// A DPDK device string or a PCI address.
    pub device: String,
    /// The lcore of the owning worker, one of [`Host::workers`]; `None` deals ports out in turn.
    pub worker: Option<u16>,
    /// Receive descriptors per queue; `None` leaves them to the daemon.
    pub rx_descriptors: Option<u16>,
    /// Transmit descriptors per queue; `None` leaves them to the daemon.
    pub tx_descriptors: Option<u16>,
    /// Packet buffers, at least; `None` takes what the queues of the host can hold.
    pub mbufs_min: Option<u32>,
}

/// `[fabric]`: what all hosts must agree on.
#[derive(Clone, Debug)]
pub struct Fabric {
    /// What tells this fabric's control messages from another's.
    pub id: [u8; 16],
    /// The UDP and TCP port of control messages between hosts.
    pub control_port: u16,
    /// Control messages are not authenticated; no key is configured then.
    pub insecure_lab: bool,
    /// Where all locators lie.
    pub prefix: FabricPrefix,
    /// How a substrate address is cut (docs/wire.md sections 1 and 8).
    pub layout: Layout,
    /// The choices that re-heading leaves open (docs/wire.md sections 2 and 3).
    pub rules: HeadingRules,
    /// `[[fabric.host]]`: every host, this one included.
    pub hosts: Vec<FabricHost>,
}

/// `[[fabric.host]]`: a host as the others see it.
#[derive(Clone, Debug)]
pub struct FabricHost {
    /// The name, unique in the fabric.
    pub name: String,
    /// What the substrate routes to this host, unique in the fabric.
    pub locator: Locator,
    /// What its messages are authenticated with; `None` without authentication.
    pub public_key: Option<PublicKey>,
}

/// `[[network]]`: one tenant's network.
#[derive(Clone, Debug)]
pub struct Network {
    /// The name, unique.
    pub name: String,
    /// The 24-bit number on the wire, unique.
    pub id: NetworkId,
    /// `[[network.subnet]]`: at least one; they do not overlap.
    pub subnets: Vec<Subnet>,
    /// `[[network.route]]`: what lies behind nodes; prefixes are unique within the network.
    pub routes: Vec<Route>,
    /// `[[network.node]]`: names are unique within the network; addresses and MACs are, but for the
    /// members and spares of a group, which share theirs.
    pub nodes: Vec<Node>,
    /// `[network.native]`: hosts of the substrate that the nodes may reach.
    pub native: Option<Native>,
    /// `[network.multicast]`: what the nodes may send to many.
    pub multicast: Option<Multicast>,
}

/// `[[network.subnet]]`: a link, as the guests see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subnet {
    /// The prefix, host bits zero.
    pub prefix: Ipv4Net,
    /// The virtual router, inside the prefix.
    pub gateway: Ipv4Addr,
    /// The largest IPv4 packet of a guest in bytes, at least 28 below the uplink's.
    pub mtu: u16,
}

/// `[[network.route]]`: a prefix behind a node, which the virtual router forwards to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    /// What lies there, host bits zero; no subnet's own prefix.
    pub prefix: Ipv4Net,
    /// The node's virtual address.
    pub via: Ipv4Addr,
}

/// `[[network.node]]`: a guest's address and where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// The name, unique in the network.
    pub name: String,
    /// The virtual address.
    pub address: Ipv4Addr,
    /// The position in [`Network::subnets`] of the subnet that holds the address.
    pub subnet: usize,
    /// The position in [`Fabric::hosts`] of the host where the guest runs.
    pub host: usize,
    /// The guest's MAC; by default 02:55 followed by the four octets of the address.
    pub mac: MacAddress,
}
