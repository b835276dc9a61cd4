//! `[[network.node]]`: guests' addresses, hosts and MACs

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::Ipv4Addr;

use wire::ethernet::MacAddress;

use super::group::Shared;
use super::{network, value, whole};
use crate::model::{Node, Subnet};
use crate::name::{Names, listed};
use crate::problem::{Draft, Drafts};
use crate::raw::{self, Raw};
use crate::source::{At, Span};

/// The nodes of one network, whose `subnets` have been checked.
pub fn check(
    raw: &raw::Network,
    subnets: &[Option<Subnet>],
    hosts: &Names<'_>,
    shared: &Shared<'_>,
    drafts: &Drafts,
) -> Option<Vec<Node>> {
    Names::collect(
        drafts,
        "node",
        raw.nodes.iter().map(|node| node.name.as_ref()),
    );
    let mut addresses: HashMap<Ipv4Addr, (Span, &raw::Node)> = HashMap::new();
    let mut macs = Macs::of_gateways(raw, subnets);
    let nodes = raw.nodes.iter().map(|node| {
        let address = node.address.as_ref().and_then(|found| {
            let address = value::ipv4(drafts, "address", found)?;
            if let Some((first, other)) = addresses.insert(address, (found.span, node))
                && !shared.together(raw, node, other)
            {
                let message = format!("two nodes of one network have the address {address}");
                let help = "give each node an address of its own, or list both in one [[group]]";
                value::taken(drafts, message, found.span, first, help);
            }
            Some(At {
                value: address,
                span: found.span,
            })
        });
        let subnet = address.and_then(|at| subnet_of(at, raw, subnets, drafts));
        let host = node
            .host
            .as_ref()
            .and_then(|found| host_of(found, hosts, drafts));
        let mac = mac_of(node, address, drafts);
        if let Some(mac) = mac {
            let written = node.mac.is_some();
            macs.claim(mac, address.map(|at| at.value), written, drafts);
        }
        Some(Node {
            name: node.name.as_ref()?.value.clone(),
            address: address?.value,
            subnet: subnet?,
            host: host?,
            mac: mac?.value,
        })
    });
    whole(nodes.collect())
}

/// The names of all nodes, for those who refer to them, by the position of their network.
///
/// Bad and double names are reported where the nodes are checked.
pub fn names(raw: &Raw) -> Vec<Names<'_>> {
    let networks = raw.networks.iter();
    networks
        .map(|network| {
            let names = network.nodes.iter().map(|node| node.name.as_ref());
            Names::collect(&Drafts::default(), "node", names)
        })
        .collect()
}

/// The position of the subnet that holds the address.
fn subnet_of(
    address: At<Ipv4Addr>,
    raw: &raw::Network,
    subnets: &[Option<Subnet>],
    drafts: &Drafts,
) -> Option<usize> {
    let ip = address.value;
    let holds = |subnet: &Option<Subnet>| subnet.is_some_and(|subnet| subnet.prefix.contains(&ip));
    let Some(index) = subnets.iter().position(holds) else {
        // A subnet that is wrong may be the one that was meant.
        if !subnets.is_empty() && subnets.iter().all(Option::is_some) {
            let prefixes: Vec<_> = subnets
                .iter()
                .flatten()
                .map(|subnet| subnet.prefix.to_string())
                .collect();
            let prefixes = listed(prefixes.iter().map(String::as_str));
            let draft = Draft::error(format!(
                "address {ip} is outside every subnet of its network"
            ))
            .at(address.span, "in no subnet")
            .help(format!(
                "write an address of {prefixes}, or add a [[network.subnet]]"
            ));
            drafts.push(draft);
        }
        return None;
    };
    let subnet = subnets[index]?;
    let (message, why, label) = if ip == subnet.gateway {
        let why = raw.subnets[index].gateway.as_ref()?.span;
        (
            format!("address {ip} is the gateway of its subnet"),
            why,
            "the gateway",
        )
    } else {
        let why = raw.subnets[index].prefix.as_ref()?.span;
        let Some(kind) = network::reserved(subnet.prefix, ip) else {
            return Some(index);
        };
        (
            format!("address {ip} is the {kind} address of its subnet"),
            why,
            "the subnet",
        )
    };
    let draft = Draft::error(message)
        .at(address.span, "not a node's address")
        .at(why, label);
    drafts.push(draft.help(format!("take another address of {}", subnet.prefix)));
    None
}

/// The position of the host that is named.
pub fn host_of(found: &At<String>, hosts: &Names<'_>, drafts: &Drafts) -> Option<usize> {
    let index = hosts.get(&found.value);
    if index.is_none() && !hosts.is_empty() {
        let draft = Draft::error(format!("unknown host \"{}\"", found.value))
            .at(found.span, "not in [[fabric.host]]")
            .help(hosts.suggest("host", &found.value));
        drafts.push(draft);
    }
    index
}

fn mac_of(
    node: &raw::Node,
    address: Option<At<Ipv4Addr>>,
    drafts: &Drafts,
) -> Option<At<MacAddress>> {
    match &node.mac {
        Some(found) => value::mac(drafts, "mac", found).map(|value| At {
            value,
            span: found.span,
        }),
        None => address.map(|at| At {
            value: MacAddress::virtual_of(at.value),
            span: at.span,
        }),
    }
}

/// The MACs of one network.
struct Macs(HashMap<MacAddress, Claim>);

/// Who has a MAC.
struct Claim {
    span: Span,
    address: Option<Ipv4Addr>,
    /// It was written there, and does not just follow the address.
    written: bool,
}

impl Macs {
    fn of_gateways(raw: &raw::Network, subnets: &[Option<Subnet>]) -> Self {
        let gateway = |(raw, subnet): (&raw::Subnet, &Option<Subnet>)| {
            let address = subnet.as_ref()?.gateway;
            let claim = Claim {
                span: raw.gateway.as_ref()?.span,
                address: Some(address),
                written: false,
            };
            Some((MacAddress::virtual_of(address), claim))
        };
        Self(
            raw.subnets
                .iter()
                .zip(subnets)
                .filter_map(gateway)
                .collect(),
        )
    }

    fn claim(
        &mut self,
        At { value: mac, span }: At<MacAddress>,
        address: Option<Ipv4Addr>,
        written: bool,
        drafts: &Drafts,
    ) {
        match self.0.entry(mac) {
            Entry::Vacant(vacant) => {
                vacant.insert(Claim {
                    span,
                    address,
                    written,
                });
            }
            Entry::Occupied(first) => {
                let first = first.get();
                // Two default MACs are equal only if the addresses are, which has been reported,
                // or the nodes are of one group and must have one MAC.
                let other = address.is_none() || address != first.address;
                if other && (written || first.written) {
                    let message =
                        format!("two nodes or gateways of one network have the MAC {mac}");
                    let help =
                        "give each its own, or leave `mac` out: the default follows the address";
                    value::taken(drafts, message, span, first.span, help);
                }
            }
        }
    }
}
