//! From a guest: docs/wire.md section 11, the two tables.

use std::net::Ipv4Addr;

use super::errors::{Error, dropped};
use super::ipv4::{self, Ipv4};
use super::{AH, FRAGMENT, Judged, Reference, left, u16_at};
use crate::case::Verdict;
use crate::outcome::Found;
use crate::world::virtual_mac;

/// Hop limit of what a host sends, section 2.
const HOP_LIMIT: u8 = 255;

impl Reference<'_> {
    /// The numbers are those of the checks.
    pub(super) fn guest_sends(
        &mut self,
        port: &str,
        network: &str,
        node: Ipv4Addr,
        frame: &[u8],
    ) -> Judged {
        let world = self.world;
        let own_mac = world.node_mac(network, node).map_err(|_| "no node")?;
        // 1
        if frame.len() < 14 {
            return Err("l2_malformed");
        }
        // 2
        if frame[6..12] != own_mac {
            return Err("l2_source_mac");
        }
        // 3
        match u16_at(frame, 12) {
            0x0806 => return self.answer_arp(port, network, node, &frame[14..]),
            0x0800 => {}
            _ => return Err("l2_ethertype"),
        }
        // 3a: nobody is the primary of a group yet.
        if world.is_replicated(network, node) {
            return Err("encode_replica_silent");
        }
        // 4 to 8
        let packet = ipv4::parse(&frame[14..])?;
        // 9
        if packet.source != node {
            return Err("encode_spoofed");
        }
        // 10
        if self.is_forbidden(packet.protocol) {
            return Err("encode_forbidden_protocol");
        }
        // 11
        if packet.destination == node {
            return Err("encode_martian");
        }
        self.forward(port, network, node, &packet, frame)
    }

    /// From check 12 on.
    fn forward(
        &mut self,
        port: &str,
        network: &str,
        node: Ipv4Addr,
        packet: &Ipv4<'_>,
        frame: &[u8],
    ) -> Judged {
        let (world, destination) = (self.world, packet.destination);
        // 12
        let Ok(host) = world.host_of(network, destination) else {
            return self.ask_router(port, network, node, packet, frame);
        };
        // 13
        let routers = u8::from(!world.same_subnet(network, node, destination));
        if packet.ttl <= routers {
            let told = self.told(port, network, node, Error::TimeExceeded, packet, frame);
            return Ok(dropped("encode_ttl", told));
        }
        // 13a
        if world.is_replicated(network, destination) {
            return Err("decode_no_owner");
        }
        // 14
        if host == world.own() {
            let port = world.port_of(network, destination).ok_or("port_down")?;
            let ip = packet.with_ttl(packet.ttl - routers);
            let frame = self.delivered(network, destination, packet.source, &ip);
            return Ok(left(Verdict::Deliver, port, frame));
        }
        // 15
        let path_mtu = self.path_mtu(host);
        let head_bytes = if self.has_fragment_header(packet) {
            48
        } else {
            40
        };
        if head_bytes + packet.payload.len() <= path_mtu {
            // 16
            let ip = self.reheaded(network, host, packet, routers);
            return Ok(left(Verdict::Transmit, "uplink", self.on_the_link(&ip)?));
        }
        if packet.dont_fragment {
            let mtu = path_mtu - (head_bytes - 20);
            let told = self.told(port, network, node, Error::TooBig(mtu), packet, frame);
            return Ok(dropped("encode_too_big", told));
        }
        self.cut(network, host, packet, routers, path_mtu)
    }

    /// Section 4: fragments as IPv4 has them, each re-headed by itself.
    pub(super) fn cut(
        &self,
        network: &str,
        host: &str,
        packet: &Ipv4<'_>,
        routers: u8,
        path_mtu: usize,
    ) -> Judged {
        let unit = (path_mtu - 48) & !7;
        let pieces: Vec<&[u8]> = packet.payload.chunks(unit).collect();
        let mut out = Vec::new();
        for (at, piece) in pieces.iter().enumerate() {
            let offset = usize::from(packet.offset) + at * unit / 8;
            if offset > 0x1fff {
                return Ok(dropped("encode_too_big", out));
            }
            let fragment = Ipv4 {
                offset: offset as u16,
                more_fragments: packet.more_fragments || at + 1 < pieces.len(),
                payload: piece,
                ..*packet
            };
            let ip = self.reheaded(network, host, &fragment, routers);
            out.push(("uplink".to_owned(), self.on_the_link(&ip)?));
        }
        Ok(Found {
            verdict: Verdict::Transmit,
            out,
        })
    }

    /// Check 16.
    pub(super) fn on_the_link(&self, ip: &[u8]) -> Result<Vec<u8>, &'static str> {
        let next_hop = self.world.next_hop_mac().ok_or("no_next_hop")?;
        let uplink = self.world.mac("uplink").unwrap_or_default();
        Ok([&next_hop[..], &uplink, &[0x86, 0xdd], ip].concat())
    }

    /// Section 3.
    fn has_fragment_header(&self, packet: &Ipv4<'_>) -> bool {
        let keep_id = match self.world.keep_id() {
            "all" => true,
            "df0" => !packet.dont_fragment,
            _ => false,
        };
        packet.is_fragment() || packet.protocol == AH || keep_id
    }

    /// Sections 2 and 3. HASH is 0: it may be anything.
    pub(super) fn reheaded(
        &self,
        network: &str,
        host: &str,
        packet: &Ipv4<'_>,
        routers: u8,
    ) -> Vec<u8> {
        let world = self.world;
        let address = |host: &str, inner: Ipv4Addr| {
            let id = world.id_of(network).unwrap_or_default();
            world.overlay(host, id, inner).unwrap_or_default()
        };
        let with_header = self.has_fragment_header(packet);
        let traffic_class = match world.fixed_dscp() {
            Some(dscp) => dscp << 2 | packet.tos & 3,
            None => packet.tos,
        };
        let ttl = packet.ttl - routers;
        // E is 1: no address has moved yet.
        let label = u32::from(ttl) << 12 | u32::from(packet.dont_fragment) << 11 | 1 << 8;
        let first = 6 << 28 | u32::from(traffic_class) << 20 | label;
        let length = packet.payload.len() + if with_header { 8 } else { 0 };
        let mut ip = first.to_be_bytes().to_vec();
        ip.extend((length as u16).to_be_bytes());
        ip.extend([
            if with_header {
                FRAGMENT
            } else {
                packet.protocol
            },
            HOP_LIMIT,
        ]);
        ip.extend(address(world.own(), packet.source));
        ip.extend(address(host, packet.destination));
        if with_header {
            let place = packet.offset << 3 | u16::from(packet.more_fragments);
            ip.extend([packet.protocol, 0]);
            ip.extend(place.to_be_bytes());
            ip.extend([0, 0]);
            ip.extend(packet.id.to_be_bytes());
        }
        ip.extend(packet.payload);
        ip
    }

    /// Section 11, delivery.
    pub(super) fn delivered(
        &self,
        network: &str,
        receiver: Ipv4Addr,
        sender: Ipv4Addr,
        ip: &[u8],
    ) -> Vec<u8> {
        let world = self.world;
        let destination = world.node_mac(network, receiver).unwrap_or_default();
        let source = world.seen_as(network, receiver, sender).unwrap_or_default();
        [&destination[..], &source, &[0x08, 0x00], ip].concat()
    }

    /// Section 11, ARP.
    fn answer_arp(&self, port: &str, network: &str, node: Ipv4Addr, message: &[u8]) -> Judged {
        let world = self.world;
        let own_mac = world.node_mac(network, node).map_err(|_| "no node")?;
        let known_form = message.len() >= 28 && message[..6] == [0, 1, 8, 0, 6, 4];
        if !known_form || !matches!(u16_at(message, 6), 1 | 2) {
            return Err("l2_malformed");
        }
        if u16_at(message, 6) == 2 {
            return Err("policy_denied");
        }
        if message[8..14] != own_mac {
            return Err("l2_source_mac");
        }
        let address = |at: usize| {
            Ipv4Addr::new(
                message[at],
                message[at + 1],
                message[at + 2],
                message[at + 3],
            )
        };
        let (sender, target) = (address(14), address(24));
        if sender != node && sender != Ipv4Addr::UNSPECIFIED {
            return Err("encode_spoofed");
        }
        if target == node {
            return Err("policy_denied");
        }
        let is_neighbour =
            world.same_subnet(network, node, target) && world.host_of(network, target).is_ok();
        if world.gateway_of(network, node) != Some(target) && !is_neighbour {
            return Err("encode_no_mapping");
        }
        let mac = virtual_mac(target);
        let mut answer = [&own_mac[..], &mac, &[0x08, 0x06]].concat();
        answer.extend([0, 1, 8, 0, 6, 4, 0, 2]);
        answer.extend(mac);
        answer.extend(target.octets());
        answer.extend(own_mac);
        answer.extend(sender.octets());
        Ok(left(Verdict::Transmit, port, answer))
    }
}
