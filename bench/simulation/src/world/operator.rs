//! The operator, and the hypervisor that takes checkpoints.

use std::collections::BTreeMap;
use std::time::Duration;

use failover::AgentEvent;
use messages::HostId;
use messages::body::{Answer, CheckpointPhase, Request};

use super::{Happening, Step, Told, World};
use crate::naming::Host;
use crate::numbers::Numbers;
use crate::say;

/// A checkpoint that is on its way.
#[derive(Clone, Copy, Debug)]
pub struct Asked {
    group: usize,
    host: Host,
    life: u32,
    number: u64,
    generation: u64,
}

/// What was asked and not answered yet.
#[derive(Debug, Default)]
pub(super) struct Pending {
    next: u64,
    begun: BTreeMap<u64, (usize, Host)>,
    states: BTreeMap<(usize, u64), Numbers>,
}

impl World {
    /// Asks a daemon's local API.
    pub(super) fn ask(&mut self, host: Host, request: Request) -> Step {
        let Some(life) = &self.machines[host.index()].life else {
            return Ok(());
        };
        let number = life.number;
        self.asked.next += 1;
        let token = self.asked.next;
        if let Request::Checkpoint {
            group,
            phase: CheckpointPhase::Begin,
        } = request
            && let Some(group) = self.group(group)
        {
            self.asked.begun.insert(token, (group, host));
        }
        say!(self, "an operator at {host} asks {request:?}");
        self.tell(
            host,
            number,
            Told::Agent(AgentEvent::Operate { token, request }),
        )
    }

    /// An answer to the operator.
    pub(super) fn answered(&mut self, token: u64, answer: Answer) {
        say!(
            self,
            "the operator's request {token} is answered {answer:?}"
        );
        let Some((group, host)) = self.asked.begun.remove(&token) else {
            return;
        };
        let Answer::Marked { number } = answer else {
            return;
        };
        let Some(life) = &self.machines[host.index()].life else {
            return;
        };
        let generation = life.tenures[group]
            .record()
            .map_or(0, |signed| signed.record.generation);
        let asked = Asked {
            group,
            host,
            life: life.number,
            number,
            generation,
        };
        // The guest's input is frozen at this moment, and its state is copied.
        let state = self.services[group].guest(host).has.clone();
        self.asked.states.insert((group, number), state);
        let copied = self
            .streams
            .faults
            .span(Duration::from_millis(10), Duration::from_millis(120));
        self.queue
            .put(self.now.after(copied), Happening::Transferred(asked));
    }

    /// Every few seconds the hypervisor takes a checkpoint of a group that buffers.
    pub(super) fn begin_checkpoint(&mut self, group: usize) -> Step {
        let (least, most) = (Duration::from_millis(500), Duration::from_secs(3));
        let again = self.streams.faults.span(least, most);
        self.queue
            .put(self.now.after(again), Happening::Checkpoint(group));
        let Some(owner) = self.owner_heard(group) else {
            return Ok(());
        };
        let phase = if self.scenario.groups[group].copying.buffer {
            CheckpointPhase::Begin
        } else {
            CheckpointPhase::Whole
        };
        let id = self.scenario.groups[group].id;
        self.ask(owner, Request::Checkpoint { group: id, phase })
    }

    /// The state is at the replicas, unless one of them or the owner is gone.
    pub(super) fn commit_checkpoint(&mut self, asked: Asked) -> Step {
        let Some(state) = self.asked.states.remove(&(asked.group, asked.number)) else {
            return Ok(());
        };
        let machine = &self.machines[asked.host.index()];
        let Some(life) = machine
            .life
            .as_ref()
            .filter(|life| life.number == asked.life)
        else {
            return Ok(());
        };
        let Some(signed) = life.tenures[asked.group].record() else {
            return Ok(());
        };
        let record = &signed.record;
        let replicas: Vec<Host> = record.replicas().filter_map(Host::of).collect();
        let all_there = replicas.iter().all(|replica| {
            self.machines[replica.index()].is_up && !self.network.is_cut(asked.host, *replica)
        });
        if record.generation != asked.generation
            || !record.is_owned_by(asked.host.id())
            || machine.stopped.is_some()
            || !all_there
        {
            return Ok(());
        }
        for replica in replicas {
            self.services[asked.group].store(replica, asked.number, &state);
        }
        let request = Request::Checkpoint {
            group: self.scenario.groups[asked.group].id,
            phase: CheckpointPhase::Commit {
                number: asked.number,
            },
        };
        self.ask(asked.host, request)
    }

    /// The host whose member owns a group's address and is heard.
    pub(super) fn owner_heard(&self, group: usize) -> Option<Host> {
        let is_heard = |machine: &&crate::machine::Machine| {
            let now = machine.time(self.now);
            machine.is_responsive()
                && machine
                    .life
                    .as_ref()
                    .is_some_and(|life| life.plane.is_heard(group, now))
        };
        let machine = self.machines.iter().find(is_heard)?;
        Some(machine.host)
    }

    /// An operator asks at some host whose daemon answers.
    pub(super) fn ask_anywhere(&mut self, request: Request) -> Step {
        let hosts: Vec<Host> = self
            .machines
            .iter()
            .filter(|machine| machine.is_responsive())
            .map(|machine| machine.host)
            .collect();
        if hosts.is_empty() {
            return Ok(());
        }
        let host = self.streams.faults.pick(&hosts);
        self.ask(host, request)
    }

    /// Says that the owner is off, where it is; while the manager waits for reports that cannot
    /// come, that every member is off that it does not hear.
    pub(super) fn promote_fenced(&mut self, group: usize) -> Step {
        let owner = self.last_owner(group);
        let id = self.scenario.groups[group].id;
        if self.phase(group) == Some("recovering") {
            if !self
                .members(group)
                .into_iter()
                .all(|member| self.is_off_or_reaches_manager(member))
            {
                return Ok(());
            }
            return self.ask_anywhere(Request::Promote {
                group: id,
                to: None,
                fenced: true,
            });
        }
        let is_off = owner.is_none_or(|owner| self.machines[owner.index()].life.is_none());
        if !is_off {
            return Ok(());
        }
        let members = self.members(group);
        let to = members
            .into_iter()
            .find(|member| Some(*member) != owner && self.machines[member.index()].is_responsive());
        self.ask_anywhere(Request::Promote {
            group: id,
            to: to.map(Host::id),
            fenced: true,
        })
    }

    fn is_off_or_reaches_manager(&self, host: Host) -> bool {
        let machine = &self.machines[host.index()];
        let manager = self.scenario.manager;
        machine.life.is_none()
            || (machine.stopped.is_none()
                && !self.network.is_cut(host, manager)
                && !self.network.is_cut(manager, host))
    }

    /// The owner by the newest record that anybody saw.
    pub(super) fn last_owner(&self, group: usize) -> Option<Host> {
        let record = &self.epochs.newest_record(group)?.record;
        Host::of(record.owner?.host)
    }

    /// The members by the newest record that anybody saw.
    pub(super) fn members(&self, group: usize) -> Vec<Host> {
        match self.epochs.newest_record(group) {
            Some(signed) => {
                let members = signed.record.members.iter();
                members
                    .filter(|member| member.state != messages::MemberState::Removed)
                    .filter_map(|member| Host::of(member.host))
                    .collect()
            }
            None => self.scenario.groups[group].members.clone(),
        }
    }

    /// A member that may take a planned move.
    pub(super) fn move_target(&mut self, group: usize) -> Option<HostId> {
        let owner = self.last_owner(group);
        let members: Vec<Host> = self
            .members(group)
            .into_iter()
            .filter(|&member| Some(member) != owner)
            .collect();
        if members.is_empty() || self.streams.faults.chance(300_000) {
            return None;
        }
        Some(self.streams.faults.pick(&members).id())
    }
}
