//! What a host knows when it starts: from its configuration to the first snapshot of the tables.
//!
//! The daemon starts with it, and a replay stays with it.
#![forbid(unsafe_code)]

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::sync::Arc;

use arrayvec::ArrayVec;
use config::{Config, Network, Node};
use tables::group::{Budget, BufferLimits, Copies, FanOut, Group, LocalMember, Role};
use tables::lease::Lease;
use tables::mappings::{Change, LocalPort};
use tables::multicast::{FarHost, Link, Rules};
use tables::router::Route;
use tables::snapshot::{Fabric, LocalHost, NodeMember};
use tables::{
    Entry, GroupIndex, HostIndex, Key, LocalNode, Mappings, Multicast, NativeNetwork, NativePeers,
    PathMtus, PortIndex, Router, Snapshot, Subnet, Uplink,
};
use wire::address::NetworkId;
use wire::ethernet::MacAddress;
use wire::native::Peer;

/// The generation of an address that has never moved to another host.
pub const FIRST_GENERATION: u8 = 1;

/// What this host knows when it starts. `uplink_mac` is the device's.
///
/// Guest ports are numbered in the order of the configuration, from 1.
#[must_use]
pub fn first_snapshot(config: &Config, uplink_mac: MacAddress) -> Snapshot {
    let own = &config.fabric.hosts[config.host.index];
    let layout = config.fabric.layout;
    Snapshot {
        version: 0,
        published_ns: 0,
        fabric: Fabric {
            prefix: config.fabric.prefix,
            layout,
            rules: config.fabric.rules,
        },
        host: LocalHost {
            index: host_index(config.host.index),
            locator: own.locator,
            control_address: layout.control_address(&own.locator),
        },
        uplink: Uplink {
            address: config.uplink.address,
            mac: uplink_mac,
            next_hop_mac: config.uplink.next_hop_mac,
            mtu: config.uplink.mtu,
        },
        path_mtus: PathMtus::new(config.fabric.hosts.len(), config.uplink.mtu),
        nodes: config
            .ports
            .iter()
            .map(|port| local_node(config, port))
            .collect(),
        networks: Arc::new(
            config
                .networks
                .iter()
                .map(|network| (network.id.get(), router(network)))
                .collect::<BTreeMap<_, _>>(),
        ),
        mappings: Mappings::default().with(&mappings(config)),
        natives: Arc::new(natives(config)),
        multicast: Arc::new(Multicast::new(links(config).collect())),
        groups: groups(config).collect(),
    }
}

/// The mapping of an address that lives on a host of the fabric.
#[must_use]
pub fn entry(
    config: &Config,
    network: NetworkId,
    address: Ipv4Addr,
    host: usize,
    generation: u8,
) -> Entry {
    let locator = &config.fabric.hosts[host].locator;
    Entry {
        key: Key::new(network, address),
        prefix: config.fabric.layout.prefix96(locator, network.get()),
        owner: host_index(host),
        port: None,
        generation,
        group: None,
    }
}

/// The guest port that leads to an address, if one does.
#[must_use]
pub fn port_of(config: &Config, network: NetworkId, address: Ipv4Addr) -> Option<PortIndex> {
    let at = config.ports.iter().position(|port| {
        let (owner, node) = behind(config, port);
        owner.id == network && node.address == address
    })?;
    Some(PortIndex(u16::try_from(at + 1).ok()?))
}

/// The network and the node behind a guest port.
#[must_use]
pub fn behind<'a>(config: &'a Config, port: &config::Port) -> (&'a Network, &'a Node) {
    let network = &config.networks[port.network];
    (network, &network.nodes[port.node])
}

fn host_index(index: usize) -> HostIndex {
    HostIndex(u16::try_from(index).expect("the configuration has at most 65,535 hosts"))
}

/// The group whose address this is.
#[must_use]
pub fn group_of(config: &Config, network: NetworkId, address: Ipv4Addr) -> Option<GroupIndex> {
    let at = config.groups.iter().position(|group| {
        config.networks[group.network].id == network && group.address == address
    })?;
    GroupIndex::new(at)
}

/// The groups before anybody has said who owns them: nobody does, and the member of this host, if
/// there is a port for one, is silent.
fn groups(config: &Config) -> impl Iterator<Item = Group> + '_ {
    config.groups.iter().map(|group| {
        let network = config.networks[group.network].id;
        let local = port_of(config, network, group.address).map(|port| LocalMember {
            port,
            role: Role::Fenced,
            copies: copies(group),
            discard_before_ns: 0,
            copy_from: None,
            limits: limits(group),
        });
        Group {
            key: Key::new(network, group.address),
            fan_out: fan_out(group),
            owner: None,
            generation: FIRST_GENERATION,
            copies: ArrayVec::new(),
            local,
        }
    })
}

/// What members of a group do with copies.
#[must_use]
pub const fn copies(configured: &config::Group) -> Copies {
    match configured.copies {
        config::Copies::Deliver => Copies::Deliver,
        config::Copies::Buffer => Copies::Buffer,
    }
}

/// Who makes a group's copies.
#[must_use]
pub const fn fan_out(configured: &config::Group) -> FanOut {
    match configured.fan_out {
        config::FanOut::Sender => FanOut::Sender,
        config::FanOut::Primary => FanOut::Primary,
    }
}

/// What a member of a group may keep.
#[must_use]
pub fn limits(configured: &config::Group) -> BufferLimits {
    let limits = &configured.buffer;
    BufferLimits {
        packets: limits.packets,
        bytes: u32::try_from(limits.bytes).unwrap_or(u32::MAX),
        age_ns: u64::try_from(limits.age.as_nanos()).unwrap_or(u64::MAX),
    }
}

/// Every address once: those of groups as their group has them, each other one as its node has it.
fn mappings(config: &Config) -> Vec<Change> {
    let nodes = config
        .networks
        .iter()
        .flat_map(|network| network.nodes.iter().map(move |node| (network, node)));
    let single =
        nodes.filter(|(network, node)| group_of(config, network.id, node.address).is_none());
    let replicated = (0..)
        .zip(groups(config))
        .filter_map(|(at, group)| Some(Change::Put(group.entry(GroupIndex::new(at)?))));
    single
        .map(|(network, node)| {
            let port = port_of(config, network.id, node.address);
            Change::Put(Entry {
                port: port.and_then(|port| LocalPort::new(port.0)),
                ..entry(
                    config,
                    network.id,
                    node.address,
                    node.host,
                    FIRST_GENERATION,
                )
            })
        })
        .chain(replicated)
        .collect()
}

/// The native peers of all networks.
fn natives(config: &Config) -> NativePeers {
    let of = |network: &Network| {
        let native = network.native.as_ref()?;
        let peer = |peer: &config::Peer| Peer::new(peer.address, peer.ipv6.octets());
        let peers: Vec<Peer> = native.peers.iter().map(peer).collect();
        let prefixes = native.prefixes.iter().map(|prefix| {
            let range = prefix.addresses;
            // A range of peers has no router of its own.
            let range = Subnet::new(range.addr(), range.prefix_len(), range.addr());
            (range, prefix.ipv6)
        });
        let lowest = native.lowest_ipv6_mtu;
        let natives = NativeNetwork::new(&peers, prefixes, native.udp_zero, lowest);
        Some((network.id, natives))
    };
    NativePeers::new(config.networks.iter().filter_map(of))
}

/// A link for each subnet of a network whose nodes may send to many.
fn links(config: &Config) -> impl Iterator<Item = Link> + '_ {
    let networks = config.networks.iter().enumerate();
    networks.flat_map(move |(at, network)| {
        let rules = network.multicast.as_ref().map(rules);
        let links = rules.map(move |rules| {
            let subnets = 0..network.subnets.len();
            subnets.map(move |subnet| link(config, at, subnet, rules.clone()))
        });
        links.into_iter().flatten()
    })
}

/// Who has nodes in a subnet, by the configuration: a host without one never hears of its groups.
fn link(config: &Config, at: usize, subnet: usize, rules: Rules) -> Link {
    let network = &config.networks[at];
    let nodes = network.nodes.iter().filter(|node| node.subnet == subnet);
    let hosts: BTreeSet<usize> = nodes.map(|node| node.host).collect();
    let others = hosts.into_iter().filter(|host| *host != config.host.index);
    let far = others.map(|host| FarHost {
        host: host_index(host),
        prefix: config
            .fabric
            .layout
            .prefix96(&config.fabric.hosts[host].locator, network.id.get()),
    });
    let ports = (1..).map(PortIndex).zip(&config.ports);
    let on_it =
        ports.filter(|(_, port)| port.network == at && network.nodes[port.node].subnet == subnet);
    let groups = network.multicast.iter().flat_map(|known| &known.groups);
    Link::new(
        network.id,
        on_link(&network.subnets[subnet]),
        rules,
        far.collect(),
        on_it.map(|(port, _)| port).collect(),
        groups.copied().collect(),
    )
}

fn rules(multicast: &config::Multicast) -> Rules {
    let never = multicast.never_forward.iter();
    // Prefixes of groups have no router.
    let never = never.map(|net| Subnet::new(net.addr(), net.prefix_len(), net.addr()));
    Rules {
        broadcast: multicast.broadcast,
        never: never.collect(),
        budget: Budget::new(multicast.copy_packets_per_s, multicast.copy_bytes_per_s),
        query_interval_s: multicast.query_interval_s,
    }
}

fn router(network: &Network) -> Router {
    let route = |route: &config::Route| {
        Route::new(route.prefix.addr(), route.prefix.prefix_len(), route.via)
    };
    let subnets = network.subnets.iter().map(on_link).collect();
    Router::new(subnets, network.routes.iter().map(route).collect())
}

fn on_link(subnet: &config::Subnet) -> Subnet {
    let prefix = subnet.prefix;
    Subnet::new(prefix.addr(), prefix.prefix_len(), subnet.gateway)
}

fn local_node(config: &Config, port: &config::Port) -> LocalNode {
    let (network, node) = behind(config, port);
    let subnet = &network.subnets[node.subnet];
    let own = &config.fabric.hosts[config.host.index].locator;
    LocalNode {
        network: network.id,
        address: node.address,
        mac: node.mac,
        subnet: on_link(subnet),
        mtu: subnet.mtu,
        prefix: config.fabric.layout.prefix96(own, network.id.get()),
        generation: FIRST_GENERATION,
        member: group_of(config, network.id, node.address).map(|group| NodeMember {
            group,
            lease: Arc::new(Lease::muted()),
        }),
    }
}

#[cfg(test)]
mod tests;
