//! `[manager]`: on which host, and whether that is a good place

use std::path::PathBuf;

use super::{keys, node, value};
use crate::model::Manager;
use crate::name::{Names, listed};
use crate::problem::{Draft, Drafts};
use crate::raw::{self, Raw};

/// Where the manager's log is unless the configuration says otherwise.
const STATE_DIR_DEFAULT: &str = "/var/lib/understudy/manager";

/// Everything of `[manager]`; its host must be one of the fabric's.
pub fn check(
    manager: &raw::Manager,
    raw: &Raw,
    hosts: &Names<'_>,
    drafts: &Drafts,
) -> Option<Manager> {
    let host = manager
        .host
        .as_ref()
        .and_then(|found| node::host_of(found, hosts, drafts));
    let state_dir = match &manager.state_dir {
        Some(found) => value::absolute(drafts, "state_dir", found, STATE_DIR_DEFAULT),
        None => Some(PathBuf::from(STATE_DIR_DEFAULT)),
    };
    let key_file = value::optional_absolute(
        drafts,
        "key_file",
        manager.key_file.as_ref(),
        "/etc/understudy/manager.key",
    );
    let public_key = keys::public(manager.public_key.as_ref(), keys::Kind::Manager, drafts);
    apart(manager, raw, drafts);
    Some(Manager {
        host: host?,
        state_dir: state_dir?,
        key_file: key_file?,
        public_key: public_key?,
    })
}

/// The manager and the agent of one host must not write to the same files.
fn apart(manager: &raw::Manager, raw: &Raw, drafts: &Drafts) {
    let (Some(managers), Some(host)) = (&manager.state_dir, &raw.host) else {
        return;
    };
    if let Some(hosts) = &host.state_dir
        && hosts.value == managers.value
    {
        let message = format!(
            "`state_dir` of the manager and of the host are both \"{}\"",
            hosts.value
        );
        let help = "give each a directory of its own, or leave both out";
        value::taken(drafts, message, managers.span, hosts.span, help);
    }
}

/// The manager should outlive the primary (docs/failover.md, "who decides, case by case").
///
/// Asked only when all is right.
pub fn warn_of_its_place(raw: &Raw, drafts: &Drafts) {
    let Some(place) = raw.manager.as_ref().and_then(|one| one.host.as_ref()) else {
        return;
    };
    let primaries: Vec<_> = raw
        .groups
        .iter()
        .filter_map(|group| Some((group, super::group::primary(group, raw)?)))
        .filter(|(_, node)| {
            node.host
                .as_ref()
                .is_some_and(|host| host.value == place.value)
        })
        .collect();
    let Some((_, first)) = primaries.first() else {
        return;
    };
    let Some(first) = &first.host else {
        return;
    };
    let groups: Vec<_> = primaries
        .iter()
        .map(|(group, _)| super::group::name(group))
        .collect();
    let host = &place.value;
    let of = format!(
        "the manager is on host \"{host}\" with the primary of {}",
        listed(groups.iter().map(String::as_str))
    );
    let two = raw.fabric.as_ref().is_some_and(|one| one.hosts.len() == 2);
    let (message, help) = if two {
        (
            format!(
                "{of}, and there are two hosts: when \"{host}\" dies nobody is promoted, because a \
                 crash cannot be told from a cut"
            ),
            "put the manager on the other host; here the manager dies too, and until it is back no \
             command promotes anybody",
        )
    } else {
        (
            format!("{of}: when \"{host}\" dies, nobody is left to promote another"),
            "put the manager on a third host, one without a member of the group",
        )
    };
    drafts.push(
        Draft::warning(message)
            .at(place.span, "the manager's host")
            .at(first.span, "the primary's host")
            .help(help),
    );
}
