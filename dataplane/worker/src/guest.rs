//! From a guest: check, look up, then deliver here or re-header for elsewhere.

use tables::{Entry, HostIndex, Key, LocalNode, PortIndex, Snapshot};
use wire::address::Prefix96;
use wire::checksum;
use wire::drop_reason::DropReason;
use wire::encode::{self, Heading, Ipv4Facts};
use wire::ethernet::{self, EtherType, MacAddress};
use wire::ipv4;
use wire::packet::Packet;

use crate::arp;
use crate::icmp::Refusal;
use crate::io::{Burst, BurstIo};
use crate::path::Path;
use crate::plain::Originals;
use crate::router::lies_behind;

/// Who sends: the node behind a port, that may.
#[derive(Clone, Copy)]
pub(crate) struct Sender<'a> {
    pub(crate) port: PortIndex,
    pub(crate) node: &'a LocalNode,
    /// The owner generation of its address.
    generation: u8,
    /// When its burst was taken; 0 on a host that knows no groups.
    pub(crate) now_ns: u64,
}

/// A guest's packet on its way to another host.
pub(crate) struct Crossing<'a> {
    pub(crate) tables: &'a Snapshot,
    pub(crate) facts: &'a Ipv4Facts,
    pub(crate) heading: Heading<'a>,
}

impl Crossing<'_> {
    fn head_bytes(&self) -> usize {
        encode::head_bytes(self.facts, &self.tables.fabric.rules)
    }

    /// The length of the IPv6 packet.
    #[inline]
    pub(crate) fn bytes(&self) -> usize {
        self.head_bytes() + usize::from(self.facts.payload_bytes())
    }

    /// By how much a packet without options grows.
    pub(crate) fn growth_bytes(&self) -> u16 {
        (self.head_bytes() - ipv4::HEADER_BYTES) as u16 // 20 or 28
    }
}

impl<Io: BurstIo> Path<Io> {
    /// Handles one burst from a guest port. Returns its size.
    pub(crate) fn guest_burst(&mut self, tables: &Snapshot, port: PortIndex) -> usize {
        let Some(node) = tables.node(port) else {
            return 0;
        };
        let mut generation = node.generation;
        if let Some(member) = &node.member {
            if let Some(count) = self.closed_gate(tables, port, node, member) {
                return count;
            }
            let group = tables.group(member.group);
            generation = group.map_or(generation, |group| group.generation);
        }
        let mut burst = Burst::new();
        self.receive(port, &mut burst);
        let count = burst.len();
        if count == 0 {
            return 0;
        }
        let sender = Sender {
            port,
            node,
            generation,
            now_ns: match tables.groups.is_empty() {
                true => 0,
                false => self.io.now_ns(),
            },
        };
        let mut originals = Originals::none();
        let others = self.rehead_plain(tables, &sender, &mut burst, &mut originals);
        if others.is_empty() && originals.is_empty() {
            self.answers(&sender);
            self.send_burst(PortIndex::UPLINK, &mut burst);
            return count;
        }
        for (at, packet) in burst.drain(..).enumerate() {
            if others.contains(at) {
                self.guest_packet(tables, &sender, packet);
                continue;
            }
            self.answers(&sender);
            match originals.group(at) {
                Some(group) => self.send_original(tables, &sender, group, packet),
                None => self.send(PortIndex::UPLINK, packet),
            }
        }
        count
    }

    /// The long way of a guest's frame, which any may take.
    fn guest_packet(&mut self, tables: &Snapshot, sender: &Sender<'_>, packet: Io::Packet) {
        let (port, node) = (sender.port, sender.node);
        let checked = match check_frame(packet.bytes(), node) {
            Ok(EtherType::ARP) => return self.answer_arp(tables, port, node, packet),
            Ok(_) => check_ipv4(packet.bytes(), tables, node),
            Err(reason) => Err(reason),
        };
        let facts = match checked {
            Ok(facts) => facts,
            Err(reason) => return self.drop_packet(port, reason, packet),
        };
        self.answers(sender);
        let key = Key::new(node.network, facts.destination);
        match tables.mappings.find(key) {
            Some(entry) => self.send_to(tables, sender, packet, &facts, entry),
            None => self.ask_router(tables, sender, packet, &facts, key),
        }
    }

    /// A packet of a member's node passes.
    #[inline]
    fn answers(&mut self, sender: &Sender<'_>) {
        if let Some(member) = &sender.node.member {
            let (notices, at_ns) = (&mut self.notices, sender.now_ns);
            self.replication
                .answers(notices, sender.port, member.group, at_ns);
        }
    }

    /// Sends a packet to where its destination, or the node before it, lives.
    #[inline]
    pub(crate) fn send_to(
        &mut self,
        tables: &Snapshot,
        sender: &Sender<'_>,
        packet: Io::Packet,
        facts: &Ipv4Facts,
        entry: &Entry,
    ) {
        match entry.group {
            Some(index) => self.send_to_group(tables, sender, index, packet, facts),
            None => self.forward(tables, sender, packet, facts, entry),
        }
    }

    /// Sends a packet to the owner of its destination.
    fn forward(
        &mut self,
        tables: &Snapshot,
        sender: &Sender<'_>,
        mut packet: Io::Packet,
        facts: &Ipv4Facts,
        entry: &Entry,
    ) {
        let virtual_routers = match virtual_routers(sender.node, facts) {
            Ok(virtual_routers) => virtual_routers,
            Err(refusal) => return self.refuse(sender, refusal, packet),
        };
        match entry.local_port() {
            Some(port) => match deliver_here(tables, port, &mut packet, facts, virtual_routers) {
                Ok(()) => self.send(port, packet),
                Err(reason) => self.drop_packet(sender.port, reason, packet),
            },
            // A node of ours that no port leads to.
            None if entry.owner == tables.host.index => {
                self.drop_packet(sender.port, DropReason::PortDown, packet);
            }
            None => {
                let crossing = Crossing {
                    tables,
                    facts,
                    heading: sender.heading(&entry.prefix, virtual_routers, false),
                };
                self.cross(sender, &crossing, packet, entry.owner);
            }
        }
    }

    /// Sends a packet to another host.
    fn cross(
        &mut self,
        sender: &Sender<'_>,
        crossing: &Crossing<'_>,
        mut packet: Io::Packet,
        host: HostIndex,
    ) {
        let paths = &crossing.tables.path_mtus;
        if !paths.fits(crossing.bytes(), host) {
            let send = |path: &mut Self, fragment| path.send(PortIndex::UPLINK, fragment);
            return self.too_big(sender, crossing, packet, paths.to(host), send);
        }
        match send_across(crossing, &mut packet) {
            Ok(()) => {
                self.count_options(crossing.facts);
                self.send(PortIndex::UPLINK, packet);
            }
            Err(reason) => self.drop_packet(sender.port, reason, packet),
        }
    }

    /// Counts a packet that lost its options on the way.
    #[inline]
    pub(crate) fn count_options(&self, facts: &Ipv4Facts) {
        if facts.options_bytes() > 0 {
            self.counters.worker.options_stripped.add(1);
        }
    }

    pub(crate) fn answer_arp(
        &mut self,
        tables: &Snapshot,
        port: PortIndex,
        node: &LocalNode,
        mut packet: Io::Packet,
    ) {
        match arp::answer(packet.bytes_mut(), tables, node) {
            Ok(()) => {
                packet.truncate(arp::FRAME_BYTES);
                self.counters.worker.arp_answered.add(1);
                self.send(port, packet);
            }
            Err(reason) => self.drop_packet(port, reason, packet),
        }
    }
}

impl Sender<'_> {
    /// How this sender's packet is headed for a host.
    pub(crate) fn heading<'a>(
        &'a self,
        destination: &'a Prefix96,
        virtual_routers: u8,
        copy: bool,
    ) -> Heading<'a> {
        Heading {
            source: &self.node.prefix,
            destination,
            virtual_routers,
            generation: self.generation,
            copy,
        }
    }
}

/// The routers between a node and the destination of its packet: within a subnet
/// nothing is in between, else the virtual router is. The TTL must reach past
/// them.
#[inline]
pub(crate) fn virtual_routers(node: &LocalNode, facts: &Ipv4Facts) -> Result<u8, Refusal> {
    let virtual_routers = u8::from(!node.subnet.contains(facts.destination));
    match facts.ttl > virtual_routers {
        true => Ok(virtual_routers),
        false => Err(Refusal::TTL),
    }
}

/// Ethernet: only the node's own source address, only ARP and IPv4.
#[inline(always)]
pub(crate) fn check_frame(frame: &[u8], node: &LocalNode) -> Result<EtherType, DropReason> {
    let (header, _) = ethernet::parse(frame).ok_or(DropReason::L2Malformed)?;
    if header.source != node.mac {
        return Err(DropReason::L2SourceMac);
    }
    match header.ether_type {
        known @ (EtherType::ARP | EtherType::IPV4) => Ok(known),
        _ => Err(DropReason::L2Ethertype),
    }
}

/// IPv4: header, source, protocol, destination, in this order.
#[inline(always)]
fn check_ipv4(frame: &[u8], tables: &Snapshot, node: &LocalNode) -> Result<Ipv4Facts, DropReason> {
    let facts = Ipv4Facts::parse(&frame[ethernet::HEADER_BYTES..])?;
    if facts.source != node.address && !lies_behind(tables, node, facts.source) {
        return Err(DropReason::EncodeSpoofed);
    }
    if encode::forbidden_protocol(facts.protocol, tables.fabric.rules.experimental_allowed) {
        return Err(DropReason::EncodeForbiddenProtocol);
    }
    // No stack sends to itself on the wire.
    if facts.destination == node.address {
        return Err(DropReason::EncodeMartian);
    }
    Ok(facts)
}

/// Same host: the IPv4 packet stays as it is but for the virtual router's part.
pub(crate) fn deliver_here<P: Packet>(
    tables: &Snapshot,
    port: PortIndex,
    packet: &mut P,
    facts: &Ipv4Facts,
    virtual_routers: u8,
) -> Result<(), DropReason> {
    let receiver = tables.node(port).ok_or(DropReason::PortDown)?;
    packet.truncate(ethernet::HEADER_BYTES + usize::from(facts.total_bytes));
    let (l2, ip) = packet.bytes_mut().split_at_mut(ethernet::HEADER_BYTES);
    if virtual_routers > 0 {
        lower_ttl(&mut ip[..usize::from(facts.header_bytes)], virtual_routers);
    }
    let source = source_mac(receiver, facts.source);
    ethernet::write(l2, receiver.mac, source, EtherType::IPV4);
    Ok(())
}

/// What routers do to an IPv4 header, `by` of them at once. `by` is less than
/// the TTL.
fn lower_ttl(header: &mut [u8], by: u8) {
    header[8] -= by;
    header[10..12].fill(0);
    let checksum = checksum::ipv4_header(header);
    header[10..12].copy_from_slice(&checksum.to_be_bytes());
}

/// The Ethernet source under which a node sees packets from `address`: the
/// sender's virtual one, or its router's for a sender on another subnet.
pub(crate) fn source_mac(receiver: &LocalNode, address: std::net::Ipv4Addr) -> MacAddress {
    let on_link = receiver.subnet.contains(address);
    MacAddress::virtual_of(if on_link {
        address
    } else {
        receiver.subnet.gateway
    })
}

/// Another host: the IPv4 header becomes an IPv6 header. The packet fits on the
/// path.
pub(crate) fn send_across<P: Packet>(
    crossing: &Crossing<'_>,
    packet: &mut P,
) -> Result<(), DropReason> {
    let Crossing {
        tables,
        facts,
        heading,
    } = crossing;
    let uplink = &tables.uplink;
    let next_hop = uplink.next_hop_mac.ok_or(DropReason::NoNextHop)?;
    encode::reheader(packet, facts, heading, &tables.fabric.rules)?;
    ethernet::write(packet.bytes_mut(), next_hop, uplink.mac, EtherType::IPV6);
    Ok(())
}
