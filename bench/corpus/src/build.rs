//! From the notation to octets.

use std::net::Ipv4Addr;

use crate::headers::{self, Ends};
use crate::notation::{self, Layer, Text, number};
use crate::outcome::Ids;
use crate::world::{At, World, virtual_mac};

/// A frame, and where its parts lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// From the Ethernet destination on.
    pub octets: Vec<u8>,
    /// Octets that may have any value: HASH.
    pub any: Vec<usize>,
    /// Each header, and where it begins.
    pub headers: Vec<(String, usize)>,
}

/// A frame that comes in.
#[derive(Clone, Debug)]
pub struct Packet {
    /// Where it comes in.
    pub port: String,
    /// What comes in.
    pub frame: Frame,
    /// Its IP packet without padding: where that begins, where its payload does, where it ends.
    ip: [usize; 3],
    /// The protocol of that payload.
    protocol: u8,
}

/// Octets of Ethernet padding: none that could be taken for emptied memory.
const PADDING: u8 = 0xee;

/// The frame that a case lets in.
pub(crate) fn incoming(world: &World, text: &str) -> Result<Packet, String> {
    let text = notation::parse(text)?;
    let mut ids = Ids::default();
    let built = Builder::new(world, &text, None, &mut ids)?.build(text.layers.clone())?;
    Ok(Packet {
        port: text.port,
        frame: built.frame,
        ip: built.ip,
        protocol: built.protocol,
    })
}

/// A frame that a case expects to leave for `input`, and where.
pub(crate) fn outgoing(
    world: &World,
    text: &str,
    input: &Packet,
    ids: &mut Ids,
) -> Result<(String, Frame), String> {
    let text = notation::parse(text)?;
    let builder = Builder::new(world, &text, Some(input), ids)?;
    let built = builder.build(text.layers.clone())?;
    Ok((text.port, built.frame))
}

/// What an honest packet at a port has.
struct Builder<'a> {
    world: &'a World,
    port: &'a str,
    at: At<'a>,
    /// For a frame that leaves, the one that came in.
    input: Option<&'a Packet>,
    ids: &'a mut Ids,
    /// The network and the node that the packet is from or for.
    network: &'a str,
    node: Ipv4Addr,
    peer: Ipv4Addr,
}

struct Built {
    frame: Frame,
    ip: [usize; 3],
    protocol: u8,
}

impl<'a> Builder<'a> {
    fn new(
        world: &'a World,
        text: &'a Text,
        input: Option<&'a Packet>,
        ids: &'a mut Ids,
    ) -> Result<Self, String> {
        let at = world.at(&text.port)?;
        let (network, node) = match (&at, input.map(|input| world.at(&input.port))) {
            (At::Guest(network, node), _) => (*network, *node),
            (At::Uplink, Some(Ok(At::Guest(network, node)))) => (network, node),
            (At::Uplink, _) => world.first_guest()?,
        };
        Ok(Self {
            world,
            port: &text.port,
            at,
            input,
            ids,
            network,
            node,
            peer: world.peer(network)?,
        })
    }

    /// From the last header to the first, since lengths and checksums are over what follows.
    fn build(mut self, mut layers: Vec<Layer>) -> Result<Built, String> {
        let end = layers
            .iter()
            .position(|l| matches!(l.name.as_str(), "pad" | "cut"));
        let mut behind = layers.split_off(end.unwrap_or(layers.len()));
        let protocols: Vec<Option<u32>> = layers.iter().map(protocol_of).collect();
        let ends = self.all_ends(&mut layers)?;
        let mut parts: Vec<Vec<u8>> = Vec::new();
        let mut hashes = Vec::new();
        for (at, layer) in layers.iter_mut().enumerate().rev() {
            let payload: Vec<u8> = parts.iter().rev().flatten().copied().collect();
            let next = protocols.get(at + 1).copied().flatten();
            // An Ethernet header is written for the IP header behind it.
            let about = match layer.name.as_str() {
                "eth" => ends.get(at + 1).unwrap_or(&ends[at]),
                _ => &ends[at],
            };
            let (octets, hash_is_free) = self.part(layer, about, next, &payload)?;
            layer.finish()?;
            if hash_is_free {
                hashes.push(at);
            }
            parts.push(octets);
        }
        parts.reverse();
        let starts: Vec<usize> = parts
            .iter()
            .scan(0, |end, part| {
                Some(std::mem::replace(end, *end + part.len()))
            })
            .collect();
        let mut octets = parts.concat();
        let ip_end = octets.len();
        for layer in &mut behind {
            match layer.name.as_str() {
                "pad" => octets.resize(octets.len() + layer.length()?, PADDING),
                "cut" => octets.truncate(layer.length()?),
                other => return Err(format!("{other} stands behind the end of the packet")),
            }
        }
        let is_ip = |layer: &Layer| matches!(layer.name.as_str(), "ipv4" | "ipv6");
        let first_ip = layers.iter().position(is_ip);
        let ip = first_ip.map_or([0; 3], |first| {
            let fragment = layers.get(first + 1).is_some_and(|l| l.name == "frag");
            let payload = starts.get(first + 1 + usize::from(fragment));
            [starts[first], payload.copied().unwrap_or(ip_end), ip_end]
                .map(|at| at.min(octets.len()))
        });
        let protocol = first_ip.map_or(0, |first| match layers[first].name.as_str() {
            "ipv4" => parts[first][9],
            _ if layers.get(first + 1).is_some_and(|l| l.name == "frag") => parts[first + 1][0],
            _ => parts[first][6],
        });
        let names = layers.into_iter().map(|layer| layer.name);
        Ok(Built {
            frame: Frame {
                octets,
                any: hashes.iter().map(|at| starts[*at] + 3).collect(),
                headers: names.zip(starts).collect(),
            },
            ip,
            protocol,
        })
    }

    /// For each header the ends of the nearest IP header up to it.
    fn all_ends(&self, layers: &mut [Layer]) -> Result<Vec<Ends>, String> {
        let mut ends = Ends::default();
        let mut all = Vec::new();
        for layer in layers {
            match layer.name.as_str() {
                "ipv4" => ends = self.ipv4_ends(layer)?,
                "ipv6" => ends = self.ipv6_ends(layer)?,
                _ => {}
            }
            all.push(ends.clone());
        }
        Ok(all)
    }

    fn ipv4_ends(&self, layer: &mut Layer) -> Result<Ends, String> {
        let (source, destination) = match self.input {
            None => (self.node, self.peer),
            Some(_) => (self.peer, self.node),
        };
        Ok(Ends {
            source: address(layer, "src", source)?.octets().to_vec(),
            destination: address(layer, "dst", destination)?.octets().to_vec(),
        })
    }

    fn ipv6_ends(&self, layer: &mut Layer) -> Result<Ends, String> {
        let there = self.world.host_of(self.network, self.peer)?;
        let near = format!("{}/{}/{}", self.world.own(), self.network, self.node);
        let far = format!("{there}/{}/{}", self.network, self.peer);
        let (source, destination) = match self.input {
            None => (far, near),
            Some(_) => (near, far),
        };
        let mut end = |field, honest| {
            let text = layer.take(field).unwrap_or(honest);
            self.world.ipv6(&text)
        };
        Ok(Ends {
            source: end("src", source)?.to_vec(),
            destination: end("dst", destination)?.to_vec(),
        })
    }

    /// The octets of one header, and whether they have a HASH that nothing is said about.
    fn part(
        &mut self,
        layer: &mut Layer,
        ends: &Ends,
        next: Option<u32>,
        payload: &[u8],
    ) -> Result<(Vec<u8>, bool), String> {
        let name = layer.name.clone();
        let carried = self.input.map_or(17, |input| u32::from(input.protocol));
        let protocol = next.unwrap_or(carried);
        let octets = match name.as_str() {
            "eth" => self.ethernet(layer, ends, next)?,
            "vlan" => {
                let id = layer.number_or("id", 16, 1)? as u16;
                let kind = layer.number_or("type", 16, ether_type(next).unwrap_or(0x0800))?;
                [id.to_be_bytes(), (kind as u16).to_be_bytes()].concat()
            }
            "arp" => self.arp(layer)?,
            "ipv4" => {
                let (ids, port) = (&mut *self.ids, self.port);
                headers::ipv4(layer, ends, protocol, || ids.next(port), payload.len())?
            }
            "ipv6" => {
                let hop_limit = if self.input.is_some() { 255 } else { 254 };
                let (octets, hash_is_given) =
                    headers::ipv6(layer, ends, protocol, hop_limit, payload.len())?;
                return Ok((octets, self.input.is_some() && !hash_is_given));
            }
            "frag" => headers::fragment(layer, protocol)?,
            "ext" => {
                layer.take("kind");
                headers::extension(layer, next.unwrap_or(17))?
            }
            "udp" => headers::udp(layer, ends, payload)?,
            "tcp" => headers::tcp(layer, ends, payload)?,
            "icmp" => headers::icmp(layer, None, payload)?,
            "icmp6" => headers::icmp(layer, Some(ends), payload)?,
            "target" => {
                let address = layer.argument.clone().unwrap_or_default();
                self.world.ipv6(&address)?.to_vec()
            }
            "opt" => headers::discovery_option(layer)?,
            "data" | "zeros" | "hex" => headers::plain(layer)?,
            "rest" | "quote" => self.of_input(layer)?,
            _ => return Err(format!("there is no header named {name}")),
        };
        Ok((octets, false))
    }

    fn ethernet(
        &self,
        layer: &mut Layer,
        ends: &Ends,
        next: Option<u32>,
    ) -> Result<Vec<u8>, String> {
        let inward = self.input.is_none();
        let (destination, source) = match (&self.at, inward) {
            (At::Uplink, true) => (self.world.mac("uplink")?, self.world.mac("next-hop")?),
            (At::Uplink, false) => (self.world.mac("next-hop")?, self.world.mac("uplink")?),
            (At::Guest(network, node), true) => {
                let own = self.world.node_mac(network, *node)?;
                match next {
                    Some(ARP) => ([0xff; 6], own),
                    _ => (virtual_mac(self.peer), own),
                }
            }
            (At::Guest(network, node), false) => {
                let own = self.world.node_mac(network, *node)?;
                // The IP header's source follows; without one it is an answer to ARP.
                let source = ipv4_of(&ends.source).unwrap_or(self.peer);
                (own, self.world.seen_as(network, *node, source)?)
            }
        };
        let mut mac = |field, honest| match layer.take(field) {
            Some(text) => self.world.mac(&text),
            None => Ok(honest),
        };
        let (destination, source) = (mac("dst", destination)?, mac("src", source)?);
        let usual = match self.at {
            At::Uplink => 0x86dd,
            At::Guest(..) => 0x0800,
        };
        let kind = layer.number_or("type", 16, ether_type(next).unwrap_or(usual))? as u16;
        Ok([&destination[..], &source, &kind.to_be_bytes()].concat())
    }

    /// An honest request of the node for its peer, or the answer to it.
    fn arp(&self, layer: &mut Layer) -> Result<Vec<u8>, String> {
        let own = self.world.node_mac(self.network, self.node)?;
        let (sender, target) = match self.input {
            None => ((own, self.node), ([0; 6], self.peer)),
            Some(_) => ((virtual_mac(self.peer), self.peer), (own, self.node)),
        };
        let sender = self.station(layer, "smac", "sip", sender)?;
        let target = self.station(layer, "tmac", "tip", target)?;
        headers::arp(layer, sender, target)
    }

    fn station(
        &self,
        layer: &mut Layer,
        mac: &str,
        ip: &str,
        honest: ([u8; 6], Ipv4Addr),
    ) -> Result<([u8; 6], Ipv4Addr), String> {
        let mac = match layer.take(mac) {
            Some(text) => self.world.mac(&text)?,
            None => honest.0,
        };
        Ok((mac, address(layer, ip, honest.1)?))
    }

    /// `rest`: the payload of the IP packet that came in, or of that the octets from `from` on, `bytes`
    /// of them. `quote N`: its first N octets, header on.
    fn of_input(&self, layer: &mut Layer) -> Result<Vec<u8>, String> {
        let input = self
            .input
            .ok_or("only a packet that leaves quotes another")?;
        let [start, payload, end] = input.ip;
        let octets = &input.frame.octets;
        if layer.name == "quote" {
            let end = end.min(start + layer.length()?);
            return Ok(octets[start..end].to_vec());
        }
        let rest = &octets[payload..end];
        let from = (layer.number_or("from", 16, 0)? as usize).min(rest.len());
        let bytes = layer.number_or("bytes", 16, rest.len() as u32)? as usize;
        Ok(rest[from..rest.len().min(from + bytes)].to_vec())
    }
}

fn address(layer: &mut Layer, field: &str, honest: Ipv4Addr) -> Result<Ipv4Addr, String> {
    match layer.take(field) {
        Some(text) => text
            .parse()
            .map_err(|_| format!("{} {field}={text} is no IPv4 address", layer.name)),
        None => Ok(honest),
    }
}

fn ipv4_of(octets: &[u8]) -> Option<Ipv4Addr> {
    let octets: [u8; 4] = octets.try_into().ok()?;
    Some(octets.into())
}

/// Above the numbers of IP protocols: what has an EtherType only.
const ARP: u32 = 0x806 << 8;
const VLAN: u32 = 0x8100 << 8;

/// The number under which the header in front announces this one.
fn protocol_of(layer: &Layer) -> Option<u32> {
    match layer.name.as_str() {
        "icmp" => Some(1),
        "ipv4" => Some(4),
        "tcp" => Some(6),
        "udp" => Some(17),
        "ipv6" => Some(41),
        "frag" => Some(44),
        "icmp6" => Some(58),
        "ext" => layer.clone().take("kind").as_deref().and_then(number),
        "arp" => Some(ARP),
        "vlan" => Some(VLAN),
        _ => None,
    }
}

fn ether_type(next: Option<u32>) -> Option<u32> {
    match next? {
        4 => Some(0x0800),
        41 => Some(0x86dd),
        ARP => Some(0x0806),
        VLAN => Some(0x8100),
        _ => None,
    }
}
