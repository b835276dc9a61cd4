//! Is what crossed the substrate what the guest sent: two captures, packet by packet.

use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::path::Path;

use serde::Serialize;

use crate::capture::{Error, Ipv4, Ipv6, Packet, for_each_packet};
use crate::stamp::{Reading, Stamp};

/// Which packets are compared: one direction between two nodes of a network.
#[derive(Clone, Copy, Debug)]
pub struct Direction {
    /// The network's id.
    pub network: u32,
    /// The sending node.
    pub from: Ipv4Addr,
    /// The receiving node.
    pub to: Ipv4Addr,
}

/// What the comparison found.
#[derive(Debug, Default, Serialize, PartialEq)]
pub struct Comparison {
    /// IPv6 packets in the substrate's capture, of any kind.
    ipv6_packets: u64,
    /// IPv4 packets in it.
    ipv4_packets: u64,
    /// Everything else in it.
    other_packets: u64,
    /// Packets of the direction whose payload was looked for among the guest's.
    compared: u64,
    /// Those of which the guest never sent such a payload.
    different: u64,
    /// Those that came with another next header than the guest's protocol.
    next_header_different: u64,
    /// Those whose flow label carries another time to live than the guest's packet.
    ttl_different: u64,
    /// Packets that the guest sent and the substrate's capture lacks.
    missing: u64,
    /// Bytes that a packet is longer on the substrate, over all pairs.
    overhead_bytes_min: Option<i64>,
    /// See `overhead_bytes_min`.
    overhead_bytes_max: Option<i64>,
}

/// What the guest sent with a payload, as often as it sent it.
#[derive(Clone, Copy)]
struct Original {
    protocol: u8,
    ttl: u8,
    total_bytes: usize,
}

/// Compares a capture from the substrate with one from the sending guest's interface. Fragments
/// are left out: they may be cut differently.
pub fn compare(substrate: &Path, guest: &Path, direction: Direction) -> Result<Comparison, Error> {
    let mut originals: HashMap<Vec<u8>, Vec<Original>> = HashMap::new();
    for_each_packet(guest, |packet| {
        if let Packet::Ipv4(packet) = packet
            && direction.sent(&packet)
        {
            originals
                .entry(packet.payload.to_vec())
                .or_default()
                .push(Original {
                    protocol: packet.protocol,
                    ttl: packet.ttl,
                    total_bytes: packet.total_bytes,
                });
        }
    })?;
    let mut report = Comparison::default();
    for_each_packet(substrate, |packet| match packet {
        Packet::Ipv4(_) => report.ipv4_packets += 1,
        Packet::Other => report.other_packets += 1,
        Packet::Ipv6(packet) => {
            report.ipv6_packets += 1;
            if direction.carries(&packet) {
                let original = originals.get_mut(packet.payload).and_then(Vec::pop);
                report.pair(&packet, original);
            }
        }
    })?;
    report.missing = originals.values().map(|left| left.len() as u64).sum();
    Ok(report)
}

impl Comparison {
    fn pair(&mut self, packet: &Ipv6<'_>, original: Option<Original>) {
        self.compared += 1;
        let Some(original) = original else {
            self.different += 1;
            return;
        };
        self.next_header_different += u64::from(packet.next_header != original.protocol);
        self.ttl_different += u64::from(packet.label_ttl() != original.ttl);
        let overhead = packet.total_bytes as i64 - original.total_bytes as i64;
        let (least, most) = (self.overhead_bytes_min, self.overhead_bytes_max);
        self.overhead_bytes_min = Some(least.map_or(overhead, |least| least.min(overhead)));
        self.overhead_bytes_max = Some(most.map_or(overhead, |most| most.max(overhead)));
    }
}

impl Direction {
    fn sent(&self, packet: &Ipv4<'_>) -> bool {
        (packet.source, packet.destination) == (self.from, self.to) && !packet.is_fragment
    }

    fn carries(&self, packet: &Ipv6<'_>) -> bool {
        const FRAGMENT: u8 = 44;
        self.names(&packet.source, self.from)
            && self.names(&packet.destination, self.to)
            && packet.next_header != FRAGMENT
    }

    /// Octets 9 to 11 hold the network and 12 to 15 the node, in both address layouts.
    fn names(&self, address: &[u8; 16], node: Ipv4Addr) -> bool {
        address[9..12] == self.network.to_be_bytes()[1..] && address[12..] == node.octets()
    }
}

/// Whose stamped datagrams a guest's interface saw.
#[derive(Debug, Default, Serialize, PartialEq)]
pub struct Tenants {
    /// Frames in the capture.
    packets: u64,
    /// Datagrams that name a tenant.
    stamped: u64,
    /// Those that name another one.
    foreign: u64,
}

/// Looks for another tenant's datagrams in a capture from a guest's interface.
pub fn tenants(guest: &Path, tenant: u32) -> Result<Tenants, Error> {
    let mut report = Tenants::default();
    for_each_packet(guest, |packet| {
        report.packets += 1;
        let Packet::Ipv4(packet) = packet else { return };
        let seen = match packet.udp_payload().map(Stamp::read) {
            Some(Reading::Whole(stamp)) => stamp.tenant,
            Some(Reading::Short(Some(tenant))) => tenant,
            _ => return,
        };
        report.stamped += 1;
        report.foreign += u64::from(seen != tenant);
    })?;
    Ok(report)
}

#[cfg(test)]
mod tests;
