//! A packet for the member of this host: counted, judged by its role, then
//! delivered, kept, passed on or dropped.
//!
//! Both ways in end here: from the substrate, and from a node of this host. What
//! is kept is kept in the form in which it crosses the substrate, so that it can
//! be restored or passed on later, wherever it came from.

use tables::group::Owner;
use tables::{Group, GroupIndex, HostIndex, LocalMember, PortIndex, Snapshot};
use wire::address::Prefix96;
use wire::copy;
use wire::drop_reason::DropReason;
use wire::ethernet::{self, EtherType};
use wire::packet::Packet;

use crate::fan_out::Spread;
use crate::io::BurstIo;
use crate::path::Path;
use crate::role::{Arrival, Decision, copies_now, decide};
use crate::substrate::Candidate;

/// A genuine packet, and which hosts vouch for it.
pub(crate) struct Genuine {
    /// The host that sent it, by its outer source.
    pub(crate) from: HostIndex,
    /// The host of its inner source.
    pub(crate) sender: HostIndex,
}

impl<Io: BurstIo> Path<Io> {
    /// Ends a genuine packet from the substrate at the member of this host.
    pub(crate) fn member_takes(
        &mut self,
        tables: &Snapshot,
        index: GroupIndex,
        mut packet: Io::Packet,
        candidate: &Candidate<'_>,
        genuine: &Genuine,
        now_ns: u64,
    ) {
        const PORT: PortIndex = PortIndex::UPLINK;
        let Some((group, member, node)) = member_of(tables, index) else {
            return self.drop_packet(PORT, DropReason::PortDown, packet);
        };
        let arrival = Arrival {
            copy: candidate.overlay.label.copy,
            from: genuine.from,
            now_ns,
        };
        let decision = self.judge(index, group, member, arrival, genuine.sender);
        let frame_bytes = candidate.frame_bytes();
        if !arrival.copy && copies_now(group, member, decision) {
            let spread = Spread {
                tables,
                index,
                group,
                port: PORT,
                source: &node.prefix,
                now_ns,
            };
            self.copy_onward(&spread, &packet.bytes()[..frame_bytes]);
        }
        match decision {
            Decision::Deliver => match self.restore(tables, member.port, &mut packet, candidate) {
                Ok(port) => self.send(port, packet),
                Err(reason) => self.drop_packet(PORT, reason, packet),
            },
            Decision::Keep => {
                packet.truncate(frame_bytes);
                self.keep(index, member, &packet, now_ns);
            }
            Decision::Forward(to) => {
                packet.truncate(frame_bytes);
                self.forward_late(tables, index, PORT, &node.prefix, &to, packet);
            }
            Decision::Refuse(reason) => self.drop_packet(PORT, reason, packet),
        }
    }

    /// Counts a packet for the member here, and decides what becomes of it.
    pub(crate) fn judge(
        &mut self,
        index: GroupIndex,
        group: &Group,
        member: &LocalMember,
        arrival: Arrival,
        sender: HostIndex,
    ) -> Decision {
        if let Some(counters) = self.counters.group(index) {
            if let Some(packets) = counters.packets_from(sender) {
                packets.add(1);
            }
            if let Some(copies) = counters.copies_from(arrival.from).filter(|_| arrival.copy) {
                copies.add(1);
            }
        }
        let holding = self.replication.is_holding(index);
        let decision = decide(group, member, arrival, holding);
        if decision == Decision::Refuse(DropReason::DecodeFenced) {
            self.replication
                .notice_fenced(&mut self.notices, index, arrival.from, arrival.now_ns);
        }
        decision
    }

    /// Appends a frame, in its substrate form and without padding, to the
    /// member's buffer.
    pub(crate) fn keep(
        &mut self,
        index: GroupIndex,
        member: &LocalMember,
        packet: &Io::Packet,
        now_ns: u64,
    ) {
        self.forget_before_move(index, member);
        let frame = packet.bytes();
        let buffer = self.replication.buffers.get_mut(index.index());
        let kept = match buffer {
            Some(Some(buffer)) => {
                let was_empty = buffer.frames.is_empty();
                let kept = buffer.frames.push(now_ns, frame).is_ok();
                self.replication.holding += usize::from(was_empty && kept);
                kept
            }
            _ => false,
        };
        let counters = self.counters.group(index);
        if kept {
            if let Some(counters) = counters {
                counters.buffered.packets.add(1);
                counters.buffered.bytes.add(frame.len() as u64);
                counters.held.packets.add(1);
                counters.held.bytes.add(frame.len() as u64);
            }
        } else {
            // As with a full device: at the port where it should have gone out.
            self.counters
                .port(member.port)
                .drop(DropReason::BufferFull, 1);
            if let Some(counters) = counters {
                counters.lost.add(1);
            }
        }
    }

    /// At the new owner of a planned move: drops what this worker kept while it did not know of the
    /// move. Its times do not tell: a copy that came after the grant, and was kept by the tables
    /// from before, is queued at the old owner as well.
    pub(crate) fn forget_before_move(&mut self, index: GroupIndex, member: &LocalMember) {
        let moved_ns = member.discard_before_ns;
        let Some(Some(buffer)) = self.replication.buffers.get_mut(index.index()) else {
            return;
        };
        if member.copy_from.is_none() || buffer.moved_ns >= moved_ns {
            return;
        }
        buffer.moved_ns = moved_ns;
        let count = buffer.frames.packets();
        if count == 0 {
            return;
        }
        buffer.frames.clear();
        self.replication.holding -= 1;
        if let Some(counters) = self.counters.group(index) {
            counters.discarded.add(count.into());
            counters.held.packets.set(0);
            counters.held.bytes.set(0);
        }
    }

    /// Sends a late packet of a former owner on to the new one. It came in at
    /// `port` and is in its substrate form.
    pub(crate) fn forward_late(
        &mut self,
        tables: &Snapshot,
        index: GroupIndex,
        port: PortIndex,
        source: &Prefix96,
        to: &Owner,
        mut packet: Io::Packet,
    ) {
        match readdress_onward(tables, source, to, packet.bytes_mut()) {
            Ok(()) => {
                if let Some(counters) = self.counters.group(index) {
                    counters.forwarded.add(1);
                }
                self.send(PortIndex::UPLINK, packet);
            }
            Err(reason) => self.drop_packet(port, reason, packet),
        }
    }
}

/// A group, its member here, and the node behind that one's port.
pub(crate) fn member_of(
    tables: &Snapshot,
    index: GroupIndex,
) -> Option<(&Group, &LocalMember, &tables::LocalNode)> {
    let group = tables.group(index)?;
    let member = group.local.as_ref()?;
    Some((group, member, tables.node(member.port)?))
}

/// Makes a frame in its substrate form a copy for the new owner of its
/// destination.
pub(crate) fn readdress_onward(
    tables: &Snapshot,
    source: &Prefix96,
    to: &Owner,
    frame: &mut [u8],
) -> Result<(), DropReason> {
    let uplink = &tables.uplink;
    let bytes = frame.len() - ethernet::HEADER_BYTES;
    if !tables.path_mtus.fits(bytes, to.host) {
        return Err(DropReason::EncodeTooBig);
    }
    let next_hop = uplink.next_hop_mac.ok_or(DropReason::NoNextHop)?;
    copy::readdress(frame, source, &to.prefix);
    ethernet::write(frame, next_hop, uplink.mac, EtherType::IPV6);
    Ok(())
}
