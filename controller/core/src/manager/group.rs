//! One group at the manager: what is durable, what is under way, and what was heard about it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use messages::body::{Beat, Counts, Held, Standing, Vouch};
use messages::{BootId, Epoch, GroupId, HostId, MemberState, SignedRecord, Time};

use super::change;
use super::context::Context;
use super::damping::Gap;
use super::decision::Deciding;
use super::promotion::{Probes, Resignation};
use super::push::Pushes;
use super::requests::Asker;
use crate::config::{GroupConfig, ManagedGroup, RETURN_GAP};

/// One group at the manager.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) config: GroupConfig,
    pub(super) spares: Vec<HostId>,
    /// The newest durable record.
    pub(super) record: Option<SignedRecord>,
    /// The highest epoch that was ever tried: one that could not be written is not used again.
    pub(super) attempted: Epoch,
    /// Whether a majority of the members reported.
    pub(super) ready: bool,
    /// What members hold, as they reported it.
    pub(super) reported: BTreeMap<HostId, Option<Held>>,
    /// The latest record that a host showed and the log does not have.
    pub(super) fetched: Option<SignedRecord>,
    /// The decision that is being written.
    pub(super) deciding: Option<Deciding>,
    pub(super) pushes: Pushes,
    /// What was last heard from each host about the group.
    pub(super) tracks: BTreeMap<HostId, Track>,
    /// When the owner was last heard.
    pub(super) owner_heard: Time,
    /// Open suspicions: when they came, and their number.
    pub(super) suspicions: BTreeMap<HostId, (Time, u64)>,
    /// The number up to which a life's suspicions are withdrawn.
    pub(super) withdrawn: BTreeMap<HostId, (BootId, u64)>,
    pub(super) probes: Option<Probes>,
    pub(super) resigned: Option<Resignation>,
    pub(super) worker_fault: bool,
    pub(super) gap: Gap,
    /// When the address left a host.
    pub(super) left: BTreeMap<HostId, Time>,
    /// Who owned the address last, and in which life, where nobody does.
    pub(super) last_owner: Option<messages::Owner>,
    /// Lives that ask to be listed, and whether they could resume.
    pub(super) joins: BTreeMap<HostId, (BootId, bool)>,
    /// Members that the owner wants to go on without.
    pub(super) overdue: BTreeSet<HostId>,
    /// Joining members that acknowledged the owner's heartbeat of this epoch, in which life.
    pub(super) first_acks: BTreeMap<HostId, BootId>,
    /// When members fell out of sync.
    pub(super) demoted: BTreeMap<HostId, Time>,
    pub(super) handover: Option<Handover>,
    /// When a promotion left the group with fewer members than configured.
    pub(super) unprotected_since: Option<Time>,
    /// The newest complete checkpoint that was heard of.
    pub(super) checkpoint: u64,
    /// Whether nothing happened since the group was founded but members that came into sync: then
    /// they need no checkpoint to have everything.
    pub(super) pristine: bool,
    /// Members that senders have just been told of: in buffer mode they need a checkpoint later
    /// than this one. `None` while a sender may not know them.
    pub(super) newly_told: BTreeMap<HostId, Option<u64>>,
}

/// A planned move under way.
#[derive(Debug)]
pub(super) struct Handover {
    pub(super) deadline: Time,
    pub(super) frozen: bool,
    pub(super) asked_by: Option<Asker>,
}

/// What was last heard from a host about the group.
#[derive(Clone, Debug)]
pub(super) struct Track {
    pub(super) boot: BootId,
    pub(super) at: Time,
    pub(super) epoch: Epoch,
    pub(super) standing: Standing,
    pub(super) vouch: Vouch,
    pub(super) counts: Counts,
    /// Copies for it that were lost on either side, and when the number last rose.
    pub(super) losses: u64,
    pub(super) lost_at: Option<Time>,
    /// Its checkpoint when they were lost.
    pub(super) lost_checkpoint: u64,
}

impl Group {
    pub(super) fn new(managed: ManagedGroup, record: Option<SignedRecord>, now: Time) -> Self {
        let attempted = record.as_ref().map(|signed| signed.record.epoch);
        let checkpoint = record.as_ref().map_or(0, |signed| signed.record.checkpoint);
        Self {
            config: managed.group,
            spares: managed.spares,
            record,
            attempted: attempted.unwrap_or_default(),
            ready: false,
            reported: BTreeMap::new(),
            fetched: None,
            deciding: None,
            pushes: Pushes::default(),
            tracks: BTreeMap::new(),
            owner_heard: now,
            suspicions: BTreeMap::new(),
            withdrawn: BTreeMap::new(),
            probes: None,
            resigned: None,
            worker_fault: false,
            gap: Gap::default(),
            left: BTreeMap::new(),
            last_owner: None,
            joins: BTreeMap::new(),
            overdue: BTreeSet::new(),
            first_acks: BTreeMap::new(),
            demoted: BTreeMap::new(),
            handover: None,
            unprotected_since: None,
            checkpoint,
            pristine: false,
            newly_told: BTreeMap::new(),
        }
    }

    pub(super) fn id(&self) -> GroupId {
        self.config.id
    }

    pub(super) fn epoch(&self) -> Option<Epoch> {
        self.record.as_ref().map(|signed| signed.record.epoch)
    }

    pub(super) fn interval(&self) -> Duration {
        self.config.timers.interval
    }

    pub(super) fn silence(&self) -> Duration {
        self.config.timers.silence()
    }

    /// Hosts that need the record.
    pub(super) fn audience(&self) -> BTreeSet<HostId> {
        let mut hosts: BTreeSet<HostId> = self.config.audience.iter().copied().collect();
        hosts.extend(&self.config.members);
        if let Some(signed) = &self.record {
            hosts.extend(signed.record.members.iter().map(|member| member.host));
        }
        hosts
    }

    /// Whether the host's present life was heard within G.
    pub(super) fn hears(&self, host: HostId, cx: &Context<'_>) -> bool {
        self.tracks.get(&host).is_some_and(|track| {
            cx.hosts.boot(host) == Some(track.boot) && cx.now.since(track.at) < self.silence()
        })
    }

    /// Whether the owner may be followed by this member now, its promise aside.
    pub(super) fn is_eligible(&self, host: HostId, cx: &Context<'_>) -> bool {
        let Some(signed) = &self.record else {
            return false;
        };
        let follows = change::followers(&signed.record).any(|member| member == host);
        let fit = self.tracks.get(&host).is_some_and(|track| {
            let silent = match track.standing {
                Standing::Replica | Standing::Candidate => true,
                Standing::Outside
                | Standing::Joining
                | Standing::Promoting
                | Standing::Primary
                | Standing::Muted
                | Standing::Frozen
                | Standing::Resigned
                | Standing::Fenced => false,
            };
            silent && track.vouch == Vouch::Good
        });
        let left = self.left.get(&host);
        let stayed_away = left.is_none_or(|left| cx.now >= left.after(RETURN_GAP));
        follows && fit && stayed_away && self.hears(host, cx)
    }

    /// A host says how it stands in the group.
    pub(super) fn beat(&mut self, from: HostId, boot: BootId, beat: &Beat, cx: &mut Context<'_>) {
        let now = cx.now;
        let owner = self.record.as_ref().and_then(|signed| signed.record.owner);
        let before = self.tracks.get(&from).filter(|track| track.boot == boot);
        let track = Track {
            boot,
            at: now,
            epoch: beat.epoch,
            standing: beat.standing,
            vouch: beat.vouch,
            counts: beat.counts.clone(),
            losses: before.map_or(0, |track| track.losses),
            lost_at: before.and_then(|track| track.lost_at),
            lost_checkpoint: before.map_or(0, |track| track.lost_checkpoint),
        };
        let known = before.is_some();
        self.tracks.insert(from, track);
        if owner == Some(messages::Owner { host: from, boot }) {
            let holds = match beat.standing {
                Standing::Promoting | Standing::Primary | Standing::Muted | Standing::Frozen => {
                    true
                }
                Standing::Outside
                | Standing::Joining
                | Standing::Replica
                | Standing::Candidate
                | Standing::Resigned
                | Standing::Fenced => false,
            };
            match beat.vouch {
                Vouch::Good if holds => {
                    self.owner_heard = now;
                    self.worker_fault = false;
                    self.checkpoint = self.checkpoint.max(beat.counts.checkpoint);
                }
                Vouch::WorkerStalled => self.worker_fault = true,
                Vouch::Good | Vouch::PortDown => {}
            }
        }
        self.count_losses(from, known, now);
    }

    /// Adds up what was lost for each member, at it and at those who send to it.
    fn count_losses(&mut self, from: HostId, known: bool, now: Time) {
        let mut totals: BTreeMap<HostId, u64> = BTreeMap::new();
        for (host, track) in &self.tracks {
            *totals.entry(*host).or_default() += track.counts.lost;
            for unsent in &track.counts.unsent {
                *totals.entry(unsent.member).or_default() += unsent.packets;
            }
        }
        for (host, track) in &mut self.tracks {
            let total = totals.get(host).copied().unwrap_or_default();
            // A host that starts counting anew neither lost nor found anything.
            if total > track.losses && known {
                track.lost_at = Some(now);
                track.lost_checkpoint = track.counts.checkpoint;
            }
            if total > track.losses || !known || *host == from {
                track.losses = total;
            }
        }
    }

    /// Members of the record that are not struck, the owner included.
    pub(super) fn members(&self) -> Vec<HostId> {
        self.record.as_ref().map_or_else(
            || self.config.members.clone(),
            |signed| {
                let members = signed.record.members.iter();
                members
                    .filter(|member| member.state != MemberState::Removed)
                    .map(|member| member.host)
                    .collect()
            },
        )
    }
}
