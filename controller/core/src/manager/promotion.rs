//! When does the owner change without anybody asking?
//!
//! ```text
//! Idle -- SUSPECT --> Suspecting -- evidence, damping over --> Deciding -> durable -> Settling -> Idle
//!                        | withdrawn                        '-> by a resignation: at once
//!                        | the owner is heard: a new epoch without who suspected it
//! ```

use std::collections::BTreeMap;

use messages::body::{Body, Fault, Promise};
use messages::{BootId, Epoch, HostId, Owner, Record, Time};

use super::change;
use super::context::Context;
use super::group::Group;
use crate::config::Damping;
use crate::note::{Cause, Evidence, Fact};

/// Up to so many third hosts are asked whether they reach the owner's.
const PROBES_MAX: usize = 2;

/// Third hosts that were asked whether they reach the owner's.
#[derive(Debug)]
pub(super) struct Probes {
    asked: BTreeMap<u64, HostId>,
    alive: usize,
    failed: usize,
    until: Time,
}

impl Probes {
    /// Whether all have answered, and none reaches the owner's host.
    pub(super) fn have_failed(&self) -> bool {
        self.asked.is_empty() && self.failed > 0 && self.alive == 0
    }

    /// Until when they are waited for.
    pub(super) const fn until(&self) -> Time {
        self.until
    }

    /// How many have not answered.
    pub(super) fn footprint(&self) -> usize {
        self.asked.len()
    }
}

/// The owner gave the address up.
#[derive(Clone, Copy, Debug)]
pub(super) struct Resignation {
    at: Time,
    /// Whether it had unmuted under its generation.
    unmuted: bool,
}

impl Group {
    /// A member suspects the owner. Its promise is over, and it acknowledges nothing.
    pub(super) fn suspect(
        &mut self,
        from: HostId,
        boot: BootId,
        epoch: Epoch,
        number: u64,
        cx: &mut Context<'_>,
    ) {
        let Some(record) = self.record.as_ref().map(|signed| &signed.record) else {
            return;
        };
        if record.epoch > epoch {
            self.push_now(from, cx);
            return;
        }
        let withdrawn = self.withdrawn.get(&from);
        let old = withdrawn.is_some_and(|(life, until)| *life == boot && number <= *until);
        if record.epoch != epoch || old || !change::followers(record).any(|host| host == from) {
            return;
        }
        let fresh = !self.suspicions.contains_key(&from);
        self.suspicions.entry(from).or_insert((cx.now, number)).1 = number;
        if fresh {
            cx.note(
                self.id(),
                Some(epoch),
                Fact::SuspectHeard { by: from, number },
            );
        }
        if self.probes.is_none() && cx.now.since(self.owner_heard) < self.silence() {
            self.probe(Some(from), cx);
        }
    }

    /// A member hears the owner again.
    pub(super) fn withdraw(
        &mut self,
        from: HostId,
        boot: BootId,
        number: u64,
        cx: &mut Context<'_>,
    ) {
        self.withdrawn.insert(from, (boot, number));
        if self
            .suspicions
            .get(&from)
            .is_some_and(|(_, open)| *open <= number)
        {
            self.suspicions.remove(&from);
            cx.note(self.id(), self.epoch(), Fact::WithdrawHeard { by: from });
        }
    }

    /// The owner says that something of it is broken.
    pub(super) fn fault(
        &mut self,
        from: HostId,
        boot: BootId,
        epoch: Epoch,
        fault: Fault,
        cx: &mut Context<'_>,
    ) {
        let owner = self.record.as_ref().and_then(|signed| signed.record.owner);
        if owner != Some(Owner { host: from, boot }) || self.epoch() != Some(epoch) {
            if self.epoch() > Some(epoch) {
                self.push_now(from, cx);
            }
            return;
        }
        match fault {
            Fault::Guest { unmuted } if self.resigned.is_none() => {
                self.resigned = Some(Resignation {
                    at: cx.now,
                    unmuted,
                });
                cx.note(self.id(), Some(epoch), Fact::FaultHeard { fault });
            }
            Fault::Guest { .. } => {}
            Fault::Worker => {
                self.worker_fault = true;
                cx.note(self.id(), Some(epoch), Fact::FaultHeard { fault });
            }
        }
    }

    /// Asks up to two hosts, neither the owner's nor the candidate's nor this one, whether they
    /// reach the owner's.
    pub(super) fn probe(&mut self, candidate: Option<HostId>, cx: &mut Context<'_>) {
        let Some(owner) = self.record.as_ref().and_then(|signed| signed.record.owner) else {
            return;
        };
        let since = cx.now.before(self.silence());
        let via: Vec<HostId> = cx
            .hosts
            .heard_since(since)
            .filter(|host| *host != owner.host && *host != cx.own && Some(*host) != candidate)
            .take(PROBES_MAX)
            .collect();
        let mut asked = BTreeMap::new();
        for host in via {
            let number = cx.token();
            asked.insert(number, host);
            cx.note(self.id(), self.epoch(), Fact::ProbeSent { via: host });
            let target = owner.host;
            cx.send(host, Body::Probe { number, target });
        }
        let until = cx.now.after(self.silence());
        self.probes = Some(Probes {
            asked,
            alive: 0,
            failed: 0,
            until,
        });
    }

    /// A third host says whether it reaches the owner's.
    pub(super) fn probed(&mut self, from: HostId, number: u64, alive: bool, cx: &mut Context<'_>) {
        let Some(probes) = &mut self.probes else {
            return;
        };
        if probes.asked.get(&number) != Some(&from) {
            return;
        }
        probes.asked.remove(&number);
        if alive {
            probes.alive += 1;
        } else {
            probes.failed += 1;
        }
        cx.note(
            self.id(),
            self.epoch(),
            Fact::ProbeAnswered { via: from, alive },
        );
    }

    /// What speaks against the owner, if it is enough.
    fn evidence(&self, owner: Owner, cx: &Context<'_>) -> Option<Evidence> {
        let rebooted = cx
            .hosts
            .boot(owner.host)
            .is_some_and(|boot| boot != owner.boot);
        let silent = cx.now.since(self.owner_heard) >= self.silence();
        let unreachable = self.probes.as_ref().is_some_and(Probes::have_failed);
        if rebooted {
            Some(Evidence::OwnerRebooted)
        } else if silent {
            Some(Evidence::Silence)
        } else if self.worker_fault {
            Some(Evidence::WorkerFault)
        } else if unreachable {
            Some(Evidence::ProbesFailed)
        } else {
            None
        }
    }

    /// Decides a promotion, or what a suspicion without evidence comes to. True if something was
    /// decided.
    pub(super) fn review_promotion(&mut self, record: &Record, cx: &mut Context<'_>) -> bool {
        let Some(owner) = record.owner else {
            return false;
        };
        if let Some(resigned) = self.resigned {
            return self.follow_resigned(record, resigned, cx);
        }
        if self.suspicions.is_empty() {
            return false;
        }
        if let Some(evidence) = self.evidence(owner, cx) {
            let ready: Vec<HostId> = change::followers(record)
                .filter(|host| self.suspicions.contains_key(host) && self.is_eligible(*host, cx))
                .collect();
            let Some(to) = ready.first().copied() else {
                return false;
            };
            return self.promote(record, to, Promise::Needed, evidence, cx);
        }
        // Heard since the first suspicion came: the suspicion is wrong, and the owner may be mute
        // because of it.
        let first = self.suspicions.values().map(|(at, _)| *at).min();
        let asking = self.probes.as_ref().is_some_and(|probes| {
            !probes.asked.is_empty() && probes.alive == 0 && cx.now < probes.until
        });
        if first.is_some_and(|first| self.owner_heard > first) && !asking {
            let dropped: Vec<HostId> = self.suspicions.keys().copied().collect();
            for host in &dropped {
                self.demoted.insert(*host, cx.now);
            }
            let next = change::demote(record, dropped.into_iter());
            self.decide(next, Cause::SuspecterDropped, Promise::Needed, None, cx);
            return true;
        }
        let window = self.silence() + self.interval();
        let before = self.suspicions.len();
        self.suspicions
            .retain(|_, (at, _)| cx.now < at.after(window));
        if self.suspicions.len() < before {
            self.probes = None;
        }
        false
    }

    fn follow_resigned(
        &mut self,
        record: &Record,
        resigned: Resignation,
        cx: &mut Context<'_>,
    ) -> bool {
        let promise = if resigned.unmuted {
            Promise::Waived
        } else {
            Promise::Needed
        };
        let next = change::followers(record).find(|host| self.is_eligible(*host, cx));
        if let Some(to) = next {
            return self.promote(record, to, promise, Evidence::Resigned, cx);
        }
        let patience = resigned.at.after(cx.damping.no_owner_after);
        if change::followers(record).next().is_some() && cx.now < patience {
            return false;
        }
        self.nobody(record, cx);
        // An operator decides: the guest that is gone was the last one in sync.
        self.last_owner = None;
        true
    }

    fn promote(
        &mut self,
        record: &Record,
        to: HostId,
        promise: Promise,
        evidence: Evidence,
        cx: &mut Context<'_>,
    ) -> bool {
        let Some(boot) = cx.hosts.boot(to) else {
            return false;
        };
        if let Some(until) = self.gap.wait(cx.now, &cx.damping) {
            if !self.gap.noted {
                self.gap.noted = true;
                let wait = until.since(cx.now);
                cx.note(self.id(), self.epoch(), Fact::Damped { wait });
            }
            return false;
        }
        self.gap.promoted(cx.now, &cx.damping);
        cx.note(self.id(), self.epoch(), Fact::Evidence { evidence });
        let next = change::pass_to(record, Owner { host: to, boot }, |host| {
            self.hears(host, cx)
        });
        self.decide(next, Cause::Promotion, promise, None, cx);
        true
    }

    /// When one of these reviews may come out differently.
    pub(super) fn promotion_deadlines(&self, damping: &Damping, out: &mut Vec<Time>) {
        let (silence, interval) = (self.silence(), self.interval());
        let suspecting = !self.suspicions.is_empty();
        if suspecting || self.resigned.is_some() {
            out.extend(self.gap.deadline());
            out.push(self.owner_heard.after(silence));
            out.extend(
                self.left
                    .values()
                    .map(|left| left.after(crate::config::RETURN_GAP)),
            );
        }
        out.extend(
            self.suspicions
                .values()
                .map(|(at, _)| at.after(silence + interval)),
        );
        out.extend(self.probes.as_ref().map(|probes| probes.until));
        out.extend(
            self.resigned
                .map(|resigned| resigned.at.after(damping.no_owner_after)),
        );
        let Some(record) = self.record.as_ref().map(|signed| &signed.record) else {
            return;
        };
        if record.owner.is_some() {
            out.push(self.owner_heard.after(silence + damping.no_owner_after));
        } else if self.last_owner.is_some() {
            out.extend(
                self.left
                    .values()
                    .map(|left| left.after(crate::config::RETURN_GAP)),
            );
        }
    }
}
