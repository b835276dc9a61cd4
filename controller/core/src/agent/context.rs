//! What every step of an agent needs: the time, who we are, and where actions go.

use messages::body::{Answer, Body};
use messages::{BootId, Epoch, GroupId, HostId, Time};

use super::action::AgentAction;
use super::checkpoint::Asker;
use super::partners::Partners;
use super::peers::Peers;
use crate::note::{Fact, Note};

/// What every step needs.
pub(super) struct Context<'a> {
    pub(super) now: Time,
    pub(super) host: HostId,
    pub(super) boot: BootId,
    pub(super) manager: HostId,
    /// Whether the machine has not rebooted since the last daemon ran.
    pub(super) machine_kept: bool,
    pub(super) peers: &'a mut Peers,
    pub(super) partners: &'a mut Partners,
    pub(super) tokens: &'a mut u64,
    pub(super) out: &'a mut Vec<AgentAction>,
}

impl Context<'_> {
    pub(super) fn act(&mut self, action: AgentAction) {
        self.out.push(action);
    }

    pub(super) fn send(&mut self, to: HostId, body: Body) {
        self.out.push(AgentAction::Send { to, body });
    }

    pub(super) fn tell_manager(&mut self, body: Body) {
        self.send(self.manager, body);
    }

    /// Answers whoever asked, here or at the host that relayed it.
    pub(super) fn answer(&mut self, asked_by: Asker, answer: Answer) {
        let Asker { host, token } = asked_by;
        if host == self.host {
            self.act(AgentAction::Answer { token, answer });
        } else {
            self.send(host, Body::Answer { token, answer });
        }
    }

    pub(super) fn note(&mut self, group: GroupId, epoch: Option<Epoch>, fact: Fact) {
        self.out.push(AgentAction::Note(Note {
            group: Some(group),
            epoch,
            fact,
        }));
    }

    /// A number that no barrier and no write of this life had before.
    pub(super) fn token(&mut self) -> u64 {
        *self.tokens += 1;
        *self.tokens
    }
}
