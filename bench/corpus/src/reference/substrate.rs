//! From the substrate: docs/wire.md section 9, the decode order, with the details of section 11.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::{FRAGMENT, Judged, Reference, left, u16_at};
use crate::case::Verdict;
use crate::checksum;
use crate::outcome::Found;

const TCP: u8 = 6;
const UDP: u8 = 17;
const ICMPV6: u8 = 58;
const ECHO_REQUEST: u8 = 128;
const SOLICITATION: u8 = 135;
const ADVERTISEMENT: u8 = 136;

/// The fixed header, and what follows without padding.
pub(super) struct Ipv6<'a> {
    pub(super) traffic_class: u8,
    pub(super) label: u32,
    pub(super) next_header: u8,
    pub(super) hop_limit: u8,
    pub(super) source: [u8; 16],
    pub(super) destination: [u8; 16],
    pub(super) payload: &'a [u8],
}

/// Where a packet belongs in its whole, and its ID.
pub(super) struct Part<'a> {
    pub(super) protocol: u8,
    pub(super) offset: u16,
    pub(super) more_fragments: bool,
    pub(super) id: Option<u16>,
    pub(super) payload: &'a [u8],
}

impl Reference<'_> {
    /// The numbers are those of the steps.
    pub(super) fn substrate_brings(&mut self, frame: &[u8]) -> Judged {
        let world = self.world;
        // (1)
        if frame.len() < 14 {
            return Err("l2_malformed");
        }
        if u16_at(frame, 12) != 0x86dd {
            return Err("l2_ethertype");
        }
        // (2)
        let ip = parse(&frame[14..])?;
        // (1) to the link, and to our own name on it
        let destination = Ipv6Addr::from(ip.destination);
        let to_the_link = destination.is_multicast() || destination.is_unicast_link_local();
        let to_our_name = world.ipv6("uplink").ok() == Some(ip.destination);
        if to_the_link || to_our_name {
            return of_the_link(&ip, to_our_name);
        }
        // (3)
        if !world.is_own_locator(&ip.destination) {
            return Err("decode_not_ours");
        }
        // (4)
        let network = network_id(&ip.destination);
        if network == 0 {
            return self.to_the_host(&ip);
        }
        // (5)
        if ip.next_header == ICMPV6 {
            return self.hear(&ip);
        }
        // (6)
        if !world.is_in_fabric(&ip.source) {
            return Err("decode_native_off");
        }
        // (7)
        if !world.is_canonical(&ip.destination) || !world.is_canonical(&ip.source) {
            return Err("decode_bad_prefix");
        }
        // (8)
        if ip.label >> 12 == 0 {
            return Err("decode_bad_label");
        }
        // (9)
        let part = part_of(&ip)?;
        // (10)
        if self.is_forbidden(part.protocol) {
            return Err("decode_forbidden_protocol");
        }
        self.receive(network, &ip, &part)
    }

    /// From step 11 on.
    fn receive(&mut self, id: u32, ip: &Ipv6<'_>, part: &Part<'_>) -> Judged {
        let world = self.world;
        let (sender, receiver) = (inner(&ip.source), inner(&ip.destination));
        // (11)
        let network = world.network_named(id).ok_or("decode_unknown_network")?;
        let for_many = !world.lives_here(network, receiver);
        if for_many && !self.names_many(network, receiver, part.protocol) {
            return Err("decode_unknown_destination");
        }
        // (12)
        if network_id(&ip.source) != id {
            return Err("decode_network_mismatch");
        }
        // (13)
        let Ok(owner) = world.host_of(network, sender) else {
            return Err("decode_unknown_source");
        };
        if world.is_replicated(network, sender) {
            return Err("decode_no_owner");
        }
        let honest = world.overlay(owner, id, sender).unwrap_or_default();
        if ip.source != honest || owner == world.own() {
            return Err("decode_spoofed");
        }
        if ip.label >> 8 & 3 != 1 {
            return Err("decode_stale_generation");
        }
        if for_many {
            return self.many_receive(network, ip, part);
        }
        // (14)
        if world.is_replicated(network, receiver) {
            return Err("decode_no_owner");
        }
        let port = world.port_of(network, receiver).ok_or("port_down")?;
        let restored = self.restored(port, ip, part);
        let frame = self.delivered(network, receiver, sender, &restored);
        Ok(left(Verdict::Deliver, port, frame))
    }

    /// Step 4.
    fn to_the_host(&self, ip: &Ipv6<'_>) -> Judged {
        let world = self.world;
        let endpoint = Ipv4Addr::new(0, 0, 0, 1);
        if inner(&ip.destination) != endpoint {
            return Err("decode_unknown_destination");
        }
        let control = world.overlay(world.own(), 0, endpoint).unwrap_or_default();
        if ip.destination != control {
            return Err("decode_bad_prefix");
        }
        match ip.next_header {
            UDP | TCP | ICMPV6 => Ok(punted()),
            _ => Err("decode_forbidden_protocol"),
        }
    }

    /// The guest's packet again: sections 2 and 3.
    pub(super) fn restored(&mut self, port: &str, ip: &Ipv6<'_>, part: &Part<'_>) -> Vec<u8> {
        let id = match part.id {
            Some(id) => id,
            None if ip.label & 0x800 != 0 => 0,
            None => self.ids.next(port),
        };
        let mut packet = self.header(ip, part, id, part.payload.len());
        packet.extend(part.payload);
        packet
    }

    /// Its header, for a payload of `payload_bytes`.
    pub(super) fn header(
        &self,
        ip: &Ipv6<'_>,
        part: &Part<'_>,
        id: u16,
        payload_bytes: usize,
    ) -> Vec<u8> {
        let tos = match self.world.fixed_dscp() {
            Some(_) => ip.traffic_class & 3,
            None => ip.traffic_class,
        };
        let dont_fragment = ip.label & 0x800 != 0;
        let flags =
            u16::from(dont_fragment) << 14 | u16::from(part.more_fragments) << 13 | part.offset;
        let mut header = vec![0x45, tos];
        header.extend((payload_bytes as u16 + 20).to_be_bytes());
        header.extend(id.to_be_bytes());
        header.extend(flags.to_be_bytes());
        header.extend([(ip.label >> 12) as u8, part.protocol, 0, 0]);
        header.extend(&ip.source[12..]);
        header.extend(&ip.destination[12..]);
        let sum = checksum::of(&header);
        header[10..12].copy_from_slice(&sum.to_be_bytes());
        header
    }
}

/// Step 2.
fn parse(ip: &[u8]) -> Result<Ipv6<'_>, &'static str> {
    match parse_quoted(ip) {
        Ok((packet, length)) if length == packet.payload.len() => Ok(packet),
        _ => Err("decode_malformed"),
    }
}

/// Step 2, of a packet that may be cut short; and how long its payload was.
pub(super) fn parse_quoted(ip: &[u8]) -> Result<(Ipv6<'_>, usize), &'static str> {
    if ip.len() < 40 || ip[0] >> 4 != 6 {
        return Err("decode_malformed");
    }
    let length = usize::from(u16_at(ip, 4));
    let next_header = ip[6];
    let carried = if next_header == FRAGMENT {
        length.saturating_sub(8)
    } else {
        length
    };
    if carried + 20 > 65_535 {
        return Err("decode_malformed");
    }
    let address = |at: usize| {
        let mut address = [0; 16];
        address.copy_from_slice(&ip[at..at + 16]);
        address
    };
    let packet = Ipv6 {
        traffic_class: ip[0] << 4 | ip[1] >> 4,
        label: u32::from(ip[1] & 0x0f) << 16 | u32::from(u16_at(ip, 2)),
        next_header,
        hop_limit: ip[7],
        source: address(8),
        destination: address(24),
        payload: &ip[40..ip.len().min(40 + length)],
    };
    Ok((packet, length))
}

/// Step 9.
pub(super) fn part_of<'a>(ip: &Ipv6<'a>) -> Result<Part<'a>, &'static str> {
    if ip.next_header != FRAGMENT {
        return Ok(Part {
            protocol: ip.next_header,
            offset: 0,
            more_fragments: false,
            id: None,
            payload: ip.payload,
        });
    }
    let header = ip.payload;
    if header.len() < 8 {
        return Err("decode_bad_fragment");
    }
    let place = u16_at(header, 2);
    if header[1] != 0 || place & 0b110 != 0 || u16_at(header, 4) != 0 {
        return Err("decode_bad_fragment");
    }
    Ok(Part {
        protocol: header[0],
        offset: place >> 3,
        more_fragments: place & 1 != 0,
        id: Some(u16_at(header, 6)),
        payload: &header[8..],
    })
}

/// Section 11: link-local, multicast, and the uplink's address.
fn of_the_link(ip: &Ipv6<'_>, to_our_name: bool) -> Judged {
    if ip.next_header != ICMPV6 {
        return Err("decode_not_ours");
    }
    match ip.payload.first() {
        Some(&(SOLICITATION | ADVERTISEMENT)) if ip.hop_limit == 255 => Ok(punted()),
        Some(&ECHO_REQUEST) if to_our_name => Ok(punted()),
        _ => Err("icmp_refused"),
    }
}

pub(super) fn punted() -> Found {
    Found {
        verdict: Verdict::Punt,
        out: Vec::new(),
    }
}

pub(super) fn network_id(address: &[u8; 16]) -> u32 {
    u32::from_be_bytes([0, address[9], address[10], address[11]])
}

pub(super) fn inner(address: &[u8; 16]) -> Ipv4Addr {
    Ipv4Addr::new(address[12], address[13], address[14], address[15])
}
