//! What guests and plain nodes send, and where it goes.

use std::net::Ipv4Addr;
use std::time::Duration;

use messages::Time;

use super::{Happening, Step, World};
use crate::clock::Moment;
use crate::invariants::{Hearing, Invariant, Violation};
use crate::naming::{Host, plain_address, plain_host};
use crate::packet::{Packet, Purpose, Reason, Truth};
use crate::plane::{Effect, tag};
use crate::say;
use crate::trace::Detail;

/// Between the compare of the lease and the last frame of a burst on the wire: less than the
/// millisecond that the lease is shortened by.
const DRAIN_MAX: Duration = Duration::from_micros(900);
/// Frames kept for being sent again.
const CAPTURED_MAX: usize = 400;
/// The age up to which a captured frame is sent again although the tag has gone round: the owner
/// changes at most once a second.
const TAG_LIFETIME: Duration = Duration::from_secs(2);

impl World {
    pub(super) fn schedule_request(&mut self, group: usize) {
        let span = self.scenario.request_every;
        let wait = self.streams.traffic.span(span / 2, span * 3 / 2);
        self.queue
            .put(self.now.after(wait), Happening::Request(group, None));
    }

    pub(super) fn schedule_chatter(&mut self, group: usize) {
        let span = self.scenario.request_every * 2 / 3;
        let wait = self.streams.traffic.span(span / 2, span * 3 / 2);
        self.queue
            .put(self.now.after(wait), Happening::Chatter(group, None));
    }

    /// A plain node of a drawn host sends a request to a group.
    pub(super) fn request(&mut self, group: usize, waited: Option<Host>) -> Step {
        if self
            .healed
            .is_some_and(|healed| self.is_quiet_after(healed))
        {
            return Ok(());
        }
        let Some(host) = waited else {
            let hosts: Vec<Host> = self.scenario.concerned(group).collect();
            let host = self.streams.traffic.pick(&hosts);
            // While its process is stopped the guest's packets wait in its port's ring.
            return self.happen(Happening::Request(group, Some(host)));
        };
        self.schedule_request(group);
        let id = self.scenario.groups[group].id;
        let Some(life) = &mut self.machines[host.index()].life else {
            return Ok(());
        };
        let service = &mut self.services[group];
        let number = service.next;
        let is_known = life
            .plane
            .entry(group)
            .is_some_and(|entry| entry.owner.is_some());
        if is_known {
            service.next += 1;
            service.sent.insert(number);
        }
        let packet = Packet {
            network: id.network,
            source: plain_address(host),
            destination: id.address(),
            outer_source: host,
            tag: tag(1),
            copy: false,
            purpose: Purpose::Request { group, number },
            truth: Truth {
                host,
                network: id.network,
                passed: self.now,
                generation: 1,
                silence: None,
            },
        };
        let now = self.machines[host.index()].clock.read(self.now);
        self.pass(host, now, |plane, step| {
            plane.send_plain(group, packet, step)
        })
    }

    /// A guest of a member, or of a host that could become one, speaks unasked.
    pub(super) fn chatter(&mut self, group: usize, waited: Option<Host>) -> Step {
        if self
            .healed
            .is_some_and(|healed| self.is_quiet_after(healed))
        {
            return Ok(());
        }
        let Some(host) = waited else {
            let hosts: Vec<Host> = self.scenario.concerned(group).collect();
            let members = &self.scenario.groups[group].members;
            let host = if self.streams.traffic.chance(800_000) {
                self.streams.traffic.pick(members)
            } else {
                self.streams.traffic.pick(&hosts)
            };
            return self.happen(Happening::Chatter(group, Some(host)));
        };
        self.schedule_chatter(group);
        let destination = self.someone(group);
        self.speak(host, group, destination, None)
    }

    /// A plain node of the group's network, or another group of it.
    fn someone(&mut self, group: usize) -> Ipv4Addr {
        let network = self.scenario.groups[group].id.network;
        if self.streams.traffic.chance(100_000) {
            let others: Vec<Ipv4Addr> = self
                .scenario
                .groups
                .iter()
                .enumerate()
                .filter(|&(other, spec)| other != group && spec.id.network == network)
                .map(|(_, spec)| spec.id.address())
                .collect();
            if !others.is_empty() {
                return self.streams.traffic.pick(&others);
            }
        }
        let hosts: Vec<Host> = self.scenario.concerned(group).collect();
        plain_address(self.streams.traffic.pick(&hosts))
    }

    /// A member's guest sends: its worker compares the lease now, and the burst leaves a little
    /// later.
    fn speak(
        &mut self,
        host: Host,
        group: usize,
        destination: Ipv4Addr,
        answers: Option<u32>,
    ) -> Step {
        let id = self.scenario.groups[group].id;
        let drain = if self.streams.runtime.chance(20_000) {
            DRAIN_MAX
        } else {
            Duration::from_micros(60)
        };
        let leaves = self
            .now
            .after(self.streams.runtime.span(Duration::ZERO, drain));
        let machine = &mut self.machines[host.index()];
        let now = machine.clock.read(self.now);
        let Some(life) = &mut machine.life else {
            return Ok(());
        };
        // The truth is wanted of what passes only; a plane that lets nothing pass is soon done.
        let truth = Truth {
            host,
            network: id.network,
            passed: leaves,
            generation: 0,
            silence: life.tenures[group].silence(now),
        };
        if life.plane.is_heard(group, now) {
            life.drained = life.drained.max(leaves);
        }
        let packet = Packet {
            network: id.network,
            source: id.address(),
            destination,
            outer_source: host,
            tag: 0,
            copy: false,
            purpose: Purpose::Output { group, answers },
            truth,
        };
        self.pass(host, now, |plane, step| {
            plane.send_member(group, packet, step)
        })
    }

    /// A packet arrives at a host.
    pub(super) fn frame(&mut self, host: Host, packet: Packet) -> Step {
        self.ledger.in_flight -= 1;
        let now = self.machines[host.index()].clock.read(self.now);
        if self.machines[host.index()].life.is_none() {
            self.ledger.drop(Reason::HostDown);
            return Ok(());
        }
        self.pass(host, now, |plane, step| plane.receive(packet, step))
    }

    /// A step of a host's packet path, and what it leads to.
    fn pass(
        &mut self,
        host: Host,
        now: Time,
        run: impl FnOnce(&mut crate::plane::Plane, &mut crate::plane::Step<'_>),
    ) -> Step {
        let Some(life) = &mut self.machines[host.index()].life else {
            return Ok(());
        };
        let mut effects = std::mem::take(&mut self.effects);
        run(
            &mut life.plane,
            &mut crate::plane::Step {
                now,
                ledger: &mut self.ledger,
                effects: &mut effects,
            },
        );
        self.follow(host, effects)
    }

    /// Does what a step of the packet path leads to.
    pub(super) fn follow(&mut self, host: Host, mut effects: Vec<Effect>) -> Step {
        let mut result = Ok(());
        for effect in effects.drain(..) {
            result = result.and_then(|()| self.effect(host, effect));
        }
        self.effects = effects;
        result
    }

    fn effect(&mut self, host: Host, effect: Effect) -> Step {
        match effect {
            Effect::Transmit(to, packet) => {
                self.carry(host, to, packet);
                Ok(())
            }
            Effect::Accepted(packet) => self.accepted(host, &packet),
            Effect::Delivered(packet) => self.delivered(host, &packet),
            Effect::Buffered(..) => Ok(()),
            Effect::Dropped(reason, packet) => self.dropped(host, reason, &packet),
            Effect::Misled(group, sender) => {
                self.misled(host, group, sender);
                Ok(())
            }
        }
    }

    fn carry(&mut self, from: Host, to: Host, packet: Packet) {
        let leaves = self.now.max(packet.truth.passed);
        let fate = self.network.carry(leaves, from, to);
        if self.captured.len() == CAPTURED_MAX {
            self.captured.pop_front();
        }
        if matches!(packet.purpose, Purpose::Output { .. }) {
            self.captured.push_back((to, packet));
        }
        match fate.arrives {
            Some(arrives) => {
                self.ledger.in_flight += 1;
                self.queue.put(arrives, Happening::Frame(to, packet));
            }
            None => self.ledger.drop(Reason::SubstrateLoss),
        }
        if let Some(again) = fate.again {
            self.ledger.doubled += 1;
            self.ledger.in_flight += 1;
            self.queue.put(again, Happening::Frame(to, packet));
        }
    }

    /// Captured packets are sent again. The tag of two bits fences three changes of owner; what is
    /// older than it takes to make four is not the protocol's to fence.
    pub(super) fn replay(&mut self) {
        for _ in 0..self.captured.len().min(60) {
            let number = self.streams.faults.index(self.captured.len());
            let (to, packet) = self.captured[number];
            let Purpose::Output { group, .. } = packet.purpose else {
                continue;
            };
            let gone_round = self.machines[to.index()]
                .record(group)
                .is_none_or(|signed| signed.record.generation >= packet.truth.generation + 3);
            if gone_round && self.now.since(packet.truth.passed) > TAG_LIFETIME {
                continue;
            }
            self.ledger.doubled += 1;
            self.ledger.in_flight += 1;
            let wait = self
                .streams
                .faults
                .span(Duration::from_micros(50), Duration::from_millis(50));
            self.queue
                .put(self.now.after(wait), Happening::Frame(to, packet));
        }
    }

    fn accepted(&mut self, host: Host, packet: &Packet) -> Step {
        match packet.purpose {
            Purpose::Output { group, .. } => self.acceptances.judge(&Hearing {
                moment: self.now,
                receiver: host,
                group,
                packet,
                networks: &self.scenario.networks[host.index()],
            }),
            Purpose::Request { .. } => Ok(()),
        }
    }

    fn delivered(&mut self, host: Host, packet: &Packet) -> Step {
        match packet.purpose {
            Purpose::Request { group, number } => {
                if self.scenario.groups[group].id.address() != packet.destination
                    || self.scenario.groups[group].id.network != packet.truth.network
                {
                    return Err(self.mixed_up(host, packet));
                }
                self.services[group].guest_mut(host).has.insert(number);
                if self.releasing {
                    self.stats.released += 1;
                }
                self.speak(host, group, packet.source, Some(number))
            }
            Purpose::Output { group, answers } => {
                if let Some(number) = answers
                    && plain_host(packet.destination).is_some()
                {
                    self.services[group].answered.insert(number);
                }
                Ok(())
            }
        }
    }

    fn mixed_up(&self, host: Host, packet: &Packet) -> Violation {
        Violation {
            invariant: Invariant::I6,
            moment: self.now,
            words: format!("{host} delivers {packet:?} to another group's member"),
        }
    }

    fn dropped(&mut self, host: Host, reason: Reason, packet: &Packet) -> Step {
        if self.trace.is_at(Detail::All) && reason != Reason::Checkpointed {
            say!(self, "{host} drops {reason:?} {:?}", packet.purpose);
        }
        // Where nobody has the address nothing is promised, and who sent it did not know yet.
        if reason == Reason::DecodeNoOwner
            && let Purpose::Request { group, number } = packet.purpose
        {
            self.services[group].sent.remove(number);
        }
        match reason {
            Reason::DecodeSpoofed | Reason::DecodeStaleGeneration => self.stats.fenced += 1,
            Reason::EncodeMuted | Reason::EncodeReplicaSilent if self.releasing => {
                return Err(Violation {
                    invariant: Invariant::I8,
                    moment: self.now,
                    words: format!(
                        "{host} releases its buffer and throws the answer away ({reason:?}): {:?}",
                        packet.purpose
                    ),
                });
            }
            _ => (),
        }
        Ok(())
    }

    fn is_quiet_after(&self, healed: Moment) -> bool {
        self.now.since(healed) > Duration::from_secs(60)
    }
}
