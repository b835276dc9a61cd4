//! One group in the tables: how a record becomes what workers read, and what they counted.

use std::sync::Arc;

use arrayvec::ArrayVec;
use config::Config;
use dpdk::PortStatistics;
use failover::{AgentEvent, GroupInstall, LocalRole};
use messages::body::{Counts, Unsent};
use messages::{GroupId, HostId, Time};
use tables::counters::{GroupCounters, WorkerCounters};
use tables::group::{
    Budget, BufferLimits, Copies, CopyTo, CopyWindow, FanOut, Group, LocalMember, MEMBERS_MAX,
    Owner, Role,
};
use tables::lease::Lease;
use tables::{GroupIndex, HostIndex, Key, PortIndex, Snapshot};
use wire::address::Prefix96;

use crate::host_view::OpenPort;
use crate::replication::{group_id, host_id};

/// A host that sent to the address within this time is a sender.
const SENDER_SPAN_NS: u64 = 1_000_000_000;

/// The most senders that the agent is told of.
const SENDERS_MAX: usize = 64;

// Three crates that do not know each other say how large a group may be.
const _: () = assert!(
    MEMBERS_MAX == failover::config::MEMBERS_MAX && MEMBERS_MAX == config::GROUP_NODES_MAX,
    "the tables have room for as many members as a group may have"
);

/// What stays of a group while its records change.
pub(crate) struct PlaneGroup {
    id: GroupId,
    key: Key,
    index: GroupIndex,
    /// The member of this host, if it has a port for one.
    local: Option<Local>,
    fan_out: FanOut,
    budget: Option<Budget>,
    limits: BufferLimits,
    /// Which host each set of copy counters is for.
    slots: ArrayVec<HostId, MEMBERS_MAX>,
    /// By host: the packets that it had sent at the last sample, and when that last rose.
    senders: Vec<(u64, Option<Time>)>,
}

struct Local {
    port: PortIndex,
    lease: Arc<Lease>,
    statistics: PortStatistics,
    /// As the agent was told last.
    up: Option<bool>,
}

impl PlaneGroup {
    /// The group `configured`, which is `group` in the first snapshot.
    pub(super) fn new(
        config: &Config,
        configured: &config::Group,
        group: &Group,
        snapshot: &Snapshot,
        ports: &[OpenPort],
    ) -> Self {
        let local = group.local.as_ref().and_then(|member| {
            let node = snapshot.node(member.port)?;
            Some(Local {
                port: member.port,
                lease: Arc::clone(&node.member.as_ref()?.lease),
                statistics: ports.get(member.port.index())?.statistics.clone(),
                up: None,
            })
        });
        let nodes = &config.networks[configured.network].nodes;
        let members = configured.members.iter().chain(&configured.spares);
        let position = snapshot
            .groups
            .iter()
            .position(|known| known.key == group.key)
            .and_then(GroupIndex::new);
        Self {
            id: group_id(config, configured),
            key: group.key,
            index: position.expect("the group is one of the snapshot's"),
            local,
            fan_out: group.fan_out,
            budget: budget(configured),
            limits: knowledge::limits(configured),
            slots: members
                .map(|node| host_id(config, nodes[*node].host))
                .take(MEMBERS_MAX)
                .collect(),
            senders: vec![(0, None); config.fabric.hosts.len()],
        }
    }

    /// The group's id.
    pub(crate) const fn id(&self) -> GroupId {
        self.id
    }

    /// The lease of the local member.
    pub(crate) fn set_lease(&self, until: failover::Lease) {
        let deadline_ns = match until {
            failover::Lease::Muted => Lease::MUTED,
            failover::Lease::Until(time) => time.0,
            failover::Lease::Unlimited => Lease::UNLIMITED,
        };
        if let Some(local) = &self.local {
            local.lease.set(deadline_ns);
        }
    }

    /// Whether the local member's port changed since the last call.
    pub(super) fn port_changed(&mut self) -> Option<AgentEvent> {
        let local = self.local.as_mut()?;
        let up = local.statistics.link_is_up();
        let changed = local.up.replace(up) != Some(up);
        changed.then_some(AgentEvent::Port { group: self.id, up })
    }

    /// What the tables are to hold by this record.
    pub(super) fn installed(
        &mut self,
        config: &Config,
        hosts: &[HostId],
        install: &GroupInstall,
    ) -> Group {
        let record = &install.record.record;
        let network = record.group.network;
        let place = |host: HostId| {
            let position = hosts.iter().position(|known| *known == host)?;
            let locator = &config.fabric.hosts[position].locator;
            let prefix = config.fabric.layout.prefix96(locator, network);
            Some((HostIndex(u16::try_from(position).ok()?), prefix))
        };
        // What was read back from the disk is nobody's until somebody confirms it.
        let owner = record.owner.filter(|_| install.confirmed);
        let copies = install.copies_to.iter().filter_map(|host| {
            let (index, prefix) = place(*host)?;
            Some(CopyTo {
                host: index,
                prefix,
                slot: self.slot(*host)?,
                budget: self.budget,
            })
        });
        let copies: ArrayVec<CopyTo, MEMBERS_MAX> = copies.take(MEMBERS_MAX).collect();
        Group {
            key: self.key,
            fan_out: self.fan_out,
            owner: owner
                .and_then(|owner| place(owner.host))
                .map(|(host, prefix)| Owner { host, prefix }),
            generation: record.generation as u8,
            copies,
            local: self.local_member(install, &place),
        }
    }

    fn local_member(
        &self,
        install: &GroupInstall,
        place: &impl Fn(HostId) -> Option<(HostIndex, Prefix96)>,
    ) -> Option<LocalMember> {
        let local = self.local.as_ref()?;
        let role = match install.local {
            // A spare, or a member that was removed.
            None | Some(LocalRole::Fenced) => Role::Fenced,
            Some(LocalRole::Replica) => Role::Replica,
            Some(LocalRole::Primary { hold }) => Role::Primary { hold },
            Some(LocalRole::Forwarding { to, .. }) => match place(to) {
                Some((to, prefix)) => Role::Forwarding { to, prefix },
                None => Role::Fenced,
            },
        };
        let copy_from = install.copy_from.and_then(|from| {
            let (host, prefix) = place(from.host)?;
            Some(CopyWindow {
                host,
                prefix,
                until_ns: from.until.0,
            })
        });
        Some(LocalMember {
            port: local.port,
            role,
            copies: if install.buffer {
                Copies::Buffer
            } else {
                Copies::Deliver
            },
            discard_before_ns: install.discard_before.map_or(0, |time| time.0),
            copy_from,
            limits: self.limits,
        })
    }

    /// The counters for copies to a host. Every host that may become a member has a node in the
    /// configuration.
    fn slot(&self, host: HostId) -> Option<u8> {
        let position = self.slots.iter().position(|known| *known == host)?;
        u8::try_from(position).ok()
    }

    /// The host that a set of copy counters is for.
    pub(crate) fn slots(&self) -> &[HostId] {
        &self.slots
    }

    /// The counters of all workers.
    pub(crate) fn counters<'a>(
        &self,
        workers: &'a [Arc<WorkerCounters>],
    ) -> impl Iterator<Item = &'a GroupCounters> + Clone + use<'a> {
        let index = self.index;
        workers.iter().filter_map(move |worker| worker.group(index))
    }

    /// What all workers counted until now.
    pub(super) fn counted(
        &mut self,
        now: Time,
        installed: &Group,
        hosts: &[HostId],
        workers: &[Arc<WorkerCounters>],
    ) -> AgentEvent {
        let counters = self.counters(workers);
        let copies_from = |host: HostIndex| -> u64 {
            let counts = counters.clone().filter_map(|group| group.copies_from(host));
            counts.map(tables::counters::Counter::get).sum()
        };
        let indices = || (0..hosts.len()).filter_map(|host| Some(HostIndex(host.try_into().ok()?)));
        let unsent = installed.copies.iter().filter_map(|copy| {
            let slot = usize::from(copy.slot);
            let counts = counters.clone().map(|group| &group.copies[slot]);
            Some(Unsent {
                member: *hosts.get(usize::from(copy.host.0))?,
                packets: counts
                    .map(|copies| copies.over_budget.get() + copies.failed.get())
                    .sum(),
            })
        });
        let counts = Counts {
            received: indices().map(copies_from).sum(),
            lost: counters.clone().map(|group| group.lost.get()).sum(),
            from_owner: installed.owner.map_or(0, |owner| copies_from(owner.host)),
            unsent: unsent.collect(),
            checkpoint: 0,
        };
        let packets: Vec<u64> = indices()
            .map(|host| {
                let counts = counters
                    .clone()
                    .filter_map(|group| group.packets_from(host));
                counts.map(tables::counters::Counter::get).sum()
            })
            .collect();
        AgentEvent::Counts {
            group: self.id,
            counts,
            senders: self.senders(now, &packets, hosts),
        }
    }

    /// The hosts that sent within the last second.
    fn senders(&mut self, now: Time, packets: &[u64], hosts: &[HostId]) -> Vec<HostId> {
        for ((seen, rose), packets) in self.senders.iter_mut().zip(packets) {
            if packets != seen {
                (*seen, *rose) = (*packets, Some(now));
            }
        }
        let recent = |rose: &Option<Time>| {
            rose.is_some_and(|rose| now.0.saturating_sub(rose.0) <= SENDER_SPAN_NS)
        };
        self.senders
            .iter()
            .zip(hosts)
            .filter(|((_, rose), _)| recent(rose))
            .map(|(_, host)| *host)
            .take(SENDERS_MAX)
            .collect()
    }
}

fn budget(configured: &config::Group) -> Option<Budget> {
    let budget = &configured.copy_budget;
    let limited = budget.packets_per_s.is_some() || budget.bytes_per_s.is_some();
    limited.then(|| {
        Budget::new(
            budget.packets_per_s.unwrap_or(u64::MAX),
            budget.bytes_per_s.unwrap_or(u64::MAX),
        )
    })
}
