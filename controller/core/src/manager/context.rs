//! What every step of the manager needs.

use std::time::Duration;

use messages::body::{Answer, Body};
use messages::{Epoch, FabricId, GroupId, HostId, Time};

use super::Signer;
use super::action::ManagerAction;
use super::hosts::Hosts;
use super::requests::{Answers, Asker};
use crate::config::Damping;
use crate::note::{Fact, Note};

/// What every step needs.
pub(super) struct Context<'a> {
    pub(super) now: Time,
    pub(super) own: HostId,
    pub(super) fabric: FabricId,
    /// When this manager started, or last stood still: it has heard nobody for longer.
    pub(super) awake_since: Time,
    pub(super) term: u32,
    pub(super) in_doubt: bool,
    pub(super) damping: Damping,
    pub(super) hosts: &'a Hosts,
    pub(super) signer: &'a Signer,
    pub(super) answers: &'a mut Answers,
    pub(super) tokens: &'a mut u64,
    pub(super) out: &'a mut Vec<ManagerAction>,
}

impl Context<'_> {
    pub(super) fn act(&mut self, action: ManagerAction) {
        self.out.push(action);
    }

    pub(super) fn send(&mut self, to: HostId, body: Body) {
        self.out.push(ManagerAction::Send { to, body });
    }

    pub(super) fn note(&mut self, group: GroupId, epoch: Option<Epoch>, fact: Fact) {
        self.out.push(ManagerAction::Note(Note {
            group: Some(group),
            epoch,
            fact,
        }));
    }

    pub(super) fn token(&mut self) -> u64 {
        *self.tokens += 1;
        *self.tokens
    }

    /// Answers an operator, and keeps the answer in case the question comes again.
    pub(super) fn answer(&mut self, asked_by: Asker, answer: Answer) {
        self.answers.keep(asked_by, answer);
        self.out.push(asked_by.action(answer));
    }

    /// Whether the manager has been awake for so long that silence means something.
    pub(super) fn awake_for(&self, span: Duration) -> bool {
        self.now >= self.awake_since.after(span)
    }
}
