//! The runtime's part: events in, actions out, datagrams between daemons.

use std::time::Duration;

use failover::note::Cause;
use failover::{
    AgentAction, AgentEvent, Fact, GroupInstall, HookPolicy, ManagerAction, ManagerEvent,
};
use messages::body::{Body, Fault, HeartbeatAck, Recipient};
use messages::{BootId, GroupState, HostId, SignedRecord};

use super::{Happening, Step, Told, World};
use crate::clock::Moment;
use crate::invariants::Seen;
use crate::machine::Life;
use crate::naming::Host;
use crate::plane::{Entry, Role};
use crate::say;
use crate::sessions::{Content, Envelope};
use crate::trace::Detail;

/// How often a fenced member's sender is reported.
const MISLED_EVERY: Duration = Duration::from_millis(100);

impl World {
    pub(super) fn life(&mut self, host: Host, number: u32) -> Option<&mut Life> {
        self.machines[host.index()]
            .life
            .as_mut()
            .filter(|life| life.number == number)
    }

    /// Tells a state machine of this life something and does what it wants.
    pub(super) fn tell(&mut self, host: Host, number: u32, told: Told) -> Step {
        let now = self.machines[host.index()].time(self.now);
        match told {
            Told::Agent(event) => {
                let mut actions = std::mem::take(&mut self.agent_actions);
                if let Some(life) = self.life(host, number) {
                    life.agent.handle(now, event, &mut actions);
                }
                let mut result = Ok(());
                for action in actions.drain(..) {
                    result = result.and_then(|()| self.agent_acts(host, number, action));
                }
                self.agent_actions = actions;
                result?;
            }
            Told::Manager(event) => {
                let mut actions = std::mem::take(&mut self.manager_actions);
                if let Some(life) = self.life(host, number)
                    && let Some(manager) = &mut life.manager
                {
                    manager.handle(now, event, &mut actions);
                }
                for action in actions.drain(..) {
                    self.manager_acts(host, number, action);
                }
                self.manager_actions = actions;
            }
        }
        self.unarmed |= 1 << host.0;
        Ok(())
    }

    fn agent_acts(&mut self, host: Host, number: u32, action: AgentAction) -> Step {
        match action {
            AgentAction::Send { to, body } => {
                self.agent_says(host, &body);
                self.send(host, number, to, body);
            }
            AgentAction::Install(install) => self.install(host, number, &install)?,
            AgentAction::Lease { group, until } => {
                if self.trace.is_at(Detail::All) {
                    say!(self, "{host} lease of {group} {until:?}");
                }
                if let Some(group) = self.group(group)
                    && let Some(life) = self.life(host, number)
                {
                    life.plane.set_lease(group, until);
                }
            }
            AgentAction::Barrier { token } => {
                let drained = self
                    .life(host, number)
                    .map_or(Moment::START, |life| life.drained.max(life.stuck_until));
                let round = self
                    .streams
                    .runtime
                    .span(Duration::from_micros(1), Duration::from_micros(100));
                let moment = self.now.max(drained).after(round);
                self.queue
                    .put(moment, Happening::Boundary(host, number, token));
            }
            AgentAction::Persist { token, record } => {
                let store = &mut self.machines[host.index()].kept_records;
                if store.submit(token, record) {
                    let moment = self.disk_done(host);
                    self.queue.put(moment, Happening::Stored(host, number));
                }
            }
            AgentAction::Hook { group, epoch, role } => {
                say!(self, "{host} hook of {group} at {epoch}: {role:?}");
                let dice = &mut self.streams.runtime;
                // One that a promotion waits for and that fails leaves the owner muted for an
                // operator to move: nothing that comes to rest by itself.
                let is_awaited = self
                    .scenario
                    .groups
                    .iter()
                    .any(|spec| spec.id == group && spec.hook == HookPolicy::Awaited);
                let ok = is_awaited || !dice.chance(50_000);
                let moment = self.now.after(dice.tailed(Duration::from_millis(5)));
                let done = Happening::HookDone(host, number, group, epoch, ok);
                self.queue.put(moment, done);
            }
            AgentAction::Answer { token, answer } => self.answered(token, answer),
            AgentAction::Note(note) => say!(self, "{host} {}", crate::words::note(&note)),
        }
        Ok(())
    }

    fn manager_acts(&mut self, host: Host, number: u32, action: ManagerAction) {
        match action {
            ManagerAction::Append { token, record } => {
                say!(
                    self,
                    "{host} manager decides {}",
                    crate::words::record(&record.record)
                );
                let store = &mut self.machines[host.index()].log;
                if store.submit(token, record) {
                    let moment = self.disk_done(host);
                    self.queue.put(moment, Happening::Logged(host, number));
                }
            }
            ManagerAction::Send { to, body } => self.send(host, number, to, body),
            ManagerAction::Answer { token, answer } => self.answered(token, answer),
            ManagerAction::Note(note) => {
                if let Fact::Deciding { epoch: _, cause } = note.fact {
                    self.stats.owners += u64::from(passes_address(cause));
                }
                say!(self, "{host} manager {}", crate::words::note(&note));
            }
        }
    }

    /// What an agent says binds it.
    fn agent_says(&mut self, host: Host, body: &Body) {
        match body {
            Body::RecordAck { group, epoch } => {
                if let Some(group) = self.group(*group) {
                    self.epochs.acknowledges(group, host, *epoch);
                }
            }
            Body::Fault {
                group,
                fault: Fault::Guest { .. },
                ..
            } => {
                if let Some(group) = self.group(*group)
                    && let Some(life) = &mut self.machines[host.index()].life
                {
                    life.tenures[group].resigns();
                }
            }
            Body::Frozen { group, epoch } => {
                if let Some(group) = self.group(*group)
                    && let Some(life) = &mut self.machines[host.index()].life
                {
                    life.tenures[group].freezes(*epoch);
                }
            }
            _ => (),
        }
    }

    fn install(&mut self, host: Host, number: u32, install: &GroupInstall) -> Step {
        let record = &install.record.record;
        let Some(group) = self.group(record.group) else {
            return Ok(());
        };
        say!(self, "{host} installs {}", crate::words::install(install));
        let seen = Seen {
            moment: self.now,
            group,
            by: host,
        };
        self.epochs.never_below(seen, record.epoch)?;
        self.epochs.means_one_thing(seen, &install.record)?;
        let entry = Entry::of(install);
        let releases = entry.role == Some(Role::Primary { hold: false });
        self.change_service(host, group, &entry, &install.record);
        let now = self.machines[host.index()].time(self.now);
        let Some(life) = self.machines[host.index()]
            .life
            .as_mut()
            .filter(|life| life.number == number)
        else {
            return Ok(());
        };
        life.tenures[group].installs(&install.record);
        let mut effects = std::mem::take(&mut self.effects);
        let mut step = crate::plane::Step {
            now,
            ledger: &mut self.ledger,
            effects: &mut effects,
        };
        life.plane
            .install(group, entry, install.discard_before, &mut step);
        self.releasing = releases;
        let result = self.follow(host, effects);
        self.releasing = false;
        result
    }

    /// Who serves has changed, as far as this host's tables say.
    fn change_service(&mut self, host: Host, group: usize, entry: &Entry, signed: &SignedRecord) {
        if !self.scenario.groups[group].copying.buffer {
            return;
        }
        match (entry.role, entry.owner) {
            (Some(Role::Primary { .. }), _) => {
                let before = self.epochs.before(group, signed.record.epoch);
                let to = GroupState::Handover { to: host.id() };
                let moved = before.is_some_and(|before| before.record.state == to);
                let owner = self.epochs.owner_before(group, signed.record.generation);
                self.services[group].promote(host, owner, moved);
            }
            (_, Some(owner)) if owner != host => self.services[group].depose(host),
            _ => (),
        }
    }

    /// Sends a body of either state machine.
    fn send(&mut self, host: Host, number: u32, to: HostId, body: Body) {
        let Some(to) = Host::of(to) else {
            return;
        };
        if !crate::words::is_routine(&body) || self.trace.is_at(Detail::All) {
            say!(self, "{host} to {to}: {}", crate::words::body(&body));
        }
        let Some(life) = self.life(host, number) else {
            return;
        };
        let boot = life.boot;
        if to == host {
            self.hand_over(host, number, host, boot, body);
            return;
        }
        if let Some(content) = life.post.seal(to, &body) {
            self.transmit(host, boot, to, content);
        }
    }

    fn transmit(&mut self, from: Host, from_boot: BootId, to: Host, content: Content) {
        self.stats.datagrams += 1;
        let fate = self.network.carry(self.now, from, to);
        let envelope = Envelope {
            from,
            from_boot,
            content,
        };
        if let Some(again) = fate.again {
            self.queue
                .put(again, Happening::Control(to, envelope.clone()));
        }
        if let Some(arrives) = fate.arrives {
            self.queue.put(arrives, Happening::Control(to, envelope));
        }
    }

    pub(super) fn greet(&mut self, host: Host, number: u32) {
        let hosts = self.scenario.hosts;
        let now = self.machines[host.index()].time(self.now);
        let Some(life) = self.life(host, number) else {
            return;
        };
        let boot = life.boot;
        for (peer, content) in life.post.ask(now, hosts) {
            self.transmit(host, boot, peer, content);
        }
        let later = self.now.after(
            self.streams
                .runtime
                .span(Duration::from_millis(15), Duration::from_millis(25)),
        );
        self.queue.put(later, Happening::Greet(host, number));
    }

    /// A datagram arrives.
    pub(super) fn receive(&mut self, host: Host, envelope: &Envelope) -> Step {
        let fresh = self.streams.boots.nonce();
        let machine = &mut self.machines[host.index()];
        let now = machine.time(self.now);
        let Some(life) = &mut machine.life else {
            return Ok(());
        };
        let (number, boot) = (life.number, life.boot);
        let taken = life.post.take(now, envelope, fresh);
        if let Some(why) = taken.refused {
            say!(
                self,
                "{host} refuses a datagram of {}: {why}",
                envelope.from
            );
        }
        for (peer, reply) in taken.replies {
            self.transmit(host, boot, peer, reply);
        }
        for (peer, opened) in taken.opened {
            say!(self, "{host} has a session with {peer} {opened:?}");
            let (peer, boot) = (peer.id(), opened);
            let agent = AgentEvent::PeerBoot { host: peer, boot };
            let manager = ManagerEvent::PeerBoot { host: peer, boot };
            self.local.push_back((host, number, Told::Agent(agent)));
            self.local.push_back((host, number, Told::Manager(manager)));
        }
        let Some((from_boot, body)) = taken.message else {
            return Ok(());
        };
        // What another life of the sender said is for the state machines to void; the truth does.
        let is_open = self
            .life(host, number)
            .is_some_and(|life| life.post.is_open_with(envelope.from, from_boot));
        if is_open {
            self.binds(host, envelope.from, &body)?;
        }
        self.hand_over(host, number, envelope.from, from_boot, body);
        Ok(())
    }

    /// What of a message the truth depends on.
    fn binds(&mut self, host: Host, from: Host, body: &Body) -> Step {
        if let Some(signed) = body.signed_record()
            && let Some(group) = self.group(signed.record.group)
        {
            let seen = Seen {
                moment: self.now,
                group,
                by: host,
            };
            self.epochs.means_one_thing(seen, signed)?;
        }
        if let Body::HeartbeatAck(HeartbeatAck { echo, acked, .. }) = body {
            for (group, epoch) in acked {
                let group = self.group(*group);
                let machine = &mut self.machines[host.index()];
                let now = machine.clock.read(self.now);
                if let Some(group) = group
                    && let Some(life) = &mut machine.life
                {
                    life.tenures[group].hears(from, *epoch, *echo, now);
                }
            }
        }
        Ok(())
    }

    fn hand_over(&mut self, host: Host, number: u32, from: Host, from_boot: BootId, body: Body) {
        let recipient = body.recipient();
        let from = from.id();
        let both = recipient == Recipient::Both;
        if recipient == Recipient::Agent || both {
            let body = body.clone();
            let event = AgentEvent::Message {
                from,
                from_boot,
                body,
            };
            self.local.push_back((host, number, Told::Agent(event)));
        }
        if recipient == Recipient::Manager || both {
            let event = ManagerEvent::Message {
                from,
                from_boot,
                body,
            };
            self.local.push_back((host, number, Told::Manager(event)));
        }
    }

    /// A fenced member got a packet: its agent hears of it now and then.
    pub(super) fn misled(&mut self, host: Host, group: usize, sender: Host) {
        let id = self.scenario.groups[group].id;
        let machine = &mut self.machines[host.index()];
        let now = machine.time(self.now);
        let Some(life) = &mut machine.life else {
            return;
        };
        let told = &mut life.misled[group];
        if sender == host || told.is_some_and(|told| now.since(told) < MISLED_EVERY) {
            return;
        }
        *told = Some(now);
        let event = AgentEvent::FencedPacket {
            group: id,
            sender: sender.id(),
        };
        self.local
            .push_back((host, life.number, Told::Agent(event)));
    }
}

/// Whether a decision gives the address to somebody else, or to nobody.
fn passes_address(cause: Cause) -> bool {
    match cause {
        Cause::Promotion
        | Cause::HandoverDone
        | Cause::NoOwner
        | Cause::Regrant
        | Cause::Forced => true,
        Cause::Initial
        | Cause::MemberLost
        | Cause::SuspecterDropped
        | Cause::MemberJoining
        | Cause::OutOfSync
        | Cause::InSync
        | Cause::Handover
        | Cause::HandoverAborted
        | Cause::MemberAdded
        | Cause::MemberRemoved
        | Cause::Reprotected
        | Cause::Reset
        | Cause::TermRaised => false,
    }
}
