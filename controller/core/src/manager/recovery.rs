//! May this manager decide? For a group it may once a majority of its members reported, or an
//! operator vouches for those that cannot; for none as long as its log is lost, or a host knows more
//! than the log says.

use std::collections::BTreeSet;

use messages::body::{Held, Promise, Refusal, Vouch};
use messages::{Epoch, GroupState, HostId, Member, MemberState, Owner, Record, SignedRecord};

use super::change;
use super::context::Context;
use super::group::Group;
use super::requests::Asker;
use crate::note::{Cause, Doubt, Fact};
use crate::planted::{self, Slip};

impl Group {
    /// A host says what it holds. Says what is wrong with the log, if something is.
    pub(super) fn report(&mut self, from: HostId, held: Option<Held>) -> Option<Doubt> {
        self.reported.insert(from, held);
        let held = held?;
        self.compare(from, held.epoch, |record| {
            record.signature == held.signature
        })
    }

    /// A host shows a record that is newer than it should be.
    pub(super) fn shown(&mut self, from: HostId, record: SignedRecord) -> Option<Doubt> {
        let epoch = record.record.epoch;
        let doubt = self.compare(from, epoch, |own| *own == record)?;
        if self
            .fetched
            .as_ref()
            .is_none_or(|known| known.record.epoch < epoch)
        {
            self.fetched = Some(record);
        }
        Some(doubt)
    }

    fn compare(
        &self,
        host: HostId,
        epoch: Epoch,
        same: impl Fn(&SignedRecord) -> bool,
    ) -> Option<Doubt> {
        match &self.record {
            Some(own) if own.record.epoch > epoch => None,
            Some(own) if own.record.epoch == epoch && same(own) => None,
            Some(own) if own.record.epoch == epoch => Some(Doubt::HostDiffers { host, epoch }),
            Some(_) | None => Some(Doubt::HostAhead { host, epoch }),
        }
    }

    /// Whether enough members reported; from then on the group is decided for.
    pub(super) fn review_ready(&mut self, cx: &mut Context<'_>) {
        if self.ready || self.record.is_none() {
            return;
        }
        let members = self.members();
        let reported = members
            .iter()
            .filter(|host| self.reported.contains_key(host))
            .count();
        if reported * 2 > members.len() || planted::is_on(Slip::DecidesUnreported) {
            self.ready = true;
            cx.note(self.id(), self.epoch(), Fact::Recovered);
            self.push(cx);
        }
    }

    /// The group's first record: once every member reported that it holds none.
    pub(super) fn review_found(&mut self, cx: &mut Context<'_>) {
        let members = &self.config.members;
        let silent = members
            .iter()
            .any(|host| self.reported.get(host) != Some(&None));
        let first = members
            .first()
            .and_then(|host| Some((*host, cx.hosts.boot(*host)?)));
        let (false, Some((host, boot))) = (silent, first) else {
            return;
        };
        self.ready = true;
        let members = members.iter().map(|member| Member {
            host: *member,
            state: if *member == host {
                MemberState::InSync
            } else {
                MemberState::Joining
            },
        });
        let record = Record {
            fabric: cx.fabric,
            group: self.id(),
            epoch: Epoch::default(),
            generation: 1,
            owner: Some(Owner { host, boot }),
            state: GroupState::Solo,
            members: members.collect(),
            checkpoint: 0,
        };
        self.decide(record, Cause::Initial, Promise::Waived, None, cx);
    }

    /// An operator says that every member which did not report is off: one that did report gets the
    /// address, and the group is decided for again.
    ///
    /// The word replaces the reports that rule 16 waits for, so the record is made as if the log
    /// had lost what those members knew: of a new term, later than all that they can hold, and two
    /// generations on. Whoever can be heard must have reported, and every lease that was running
    /// when this manager started is over.
    pub(super) fn recover_by_word(
        &mut self,
        record: &Record,
        to: Option<HostId>,
        asked_by: Asker,
        cx: &mut Context<'_>,
    ) -> Result<(), Refusal> {
        let window = self.silence() + self.interval();
        let audience = self.audience();
        let reports_come = cx
            .hosts
            .heard_since(cx.now.before(window))
            .any(|host| audience.contains(&host) && !self.reported.contains_key(&host));
        if reports_come || !cx.awake_for(window) {
            return Err(Refusal::Recovering);
        }
        let owner = self.choose_reported(record, to, cx)?;
        let mut next = change::pass_to(record, owner, |host| self.hears(host, cx));
        next.generation += 1;
        self.attempted.term += 1;
        self.decide(next, Cause::Forced, Promise::Needed, Some(asked_by), cx);
        Ok(())
    }

    /// Of the members that reported: the present owner, if its life goes on; else who may follow
    /// it; else whoever has a guest.
    fn choose_reported(
        &self,
        record: &Record,
        to: Option<HostId>,
        cx: &Context<'_>,
    ) -> Result<Owner, Refusal> {
        let may = |host: &HostId| {
            self.members().contains(host)
                && self.reported.contains_key(host)
                && self.hears(*host, cx)
        };
        let host = match to {
            Some(host) if may(&host) => host,
            Some(host) if record.member(host).is_none() => return Err(Refusal::UnknownHost),
            Some(_) => return Err(Refusal::NotHeard),
            None => {
                let members: Vec<HostId> = self.members().into_iter().filter(may).collect();
                let lives_on = |host: &HostId| {
                    let boot = cx.hosts.boot(*host);
                    boot.map(|boot| Owner { host: *host, boot }) == record.owner
                };
                let has_guest = |host: &HostId| {
                    let track = self.tracks.get(host);
                    track.is_some_and(|track| track.vouch == Vouch::Good)
                };
                let mut found = members.iter().find(|host| lives_on(host));
                found = found.or_else(|| members.iter().find(|host| self.is_eligible(**host, cx)));
                found = found.or_else(|| members.iter().find(|host| has_guest(host)));
                *found.ok_or(Refusal::NobodyEligible)?
            }
        };
        let boot = cx.hosts.boot(host).ok_or(Refusal::NotHeard)?;
        Ok(Owner { host, boot })
    }

    /// An operator raised the term: the best record that is known is the base of what follows.
    pub(super) fn raise_term(&mut self, cx: &mut Context<'_>) {
        if let Some(fetched) = self.fetched.take()
            && self
                .epoch()
                .is_none_or(|epoch| epoch < fetched.record.epoch)
        {
            self.attempted = self.attempted.max(fetched.record.epoch);
            self.record = Some(fetched);
        }
        let Some(signed) = &self.record else {
            return;
        };
        let mut next = signed.record.clone();
        // The log may have lost a change of owner: its tag must not come a second time.
        next.generation += 2;
        self.ready = true;
        self.deciding = None;
        self.decide(next, Cause::TermRaised, Promise::Needed, None, cx);
    }

    /// The highest term that is known of the group.
    pub(super) fn highest_term(&self) -> u32 {
        let held = self.reported.values().flatten().map(|held| held.epoch.term);
        let fetched = self.fetched.iter().map(|signed| signed.record.epoch.term);
        let terms: BTreeSet<u32> = held.chain(fetched).chain([self.attempted.term]).collect();
        terms.last().copied().unwrap_or_default()
    }
}
