//! What becomes of a record that comes in? The gate that only a later epoch passes, and what this
//! host is by the record that passed.
//!
//! Members and peers do the same: suppress what the record forbids and install it at once, write it
//! to the disk, then acknowledge it.

use messages::body::{Body, Promise, Standing};
use messages::{BootId, Epoch, GroupState, HostId, MemberState, Owner as Granted, SignedRecord};

use super::action::{AgentAction, HookRole};
use super::context::Context;
use super::group::{Group, State};
use super::owner::Owner;
use crate::config::{FORWARD_SPAN, HookPolicy};
use crate::install::CopyFrom;
use crate::note::Fact;
use crate::planted::{self, Slip};
use crate::retry::Retry;

/// How a record came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// From the manager, who says what a grant needs.
    Push(Promise),
    /// From a host that says that it is the owner.
    Announce,
    /// From whoever heard this host speak of an older epoch.
    Newer,
}

/// What this host is by a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// This life of this host owns the address.
    Owns,
    /// An earlier life of this host does.
    OwnedBefore,
    /// It may follow the owner.
    InSync,
    /// It is to be one of those.
    Joining,
    /// It has no part.
    None,
}

impl Group {
    /// Takes a record that a host sent.
    pub(super) fn take(
        &mut self,
        record: SignedRecord,
        source: Source,
        from: HostId,
        from_boot: BootId,
        cx: &mut Context<'_>,
    ) {
        let genuine = match source {
            Source::Push(_) => from == cx.manager,
            Source::Announce => {
                record.record.owner
                    == Some(Granted {
                        host: from,
                        boot: from_boot,
                    })
            }
            Source::Newer => true,
        };
        if !genuine {
            let why = "only the manager pushes, and only an owner announces";
            cx.note(self.id(), self.epoch(), Fact::Ignored { from, why });
            return;
        }
        let confirms = match source {
            Source::Push(_) | Source::Announce => true,
            Source::Newer => self.confirmed,
        };
        let offered = Some(record.record.epoch);
        if offered > self.epoch()
            || (planted::is_on(Slip::LastUpdateWins) && offered != self.epoch())
        {
            self.to_acknowledge.clear();
            self.to_acknowledge.insert(from);
            self.confirmed = confirms;
            self.adopt(record, source, cx);
        } else if offered == self.epoch() {
            self.take_again(&record, source, confirms, from, cx);
        } else {
            self.tell_newer(from, cx);
        }
    }

    /// The record that this host has already comes again.
    fn take_again(
        &mut self,
        record: &SignedRecord,
        source: Source,
        confirms: bool,
        from: HostId,
        cx: &mut Context<'_>,
    ) {
        if self.record.as_ref() != Some(record) {
            let why = "another record of the same epoch";
            cx.note(self.id(), self.epoch(), Fact::Ignored { from, why });
            return;
        }
        if confirms && !self.confirmed {
            self.confirmed = true;
            self.asking = None;
            self.install(cx);
        }
        if let (Source::Push(promise), State::Owner(owner)) = (source, &mut self.state) {
            owner.promise_is(promise, cx.now);
        }
        self.to_acknowledge.insert(from);
        self.acknowledge(cx);
    }

    /// Tells a host that holds an older epoch what this one holds.
    pub(super) fn tell_newer(&mut self, host: HostId, cx: &mut Context<'_>) {
        if let Some(record) = self.record.clone() {
            cx.note(self.id(), self.epoch(), Fact::ToldNewer { host });
            cx.send(host, Body::Newer { record });
        }
    }

    /// Installs a later record: state and suppression first, then the tables, then the disk.
    fn adopt(&mut self, record: SignedRecord, source: Source, cx: &mut Context<'_>) {
        let before = self.standing();
        let last = self.record.replace(record);
        cx.partners.forget();
        let last_state = last.as_ref().map(|signed| signed.record.state);
        let last_owner = last.as_ref().and_then(|signed| signed.record.owner);
        let part = self.part(cx.host, cx.boot);
        let state = std::mem::replace(&mut self.state, State::Outside);
        self.withdrawing = None;
        self.joining = None;
        let record = self.record.as_ref().map(|signed| &signed.record);
        self.heard_checkpoints
            .retain(|host, _| record.is_some_and(|record| record.member(*host).is_some()));
        let deposed = matches!(state, State::Owner(_)) && part != Part::Owns;
        if deposed && !planted::is_on(Slip::AckBeforeSuppress) {
            self.mute(cx);
        }
        let was_in_sync = last
            .as_ref()
            .and_then(|signed| signed.record.member(cx.host))
            == Some(MemberState::InSync);
        let goes_on = was_in_sync && last_owner.is_some() && last_owner == self.granted();
        self.state = match (state, part) {
            (State::Owner(owner), Part::Owns) if owner.generation == self.generation() => {
                State::Owner(owner)
            }
            (
                State::Outside
                | State::Joining
                | State::Replica
                | State::Candidate { .. }
                | State::Owner(_)
                | State::Fenced { .. },
                Part::Owns,
            ) => self.granted_here(source, last_state, cx),
            (
                State::Owner(owner),
                Part::InSync | Part::Joining | Part::OwnedBefore | Part::None,
            ) => State::Fenced {
                forward: self.forward_after(&owner, last_state, cx),
            },
            (State::Fenced { forward }, Part::InSync | Part::Joining | Part::OwnedBefore) => {
                State::Fenced { forward }
            }
            (State::Replica, Part::InSync) if goes_on => State::Replica,
            (State::Candidate { number, .. }, Part::InSync) if goes_on => {
                // The silence goes on under the new epoch.
                let again = Retry::steady(cx.now, self.config.timers.interval);
                State::Candidate { number, again }
            }
            (State::Replica | State::Candidate { .. }, Part::InSync | Part::Joining) => {
                // Under a new owner, or listed anew: G begins now.
                self.heard = cx.now;
                self.promised = self.promised.max(cx.now);
                State::Replica
            }
            (
                State::Outside | State::Joining | State::Replica | State::Candidate { .. },
                Part::OwnedBefore,
            )
            | (State::Outside | State::Joining, Part::InSync | Part::Joining) => State::Joining,
            (
                State::Outside
                | State::Joining
                | State::Replica
                | State::Candidate { .. }
                | State::Fenced { .. },
                Part::None,
            ) => State::Outside,
        };
        self.settle(before, deposed, cx);
    }

    /// What follows from the new state: tables, disk, and what to say to whom.
    fn settle(&mut self, before: Standing, deposed: bool, cx: &mut Context<'_>) {
        if !matches!(self.state, State::Owner(_)) {
            self.copy_from = None;
        }
        self.note_standing(before, cx);
        if deposed && planted::is_on(Slip::AckBeforeSuppress) {
            let (group, epoch) = (self.id(), self.epoch().unwrap_or_default());
            for host in std::mem::take(&mut self.to_acknowledge) {
                cx.send(host, Body::RecordAck { group, epoch });
            }
        } else {
            self.install(cx);
        }
        let owner = self.granted().map(|granted| granted.host);
        let generation = self.generation();
        cx.note(
            self.id(),
            self.epoch(),
            Fact::Installed { owner, generation },
        );
        if deposed {
            self.start_hook(HookRole::Demoted, cx);
        }
        self.persist(cx);
        if matches!(self.state, State::Owner(_)) {
            self.owner_has_record(cx);
        }
        self.seek(cx);
        self.answer_late(cx);
    }

    fn generation(&self) -> u64 {
        self.record
            .as_ref()
            .map_or(0, |signed| signed.record.generation)
    }

    fn part(&self, own: HostId, boot: BootId) -> Part {
        match self.granted() {
            Some(granted) if granted.host == own => {
                if granted.boot == boot || planted::is_on(Slip::GrantToOldBoot) {
                    return Part::Owns;
                }
                return Part::OwnedBefore;
            }
            Some(_) | None => {}
        }
        match self.listed(own) {
            Some(MemberState::InSync) => Part::InSync,
            Some(MemberState::Joining) => Part::Joining,
            Some(MemberState::Removed) | None => Part::None,
        }
    }

    /// This host is the new owner: muted and holding what comes until its promise is over, the
    /// peers know, and its own replicas acknowledge.
    fn granted_here(
        &mut self,
        source: Source,
        last: Option<GroupState>,
        cx: &mut Context<'_>,
    ) -> State {
        self.mute(cx);
        let over = self.promised.after(self.config.timers.silence());
        let mut owner = Owner::new(self.generation(), over, cx.now);
        if planted::is_on(Slip::PromiseIgnored) {
            owner.promise_is(Promise::Waived, cx.now);
        }
        let expected = last == Some(GroupState::Handover { to: cx.host });
        match source {
            Source::Push(promise) => {
                owner.promise_is(promise, cx.now);
                if let (Promise::Moved { from }, true) = (promise, expected) {
                    // The copies since the freeze are queued at the old owner, too.
                    self.discard_before = self.discard_before.max(Some(cx.now));
                    let until = cx.now.after(FORWARD_SPAN);
                    self.copy_from = Some(CopyFrom { host: from, until });
                }
            }
            Source::Announce | Source::Newer => {}
        }
        let wait = owner.ready_at.since(cx.now);
        cx.note(self.id(), self.epoch(), Fact::Granted { wait });
        owner.hook_missing = self.config.hook == HookPolicy::Awaited;
        self.unanswered = None;
        State::Owner(Box::new(owner))
    }

    /// After a planned move the old owner forwards.
    fn forward_after(
        &self,
        owner: &Owner,
        last: Option<GroupState>,
        cx: &Context<'_>,
    ) -> Option<(HostId, messages::Time)> {
        let Some(GroupState::Handover { to }) = last else {
            return None;
        };
        let moved = owner.is_frozen() && self.granted().is_some_and(|granted| granted.host == to);
        moved.then(|| (to, cx.now.after(FORWARD_SPAN)))
    }

    /// What this host must ask for by the record that it has now.
    pub(super) fn seek(&mut self, cx: &mut Context<'_>) {
        let interval = self.config.timers.interval;
        let lists_us = match self.part(cx.host, cx.boot) {
            Part::OwnedBefore | Part::InSync => !matches!(
                self.state,
                State::Replica | State::Candidate { .. } | State::Owner(_)
            ),
            Part::Joining => matches!(self.state, State::Joining) && !self.is_of_this_life(),
            Part::Owns => !matches!(self.state, State::Owner(_)),
            Part::None => false,
        };
        if !lists_us {
            self.joining = None;
        } else if self.joining.is_none() {
            self.joining = Some(Retry::slowing(cx.now, interval));
        }
        let ask = !self.confirmed
            && self
                .granted()
                .is_some_and(|granted| granted.host != cx.host);
        if !ask {
            self.asking = None;
        } else if self.asking.is_none() {
            self.asking = Some(Retry::slowing(cx.now, interval));
        }
    }

    fn persist(&mut self, cx: &mut Context<'_>) {
        if let Some(record) = self.record.clone() {
            let token = cx.token();
            self.persisting = Some(token);
            cx.act(AgentAction::Persist { token, record });
            if planted::is_on(Slip::AckBeforePersist) {
                self.persisted = self.epoch();
                self.acknowledge(cx);
            }
        }
    }

    /// The write under way ended.
    pub(super) fn written(&mut self, durable: bool, cx: &mut Context<'_>) {
        self.persisting = None;
        let epoch = self.epoch();
        if durable {
            self.persisted = epoch;
            if planted::is_on(Slip::AckBeforeSuppress) {
                self.install(cx);
            }
            cx.note(self.id(), epoch, Fact::Persisted);
            self.acknowledge(cx);
            self.answer_late(cx);
        } else {
            cx.note(self.id(), epoch, Fact::PersistFailed);
        }
    }

    /// Whether the installed record is on the disk.
    pub(super) fn is_durable(&self) -> bool {
        self.persisted.is_some() && self.persisted == self.epoch()
    }

    fn acknowledge(&mut self, cx: &mut Context<'_>) {
        let Some(epoch) = self.epoch() else {
            return;
        };
        if !self.is_durable() {
            // A failed write is tried again when somebody asks again.
            if self.persisting.is_none() {
                self.persist(cx);
            }
            return;
        }
        let group = self.id();
        for host in std::mem::take(&mut self.to_acknowledge) {
            cx.send(host, Body::RecordAck { group, epoch });
        }
    }

    pub(super) fn start_hook(&self, role: HookRole, cx: &mut Context<'_>) {
        let Some(epoch) = self.epoch() else {
            return;
        };
        match self.config.hook {
            HookPolicy::Absent => {}
            HookPolicy::Beside | HookPolicy::Awaited => {
                cx.note(self.id(), Some(epoch), Fact::HookStarted);
                let group = self.id();
                cx.act(AgentAction::Hook { group, epoch, role });
            }
        }
    }

    /// Whether a heartbeat of this epoch may be acknowledged: the record is installed, confirmed and
    /// on the disk.
    pub(super) fn stands_at(&self, epoch: Epoch) -> bool {
        self.confirmed && self.epoch() == Some(epoch) && self.is_durable()
    }
}
