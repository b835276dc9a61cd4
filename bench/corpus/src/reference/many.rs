//! Packets to groups and to all of a subnet, docs/wire.md section 11.
//!
//! The reference has no clock: what a node or a host said counts until it says otherwise.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use super::errors::dropped;
use super::ipv4::Ipv4;
use super::substrate::{Ipv6, Part, inner, network_id, punted};
use super::{Judged, Reference};
use crate::case::Verdict;
use crate::checksum;
use crate::outcome::Found;

const IGMP: u8 = 2;
const ALL_ROUTERS: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 2);

/// A group on a subnet, which is named by its network and gateway, and a port or host.
type Place = (String, Ipv4Addr, Ipv4Addr, String);

/// Who listens.
#[derive(Clone, Debug, Default)]
pub(super) struct Listeners {
    /// Ports whose node has joined.
    ports: BTreeSet<Place>,
    /// Hosts that have left. Nobody has heard the others yet, so they count as listening.
    silent_hosts: BTreeSet<Place>,
}

/// Whom a packet is for.
enum Audience {
    All,
    Group(Ipv4Addr),
}

impl Reference<'_> {
    /// Copies that ended, and why, beside what was said of their packets.
    pub fn take_lost(&mut self) -> Vec<&'static str> {
        std::mem::take(&mut self.lost)
    }

    fn audience(&self, network: &str, node: Ipv4Addr, destination: Ipv4Addr) -> Option<Audience> {
        let rules = self.world.multicast(network)?;
        let all = destination == Ipv4Addr::BROADCAST
            || self.world.same_subnet(network, node, destination)
                && self.world.is_last(network, destination);
        if all {
            return rules.broadcast.then_some(Audience::All);
        }
        let known = rules.groups.contains(&destination);
        known.then_some(Audience::Group(destination))
    }

    fn place(&self, network: &str, node: Ipv4Addr, group: Ipv4Addr, who: &str) -> Place {
        let gateway = self.world.gateway_of(network, node);
        let gateway = gateway.unwrap_or(Ipv4Addr::UNSPECIFIED);
        (network.to_owned(), gateway, group, who.to_owned())
    }

    /// The other hosts that get a packet of this node, and the ports here.
    fn receivers(
        &self,
        network: &str,
        node: Ipv4Addr,
        audience: &Audience,
    ) -> (Vec<String>, Vec<String>) {
        let mut hosts = self.world.hosts_beside(network, node);
        let mut ports = self.world.ports_beside(network, node);
        if let Audience::Group(group) = audience {
            let place = |who: &String| self.place(network, node, *group, who);
            hosts.retain(|host| !self.listeners.silent_hosts.contains(&place(host)));
            ports.retain(|port| self.listeners.ports.contains(&place(port)));
        }
        (hosts, ports)
    }

    /// A node's packet whose destination names many.
    pub(super) fn sends_to_many(
        &mut self,
        port: &str,
        network: &str,
        node: Ipv4Addr,
        packet: &Ipv4<'_>,
    ) -> Judged {
        let world = self.world;
        let rules = world.multicast(network).ok_or("encode_no_mapping")?;
        let destination = packet.destination;
        if packet.protocol == IGMP {
            return self.node_says(port, network, node, packet);
        }
        if rules.is_never_forwarded(destination) {
            return Err("policy_denied");
        }
        let audience = self.audience(network, node, destination);
        let audience = audience.ok_or("encode_no_mapping")?;
        if packet.ttl == 0 {
            return Err("encode_ttl");
        }
        let (hosts, ports) = self.receivers(network, node, &audience);
        let (mut out, mut lost) = (Vec::new(), Vec::new());
        for host in &hosts {
            match self.to_host(network, host, packet) {
                Ok(found) => {
                    if let Verdict::Drop(_) = found.verdict {
                        lost.push("encode_too_big");
                    }
                    out.extend(found.out);
                }
                Err(reason) => lost.push(reason),
            }
        }
        for receiver in ports.iter().filter(|receiver| *receiver != port) {
            let ip = packet.with_ttl(packet.ttl);
            let frame = self.for_many(network, receiver, packet.source, destination, &ip);
            out.push((receiver.clone(), frame));
        }
        self.concluded(out, lost)
    }

    fn to_host(&self, network: &str, host: &str, packet: &Ipv4<'_>) -> Judged {
        let path_mtu = self.path_mtu(host);
        let ip = self.reheaded(network, host, packet, 0);
        if ip.len() <= path_mtu {
            let out = vec![("uplink".to_owned(), self.on_the_link(&ip)?)];
            let verdict = Verdict::Transmit;
            return Ok(Found { verdict, out });
        }
        match packet.dont_fragment {
            true => Err("encode_too_big"),
            false => self.cut(network, host, packet, 0, path_mtu),
        }
    }

    /// If anything left, what was lost were copies of it.
    fn concluded(&mut self, out: Vec<(String, Vec<u8>)>, lost: Vec<&'static str>) -> Judged {
        let mut lost = lost.into_iter();
        if out.is_empty() {
            let reason = lost.next().unwrap_or("no_subscriber");
            self.lost.extend(lost);
            return Ok(dropped(reason, out));
        }
        self.lost.extend(lost);
        let verdict = match out.iter().any(|(port, _)| port == "uplink") {
            true => Verdict::Transmit,
            false => Verdict::Deliver,
        };
        Ok(Found { verdict, out })
    }

    /// Section 11, delivery: to all stations, or to those of a group.
    fn for_many(
        &self,
        network: &str,
        port: &str,
        sender: Ipv4Addr,
        destination: Ipv4Addr,
        ip: &[u8],
    ) -> Vec<u8> {
        let receiver = self.world.node_at(port).unwrap_or(Ipv4Addr::UNSPECIFIED);
        let mut frame = self.delivered(network, receiver, sender, ip);
        let mac = match destination.octets() {
            [224..=239, b, c, d] => [1, 0, 0x5e, b & 0x7f, c, d],
            _ => [0xff; 6],
        };
        frame[..6].copy_from_slice(&mac);
        frame
    }

    /// IGMP of a node: it ends here, and other hosts are told.
    fn node_says(
        &mut self,
        port: &str,
        network: &str,
        node: Ipv4Addr,
        packet: &Ipv4<'_>,
    ) -> Judged {
        if packet.is_fragment() {
            return Err("icmp_refused");
        }
        let said = igmp(packet.payload).ok_or("icmp_refused")?;
        let mut out = Vec::new();
        for (group, listens) in said {
            if !self.is_configured(network, group) {
                continue;
            }
            let place = self.place(network, node, group, port);
            if listens {
                self.listeners.ports.insert(place);
            } else {
                self.listeners.ports.remove(&place);
            }
            let (_, still) = self.receivers(network, node, &Audience::Group(group));
            if listens || still.is_empty() {
                out.extend(self.announced(network, node, group, listens));
            }
        }
        let verdict = Verdict::Punt;
        Ok(Found { verdict, out })
    }

    fn is_configured(&self, network: &str, group: Ipv4Addr) -> bool {
        let rules = self.world.multicast(network);
        rules.is_some_and(|rules| rules.groups.contains(&group))
    }

    /// What each other host of the subnet is told, as IGMP of version 2.
    fn announced(
        &self,
        network: &str,
        node: Ipv4Addr,
        group: Ipv4Addr,
        listens: bool,
    ) -> Vec<(String, Vec<u8>)> {
        let mut message = vec![if listens { 0x16 } else { 0x17 }, 0, 0, 0];
        message.extend(group.octets());
        let sum = checksum::of(&message);
        message[2..4].copy_from_slice(&sum.to_be_bytes());
        let packet = Ipv4 {
            tos: 0xc0,
            id: 0,
            dont_fragment: true,
            more_fragments: false,
            offset: 0,
            ttl: 1,
            protocol: IGMP,
            source: node,
            destination: if listens { group } else { ALL_ROUTERS },
            header: &[],
            payload: &message,
        };
        let frame = |host: &String| {
            let ip = self.reheaded(network, host, &packet, 0);
            Some(("uplink".to_owned(), self.on_the_link(&ip).ok()?))
        };
        let hosts = self.world.hosts_beside(network, node);
        hosts.iter().filter_map(frame).collect()
    }

    /// Step 11: whether a destination that is no node's names many in its network.
    pub(super) fn names_many(&self, network: &str, destination: Ipv4Addr, protocol: u8) -> bool {
        let Some(rules) = self.world.multicast(network) else {
            return false;
        };
        let all = destination == Ipv4Addr::BROADCAST || self.world.is_last(network, destination);
        rules.broadcast && all
            || rules.groups.contains(&destination)
            || protocol == IGMP && destination == ALL_ROUTERS
    }

    /// A genuine packet of another host to many.
    pub(super) fn many_receive(&mut self, network: &str, ip: &Ipv6<'_>, part: &Part<'_>) -> Judged {
        let (sender, destination) = (inner(&ip.source), inner(&ip.destination));
        let names_many = destination.is_multicast() || destination == Ipv4Addr::BROADCAST;
        if part.protocol == IGMP && names_many {
            return self.host_says(network, ip, part);
        }
        let audience = self.audience(network, sender, destination);
        let audience = audience.ok_or("decode_unknown_destination")?;
        let (_, ports) = self.receivers(network, sender, &audience);
        let mut out = Vec::new();
        for port in ports {
            let restored = self.restored(&port, ip, part);
            let frame = self.for_many(network, &port, sender, destination, &restored);
            out.push((port, frame));
        }
        self.concluded(out, Vec::new())
    }

    /// What a node of another host listens to.
    fn host_says(&mut self, network: &str, ip: &Ipv6<'_>, part: &Part<'_>) -> Judged {
        if part.more_fragments || part.offset > 0 {
            return Err("icmp_refused");
        }
        let sender = inner(&ip.source);
        let host = self
            .world
            .host_of(network, sender)
            .map_err(|_| "icmp_refused")?;
        for (group, listens) in igmp(part.payload).ok_or("icmp_refused")? {
            if !self.is_configured(network, group) {
                continue;
            }
            let place = self.place(network, sender, group, host);
            if listens {
                self.listeners.silent_hosts.remove(&place);
            } else {
                self.listeners.silent_hosts.insert(place);
            }
        }
        Ok(punted())
    }

    /// The host that a quoted packet to many was for, if this host can have sent it there.
    pub(super) fn quoted_host(&self, network: &str, quoted: &Ipv6<'_>) -> Option<String> {
        let (sender, destination) = (inner(&quoted.source), inner(&quoted.destination));
        self.audience(network, sender, destination)?;
        let id = network_id(&quoted.source);
        let is_it =
            |host: &String| self.world.overlay(host, id, destination) == Ok(quoted.destination);
        let hosts = self.world.hosts_beside(network, sender);
        hosts.into_iter().find(is_it)
    }
}

/// RFC 3376 and its forerunners: each group that a listener names, and whether it listens now.
fn igmp(message: &[u8]) -> Option<Vec<(Ipv4Addr, bool)>> {
    if message.len() < 8 || checksum::sum(message) != 0xffff {
        return None;
    }
    let address = |at: usize| {
        Ipv4Addr::new(
            message[at],
            message[at + 1],
            message[at + 2],
            message[at + 3],
        )
    };
    match message[0] {
        0x12 | 0x16 => Some(vec![(address(4), true)]),
        0x17 => Some(vec![(address(4), false)]),
        0x22 => {
            let count = usize::from(message[6]) << 8 | usize::from(message[7]);
            let mut said = Vec::new();
            let mut at = 8;
            for _ in 0..count {
                if at + 8 > message.len() {
                    return None;
                }
                let sources = usize::from(message[at + 2]) << 8 | usize::from(message[at + 3]);
                let group = address(at + 4);
                match message[at] {
                    // Now only these sources: none is to leave.
                    1 | 3 => said.push((group, sources != 0)),
                    // All but these.
                    2 | 4 => said.push((group, true)),
                    5 if sources != 0 => said.push((group, true)),
                    _ => {}
                }
                at += 8 + 4 * sources + 4 * usize::from(message[at + 1]);
                if at > message.len() {
                    return None;
                }
            }
            Some(said)
        }
        _ => None,
    }
}
