//! A group as the local API shows it: the record, what this host is in it, what was counted.
//!
//! It is put together on the controller's thread, which owns all of it.

use api::{
    BufferStatus, CopyStatus, GroupRole, GroupSettings, GroupState, GroupStatus, Lease,
    MemberState, MemberStatus,
};
use config::{Config, Copies, FanOut, OnIsolation};
use failover::GroupView;
use messages::body::Standing;
use messages::{GroupState as RecordState, MemberState as RecordMember, Record, Time};
use runtime::replication::Replication;

use crate::billing::Billing;
use crate::events::Names;
use crate::plane::Plane;
use crate::replication::host_id;

/// Nanoseconds in a millisecond.
const MS: u64 = 1_000_000;

/// Every group, in the order of the configuration.
pub(crate) fn groups(
    now: Time,
    config: &Config,
    names: &Names,
    plane: &Plane,
    replication: &Replication,
    billing: &Billing,
) -> Vec<GroupStatus> {
    let views: Vec<GroupView> = replication.agent().view().collect();
    let shown = config.groups.iter().zip(plane.groups()).enumerate();
    shown
        .map(|(position, (configured, known))| {
            let view = views.iter().find(|view| view.group == known.id());
            let group = Shown {
                now,
                config,
                names,
                plane,
                billing,
                position,
                configured,
                view,
            };
            group.status()
        })
        .collect()
}

/// What one group's status is made from.
struct Shown<'a> {
    now: Time,
    config: &'a Config,
    names: &'a Names,
    plane: &'a Plane,
    billing: &'a Billing,
    position: usize,
    configured: &'a config::Group,
    /// `None` where this host does not need the group.
    view: Option<&'a GroupView>,
}

impl Shown<'_> {
    fn status(&self) -> GroupStatus {
        let network = &self.config.networks[self.configured.network];
        let record = self.record();
        GroupStatus {
            network: network.name.clone(),
            network_id: network.id.get(),
            address: self.configured.address,
            epoch: record.map(|record| record.epoch.to_string()),
            generation: record.map_or(0, |record| record.generation),
            owner: record
                .and_then(|record| record.owner)
                .map(|owner| self.names.host(owner.host)),
            state: record.map_or(GroupState::Unknown, state),
            handover_to: match record.map(|record| record.state) {
                Some(RecordState::Handover { to }) => Some(self.names.host(to)),
                _ => None,
            },
            confirmed: self.view.is_some_and(|view| view.confirmed),
            role: self
                .view
                .map_or(GroupRole::None, |view| role(view.standing)),
            lease: self.lease(),
            members: record.map_or_else(Vec::new, |record| self.members(record)),
            buffer: self.buffer(),
            checkpoint: record.map_or(0, |record| record.checkpoint),
            settings: settings(self.configured),
            difference: record.map_or_else(Vec::new, |record| self.difference(record)),
        }
    }

    fn record(&self) -> Option<&Record> {
        let signed = self.view?.record.as_ref()?;
        Some(&signed.record)
    }

    fn lease(&self) -> Option<Lease> {
        let view = self.view?;
        let owns = matches!(role(view.standing), GroupRole::Primary | GroupRole::Muted);
        owns.then(|| match view.lease {
            failover::Lease::Muted => Lease::Muted,
            failover::Lease::Unlimited => Lease::Unlimited,
            failover::Lease::Until(until) => Lease::Running {
                remaining_ms: until.0.saturating_sub(self.now.0) / MS,
            },
        })
    }

    fn members(&self, record: &Record) -> Vec<MemberStatus> {
        let nodes = &self.config.networks[self.configured.network].nodes;
        let named = self
            .configured
            .members
            .iter()
            .chain(&self.configured.spares);
        let named: Vec<_> = named.map(|node| &nodes[*node]).collect();
        let ranked = (1..).zip(&record.members);
        ranked
            .map(|(rank, member)| {
                let node = named
                    .iter()
                    .find(|node| host_id(self.config, node.host) == member.host);
                let copied = self.billing.copied(self.plane, self.position, member.host);
                let over_budget = self.over_budget(member.host);
                let copies = (copied.packets > 0 || over_budget > 0).then_some(CopyStatus {
                    packets: copied.packets,
                    bytes: copied.octets,
                    over_budget,
                });
                MemberStatus {
                    host: self.names.host(member.host),
                    node: node.map(|node| node.name.clone()),
                    rank,
                    state: match member.state {
                        RecordMember::Joining => MemberState::Joining,
                        RecordMember::InSync => MemberState::InSync,
                        RecordMember::Removed => MemberState::Removed,
                    },
                    owner: record.is_owned_by(member.host),
                    copies,
                    acknowledged_ms: self.acknowledged_ms(member.host),
                    mark: self.mark(member.host),
                }
            })
            .collect()
    }

    fn acknowledged_ms(&self, host: messages::HostId) -> Option<u64> {
        let sent = self.view?.acknowledged.get(&host)?;
        Some(self.now.0.saturating_sub(sent.0) / MS)
    }

    fn mark(&self, host: messages::HostId) -> Option<u64> {
        let number = self.view?.checkpoints.get(&host).copied()?;
        (number > 0).then_some(number)
    }

    fn over_budget(&self, host: messages::HostId) -> u64 {
        let Some(group) = self.plane.groups().get(self.position) else {
            return 0;
        };
        let Some(slot) = group.slots().iter().position(|known| *known == host) else {
            return 0;
        };
        let counters = group.counters(self.plane.workers());
        counters
            .map(|group| group.copies[slot].over_budget.get())
            .sum()
    }

    fn buffer(&self) -> Option<BufferStatus> {
        let snapshot = self.plane.current();
        snapshot.groups.get(self.position)?.local.as_ref()?;
        let group = self.plane.groups().get(self.position)?;
        let mut buffer = BufferStatus::default();
        for counters in group.counters(self.plane.workers()) {
            let packets = counters.held.packets.get();
            if packets > 0 {
                let since = counters.held_since_ns.get();
                let age_ms = self.now.0.saturating_sub(since) / MS;
                buffer.oldest_ms = buffer.oldest_ms.max(Some(age_ms));
            }
            buffer.packets += packets;
            buffer.bytes += counters.held.bytes.get();
            buffer.released += counters.released.get();
            buffer.discarded += counters.checkpointed.get() + counters.discarded.get();
            buffer.expired += counters.expired.get();
            buffer.full += counters.lost.get().saturating_sub(counters.expired.get());
        }
        Some(buffer)
    }

    /// Where the record and the configuration part.
    fn difference(&self, record: &Record) -> Vec<String> {
        let nodes = &self.config.networks[self.configured.network].nodes;
        let wanted: Vec<_> = self
            .configured
            .members
            .iter()
            .map(|node| host_id(self.config, nodes[*node].host))
            .collect();
        let held: Vec<_> = record
            .members
            .iter()
            .filter(|member| member.state != RecordMember::Removed)
            .map(|member| member.host)
            .collect();
        let mut sentences = Vec::new();
        for host in held.iter().filter(|host| !wanted.contains(host)) {
            let host = self.names.host(*host);
            sentences.push(format!(
                "{host} is a member and not one of the configuration's"
            ));
        }
        for host in wanted.iter().filter(|host| !held.contains(host)) {
            let host = self.names.host(*host);
            sentences.push(format!("{host} is a member in the configuration only"));
        }
        if let (Some(first), Some(owner)) = (wanted.first(), record.owner)
            && owner.host != *first
        {
            let (owner, first) = (self.names.host(owner.host), self.names.host(*first));
            sentences.push(format!(
                "{owner} owns the address; the configuration begins with {first}"
            ));
        }
        sentences
    }
}

const fn state(record: &Record) -> GroupState {
    match record.state {
        RecordState::Active => GroupState::Active,
        RecordState::Solo => GroupState::Solo,
        RecordState::Handover { .. } => GroupState::Handover,
        RecordState::NoOwner => GroupState::NoOwner,
    }
}

const fn role(standing: Standing) -> GroupRole {
    match standing {
        Standing::Outside => GroupRole::None,
        Standing::Joining => GroupRole::Joining,
        Standing::Replica => GroupRole::Replica,
        Standing::Candidate => GroupRole::Candidate,
        Standing::Promoting => GroupRole::Promoting,
        Standing::Primary => GroupRole::Primary,
        Standing::Muted | Standing::Frozen | Standing::Resigned => GroupRole::Muted,
        Standing::Fenced => GroupRole::Fenced,
    }
}

fn settings(configured: &config::Group) -> GroupSettings {
    GroupSettings {
        copies: match configured.copies {
            Copies::Deliver => "deliver",
            Copies::Buffer => "buffer",
        }
        .to_owned(),
        fan_out: match configured.fan_out {
            FanOut::Sender => "sender",
            FanOut::Primary => "primary",
        }
        .to_owned(),
        interval_ms: configured.interval.as_millis() as u64,
        detect_mult: configured.detect_mult,
        on_isolation: match configured.on_isolation {
            OnIsolation::Mute => "mute",
            OnIsolation::Continue => "continue",
        }
        .to_owned(),
    }
}

#[cfg(test)]
mod tests;
