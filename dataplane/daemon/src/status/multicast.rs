//! Packets to many: who listens to which group, and what was sent.

use std::sync::Arc;

use api::{MulticastGroupStatus, MulticastStatus};
use config::Config;
use tables::counters::{Counter, MulticastCounters, WorkerCounters};
use tables::multicast::{Audience, Group, Link};
use tables::{HostIndex, PortIndex, Snapshot};

use super::OpenPort;

/// Over all workers, at `now_ns`.
pub(super) fn status(
    config: &Config,
    ports: &[OpenPort],
    snapshot: &Snapshot,
    counters: &[Arc<WorkerCounters>],
    now_ns: u64,
) -> MulticastStatus {
    let total = |count: fn(&MulticastCounters) -> &Counter| -> u64 {
        let workers = counters.iter();
        let counts = workers.map(|worker| count(&worker.worker.multicast).get());
        counts.sum()
    };
    let links = snapshot.multicast.links();
    let groups = links.flat_map(|link| {
        let groups = link.groups().iter();
        groups.map(move |group| listeners(config, ports, link, group, now_ns))
    });
    MulticastStatus {
        groups: groups.collect(),
        sent: total(|multicast| &multicast.sent),
        to_hosts: total(|multicast| &multicast.to_hosts),
        to_nodes: total(|multicast| &multicast.to_nodes),
        queries: total(|multicast| &multicast.queries),
        reports: total(|multicast| &multicast.reports),
        announced: total(|multicast| &multicast.announced),
    }
}

/// Who listens to a group now.
fn listeners(
    config: &Config,
    ports: &[OpenPort],
    link: &Link,
    group: &Group,
    now_ns: u64,
) -> MulticastGroupStatus {
    let mut networks = config.networks.iter();
    let network = networks.find(|network| network.id == link.network());
    let host = |index: HostIndex| config.fabric.hosts.get(usize::from(index.0));
    let port = |index: PortIndex| ports.get(index.index());
    let audience = Audience::Group(group);
    let far = link.far_listeners(audience, now_ns);
    let near = link.near_listeners(audience, now_ns);
    MulticastGroupStatus {
        network: network.map_or_else(String::new, |network| network.name.clone()),
        subnet: link.subnet().to_string(),
        address: group.address,
        nodes: near.filter_map(|at| Some(port(at)?.name.clone())).collect(),
        hosts: far
            .filter_map(|far| Some(host(far.host)?.name.clone()))
            .collect(),
    }
}
