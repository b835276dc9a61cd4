//! What may an operator do, and when is it refused?

use std::collections::VecDeque;

use messages::body::{Answer, Body, Promise, Refusal, Request};
use messages::{GroupState, HostId, MemberState, Owner, Record};

use super::action::ManagerAction;
use super::change;
use super::context::Context;
use super::group::Group;
use crate::config::{MEMBERS_MAX, RETURN_GAP};
use crate::note::Cause;

/// How many answers are kept in case a question is repeated.
const ANSWERS_MAX: usize = 64;

/// Where an answer goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Asker {
    pub(super) host: HostId,
    pub(super) token: u64,
    /// Whether it was asked at this machine's own door, not relayed by an agent.
    pub(super) local: bool,
}

/// Answers that were given.
#[derive(Debug, Default)]
pub(super) struct Answers {
    given: VecDeque<(Asker, Answer)>,
}

impl Asker {
    pub(super) fn action(self, answer: Answer) -> ManagerAction {
        let Self { host, token, local } = self;
        if local {
            ManagerAction::Answer { token, answer }
        } else {
            ManagerAction::Send {
                to: host,
                body: Body::Answer { token, answer },
            }
        }
    }
}

impl Answers {
    pub(super) fn keep(&mut self, asked_by: Asker, answer: Answer) {
        if self.given.len() >= ANSWERS_MAX {
            self.given.pop_front();
        }
        self.given.push_back((asked_by, answer));
    }

    /// How many are kept.
    pub(super) fn footprint(&self) -> usize {
        self.given.len()
    }

    pub(super) fn given(&self, asked_by: Asker) -> Option<Answer> {
        let mut given = self.given.iter();
        given
            .find(|(asker, _)| *asker == asked_by)
            .map(|(_, answer)| *answer)
    }

    /// A new life of a host counts its requests anew.
    pub(super) fn forget(&mut self, host: HostId) {
        self.given.retain(|(asker, _)| asker.host != host);
    }
}

impl Group {
    /// Whether this very request is being worked on.
    pub(super) fn is_asked_by(&self, asked_by: Asker) -> bool {
        let deciding = self
            .deciding
            .as_ref()
            .and_then(|deciding| deciding.asked_by);
        let handover = self
            .handover
            .as_ref()
            .and_then(|handover| handover.asked_by);
        deciding == Some(asked_by) || handover == Some(asked_by)
    }

    /// Decides what an operator asks for, or says why not.
    pub(super) fn operate(&mut self, request: Request, asked_by: Asker, cx: &mut Context<'_>) {
        if self.is_asked_by(asked_by) {
            return;
        }
        let refusal = match self.record.as_ref().map(|signed| signed.record.clone()) {
            _ if cx.in_doubt => Some(Refusal::LogInDoubt),
            None => Some(Refusal::Recovering),
            Some(_) if self.deciding.is_some() => Some(Refusal::Busy),
            Some(record) if !self.ready => match request {
                Request::Promote {
                    group: _,
                    to,
                    fenced: true,
                } => self.recover_by_word(&record, to, asked_by, cx).err(),
                Request::Promote { fenced: false, .. }
                | Request::Move { .. }
                | Request::Checkpoint { .. }
                | Request::AddMember { .. }
                | Request::RemoveMember { .. }
                | Request::ResetToConfig { .. }
                | Request::RaiseTerm => Some(Refusal::Recovering),
            },
            Some(record) => self.consider(request, &record, asked_by, cx).err(),
        };
        if let Some(refusal) = refusal {
            cx.answer(asked_by, Answer::Refused(refusal));
        }
    }

    fn consider(
        &mut self,
        request: Request,
        record: &Record,
        asked_by: Asker,
        cx: &mut Context<'_>,
    ) -> Result<(), Refusal> {
        let moving = matches!(record.state, GroupState::Handover { .. });
        match request {
            Request::Promote {
                group: _,
                to,
                fenced,
            } => {
                let owner = self.choose_forced(record, to, fenced, cx)?;
                let promise = if fenced {
                    Promise::Waived
                } else {
                    Promise::Needed
                };
                let next = change::pass_to(record, owner, |host| self.hears(host, cx));
                self.decide(next, Cause::Forced, promise, Some(asked_by), cx);
            }
            Request::Move { .. } | Request::ResetToConfig { .. } if moving => {
                return Err(Refusal::Busy);
            }
            Request::Move { group: _, to } => {
                let to = self.choose_move(record, to, cx)?;
                self.begin_handover(record, to, asked_by, cx);
            }
            Request::AddMember {
                group: _,
                host,
                rank,
            } => {
                match record.member(host) {
                    Some(MemberState::Joining | MemberState::InSync) => {
                        return Err(Refusal::IsMember);
                    }
                    Some(MemberState::Removed) | None => {}
                }
                if !self.config.audience.contains(&host) && !self.spares.contains(&host) {
                    return Err(Refusal::UnknownHost);
                }
                if self.members().len() >= MEMBERS_MAX {
                    return Err(Refusal::TooManyMembers);
                }
                let next = change::add_member(record, host, rank);
                self.decide(
                    next,
                    Cause::MemberAdded,
                    Promise::Needed,
                    Some(asked_by),
                    cx,
                );
            }
            Request::RemoveMember { group: _, host } => {
                if record.is_owned_by(host) {
                    return Err(Refusal::IsOwner);
                }
                match record.member(host) {
                    Some(MemberState::Joining | MemberState::InSync) => {}
                    Some(MemberState::Removed) | None => return Err(Refusal::UnknownHost),
                }
                let next = change::remove_member(record, host);
                self.decide(
                    next,
                    Cause::MemberRemoved,
                    Promise::Needed,
                    Some(asked_by),
                    cx,
                );
            }
            Request::ResetToConfig { group: _ } => {
                if record
                    .owner
                    .is_some_and(|owner| !self.config.members.contains(&owner.host))
                {
                    return Err(Refusal::IsOwner);
                }
                let next = change::reset(record, &self.config.members);
                self.decide(next, Cause::Reset, Promise::Needed, Some(asked_by), cx);
            }
            // The owner's agent makes checkpoints; the term is not one group's.
            Request::Checkpoint { .. } | Request::RaiseTerm => return Err(Refusal::UnknownGroup),
        }
        Ok(())
    }

    /// Who is to have the address by an operator's word.
    fn choose_forced(
        &self,
        record: &Record,
        to: Option<HostId>,
        fenced: bool,
        cx: &Context<'_>,
    ) -> Result<Owner, Refusal> {
        let may = |host: HostId| {
            let live = self.hears(host, cx) && !record.is_owned_by(host);
            live && (self.is_eligible(host, cx)
                || (fenced
                    && record
                        .member(host)
                        .is_some_and(|state| state != MemberState::Removed)))
        };
        let host = match to {
            Some(host) if record.is_owned_by(host) => return Err(Refusal::IsOwner),
            Some(host) if record.member(host).is_none() => return Err(Refusal::UnknownHost),
            Some(host) if may(host) => host,
            Some(host) if self.too_soon(host, cx) => return Err(Refusal::TooSoon),
            Some(_) if !fenced && record.owner.is_none() => return Err(Refusal::OwnerMayLive),
            Some(_) => return Err(Refusal::NotInSync),
            None => {
                let members = self.members();
                let mut found = members.iter().find(|host| self.is_eligible(**host, cx));
                found = found.or_else(|| members.iter().find(|host| may(**host)));
                *found.ok_or(Refusal::NobodyEligible)?
            }
        };
        let boot = cx.hosts.boot(host).ok_or(Refusal::NobodyEligible)?;
        Ok(Owner { host, boot })
    }

    fn choose_move(
        &self,
        record: &Record,
        to: Option<HostId>,
        cx: &Context<'_>,
    ) -> Result<HostId, Refusal> {
        if record.owner.is_none() {
            return Err(Refusal::NoOwner);
        }
        match to {
            Some(host) if record.is_owned_by(host) => Err(Refusal::IsOwner),
            Some(host) if record.member(host).is_none() => Err(Refusal::UnknownHost),
            Some(host) if self.is_eligible(host, cx) => Ok(host),
            Some(host) if self.too_soon(host, cx) => Err(Refusal::TooSoon),
            Some(_) => Err(Refusal::NotInSync),
            None => change::followers(record)
                .find(|host| self.is_eligible(*host, cx))
                .ok_or(Refusal::NobodyEligible),
        }
    }

    fn too_soon(&self, host: HostId, cx: &Context<'_>) -> bool {
        self.left
            .get(&host)
            .is_some_and(|left| cx.now < left.after(RETURN_GAP))
    }
}
