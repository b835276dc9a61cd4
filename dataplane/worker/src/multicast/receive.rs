//! From another host to many.

use tables::multicast::{Audience, Link, is_for_many};
use tables::{PortIndex, Snapshot};
use wire::copy;
use wire::drop_reason::DropReason;
use wire::ethernet::{self, EtherType};
use wire::packet::Packet;
use wire::{igmp, protocol};

use super::{Course, destination_mac};
use crate::guest::source_mac;
use crate::io::BurstIo;
use crate::path::Path;
use crate::substrate::Candidate;

/// Whom a packet to many is for.
pub(crate) enum ForMany<'a> {
    /// Those who listen.
    Listeners(&'a Link, Audience<'a>),
    /// This host: what a node of another listens to.
    Us(&'a Link),
}

/// Step 11 for a destination without a mapping: whether it names many on some link of its
/// network. The link itself is that of the sender, who is not known yet.
pub(crate) fn names_many(tables: &Snapshot, candidate: &Candidate<'_>) -> bool {
    let destination = candidate.destination();
    let of_network = |link: &&Link| link.network().get() == destination.network_bits();
    let mut links = tables.multicast.links().filter(of_network);
    let is_leave =
        candidate.overlay.protocol == protocol::IGMP && destination.address() == igmp::ALL_ROUTERS;
    links.any(|link| is_leave || link.audience(destination.address()).is_some())
}

/// Whom it is for, once its source is known to be genuine: the rest of step 11, and step 15.
///
/// # Errors
/// The reason for which it ends.
pub(crate) fn for_many<'a>(
    tables: &'a Snapshot,
    candidate: &Candidate<'_>,
) -> Result<ForMany<'a>, DropReason> {
    let destination = candidate.destination();
    let sender = tables.place(candidate.source);
    // That of the node, if the source lies behind one.
    let link = sender.and_then(|sender| {
        let network = destination.network_bits();
        tables.multicast.link(network, sender.key.address())
    });
    let link = link.ok_or(DropReason::DecodeUnknownDestination)?;
    if candidate.overlay.protocol == protocol::IGMP && is_for_many(destination.address()) {
        return Ok(ForMany::Us(link));
    }
    match link.audience(destination.address()) {
        Some(audience) => Ok(ForMany::Listeners(link, audience)),
        None => Err(DropReason::DecodeUnknownDestination),
    }
}

impl<Io: BurstIo> Path<Io> {
    /// Ends a genuine packet to many.
    #[cold]
    pub(crate) fn many_take(
        &mut self,
        tables: &Snapshot,
        packet: Io::Packet,
        candidate: &Candidate<'_>,
        whom: &ForMany<'_>,
    ) {
        let (link, audience) = match whom {
            ForMany::Us(link) => return self.hear_host(tables, link, packet, candidate),
            ForMany::Listeners(link, audience) => (link, *audience),
        };
        let now_ns = self.io.now_ns();
        let mut listeners = link.near_listeners(audience, now_ns).peekable();
        if listeners.peek().is_none() {
            return self.drop_packet(PortIndex::UPLINK, DropReason::NoSubscriber, packet);
        }
        let mut packet = Some(packet);
        while let Some(port) = listeners.next() {
            let is_more = listeners.peek().is_some();
            self.counters.worker.copied.add(is_more.into());
            let copy = if is_more {
                packet.as_ref().and_then(|packet| self.io.copy(packet))
            } else {
                packet.take()
            };
            let given = copy
                .ok_or(DropReason::NoMbuf)
                .and_then(|copy| self.give_to_node(tables, port, copy, candidate, now_ns));
            if let Err(reason) = given {
                self.lose_copy(PortIndex::UPLINK, reason, is_more);
            }
        }
    }

    /// Gives a packet in its substrate form to a node of this host.
    fn give_to_node(
        &mut self,
        tables: &Snapshot,
        port: PortIndex,
        mut packet: Io::Packet,
        candidate: &Candidate<'_>,
        now_ns: u64,
    ) -> Result<(), DropReason> {
        match self.course(tables, port)? {
            Course::Deliver(receiver) => {
                self.restore(tables, port, &mut packet, candidate)?;
                let destination = destination_mac(receiver, candidate.destination().address());
                let source = source_mac(receiver, candidate.source.key().address());
                ethernet::write(packet.bytes_mut(), destination, source, EtherType::IPV4);
                self.send(port, packet);
            }
            Course::Keep(index, member, _) => {
                packet.truncate(candidate.frame_bytes());
                // For the buffer alone: what is kept is not passed on after a move.
                copy::mark(packet.bytes_mut());
                self.keep(index, member, &packet, now_ns);
            }
        }
        self.counters.worker.multicast.to_nodes.add(1);
        Ok(())
    }
}
