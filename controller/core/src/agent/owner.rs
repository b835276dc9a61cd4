//! What does the host do that was granted the address?
//!
//! ```text
//!            record names this life
//!                     v
//!   Promoting: muted, holding; waits for its promise, the announcement, its replicas, the hook
//!                     v                                          record: handover
//!   Primary <--- replicas acknowledge ---> Muted       Primary, Muted ----> Frozen
//!      |            (lease over)                                   <---- record: given up
//!      | guest's port down, from any of these: Resigned
//!      v a later record with another owner, from any of these: suppress, then Fenced
//! ```

use std::collections::{BTreeMap, BTreeSet};

use messages::body::{Body, Fault, Promise, Standing};
use messages::{BootId, Epoch, GroupState, HostId, MemberState, Time};

use super::action::{AgentAction, HookRole};
use super::checkpoint::Checkpoints;
use super::context::Context;
use super::group::{Group, State};
use super::halt::Halt;
use super::lease::LeaseSet;
use crate::config::{ANNOUNCE_WAIT, FREEZE_DRAIN, Isolation};
use crate::install::Lease;
use crate::note::Fact;
use crate::planted::{self, Slip};
use crate::retry::Retry;

/// What an owner keeps under one owner generation.
#[derive(Clone, Debug)]
pub(super) struct Owner {
    pub(super) generation: u64,
    pub(super) set: LeaseSet,
    /// When its own promise to the owner before is over.
    pub(super) ready_at: Time,
    /// Who has not acknowledged the announcement.
    pub(super) waiting_for: BTreeSet<HostId>,
    /// Until when they are waited for.
    pub(super) announced_until: Time,
    pub(super) announce: Retry,
    /// With which epoch the promotion hook was started.
    pub(super) hook_epoch: Option<Epoch>,
    /// Whether the promotion waits for it.
    pub(super) hook_missing: bool,
    /// A hook that failed is run again.
    pub(super) hook_again: Option<Retry>,
    /// Whether it may have transmitted under this generation.
    unmuted: bool,
    pub(super) resigned: Option<Halt>,
    /// A planned move has begun: input is queued, and what the guest still answers of what it got
    /// before passes until then.
    pub(super) draining: Option<Time>,
    pub(super) frozen: Option<Halt>,
    /// Whether what was queued for a planned move that was given up is still queued.
    held: bool,
    /// The lease as it was last set.
    pub(super) lease: Lease,
    /// Asking to go on without members whose acknowledgements are overdue.
    solo: Option<Retry>,
    /// Joining members that acknowledged, in which life, and when that is reported again.
    first_acks: BTreeMap<HostId, (BootId, Retry)>,
    pub(super) checkpoints: Checkpoints,
}

impl Owner {
    pub(super) fn new(generation: u64, ready_at: Time, now: Time) -> Self {
        Self {
            generation,
            set: LeaseSet::default(),
            ready_at,
            waiting_for: BTreeSet::new(),
            announced_until: now,
            announce: Retry::steady(now, ANNOUNCE_WAIT),
            hook_epoch: None,
            hook_missing: false,
            hook_again: None,
            unmuted: false,
            resigned: None,
            draining: None,
            frozen: None,
            held: false,
            lease: Lease::Muted,
            solo: None,
            first_acks: BTreeMap::new(),
            checkpoints: Checkpoints::default(),
        }
    }

    /// The grant says whether its own promise must be over.
    pub(super) fn promise_is(&mut self, promise: Promise, now: Time) {
        match promise {
            Promise::Needed => {}
            Promise::Waived | Promise::Moved { .. } => self.ready_at = self.ready_at.min(now),
        }
    }

    pub(super) fn standing(&self) -> Standing {
        if self.resigned.is_some() {
            Standing::Resigned
        } else if self.frozen.is_some() {
            Standing::Frozen
        } else if !self.unmuted {
            Standing::Promoting
        } else if self.lease == Lease::Muted {
            Standing::Muted
        } else {
            Standing::Primary
        }
    }

    /// Whether what comes for the guest is queued.
    pub(super) fn holds(&self) -> bool {
        self.draining.is_some()
            || self.frozen.is_some()
            || self.held
            || !(self.unmuted || planted::is_on(Slip::ReleasedWhileMuted))
    }

    /// Whether every worker has stopped for the planned move.
    pub(super) fn is_frozen(&self) -> bool {
        self.frozen.is_some_and(|halt| halt.passed)
    }

    /// Whether it may transmit at this moment.
    pub(super) fn may_transmit(&self, now: Time) -> bool {
        match self.lease {
            Lease::Muted => false,
            Lease::Until(until) => now < until,
            Lease::Unlimited => true,
        }
    }

    /// Entries about other members.
    pub(super) fn footprint(&self) -> usize {
        let lists = self.waiting_for.len() + self.first_acks.len();
        lists + self.set.footprint() + self.checkpoints.footprint()
    }

    /// When something is due without a message.
    pub(super) fn deadlines(&self, group: &Group, out: &mut Vec<Time>) {
        let interval = group.config.timers.interval;
        if !self.unmuted {
            out.extend([self.ready_at, self.announced_until]);
            if !self.waiting_for.is_empty() {
                out.push(self.announce.next());
            }
        }
        if let Lease::Until(until) = self.lease {
            out.push(until);
        }
        out.extend(self.draining);
        let halts = [self.resigned, self.frozen];
        out.extend(
            halts
                .into_iter()
                .flatten()
                .filter(|halt| halt.passed)
                .map(|halt| halt.again.next()),
        );
        out.extend(self.hook_again.as_ref().map(Retry::next));
        match &self.solo {
            Some(retry) => out.push(retry.next()),
            None => out.extend(self.set.overdue_at(interval)),
        }
        out.extend(self.first_acks.values().map(|(_, retry)| retry.next()));
        out.extend(self.checkpoints.deadline());
    }
}

impl Group {
    /// The record that is now installed names this life as the owner: a grant, or a change under
    /// the same generation.
    pub(super) fn owner_has_record(&mut self, cx: &mut Context<'_>) {
        let before = self.standing();
        let epoch = self.epoch();
        let Some(record) = self.record.as_ref().map(|signed| signed.record.clone()) else {
            return;
        };
        let interval = self.config.timers.interval;
        let State::Owner(owner) = &mut self.state else {
            return;
        };
        owner.set.adopt(&record, cx.host);
        owner.solo = None;
        owner.first_acks.clear();
        if let Some(halt) = &mut owner.resigned {
            halt.again = Retry::steady(cx.now, interval);
        }
        let moving = match record.state {
            GroupState::Handover { .. } => true,
            GroupState::Active | GroupState::Solo | GroupState::NoOwner => false,
        };
        let held = owner.holds();
        match (moving, &mut owner.frozen) {
            (true, Some(halt)) => halt.again = Retry::steady(cx.now, interval),
            (true, None) => {
                let until = cx.now.after(FREEZE_DRAIN);
                owner.draining.get_or_insert(until);
            }
            (false, frozen) => {
                owner.held |= owner.draining.take().is_some() | frozen.take().is_some();
            }
        }
        let holds = owner.holds();
        let fresh = owner.hook_epoch.is_none();
        if fresh {
            owner.hook_epoch = epoch;
        }
        if held != holds {
            self.install(cx);
        }
        if fresh {
            self.start_hook(HookRole::Primary, cx);
            self.begin_announcement(cx);
        }
        if self.port_up == Some(false) {
            self.resign(cx);
        }
        self.note_standing(before, cx);
        // The replicas of the new epoch are to acknowledge at once.
        for host in self.partners(cx.host) {
            if let Some(peer) = cx.peers.get_mut(host) {
                peer.beat_at = cx.now;
            }
        }
        self.refresh_lease(cx);
    }

    /// A heartbeat of ours leaves for this host.
    pub(super) fn beat_sent(&mut self, to: HostId, now: Time) {
        if let State::Owner(owner) = &mut self.state {
            owner.set.sent(to, now);
        }
    }

    /// A host acknowledged a heartbeat of ours: it keeps silent for another G.
    pub(super) fn beat_acked(
        &mut self,
        from: HostId,
        boot: BootId,
        echo: Time,
        epoch: Epoch,
        cx: &mut Context<'_>,
    ) {
        if self.epoch() != Some(epoch) {
            return;
        }
        let joining = self.listed(from) == Some(MemberState::Joining);
        let (id, timers) = (self.id(), self.config.timers);
        let interval = timers.interval;
        let State::Owner(owner) = &mut self.state else {
            return;
        };
        owner.set.acked(from, echo, cx.now, timers.lease());
        let reported = owner.first_acks.get(&from).map(|(boot, _)| *boot);
        if joining
            && reported != Some(boot)
            && (owner.set.counts(from) || planted::is_on(Slip::JoiningNotInLease))
        {
            owner
                .first_acks
                .insert(from, (boot, Retry::slowing(cx.now, interval)));
            cx.note(id, Some(epoch), Fact::FirstAcked { member: from });
        }
        if owner.set.overdue(cx.now, interval).is_empty() {
            owner.solo = None;
        }
        if planted::is_on(Slip::ResignedRevived) {
            owner.resigned = None;
        }
        self.refresh_lease(cx);
    }

    /// Sets the lease anew, and unmutes for the first time when everything is in place.
    pub(super) fn refresh_lease(&mut self, cx: &mut Context<'_>) {
        let before = self.standing();
        let (id, epoch) = (self.id(), self.epoch());
        let (timers, isolation) = (self.config.timers, self.config.on_isolation);
        let State::Owner(owner) = &mut self.state else {
            return;
        };
        let promised = match owner.set.end(timers.lease()) {
            Lease::Until(until) if until <= cx.now => Lease::Muted,
            lease @ (Lease::Muted | Lease::Until(_) | Lease::Unlimited) => lease,
        };
        let announced = owner.waiting_for.is_empty() || cx.now >= owner.announced_until;
        let ready = cx.now >= owner.ready_at && announced && !owner.hook_missing;
        let stopped = owner.resigned.is_some() || owner.frozen.is_some();
        let first = !owner.unmuted && !stopped;
        if first && (planted::is_on(Slip::UnmuteFirst) || (ready && promised != Lease::Muted)) {
            owner.unmuted = true;
            if !owner.waiting_for.is_empty() {
                let missing = owner.waiting_for.len();
                cx.note(id, epoch, Fact::AnnounceTimedOut { missing });
            }
        }
        let lease = match (stopped || !owner.unmuted, isolation) {
            (true, Isolation::Mute | Isolation::Continue) => Lease::Muted,
            (false, Isolation::Continue) => Lease::Unlimited,
            (false, Isolation::Mute) if planted::is_on(Slip::UnmuteFirst) => Lease::Unlimited,
            (false, Isolation::Mute)
                if planted::is_on(Slip::SoloNotTold) && owner.lease == Lease::Unlimited =>
            {
                Lease::Unlimited
            }
            (false, Isolation::Mute) => promised,
        };
        let was_muted = owner.lease == Lease::Muted;
        if lease != owner.lease {
            owner.lease = lease;
            cx.act(AgentAction::Lease {
                group: id,
                until: lease,
            });
            match (was_muted, lease == Lease::Muted) {
                (true, false) => cx.note(id, epoch, Fact::Unmuted),
                (false, true) => cx.note(id, epoch, Fact::Muted),
                (true, true) | (false, false) => {}
            }
        }
        let State::Owner(owner) = &mut self.state else {
            return;
        };
        let resumed = owner.held && lease != Lease::Muted;
        owner.held &= !resumed;
        if resumed || first && self.has_unmuted() {
            // Release after unmuting: else the guest's answers to what was held would be dropped.
            self.install(cx);
            cx.note(id, epoch, Fact::Released);
        }
        self.note_standing(before, cx);
    }

    fn has_unmuted(&self) -> bool {
        matches!(&self.state, State::Owner(owner) if owner.unmuted)
    }

    /// A hook that failed where a promotion waits for it is run again, more and more rarely.
    fn hook_tick(&mut self, cx: &mut Context<'_>) {
        let State::Owner(owner) = &mut self.state else {
            return;
        };
        let Some(retry) = &mut owner.hook_again else {
            return;
        };
        if retry.is_due(cx.now) {
            owner.hook_again = None;
            owner.hook_epoch = self.record.as_ref().map(|signed| signed.record.epoch);
            self.start_hook(HookRole::Primary, cx);
        }
    }

    /// A hook ended. One that fails keeps the new owner muted where a promotion waits for it.
    pub(super) fn hook_done(&mut self, epoch: Epoch, ok: bool, cx: &mut Context<'_>) {
        cx.note(self.id(), Some(epoch), Fact::HookEnded { ok });
        let silence = self.config.timers.silence();
        let State::Owner(owner) = &mut self.state else {
            return;
        };
        if owner.hook_epoch != Some(epoch) || !owner.hook_missing {
            return;
        }
        owner.hook_missing = !ok;
        owner.hook_again = (!ok).then(|| Retry::steady(cx.now.after(silence), silence));
        self.refresh_lease(cx);
    }

    /// What an owner does when time passes.
    pub(super) fn owner_tick(&mut self, cx: &mut Context<'_>) {
        self.announce(cx);
        self.freeze(cx);
        self.hook_tick(cx);
        let (group, epoch) = (self.id(), self.epoch());
        let interval = self.config.timers.interval;
        let (State::Owner(owner), Some(epoch)) = (&mut self.state, epoch) else {
            return;
        };
        if planted::is_on(Slip::FreezeTimed)
            && owner
                .frozen
                .is_some_and(|halt| cx.now >= halt.since.after(interval * 4))
        {
            owner.frozen = None;
        }
        if let Some(halt) = &mut owner.resigned
            && halt.passed
            && halt.again.is_due(cx.now)
        {
            let fault = Fault::Guest {
                unmuted: owner.unmuted,
            };
            cx.tell_manager(Body::Fault {
                group,
                epoch,
                fault,
            });
        }
        if let Some(halt) = &mut owner.frozen
            && halt.passed
            && halt.again.is_due(cx.now)
        {
            cx.tell_manager(Body::Frozen { group, epoch });
        }
        let without = owner.set.overdue(cx.now, interval);
        if without.is_empty() {
            owner.solo = None;
        } else {
            if owner.solo.is_none() {
                for member in &without {
                    cx.note(group, Some(epoch), Fact::AckOverdue { member: *member });
                }
            }
            let solo = owner
                .solo
                .get_or_insert(Retry::steady(cx.now, interval / 2));
            if solo.is_due(cx.now) {
                cx.tell_manager(Body::SoloRequest {
                    group,
                    epoch,
                    without,
                });
            }
        }
        for (member, (member_boot, retry)) in &mut owner.first_acks {
            if retry.is_due(cx.now) {
                let (member, member_boot) = (*member, *member_boot);
                cx.tell_manager(Body::FirstAck {
                    group,
                    epoch,
                    member,
                    member_boot,
                });
            }
        }
        self.checkpoint_tick(cx);
        self.refresh_lease(cx);
    }
}
