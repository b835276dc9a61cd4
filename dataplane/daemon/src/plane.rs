//! The tables of this host: the one publisher, and what failover asks of the packet path.
//!
//! Everything here runs on the controller's thread.

mod group;
mod routers;

use std::sync::Arc;

use config::Config;
use failover::{AgentEvent, GroupInstall};
use messages::{GroupId, HostId, Time};
use rtrb::Producer;
use runtime::replication::Dataplane;
use tables::boundary::Boundary;
use tables::counters::WorkerCounters;
use tables::mappings::Change;
use tables::notice::NoticeReceiver;
use tables::publication::Observer;
use tables::{Publisher, Snapshot};

use crate::host_view::OpenPort;
use crate::replication::host_id;
use group::PlaneGroup;
pub(crate) use routers::{News, TimedNews};

/// How often the ports of members are looked at: a system call each.
const PORT_INTERVAL_NS: u64 = 5_000_000;

/// The tables, with what is needed to change and to watch them.
pub(crate) struct Plane {
    config: Arc<Config>,
    publisher: Publisher,
    observer: Observer,
    workers: Vec<Arc<WorkerCounters>>,
    notices: Vec<NoticeReceiver>,
    /// What workers noticed that is the agent's to know.
    heard: Vec<AgentEvent>,
    /// What routers said, for the service thread.
    news: Producer<TimedNews>,
    /// In the order of the snapshot's groups.
    groups: Vec<PlaneGroup>,
    /// By [`tables::HostIndex`].
    hosts: Vec<HostId>,
    barriers: Vec<(u64, Boundary)>,
    /// Each worker's rounds at the last sample.
    rounds: Vec<u64>,
    ports_seen: Time,
}

impl Plane {
    /// The tables as they are at launch. `ports` has the uplink first.
    pub(crate) fn new(
        config: &Arc<Config>,
        publisher: Publisher,
        workers: Vec<Arc<WorkerCounters>>,
        notices: Vec<NoticeReceiver>,
        ports: &[OpenPort],
        news: Producer<TimedNews>,
    ) -> Self {
        let snapshot = publisher.current();
        let groups = config
            .groups
            .iter()
            .zip(&*snapshot.groups)
            .map(|(configured, group)| PlaneGroup::new(config, configured, group, &snapshot, ports))
            .collect();
        Self {
            observer: publisher.observer(),
            publisher,
            notices,
            heard: Vec::new(),
            news,
            groups,
            hosts: (0..config.fabric.hosts.len())
                .map(|host| host_id(config, host))
                .collect(),
            barriers: Vec::new(),
            rounds: vec![0; workers.len()],
            workers,
            ports_seen: Time::ZERO,
            config: Arc::clone(config),
        }
    }

    /// The one publisher.
    pub(crate) const fn publisher(&mut self) -> &mut Publisher {
        &mut self.publisher
    }

    /// The snapshot that is published now.
    pub(crate) fn current(&self) -> Arc<Snapshot> {
        self.publisher.current()
    }

    /// The groups, in the order of the configuration.
    pub(crate) fn groups(&self) -> &[PlaneGroup] {
        &self.groups
    }

    /// The workers' counters.
    pub(crate) fn workers(&self) -> &[Arc<WorkerCounters>] {
        &self.workers
    }

    fn position(&self, group: GroupId) -> Option<usize> {
        self.groups.iter().position(|known| known.id() == group)
    }

    fn all_advanced(&mut self) -> bool {
        let mut all = true;
        for (seen, worker) in self.rounds.iter_mut().zip(&self.workers) {
            let rounds = worker.worker.rounds.get();
            all &= rounds != *seen;
            *seen = rounds;
        }
        all
    }
}

impl Dataplane for Plane {
    fn install(&mut self, install: &GroupInstall) {
        let Some(position) = self.position(install.record.record.group) else {
            return;
        };
        let current = self.publisher.current();
        let group = self.groups[position].installed(&self.config, &self.hosts, install);
        let Some(index) = tables::GroupIndex::new(position) else {
            return;
        };
        let mappings = current.mappings.with(&[Change::Put(group.entry(index))]);
        let mut groups = current.groups.to_vec();
        groups[position] = group;
        self.publisher.publish(Snapshot {
            mappings,
            groups: groups.into(),
            ..(*current).clone()
        });
    }

    fn lease(&mut self, group: GroupId, until: failover::Lease) {
        if let Some(position) = self.position(group) {
            self.groups[position].set_lease(until);
        }
    }

    fn barrier(&mut self, token: u64) {
        let boundary = Boundary::after_now(&self.observer, &self.workers);
        self.barriers.push((token, boundary));
    }

    fn observe(&mut self, now: Time, events: &mut Vec<AgentEvent>) {
        let Self {
            barriers,
            observer,
            workers,
            ..
        } = self;
        barriers.retain(|(token, boundary)| {
            let passed = boundary.is_passed(observer, workers);
            if passed {
                events.push(AgentEvent::Boundary { token: *token });
            }
            !passed
        });
        self.take_heard(events);
        if now.0 >= self.ports_seen.0 + PORT_INTERVAL_NS {
            self.ports_seen = now;
            for group in &mut self.groups {
                events.extend(group.port_changed());
            }
        }
    }

    fn sample(&mut self, now: Time, events: &mut Vec<AgentEvent>) {
        let advanced = self.all_advanced();
        events.push(AgentEvent::Workers { advanced });
        let current = self.publisher.current();
        for (group, installed) in self.groups.iter_mut().zip(&*current.groups) {
            events.push(group.counted(now, installed, &self.hosts, &self.workers));
        }
    }
}
