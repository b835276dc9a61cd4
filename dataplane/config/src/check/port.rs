//! `[[port]]`: which node, which device, which worker

use std::collections::HashMap;

use super::device::{self, Device};
use super::{node, value, whole};
use crate::model::Port;
use crate::name::Names;
use crate::problem::{Draft, Drafts};
use crate::raw::{self, Raw};
use crate::source::{At, Span};

/// All ports, against the nodes, the workers and the devices of this host.
pub fn check(raw: &Raw, networks: &Names<'_>, drafts: &Drafts) -> Option<Vec<Port>> {
    let nodes = node::names(raw);
    let mut devices = Devices::default();
    let uplink = raw
        .uplink
        .as_ref()
        .and_then(|uplink| uplink.device.as_ref());
    // A device that is wrong is reported where the uplink is checked.
    if let Some((found, device)) =
        uplink.and_then(|found| Some((found, device::parse(found, &Drafts::default())?)))
    {
        devices.claim(&device, found.span, drafts);
    }
    let mut taken: HashMap<(usize, usize), Span> = HashMap::new();
    let port = |port: &raw::Port| {
        let place = port.node.as_ref().and_then(|found| {
            let (network, node) = node_of(found, networks, &nodes, drafts)?;
            let place = &raw.networks[network].nodes[node];
            lives_here(found, place, raw.host.as_ref(), drafts);
            if let Some(first) = taken.insert((network, node), found.span) {
                let message = format!("two ports are for the node \"{}\"", found.value);
                let help = "a node has one port: remove one of the two";
                value::taken(drafts, message, found.span, first, help);
            }
            Some((network, node))
        });
        let device = port.device.as_ref().and_then(|found| {
            let device = device::parse(found, drafts)?;
            devices.claim(&device, found.span, drafts);
            Some(device)
        });
        let worker = port
            .worker
            .as_ref()
            .and_then(|found| worker(found, raw.host.as_ref(), drafts));
        let (rx, tx) = (&port.rx_descriptors, &port.tx_descriptors);
        let rx_descriptors = value::descriptors(drafts, "rx_descriptors", rx.as_ref());
        let tx_descriptors = value::descriptors(drafts, "tx_descriptors", tx.as_ref());
        let mbufs_min = value::mbufs(drafts, "mbufs_min", port.mbufs_min.as_ref());
        let (network, node) = place?;
        Some(Port {
            network,
            node,
            name: port.node.as_ref()?.value.clone(),
            device: device?.text,
            worker,
            rx_descriptors,
            tx_descriptors,
            mbufs_min,
        })
    };
    let ports = raw.ports.iter().map(port).collect();
    if !drafts.has_errors() {
        warn_of_portless(raw, &taken, drafts);
    }
    whole(ports)
}

/// The positions of the network and the node that `network/node` names.
fn node_of(
    found: &At<String>,
    networks: &Names<'_>,
    nodes: &[Names<'_>],
    drafts: &Drafts,
) -> Option<(usize, usize)> {
    let text = &found.value;
    let parts = text
        .split_once('/')
        .filter(|(network, node)| !network.is_empty() && !node.is_empty() && !node.contains('/'));
    let Some((network_name, node_name)) = parts else {
        let draft = Draft::error(format!("`node` is \"{text}\", which is not network/node"))
            .at(found.span, "not network/node")
            .help("write the names of the network and of the node, as in \"z/a\"");
        drafts.push(draft);
        return None;
    };
    let Some(network) = networks.get(network_name) else {
        let draft = Draft::error(format!("unknown network \"{network_name}\" in \"{text}\""))
            .at(found.span, "no such [[network]]")
            .help(networks.suggest("network", network_name));
        drafts.push(draft);
        return None;
    };
    let Some(node) = nodes[network].get(node_name) else {
        let draft = Draft::error(format!(
            "network \"{network_name}\" has no node \"{node_name}\""
        ))
        .at(found.span, "no such [[network.node]]")
        .help(nodes[network].suggest("node", node_name));
        drafts.push(draft);
        return None;
    };
    Some((network, node))
}

fn lives_here(found: &At<String>, node: &raw::Node, host: Option<&raw::Host>, drafts: &Drafts) {
    let own = host.and_then(|host| host.name.as_ref());
    if let (Some(own), Some(lives)) = (own, &node.host)
        && own.value != lives.value
    {
        let message = format!(
            "node \"{}\" is on host \"{}\", but this is host \"{}\"",
            found.value, lives.value, own.value
        );
        let help = format!(
            "move the [[port]] to the file of \"{}\", or write host = \"{}\" at the node",
            lives.value, own.value
        );
        let draft = Draft::error(message)
            .at(found.span, "a port here")
            .at(lives.span, "the node's host");
        drafts.push(draft.help(help));
    }
}

fn worker(found: &At<i64>, host: Option<&raw::Host>, drafts: &Drafts) -> Option<u16> {
    let workers = host.and_then(|host| host.workers.as_ref())?;
    if workers.value.iter().any(|one| one.value == found.value) {
        return u16::try_from(found.value).ok();
    }
    let draft = Draft::error(format!(
        "`worker` is {}, which is not one of the host's workers",
        found.value
    ))
    .at(found.span, "not a worker")
    .at(workers.span, "the workers")
    .help("write one of [host] workers, or leave `worker` out to deal the ports out in turn");
    drafts.push(draft);
    None
}

/// A guest without a port is legal while a host is being set up, and puzzling at any other time.
///
/// Asked only when all is right: a misspelt port would be reported twice.
fn warn_of_portless(raw: &Raw, taken: &HashMap<(usize, usize), Span>, drafts: &Drafts) {
    let Some(own) = raw.host.as_ref().and_then(|host| host.name.as_ref()) else {
        return;
    };
    for (network_index, network) in raw.networks.iter().enumerate() {
        let Some(network_name) = &network.name else {
            continue;
        };
        for (node_index, node) in network.nodes.iter().enumerate() {
            let (Some(name), Some(host)) = (&node.name, &node.host) else {
                continue;
            };
            if host.value == own.value && !taken.contains_key(&(network_index, node_index)) {
                let name_in_full = format!("{}/{}", network_name.value, name.value);
                let draft = Draft::warning(format!(
                    "node \"{name_in_full}\" is on this host, but has no port"
                ))
                .at(name.span, "no port")
                .help(format!(
                    "add a [[port]] with node = \"{name_in_full}\", else it can't be reached"
                ));
                drafts.push(draft);
            }
        }
    }
}

/// Who has which device: nothing may be opened twice.
#[derive(Default)]
struct Devices {
    taken: HashMap<String, Span>,
}

impl Devices {
    fn claim(&mut self, device: &Device, span: Span, drafts: &Drafts) {
        for thing in &device.things {
            if let Some(&first) = self.taken.get(thing) {
                let message = format!("two ports use {thing}");
                value::taken(drafts, message, span, first, device::APART);
                return;
            }
            self.taken.insert(thing.clone(), span);
        }
    }
}
