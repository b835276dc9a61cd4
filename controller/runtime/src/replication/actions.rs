//! What the state machines want done, and who does it.

use std::sync::Arc;

use failover::{AgentAction, AgentEvent, Fact, HookRole, ManagerAction, ManagerEvent, Note};
use messages::body::Heartbeat;
use messages::{Body, Epoch, GroupId, HostId, Outgoing, SendError, Time};

use super::{Dataplane, Replication, TimedNote};
use crate::hooks::Hook;

/// Messages of this host to itself handled in a round. Each answers at most a few, so that many
/// more are an endless conversation; what is left waits for the next round.
const OWN_MESSAGES_PER_ROUND_MAX: usize = 1024;

impl Replication {
    pub(super) fn take_own_messages(&mut self, now: Time, dataplane: &mut impl Dataplane) {
        let (own, boot) = (self.parts.own, self.parts.boot);
        for _ in 0..OWN_MESSAGES_PER_ROUND_MAX {
            let Some(body) = self.own_messages.pop_front() else {
                break;
            };
            self.deliver(now, own, boot, body, dataplane);
        }
    }

    pub(super) fn tell_agent(
        &mut self,
        now: Time,
        event: AgentEvent,
        dataplane: &mut impl Dataplane,
    ) {
        let mut actions = Vec::new();
        self.parts.agent.handle(now, event, &mut actions);
        for action in actions {
            match action {
                AgentAction::Send { to, body } => self.send(to, body),
                AgentAction::Install(install) => dataplane.install(&install),
                AgentAction::Lease { group, until } => dataplane.lease(group, until),
                AgentAction::Barrier { token } => dataplane.barrier(token),
                AgentAction::Persist { token, record } => {
                    self.parts.archive.persist(token, &record);
                }
                AgentAction::Hook { group, epoch, role } => self.run_hook(group, epoch, role),
                AgentAction::Answer { token, answer } => self.answers.push((token, answer)),
                AgentAction::Note(note) => self.note(now, note),
            }
        }
    }

    pub(super) fn run_hook(&mut self, group: GroupId, epoch: Epoch, role: HookRole) {
        let hook = self.parts.executables.get(&group).map(|executable| Hook {
            executable: Arc::clone(&executable.path),
            time_out: executable.time_out,
            group,
            name: Arc::clone(&executable.name),
            epoch,
            role: match role {
                HookRole::Primary => "primary",
                HookRole::Demoted => "demoted",
            },
        });
        let run = hook.is_some_and(|hook| self.parts.hooks.run(hook).is_ok());
        if !run {
            self.hooks_not_run.push((group, epoch));
        }
    }

    pub(super) fn tell_manager(&mut self, now: Time, event: ManagerEvent) {
        let Some(office) = &mut self.parts.office else {
            return;
        };
        let mut actions = Vec::new();
        office.handle(now, event, &mut actions);
        for action in actions {
            match action {
                ManagerAction::Append { token, record } => {
                    if let Some(office) = &mut self.parts.office {
                        office.append(token, &record);
                    }
                }
                ManagerAction::Send { to, body } => self.send(to, body),
                ManagerAction::Answer { token, answer } => self.answers.push((token, answer)),
                ManagerAction::Note(note) => self.note(now, note),
            }
        }
    }

    pub(super) fn send(&mut self, to: HostId, body: Body) {
        if to == self.parts.own {
            self.own_messages.push_back(body);
            return;
        }
        match self.parts.sessions.send(to, &body) {
            Ok(octets) => {
                self.counters.sent += 1;
                self.outgoing.push(Outgoing { to, octets });
            }
            Err(SendError::Encoding(_)) => match halves(body) {
                Some(halves) => halves.into_iter().for_each(|half| self.send(to, half)),
                None => self.counters.unsent += 1,
            },
            // Whoever needs an answer asks again.
            Err(_) => self.counters.unsent += 1,
        }
    }

    pub(super) fn note(&mut self, at: Time, note: Note) {
        // A worker saw this one, a little earlier.
        let at = match note.fact {
            Fact::FirstAnswer { at } => at,
            _ => at,
        };
        if self.parts.notes.push(TimedNote { at, note }).is_err() {
            self.counters.notes_lost += 1;
        }
    }
}

/// A heartbeat about more groups than a datagram has room for is sent as several, each with the same
/// time. The acknowledgement of one that fits, fits.
fn halves(body: Body) -> Option<[Body; 2]> {
    match body {
        Body::Heartbeat(Heartbeat { sent, mut beats }) if beats.len() > 1 => {
            let rest = beats.split_off(beats.len() / 2);
            Some([beats, rest].map(|beats| Body::Heartbeat(Heartbeat { sent, beats })))
        }
        _ => None,
    }
}
