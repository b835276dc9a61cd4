//! The host's own endpoint on the substrate: smoltcp behind a filter.
//!
//! It answers ping at the control address (docs/wire.md section 1) and at the
//! `[uplink] address`, and speaks UDP and TCP with the control addresses of
//! the fabric's other hosts, with nobody else. The stack runs on `Medium::Ip`: who the
//! next hop is, is [`crate::neighbour`]'s to know, since smoltcp's own discovery
//! blocks a socket behind a neighbour that does not answer. It sees only packets
//! that passed [`Endpoint::accepts`]; should one make it panic all the same, the
//! panic is caught and counted and the stack begins anew.

mod device;
mod streams;

pub use streams::{STREAMS_MAX, StreamId};

use std::net::Ipv6Addr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use smoltcp::iface::{Config, Interface, PollResult, SocketHandle, SocketSet};
use smoltcp::socket::udp;
use smoltcp::time::Instant;
use smoltcp::wire::{
    HardwareAddress, Icmpv6Message, Icmpv6Packet, IpAddress, IpCidr, IpEndpoint, IpProtocol,
    Ipv6Cidr, Ipv6Packet, TcpPacket, UdpPacket,
};

use device::PacketDevice;
use streams::Streams;

/// DSCP CS6, internetwork control (RFC 4594 section 3.2), as a traffic class.
const CONTROL_TRAFFIC_CLASS: u8 = 48 << 2;

/// Octets of an echo request before its data (RFC 4443 section 4.1).
const ECHO_HEADER_BYTES: usize = 8;

/// Datagrams that may wait in either direction: a round takes or sends all of them.
const DATAGRAMS_MAX: usize = 256;

/// The longest datagram of the control protocol, so that it fits into the smallest IPv6 packet
/// that every link carries (1,280 octets, RFC 8200 section 5) with its headers.
pub const DATAGRAM_BYTES_MAX: usize = 1232;

/// Packets that the stack may send in one poll.
const EGRESS_MAX: usize = 2 * DATAGRAMS_MAX;

/// What the endpoint is made from, and made again from after a panic.
#[derive(Clone, Debug)]
pub struct EndpointConfig {
    /// Where control sessions end: UDP, TCP and ping.
    pub control_address: Ipv6Addr,
    /// The port of control sessions: UDP at both ends, TCP where it listens.
    pub control_port: u16,
    /// The control addresses of the other hosts; what comes from elsewhere is not looked at.
    pub peers: Arc<[Ipv6Addr]>,
    /// Where ping is answered and nothing else.
    pub uplink_address: Ipv6Addr,
    /// The longest packet, IPv6 header included.
    pub mtu_bytes: usize,
    /// What nobody must guess: sequence numbers and ports are drawn from it.
    pub seed: u64,
}

/// The stack and its filter.
pub struct Endpoint {
    config: EndpointConfig,
    stack: Stack,
    restarts: u64,
    unsent_errors: u64,
    datagrams_full: u64,
}

/// What a panic may leave in pieces.
struct Stack {
    device: PacketDevice,
    interface: Interface,
    sockets: SocketSet<'static>,
    datagrams: SocketHandle,
    streams: Streams,
}

impl Stack {
    fn new(config: &EndpointConfig, restarts: u64) -> Self {
        let mut device = PacketDevice::new(config.mtu_bytes);
        let mut settings = Config::new(HardwareAddress::Ip);
        let seed = config.seed.wrapping_add(restarts);
        settings.random_seed = seed;
        let mut interface = Interface::new(settings, &mut device, Instant::ZERO);
        interface.update_ip_addrs(|addresses| {
            for address in [config.control_address, config.uplink_address] {
                addresses
                    .push(IpCidr::Ipv6(Ipv6Cidr::new(address, 128)))
                    .expect("SMOLTCP_IFACE_MAX_ADDR_COUNT in .cargo/config.toml allows two");
            }
        });
        let mut sockets = SocketSet::new(Vec::new());
        let datagrams = sockets.add(datagram_socket(config));
        let streams = Streams::new(&mut sockets, config.control_port, seed);
        Self {
            device,
            interface,
            sockets,
            datagrams,
            streams,
        }
    }

    fn datagrams(&mut self) -> &mut udp::Socket<'static> {
        self.sockets.get_mut(self.datagrams)
    }
}

fn datagram_socket(config: &EndpointConfig) -> udp::Socket<'static> {
    let buffer = || {
        udp::PacketBuffer::new(
            vec![udp::PacketMetadata::EMPTY; DATAGRAMS_MAX],
            vec![0; DATAGRAMS_MAX * DATAGRAM_BYTES_MAX / 2],
        )
    };
    let mut socket = udp::Socket::new(buffer(), buffer());
    let at = IpEndpoint::new(config.control_address.into(), config.control_port);
    socket
        .bind(at)
        .expect("a fresh socket, and the configuration refuses port 0");
    socket
}

impl Endpoint {
    /// An endpoint at both addresses of `config`.
    pub fn new(config: EndpointConfig) -> Self {
        Self {
            stack: Stack::new(&config, 0),
            config,
            restarts: 0,
            unsent_errors: 0,
            datagrams_full: 0,
        }
    }

    /// How often the stack panicked and was begun anew.
    pub const fn restarts(&self) -> u64 {
        self.restarts
    }

    /// ICMPv6 errors that were kept back. Anyone could have us send them to anyone,
    /// and RFC 4443 section 2.4 (f) asks for a limit: ours is none at all.
    pub const fn unsent_errors(&self) -> u64 {
        self.unsent_errors
    }

    /// Datagrams for which there was no room.
    pub const fn datagrams_full(&self) -> u64 {
        self.datagrams_full
    }

    /// Whether a packet is for this endpoint and of a kind that it knows. There are
    /// no extension headers among them: those, smoltcp would parse.
    pub fn accepts(&self, packet: &Ipv6Packet<&[u8]>) -> bool {
        let EndpointConfig {
            control_address,
            uplink_address,
            control_port,
            ref peers,
            ..
        } = self.config;
        let (source, destination) = (packet.src_addr(), packet.dst_addr());
        if source.is_multicast()
            || source.is_unspecified()
            || source.is_loopback()
            || [control_address, uplink_address].contains(&source)
        {
            return false;
        }
        match packet.next_header() {
            IpProtocol::Icmpv6 => {
                [control_address, uplink_address].contains(&destination)
                    && packet.payload().len() >= ECHO_HEADER_BYTES
                    && Icmpv6Packet::new_unchecked(packet.payload()).msg_type()
                        == Icmpv6Message::EchoRequest
            }
            IpProtocol::Udp => {
                destination == control_address
                    && peers.contains(&source)
                    && UdpPacket::new_checked(packet.payload()).is_ok_and(|datagram| {
                        datagram.src_port() == control_port && datagram.dst_port() == control_port
                    })
            }
            IpProtocol::Tcp => {
                destination == control_address
                    && peers.contains(&source)
                    && TcpPacket::new_checked(packet.payload()).is_ok_and(|segment| {
                        segment.src_port() == control_port || segment.dst_port() == control_port
                    })
            }
            _ => false,
        }
    }

    /// Takes one packet that [`Endpoint::accepts`], without what lies behind its end.
    pub fn input(&mut self, packet: &[u8], now_ms: u64, out: &mut dyn FnMut(&[u8])) {
        self.guarded(|stack| {
            let Stack {
                device,
                interface,
                sockets,
                ..
            } = stack;
            device.receive_next(packet);
            interface.poll_ingress_single(instant(now_ms), device, sockets);
        });
        self.flush(out);
    }

    /// Does what is due: retransmissions, and what sockets have to send.
    pub fn poll(&mut self, now_ms: u64, out: &mut dyn FnMut(&[u8])) {
        self.guarded(|stack| {
            let Stack {
                device,
                interface,
                sockets,
                ..
            } = stack;
            interface.poll_maintenance(instant(now_ms));
            // One packet of each socket a call; what does not fit waits for the next poll.
            for _ in 0..EGRESS_MAX {
                let sent = interface.poll_egress(instant(now_ms), device, sockets);
                if sent == PollResult::None || device.is_full() {
                    break;
                }
            }
        });
        self.flush(out);
    }

    /// The oldest datagram that came, copied into `datagram`, and the control address that sent it.
    pub fn receive_datagram(&mut self, datagram: &mut Vec<u8>) -> Option<Ipv6Addr> {
        let (octets, from) = self.stack.datagrams().recv().ok()?;
        datagram.clear();
        datagram.extend_from_slice(octets);
        ipv6(from.endpoint.addr)
    }

    /// Queues a datagram of up to [`DATAGRAM_BYTES_MAX`] octets for the control address `to`;
    /// [`Endpoint::poll`] sends it. Without room it is counted and lost, as any datagram may be.
    pub fn send_datagram(&mut self, to: Ipv6Addr, datagram: &[u8]) {
        debug_assert!(datagram.len() <= DATAGRAM_BYTES_MAX, "the codec's limit");
        let to = IpEndpoint::new(to.into(), self.config.control_port);
        if self.stack.datagrams().send_slice(datagram, to).is_err() {
            self.datagrams_full += 1;
        }
    }

    /// When [`Endpoint::poll`] next has something to do.
    pub fn deadline_ms(&mut self, now_ms: u64) -> Option<u64> {
        let at = self
            .stack
            .interface
            .poll_at(instant(now_ms), &self.stack.sockets)?;
        Some(at.total_millis().try_into().unwrap_or(0))
    }

    fn guarded(&mut self, work: impl FnOnce(&mut Stack)) {
        // Nothing of the stack is looked at again after a panic, so it does not
        // matter what state it was left in.
        if catch_unwind(AssertUnwindSafe(|| work(&mut self.stack))).is_err() {
            self.restarts += 1;
            self.stack = Stack::new(&self.config, self.restarts);
        }
    }

    fn flush(&mut self, out: &mut dyn FnMut(&[u8])) {
        let Self {
            stack,
            unsent_errors,
            ..
        } = self;
        stack.device.take_sent(|packet| {
            let mut ipv6 = Ipv6Packet::new_unchecked(&mut *packet);
            if ipv6.next_header() != IpProtocol::Icmpv6 {
                ipv6.set_traffic_class(CONTROL_TRAFFIC_CLASS);
            } else if Icmpv6Packet::new_unchecked(ipv6.payload_mut())
                .msg_type()
                .is_error()
            {
                *unsent_errors += 1;
                return;
            }
            out(packet);
        });
    }
}

/// The stack speaks no other family, whatever features another crate of the build switches on.
const fn ipv6(address: IpAddress) -> Option<Ipv6Addr> {
    match address {
        IpAddress::Ipv6(address) => Some(address),
        #[allow(unreachable_patterns)]
        _ => None,
    }
}

fn instant(now_ms: u64) -> Instant {
    Instant::from_millis(i64::try_from(now_ms).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests;
