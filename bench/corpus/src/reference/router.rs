//! The virtual router, docs/wire.md section 11. The worlds have no static routes.

use std::net::Ipv4Addr;

use super::errors::{Error, dropped};
use super::ipv4::Ipv4;
use super::{Judged, Reference, left};
use crate::case::Verdict;
use crate::checksum;
use crate::world::virtual_mac;

impl Reference<'_> {
    /// A destination without a mapping.
    pub(super) fn ask_router(
        &mut self,
        port: &str,
        network: &str,
        node: Ipv4Addr,
        packet: &Ipv4<'_>,
        frame: &[u8],
    ) -> Judged {
        let world = self.world;
        let destination = packet.destination;
        let for_all =
            world.same_subnet(network, node, destination) && world.is_last(network, destination);
        if destination.is_multicast() || destination.is_broadcast() || for_all {
            return self.sends_to_many(port, network, node, packet);
        }
        if world.is_gateway(network, packet.destination) {
            if packet.ttl == 0 {
                let told = self.told(port, network, node, Error::TimeExceeded, packet, frame);
                return Ok(dropped("encode_ttl", told));
            }
            let reply = echo_reply(packet).filter(|_| frame[0] & 1 == 0);
            let ip = reply.ok_or("encode_no_mapping")?;
            let gateway = world.gateway_of(network, node).ok_or("encode_no_mapping")?;
            let mac = world.node_mac(network, node).map_err(|_| "no node")?;
            let answer = [&mac[..], &virtual_mac(gateway), &[0x08, 0x00], &ip].concat();
            return Ok(left(Verdict::Transmit, port, answer));
        }
        let elsewhere = !world.same_subnet(network, node, packet.destination);
        if elsewhere && world.is_for_all(network, packet.destination) {
            return Err("policy_denied");
        }
        Err("encode_no_mapping")
    }
}

/// The IPv4 packet that answers an echo request, if this is one.
fn echo_reply(packet: &Ipv4<'_>) -> Option<Vec<u8>> {
    let whole = packet.offset == 0 && !packet.more_fragments;
    let request =
        packet.protocol == 1 && packet.payload.len() >= 8 && packet.payload[..2] == [8, 0];
    if !whole || !request || checksum::sum(packet.payload) != 0xffff {
        return None;
    }
    let mut message = packet.payload.to_vec();
    message[0] = 0;
    message[2..4].fill(0);
    let sum = checksum::of(&message);
    message[2..4].copy_from_slice(&sum.to_be_bytes());
    let total = (20 + message.len()) as u16;
    let mut header = vec![0x45, packet.tos];
    header.extend(total.to_be_bytes());
    header.extend([0, 0, 0x40, 0, 64, 1, 0, 0]);
    header.extend(packet.destination.octets());
    header.extend(packet.source.octets());
    let sum = checksum::of(&header);
    header[10..12].copy_from_slice(&sum.to_be_bytes());
    Some([header, message].concat())
}
