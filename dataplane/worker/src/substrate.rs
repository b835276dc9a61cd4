//! From the substrate: is it for us, is it genuine, then restore and deliver.
//!
//! The checks stand in the order of docs/wire.md section 9; the numbers in the
//! comments are its steps. The order matters to whoever reads the counters:
//! the first check that fails names the drop.

use std::net::{Ipv4Addr, Ipv6Addr};

use tables::{Aim, Entry, GroupIndex, Key, PortIndex, Snapshot};
use wire::address::{NetworkId, virtual_of};
use wire::decode::{self, Ipv6Facts, Overlay};
use wire::drop_reason::DropReason;
use wire::ethernet::{self, EtherType};
use wire::icmpv6;
use wire::packet::Packet;
use wire::{ipv6, protocol};

use crate::guest::source_mac;
use crate::io::{BURST_PACKETS_MAX, Burst, BurstIo};
use crate::member::Genuine;
use crate::multicast::{ForMany, for_many, names_many};
use crate::native;
use crate::path::Path;
use crate::role::window;

/// What the first checks make of a frame.
enum Checked<'a> {
    /// For the controller.
    Control,
    /// What a router says about a packet of one of our nodes.
    Error,
    /// From outside the fabric.
    Native(Ipv6Facts),
    /// A packet of a virtual network.
    Overlay(Candidate<'a>),
}

/// An overlay packet that is well-formed and addressed to our locator; whether
/// it is genuine the tables will tell.
pub(crate) struct Candidate<'a> {
    pub(crate) facts: Ipv6Facts,
    pub(crate) overlay: Overlay,
    /// (network of the destination, inner destination)
    destination: Aim<'a>,
    /// (network of the destination, inner source)
    pub(crate) source: Aim<'a>,
}

impl Candidate<'_> {
    /// (network of the destination, inner destination)
    pub(crate) fn destination(&self) -> Key {
        self.destination.key()
    }

    /// Whether it is a fragment, first or later.
    pub(crate) fn is_fragment(&self) -> bool {
        self.overlay.more_fragments || self.overlay.offset_units != 0
    }

    /// Where the guest's payload lies in the frame.
    pub(crate) fn payload(&self) -> std::ops::Range<usize> {
        ethernet::HEADER_BYTES + usize::from(self.overlay.head_bytes)..self.frame_bytes()
    }

    /// The length of the frame without padding.
    pub(crate) fn frame_bytes(&self) -> usize {
        ethernet::HEADER_BYTES
            + usize::from(self.overlay.head_bytes)
            + usize::from(self.overlay.payload_bytes)
    }
}

/// Whom a genuine packet is for.
enum Receiver<'a> {
    /// The node behind this port.
    Node(PortIndex),
    /// The member here of a group.
    Member(GroupIndex, Genuine),
    /// Everybody who listens.
    Many(ForMany<'a>),
}

impl<Io: BurstIo> Path<Io> {
    /// Handles one burst from this worker's uplink queue. Returns its size.
    pub(crate) fn substrate_burst(&mut self, tables: &Snapshot) -> usize {
        const PORT: PortIndex = PortIndex::UPLINK;
        let mut burst = Burst::new();
        self.receive(PORT, &mut burst);
        let count = burst.len();
        if count == 0 {
            return 0;
        }
        // After the frames were taken: none came later than this says.
        let now_ns = match tables.groups.is_empty() {
            true => 0,
            false => self.io.now_ns(),
        };

        let mut ports = [PORT; BURST_PACKETS_MAX];
        let others = self.restore_plain(tables, &mut burst, &mut ports);
        if others.is_empty() && ports[..count].iter().all(|port| *port == ports[0]) {
            self.send_burst(ports[0], &mut burst);
            return count;
        }
        for (at, packet) in burst.drain(..).enumerate() {
            match others.contains(at) {
                true => self.substrate_packet(tables, packet, now_ns),
                false => self.send(ports[at], packet),
            }
        }
        count
    }

    /// The long way of a frame from the substrate, which any may take.
    fn substrate_packet(&mut self, tables: &Snapshot, mut packet: Io::Packet, now_ns: u64) {
        const PORT: PortIndex = PortIndex::UPLINK;
        let candidate = match check_frame(packet.bytes(), tables) {
            Ok(Checked::Overlay(candidate)) => candidate,
            Ok(Checked::Control) => {
                if let Err((packet, reason)) = self.punt(packet) {
                    self.drop_packet(PORT, reason, packet);
                }
                return;
            }
            Ok(Checked::Error) => return self.substrate_error(tables, packet),
            Ok(Checked::Native(facts)) => {
                return self.native_arrives(tables, packet, &facts, now_ns);
            }
            Err(reason) => return self.drop_packet(PORT, reason, packet),
        };
        match find_receiver(tables, &candidate, now_ns) {
            Ok(Receiver::Node(port)) => match self.restore(tables, port, &mut packet, &candidate) {
                Ok(port) => self.send(port, packet),
                Err(reason) => self.drop_packet(PORT, reason, packet),
            },
            Ok(Receiver::Member(index, genuine)) => {
                self.member_takes(tables, index, packet, &candidate, &genuine, now_ns);
            }
            Ok(Receiver::Many(whom)) => self.many_take(tables, packet, &candidate, &whom),
            Err(reason) => self.drop_packet(PORT, reason, packet),
        }
    }

    /// Makes the IPv6 packet the IPv4 packet that the guest at `port` expects.
    pub(crate) fn restore(
        &mut self,
        tables: &Snapshot,
        port: PortIndex,
        packet: &mut Io::Packet,
        candidate: &Candidate<'_>,
    ) -> Result<PortIndex, DropReason> {
        let receiver = tables.node(port).ok_or(DropReason::PortDown)?;
        let Candidate {
            facts,
            overlay,
            source,
            ..
        } = candidate;
        let local_ids = &mut self.local_ids;
        decode::restore(
            packet,
            facts,
            overlay,
            || local_ids.take(port),
            &tables.fabric.rules,
        );
        let source = source_mac(receiver, source.key().address());
        ethernet::write(packet.bytes_mut(), receiver.mac, source, EtherType::IPV4);
        Ok(port)
    }
}

/// Steps 1 to 10: what can be said without looking anything up.
#[inline(always)]
fn check_frame<'a>(frame: &[u8], tables: &'a Snapshot) -> Result<Checked<'a>, DropReason> {
    // (1) Not IPv6.
    let (header, ip) = ethernet::parse(frame).ok_or(DropReason::L2Malformed)?;
    if header.ether_type != EtherType::IPV6 {
        return Err(DropReason::L2Ethertype);
    }
    // (2) Lengths and version. Before the rest of (1), which reads addresses.
    let facts = Ipv6Facts::parse(ip)?;
    let destination = Ipv6Addr::from(facts.destination);
    // (1) Link-local, multicast; and our own name on the link, which the next
    // hop uses to ask whether we are still there.
    if destination.is_multicast() || destination.is_unicast_link_local() {
        return check_link_control(&facts, ip, false);
    }
    if destination == tables.uplink.address {
        return check_link_control(&facts, ip, true);
    }
    let (layout, host) = (tables.fabric.layout, &tables.host);
    // (3)
    if !host.locator.contains(&facts.destination) {
        return Err(DropReason::DecodeNotOurs);
    }
    // (4)
    let network = layout.network_of(&facts.destination);
    if network == 0 {
        return check_host_control(&facts, destination, tables);
    }
    let from_fabric = tables.fabric.prefix.contains(&facts.source);
    // (5) Errors of the substrate about packets of our nodes to our nodes.
    if facts.next_header == protocol::ICMPV6
        && (from_fabric || !native::concerns(tables, &facts, ip))
    {
        return Ok(Checked::Error);
    }
    // (6)
    if !from_fabric {
        return Ok(Checked::Native(facts));
    }
    // (7)
    if !layout.is_canonical(&facts.destination) || !layout.is_canonical(&facts.source) {
        return Err(DropReason::DecodeBadPrefix);
    }
    // (8), (9), (10)
    let overlay = Overlay::parse(&facts, ip, &tables.fabric.rules)?;
    // (11) begins: an id that no network can have.
    let network = NetworkId::new(network).ok_or(DropReason::DecodeUnknownNetwork)?;
    let aim = |address: &[u8; 16]| tables.mappings.aim(Key::new(network, virtual_of(address)));
    let (destination, source) = (aim(&facts.destination), aim(&facts.source));
    Ok(Checked::Overlay(Candidate {
        facts,
        overlay,
        destination,
        source,
    }))
}

/// What the link itself may say to us: who is there (RFC 4861), and, to our own
/// address, whether we answer.
fn check_link_control(
    facts: &Ipv6Facts,
    ip: &[u8],
    to_our_address: bool,
) -> Result<Checked<'static>, DropReason> {
    if facts.next_header != protocol::ICMPV6 {
        return Err(DropReason::DecodeNotOurs);
    }
    match ip.get(ipv6::HEADER_BYTES) {
        // A router would have lowered the hop limit (RFC 4861 section 7.1).
        Some(&(icmpv6::NEIGHBOUR_SOLICITATION | icmpv6::NEIGHBOUR_ADVERTISEMENT))
            if facts.hop_limit == 255 =>
        {
            Ok(Checked::Control)
        }
        Some(&icmpv6::ECHO_REQUEST) if to_our_address => Ok(Checked::Control),
        _ => Err(DropReason::IcmpRefused),
    }
}

/// Step 4: the host's own endpoint is one address with three protocols.
fn check_host_control(
    facts: &Ipv6Facts,
    destination: Ipv6Addr,
    tables: &Snapshot,
) -> Result<Checked<'static>, DropReason> {
    if destination != tables.host.control_address {
        let endpoint = virtual_of(&facts.destination);
        let right_endpoint = endpoint == Ipv4Addr::new(0, 0, 0, 1);
        return Err(if right_endpoint {
            DropReason::DecodeBadPrefix
        } else {
            DropReason::DecodeUnknownDestination
        });
    }
    match facts.next_header {
        protocol::UDP | protocol::TCP | protocol::ICMPV6 => Ok(Checked::Control),
        _ => Err(DropReason::DecodeForbiddenProtocol),
    }
}

/// Steps 11 to 13, and 14 for what is not replicated: who receives the packet,
/// if it is genuine.
fn find_receiver<'a>(
    tables: &'a Snapshot,
    candidate: &Candidate<'_>,
    now_ns: u64,
) -> Result<Receiver<'a>, DropReason> {
    let destination = candidate.destination.key();
    // (11) A member's host receives whoever owns the address.
    let receiver = tables.place(candidate.destination);
    let lives_here = |entry: &&Entry| {
        entry.owner == tables.host.index || entry.group.is_some() && entry.port.is_some()
    };
    let Some(receiver) = receiver.filter(lives_here) else {
        return find_listeners(tables, candidate, now_ns);
    };
    // (12)
    if tables.fabric.layout.network_of(&candidate.facts.source) != destination.network_bits() {
        return Err(DropReason::DecodeNetworkMismatch);
    }
    let genuine = check_source(tables, candidate, Some(receiver), now_ns)?;
    match receiver.group {
        Some(group) => Ok(Receiver::Member(group, genuine)),
        // (14) A node of ours that no port leads to.
        None => receiver
            .local_port()
            .map(Receiver::Node)
            .ok_or(DropReason::PortDown),
    }
}

/// The same steps for a destination that is no node's here.
#[cold]
fn find_listeners<'a>(
    tables: &'a Snapshot,
    candidate: &Candidate<'_>,
    now_ns: u64,
) -> Result<Receiver<'a>, DropReason> {
    let destination = candidate.destination();
    // (11)
    if tables.router(destination.network_bits()).is_none() {
        return Err(DropReason::DecodeUnknownNetwork);
    }
    if !names_many(tables, candidate) {
        return Err(DropReason::DecodeUnknownDestination);
    }
    // (12)
    if tables.fabric.layout.network_of(&candidate.facts.source) != destination.network_bits() {
        return Err(DropReason::DecodeNetworkMismatch);
    }
    check_source(tables, candidate, None, now_ns)?;
    for_many(tables, candidate).map(Receiver::Many)
}

/// Step 13: the outer source must be the present owner's address of the inner
/// source, anti-spoofing and fence in one; then E. What one of our own nodes
/// sends never comes from outside, but for a copy.
fn check_source(
    tables: &Snapshot,
    candidate: &Candidate<'_>,
    receiver: Option<&Entry>,
    now_ns: u64,
) -> Result<Genuine, DropReason> {
    let Candidate {
        facts,
        overlay,
        source,
        ..
    } = candidate;
    let owner = tables
        .place(*source)
        .ok_or(DropReason::DecodeUnknownSource)?;
    let speaks_for_nobody = |group| tables.group(group).is_some_and(|g| g.owner.is_none());
    if owner.group.is_some_and(speaks_for_nobody) {
        return Err(DropReason::DecodeNoOwner);
    }
    if crate::UNCHECKED {
        return Ok(Genuine {
            from: owner.owner,
            sender: owner.owner,
        });
    }
    let outer = &facts.source[..12];
    let from = if *outer == owner.prefix.0 && owner.owner != tables.host.index {
        owner.owner
    } else {
        receiver
            .filter(|_| overlay.label.copy)
            .and_then(|receiver| copier(tables, receiver, outer, now_ns))
            .ok_or(DropReason::DecodeSpoofed)?
    };
    if overlay.label.generation != owner.generation & 0b11 {
        return Err(DropReason::DecodeStaleGeneration);
    }
    Ok(Genuine {
        from,
        sender: owner.owner,
    })
}

/// The other host that may send copies for the receiver's group with this outer
/// source: that of the group's primary, and after a planned move the former
/// primary's.
#[cold]
fn copier(
    tables: &Snapshot,
    receiver: &Entry,
    outer: &[u8],
    now_ns: u64,
) -> Option<tables::HostIndex> {
    let group = tables.group(receiver.group?)?;
    if let Some(owner) = &group.owner
        && owner.host != tables.host.index
        && *outer == owner.prefix.0
    {
        return Some(owner.host);
    }
    let window = window(group.local.as_ref()?, now_ns)?;
    (*outer == window.prefix.0).then_some(window.host)
}
