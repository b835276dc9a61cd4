//! Every rule about values: from the raw files to the validated types
//!
//! Each part is judged even if another is wrong, so that one run finds all. Positions in the raw
//! lists are those in the validated ones, because a [`Config`] is made only when nothing failed.

use crate::model::Config;
use crate::name::Names;
use crate::problem::{Draft, Drafts};
use crate::raw::Raw;
use crate::source::Span;

mod device;
mod fabric;
mod group;
mod host;
mod keys;
mod manager;
mod multicast;
mod native;
mod network;
mod node;
mod port;
mod route;
mod uplink;
mod value;

pub use group::GROUP_NODES_MAX;

/// Judges everything; `None` means that something was reported.
///
/// `files` and `warnings` are left empty for the caller.
pub(crate) fn all(raw: &Raw, drafts: &Drafts) -> Option<Config> {
    missing(raw, drafts);
    let hosts = raw.fabric.as_ref().map_or(&[][..], |fabric| &fabric.hosts);
    let host_names = Names::collect(drafts, "host", hosts.iter().map(|host| host.name.as_ref()));
    let network_names = Names::collect(
        drafts,
        "network",
        raw.networks.iter().map(|network| network.name.as_ref()),
    );

    let prefix = raw
        .fabric
        .as_ref()
        .and_then(|fabric| fabric::prefix(fabric, drafts));
    let fabric = raw
        .fabric
        .as_ref()
        .and_then(|fabric| fabric::check(fabric, prefix, drafts));
    let host = raw
        .host
        .as_ref()
        .and_then(|host| host::check(host, &host_names, drafts));
    let uplink = raw
        .uplink
        .as_ref()
        .and_then(|uplink| uplink::check(uplink, prefix, drafts));
    let networks = network::check(raw, prefix, &host_names, drafts);
    let manager = raw
        .manager
        .as_ref()
        .map(|manager| manager::check(manager, raw, &host_names, drafts));
    let groups = group::check(raw, &network_names, drafts);
    keys::check(raw, drafts);
    // Last, because its warnings are for a configuration without errors.
    let ports = port::check(raw, &network_names, drafts);
    if !drafts.has_errors() {
        group::warn_of_lone_members(raw, drafts);
        manager::warn_of_its_place(raw, drafts);
        native::warn_of_groups(raw, drafts);
    }

    Some(Config {
        host: host?,
        uplink: uplink?,
        ports: ports?,
        fabric: fabric?,
        networks: networks?,
        groups: groups?,
        manager: match manager {
            Some(checked) => Some(checked?),
            None => None,
        },
        files: Vec::new(),
        warnings: Vec::new(),
    })
}

fn missing(raw: &Raw, drafts: &Drafts) {
    let sections = [
        ("host", "it names this host and its worker cores"),
        ("uplink", "it says how this host reaches the substrate"),
        (
            "fabric",
            "it is often in a file of its own: include = [\"fabric.toml\"]",
        ),
    ];
    for (key, why) in sections
        .into_iter()
        .filter(|(key, _)| !raw.keys.contains(*key))
    {
        let draft = Draft::error(format!("the section [{key}] is missing"))
            .at(Span::new(0, 0..0), "in this file and all that it includes");
        drafts.push(draft.help(format!("add [{key}]: {why}")));
    }
}

/// The list if all of it is right; unlike `collect` from an iterator it never stops the checks.
fn whole<T>(list: Vec<Option<T>>) -> Option<Vec<T>> {
    list.into_iter().collect()
}
