//! What follows, for one group, from everything that is known about it at this moment?

use messages::{BootId, Epoch, HostId, Owner, Time};

use super::context::Context;
use super::group::Group;
use super::hosts::Hosts;

impl Group {
    /// Makes at most one decision: the most urgent one.
    pub(super) fn review(&mut self, cx: &mut Context<'_>) {
        if cx.in_doubt || self.deciding.is_some() {
            return;
        }
        self.review_ready(cx);
        let Some(record) = self.record.as_ref().map(|signed| signed.record.clone()) else {
            self.review_found(cx);
            return;
        };
        if !self.ready {
            return;
        }
        let _decided = self.review_promotion(&record, cx)
            || self.review_handover(&record, cx)
            || self.review_members(&record, cx)
            || self.review_lost(&record, cx)
            || self.reprotect(&record, cx);
    }

    /// A life of a host that is new to this manager.
    pub(super) fn know_host(&mut self, host: HostId, now: Time) {
        self.joins.remove(&host);
        self.suspicions.remove(&host);
        self.push_to(host, now);
    }

    /// The owner says that a checkpoint is complete.
    pub(super) fn checkpointed(&mut self, from: HostId, boot: BootId, epoch: Epoch, number: u64) {
        let owner = self.record.as_ref().and_then(|signed| signed.record.owner);
        if owner == Some(Owner { host: from, boot }) && self.epoch() == Some(epoch) {
            self.checkpoint = self.checkpoint.max(number);
        }
    }

    /// The manager itself stood still.
    pub(super) fn forgive(&mut self, now: Time) {
        self.owner_heard = self.owner_heard.max(now);
        for track in self.tracks.values_mut() {
            track.at = now;
        }
        for (at, _) in self.suspicions.values_mut() {
            *at = now;
        }
        self.probes = None;
    }

    pub(super) fn heard_members(&self, hosts: &Hosts, now: Time) -> Vec<HostId> {
        let heard = |host: &HostId| {
            self.tracks.get(host).is_some_and(|track| {
                hosts.boot(*host) == Some(track.boot) && now.since(track.at) < self.silence()
            })
        };
        self.members().into_iter().filter(heard).collect()
    }

    /// What the manager is doing about the group.
    pub(super) fn phase(&self, in_doubt: bool) -> &'static str {
        if in_doubt {
            "in doubt"
        } else if self.deciding.is_some() {
            "deciding"
        } else if !self.ready {
            "recovering"
        } else if self.resigned.is_some() || !self.suspicions.is_empty() {
            "suspecting"
        } else if self.handover.is_some() {
            "moving"
        } else if !self.pushes.missing.is_empty() {
            "settling"
        } else {
            "idle"
        }
    }
}
