//! From a native peer to a node, or from a router that could not forward a
//! node's packet to one.
//!
//! The numbers in the comments are the steps of docs/wire.md section 9, as far as
//! they concern a sender that is not ours.

use std::net::Ipv4Addr;

use tables::{Entry, Key, LocalNode, NativeNetwork, PortIndex, Role, Snapshot};
use wire::address::{NetworkId, virtual_of};
use wire::decode::Ipv6Facts;
use wire::drop_reason::DropReason;
use wire::ethernet::{self, EtherType};
use wire::icmpv6;
use wire::native::down::FRAGMENTABLE_BYTES_MAX;
use wire::native::{self, Chain, Ends, Peer};
use wire::packet::Packet;
use wire::{ipv4, ipv6, protocol};

use super::translation;
use crate::guest::source_mac;
use crate::io::BurstIo;
use crate::path::Path;
use crate::role::{Arrival, Decision, decide};

/// The longest frame of an error.
const ERROR_FRAME_BYTES_MAX: usize = ethernet::HEADER_BYTES + icmpv6::ERROR_PACKET_BYTES_MAX;

/// Why a packet ends, and what its sender, a known peer, is told.
struct Refusal {
    reason: DropReason,
    answer: Option<icmpv6::Error>,
}

impl From<DropReason> for Refusal {
    fn from(reason: DropReason) -> Self {
        Self {
            reason,
            answer: None,
        }
    }
}

impl From<native::chain::Refusal> for Refusal {
    fn from(refusal: native::chain::Refusal) -> Self {
        Self {
            reason: refusal.reason,
            answer: refusal.answer,
        }
    }
}

/// A packet whose sender and receiver are known.
struct Falling<'a> {
    facts: &'a Ipv6Facts,
    chain: Chain,
    natives: &'a NativeNetwork,
    port: PortIndex,
    node: &'a LocalNode,
    /// The peer that sent it; `None` of a router.
    sender: Option<Peer>,
    is_error: bool,
}

/// Whether an ICMPv6 message from outside the fabric, the packet at the front of
/// `ip`, is about a native peer: it comes from one, or it is an error and quotes
/// what was sent to an address outside the fabric.
pub(crate) fn concerns(tables: &Snapshot, facts: &Ipv6Facts, ip: &[u8]) -> bool {
    let network = NetworkId::new(tables.fabric.layout.network_of(&facts.destination));
    let Some(natives) = network.and_then(|network| tables.natives.of(network)) else {
        return false;
    };
    let message = ip.get(ipv6::HEADER_BYTES..).unwrap_or_default();
    natives.by_address(&facts.source).is_some()
        || message.first().is_some_and(|&kind| kind < 128)
            && native::quote::quoted_addresses(message)
                .is_some_and(|(_, to)| !tables.fabric.prefix.contains(&to))
}

impl<Io: BurstIo> Path<Io> {
    /// Ends a packet from outside the fabric to the address of a node.
    #[cold]
    pub(crate) fn native_arrives(
        &mut self,
        tables: &Snapshot,
        mut packet: Io::Packet,
        facts: &Ipv6Facts,
        now_ns: u64,
    ) {
        match self.fall(tables, &mut packet, facts, now_ns) {
            Ok(port) => {
                self.counters.worker.native.down.add(1);
                self.send(port, packet);
            }
            Err(Refusal { reason, answer }) => {
                if let Some(error) = answer {
                    self.tell_peer(tables, facts, error, &packet);
                }
                self.drop_packet(PortIndex::UPLINK, reason, packet);
            }
        }
    }

    fn fall(
        &mut self,
        tables: &Snapshot,
        packet: &mut Io::Packet,
        facts: &Ipv6Facts,
        now_ns: u64,
    ) -> Result<PortIndex, Refusal> {
        let ip = &packet.bytes()[ethernet::HEADER_BYTES..];
        let falling = find(tables, facts, ip)?;
        let entry = tables.mappings.find(Key::new(
            falling.node.network,
            virtual_of(&facts.destination),
        ));
        // (14)
        if let Some(entry) = entry {
            self.check_role(tables, entry, now_ns)?;
        }
        // The translator is the router between the two (RFC 7915 section 5.1).
        if facts.hop_limit <= 1 {
            return Err(Refusal {
                reason: DropReason::EncodeTtl,
                answer: (!falling.is_error).then_some(icmpv6::Error::HopLimitExceeded),
            });
        }
        if !falling.is_error {
            check_length(&falling)?;
        }
        let source = self.translate(tables, packet, &falling)?;
        let node = falling.node;
        let source = source_mac(node, source);
        ethernet::write(packet.bytes_mut(), node.mac, source, EtherType::IPV4);
        Ok(falling.port)
    }

    /// A member takes what a native peer sends while it is the primary and
    /// nothing waits: what it keeps otherwise is packets of our own format.
    fn check_role(&self, tables: &Snapshot, entry: &Entry, now_ns: u64) -> Result<(), DropReason> {
        let Some(index) = entry.group else {
            return Ok(());
        };
        let group = tables.group(index).ok_or(DropReason::PortDown)?;
        let member = group.local.as_ref().ok_or(DropReason::PortDown)?;
        let arrival = Arrival {
            copy: false,
            from: tables.host.index,
            now_ns,
        };
        let decision = decide(group, member, arrival, self.replication.is_holding(index));
        match (decision, member.role) {
            (Decision::Deliver, Role::Primary { .. }) => Ok(()),
            (Decision::Refuse(reason), _) => Err(reason),
            _ => Err(DropReason::DecodeFenced),
        }
    }

    /// Translates; returns the virtual address in whose name the packet comes.
    fn translate(
        &mut self,
        tables: &Snapshot,
        packet: &mut Io::Packet,
        falling: &Falling<'_>,
    ) -> Result<Ipv4Addr, DropReason> {
        let Falling {
            facts,
            chain,
            node,
            natives,
            sender,
            port,
            ..
        } = falling;
        let rules = translation(tables, natives, node);
        if falling.is_error {
            let message_at = ethernet::HEADER_BYTES + usize::from(chain.head_bytes);
            let quoted = native::quote::quoted_addresses(&packet.bytes()[message_at..]);
            let quoted = quoted.and_then(|(_, to)| natives.by_address(&to));
            let peer = quoted.ok_or(DropReason::IcmpRefused)?;
            if sender.is_none() && !self.may_tell(*port) {
                return Err(DropReason::RateLimit);
            }
            let ends = Ends::new(&node.prefix, node.address, peer);
            // Routers have no virtual address (RFC 6791).
            let from = sender.map_or(node.subnet.gateway, |sender| sender.dummy);
            let id = || self.local_ids.take(*port);
            native::quote::down(packet, facts, chain, from, &ends, id, &rules)?;
            return Ok(from);
        }
        let peer = sender.ok_or(DropReason::DecodeNativeOff)?;
        let ends = Ends::new(&node.prefix, node.address, peer);
        let id = || self.local_ids.take(*port);
        native::down::restore(packet, facts, chain, &ends, id, &rules)?;
        Ok(peer.dummy)
    }

    /// Tells a peer about a packet, which is as it sent it.
    fn tell_peer(
        &mut self,
        tables: &Snapshot,
        facts: &Ipv6Facts,
        error: icmpv6::Error,
        packet: &Io::Packet,
    ) {
        let Some(quoted) = packet.bytes().get(ethernet::HEADER_BYTES..) else {
            return;
        };
        // Without its padding.
        let quoted = &quoted[..quoted
            .len()
            .min(ipv6::HEADER_BYTES + usize::from(facts.payload_bytes))];
        let Some(next_hop) = tables.uplink.next_hop_mac else {
            return;
        };
        let counters = &self.counters.worker.native;
        if !self.allowances.take(PortIndex::UPLINK, self.io.now_ns()) {
            counters.errors_limited.add(1);
            return;
        }
        let mut frame = [0; ERROR_FRAME_BYTES_MAX];
        let bytes = ethernet::HEADER_BYTES + icmpv6::error_bytes(quoted.len());
        let (l2, ip) = frame[..bytes].split_at_mut(ethernet::HEADER_BYTES);
        let source = tables.uplink.address.octets();
        icmpv6::write_error(ip, error, source, facts.source, quoted);
        ethernet::write(l2, next_hop, tables.uplink.mac, EtherType::IPV6);
        // Without a buffer the peer hears it the next time.
        if let Some(told) = self.io.allocate(&frame[..bytes]) {
            self.counters.worker.generated.add(1);
            self.counters.worker.native.errors.add(1);
            self.send(PortIndex::UPLINK, told);
        }
    }
}

/// Steps 6 to 11: who sends, to whom.
fn find<'a>(tables: &'a Snapshot, facts: &'a Ipv6Facts, ip: &[u8]) -> Result<Falling<'a>, Refusal> {
    let layout = tables.fabric.layout;
    let network = NetworkId::new(layout.network_of(&facts.destination));
    let network = network.filter(|network| tables.networks.contains_key(&network.get()));
    // (6) A stranger learns nothing of what there is.
    let natives = network.and_then(|network| tables.natives.of(network));
    let (network, natives) = network.zip(natives).ok_or(DropReason::DecodeNativeOff)?;
    let sender = natives.by_address(&facts.source);
    let chain = Chain::parse(facts, ip, tables.fabric.rules.experimental_allowed);
    let message = chain
        .as_ref()
        .ok()
        .map(|chain| &ip[usize::from(chain.head_bytes)..]);
    let is_error = match (&chain, message) {
        (Ok(chain), Some(message)) => native::down::is_error(chain, message),
        _ => false,
    };
    if sender.is_none() && !is_error {
        return Err(DropReason::DecodeNativeOff.into());
    }
    // (7)
    if !layout.is_canonical(&facts.destination) {
        return Err(DropReason::DecodeBadPrefix.into());
    }
    // (8) to (10): there is no label, and extension headers may be there.
    let chain = chain.map_err(|refusal| silent_about_icmp(facts, refusal.into()))?;
    // (11)
    let destination = Key::new(network, virtual_of(&facts.destination));
    let entry = tables.place(tables.mappings.aim(destination));
    let lives_here = |entry: &&Entry| {
        entry.owner == tables.host.index || entry.group.is_some() && entry.port.is_some()
    };
    let entry = entry
        .filter(lives_here)
        .ok_or(DropReason::DecodeUnknownDestination)?;
    let port = entry.local_port().ok_or(DropReason::PortDown)?;
    let node = tables.node(port).ok_or(DropReason::PortDown)?;
    Ok(Falling {
        facts,
        chain,
        natives,
        port,
        node,
        sender,
        is_error,
    })
}

/// No error answers ICMPv6, be it one or not (RFC 7915 section 5.4).
fn silent_about_icmp(facts: &Ipv6Facts, refusal: Refusal) -> Refusal {
    match facts.next_header {
        protocol::ICMPV6 => refusal.reason.into(),
        _ => refusal,
    }
}

/// A packet longer than the node's link takes is not translated: the peer is
/// told. Below 1260 octets there is nothing to tell it (RFC 7915 section 5).
fn check_length(falling: &Falling<'_>) -> Result<(), Refusal> {
    let most = falling.node.mtu.max(FRAGMENTABLE_BYTES_MAX);
    if native::down::total_bytes(falling.facts, &falling.chain) <= most {
        return Ok(());
    }
    let mtu = u32::from(most) + (ipv6::HEADER_BYTES - ipv4::HEADER_BYTES) as u32;
    Err(Refusal {
        reason: DropReason::EncodeTooBig,
        answer: Some(icmpv6::Error::PacketTooBig { mtu }),
    })
}
