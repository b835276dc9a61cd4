//! A packet from the substrate or from a node of the own host: who may have sent it, and what its
//! destination does with it.

use messages::Time;

use super::{BUFFER_FRAMES_MAX, Effect, Entry, Plane, Role, Step, tag};
use crate::naming::{Host, plain_host};
use crate::packet::{Packet, Reason};

impl Plane {
    /// A packet comes from the substrate.
    pub fn receive(&mut self, packet: Packet, step: &mut Step<'_>) {
        match self.check_source(&packet, step.now) {
            Ok(()) => self.take(packet, step),
            Err(reason) => step.drop(reason, packet),
        }
    }

    /// Steps 11 to 13 of the order of checks.
    fn check_source(&self, packet: &Packet, now: Time) -> Result<(), Reason> {
        if !self.networks.contains(&packet.network) {
            return Err(Reason::DecodeUnknownNetwork);
        }
        let (owner, generation) = match self.position(packet.network, packet.source) {
            Some(group) => {
                let Some(entry) = &self.groups[group].entry else {
                    return Err(Reason::DecodeUnknownSource);
                };
                (entry.owner.ok_or(Reason::DecodeNoOwner)?, entry.generation)
            }
            None => (
                plain_host(packet.source).ok_or(Reason::DecodeUnknownSource)?,
                1,
            ),
        };
        if packet.outer_source != owner && !(packet.copy && self.may_copy(packet, now)) {
            return Err(Reason::DecodeSpoofed);
        }
        if packet.tag != tag(generation) {
            return Err(Reason::DecodeStaleGeneration);
        }
        Ok(())
    }

    /// Whether the outer source of a copy is a host that makes copies for its destination.
    fn may_copy(&self, packet: &Packet, now: Time) -> bool {
        let Some(group) = self.position(packet.network, packet.destination) else {
            return false;
        };
        let Some(entry) = &self.groups[group].entry else {
            return false;
        };
        let is_former = entry
            .copy_from
            .is_some_and(|(host, until)| host == packet.outer_source && now < until);
        is_former || entry.owner == Some(packet.outer_source)
    }

    /// Step 14: what the destination does with a packet that passed the checks.
    pub(super) fn take(&mut self, packet: Packet, step: &mut Step<'_>) {
        let Some(group) = self.position(packet.network, packet.destination) else {
            if plain_host(packet.destination) == Some(self.own) {
                step.effects.push(Effect::Accepted(packet));
                step.ledger.delivered += 1;
                step.effects.push(Effect::Delivered(packet));
            } else {
                step.drop(Reason::DecodeUnknownDestination, packet);
            }
            return;
        };
        let Some(Entry {
            owner,
            role: Some(role),
            copy_from,
            ..
        }) = &self.groups[group].entry
        else {
            step.drop(Reason::DecodeUnknownDestination, packet);
            return;
        };
        let (role, copy_from) = (*role, *copy_from);
        if owner.is_none() {
            step.drop(Reason::DecodeNoOwner, packet);
            return;
        }
        if !packet.copy || !self.groups[group].copying.by_primary {
            self.groups[group].senders[packet.outer_source.index()] = Some(step.now);
        }
        match role {
            Role::Replica => self.take_as_replica(group, packet, step),
            Role::Primary { hold } => {
                let refused = copy_from.is_some_and(|(host, until)| {
                    packet.copy && step.now < until && host != packet.outer_source
                });
                if refused {
                    step.drop(Reason::DecodeDuplicateCopy, packet);
                } else {
                    self.take_as_primary(group, hold, packet, step);
                }
            }
            Role::Forwarding { until, .. } if step.now < until && packet.copy => {
                step.drop(Reason::DecodeDuplicateCopy, packet);
            }
            Role::Forwarding { to, until } if step.now < until => self.send_on(to, packet, step),
            Role::Forwarding { .. } | Role::Fenced => {
                step.effects
                    .push(Effect::Misled(group, packet.outer_source));
                step.drop(Reason::DecodeFenced, packet);
            }
        }
    }

    fn take_as_replica(&mut self, group: usize, packet: Packet, step: &mut Step<'_>) {
        step.effects.push(Effect::Accepted(packet));
        let member = &mut self.groups[group];
        let Some(entry) = &member.entry else {
            return;
        };
        let buffer = entry.buffer;
        let lost = if buffer {
            member.buffer.len() == BUFFER_FRAMES_MAX
        } else {
            !member.port_up
        };
        if packet.copy {
            member.counted.received += u64::from(!lost);
            member.counted.lost += u64::from(lost);
            member.counted.from_owner += u64::from(entry.owner == Some(packet.outer_source));
        }
        if buffer {
            self.hold_back(group, packet, step);
        } else {
            self.deliver(group, packet, step);
        }
    }

    fn take_as_primary(&mut self, group: usize, hold: bool, packet: Packet, step: &mut Step<'_>) {
        step.effects.push(Effect::Accepted(packet));
        if self.groups[group].copying.by_primary && !packet.copy {
            let copies_to = match &self.groups[group].entry {
                Some(entry) => entry.copies_to.clone(),
                None => Vec::new(),
            };
            for to in copies_to {
                step.ledger.made += 1;
                let copy = Packet {
                    copy: true,
                    outer_source: self.own,
                    ..packet
                };
                step.effects.push(Effect::Transmit(to, copy));
            }
        }
        if hold {
            self.hold_back(group, packet, step);
        } else {
            self.deliver(group, packet, step);
        }
    }

    pub(super) fn hold_back(&mut self, group: usize, packet: Packet, step: &mut Step<'_>) {
        let buffer = &mut self.groups[group].buffer;
        if buffer.len() == BUFFER_FRAMES_MAX {
            step.drop(Reason::BufferFull, packet);
            return;
        }
        buffer.push_back((step.now, packet));
        step.ledger.buffered += 1;
        step.effects.push(Effect::Buffered(group, packet));
    }

    pub(super) fn deliver(&mut self, group: usize, packet: Packet, step: &mut Step<'_>) {
        if self.groups[group].port_up {
            step.ledger.delivered += 1;
            step.effects.push(Effect::Delivered(packet));
        } else {
            step.drop(Reason::PortDown, packet);
        }
    }

    pub(super) fn send_on(&mut self, to: Host, mut packet: Packet, step: &mut Step<'_>) {
        packet.copy = true;
        packet.outer_source = self.own;
        step.effects.push(Effect::Transmit(to, packet));
    }
}
