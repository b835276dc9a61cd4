//! The virtual router between the subnets of a network: what reaches it because
//! its destination has no mapping.
//!
//! It forwards to nodes behind which other addresses lie, answers ping, and
//! refuses what is for all nodes of a subnet; whatever is left may be for a host
//! outside the overlay. That it takes one from the TTL, and
//! says so when nothing is left, is true of every packet between subnets.

use std::net::Ipv4Addr;

use tables::multicast::is_for_many;
use tables::{Key, LocalNode, Snapshot};
use wire::drop_reason::DropReason;
use wire::encode::Ipv4Facts;
use wire::ethernet::{self, EtherType, MacAddress};
use wire::icmpv4;
use wire::packet::Packet;

use crate::guest::Sender;
use crate::icmp::Refusal;
use crate::io::BurstIo;
use crate::path::Path;

/// Whether a node speaks for `source` although that is not its own address: it
/// lies behind the node.
#[cold]
pub(crate) fn lies_behind(tables: &Snapshot, node: &LocalNode, source: Ipv4Addr) -> bool {
    let key = Key::new(node.network, source);
    let router = tables.router(node.network.get());
    router.and_then(|router| router.via(source)) == Some(node.address)
        && tables.mappings.find(key).is_none()
}

impl<Io: BurstIo> Path<Io> {
    /// Handles a guest's packet whose destination has no mapping.
    pub(crate) fn ask_router(
        &mut self,
        tables: &Snapshot,
        sender: &Sender<'_>,
        packet: Io::Packet,
        facts: &Ipv4Facts,
        key: Key,
    ) {
        let destination = facts.destination;
        if is_for_many(destination) || sender.node.subnet.is_last(destination) {
            return self.send_to_many(tables, sender, packet, facts);
        }
        if let Some(entry) = tables.routed(key) {
            // Back to whoever sent it: it would go round until its TTL ends.
            if entry.local_port() == Some(sender.port) {
                return self.drop_packet(sender.port, DropReason::EncodeMartian, packet);
            }
            return self.send_to(tables, sender, packet, facts, entry);
        }
        let router = tables.router(sender.node.network.get());
        let on_link = sender.node.subnet.contains(facts.destination);
        match router {
            Some(router) if router.is_own(facts.destination) => {
                self.answer_ping(sender, packet, facts);
            }
            Some(router) if !on_link && router.is_directed_broadcast(facts.destination) => {
                self.drop_packet(sender.port, DropReason::PolicyDenied, packet);
            }
            _ => self.send_to_stranger(tables, sender, packet, facts),
        }
    }

    /// Turns an echo request to the router into its answer, in place.
    #[cold]
    fn answer_ping(&mut self, sender: &Sender<'_>, mut packet: Io::Packet, facts: &Ipv4Facts) {
        if facts.ttl == 0 {
            return self.refuse(sender, Refusal::TTL, packet);
        }
        let for_many = ethernet::parse(packet.bytes())
            .is_none_or(|(header, _)| header.destination.is_multicast());
        let ip = packet.bytes_mut().get_mut(ethernet::HEADER_BYTES..);
        let answered = ip.filter(|_| !for_many).and_then(icmpv4::answer_echo);
        let Some(bytes) = answered else {
            return self.drop_packet(sender.port, DropReason::EncodeNoMapping, packet);
        };
        packet.truncate(ethernet::HEADER_BYTES + bytes);
        let (node, router) = (sender.node, sender.node.subnet.gateway);
        let source = MacAddress::virtual_of(router);
        ethernet::write(packet.bytes_mut(), node.mac, source, EtherType::IPV4);
        self.counters.worker.icmp.echoes.add(1);
        self.send(sender.port, packet);
    }
}
