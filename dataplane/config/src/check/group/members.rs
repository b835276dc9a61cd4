//! Who is in a group: nodes with one address and one MAC, each on a host of its own

use std::collections::HashMap;
use std::net::Ipv4Addr;

use wire::ethernet::MacAddress;

use crate::check::{value, whole};
use crate::name::Names;
use crate::problem::{Draft, Drafts};
use crate::raw::{self, Raw};
use crate::source::{At, Span};

/// The most nodes of a group, spares among them: the tables have room for copies to as many. A
/// sender makes a copy for each replica, so more of them is a slip.
pub const NODES_MAX: usize = 8;

/// The nodes of one group while they are gathered from its lists.
pub struct Gathering<'a> {
    network: &'a raw::Network,
    names: &'a Names<'a>,
    address: Option<At<Ipv4Addr>>,
    drafts: &'a Drafts,
    /// Nodes that a list has named, and where.
    listed: HashMap<usize, Span>,
    /// Hosts that have one of them.
    hosts: HashMap<&'a str, Span>,
    /// The MAC of the first.
    mac: Option<At<MacAddress>>,
}

impl<'a> Gathering<'a> {
    /// Nothing yet of a group about `address`; `names` are those of the nodes of `network`.
    pub fn new(
        network: &'a raw::Network,
        names: &'a Names<'a>,
        address: Option<At<Ipv4Addr>>,
        drafts: &'a Drafts,
    ) -> Self {
        Self {
            network,
            names,
            address,
            drafts,
            listed: HashMap::new(),
            hosts: HashMap::new(),
            mac: None,
        }
    }

    /// The positions of the nodes in a list.
    pub fn take(&mut self, list: Option<&'a At<Vec<At<String>>>>, key: &str) -> Option<Vec<usize>> {
        let Some(list) = list else {
            return (key == "spares").then(Vec::new);
        };
        let count = list.value.len();
        let empty = count == 0 && key == "members";
        let others = self.listed.len();
        if empty || others + count > NODES_MAX {
            let message = match (count, others) {
                (0, _) => format!("`{key}` is empty"),
                (_, 0) => format!("`{key}` lists {count} nodes"),
                _ => format!("`{key}` lists {count} nodes beside {others} members"),
            };
            let draft = Draft::error(message)
                .at(list.span, if empty { "empty" } else { "too many" })
                .help(format!(
                    "a group has 1 to {NODES_MAX} nodes, its spares among them, as in members = \
                     [\"g\", \"j\"]"
                ));
            self.drafts.push(draft);
            return None;
        }
        whole(list.value.iter().map(|found| self.node(found)).collect())
    }

    fn node(&mut self, found: &'a At<String>) -> Option<usize> {
        let network = self.network.name.as_ref().map_or("", |name| &name.value);
        let Some(index) = self.names.get(&found.value) else {
            let draft = Draft::error(format!(
                "network \"{network}\" has no node \"{}\"",
                found.value
            ))
            .at(found.span, "no such [[network.node]]")
            .help(self.names.suggest("node", &found.value));
            self.drafts.push(draft);
            return None;
        };
        if let Some(first) = self.listed.insert(index, found.span) {
            let message = format!("node \"{}\" is listed twice in one group", found.value);
            let help = "a node is a member once, or a spare: remove one of the two";
            value::taken(self.drafts, message, found.span, first, help);
            return None;
        }
        let node = &self.network.nodes[index];
        self.has_the_address(found, node);
        self.has_a_host_of_its_own(found, node);
        self.has_the_mac(found, node);
        Some(index)
    }

    fn has_the_address(&self, found: &At<String>, node: &raw::Node) {
        let (Some(group), Some(own)) = (self.address, &node.address) else {
            return;
        };
        // An address that cannot be read is reported where the nodes are checked.
        let Ok(address) = own.value.parse::<Ipv4Addr>() else {
            return;
        };
        if address != group.value {
            let message = format!(
                "node \"{}\" has the address {address}, but its group is about {}",
                found.value, group.value
            );
            let draft = Draft::error(message)
                .at(found.span, "of another address")
                .at(own.span, "the node's address")
                .at(group.span, "the group's address");
            self.drafts.push(draft.help(format!(
                "write address = \"{}\" at the node: the members of a group share theirs",
                group.value
            )));
        }
    }

    fn has_a_host_of_its_own(&mut self, found: &'a At<String>, node: &'a raw::Node) {
        let Some(host) = &node.host else {
            return;
        };
        if let Some(first) = self.hosts.insert(&host.value, found.span) {
            let message = format!("two nodes of one group are on host \"{}\"", host.value);
            let help = "put each member and spare on a host of its own: they would die together";
            value::taken(self.drafts, message, found.span, first, help);
        }
    }

    fn has_the_mac(&mut self, found: &At<String>, node: &raw::Node) {
        let written = node.mac.as_ref();
        let mac = match written {
            Some(mac) => mac.value.parse().ok(),
            None => self.address.map(|at| MacAddress::virtual_of(at.value)),
        };
        let Some(mac) = mac else {
            return;
        };
        let span = written.map_or(found.span, |mac| mac.span);
        let first = *self.mac.get_or_insert(At { value: mac, span });
        if first.value != mac {
            let message = format!(
                "the nodes of one group have the MACs {} and {mac}: a promotion would change \
                 their neighbours' ARP entries",
                first.value
            );
            let help = "write the same `mac` at each of them, or leave it out everywhere";
            value::taken(self.drafts, message, span, first.span, help);
        }
    }
}

/// Which nodes may have one address: those that a group lists together.
pub struct Shared<'a>(HashMap<(&'a str, &'a str), usize>);

impl<'a> Shared<'a> {
    /// Whatever else is wrong with a group, its nodes are not reported for the address that they
    /// are meant to share.
    pub fn by_groups(raw: &'a Raw) -> Self {
        let mut groups = HashMap::new();
        for (index, group) in raw.groups.iter().enumerate() {
            let Some(network) = &group.network else {
                continue;
            };
            for node in [&group.members, &group.spares]
                .into_iter()
                .flatten()
                .flat_map(|list| &list.value)
            {
                groups
                    .entry((network.value.as_str(), node.value.as_str()))
                    .or_insert(index);
            }
        }
        Self(groups)
    }

    /// Whether two nodes of `network` are in one group.
    pub fn together(&self, network: &raw::Network, one: &raw::Node, other: &raw::Node) -> bool {
        let group = |node: &raw::Node| {
            let (network, node) = (network.name.as_ref()?, node.name.as_ref()?);
            let key = (network.value.as_str(), node.value.as_str());
            self.0.get(&key).copied()
        };
        group(one).is_some_and(|one| group(other) == Some(one))
    }
}
