//! What does a member do that does not own the address?
//!
//! ```text
//!            heartbeat of the owner of an epoch that lists it in this life
//!   Joining, Fenced -----------------------------------> Replica
//!   Replica, listed in-sync -- owner silent for G -----> Candidate: SUSPECT, again and again
//!   Candidate -- heartbeat of the owner: WITHDRAW -----> Replica
//! ```
//! A replica acknowledges each heartbeat of its epoch's owner; with that it promises its silence for
//! another G. A candidate acknowledges nothing.

use messages::body::{Beat, Body, HeartbeatAck, Vouch};
use messages::{BootId, GroupId, HostId, MemberState, Owner as Granted, Time};

use super::context::Context;
use super::group::{Group, State, Unanswered};
use crate::note::Fact;
use crate::planted::{self, Slip};
use crate::retry::Retry;

/// How often a withdrawal is said: the manager's window ends without it, too.
const WITHDRAWALS: u32 = 3;

impl Group {
    /// A beat of another host about this group. Returns whether it is to be acknowledged.
    pub(super) fn hear(
        &mut self,
        from: HostId,
        boot: BootId,
        beat: &Beat,
        sent: Time,
        cx: &mut Context<'_>,
    ) -> bool {
        if self.epoch() > Some(beat.epoch) {
            self.tell_newer(from, cx);
        }
        if self.listed(from).is_some() {
            let checkpoint = beat.counts.checkpoint;
            self.heard_checkpoints.insert(from, checkpoint);
        }
        match beat.vouch {
            Vouch::Good => {}
            Vouch::WorkerStalled | Vouch::PortDown => return false,
        }
        if self.epoch() <= Some(beat.epoch) {
            // Perhaps from an owner whose record has not come yet, or is not on the disk yet.
            self.unanswered = Some(Unanswered {
                from: Granted { host: from, boot },
                epoch: beat.epoch,
                sent,
                received: cx.now,
            });
        }
        if !self.is_owner(from, boot) {
            return false;
        }
        self.owner_heard(sent, cx);
        self.answers(beat.epoch, cx)
    }

    /// The owner is alive: G begins anew.
    fn owner_heard(&mut self, sent: Time, cx: &mut Context<'_>) {
        let before = self.standing();
        self.heard = if planted::is_on(Slip::SilenceFromSend) {
            sent
        } else {
            cx.now
        };
        let (id, epoch) = (self.id(), self.epoch());
        let interval = self.config.timers.interval;
        let listed = matches!(
            self.listed(cx.host),
            Some(MemberState::InSync | MemberState::Joining)
        );
        match &self.state {
            State::Candidate { .. }
                if planted::is_on(Slip::NeverWithdraws) || planted::is_on(Slip::CandidateAcks) => {}
            State::Candidate { number, .. } => {
                cx.note(id, epoch, Fact::Withdrew { number: *number });
                self.withdrawing = Some((WITHDRAWALS, Retry::steady(cx.now, interval)));
                self.state = State::Replica;
                self.withdraw(cx);
            }
            State::Joining | State::Fenced { forward: None } if listed && self.may_join(cx) => {
                self.promised = self.promised.max(cx.now);
                self.state = State::Replica;
                // What it gets begins now: no checkpoint before covers what it did not get.
                self.counts.checkpoint = 0;
                self.replica_since = cx.now;
                self.install(cx);
            }
            State::Outside
            | State::Joining
            | State::Replica
            | State::Owner(_)
            | State::Fenced { .. } => {}
        }
        self.note_standing(before, cx);
    }

    /// Whether the record lists this life: it was decided in it, and first as joining.
    fn may_join(&self, cx: &Context<'_>) -> bool {
        self.confirmed
            && self.is_of_this_life()
            && self.listed(cx.host) == Some(MemberState::Joining)
    }

    /// Whether this host acknowledges a heartbeat of the owner of this epoch. If so, it has promised
    /// its silence.
    fn answers(&mut self, epoch: messages::Epoch, cx: &Context<'_>) -> bool {
        let silent = match &self.state {
            State::Replica => true,
            // As if what it says bound only a replica.
            State::Candidate { .. } if planted::is_on(Slip::CandidateAcks) => {
                return self.stands_at(epoch);
            }
            State::Candidate { .. }
            | State::Outside
            | State::Joining
            | State::Owner(_)
            | State::Fenced { .. } => false,
        };
        if !silent || !self.stands_at(epoch) {
            return false;
        }
        self.unanswered = None;
        self.promised = if planted::is_on(Slip::SilenceFromSend) {
            self.heard
        } else {
            cx.now
        };
        true
    }

    /// A record was installed or written: a heartbeat that came before it may be acknowledged now.
    pub(super) fn answer_late(&mut self, cx: &mut Context<'_>) {
        let Some(late) = self.unanswered else {
            return;
        };
        if cx.now.since(late.received) > self.config.timers.interval {
            self.unanswered = None;
            return;
        }
        if !self.is_owner(late.from.host, late.from.boot) || !self.stands_at(late.epoch) {
            return;
        }
        self.owner_heard(late.sent, cx);
        if self.answers(late.epoch, cx) {
            let acked = vec![(self.id(), late.epoch)];
            let (echo, now) = (late.sent, cx.now);
            cx.send(
                late.from.host,
                Body::HeartbeatAck(HeartbeatAck { echo, now, acked }),
            );
        }
    }

    /// When this replica's G is over; `None` if it does not count.
    pub(super) fn silence_ends(&self, own: HostId) -> Option<Time> {
        let counts = match &self.state {
            State::Replica => self.listed(own) == Some(MemberState::InSync),
            State::Outside
            | State::Joining
            | State::Candidate { .. }
            | State::Owner(_)
            | State::Fenced { .. } => false,
        };
        let silence = self.config.timers.silence();
        // Copies from the owner's host count as life, but not for longer than one more G: a worker
        // may go on copying when the controller beside it has died.
        let alive = self
            .data_heard
            .min(self.heard.after(silence))
            .max(self.heard);
        let from = if planted::is_on(Slip::SilenceFromSend) {
            alive
        } else {
            alive.max(self.promised)
        };
        (counts && self.granted().is_some()).then(|| from.after(silence))
    }

    /// What a member does when time passes.
    pub(super) fn replica_tick(&mut self, cx: &mut Context<'_>) {
        if self.silence_ends(cx.host).is_some_and(|end| cx.now >= end) {
            let before = self.standing();
            self.suspicions += 1;
            let number = self.suspicions;
            let again = Retry::steady(cx.now, self.config.timers.interval);
            let silence = cx.now.since(self.heard);
            self.withdrawing = None;
            self.state = State::Candidate { number, again };
            cx.note(self.id(), self.epoch(), Fact::OwnerSilent { silence });
            cx.note(self.id(), self.epoch(), Fact::Suspected { number });
            self.note_standing(before, cx);
        }
        let (group, epoch) = (self.id(), self.epoch());
        if let (State::Candidate { number, again }, Some(epoch)) = (&mut self.state, epoch)
            && again.is_due(cx.now)
        {
            let number = *number;
            cx.tell_manager(Body::Suspect {
                group,
                epoch,
                number,
            });
        }
        self.withdraw(cx);
        if let State::Fenced {
            forward: Some((_, until)),
        } = self.state
            && cx.now >= until
        {
            self.state = State::Fenced { forward: None };
            self.install(cx);
        }
        self.ask(cx);
    }

    fn withdraw(&mut self, cx: &mut Context<'_>) {
        let (group, number) = (self.id(), self.suspicions);
        let (Some((left, again)), Some(epoch)) = (
            &mut self.withdrawing,
            self.record.as_ref().map(|signed| signed.record.epoch),
        ) else {
            return;
        };
        if again.is_due(cx.now) {
            *left -= 1;
            if *left == 0 {
                self.withdrawing = None;
            }
            cx.tell_manager(Body::Withdraw {
                group,
                epoch,
                number,
            });
        }
    }

    /// Asks what this host must ask for: to be listed, and whether its record still holds.
    fn ask(&mut self, cx: &mut Context<'_>) {
        let group: GroupId = self.id();
        let (Some(epoch), owner) = (self.epoch(), self.granted()) else {
            return;
        };
        let resumable = self.resumable(cx);
        if let Some(retry) = &mut self.joining
            && retry.is_due(cx.now)
        {
            cx.tell_manager(Body::Join {
                group,
                epoch,
                resumable,
            });
        }
        if let (Some(retry), Some(owner)) = (&mut self.asking, owner)
            && retry.is_due(cx.now)
        {
            cx.send(owner.host, Body::Ask { group, epoch });
        }
    }

    /// Whether this host, having owned the address in an earlier life, may go on with it.
    fn resumable(&self, cx: &Context<'_>) -> bool {
        let ours = self.granted().is_some_and(|owner| owner.host == cx.host);
        ours && self.port_up == Some(true) && cx.machine_kept
    }

    /// The own host stood still: what it did not hear meanwhile accuses nobody.
    pub(super) fn forgive(&mut self, now: Time) {
        match &mut self.state {
            State::Replica => self.heard = self.heard.max(now),
            State::Owner(owner) => owner.set.forgive(now),
            State::Outside | State::Joining | State::Candidate { .. } | State::Fenced { .. } => {}
        }
    }
}
