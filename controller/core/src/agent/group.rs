//! One group as one host's agent holds it: the record, what the host is by it, and what the tables
//! are told.

use std::collections::{BTreeMap, BTreeSet};

use messages::body::{Counts, Standing, Vouch};
use messages::{Epoch, GroupId, HostId, MemberState, Owner as Granted, SignedRecord, Time};

use super::action::AgentAction;
use super::context::Context;
use super::owner::Owner;
use crate::config::{CopyMode, FanOut, GroupConfig};
use crate::install::{CopyFrom, GroupInstall, Lease, LocalRole};
use crate::note::Fact;
use crate::planted::{self, Slip};
use crate::retry::Retry;

/// What this host is in the group.
#[derive(Clone, Debug)]
pub(super) enum State {
    /// No member by the record, or there is no record.
    Outside,
    /// A member that has not heard the owner of an epoch which lists it in this life.
    Joining,
    /// Gets copies, acknowledges heartbeats.
    Replica,
    /// The owner was silent for G.
    Candidate {
        /// The suspicion's number.
        number: u64,
        /// When to say so again.
        again: Retry,
    },
    /// Was granted the address, in this life.
    Owner(Box<Owner>),
    /// Owned the address before.
    Fenced {
        /// After a planned move: to whom late packets go, and until when.
        forward: Option<(HostId, Time)>,
    },
}

/// A heartbeat of the owner that could not be acknowledged when it came.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unanswered {
    pub(super) from: Granted,
    pub(super) epoch: Epoch,
    pub(super) sent: Time,
    pub(super) received: Time,
}

/// One group on one host.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) config: GroupConfig,
    pub(super) state: State,
    /// What is installed.
    pub(super) record: Option<SignedRecord>,
    /// Whether the manager or a live owner confirmed it in this life.
    pub(super) confirmed: bool,
    /// The epoch that was on the disk at the start: only a later one lists this life.
    pub(super) restored: Option<Epoch>,
    /// The epoch that is on the disk.
    pub(super) persisted: Option<Epoch>,
    /// The write under way.
    pub(super) persisting: Option<u64>,
    /// Who waits for this host's acknowledgement of the record.
    pub(super) to_acknowledge: BTreeSet<HostId>,
    /// When the owner was last heard; when the record was installed, if it changed the owner or
    /// listed this host anew.
    pub(super) heard: Time,
    /// When something last came from the owner's host but a heartbeat.
    pub(super) data_heard: Time,
    /// When this host last promised its silence: acknowledged a heartbeat, or started.
    pub(super) promised: Time,
    /// The newest heartbeat that could not be acknowledged yet.
    pub(super) unanswered: Option<Unanswered>,
    /// How many suspicions this life had.
    pub(super) suspicions: u64,
    /// A withdrawal that may have been lost: how often it is said again, and when.
    pub(super) withdrawing: Option<(u32, Retry)>,
    /// Asking the manager to be listed.
    pub(super) joining: Option<Retry>,
    /// Asking the owner whether a restored record still holds.
    pub(super) asking: Option<Retry>,
    /// Whether the manager has read this group's report, and when it is said again.
    pub(super) reporting: Option<Retry>,
    /// The guest's port; `None` before it was first said.
    pub(super) port_up: Option<bool>,
    pub(super) workers_advance: bool,
    pub(super) counts: Counts,
    pub(super) senders: Vec<HostId>,
    /// The newest checkpoint that each other member was heard to have obeyed.
    pub(super) heard_checkpoints: BTreeMap<HostId, u64>,
    /// Since when this host takes copies without a gap.
    pub(super) replica_since: Time,
    pub(super) discard_before: Option<Time>,
    pub(super) copy_from: Option<CopyFrom>,
}

impl Group {
    pub(super) fn new(
        config: GroupConfig,
        restored: Option<SignedRecord>,
        host: HostId,
        now: Time,
    ) -> Self {
        let epoch = restored.as_ref().map(|signed| signed.record.epoch);
        let listed = restored
            .as_ref()
            .and_then(|signed| signed.record.member(host));
        let state = match listed {
            Some(MemberState::Joining | MemberState::InSync) => State::Joining,
            Some(MemberState::Removed) | None => State::Outside,
        };
        // A boot counts as an acknowledgement: the life before may have given one just now.
        let promised = if planted::is_on(Slip::BootEndsPromise) {
            Time::ZERO
        } else {
            now
        };
        Self {
            config,
            state,
            record: restored,
            confirmed: planted::is_on(Slip::ProvisionalUsed),
            restored: epoch,
            persisted: epoch,
            persisting: None,
            to_acknowledge: BTreeSet::new(),
            heard: now,
            data_heard: now,
            promised,
            unanswered: None,
            suspicions: 0,
            withdrawing: None,
            joining: None,
            asking: None,
            reporting: None,
            port_up: None,
            workers_advance: true,
            counts: Counts::default(),
            senders: Vec::new(),
            heard_checkpoints: BTreeMap::new(),
            replica_since: now,
            discard_before: None,
            copy_from: None,
        }
    }

    pub(super) fn id(&self) -> GroupId {
        self.config.id
    }

    pub(super) fn epoch(&self) -> Option<Epoch> {
        self.record.as_ref().map(|signed| signed.record.epoch)
    }

    /// Who owns the address by the record.
    pub(super) fn granted(&self) -> Option<Granted> {
        self.record.as_ref()?.record.owner
    }

    /// Whether this life of the owner's host speaks for the owner.
    pub(super) fn is_owner(&self, host: HostId, boot: messages::BootId) -> bool {
        self.granted() == Some(Granted { host, boot })
    }

    pub(super) fn listed(&self, host: HostId) -> Option<MemberState> {
        self.record.as_ref()?.record.member(host)
    }

    /// Whether the epoch is one that was decided in this life of the daemon.
    pub(super) fn is_of_this_life(&self) -> bool {
        self.epoch() > self.restored
    }

    pub(super) fn vouch(&self) -> Vouch {
        if !self.workers_advance {
            Vouch::WorkerStalled
        } else if self.port_up == Some(true) {
            Vouch::Good
        } else {
            Vouch::PortDown
        }
    }

    pub(super) fn standing(&self) -> Standing {
        match &self.state {
            State::Outside => Standing::Outside,
            State::Joining => Standing::Joining,
            State::Replica => Standing::Replica,
            State::Candidate { .. } => Standing::Candidate,
            State::Owner(owner) => owner.standing(),
            State::Fenced { .. } => Standing::Fenced,
        }
    }

    /// Notes a change of standing, given what it was.
    pub(super) fn note_standing(&self, from: Standing, cx: &mut Context<'_>) {
        let to = self.standing();
        if from != to {
            cx.note(self.id(), self.epoch(), Fact::Standing { from, to });
        }
    }

    /// Other hosts that this one exchanges heartbeats with because of this group.
    pub(super) fn partners(&self, own: HostId) -> Vec<HostId> {
        let members: Vec<HostId> = match &self.record {
            Some(signed) => signed
                .record
                .members
                .iter()
                .filter(|member| member.state != MemberState::Removed)
                .map(|member| member.host)
                .collect(),
            None => self.config.members.clone(),
        };
        if members.contains(&own) {
            members.into_iter().filter(|host| *host != own).collect()
        } else {
            Vec::new()
        }
    }

    /// The role of the member on this host, as the packet path knows it.
    pub(super) fn local(&self, own: HostId) -> Option<LocalRole> {
        match &self.state {
            State::Outside if self.config.members.contains(&own) || self.listed(own).is_some() => {
                Some(LocalRole::Fenced)
            }
            State::Outside => None,
            State::Joining => Some(LocalRole::Fenced),
            State::Replica | State::Candidate { .. } => Some(LocalRole::Replica),
            State::Owner(owner) => Some(LocalRole::Primary {
                hold: owner.holds(),
            }),
            State::Fenced { forward: None } => Some(LocalRole::Fenced),
            State::Fenced {
                forward: Some((to, until)),
            } => Some(LocalRole::Forwarding {
                to: *to,
                until: *until,
            }),
        }
    }

    /// Tells the tables how things are.
    pub(super) fn install(&self, cx: &mut Context<'_>) {
        let Some(record) = &self.record else {
            return;
        };
        let copier = match self.config.fan_out {
            FanOut::Sender => true,
            FanOut::Primary => matches!(self.state, State::Owner(_)),
        };
        let copies_to = if copier {
            // The own host's replica is among them: what a neighbour of it sends concerns it, too.
            record.record.replicas().collect()
        } else {
            Vec::new()
        };
        cx.act(AgentAction::Install(GroupInstall {
            record: record.clone(),
            confirmed: self.confirmed,
            local: self.local(cx.host),
            copies_to,
            // Also during a planned move to this host: what a member that delivers would keep, and
            // the old owner still answered, its guest would never see. What that one queued comes
            // again from there, to be answered.
            buffer: self.config.copies == CopyMode::Buffer,
            discard_before: self.discard_before,
            copy_from: self.copy_from,
        }));
    }

    /// Stops the owner's output.
    pub(super) fn mute(&self, cx: &mut Context<'_>) {
        cx.act(AgentAction::Lease {
            group: self.id(),
            until: Lease::Muted,
        });
    }
}
