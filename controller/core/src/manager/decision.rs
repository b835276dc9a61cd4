//! From a wish to a fact: a decision is made, written, and takes effect when it is durable.

use messages::body::{Answer, Promise};
use messages::{Epoch, GroupState, Record, SignedRecord};

use super::action::ManagerAction;
use super::context::Context;
use super::group::{Group, Handover};
use super::requests::Asker;
use crate::note::{Cause, Fact};
use crate::planted::{self, Slip};

/// A decision that is being written.
#[derive(Debug)]
pub(super) struct Deciding {
    pub(super) token: u64,
    record: SignedRecord,
    cause: Cause,
    promise: Promise,
    pub(super) asked_by: Option<Asker>,
}

impl Group {
    /// Makes the next record. It takes effect when it is durable.
    pub(super) fn decide(
        &mut self,
        mut record: Record,
        cause: Cause,
        promise: Promise,
        asked_by: Option<Asker>,
        cx: &mut Context<'_>,
    ) {
        let before = self.epoch().unwrap_or_default().max(self.attempted);
        record.epoch = Epoch {
            term: before.term.max(cx.term),
            seq: before.seq + 1,
        };
        record.checkpoint = record.checkpoint.max(self.checkpoint);
        self.attempted = record.epoch;
        let signature = (cx.signer)(&record);
        let epoch = record.epoch;
        let record = SignedRecord { record, signature };
        cx.note(self.id(), self.epoch(), Fact::Deciding { epoch, cause });
        let token = cx.token();
        let deciding = Deciding {
            token,
            record: record.clone(),
            cause,
            promise,
            asked_by,
        };
        if planted::is_on(Slip::HandoverInMemory) && cause == Cause::Handover {
            self.take_effect(deciding, cx);
            return;
        }
        if planted::is_on(Slip::PushBeforeDurable) {
            for host in self.audience() {
                let record = record.clone();
                cx.send(host, messages::Body::Push { record, promise });
            }
        }
        self.deciding = Some(deciding);
        cx.act(ManagerAction::Append { token, record });
    }

    /// A write ended. Returns whether it was this group's.
    pub(super) fn written(&mut self, token: u64, durable: bool, cx: &mut Context<'_>) {
        if self
            .deciding
            .as_ref()
            .is_none_or(|deciding| deciding.token != token)
        {
            return;
        }
        let Some(deciding) = self.deciding.take() else {
            return;
        };
        if durable {
            self.take_effect(deciding, cx);
            return;
        }
        cx.note(self.id(), self.epoch(), Fact::NotDurable);
        if let Some(asked_by) = deciding.asked_by {
            cx.answer(
                asked_by,
                Answer::Refused(messages::body::Refusal::NotDurable),
            );
        }
    }

    /// The record is durable: from now on it is the truth.
    fn take_effect(&mut self, deciding: Deciding, cx: &mut Context<'_>) {
        let Deciding {
            token: _,
            record,
            cause,
            promise,
            asked_by,
        } = deciding;
        let before = self.record.replace(record);
        let before = before.map(|signed| signed.record);
        let recovered = !std::mem::replace(&mut self.ready, true);
        let Some(record) = self.record.as_ref().map(|signed| signed.record.clone()) else {
            return;
        };
        let owner = record.owner.map(|owner| owner.host);
        cx.note(
            self.id(),
            Some(record.epoch),
            Fact::Decided {
                epoch: record.epoch,
                owner,
            },
        );
        if recovered {
            cx.note(self.id(), Some(record.epoch), Fact::Recovered);
        }
        self.suspicions.clear();
        self.probes = None;
        self.first_acks.clear();
        self.joins.clear();
        self.overdue.clear();
        self.pristine = match cause {
            Cause::Initial => true,
            Cause::InSync => self.pristine,
            _ => false,
        };
        self.note_new_members(before.as_ref(), &record);
        let last = before.as_ref().and_then(|record| record.owner);
        if last != record.owner {
            self.owner_heard = cx.now;
            self.resigned = None;
            self.worker_fault = false;
            if let Some(last) = last.filter(|last| Some(last.host) != owner) {
                self.left.insert(last.host, cx.now);
            }
            if record.owner.is_none() {
                self.last_owner = last;
            }
            self.unprotected_since = Some(cx.now);
        }
        let moved = self.handover.take();
        let mut waiting = asked_by;
        match record.state {
            GroupState::Handover { .. } => {
                let deadline = match &moved {
                    Some(handover) => handover.deadline,
                    None => cx.now.after(cx.damping.handover_within),
                };
                let asked_by = moved
                    .and_then(|handover| handover.asked_by)
                    .or(waiting.take());
                self.handover = Some(Handover {
                    deadline,
                    frozen: false,
                    asked_by,
                });
            }
            GroupState::Active | GroupState::Solo | GroupState::NoOwner => {
                if let Some(asked_by) = moved.and_then(|handover| handover.asked_by) {
                    let answer = if cause == Cause::HandoverDone {
                        Answer::Decided {
                            epoch: record.epoch,
                        }
                    } else {
                        Answer::Refused(messages::body::Refusal::Aborted)
                    };
                    cx.answer(asked_by, answer);
                }
            }
        }
        if let Some(asked_by) = waiting {
            let answer = match cause {
                Cause::TermRaised => Answer::TermRaised {
                    term: record.epoch.term,
                },
                _ => Answer::Decided {
                    epoch: record.epoch,
                },
            };
            cx.answer(asked_by, answer);
        }
        self.plan_pushes(before.as_ref(), promise, cx);
    }

    /// Members whom the senders do not know yet.
    fn note_new_members(&mut self, before: Option<&Record>, record: &Record) {
        let Some(before) = before else {
            return;
        };
        for host in record.replicas() {
            let known = before.is_owned_by(host) || before.replicas().any(|member| member == host);
            if !known {
                self.newly_told.insert(host, None);
            }
        }
    }
}
