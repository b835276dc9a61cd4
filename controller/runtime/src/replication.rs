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

mod actions;
mod archive;
mod budget;
mod clocks;
mod dataplane;
mod jobs;
mod office;
mod reception;
mod snapshots;

use std::collections::{BTreeMap, VecDeque};
use std::net::Ipv6Addr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use failover::{Agent, AgentEvent, ManagerEvent, Note};
use messages::body::{Answer, Request, Witness};
use messages::{Body, BootId, Epoch, GroupId, HostId, Outgoing, Sessions, Time};
use rtrb::Producer;

use crate::endpoint::Endpoint;
use crate::hooks::{HookDone, Hooks};
use budget::Budgets;
use snapshots::{Snapshots, Surroundings};

pub use archive::{Archive, ArchiveError, KeptBefore};
pub use clocks::ClockOffset;
use clocks::Clocks;
pub use dataplane::Dataplane;
pub use office::{Office, OfficeError};

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
    /// The group's name.
    pub name: Arc<str>,
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
}

/// Whether this deadline has come.
fn is_due(deadline: Option<Time>, now: Time) -> bool {
    deadline.is_some_and(|deadline| deadline <= now)
}
