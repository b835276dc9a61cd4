//! `[[network.route]]`: prefixes that lie behind nodes

use std::collections::HashMap;

use ipnet::Ipv4Net;

use super::{value, whole};
use crate::model::{Node, Route, Subnet};
use crate::name::listed;
use crate::problem::{Draft, Drafts};
use crate::raw;
use crate::source::{At, Span};

/// The routes of one network, whose `subnets` and `nodes` have been checked; `None` for nodes that
/// are wrong, of which any may have been meant.
pub fn check(
    raw: &raw::Network,
    subnets: &[Option<Subnet>],
    nodes: Option<&[Node]>,
    drafts: &Drafts,
) -> Option<Vec<Route>> {
    let mut taken: HashMap<Ipv4Net, Span> = HashMap::new();
    let routes = raw.routes.iter().map(|route| {
        let prefix = route.prefix.as_ref().and_then(|found| {
            let prefix = value::ipv4_prefix(drafts, "prefix", found)?;
            if let Some(first) = taken.insert(prefix, found.span) {
                let message = format!("two routes of one network are for {prefix}");
                let help = "keep one: a prefix lies behind one node";
                value::taken(drafts, message, found.span, first, help);
            }
            not_a_subnet(prefix, found.span, subnets, drafts)
        });
        let via = route
            .via
            .as_ref()
            .and_then(|found| node_called(found, nodes?, drafts));
        Some(Route {
            prefix: prefix?,
            via: via?.address,
        })
    });
    whole(routes.collect())
}

fn not_a_subnet(
    prefix: Ipv4Net,
    span: Span,
    subnets: &[Option<Subnet>],
    drafts: &Drafts,
) -> Option<Ipv4Net> {
    if !subnets
        .iter()
        .flatten()
        .any(|subnet| subnet.prefix == prefix)
    {
        return Some(prefix);
    }
    let draft = Draft::error(format!("route {prefix} is a subnet of the network itself"))
        .at(span, "the virtual router is on it")
        .help("remove the route, or write a longer prefix for a part of the subnet");
    drafts.push(draft);
    None
}

fn node_called<'a>(found: &At<String>, nodes: &'a [Node], drafts: &Drafts) -> Option<&'a Node> {
    let node = nodes.iter().find(|node| node.name == found.value);
    if node.is_none() {
        let known = listed(nodes.iter().map(|node| node.name.as_str()));
        let draft = Draft::error(format!("there is no node {:?} in the network", found.value))
            .at(found.span, "behind whom?")
            .help(format!("write one of {known}, or add a [[network.node]]"));
        drafts.push(draft);
    }
    node
}
