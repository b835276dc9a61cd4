//! The host's part in failover: sessions with other hosts, the state machines that decide, and
//! what they want done.
//!
//! ```text
//!   endpoint --datagrams--> sessions --messages--> agent, manager --actions--+
//!      ^                                             ^                       |
//!      |   messages                                  | events                |
//!      +---------------------------------------------|-----------------------+
//!                                                    |                       |
//!                    dataplane, archive, office, hooks <---------------------+
//! ```
//! It runs on the controller's thread and never waits: disks and hooks have threads of their own
//! that answer by rings. It reads no clock. What the state machines decide, and why, is the crate
//! `failover`'s; this module carries messages between them and the world.

mod archive;
mod budget;
mod clocks;
mod dataplane;
mod jobs;
mod office;
mod snapshots;

use std::collections::{BTreeMap, VecDeque};
use std::net::Ipv6Addr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use failover::{Agent, AgentAction, AgentEvent, HookRole, ManagerAction, ManagerEvent, Note};
use messages::body::{Answer, Heartbeat, Recipient, Request, Witness};
use messages::{Body, BootId, Epoch, Event, GroupId, HostId, Outgoing, SendError, Sessions, Time};
use rtrb::Producer;

use crate::endpoint::Endpoint;
use crate::hooks::{Hook, HookDone, Hooks};
use budget::Budgets;
use snapshots::{Snapshots, Surroundings};

pub use archive::{Archive, ArchiveError, KeptBefore};
pub use clocks::ClockOffset;
use clocks::Clocks;
pub use dataplane::Dataplane;
pub use office::{Office, OfficeError};

/// Datagrams of other hosts taken in a round.
const DATAGRAMS_PER_ROUND_MAX: usize = 256;

/// Messages of this host to itself handled in a round. Each answers at most a few, so that many
/// more are an endless conversation; what is left waits for the next round.
const OWN_MESSAGES_PER_ROUND_MAX: usize = 1024;

/// Something that a state machine saw or did, and when.
#[derive(Clone, Debug)]
pub struct TimedNote {
    /// On the process's clock.
    pub at: Time,
    /// What it was.
    pub note: Note,
}

/// What is run when a group's member on this host is promoted or demoted.
#[derive(Clone, Debug)]
pub struct Executable {
    /// Its full path.
    pub path: Arc<PathBuf>,
    /// When it is killed.
    pub time_out: Duration,
}

/// A part of what a host saw of a change of owner, at the manager's host.
#[derive(Clone, Debug)]
pub struct Testimony {
    /// Whose it is.
    pub from: HostId,
    /// How that host's times become ours; `None` if its clock was never compared.
    pub clock: Option<ClockOffset>,
    /// What it says.
    pub witness: Witness,
}

/// What a host starts with.
pub struct Parts {
    /// This host.
    pub own: HostId,
    /// This life of it.
    pub boot: BootId,
    /// The manager's host.
    pub manager: HostId,
    /// The control addresses of the other hosts.
    pub addresses: BTreeMap<HostId, Ipv6Addr>,
    /// The sessions with them.
    pub sessions: Sessions,
    /// The agent, which has not been told anything yet.
    pub agent: Agent,
    /// The manager with its log, on its host.
    pub office: Option<Office>,
    /// The disk of the agent.
    pub archive: Archive,
    /// What runs the configured executables.
    pub hooks: Hooks,
    /// Which these are.
    pub executables: BTreeMap<GroupId, Executable>,
    /// The shortest interval of any group: how often workers are looked at.
    pub interval: Duration,
    /// Where notes go.
    pub notes: Producer<TimedNote>,
    /// Where what hosts saw goes, on the manager's host.
    pub testimonies: Producer<Testimony>,
}

/// The host's part in failover.
pub struct Replication {
    parts: Parts,
    own_messages: VecDeque<Body>,
    outgoing: Vec<Outgoing>,
    answers: Vec<(u64, Answer)>,
    /// Hooks for which there was no room, or no executable.
    hooks_not_run: Vec<(GroupId, Epoch)>,
    snapshots: Snapshots,
    clocks: Clocks,
    budgets: Budgets,
    next_sample: Time,
    counters: ReplicationCounters,
    broken: Option<String>,
    datagram: Vec<u8>,
}

/// What happened to messages and notes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReplicationCounters {
    /// Messages of other hosts that were believed.
    pub received: u64,
    /// Datagrams that were not: wrong key, replayed, of another life or fabric, malformed.
    pub refused: u64,
    /// Datagrams that were not looked at, since their sender had sent too many.
    pub over_budget: u64,
    /// Messages sent to other hosts.
    pub sent: u64,
    /// Messages that were not sent, since no session was open.
    pub unsent: u64,
    /// Notes and testimonies that found no room on their way to the service thread.
    pub notes_lost: u64,
}

impl Replication {
    /// A host that has said nothing yet.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let addresses = parts.addresses.values().copied();
        let groups = parts.agent.view().count();
        Self {
            budgets: Budgets::new(addresses, groups, parts.interval),
            parts,
            own_messages: VecDeque::new(),
            outgoing: Vec::new(),
            answers: Vec::new(),
            hooks_not_run: Vec::new(),
            snapshots: Snapshots::default(),
            clocks: Clocks::default(),
            next_sample: Time::ZERO,
            counters: ReplicationCounters::default(),
            broken: None,
            datagram: Vec::new(),
        }
    }

    /// Does everything that can be done now.
    pub fn round(&mut self, now: Time, endpoint: &mut Endpoint, dataplane: &mut impl Dataplane) {
        self.take_datagrams(now, endpoint, dataplane);
        self.take_completions(now, dataplane);
        let mut events = Vec::new();
        dataplane.observe(now, &mut events);
        if now >= self.next_sample {
            self.next_sample = now.after(self.parts.interval);
            dataplane.sample(now, &mut events);
        }
        for event in events {
            self.tell_agent(now, event, dataplane);
        }
        if is_due(self.parts.agent.next_deadline(), now) {
            self.tell_agent(now, AgentEvent::Tick, dataplane);
        }
        if let Some(office) = &self.parts.office
            && is_due(office.manager().next_deadline(), now)
        {
            self.tell_manager(now, ManagerEvent::Tick);
        }
        self.exchange_snapshots(now, endpoint, dataplane);
        self.take_own_messages(now, dataplane);
        self.parts.sessions.poll(now, &mut self.outgoing);
        for Outgoing { to, octets } in self.outgoing.drain(..) {
            if let Some(address) = self.parts.addresses.get(&to) {
                endpoint.send_datagram(*address, &octets);
            }
        }
    }

    /// Puts an operator's request to this host's agent, which answers it or has it answered;
    /// [`Replication::take_answers`] has the answer in some later round.
    pub fn operate(
        &mut self,
        now: Time,
        token: u64,
        request: Request,
        dataplane: &mut impl Dataplane,
    ) {
        self.tell_agent(now, AgentEvent::Operate { token, request }, dataplane);
    }

    /// Sends what this host saw of a change of owner to where flight records are written.
    pub fn testify(&mut self, witness: Witness) {
        self.send(self.parts.manager, Body::Witness(witness));
    }

    /// The answers since the last call, by the requests' tokens.
    pub fn take_answers(&mut self) -> impl Iterator<Item = (u64, Answer)> + '_ {
        self.answers.drain(..)
    }

    /// The agent, to be looked at.
    #[must_use]
    pub const fn agent(&self) -> &Agent {
        &self.parts.agent
    }

    /// The manager, to be looked at, on its host.
    #[must_use]
    pub fn manager(&self) -> Option<&failover::Manager> {
        self.parts.office.as_ref().map(Office::manager)
    }

    /// The sessions with other hosts, to be looked at.
    #[must_use]
    pub const fn sessions(&self) -> &Sessions {
        &self.parts.sessions
    }

    /// The agent's disk, for the counts that are kept there.
    pub const fn archive(&mut self) -> &mut Archive {
        &mut self.parts.archive
    }

    /// What happened so far.
    #[must_use]
    pub const fn counters(&self) -> ReplicationCounters {
        self.counters
    }

    /// Why the process must end: the manager's disk failed, and nobody knows what it holds.
    #[must_use]
    pub fn broken(&self) -> Option<&str> {
        self.broken.as_deref()
    }

    fn take_datagrams(
        &mut self,
        now: Time,
        endpoint: &mut Endpoint,
        dataplane: &mut impl Dataplane,
    ) {
        let mut datagram = std::mem::take(&mut self.datagram);
        for _ in 0..DATAGRAMS_PER_ROUND_MAX {
            let Some(address) = endpoint.receive_datagram(&mut datagram) else {
                break;
            };
            if !self.budgets.spend(now, address) {
                self.counters.over_budget += 1;
                continue;
            }
            let sessions = &mut self.parts.sessions;
            let received = sessions.receive(now, &datagram, &mut self.outgoing);
            for event in sessions.take_events() {
                self.session_changed(now, event, dataplane);
            }
            match received {
                // A host speaks for itself, from its own place.
                Ok(Some(message)) if self.parts.addresses.get(&message.from) != Some(&address) => {
                    self.counters.refused += 1;
                }
                Ok(Some(message)) => {
                    self.counters.received += 1;
                    self.deliver(now, message.from, message.boot, message.body, dataplane);
                }
                Ok(None) => {}
                Err(_) => self.counters.refused += 1,
            }
        }
        self.datagram = datagram;
    }

    fn session_changed(&mut self, now: Time, event: Event, dataplane: &mut impl Dataplane) {
        match event {
            Event::Opened { host, boot } => {
                if host == self.parts.manager {
                    self.snapshots.want(now);
                }
                self.tell_agent(now, AgentEvent::PeerBoot { host, boot }, dataplane);
                self.tell_manager(now, ManagerEvent::PeerBoot { host, boot });
            }
            // The next life's session says that this one is over.
            Event::Closed { .. } => {}
            Event::Refused { host, sentence, .. } => {
                tracing::warn!("host {host} is refused: {sentence}");
            }
        }
    }

    /// Gives a message to whom it is for.
    fn deliver(
        &mut self,
        now: Time,
        from: HostId,
        from_boot: BootId,
        body: Body,
        dataplane: &mut impl Dataplane,
    ) {
        let recipient = body.recipient();
        if let Body::HeartbeatAck(ack) = &body {
            self.clocks.learn(from, now, ack);
        }
        if let (Recipient::Recorder, Body::Witness(witness)) = (recipient, &body) {
            self.hear_witness(from, witness.clone());
        }
        if matches!(recipient, Recipient::Manager | Recipient::Both) {
            let body = body.clone();
            self.tell_manager(
                now,
                ManagerEvent::Message {
                    from,
                    from_boot,
                    body,
                },
            );
        }
        if matches!(recipient, Recipient::Agent | Recipient::Both) {
            let message = AgentEvent::Message {
                from,
                from_boot,
                body,
            };
            self.tell_agent(now, message, dataplane);
        }
    }

    fn hear_witness(&mut self, from: HostId, witness: Witness) {
        let clock = if from == self.parts.own {
            Some(ClockOffset {
                to_ours_ns: 0,
                uncertainty_ns: 0,
            })
        } else {
            self.clocks.of(from)
        };
        let testimony = Testimony {
            from,
            clock,
            witness,
        };
        if self.parts.testimonies.push(testimony).is_err() {
            self.counters.notes_lost += 1;
        }
    }

    /// What disks and hooks have done.
    fn take_completions(&mut self, now: Time, dataplane: &mut impl Dataplane) {
        while let Some(event) = self.parts.archive.poll() {
            self.tell_agent(now, event, dataplane);
        }
        while let Some(HookDone { group, epoch, ok }) = self.parts.hooks.poll() {
            self.tell_agent(now, AgentEvent::HookDone { group, epoch, ok }, dataplane);
        }
        for (group, epoch) in std::mem::take(&mut self.hooks_not_run) {
            let ok = false;
            self.tell_agent(now, AgentEvent::HookDone { group, epoch, ok }, dataplane);
        }
        while let Some(office) = &mut self.parts.office {
            match office.poll() {
                Ok(Some(event)) => self.tell_manager(now, event),
                Ok(None) => break,
                Err(error) => {
                    self.broken.get_or_insert(error.to_string());
                    break;
                }
            }
        }
    }

    /// Records in bulk: from the manager's host here, or from here to the others.
    fn exchange_snapshots(
        &mut self,
        now: Time,
        endpoint: &mut Endpoint,
        dataplane: &mut impl Dataplane,
    ) {
        let Parts {
            manager,
            addresses,
            sessions,
            office,
            ..
        } = &mut self.parts;
        let manager = *manager;
        let mut host = Surroundings {
            now,
            endpoint,
            sessions,
            addresses,
        };
        if let Some(office) = office {
            let records = || {
                let groups = office.manager().view();
                groups.filter_map(|group| group.record).collect()
            };
            self.snapshots.serve(&mut host, records);
            return;
        }
        let records = self.snapshots.fetch(manager, &mut host);
        let Some(from_boot) = self.parts.sessions.open_with(manager) else {
            return;
        };
        for record in records {
            let message = AgentEvent::Message {
                from: manager,
                from_boot,
                body: Body::Newer { record },
            };
            self.tell_agent(now, message, dataplane);
        }
    }

    fn take_own_messages(&mut self, now: Time, dataplane: &mut impl Dataplane) {
        let (own, boot) = (self.parts.own, self.parts.boot);
        for _ in 0..OWN_MESSAGES_PER_ROUND_MAX {
            let Some(body) = self.own_messages.pop_front() else {
                break;
            };
            self.deliver(now, own, boot, body, dataplane);
        }
    }

    fn tell_agent(&mut self, now: Time, event: AgentEvent, dataplane: &mut impl Dataplane) {
        let mut actions = Vec::new();
        self.parts.agent.handle(now, event, &mut actions);
        for action in actions {
            match action {
                AgentAction::Send { to, body } => self.send(to, body),
                AgentAction::Install(install) => dataplane.install(&install),
                AgentAction::Lease { group, until } => dataplane.lease(group, until),
                AgentAction::Barrier { token } => dataplane.barrier(token),
                AgentAction::Persist { token, record } => {
                    self.parts.archive.persist(token, &record);
                }
                AgentAction::Hook { group, epoch, role } => self.run_hook(group, epoch, role),
                AgentAction::Answer { token, answer } => self.answers.push((token, answer)),
                AgentAction::Note(note) => self.note(now, note),
            }
        }
    }

    fn run_hook(&mut self, group: GroupId, epoch: Epoch, role: HookRole) {
        let hook = self.parts.executables.get(&group).map(|executable| Hook {
            executable: Arc::clone(&executable.path),
            time_out: executable.time_out,
            group,
            epoch,
            role: match role {
                HookRole::Primary => "primary",
                HookRole::Demoted => "demoted",
            },
        });
        let run = hook.is_some_and(|hook| self.parts.hooks.run(hook).is_ok());
        if !run {
            self.hooks_not_run.push((group, epoch));
        }
    }

    fn tell_manager(&mut self, now: Time, event: ManagerEvent) {
        let Some(office) = &mut self.parts.office else {
            return;
        };
        let mut actions = Vec::new();
        office.handle(now, event, &mut actions);
        for action in actions {
            match action {
                ManagerAction::Append { token, record } => {
                    if let Some(office) = &mut self.parts.office {
                        office.append(token, &record);
                    }
                }
                ManagerAction::Send { to, body } => self.send(to, body),
                ManagerAction::Answer { token, answer } => self.answers.push((token, answer)),
                ManagerAction::Note(note) => self.note(now, note),
            }
        }
    }

    fn send(&mut self, to: HostId, body: Body) {
        if to == self.parts.own {
            self.own_messages.push_back(body);
            return;
        }
        match self.parts.sessions.send(to, &body) {
            Ok(octets) => {
                self.counters.sent += 1;
                self.outgoing.push(Outgoing { to, octets });
            }
            Err(SendError::Encoding(_)) => match halves(body) {
                Some(halves) => halves.into_iter().for_each(|half| self.send(to, half)),
                None => self.counters.unsent += 1,
            },
            // Whoever needs an answer asks again.
            Err(_) => self.counters.unsent += 1,
        }
    }

    fn note(&mut self, at: Time, note: Note) {
        if self.parts.notes.push(TimedNote { at, note }).is_err() {
            self.counters.notes_lost += 1;
        }
    }
}

/// A heartbeat about more groups than a datagram has room for is sent as several, each with the same
/// time. The acknowledgement of one that fits, fits.
fn halves(body: Body) -> Option<[Body; 2]> {
    match body {
        Body::Heartbeat(Heartbeat { sent, mut beats }) if beats.len() > 1 => {
            let rest = beats.split_off(beats.len() / 2);
            Some([beats, rest].map(|beats| Body::Heartbeat(Heartbeat { sent, beats })))
        }
        _ => None,
    }
}

/// Whether this deadline has come.
fn is_due(deadline: Option<Time>, now: Time) -> bool {
    deadline.is_some_and(|deadline| deadline <= now)
}
