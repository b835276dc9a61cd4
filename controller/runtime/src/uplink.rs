//! The host as its uplink sees it: frames that workers punted come in, and go to
//! neighbour discovery or to the control endpoint; frames to send come out.
//!
//! There is no device, thread or clock here: time is an argument, in milliseconds of
//! any clock that does not run backwards, and frames go out through a function.

use std::net::Ipv6Addr;
use std::sync::Arc;

use smoltcp::wire::{EthernetFrame, EthernetProtocol, Icmpv6Message, IpProtocol, Ipv6Packet};
use wire::ethernet::{self, EtherType, MacAddress};

use crate::endpoint::{Endpoint, EndpointConfig};
use crate::neighbour::Neighbour;

/// How the link address of an IPv6 group begins (RFC 2464 section 7).
const GROUP_MAC_PREFIX: [u8; 2] = [0x33, 0x33];

/// What the host is on its uplink.
#[derive(Clone, Debug)]
pub struct HostConfig {
    /// The uplink device's address.
    pub mac: MacAddress,
    /// `[uplink] address`, without its prefix length.
    pub uplink_address: Ipv6Addr,
    /// The host's control address in the fabric (docs/wire.md section 1).
    pub control_address: Ipv6Addr,
    /// The UDP port of control sessions, at both ends.
    pub control_port: u16,
    /// The control addresses of the fabric's other hosts.
    pub peers: Arc<[Ipv6Addr]>,
    /// `[uplink] next_hop`.
    pub next_hop: Ipv6Addr,
    /// `[uplink] next_hop_mac`; asked for if there is none.
    pub next_hop_mac: Option<MacAddress>,
    /// `[uplink] mtu`.
    pub mtu_bytes: u16,
    /// Sixty-four bits that nobody can guess.
    pub seed: u64,
}

/// What happened to the frames: `received` is the sum of the five that follow it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HostCounters {
    /// Frames that came in.
    pub received: u64,
    /// Of those, to another station, or nothing that this host answers.
    pub not_for_us: u64,
    /// Of those, IPv6 headers that contradict the frame.
    pub malformed: u64,
    /// Of those, neighbour discovery that was believed.
    pub discovery: u64,
    /// Of those, neighbour discovery that was not: hop limit, checksum, options,
    /// router advertisements, redirects.
    pub discovery_refused: u64,
    /// Of those, packets for the control endpoint.
    pub endpoint: u64,
    /// Frames that went out.
    pub sent: u64,
    /// Packets of the endpoint that found no next hop.
    pub no_next_hop: u64,
    /// Datagrams of the controller that found no room in the endpoint.
    pub datagrams_full: u64,
    /// ICMPv6 errors that were kept back.
    pub unsent_errors: u64,
    /// Panics of the endpoint's stack, each followed by a new one.
    pub stack_restarts: u64,
}

/// Everything of the host that answers on the uplink.
pub struct HostStack {
    neighbour: Neighbour,
    endpoint: Endpoint,
    link: Link,
    counters: HostCounters,
}

/// Who a frame is for.
enum Receiver {
    Neighbour,
    Endpoint,
    Nobody,
}

impl HostStack {
    /// A host that has said nothing yet; [`HostStack::poll`] begins.
    ///
    /// # Panics
    /// If an address is not unicast: the configuration refuses that.
    pub fn new(config: &HostConfig) -> Self {
        let HostConfig {
            mac,
            uplink_address,
            control_address,
            control_port,
            next_hop,
            next_hop_mac,
            ..
        } = *config;
        Self {
            neighbour: Neighbour::new(mac, uplink_address, next_hop, next_hop_mac),
            endpoint: Endpoint::new(EndpointConfig {
                control_address,
                uplink_address,
                control_port,
                peers: Arc::clone(&config.peers),
                mtu_bytes: config.mtu_bytes.into(),
                seed: config.seed,
            }),
            link: Link {
                mac,
                frame: Vec::new(),
                sent: 0,
                no_next_hop: 0,
            },
            counters: HostCounters::default(),
        }
    }

    /// Where to send, if it is known. Compare it after each input and poll.
    pub const fn next_hop_mac(&self) -> Option<MacAddress> {
        self.neighbour.next_hop_mac()
    }

    /// What happened so far.
    pub const fn counters(&self) -> HostCounters {
        HostCounters {
            sent: self.link.sent,
            no_next_hop: self.link.no_next_hop,
            datagrams_full: self.endpoint.datagrams_full(),
            unsent_errors: self.endpoint.unsent_errors(),
            stack_restarts: self.endpoint.restarts(),
            ..self.counters
        }
    }

    /// Takes a frame that came in on the uplink, from its Ethernet header on.
    pub fn input(&mut self, frame: &[u8], now_ms: u64, out: &mut dyn FnMut(&[u8])) {
        let Self {
            neighbour,
            endpoint,
            link,
            counters,
        } = self;
        counters.received += 1;
        let Some(ethernet) = link.accept(frame) else {
            counters.not_for_us += 1;
            return;
        };
        let Some(packet) = whole_packet(ethernet.payload()) else {
            counters.malformed += 1;
            return;
        };
        let ipv6 = Ipv6Packet::new_unchecked(packet);
        match receiver(&ipv6, neighbour, endpoint) {
            Receiver::Nobody => counters.not_for_us += 1,
            Receiver::Neighbour => {
                let source_mac = MacAddress(ethernet.src_addr().0);
                let mut send = |frame: &[u8]| link.send_frame(frame, out);
                if neighbour.input(source_mac, &ipv6, now_ms, &mut send) {
                    counters.discovery += 1;
                } else {
                    counters.discovery_refused += 1;
                }
            }
            Receiver::Endpoint => {
                counters.endpoint += 1;
                let next_hop = neighbour.next_hop_mac();
                let mut send = |packet: &[u8]| link.send_packet(packet, next_hop, out);
                endpoint.input(packet, now_ms, &mut send);
            }
        }
    }

    /// The endpoint, for whoever speaks with other hosts; [`HostStack::poll`] sends what it is given.
    pub const fn endpoint(&mut self) -> &mut Endpoint {
        &mut self.endpoint
    }

    /// Sends what is due.
    pub fn poll(&mut self, now_ms: u64, out: &mut dyn FnMut(&[u8])) {
        let Self {
            neighbour,
            endpoint,
            link,
            ..
        } = self;
        neighbour.poll(now_ms, &mut |frame| link.send_frame(frame, out));
        let next_hop = neighbour.next_hop_mac();
        endpoint.poll(now_ms, &mut |packet| {
            link.send_packet(packet, next_hop, out)
        });
    }

    /// When [`HostStack::poll`] next has something to do.
    pub fn deadline_ms(&mut self, now_ms: u64) -> Option<u64> {
        let deadlines = [
            self.neighbour.deadline_ms(),
            self.endpoint.deadline_ms(now_ms),
        ];
        deadlines.into_iter().flatten().min()
    }
}

/// The Ethernet layer, both ways.
struct Link {
    mac: MacAddress,
    /// Where an outgoing packet gets its header; kept for its room.
    frame: Vec<u8>,
    sent: u64,
    no_next_hop: u64,
}

impl Link {
    /// An IPv6 frame from another station to this one or to a group.
    fn accept<'a>(&self, frame: &'a [u8]) -> Option<EthernetFrame<&'a [u8]>> {
        let ethernet = EthernetFrame::new_checked(frame).ok()?;
        let (source, destination) = (ethernet.src_addr(), ethernet.dst_addr());
        let ours = destination.0 == self.mac.0 || destination.0.starts_with(&GROUP_MAC_PREFIX);
        let theirs = source.is_unicast() && source.0 != self.mac.0;
        (ours && theirs && ethernet.ethertype() == EthernetProtocol::Ipv6).then_some(ethernet)
    }

    fn send_frame(&mut self, frame: &[u8], out: &mut dyn FnMut(&[u8])) {
        self.sent += 1;
        out(frame);
    }

    fn send_packet(
        &mut self,
        packet: &[u8],
        next_hop: Option<MacAddress>,
        out: &mut dyn FnMut(&[u8]),
    ) {
        let Some(next_hop) = next_hop else {
            self.no_next_hop += 1;
            return;
        };
        self.frame.clear();
        self.frame.resize(ethernet::HEADER_BYTES, 0);
        ethernet::write(&mut self.frame, next_hop, self.mac, EtherType::IPV6);
        self.frame.extend_from_slice(packet);
        self.sent += 1;
        out(&self.frame);
    }
}

/// The IPv6 packet at the front of a frame's payload, without Ethernet padding.
fn whole_packet(payload: &[u8]) -> Option<&[u8]> {
    let ipv6 = Ipv6Packet::new_checked(payload).ok()?;
    (ipv6.version() == 6).then(|| &payload[..ipv6.total_len()])
}

fn receiver(ipv6: &Ipv6Packet<&[u8]>, neighbour: &Neighbour, endpoint: &Endpoint) -> Receiver {
    let icmp_type = match ipv6.next_header() {
        IpProtocol::Icmpv6 => ipv6.payload().first().copied().map(Icmpv6Message::from),
        _ => None,
    };
    if icmp_type.is_some_and(|icmp_type| icmp_type.is_ndisc()) {
        let listens = neighbour.listens_to(ipv6.dst_addr());
        if listens {
            Receiver::Neighbour
        } else {
            Receiver::Nobody
        }
    } else if endpoint.accepts(ipv6) {
        Receiver::Endpoint
    } else {
        Receiver::Nobody
    }
}

#[cfg(test)]
mod tests;
