//! What becomes of an address whose owner is lost where nobody may follow it?

use messages::body::{Promise, Vouch};
use messages::{GroupState, Owner, Record};

use super::change;
use super::context::Context;
use super::group::Group;
use crate::config::RETURN_GAP;
use crate::note::Cause;

impl Group {
    pub(super) fn nobody(&mut self, record: &Record, cx: &mut Context<'_>) {
        let next = change::pass_to_nobody(record, |host| self.hears(host, cx));
        self.decide(next, Cause::NoOwner, Promise::Needed, None, cx);
    }

    /// The owner is lost and nobody may follow it: the same host may have the address again, else
    /// nobody has it.
    pub(super) fn review_lost(&mut self, record: &Record, cx: &mut Context<'_>) -> bool {
        let window = self.silence() + self.interval();
        let left = change::followers(record).any(|host| self.hears(host, cx));
        if left || !cx.awake_for(window) {
            return false;
        }
        let Some(owner) = record.owner else {
            return self.review_no_owner(record, cx);
        };
        let present = cx.hosts.boot(owner.host);
        if present.is_some_and(|boot| boot != owner.boot) {
            return match self.joins.get(&owner.host) {
                Some((boot, resumable)) if Some(*boot) == present => {
                    let boot = *boot;
                    if *resumable {
                        self.regrant(
                            record,
                            Owner {
                                host: owner.host,
                                boot,
                            },
                            cx,
                        );
                    } else {
                        self.nobody(record, cx);
                        self.last_owner = None;
                    }
                    true
                }
                Some(_) | None => false,
            };
        }
        let patience = self.silence() + cx.damping.no_owner_after;
        if cx.now < self.owner_heard.after(patience) || !cx.awake_for(patience) {
            return false;
        }
        // A manager that hears nobody is itself cut off.
        let third = cx.hosts.heard_since(cx.now.before(self.silence()));
        let third = third
            .filter(|host| *host != owner.host && *host != cx.own)
            .count();
        match &self.probes {
            Some(probes) if probes.have_failed() => {
                self.nobody(record, cx);
                return true;
            }
            Some(probes) if cx.now < probes.until() => {}
            Some(_) | None if third > 0 => self.probe(None, cx),
            Some(_) | None => {}
        }
        false
    }

    fn review_no_owner(&mut self, record: &Record, cx: &mut Context<'_>) -> bool {
        let Some(last) = self
            .last_owner
            .filter(|last| record.member(last.host).is_some())
        else {
            return false;
        };
        let fit = self
            .tracks
            .get(&last.host)
            .is_some_and(|track| track.boot == last.boot && track.vouch == Vouch::Good);
        // It must have heard that it lost the address before it has it again.
        let knows = self
            .tracks
            .get(&last.host)
            .is_some_and(|track| Some(track.epoch) == self.epoch());
        let stayed_away = self
            .left
            .get(&last.host)
            .is_none_or(|left| cx.now >= left.after(RETURN_GAP));
        if fit && knows && stayed_away && self.hears(last.host, cx) {
            self.regrant(record, last, cx);
            return true;
        }
        false
    }

    fn regrant(&mut self, record: &Record, owner: Owner, cx: &mut Context<'_>) {
        let mut next = change::pass_to(record, owner, |_| false);
        next.state = GroupState::Solo;
        self.last_owner = None;
        self.decide(next, Cause::Regrant, Promise::Needed, None, cx);
    }
}
