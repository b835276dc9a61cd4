//! From a node to a native peer.

use tables::{PortIndex, Snapshot};
use wire::drop_reason::DropReason;
use wire::encode::{Ipv4Facts, Piece};
use wire::ethernet::{self, EtherType};
use wire::icmpv4;
use wire::native::{self, Ends, Translation};
use wire::packet::Packet;
use wire::{fragment, ipv4, ipv6};

use super::translation;
use crate::guest::Sender;
use crate::icmp::Refusal;
use crate::io::BurstIo;
use crate::path::Path;

/// A node's packet on its way to a native peer.
struct Rising<'a> {
    tables: &'a Snapshot,
    facts: &'a Ipv4Facts,
    ends: Ends,
    rules: Translation,
}

impl<Io: BurstIo> Path<Io> {
    /// Ends a guest's packet to an address that has no mapping: it may be that
    /// of a native peer.
    #[cold]
    pub(crate) fn send_to_stranger(
        &mut self,
        tables: &Snapshot,
        sender: &Sender<'_>,
        packet: Io::Packet,
        facts: &Ipv4Facts,
    ) {
        let natives = tables.natives.of(sender.node.network);
        let found = natives.and_then(|natives| {
            let peer = natives.by_dummy(facts.destination)?;
            Some((natives, peer))
        });
        let Some((natives, peer)) = found else {
            return self.drop_packet(sender.port, DropReason::EncodeNoMapping, packet);
        };
        let rising = Rising {
            tables,
            facts,
            ends: Ends::new(&sender.node.prefix, facts.source, peer),
            rules: translation(tables, natives, sender.node),
        };
        self.rise(sender, &rising, natives.lowest_ipv6_mtu, packet);
    }

    /// Translates a packet and sends it, whole or in fragments.
    fn rise(
        &mut self,
        sender: &Sender<'_>,
        rising: &Rising<'_>,
        lowest_ipv6_mtu: u16,
        mut packet: Io::Packet,
    ) {
        let facts = rising.facts;
        // The translator is the router between the two (RFC 7915 section 4.1).
        if facts.ttl <= 1 {
            return self.refuse(sender, Refusal::TTL, packet);
        }
        let payload_at = ethernet::HEADER_BYTES + usize::from(facts.header_bytes);
        let is_error = native::up::is_error(facts, &packet.bytes()[payload_at..]);
        if !is_error {
            let mtu = rising.tables.uplink.mtu;
            let bytes = native::up::head_bytes(facts) + usize::from(facts.payload_bytes());
            if facts.dont_fragment && bytes > usize::from(mtu) {
                let refusal = Refusal::too_big(mtu - rising.growth_bytes());
                return self.refuse(sender, refusal, packet);
            }
            let limit = mtu.min(lowest_ipv6_mtu);
            if !facts.dont_fragment && bytes > usize::from(limit) {
                return self.rise_in_fragments(sender, rising, limit, packet);
            }
        }
        match rising.translate(&mut packet, is_error) {
            Ok(()) => {
                self.count_options(facts);
                self.counters.worker.native.up.add(1);
                self.send(PortIndex::UPLINK, packet);
            }
            Err(reason) => self.refuse(sender, told(reason), packet),
        }
    }

    /// Translates a packet as a whole, since a checksum is about the whole, and
    /// sends it in fragments.
    fn rise_in_fragments(
        &mut self,
        sender: &Sender<'_>,
        rising: &Rising<'_>,
        limit: u16,
        mut packet: Io::Packet,
    ) {
        let facts = rising.facts;
        packet.truncate(ethernet::HEADER_BYTES + usize::from(facts.total_bytes));
        let payload_at = ethernet::HEADER_BYTES + usize::from(facts.header_bytes);
        let payload = &mut packet.bytes_mut()[payload_at..];
        let next_header = match native::up::payload(payload, facts, &rising.ends, &rising.rules) {
            Ok(next_header) => next_header,
            Err(reason) => return self.refuse(sender, told(reason), packet),
        };
        let head = |packet: &mut Io::Packet, piece| rising.head(packet, piece, next_header);
        let send = |path: &mut Self, fragment| path.send(PortIndex::UPLINK, fragment);
        match self.cut_into(facts, packet, limit, head, send) {
            Ok(fragments) => {
                self.count_options(facts);
                let counters = &self.counters.worker;
                counters.native.up.add(1);
                counters.icmp.fragmented.add(1);
                counters.generated.add(fragments - 1);
            }
            Err(broken) => {
                self.counters.worker.generated.add(broken.made);
                self.drop_packet(sender.port, broken.reason, broken.packet);
            }
        }
    }
}

/// What a guest is told of a packet that is not translated (RFC 7915 section 4.4).
fn told(reason: DropReason) -> Refusal {
    Refusal {
        reason,
        answer: match reason {
            DropReason::PolicyDenied => Some(icmpv4::Error::AdministrativelyProhibited),
            _ => None,
        },
    }
}

impl Rising<'_> {
    /// By how much a packet without options grows: 20 octets, or 28.
    fn growth_bytes(&self) -> u16 {
        (native::up::head_bytes(self.facts) - ipv4::HEADER_BYTES) as u16
    }

    /// Makes it a frame for the substrate.
    fn translate<P: Packet>(&self, packet: &mut P, is_error: bool) -> Result<(), DropReason> {
        let next_hop = self.tables.uplink.next_hop_mac;
        let next_hop = next_hop.ok_or(DropReason::NoNextHop)?;
        let (facts, ends, rules) = (self.facts, &self.ends, &self.rules);
        if is_error {
            native::quote::up(packet, facts, ends, rules)?;
        } else {
            native::up::reheader(packet, facts, ends, rules)?;
        }
        let frame = packet.bytes_mut();
        ethernet::write(frame, next_hop, self.tables.uplink.mac, EtherType::IPV6);
        Ok(())
    }

    /// Makes a packet with the payload of one fragment a frame for the substrate.
    fn head<P: Packet>(
        &self,
        packet: &mut P,
        piece: Piece,
        next_header: u8,
    ) -> Result<(), DropReason> {
        const FRONT_BYTES: usize =
            ethernet::HEADER_BYTES + ipv6::HEADER_BYTES + fragment::HEADER_BYTES;
        let uplink = &self.tables.uplink;
        let next_hop = uplink.next_hop_mac.ok_or(DropReason::NoNextHop)?;
        // One that no receiver could put together: it begins beyond 65,535.
        let facts = piece.facts(self.facts).ok_or(DropReason::EncodeTooBig)?;
        packet.prepend(FRONT_BYTES).ok_or(DropReason::NoMbuf)?;
        let frame = packet.bytes_mut();
        let head = &mut frame[ethernet::HEADER_BYTES..FRONT_BYTES];
        native::up::write_head(head, &facts, next_header, &self.ends, &self.rules);
        ethernet::write(frame, next_hop, uplink.mac, EtherType::IPV6);
        Ok(())
    }
}
