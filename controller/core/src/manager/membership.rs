//! Who may follow the owner? Members that acknowledge it, lose no copies and are heard; who falls
//! short is joining again.

use messages::body::{Promise, Standing, Vouch};
use messages::{BootId, Epoch, GroupState, HostId, MemberState, Owner, Record, Time};

use super::change;
use super::context::Context;
use super::group::Group;
use crate::config::{CopyMode, MEMBERS_MAX};
use crate::note::Cause;
use crate::planted::{self, Slip};

impl Group {
    /// The owner asks to go on without members whose acknowledgements are overdue.
    pub(super) fn solo_request(
        &mut self,
        from: HostId,
        boot: BootId,
        epoch: Epoch,
        without: &[HostId],
        cx: &mut Context<'_>,
    ) {
        let Some(record) = self.record.as_ref().map(|signed| &signed.record) else {
            return;
        };
        if record.epoch != epoch || record.owner != Some(Owner { host: from, boot }) {
            if record.epoch > epoch {
                self.push_now(from, cx);
            }
            return;
        }
        let members = without
            .iter()
            .copied()
            .filter(|host| record.member(*host).is_some());
        self.overdue.extend(members);
        // Whoever asks is alive.
        self.owner_heard = cx.now;
    }

    /// A host that started anew asks to be listed.
    pub(super) fn join(
        &mut self,
        from: HostId,
        boot: BootId,
        epoch: Epoch,
        resumable: bool,
        cx: &mut Context<'_>,
    ) {
        match self.epoch() {
            Some(present) if present > epoch => self.push_now(from, cx),
            Some(present) if present == epoch => {
                self.joins.insert(from, (boot, resumable));
            }
            Some(_) | None => {}
        }
    }

    /// The owner counts a joining member from its first acknowledgement on.
    pub(super) fn first_ack(
        &mut self,
        from: HostId,
        boot: BootId,
        epoch: Epoch,
        member: (HostId, BootId),
        cx: &mut Context<'_>,
    ) {
        let Some(record) = self.record.as_ref().map(|signed| &signed.record) else {
            return;
        };
        if record.epoch > epoch {
            self.push_now(from, cx);
            return;
        }
        let owner = record.owner == Some(Owner { host: from, boot });
        let joining = record.member(member.0) == Some(MemberState::Joining);
        if record.epoch == epoch && owner && joining {
            self.first_acks.insert(member.0, member.1);
        }
    }

    /// Lets members fall out of sync, be listed anew, or come into sync. True if something was
    /// decided.
    pub(super) fn review_members(&mut self, record: &Record, cx: &mut Context<'_>) -> bool {
        let owner = record.owner.map(|owner| owner.host);
        let lossy: Vec<HostId> = change::followers(record)
            .filter(|host| self.fell_behind(*host))
            .collect();
        let anew: Vec<HostId> = self
            .joins
            .iter()
            .filter(|(host, (boot, _))| {
                cx.hosts.boot(**host) == Some(*boot) && Some(**host) != owner
            })
            .filter(|(host, _)| {
                matches!(
                    record.member(**host),
                    Some(MemberState::Joining | MemberState::InSync)
                )
            })
            .map(|(host, _)| *host)
            .collect();
        let cause = if !self.overdue.is_empty() {
            Some(Cause::MemberLost)
        } else if !lossy.is_empty() {
            Some(Cause::OutOfSync)
        } else if !anew.is_empty() {
            Some(Cause::MemberJoining)
        } else {
            None
        };
        if let Some(cause) = cause {
            for host in self.overdue.iter().chain(&lossy) {
                self.demoted.insert(*host, cx.now);
            }
            let all: Vec<HostId> = self
                .overdue
                .iter()
                .chain(&lossy)
                .chain(&anew)
                .copied()
                .collect();
            let next = change::demote(record, all.into_iter());
            self.decide(next, cause, Promise::Needed, None, cx);
            return true;
        }
        let ready: Vec<HostId> = record
            .replicas()
            .filter(|host| self.may_be_in_sync(*host, record, cx))
            .collect();
        if ready.is_empty() {
            return false;
        }
        let next = change::list_in_sync(record, ready.into_iter());
        self.decide(next, Cause::InSync, Promise::Needed, None, cx);
        true
    }

    /// Whether copies for this member were lost since it was listed in-sync.
    fn fell_behind(&self, host: HostId) -> bool {
        let Some(track) = self.tracks.get(&host) else {
            return false;
        };
        let demoted = self.demoted.get(&host).copied();
        match self.config.copies {
            CopyMode::Deliver => track.lost_at.is_some() && track.lost_at > demoted,
            // In buffer mode the next checkpoint makes up for what was lost.
            CopyMode::Buffer => {
                track.lost_at.is_some()
                    && track.lost_at > demoted
                    && track.counts.checkpoint <= track.lost_checkpoint
            }
        }
    }

    /// Whether a joining member may be listed in-sync: the owner counts this life of it in its
    /// lease, it is heard, its port is up, and it has done well for long enough.
    fn may_be_in_sync(&self, host: HostId, record: &Record, cx: &Context<'_>) -> bool {
        if record.member(host) != Some(MemberState::Joining) || record.owner.is_none() {
            return false;
        }
        let Some(track) = self.tracks.get(&host) else {
            return false;
        };
        let counted = self.first_acks.get(&host) == Some(&track.boot);
        let counted =
            counted || (planted::is_on(Slip::JoiningListedInSync) && track.epoch == record.epoch);
        let moving = matches!(record.state, GroupState::Handover { .. });
        let whole = match self.config.copies {
            CopyMode::Deliver => true,
            CopyMode::Buffer => {
                let caught_up =
                    track.lost_at.is_none() || track.counts.checkpoint > track.lost_checkpoint;
                // What it said in another role, or under an older epoch, was about another buffer.
                let present = track.epoch == record.epoch && track.standing == Standing::Replica;
                let begun = self.pristine || track.counts.checkpoint > 0;
                let told = match self.newly_told.get(&host) {
                    Some(Some(before)) => track.counts.checkpoint > *before,
                    Some(None) => false,
                    None => true,
                };
                present && caught_up && begun && told && track.counts.checkpoint >= self.checkpoint
            }
        };
        let calm = self.calm_at(host, cx).is_none_or(|calm| cx.now >= calm);
        counted && whole && calm && !moving && track.vouch == Vouch::Good && self.hears(host, cx)
    }

    /// When a member that fell out of sync may be in sync again at the earliest.
    fn calm_at(&self, host: HostId, cx: &Context<'_>) -> Option<Time> {
        let lost_at = self.tracks.get(&host).and_then(|track| track.lost_at);
        let lost_at = match self.config.copies {
            CopyMode::Deliver => lost_at,
            CopyMode::Buffer => None,
        };
        let demoted = self.demoted.get(&host).copied();
        Some(demoted.max(lost_at)?.after(cx.damping.rejoin_after))
    }

    /// A spare takes the place of a member that stays lost. True if something was decided.
    pub(super) fn reprotect(&mut self, record: &Record, cx: &mut Context<'_>) -> bool {
        let Some(since) = self.unprotected_since else {
            return false;
        };
        if cx.now < since.after(cx.damping.reprotect_after) || record.owner.is_none() {
            return false;
        }
        self.unprotected_since = None;
        let members = self.members();
        let alive = members.iter().filter(|host| self.hears(**host, cx)).count();
        if alive >= self.config.members.len() || members.len() >= MEMBERS_MAX {
            return false;
        }
        let mut spares = self.spares.iter().copied();
        let spare = spares.find(|host| !members.contains(host) && self.hears(*host, cx));
        let Some(spare) = spare else {
            return false;
        };
        let next = change::add_member(record, spare, None);
        self.decide(next, Cause::Reprotected, Promise::Needed, None, cx);
        true
    }

    pub(super) fn membership_deadlines(
        &self,
        damping: &crate::config::Damping,
        out: &mut Vec<Time>,
    ) {
        let lost = self.tracks.values().filter_map(|track| track.lost_at);
        let calm = self.demoted.values().copied().chain(lost);
        out.extend(calm.map(|time| time.after(damping.rejoin_after)));
        out.extend(
            self.unprotected_since
                .map(|since| since.after(damping.reprotect_after)),
        );
        out.extend(self.handover.as_ref().map(|handover| handover.deadline));
    }
}
