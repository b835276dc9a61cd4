//! Which buffered copies does a checkpoint of the primary's guest cover?
//!
//! A mark names a time on the replica's own clock: the one in the newest acknowledgement that had
//! come from it when the primary's input was frozen, less the margin. What the replica received
//! before that, the primary had received by then too, unless the two paths' delays differ by more
//! than the margin. Delays in the control path only make the mark earlier.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use messages::body::{Answer, Body, CheckpointPhase, Refusal};
use messages::{BootId, Epoch, HostId, MemberState, Time};

use super::context::Context;
use super::group::{Group, State};
use crate::note::Fact;
use crate::retry::Retry;

/// How many intervals a checkpoint has to be confirmed.
const CONFIRM_INTERVALS: u32 = 40;

/// An owner's checkpoints: at most one under way.
#[derive(Clone, Debug, Default)]
pub(super) struct Checkpoints {
    /// The newest number given.
    last: u64,
    running: Option<Running>,
}

#[derive(Clone, Debug)]
struct Running {
    number: u64,
    /// For each replica: which life answered, and what it may discard.
    marks: BTreeMap<HostId, Option<(BootId, Time)>>,
    /// After `Commit`: who has not confirmed, who asked, and when it is too late.
    commit: Option<Commit>,
}

#[derive(Clone, Debug)]
struct Commit {
    missing: BTreeSet<HostId>,
    asked_by: Asker,
    until: Time,
    again: Retry,
}

/// Where an answer goes: to the local API, or to the host that relayed the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Asker {
    pub(super) host: HostId,
    pub(super) token: u64,
}

impl Checkpoints {
    /// Entries about replicas.
    pub(super) fn footprint(&self) -> usize {
        let of = |running: &Running| {
            let missing = running
                .commit
                .as_ref()
                .map_or(0, |commit| commit.missing.len());
            running.marks.len() + missing
        };
        self.running.as_ref().map_or(0, of)
    }

    pub(super) fn deadline(&self) -> impl Iterator<Item = Time> + '_ {
        let commit = self
            .running
            .as_ref()
            .and_then(|running| running.commit.as_ref());
        commit
            .into_iter()
            .flat_map(|commit| [commit.until, commit.again.next()])
    }
}

impl Group {
    /// An operator asks this host, which owns the address. `None`: the answer comes later.
    pub(super) fn checkpoint(
        &mut self,
        phase: CheckpointPhase,
        asked_by: Asker,
        cx: &mut Context<'_>,
    ) -> Option<Answer> {
        let newest = self.newest_checkpoint();
        let replicas: Vec<HostId> = match &self.record {
            Some(signed) => signed.record.replicas().collect(),
            None => Vec::new(),
        };
        let interval = self.config.timers.interval;
        let margin = self.config.checkpoint_margin;
        let State::Owner(owner) = &mut self.state else {
            return Some(Answer::Refused(Refusal::NoOwner));
        };
        let checkpoints = &mut owner.checkpoints;
        match phase {
            CheckpointPhase::Begin | CheckpointPhase::Whole => {
                checkpoints.last = checkpoints.last.max(newest) + 1;
                let number = checkpoints.last;
                let marks = replicas
                    .into_iter()
                    .map(|host| (host, mark(host, margin, cx)))
                    .collect();
                checkpoints.running = Some(Running {
                    number,
                    marks,
                    commit: None,
                });
                if phase == CheckpointPhase::Begin {
                    return Some(Answer::Marked { number });
                }
            }
            CheckpointPhase::Commit { number } => {
                let begun = checkpoints
                    .running
                    .as_ref()
                    .is_some_and(|running| running.number == number);
                if !begun {
                    return Some(Answer::Refused(Refusal::CheckpointIncomplete));
                }
            }
        }
        if let Some(running) = &mut checkpoints.running {
            running.commit = Some(Commit {
                missing: running.marks.keys().copied().collect(),
                asked_by,
                until: cx.now.after(interval * CONFIRM_INTERVALS),
                again: Retry::steady(cx.now, interval),
            });
        }
        self.checkpoint_tick(cx);
        None
    }

    /// The newest checkpoint that each member obeyed, as far as it was heard here; this host's too.
    pub(super) fn checkpoints_heard(&self, own: HostId) -> BTreeMap<HostId, u64> {
        let heard = self.heard_checkpoints.iter();
        let listed = heard.filter(|(host, _)| self.listed(**host).is_some());
        let mut checkpoints: BTreeMap<HostId, u64> =
            listed.map(|(host, number)| (*host, *number)).collect();
        if self.listed(own).is_some() {
            checkpoints.insert(own, self.counts.checkpoint);
        }
        checkpoints
    }

    fn newest_checkpoint(&self) -> u64 {
        let decided = self
            .record
            .as_ref()
            .map_or(0, |signed| signed.record.checkpoint);
        decided.max(self.counts.checkpoint)
    }

    /// Sends marks again, and ends a checkpoint that is complete or late.
    pub(super) fn checkpoint_tick(&mut self, cx: &mut Context<'_>) {
        let (group, Some(epoch)) = (self.id(), self.epoch()) else {
            return;
        };
        let in_sync: Vec<HostId> = self.hosts_in_sync();
        let State::Owner(owner) = &mut self.state else {
            return;
        };
        let Some(running) = &mut owner.checkpoints.running else {
            return;
        };
        let number = running.number;
        let Some(commit) = &mut running.commit else {
            return;
        };
        if commit.again.is_due(cx.now) {
            for host in &commit.missing {
                let current = running.marks.get(host).copied().flatten();
                let discard_before = current
                    .filter(|(boot, _)| cx.peers.is_current(*host, *boot))
                    .map(|(_, time)| time);
                cx.send(
                    *host,
                    Body::CheckpointMark {
                        group,
                        epoch,
                        number,
                        discard_before,
                    },
                );
            }
        }
        let complete = !commit.missing.iter().any(|host| in_sync.contains(host));
        let asked_by = commit.asked_by;
        if complete {
            owner.checkpoints.running = None;
            self.counts.checkpoint = self.counts.checkpoint.max(number);
            cx.note(group, Some(epoch), Fact::Checkpoint { number });
            cx.tell_manager(Body::CheckpointComplete {
                group,
                epoch,
                number,
            });
            cx.answer(asked_by, Answer::Checkpointed { number });
        } else if cx.now >= commit.until {
            owner.checkpoints.running = None;
            cx.answer(asked_by, Answer::Refused(Refusal::CheckpointIncomplete));
        }
    }

    fn hosts_in_sync(&self) -> Vec<HostId> {
        self.record.as_ref().map_or_else(Vec::new, |signed| {
            let members = signed.record.members.iter();
            members
                .filter(|member| member.state == MemberState::InSync)
                .map(|member| member.host)
                .collect()
        })
    }

    /// A replica has obeyed a mark.
    pub(super) fn mark_obeyed(&mut self, from: HostId, number: u64, cx: &mut Context<'_>) {
        if let State::Owner(owner) = &mut self.state
            && let Some(running) = &mut owner.checkpoints.running
            && running.number == number
            && let Some(commit) = &mut running.commit
        {
            commit.missing.remove(&from);
            self.checkpoint_tick(cx);
        }
    }

    /// The owner says what this replica may discard.
    pub(super) fn obey_mark(
        &mut self,
        from: HostId,
        boot: BootId,
        epoch: Epoch,
        number: u64,
        discard_before: Option<Time>,
        cx: &mut Context<'_>,
    ) {
        let replica = match &self.state {
            State::Replica | State::Candidate { .. } => true,
            State::Outside | State::Joining | State::Owner(_) | State::Fenced { .. } => false,
        };
        if !replica || self.epoch() != Some(epoch) || !self.is_owner(from, boot) {
            return;
        }
        // A checkpoint that was begun before this replica took copies does not cover what came
        // between the two: it is not confirmed.
        let frozen_at = discard_before.map(|time| time.after(self.config.checkpoint_margin));
        if frozen_at.is_none_or(|frozen_at| frozen_at < self.replica_since) {
            return;
        }
        if number > self.counts.checkpoint {
            self.counts.checkpoint = number;
            // Never what has not been received yet, whatever the message says.
            let before = discard_before.map(|time| time.min(cx.now));
            self.discard_before = self.discard_before.max(before);
            self.install(cx);
            cx.note(self.id(), Some(epoch), Fact::Checkpoint { number });
        }
        let group = self.id();
        cx.send(
            from,
            Body::CheckpointAck {
                group,
                epoch,
                number,
            },
        );
    }
}

/// What a replica may discard for a checkpoint that freezes the primary's input now.
fn mark(host: HostId, margin: Duration, cx: &Context<'_>) -> Option<(BootId, Time)> {
    let peer = cx.peers.get(host)?;
    Some((peer.boot, peer.answered?.before(margin)))
}
