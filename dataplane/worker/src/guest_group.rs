//! From a guest to a group: the original to the owner, copies to the members.

use tables::group::{CopyTo, FanOut};
use tables::{Group, GroupIndex, HostIndex, LocalMember, LocalNode, PortIndex, Snapshot};
use wire::address::Prefix96;
use wire::drop_reason::DropReason;
use wire::encode::{self, Ipv4Facts};
use wire::ethernet;
use wire::packet::Packet;

use crate::fan_out::Spread;
use crate::guest::{Crossing, Sender, deliver_here, send_across, virtual_routers};
use crate::icmp::Refusal;
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

    /// The packet on its way to the host of `destination`.
    fn crossing<'a>(&'a self, destination: &'a Prefix96, copy: bool) -> Crossing<'a> {
        Crossing {
            tables: self.spread.tables,
            facts: self.facts,
            heading: self.sender.heading(destination, self.virtual_routers, copy),
        }
    }

    /// The group's path MTU, if the packet exceeds it: the least of the paths to
    /// the owner and, where this host makes the copies, to the members (section 5).
    fn exceeds(&self, owner: HostIndex) -> Option<u16> {
        let spread = &self.spread;
        let paths = &spread.tables.path_mtus;
        let bytes = self.frame_bytes() - ethernet::HEADER_BYTES;
        if paths.fits_everywhere(bytes) {
            return None;
        }
        let ours = spread.is_ours_to_make();
        let members = spread.group.copies.iter().filter(|_| ours);
        let hosts = std::iter::once(owner).chain(members.map(|member| member.host));
        let elsewhere = hosts.filter(|host| *host != spread.tables.host.index);
        let least = elsewhere.map(|host| paths.to(host)).min()?;
        (bytes > usize::from(least)).then_some(least)
    }
}

impl<'a> Sender<'a> {
    /// What copies of its packets to a group have in common.
    fn spread(&self, tables: &'a Snapshot, index: GroupIndex, group: &'a Group) -> Spread<'a> {
        Spread {
            tables,
            index,
            group,
            port: self.port,
            source: &self.node.prefix,
            now_ns: self.now_ns,
        }
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
            Ok::<_, Refusal>((virtual_routers, group, owner))
        });
        let (virtual_routers, group, owner) = match checked {
            Ok(checked) => checked,
            Err(refusal) => return self.refuse(sender, refusal, packet),
        };
        let to_group = ToGroup {
            sender,
            facts,
            virtual_routers,
            spread: sender.spread(tables, index, group),
        };
        let too_big_for = to_group.exceeds(owner.host);
        if let Some(path_mtu) = too_big_for
            && facts.dont_fragment
        {
            // What cannot go to one host goes to none, or they would differ.
            let crossing = to_group.crossing(&owner.prefix, false);
            return self.too_big(sender, &crossing, packet, path_mtu, |_, _| ());
        }
        if owner.host == tables.host.index {
            self.send_to_owner_here(&to_group, packet, too_big_for);
        } else {
            self.send_to_owner_elsewhere(&to_group, &owner.prefix, packet, too_big_for);
        }
    }

    /// The owner is a node of this host: copies are made first, since delivery
    /// changes the packet, and wait behind nothing that the owner waits for.
    fn send_to_owner_here(
        &mut self,
        to: &ToGroup<'_>,
        packet: Io::Packet,
        too_big_for: Option<u16>,
    ) {
        if !self.is_copied_later(&to.spread) {
            match too_big_for {
                None => self.copy_to_members(to, &packet),
                Some(path_mtu) => self.copy_cut_to_members(to, &packet, path_mtu),
            }
        }
        self.give_to_member_here(to, packet, None);
    }

    /// Sends copies of a packet for the owner here to the members elsewhere.
    fn copy_to_members(&mut self, to: &ToGroup<'_>, packet: &Io::Packet) {
        let spread = &to.spread;
        let targets = self.targets(spread, to.frame_bytes());
        let Some(first) = targets.first() else {
            return;
        };
        let crossing = to.crossing(&first.prefix, true);
        let copied = self.io.copy(packet).ok_or(DropReason::NoMbuf);
        let headed = copied.and_then(|mut copy| send_across(&crossing, &mut copy).map(|()| copy));
        match headed {
            Ok(copy) => self.spread(spread, copy, targets),
            Err(reason) => self.none_made(spread, &targets, reason),
        }
    }

    /// The same for one that is too big for a path: the owner gets it whole, the
    /// others in fragments.
    #[cold]
    fn copy_cut_to_members(&mut self, to: &ToGroup<'_>, packet: &Io::Packet, path_mtu: u16) {
        let spread = &to.spread;
        let crossing = to.crossing(spread.source, true);
        let copied = self.io.copy(packet).ok_or(DropReason::NoMbuf);
        let cut = copied.and_then(|copy| {
            // Only where each fragment goes makes it a packet more.
            let cut = self.cut(&crossing, copy, path_mtu, |path, fragment| {
                let targets = path.targets(spread, fragment.frame_bytes());
                path.spread(spread, fragment, targets);
            });
            cut.map_err(|broken| broken.reason)
        });
        if let Err(reason) = cut {
            let targets = self.targets(spread, to.frame_bytes());
            self.none_made(spread, &targets, reason);
        }
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
        too_big_for: Option<u16>,
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
        let crossing = to.crossing(owner, false);
        if let Some(path_mtu) = too_big_for {
            let send = |path: &mut Self, fragment| path.send_with_copies(spread, fragment);
            return self.too_big(to.sender, &crossing, packet, path_mtu, send);
        }
        match send_across(&crossing, &mut packet) {
            Ok(()) => {
                self.count_options(to.facts);
                self.send_with_copies(spread, packet);
            }
            // What cannot go to the owner goes to no other host either.
            Err(reason) => self.drop_packet(to.sender.port, reason, packet),
        }
    }

    /// Sends an original that took the plain way: it is headed for an owner on another host, no
    /// member is here, and it fits every path.
    pub(crate) fn send_original(
        &mut self,
        tables: &Snapshot,
        sender: &Sender<'_>,
        index: GroupIndex,
        packet: Io::Packet,
    ) {
        match tables.group(index) {
            Some(group) => {
                let spread = sender.spread(tables, index, group);
                self.send_with_copies(&spread, packet);
            }
            None => self.send(PortIndex::UPLINK, packet),
        }
    }

    /// Sends a frame that is headed for the owner, and the copies of it that are
    /// due here.
    fn send_with_copies(&mut self, spread: &Spread<'_>, mut packet: Io::Packet) {
        if !spread.is_ours_to_make() {
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
            Decision::Forward(owner) => {
                let crossing = to.crossing(&owner.prefix, true);
                if !tables.path_mtus.fits(crossing.bytes(), owner.host) {
                    return Err((DropReason::EncodeTooBig, packet));
                }
                if let Err(reason) = send_across(&crossing, &mut packet) {
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
