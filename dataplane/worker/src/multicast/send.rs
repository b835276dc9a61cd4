//! From a node to many.

use tables::multicast::{Audience, FarHost, Link};
use tables::{PortIndex, Snapshot};
use wire::drop_reason::DropReason;
use wire::encode::{self, Ipv4Facts};
use wire::ethernet::{self, EtherType};
use wire::packet::Packet;
use wire::protocol;

use super::{Course, destination_mac};
use crate::guest::{Crossing, Sender, send_across, source_mac};
use crate::io::BurstIo;
use crate::path::Path;

/// A packet of a node to many.
struct ToMany<'a> {
    tables: &'a Snapshot,
    sender: &'a Sender<'a>,
    facts: &'a Ipv4Facts,
    link: &'a Link,
    now_ns: u64,
}

/// Who gets one copy of it.
#[derive(Clone, Copy)]
enum Receiver<'a> {
    Far(&'a FarHost),
    Near(PortIndex),
}

impl<'a> ToMany<'a> {
    /// Everybody who listens, but for the sender.
    fn receivers(&self, audience: Audience<'a>) -> impl Iterator<Item = Receiver<'a>> + use<'a> {
        let sender = self.sender.port;
        let near = self.link.near_listeners(audience, self.now_ns);
        let far = self.link.far_listeners(audience, self.now_ns);
        far.map(Receiver::Far)
            .chain(near.filter(move |port| *port != sender).map(Receiver::Near))
    }

    /// The packet on its way to a host.
    fn crossing(&self, to: &'a FarHost) -> Crossing<'_> {
        Crossing {
            tables: self.tables,
            facts: self.facts,
            heading: self.sender.heading(&to.prefix, 0, false),
        }
    }

    /// The length of the frame that a receiver's copy is.
    fn frame_bytes(&self, receiver: Receiver<'a>) -> usize {
        let ip_bytes = match receiver {
            Receiver::Far(far) => self.crossing(far).bytes(),
            Receiver::Near(_) => self.facts.total_bytes.into(),
        };
        ethernet::HEADER_BYTES + ip_bytes
    }
}

impl<Io: BurstIo> Path<Io> {
    /// Sends a guest's packet to a group or to all, as often as it is due.
    #[cold]
    pub(crate) fn send_to_many(
        &mut self,
        tables: &Snapshot,
        sender: &Sender<'_>,
        packet: Io::Packet,
        facts: &Ipv4Facts,
    ) {
        let node = sender.node;
        let Some(link) = tables.multicast.link(node.network.get(), node.address) else {
            return self.drop_packet(sender.port, DropReason::EncodeNoMapping, packet);
        };
        if facts.protocol == protocol::IGMP {
            return self.hear_node(tables, sender, link, packet, facts);
        }
        let audience = match audience(link, facts) {
            Ok(audience) => audience,
            // Never told: RFC 1122 section 3.2.2.
            Err(reason) => return self.drop_packet(sender.port, reason, packet),
        };
        let to = ToMany {
            tables,
            sender,
            facts,
            link,
            now_ns: self.io.now_ns(),
        };
        let mut receivers = to.receivers(audience).peekable();
        if receivers.peek().is_none() {
            return self.drop_packet(sender.port, DropReason::NoSubscriber, packet);
        }
        self.counters.worker.multicast.sent.add(1);
        // The last one gets the packet itself; each other copy is a packet more.
        let mut packet = Some(packet);
        while let Some(receiver) = receivers.next() {
            let is_more = receivers.peek().is_some();
            self.counters.worker.copied.add(is_more.into());
            let bytes = to.frame_bytes(receiver);
            let copy = if !self.many.affords(link, sender.port, bytes, to.now_ns) {
                Err(DropReason::MulticastBudget)
            } else if is_more {
                let copy = packet.as_ref().and_then(|packet| self.io.copy(packet));
                copy.ok_or(DropReason::NoMbuf)
            } else {
                packet.take().ok_or(DropReason::NoMbuf)
            };
            let sent = copy.and_then(|copy| self.send_copy(&to, receiver, copy));
            if let Err(reason) = sent {
                self.lose_copy(sender.port, reason, is_more);
            }
        }
    }

    /// Sends one copy.
    fn send_copy(
        &mut self,
        to: &ToMany<'_>,
        receiver: Receiver<'_>,
        packet: Io::Packet,
    ) -> Result<(), DropReason> {
        match receiver {
            Receiver::Far(far) => self.send_to_host(to, far, packet),
            Receiver::Near(port) => self.give_to_neighbour(to, port, packet),
        }
    }

    fn send_to_host(
        &mut self,
        to: &ToMany<'_>,
        far: &FarHost,
        mut packet: Io::Packet,
    ) -> Result<(), DropReason> {
        let crossing = to.crossing(far);
        let to_hosts = |path: &Self| path.counters.worker.multicast.to_hosts.add(1);
        let paths = &to.tables.path_mtus;
        if !paths.fits(crossing.bytes(), far.host) {
            if to.facts.dont_fragment {
                // The others get theirs, and nobody is told.
                return Err(DropReason::EncodeTooBig);
            }
            let send = |path: &mut Self, fragment| {
                to_hosts(path);
                path.send(PortIndex::UPLINK, fragment);
            };
            self.too_big(to.sender, &crossing, packet, paths.to(far.host), send);
            return Ok(());
        }
        send_across(&crossing, &mut packet)?;
        self.count_options(to.facts);
        to_hosts(self);
        self.send(PortIndex::UPLINK, packet);
        Ok(())
    }

    /// Gives the packet, as its sender made it, to a node of this host.
    fn give_to_neighbour(
        &mut self,
        to: &ToMany<'_>,
        port: PortIndex,
        mut packet: Io::Packet,
    ) -> Result<(), DropReason> {
        let ToMany { tables, facts, .. } = *to;
        match self.course(tables, port)? {
            Course::Deliver(receiver) => {
                packet.truncate(ethernet::HEADER_BYTES + usize::from(facts.total_bytes));
                let destination = destination_mac(receiver, facts.destination);
                let source = source_mac(receiver, facts.source);
                ethernet::write(packet.bytes_mut(), destination, source, EtherType::IPV4);
                self.send(port, packet);
            }
            Course::Keep(index, member, receiver) => {
                // C, for the buffer alone: what is kept is not passed on after a move.
                let heading = to.sender.heading(&receiver.prefix, 0, true);
                encode::reheader(&mut packet, facts, &heading, &tables.fabric.rules)?;
                self.keep(index, member, &packet, to.now_ns);
            }
        }
        self.counters.worker.multicast.to_nodes.add(1);
        Ok(())
    }
}

/// Whom a packet is for, if it may be sent to many.
fn audience<'a>(link: &'a Link, facts: &Ipv4Facts) -> Result<Audience<'a>, DropReason> {
    if link.rules().is_never_forwarded(facts.destination) {
        return Err(DropReason::PolicyDenied);
    }
    let audience = link.audience(facts.destination);
    let audience = audience.ok_or(DropReason::EncodeNoMapping)?;
    match facts.ttl {
        0 => Err(DropReason::EncodeTtl),
        _ => Ok(audience),
    }
}
