//! What was kept, and what becomes of it: each round, before new packets.
//!
//! Frames leave in the order in which they came, ahead of live ones, which join
//! the end of the buffer while there is one. They go to the device directly, no
//! faster than [`replay`](crate::replay) says, nor than it takes them: what it
//! refuses stays in the buffer.

use tables::group::{Copies, FanOut, Owner};
use tables::{Group, GroupIndex, LocalMember, LocalNode, PortIndex, Role, Snapshot};
use wire::address::virtual_of;
use wire::copy;
use wire::decode::{self, Ipv6Facts, Overlay};
use wire::drop_reason::DropReason;
use wire::ethernet::{self, EtherType};
use wire::packet::Packet;

use crate::fan_out::Spread;
use crate::guest::source_mac;
use crate::io::{BURST_PACKETS_MAX, Burst, BurstIo};
use crate::member::{member_of, readdress_onward};
use crate::multicast::destination_mac;
use crate::path::{LocalIds, Path};
use crate::replication::MemberBuffer;

/// Frames of one member that a round drops because of their age: freeing a
/// whole buffer at once would hold up everybody else.
const OLD_FRAMES_MAX: usize = 1024;

/// The time between two bursts to a port of another worker, which does not say
/// what its device takes: 320,000 frames a second.
const HAND_OVER_GAP_NS: u64 = 100_000;

/// A member whose frames are served.
struct Served<'a> {
    tables: &'a Snapshot,
    index: GroupIndex,
    group: &'a Group,
    member: &'a LocalMember,
    node: &'a LocalNode,
    now_ns: u64,
}

/// What is to be done with frames that are old enough to stay.
enum Course {
    Stay,
    ToGuest,
    Onward(Owner),
    Away,
}

impl<Io: BurstIo> Path<Io> {
    /// Serves every member that has frames kept. Returns how many it moved.
    #[inline]
    pub(crate) fn serve_buffers(&mut self, tables: &Snapshot, now_ns: u64) -> usize {
        if self.replication.holding == 0 {
            return 0;
        }
        self.serve_held(tables, now_ns)
    }

    fn serve_held(&mut self, tables: &Snapshot, now_ns: u64) -> usize {
        let mut moved = 0;
        for position in 0..self.replication.buffers.len() {
            if let Some(index) = GroupIndex::new(position)
                && let Some((_, member, _)) = member_of(tables, index)
            {
                self.forget_before_move(index, member);
            }
            // Taken out while it is served, so that the rest of the path can be
            // used meanwhile. Moves a few words.
            let Some(mut buffer) = self.replication.buffers[position].take() else {
                continue;
            };
            if let Some(index) = GroupIndex::new(position).filter(|_| !buffer.frames.is_empty()) {
                moved += self.serve(tables, index, &mut buffer, now_ns);
                if buffer.frames.is_empty() {
                    self.replication.holding -= 1;
                    buffer.replay.stop();
                }
                if let Some(counters) = self.counters.group(index) {
                    counters.held.packets.set(buffer.frames.packets().into());
                    counters.held.bytes.set(buffer.frames.bytes());
                    if let Some(oldest) = buffer.frames.oldest() {
                        counters.held_since_ns.set(oldest.received_ns);
                    }
                }
            }
            self.replication.buffers[position] = Some(buffer);
        }
        moved
    }

    fn serve(
        &mut self,
        tables: &Snapshot,
        index: GroupIndex,
        buffer: &mut MemberBuffer,
        now_ns: u64,
    ) -> usize {
        let Some((group, member, node)) = member_of(tables, index) else {
            return self.throw_away(index, buffer);
        };
        let course = match member.role {
            Role::Fenced => Course::Away,
            Role::Forwarding { to, prefix } => Course::Onward(Owner { host: to, prefix }),
            Role::Primary { hold: true } => Course::Stay,
            Role::Replica if member.copies == Copies::Buffer => Course::Stay,
            // A replica that delivers has frames only if it was the primary on
            // hold; its guest gets them as it gets copies.
            Role::Primary { hold: false } | Role::Replica => Course::ToGuest,
        };
        if let Course::Away = course {
            return self.throw_away(index, buffer);
        }
        let old = self.drop_old(index, member, buffer, now_ns);
        if old == OLD_FRAMES_MAX {
            return old;
        }
        let served = Served {
            tables,
            index,
            group,
            member,
            node,
            now_ns,
        };
        if let Course::Stay = course {
            buffer.replay.stop();
            return old;
        }
        let Some(oldest) = buffer.frames.oldest() else {
            return old;
        };
        buffer.due_ns = buffer.replay.until(oldest.received_ns, now_ns);
        old + match course {
            Course::ToGuest => self.release(&served, buffer, |_| true),
            Course::Onward(to) => self.settle_move(&served, &to, buffer),
            Course::Stay | Course::Away => 0,
        }
    }

    /// Drops everything: it is of no use any more.
    fn throw_away(&self, index: GroupIndex, buffer: &mut MemberBuffer) -> usize {
        let count = buffer.frames.packets();
        buffer.frames.clear();
        if let Some(counters) = self.counters.group(index) {
            counters.discarded.add(count.into());
        }
        count as usize
    }

    /// Drops the oldest frames that a checkpoint includes, or that are too old.
    fn drop_old(
        &self,
        index: GroupIndex,
        member: &LocalMember,
        buffer: &mut MemberBuffer,
        now_ns: u64,
    ) -> usize {
        let (mut checkpointed, mut expired) = (0, 0);
        while checkpointed + expired < OLD_FRAMES_MAX as u64
            && let Some(oldest) = buffer.frames.oldest()
        {
            if oldest.received_ns < member.discard_before_ns {
                checkpointed += 1;
            } else if now_ns.saturating_sub(oldest.received_ns) > member.limits.age_ns {
                expired += 1;
            } else {
                break;
            }
            buffer.frames.remove_oldest();
        }
        if expired > 0 {
            let port = self.counters.port(member.port);
            port.drop(DropReason::BufferExpired, expired);
        }
        if let Some(counters) = self.counters.group(index) {
            counters.checkpointed.add(checkpointed);
            counters.expired.add(expired);
            counters.lost.add(expired);
        }
        (checkpointed + expired) as usize
    }

    /// At the old owner of a planned move: originals are the new owner's. A copy among them was
    /// sent by a host that knew of the move before this one did, with the original to the new
    /// owner: it is for the replica that the guest here has become.
    fn settle_move(&mut self, served: &Served<'_>, to: &Owner, buffer: &mut MemberBuffer) -> usize {
        let next_is_copy = |buffer: &MemberBuffer| {
            let oldest = buffer.frames.oldest();
            oldest.is_some_and(|kept| copy::is_copy(kept.frame))
        };
        if !next_is_copy(buffer) {
            return self.pass_on(served, to, buffer);
        }
        if served.member.copies == Copies::Deliver {
            return self.release(served, buffer, copy::is_copy);
        }
        // The new owner starts from the state of this guest, which has not seen it.
        let mut count = 0;
        while count < OLD_FRAMES_MAX && next_is_copy(buffer) {
            buffer.frames.remove_oldest();
            count += 1;
        }
        if let Some(counters) = self.counters.group(served.index) {
            counters.discarded.add(count as u64);
        }
        count
    }

    /// Gives the guest what it takes of the oldest frames, up to the first that is not `due`.
    fn release(
        &mut self,
        served: &Served<'_>,
        buffer: &mut MemberBuffer,
        due: impl Fn(&[u8]) -> bool,
    ) -> usize {
        let Served {
            tables,
            member,
            node,
            now_ns,
            ..
        } = *served;
        if now_ns < buffer.next_attempt_ns {
            return 0;
        }
        let mut burst = Burst::new();
        let frames = buffer.frames.iter().take(buffer.attempt_packets);
        for kept in frames.take_while(|kept| kept.received_ns <= buffer.due_ns && due(kept.frame)) {
            let Some(mut packet) = self.io.allocate(kept.frame) else {
                break;
            };
            restore(tables, node, member.port, &mut packet, &mut self.local_ids);
            burst.push(packet);
        }
        if self.is_foreign(member.port) {
            buffer.next_attempt_ns = now_ns.saturating_add(HAND_OVER_GAP_NS);
        }
        let spoken_for = matches!(member.role, Role::Primary { .. });
        let taken = self.give(served, member.port, spoken_for, &mut burst, buffer);
        if let Some(counters) = self.counters.group(served.index) {
            counters.released.add(taken as u64);
        }
        taken
    }

    /// Sends the new owner what the uplink takes of the oldest originals.
    fn pass_on(&mut self, served: &Served<'_>, to: &Owner, buffer: &mut MemberBuffer) -> usize {
        let (tables, source) = (served.tables, &served.node.prefix);
        let mut burst = Burst::new();
        let mut too_big = false;
        let frames = buffer.frames.iter().take(buffer.attempt_packets);
        for kept in frames
            .take_while(|kept| kept.received_ns <= buffer.due_ns && !copy::is_copy(kept.frame))
        {
            let Some(mut packet) = self.io.allocate(kept.frame) else {
                break;
            };
            match readdress_onward(tables, source, to, packet.bytes_mut()) {
                Ok(()) => burst.push(packet),
                Err(reason) => {
                    // Without a next hop the frame waits, until it is too old.
                    too_big = reason == DropReason::EncodeTooBig;
                    break;
                }
            }
        }
        if too_big && burst.is_empty() {
            self.lose_oldest(served, buffer, DropReason::EncodeTooBig);
            return 1;
        }
        let taken = self.give(served, PortIndex::UPLINK, true, &mut burst, buffer);
        if let Some(counters) = self.counters.group(served.index) {
            counters.passed_on.add(taken as u64);
            counters.forwarded.add(taken as u64);
        }
        taken
    }

    /// Drops the oldest frame, which can go nowhere.
    #[cold]
    fn lose_oldest(&self, served: &Served<'_>, buffer: &mut MemberBuffer, reason: DropReason) {
        buffer.frames.remove_oldest();
        self.counters.port(served.member.port).drop(reason, 1);
        if let Some(counters) = self.counters.group(served.index) {
            counters.expired.add(1);
            counters.lost.add(1);
        }
    }

    /// Sends a burst that was made of the oldest frames, and removes those that
    /// were taken; `spoken_for` are those of which this host makes the primary's
    /// copies. The next attempt is as large as this one was successful.
    fn give(
        &mut self,
        served: &Served<'_>,
        port: PortIndex,
        spoken_for: bool,
        burst: &mut Burst<Io::Packet>,
        buffer: &mut MemberBuffer,
    ) -> usize {
        let offered = burst.len();
        let taken = self.offer(port, burst);
        burst.clear();
        let copies = spoken_for && served.group.fan_out == FanOut::Primary;
        for _ in 0..taken {
            if copies
                && let Some(kept) = buffer.frames.oldest()
                && !copy::is_copy(kept.frame)
            {
                self.copy_onward(&served.spread(), kept.frame);
            }
            buffer.frames.remove_oldest();
        }
        buffer.attempt_packets = if taken < offered {
            taken.max(1)
        } else {
            (buffer.attempt_packets * 2).min(BURST_PACKETS_MAX)
        };
        taken
    }
}

impl<'a> Served<'a> {
    fn spread(&self) -> Spread<'a> {
        Spread {
            tables: self.tables,
            index: self.index,
            group: self.group,
            // Long past the port where it came in: the member's own.
            port: self.member.port,
            source: &self.node.prefix,
            now_ns: self.now_ns,
        }
    }
}

/// Makes a frame that was kept the IPv4 packet that the guest expects.
fn restore<P: Packet>(
    tables: &Snapshot,
    node: &LocalNode,
    port: PortIndex,
    packet: &mut P,
    local_ids: &mut LocalIds,
) {
    let rules = &tables.fabric.rules;
    let ip = &packet.bytes()[ethernet::HEADER_BYTES..];
    let facts = Ipv6Facts::parse(ip).expect("only frames that were parsed are kept");
    let overlay = Overlay::parse(&facts, ip, rules).expect("only frames that were parsed are kept");
    decode::restore(packet, &facts, &overlay, || local_ids.take(port), rules);
    let source = source_mac(node, virtual_of(&facts.source));
    let destination = destination_mac(node, virtual_of(&facts.destination));
    ethernet::write(packet.bytes_mut(), destination, source, EtherType::IPV4);
}
