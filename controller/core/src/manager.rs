//! The manager: it alone decides who owns an address.
//!
//! ```text
//! start -> Recovering -- a majority of the members reported --> Idle
//! Idle -- SUSPECT, FAULT --> Suspecting (evidence, damping) -> Deciding
//! Idle -- an operator, a member in or out of sync, a reboot --> Deciding
//! Deciding -- durable --> Settling (pushes until acknowledged) -> Idle
//! any -- the log is lost or behind what a host reports --> in doubt -- term raised --> Deciding
//! ```
//! A decision is a new record. Nothing of it leaves this host before it is durable.

mod action;
mod change;
mod context;
mod damping;
mod decision;
mod dispatch;
mod event;
mod footprint;
mod group;
mod handover;
mod hosts;
mod lost;
mod membership;
mod promotion;
mod push;
mod recovery;
mod requests;
mod review;
mod view;

use std::collections::BTreeMap;
use std::time::Duration;

use messages::{BootId, FabricId, GroupId, HostId, Record, Signature, SignedRecord, Time};

pub use action::ManagerAction;
pub use event::ManagerEvent;
pub use view::{LogState, ManagerGroupView, Restored};

use crate::config::{Damping, ManagerConfig};
use crate::note::{Doubt, Fact, Note};
use crate::schedule::Schedule;
use context::Context;
use group::Group;
use hosts::Hosts;
use requests::Answers;

/// Signs a record with the manager's key. It must be deterministic (Ed25519 is).
pub type Signer = Box<dyn Fn(&Record) -> Signature + Send>;

/// The state machine that changes records.
pub struct Manager {
    host: HostId,
    fabric: FabricId,
    damping: Damping,
    signer: Signer,
    groups: Schedule<Group>,
    /// When all groups were looked at last.
    swept: Time,
    hosts: Hosts,
    answers: Answers,
    /// Why nothing is decided.
    doubt: Option<Doubt>,
    /// Whether that was noted.
    doubt_noted: bool,
    term: u32,
    /// The shortest interval of a group.
    interval: Duration,
    tokens: u64,
    awake_since: Time,
    now: Time,
    deadline: Option<Time>,
}

impl Manager {
    /// A manager that starts at `now` with what its journal found. `boot` is the life of its host's
    /// daemon, the same as its agent's.
    #[must_use]
    pub fn new(
        config: ManagerConfig,
        restored: Restored,
        signer: Signer,
        boot: BootId,
        now: Time,
    ) -> Self {
        let mut records: BTreeMap<GroupId, SignedRecord> = restored
            .records
            .into_iter()
            .filter(|signed| signed.record.fabric == config.fabric)
            .map(|signed| (signed.record.group, signed))
            .collect();
        let terms = records.values().map(|signed| signed.record.epoch.term);
        let term = terms.max().unwrap_or(1).max(1);
        let intervals = config
            .groups
            .iter()
            .map(|managed| managed.group.timers.interval);
        let interval = intervals.min().unwrap_or(Duration::from_secs(1));
        let groups = config.groups.into_iter().map(|managed| {
            let id = managed.group.id;
            (id, Group::new(managed, records.remove(&id), now))
        });
        let doubt = match restored.log {
            LogState::New | LogState::Whole => None,
            LogState::Lost => Some(Doubt::LogLost),
        };
        let mut hosts = Hosts::default();
        hosts.open(config.host, boot);
        let mut groups = Schedule::new(groups);
        for group in groups.values_mut() {
            group.know_host(config.host, now);
        }
        Self {
            host: config.host,
            fabric: config.fabric,
            damping: config.damping,
            signer,
            groups,
            swept: now,
            hosts,
            answers: Answers::default(),
            doubt,
            doubt_noted: false,
            term,
            interval,
            tokens: 0,
            awake_since: now,
            now,
            deadline: Some(now),
        }
    }

    /// Takes one event; appends what is to be done to `out`, in order.
    pub fn handle(&mut self, now: Time, event: ManagerEvent, out: &mut Vec<ManagerAction>) {
        self.now = self.now.max(now);
        let late = self
            .deadline
            .map_or(Duration::ZERO, |deadline| now.since(deadline));
        if late > self.interval / 2 {
            self.notice_stall(late, out);
        }
        self.note_doubt(None, out);
        self.dispatch(event, out);
        self.review(out);
        self.settle();
        self.deadline = self.groups.earliest();
    }

    /// When `handle` is to be called with `Tick` if nothing happens before.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Time> {
        self.deadline
    }

    /// Why the manager decides nothing at present, if so.
    #[must_use]
    pub fn doubt(&self) -> Option<Doubt> {
        self.doubt
    }

    /// Every group that the manager knows.
    pub fn view(&self) -> impl Iterator<Item = ManagerGroupView> + '_ {
        self.groups.values().map(|group| ManagerGroupView {
            group: group.id(),
            record: group.record.clone(),
            phase: group.phase(self.doubt.is_some()),
            unacknowledged: group.pushes.missing.keys().copied().collect(),
            heard: group.heard_members(&self.hosts, self.now),
        })
    }

    fn split<'a>(
        &'a mut self,
        out: &'a mut Vec<ManagerAction>,
    ) -> (&'a mut Schedule<Group>, Context<'a>) {
        let context = Context {
            now: self.now,
            own: self.host,
            fabric: self.fabric,
            awake_since: self.awake_since,
            term: self.term,
            in_doubt: self.doubt.is_some(),
            damping: self.damping,
            hosts: &self.hosts,
            signer: &self.signer,
            answers: &mut self.answers,
            tokens: &mut self.tokens,
            out,
        };
        (&mut self.groups, context)
    }

    /// This manager itself did not run: whom it did not hear meanwhile may well be alive.
    fn notice_stall(&mut self, late: Duration, out: &mut Vec<ManagerAction>) {
        let fact = Fact::OwnStall { late };
        out.push(ManagerAction::Note(Note {
            group: None,
            epoch: None,
            fact,
        }));
        self.awake_since = self.now;
        self.hosts.forgive(self.now);
        for group in self.groups.values_mut() {
            group.forgive(self.now);
        }
    }

    fn doubt_log(&mut self, group: GroupId, doubt: Doubt, out: &mut Vec<ManagerAction>) {
        if self.doubt.is_none() {
            self.doubt = Some(doubt);
            self.note_doubt(Some(group), out);
        }
    }

    /// Says once that nothing is decided, be it from the start or because of what a host holds.
    fn note_doubt(&mut self, group: Option<GroupId>, out: &mut Vec<ManagerAction>) {
        let noted = std::mem::replace(&mut self.doubt_noted, self.doubt.is_some());
        if let (Some(doubt), false) = (self.doubt, noted) {
            let fact = Fact::InDoubt { doubt };
            out.push(ManagerAction::Note(Note {
                group,
                epoch: None,
                fact,
            }));
        }
    }

    /// Looks at the groups that the event concerns, and at those for which something is due. That a
    /// host fell silent is no event, so once an interval all are looked at.
    fn review(&mut self, out: &mut Vec<ManagerAction>) {
        if self.now >= self.swept.after(self.interval) {
            self.swept = self.now;
            self.groups.touch_all();
        }
        let (groups, mut cx) = self.split(out);
        for id in groups.look_at(cx.now) {
            if let Some(group) = groups.get_mut(&id) {
                group.review(&mut cx);
                group.push(&mut cx);
            }
        }
    }

    /// Asks the groups that were looked at when something is due for them.
    fn settle(&mut self) {
        let Self {
            groups,
            hosts,
            damping,
            awake_since,
            ..
        } = self;
        groups.settle(self.now, |group, times| {
            group.push_deadlines(hosts, times);
            group.promotion_deadlines(damping, times);
            group.membership_deadlines(damping, times);
            times.push(awake_since.after(group.silence() + group.interval()));
            times.push(awake_since.after(group.silence() + damping.no_owner_after));
        });
    }
}
