//! What routers say about packets of this host (docs/wire.md section 4).
//!
//! Anybody can send such an error, so it must quote a packet that this host can
//! have sent: from one of our nodes to an address that lives elsewhere, both as
//! the tables have them now. Then the controller learns of it, and the guest
//! whose packet it was is told in the language of IPv4; the error becomes that.

use std::net::Ipv4Addr;

use tables::multicast::FarHost;
use tables::notice::{NOTICE_INTERVAL_NS, Notice};
use tables::path_mtu::PATH_MTU_MIN;
use tables::{Entry, HostIndex, Key, PortIndex, Snapshot};
use wire::address::{NetworkId, virtual_of};
use wire::decode::Ipv6Facts;
use wire::drop_reason::DropReason;
use wire::ethernet;
use wire::icmpv4;
use wire::packet::Packet;
use wire::substrate_error::{SubstrateError, Trouble};

use crate::icmp::{FRAME_BYTES_MAX, write_error};
use crate::io::BurstIo;
use crate::path::Path;

/// An error that is believed: whose packet it is about.
struct Believed {
    /// The guest port of the sender; `None` if this host only copied the packet, or it was
    /// for many.
    sender: Option<PortIndex>,
    /// The host that the packet was for.
    host: HostIndex,
    /// Network and virtual address that it was for.
    destination: Key,
}

/// What becomes of an error.
enum Fate {
    /// It goes out at this port, as another.
    Told(PortIndex),
    /// The controller has its news, and nobody else is concerned.
    Heard,
}

impl<Io: BurstIo> Path<Io> {
    /// Ends an ICMPv6 error to the address of a node.
    #[cold]
    pub(crate) fn substrate_error(&mut self, tables: &Snapshot, mut packet: Io::Packet) {
        match self.hear(tables, &mut packet) {
            Ok(Fate::Told(port)) => self.send(port, packet),
            Ok(Fate::Heard) => self.counters.worker.punted.add(1),
            Err(reason) => self.drop_packet(PortIndex::UPLINK, reason, packet),
        }
    }

    fn hear(&mut self, tables: &Snapshot, packet: &mut Io::Packet) -> Result<Fate, DropReason> {
        let rules = &tables.fabric.rules;
        let ip = &packet.bytes()[ethernet::HEADER_BYTES..];
        let facts = Ipv6Facts::parse(ip)?;
        let error = SubstrateError::parse(&facts, ip, rules).ok_or(DropReason::IcmpRefused)?;
        let believed = believe(tables, &facts, &error).ok_or(DropReason::IcmpRefused)?;
        let counters = &self.counters.worker.icmp;
        let answer = match error.trouble {
            Trouble::TooBig { mtu } => {
                counters.heard_too_big.add(1);
                let mtu = self.learn(tables, believed.host, mtu);
                let growth = u16::from(error.overlay.head_bytes) - wire::ipv4::HEADER_BYTES as u16;
                let next_hop_mtu = mtu.saturating_sub(growth);
                let told = error.overlay.label.dont_fragment;
                told.then_some(icmpv4::Error::FragmentationNeeded { next_hop_mtu })
            }
            Trouble::Unreachable { code } => {
                counters.heard_unreachable.add(1);
                self.bounce(believed.host, believed.destination, code);
                // A replica's host: that of the address may well be there.
                let original = !error.overlay.label.copy;
                original.then_some(icmpv4::Error::HostUnreachable)
            }
            Trouble::Other => {
                counters.heard_other.add(1);
                return Err(DropReason::IcmpRefused);
            }
        };
        let Some((port, answer)) = believed.sender.zip(answer) else {
            return Ok(Fate::Heard);
        };
        let node = tables.node(port).ok_or(DropReason::PortDown)?;
        let mut quoted = [0; icmpv4::QUOTED_BYTES_MAX];
        let quoted_bytes = error.restore_quoted(&mut quoted, rules);
        let quoted = &quoted[..quoted_bytes];
        if !icmpv4::may_answer(quoted) {
            return Ok(Fate::Heard);
        }
        if !self.may_tell(port) {
            return Err(DropReason::RateLimit);
        }
        let mut frame = [0; FRAME_BYTES_MAX];
        let bytes = write_error(&mut frame, node, answer, quoted);
        // Shorter than the error by two IPv6 headers, less an IPv4 header.
        packet.truncate(bytes);
        packet.bytes_mut().copy_from_slice(&frame[..bytes]);
        self.counters.worker.icmp.errors.add(1);
        Ok(Fate::Told(port))
    }

    /// Tells the controller that the path to `host` takes less than the tables
    /// say; returns what it takes, in octets.
    fn learn(&mut self, tables: &Snapshot, host: HostIndex, mtu: u32) -> u16 {
        let mtu = u16::try_from(mtu).unwrap_or(u16::MAX).max(PATH_MTU_MIN);
        let known = tables.path_mtus.to(host);
        if mtu < known {
            // Without room it is said again, with the next packet that is too big.
            self.notices.push(Notice::PathMtu { host, mtu });
        }
        mtu.min(known)
    }

    /// Tells the controller that `host` cannot be reached, unless it was told a
    /// moment ago.
    fn bounce(&mut self, host: HostIndex, destination: Key, code: u8) {
        let now_ns = self.io.now_ns();
        let Some(told_ns) = self.bounced_ns.get_mut(usize::from(host.0)) else {
            return;
        };
        if *told_ns != 0 && now_ns.saturating_sub(*told_ns) < NOTICE_INTERVAL_NS {
            return;
        }
        let notice = Notice::Unreachable {
            host,
            destination,
            code,
        };
        if self.notices.push(notice) {
            *told_ns = now_ns.max(1);
        }
    }
}

/// Whether this host can have sent the quoted packet, and to whom.
fn believe(tables: &Snapshot, facts: &Ipv6Facts, error: &SubstrateError<'_>) -> Option<Believed> {
    let quoted = &error.quoted;
    let layout = tables.fabric.layout;
    let network = layout.network_of(&quoted.source);
    // An error goes to who sent the packet.
    if facts.destination != quoted.source || layout.network_of(&quoted.destination) != network {
        return None;
    }
    let network = NetworkId::new(network)?;
    let place = |address: Ipv4Addr| tables.place(tables.mappings.aim(Key::new(network, address)));
    let source = place(virtual_of(&quoted.source))?;
    let ours = layout.prefix96(&tables.host.locator, network.get());
    if quoted.source[..12] != ours.0 {
        return None;
    }
    let address = virtual_of(&quoted.destination);
    let Some(destination) = place(address) else {
        // A packet to many: its sender is never told (RFC 1122 section 3.2.2).
        let link = tables.multicast.link(network.get(), source.key.address())?;
        link.audience(address)?;
        let of_it = |far: &&FarHost| far.prefix.0 == quoted.destination[..12];
        let far = link.hosts().iter().find(of_it)?;
        source.local_port()?;
        return (source.owner == tables.host.index).then_some(Believed {
            sender: None,
            host: far.host,
            destination: Key::new(network, address),
        });
    };
    let host = host_of(tables, destination, &quoted.destination[..12])?;
    let sender = if source.owner == tables.host.index {
        Some(source.local_port()?)
    } else if error.overlay.label.copy && destination.group.is_some() {
        // Another host's node: this host made a copy of its packet, for a member.
        None
    } else {
        return None;
    };
    Some(Believed {
        sender,
        host,
        destination: Key::new(network, address),
    })
}

/// The other host that has this prefix for an address: its owner's, or a
/// member's.
fn host_of(tables: &Snapshot, entry: &Entry, prefix: &[u8]) -> Option<HostIndex> {
    let copies = entry.group.and_then(|group| tables.group(group));
    let members = copies.into_iter().flat_map(|group| &group.copies);
    let members = members.map(|member| (member.prefix, member.host));
    std::iter::once((entry.prefix, entry.owner))
        .chain(members)
        .find(|(known, host)| known.0 == *prefix && *host != tables.host.index)
        .map(|(_, host)| host)
}
