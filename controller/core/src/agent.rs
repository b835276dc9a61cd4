//! The agent: what one host knows and does about each group.
//!
//! ```text
//!           boot                  a grant to this life
//! Outside, Joining -> Replica <------> Candidate ------> Promoting -> Primary <-> Muted
//!              ^         ^  (withdraw)    |  any of these ^   |          | planned move
//!              |         |                '---------------'   |          v
//!              |         '---- heartbeat of the owner ----- Fenced <-- Frozen, Resigned
//!              '- boot                                        (a later record, another owner)
//! ```
//! [`replica`] has the left half, [`owner`] the right one, [`records`] every step that a record
//! causes.

mod action;
mod announcement;
mod beats;
mod checkpoint;
mod context;
mod dispatch;
mod event;
mod footprint;
mod group;
mod halt;
mod lease;
mod owner;
mod partners;
mod peers;
mod records;
mod relay;
mod replica;
mod view;

use std::collections::BTreeMap;
use std::time::Duration;

use messages::{BootId, GroupId, HostId, SignedRecord, Time};

pub use action::{AgentAction, HookRole};
pub use event::AgentEvent;
pub use view::GroupView;

use crate::config::AgentConfig;
use crate::note::{Fact, Note};
use crate::schedule::Schedule;
use context::Context;
use group::{Group, State};
use partners::Partners;
use peers::Peers;
use relay::Relay;

/// One host's state machine for all its groups.
#[derive(Debug)]
pub struct Agent {
    host: HostId,
    manager: HostId,
    fabric: messages::FabricId,
    machine_kept: bool,
    /// The shortest interval of a group.
    interval: Duration,
    boot: BootId,
    groups: Schedule<Group>,
    partners: Partners,
    peers: Peers,
    relay: Relay,
    tokens: u64,
    started: bool,
    now: Time,
    deadline: Option<Time>,
}

impl Agent {
    /// An agent that starts at `now` as the life `boot` of its host's daemon, with the records that
    /// were on its disk. Call `handle` with `Tick` next: it says what the tables are to hold.
    #[must_use]
    pub fn new(config: AgentConfig, restored: Vec<SignedRecord>, boot: BootId, now: Time) -> Self {
        let mut records: BTreeMap<GroupId, SignedRecord> = restored
            .into_iter()
            .filter(|signed| signed.record.fabric == config.fabric)
            .map(|signed| (signed.record.group, signed))
            .collect();
        let intervals = config.groups.iter().map(|group| group.timers.interval);
        let interval = intervals.min().unwrap_or(Duration::from_secs(1));
        let mut everyone: Vec<HostId> = Vec::new();
        if config.host == config.manager {
            let hosts = config
                .groups
                .iter()
                .flat_map(|group| group.audience.iter().chain(&group.members));
            everyone.extend(hosts.copied().filter(|host| *host != config.host));
            everyone.sort_unstable();
            everyone.dedup();
        }
        let groups = config.groups.into_iter().map(|group| {
            let id = group.id;
            (id, Group::new(group, records.remove(&id), config.host, now))
        });
        let mut peers = Peers::default();
        peers.open(config.host, boot, now);
        Self {
            host: config.host,
            manager: config.manager,
            fabric: config.fabric,
            machine_kept: config.machine_kept,
            interval,
            boot,
            groups: Schedule::new(groups),
            partners: Partners::new(config.host, config.manager, everyone, interval),
            peers,
            relay: Relay::default(),
            tokens: 0,
            started: false,
            now,
            deadline: Some(now),
        }
    }

    /// Takes one event; appends what is to be done to `out`, in order.
    pub fn handle(&mut self, now: Time, event: AgentEvent, out: &mut Vec<AgentAction>) {
        self.now = self.now.max(now);
        let late = self
            .deadline
            .map_or(Duration::ZERO, |deadline| now.since(deadline));
        if self.started && late > self.interval / 2 {
            self.notice_stall(late, out);
        }
        self.start(out);
        self.dispatch(event, out);
        self.tick(out);
        let (host, now) = (self.host, self.now);
        self.groups
            .settle(now, |group, out| group.deadlines(host, out));
        self.deadline = self.earliest();
    }

    /// When `handle` is to be called with `Tick` if nothing happens before.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Time> {
        self.deadline
    }

    /// Every group that the agent knows.
    pub fn view(&self) -> impl Iterator<Item = GroupView> + '_ {
        self.groups.values().map(|group| GroupView {
            group: group.id(),
            standing: group.standing(),
            record: group.record.clone(),
            confirmed: group.confirmed,
            local: group.local(self.host),
            lease: match &group.state {
                State::Owner(owner) => owner.lease,
                State::Outside
                | State::Joining
                | State::Replica
                | State::Candidate { .. }
                | State::Fenced { .. } => crate::install::Lease::Muted,
            },
            vouch: group.vouch(),
            owner_heard: (!matches!(group.state, State::Outside)).then_some(group.heard),
            acknowledged: match &group.state {
                State::Owner(owner) => owner.set.acknowledged().collect(),
                State::Outside
                | State::Joining
                | State::Replica
                | State::Candidate { .. }
                | State::Fenced { .. } => BTreeMap::new(),
            },
            checkpoints: group.checkpoints_heard(self.host),
        })
    }

    /// The parts that a step changes, apart.
    fn split<'a>(
        &'a mut self,
        out: &'a mut Vec<AgentAction>,
    ) -> (&'a mut Schedule<Group>, &'a mut Relay, Context<'a>) {
        let context = Context {
            now: self.now,
            host: self.host,
            boot: self.boot,
            manager: self.manager,
            machine_kept: self.machine_kept,
            peers: &mut self.peers,
            partners: &mut self.partners,
            tokens: &mut self.tokens,
            out,
        };
        (&mut self.groups, &mut self.relay, context)
    }

    /// At the very first event: what was on the disk goes into the tables, not confirmed.
    fn start(&mut self, out: &mut Vec<AgentAction>) {
        if self.started {
            return;
        }
        self.started = true;
        let own_manager = self.host == self.manager;
        let (groups, _, mut cx) = self.split(out);
        for group in groups.values_mut() {
            group.install(&mut cx);
            group.seek(&mut cx);
            if own_manager {
                group.report_anew(cx.now);
            }
        }
    }

    /// This host itself did not run: what it did not hear meanwhile accuses nobody.
    fn notice_stall(&mut self, late: Duration, out: &mut Vec<AgentAction>) {
        out.push(AgentAction::Note(Note {
            group: None,
            epoch: None,
            fact: Fact::OwnStall { late },
        }));
        for group in self.groups.values_mut() {
            group.forgive(self.now);
        }
        self.relay.forgive();
    }

    /// What is due at this time, whatever the event was.
    fn tick(&mut self, out: &mut Vec<AgentAction>) {
        let (groups, relay, mut cx) = self.split(out);
        for id in groups.look_at(cx.now) {
            if let Some(group) = groups.get_mut(&id) {
                group.replica_tick(&mut cx);
                group.owner_tick(&mut cx);
            }
        }
        relay.tick(&mut cx);
        self.report(out);
        self.send_heartbeats(out);
    }

    /// The earliest time at which something is due. What was due by now was looked at just now.
    fn earliest(&self) -> Option<Time> {
        let mut times = Vec::new();
        self.relay.deadlines(&mut times);
        let beats = self
            .partners
            .known()
            .filter_map(|host| self.peers.get(host));
        times.extend(beats.map(|peer| peer.beat_at));
        let others = times.into_iter().filter(|time| *time > self.now).min();
        self.groups.earliest().into_iter().chain(others).min()
    }
}
