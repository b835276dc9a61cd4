//! ICMP errors: what a guest is told, and what is believed of what routers say. docs/wire.md section
//! 4 and "Too big, and errors for guests", "Errors of the substrate".

use std::net::Ipv4Addr;

use super::ipv4::Ipv4;
use super::substrate::{Ipv6, inner, network_id, parse_quoted, part_of, punted};
use super::{Judged, Reference, left};
use crate::case::Verdict;
use crate::checksum;
use crate::outcome::Found;

/// What is wrong with a guest's packet.
#[derive(Clone, Copy, Debug)]
pub(super) enum Error {
    TimeExceeded,
    HostUnreachable,
    /// And what fits.
    TooBig(usize),
}

/// The longest error, from its IPv4 header on.
const ERROR_BYTES_MAX: usize = 576;
/// Below this no path MTU falls.
const PATH_MTU_MIN: usize = 1280;
const ICMP: u8 = 1;

pub(super) fn dropped(reason: &str, out: Vec<(String, Vec<u8>)>) -> Found {
    Found {
        verdict: Verdict::Drop(reason.to_owned()),
        out,
    }
}

impl Reference<'_> {
    pub(super) fn path_mtu(&self, host: &str) -> usize {
        let uplink = self.world.uplink_mtu();
        self.path_mtus.get(host).copied().unwrap_or(uplink)
    }

    /// What the guest at `port` is told about a packet of its, if that may be answered.
    pub(super) fn told(
        &self,
        port: &str,
        network: &str,
        node: Ipv4Addr,
        error: Error,
        packet: &Ipv4<'_>,
        frame: &[u8],
    ) -> Vec<(String, Vec<u8>)> {
        let for_many = frame[0] & 1 != 0;
        if for_many || !deserves_an_answer(packet.protocol, packet.offset, packet.payload) {
            return Vec::new();
        }
        let quoted = [packet.header, packet.payload].concat();
        vec![(port.to_owned(), self.error(network, node, error, &quoted))]
    }

    /// The frame of an error from the node's gateway.
    fn error(&self, network: &str, node: Ipv4Addr, error: Error, quoted: &[u8]) -> Vec<u8> {
        let gateway = self.world.gateway_of(network, node);
        let gateway = gateway.unwrap_or(Ipv4Addr::UNSPECIFIED);
        let (kind, code, mtu) = match error {
            Error::TimeExceeded => (11, 0, 0),
            Error::HostUnreachable => (3, 1, 0),
            Error::TooBig(mtu) => (3, 4, mtu as u16),
        };
        let mut message = vec![kind, code, 0, 0, 0, 0];
        message.extend(mtu.to_be_bytes());
        message.extend(quoted.iter().take(ERROR_BYTES_MAX - 28));
        let sum = checksum::of(&message);
        message[2..4].copy_from_slice(&sum.to_be_bytes());
        let mut ip = vec![0x45, 0xc0];
        ip.extend((20 + message.len() as u16).to_be_bytes());
        ip.extend([0, 0, 0, 0, 64, ICMP, 0, 0]);
        ip.extend(gateway.octets());
        ip.extend(node.octets());
        let sum = checksum::of(&ip);
        ip[10..12].copy_from_slice(&sum.to_be_bytes());
        ip.extend(message);
        self.delivered(network, node, gateway, &ip)
    }

    /// Step 5: what a router says to the address of a node.
    pub(super) fn hear(&mut self, ip: &Ipv6<'_>) -> Judged {
        const REFUSED: &str = "icmp_refused";
        let message = ip.payload;
        if message.len() < 8 || message[0] >= 128 || !checksum_is_right(ip) {
            return Err(REFUSED);
        }
        let (quoted, length) = parse_quoted(&message[8..]).map_err(|_| REFUSED)?;
        if quoted.label >> 12 == 0 {
            return Err(REFUSED);
        }
        let part = part_of(&quoted).map_err(|_| REFUSED)?;
        if self.is_forbidden(part.protocol) {
            return Err(REFUSED);
        }
        let (network, host) = self.believed(ip, &quoted).ok_or(REFUSED)?;
        let for_many = self
            .world
            .host_of(&network, inner(&quoted.destination))
            .is_err();
        let head_bytes = if part.id.is_some() { 8 } else { 0 };
        // A quoted packet too short for its own Fragment header is none of ours.
        let payload_bytes = length.checked_sub(head_bytes).ok_or(REFUSED)?;
        let (may_be_cut, is_copy) = (quoted.label & 0x800 == 0, quoted.label & 0x400 != 0);
        let error = match (message[0], message[1]) {
            (2, _) => {
                let mtu = u32::from_be_bytes([message[4], message[5], message[6], message[7]]);
                let mtu = self.learn(&host, mtu as usize);
                (!may_be_cut).then_some(Error::TooBig(mtu - 20 - head_bytes))
            }
            (1, _) => (!is_copy).then_some(Error::HostUnreachable),
            _ => return Err(REFUSED),
        };
        let sender = inner(&quoted.source);
        match error {
            // The sender of a packet to many is never told.
            Some(error)
                if !for_many && deserves_an_answer(part.protocol, part.offset, part.payload) =>
            {
                let header = self.header(&quoted, &part, part.id.unwrap_or(0), payload_bytes);
                let quote = [&header[..], part.payload].concat();
                let port = self.world.port_of(&network, sender).ok_or("port_down")?;
                let frame = self.error(&network, sender, error, &quote);
                Ok(left(Verdict::Deliver, port, frame))
            }
            _ => Ok(punted()),
        }
    }

    /// The network of a quoted packet that this host can have sent, and the host that it was for.
    fn believed(&self, ip: &Ipv6<'_>, quoted: &Ipv6<'_>) -> Option<(String, String)> {
        let world = self.world;
        let id = network_id(&quoted.source);
        if ip.destination != quoted.source || network_id(&quoted.destination) != id {
            return None;
        }
        let network = world.network_named(id)?;
        let (sender, receiver) = (inner(&quoted.source), inner(&quoted.destination));
        let own = world.overlay(world.own(), id, sender).ok()?;
        let port = world.port_of(network, sender);
        let ours = world.host_of(network, sender) == Ok(world.own()) && port.is_some();
        let unowned = |address| world.is_replicated(network, address);
        if quoted.source != own || !ours || unowned(sender) || unowned(receiver) {
            return None;
        }
        let Ok(host) = world.host_of(network, receiver) else {
            return Some((network.to_owned(), self.quoted_host(network, quoted)?));
        };
        let honest = world.overlay(host, id, receiver).ok()?;
        let elsewhere = host != world.own();
        (elsewhere && quoted.destination == honest).then(|| (network.to_owned(), host.to_owned()))
    }

    /// What the path to a host takes from now on.
    fn learn(&mut self, host: &str, mtu: usize) -> usize {
        let mtu = mtu.max(PATH_MTU_MIN).min(self.path_mtu(host));
        if self.learns && mtu < self.world.uplink_mtu() {
            self.path_mtus.insert(host.to_owned(), mtu);
        }
        mtu
    }
}

/// RFC 1122 section 3.2.2, of a packet between two unicast addresses: no ICMP error, nor what may be
/// one, and no fragment but the first.
fn deserves_an_answer(protocol: u8, offset: u16, payload: &[u8]) -> bool {
    let is_query = |kind: &u8| matches!(kind, 0 | 8 | 13..=18);
    offset == 0 && (protocol != ICMP || payload.first().is_some_and(is_query))
}

/// RFC 4443 section 2.3.
fn checksum_is_right(ip: &Ipv6<'_>) -> bool {
    let mut all = [&ip.source[..], &ip.destination].concat();
    all.extend((ip.payload.len() as u32).to_be_bytes());
    all.extend([0, 0, 0, 58]);
    all.extend(ip.payload);
    checksum::sum(&all) == 0xffff
}
