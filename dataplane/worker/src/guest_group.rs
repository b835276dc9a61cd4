//! From a guest to a group: the original to the owner, copies to the members.

use tables::group::{CopyTo, FanOut};
use tables::{GroupIndex, LocalMember, LocalNode, PortIndex, Snapshot};
use wire::address::Prefix96;
use wire::drop_reason::DropReason;
use wire::encode::{self, Ipv4Facts};
use wire::ethernet;
use wire::packet::Packet;

use crate::fan_out::{Spread, Targets};
use crate::guest::{Sender, deliver_here, send_across, virtual_routers};
use crate::io::BurstIo;
use crate::member::member_of;
use crate::path::Path;
use crate::role::{Arrival, Decision, decide};

/// What is known of one packet of a guest to a group.
struct ToGroup<'a> {
    sender: &'a Sender<'a>,
    facts: &'a Ipv4Facts,
    virtual_routers: u8,
    spread: Spread<'a>,
}

impl ToGroup<'_> {
    /// The length of the frame in its substrate form.
    fn frame_bytes(&self) -> usize {
        let rules = &self.spread.tables.fabric.rules;
        ethernet::HEADER_BYTES
            + encode::head_bytes(self.facts, rules)
            + usize::from(self.facts.payload_bytes())
    }
}

impl<Io: BurstIo> Path<Io> {
    /// Sends a guest's packet to a group, as often as it is due.
    pub(crate) fn send_to_group(
        &mut self,
        tables: &Snapshot,
        sender: &Sender<'_>,
        index: GroupIndex,
        packet: Io::Packet,
        facts: &Ipv4Facts,
    ) {
        let checked = virtual_routers(sender.node, facts).and_then(|virtual_routers| {
            let group = tables.group(index).ok_or(DropReason::EncodeNoMapping)?;
            let owner = group.owner.as_ref().ok_or(DropReason::DecodeNoOwner)?;
            Ok((virtual_routers, group, owner))
        });
        let (virtual_routers, group, owner) = match checked {
            Ok(checked) => checked,
            Err(reason) => return self.drop_packet(sender.port, reason, packet),
        };
        let to_group = ToGroup {
            sender,
            facts,
            virtual_routers,
            spread: Spread {
                tables,
                index,
                group,
                port: sender.port,
                source: &sender.node.prefix,
                now_ns: sender.now_ns,
            },
        };
        if owner.host == tables.host.index {
            self.send_to_owner_here(&to_group, packet);
        } else {
            self.send_to_owner_elsewhere(&to_group, &owner.prefix, packet);
        }
    }

    /// The owner is a node of this host: copies are made first, since delivery
    /// changes the packet, and wait behind nothing that the owner waits for.
    fn send_to_owner_here(&mut self, to: &ToGroup<'_>, packet: Io::Packet) {
        let spread = &to.spread;
        let targets = match self.is_copied_later(spread) {
            true => Targets::new(),
            false => self.targets(spread, to.frame_bytes()),
        };
        if let Some(first) = targets.first() {
            let heading = to.sender.heading(&first.prefix, to.virtual_routers, true);
            let copied = self.io.copy(&packet).ok_or(DropReason::NoMbuf);
            let headed = copied.and_then(|mut copy| {
                send_across(spread.tables, &mut copy, to.facts, &heading).map(|()| copy)
            });
            match headed {
                Ok(copy) => self.spread(spread, copy, targets),
                Err(reason) => self.none_made(spread, &targets, reason),
            }
        }
        self.give_to_member_here(to, packet, None);
    }

    /// Whether the copies of an original for the owner here are made when it
    /// leaves the buffer.
    fn is_copied_later(&self, spread: &Spread<'_>) -> bool {
        let Some(member) = &spread.group.local else {
            return false;
        };
        let original = Arrival {
            copy: false,
            from: spread.tables.host.index,
            now_ns: spread.now_ns,
        };
        let holding = self.replication.is_holding(spread.index);
        spread.group.fan_out == FanOut::Primary
            && decide(spread.group, member, original, holding) == Decision::Keep
    }

    /// The owner is elsewhere, and at most one of the other members here.
    fn send_to_owner_elsewhere(
        &mut self,
        to: &ToGroup<'_>,
        owner: &Prefix96,
        mut packet: Io::Packet,
    ) {
        let spread = &to.spread;
        let ours = spread.is_ours_to_make();
        let here = |copy: &&CopyTo| copy.host == spread.tables.host.index;
        if let Some(here) = spread.group.copies.iter().find(here).filter(|_| ours)
            && self.is_affordable(spread, here, to.frame_bytes())
        {
            match self.io.copy(&packet) {
                Some(copy) => self.give_to_member_here(to, copy, Some(here)),
                None => self.not_made(spread, here, DropReason::NoMbuf),
            }
        }
        let heading = to.sender.heading(owner, to.virtual_routers, false);
        if let Err(reason) = send_across(spread.tables, &mut packet, to.facts, &heading) {
            // What cannot go to the owner goes to no other host either.
            return self.drop_packet(to.sender.port, reason, packet);
        }
        if to.facts.options_bytes() > 0 {
            self.counters.worker.options_stripped.add(1);
        }
        if !ours {
            return self.send(PortIndex::UPLINK, packet);
        }
        let targets = self.targets(spread, packet.frame_bytes());
        let copies = self.copies_of(spread, &mut packet, &targets);
        self.send(PortIndex::UPLINK, packet);
        for copy in copies {
            self.send(PortIndex::UPLINK, copy);
        }
    }

    /// Gives a packet as the guest sent it to the member of this host. `copy` is
    /// what makes it a copy.
    fn give_to_member_here(&mut self, to: &ToGroup<'_>, packet: Io::Packet, copy: Option<&CopyTo>) {
        let spread = &to.spread;
        let Some((group, member, receiver)) = member_of(spread.tables, spread.index) else {
            return self.drop_packet(to.sender.port, DropReason::PortDown, packet);
        };
        if let Some(copy) = copy {
            self.count_sent(spread, copy, to.frame_bytes());
        }
        let me = spread.tables.host.index;
        let arrival = Arrival {
            copy: copy.is_some(),
            from: me,
            now_ns: spread.now_ns,
        };
        let decision = self.judge(spread.index, group, member, arrival, me);
        let carried_out = self.carry_out(to, member, receiver, decision, copy.is_some(), packet);
        if let Err((reason, packet)) = carried_out {
            self.drop_packet(to.sender.port, reason, packet);
        }
    }

    /// Does with a packet of a node of this host what the member here decided.
    fn carry_out(
        &mut self,
        to: &ToGroup<'_>,
        member: &LocalMember,
        receiver: &LocalNode,
        decision: Decision,
        copy: bool,
        mut packet: Io::Packet,
    ) -> Result<(), (DropReason, Io::Packet)> {
        let Spread { tables, index, .. } = to.spread;
        let routers = to.virtual_routers;
        match decision {
            Decision::Deliver => {
                match deliver_here(tables, member.port, &mut packet, to.facts, routers) {
                    Ok(()) => self.send(member.port, packet),
                    Err(reason) => return Err((reason, packet)),
                }
            }
            Decision::Keep => {
                let heading = to.sender.heading(&receiver.prefix, routers, copy);
                let rules = &tables.fabric.rules;
                if let Err(reason) = encode::reheader(&mut packet, to.facts, &heading, rules) {
                    return Err((reason, packet));
                }
                self.keep(index, member, &packet, to.spread.now_ns);
            }
            Decision::Forward(prefix) => {
                let heading = to.sender.heading(&prefix, routers, true);
                if let Err(reason) = send_across(tables, &mut packet, to.facts, &heading) {
                    return Err((reason, packet));
                }
                if let Some(counters) = self.counters.group(index) {
                    counters.forwarded.add(1);
                }
                self.send(PortIndex::UPLINK, packet);
            }
            Decision::Refuse(reason) => return Err((reason, packet)),
        }
        Ok(())
    }
}
