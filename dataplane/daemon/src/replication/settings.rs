//! What the state machines are told of the configuration.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use config::{Config, Copies, FanOut, Group, Manager, OnIsolation};
use failover::config::Isolation;
use failover::{
    AgentConfig, CopyMode, Damping, GroupConfig, HookPolicy, ManagedGroup, ManagerConfig, Timers,
};
use messages::session::{Fingerprint, Offer};
use messages::{GroupId, HostId};
use runtime::replication::Executable;

use super::{fabric_id, host_id};

/// The group's id.
pub(crate) fn group_id(config: &Config, group: &Group) -> GroupId {
    GroupId::new(config.networks[group.network].id.get(), group.address)
}

/// The hosts of these nodes of the group's network, in their order.
fn hosts_of(config: &Config, group: &Group, nodes: &[usize]) -> Vec<HostId> {
    let all = &config.networks[group.network].nodes;
    nodes
        .iter()
        .map(|node| host_id(config, all[*node].host))
        .collect()
}

/// Every host with a node in the group's network: it may send to the address. The manager's too: it
/// shows the group, and has its part in flight records.
fn audience(config: &Config, manager: &Manager, group: &Group) -> Vec<HostId> {
    let nodes = &config.networks[group.network].nodes;
    let mut hosts: BTreeSet<usize> = nodes.iter().map(|node| node.host).collect();
    hosts.insert(manager.host);
    hosts
        .into_iter()
        .map(|host| host_id(config, host))
        .collect()
}

fn group(config: &Config, manager: &Manager, group: &Group) -> GroupConfig {
    GroupConfig {
        id: group_id(config, group),
        members: hosts_of(config, group, &group.members),
        copies: match group.copies {
            Copies::Deliver => CopyMode::Deliver,
            Copies::Buffer => CopyMode::Buffer,
        },
        fan_out: match group.fan_out {
            FanOut::Sender => failover::FanOut::Sender,
            FanOut::Primary => failover::FanOut::Primary,
        },
        timers: Timers {
            interval: group.interval,
            detect_mult: group.detect_mult,
        },
        on_isolation: match group.on_isolation {
            OnIsolation::Mute => Isolation::Mute,
            OnIsolation::Continue => Isolation::Continue,
        },
        checkpoint_margin: group.checkpoint_margin,
        hook: match &group.hook {
            None => HookPolicy::Absent,
            Some(hook) if hook.wait => HookPolicy::Awaited,
            Some(_) => HookPolicy::Beside,
        },
        audience: audience(config, manager, group),
    }
}

/// What this host's agent is told.
pub(super) fn agent(config: &Config, manager: &Manager, machine_kept: bool) -> AgentConfig {
    let own = host_id(config, config.host.index);
    let groups = config.groups.iter();
    let groups = groups.map(|found| group(config, manager, found));
    AgentConfig {
        fabric: fabric_id(config),
        host: own,
        manager: host_id(config, manager.host),
        groups: groups
            .filter(|group| group.audience.contains(&own))
            .collect(),
        machine_kept,
    }
}

/// What the manager is told.
pub(super) fn manager(config: &Config, manager: &Manager) -> ManagerConfig {
    let managed = |found: &Group| ManagedGroup {
        group: group(config, manager, found),
        spares: hosts_of(config, found, &found.spares),
    };
    let gap = config.groups.iter().map(|group| group.promotion_min_gap);
    let damping = Damping::default();
    ManagerConfig {
        fabric: fabric_id(config),
        host: host_id(config, manager.host),
        hosts: (0..config.fabric.hosts.len())
            .map(|host| host_id(config, host))
            .collect(),
        groups: config.groups.iter().map(managed).collect(),
        damping: Damping {
            promotion_gap_min: gap.max().unwrap_or(damping.promotion_gap_min),
            ..damping
        },
    }
}

/// The shortest interval of any group.
pub(super) fn shortest_interval(config: &Config) -> Duration {
    let intervals = config.groups.iter().map(|group| group.interval);
    intervals.min().unwrap_or(Duration::from_secs(1))
}

/// What is run for each group that has a hook.
pub(super) fn executables(config: &Config) -> BTreeMap<GroupId, Executable> {
    let executable = |found: &Group| {
        let hook = found.hook.as_ref()?;
        let executable = Executable {
            name: found.name.as_str().into(),
            path: Arc::new(hook.path.clone()),
            time_out: hook.timeout,
        };
        Some((group_id(config, found), executable))
    };
    config.groups.iter().filter_map(executable).collect()
}

/// What two hosts must agree in before they speak.
pub(super) fn offer(config: &Config) -> Offer {
    let mut groups: Vec<&Group> = config.groups.iter().collect();
    groups.sort_by_key(|group| group_id(config, group));
    let timers = groups.iter().map(|group| {
        format!(
            "{} {:?} {}",
            group_id(config, group),
            group.interval,
            group.detect_mult
        )
    });
    // Members are the record's to say, once there is one.
    let options = groups.iter().map(|group| {
        format!(
            "{} {:?} {:?} {:?}",
            group_id(config, group),
            group.copies,
            group.fan_out,
            group.on_isolation
        )
    });
    Offer::new(
        config.fabric.layout,
        &config.fabric.rules,
        Fingerprint::of(timers),
        Fingerprint::of(options),
    )
}

#[cfg(test)]
mod tests;
