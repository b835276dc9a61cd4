//! The host and a router of another make on one link: smoltcp's own Ethernet stack,
//! which resolves the host, is resolved by it, and pings it.

use std::collections::VecDeque;
use std::net::Ipv6Addr;

use runtime::uplink::{HostConfig, HostStack};
use smoltcp::iface::{Config, Interface, SocketHandle, SocketSet};
use smoltcp::phy::{ChecksumCapabilities, Device, DeviceCapabilities, Medium, RxToken, TxToken};
use smoltcp::socket::icmp;
use smoltcp::time::Instant;
use smoltcp::wire::{
    EthernetAddress, HardwareAddress, Icmpv6Packet, Icmpv6Repr, IpAddress, IpCidr, Ipv6Cidr,
};
use wire::ethernet::MacAddress;

const HOST_MAC: MacAddress = MacAddress([2, 0, 0, 0, 1, 2]);
const HOST: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 1, 0, 0, 0, 2);
const CONTROL: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xaa, 0, 0x155, 0xfe00, 0, 0, 1);
const CONTROL_PORT: u16 = 4747;
const PEER: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xaa, 0, 0x255, 0xfd00, 0, 0, 1);
const ROUTER_MAC: MacAddress = MacAddress([2, 0, 0, 0, 1, 1]);
const ROUTER: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 1, 0, 0, 0, 1);

/// The router's end of the link.
#[derive(Default)]
struct Wire {
    to_router: VecDeque<Vec<u8>>,
    to_host: VecDeque<Vec<u8>>,
}

struct Received(Vec<u8>);
struct Sender<'a>(&'a mut VecDeque<Vec<u8>>);

impl RxToken for Received {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, read: F) -> R {
        read(&self.0)
    }
}

impl TxToken for Sender<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, bytes: usize, write: F) -> R {
        let mut frame = vec![0; bytes];
        let result = write(&mut frame);
        self.0.push_back(frame);
        result
    }
}

impl Device for Wire {
    type RxToken<'a> = Received;
    type TxToken<'a> = Sender<'a>;

    fn receive(&mut self, _: Instant) -> Option<(Received, Sender<'_>)> {
        Some((
            Received(self.to_router.pop_front()?),
            Sender(&mut self.to_host),
        ))
    }

    fn transmit(&mut self, _: Instant) -> Option<Sender<'_>> {
        Some(Sender(&mut self.to_host))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ethernet;
        capabilities.max_transmission_unit = 1614;
        capabilities
    }
}

/// Both ends, and the time between them.
struct Link {
    host: HostStack,
    wire: Wire,
    router: Interface,
    sockets: SocketSet<'static>,
    ping: SocketHandle,
    now_ms: u64,
}

impl Link {
    fn new() -> Self {
        let host = HostStack::new(&HostConfig {
            mac: HOST_MAC,
            uplink_address: HOST,
            control_address: CONTROL,
            control_port: CONTROL_PORT,
            peers: [PEER].into(),
            next_hop: ROUTER,
            next_hop_mac: None,
            mtu_bytes: 1600,
            seed: 1,
        });
        let mut wire = Wire::default();
        let config = Config::new(HardwareAddress::Ethernet(EthernetAddress(ROUTER_MAC.0)));
        let mut router = Interface::new(config, &mut wire, Instant::ZERO);
        router.update_ip_addrs(|addresses| {
            addresses
                .push(IpCidr::Ipv6(Ipv6Cidr::new(ROUTER, 64)))
                .expect("room for one");
        });
        router
            .routes_mut()
            .add_default_ipv6_route(HOST)
            .expect("room for one");

        let buffer =
            || icmp::PacketBuffer::new(vec![icmp::PacketMetadata::EMPTY; 4], vec![0; 8192]);
        let mut socket = icmp::Socket::new(buffer(), buffer());
        socket
            .bind(icmp::Endpoint::Ident(7))
            .expect("an unbound socket");
        let mut sockets = SocketSet::new(Vec::new());
        let ping = sockets.add(socket);
        Self {
            host,
            wire,
            router,
            sockets,
            ping,
            now_ms: 0,
        }
    }

    /// Lets both ends talk for `ms`.
    fn run(&mut self, ms: u64) {
        let Self {
            host,
            wire,
            router,
            sockets,
            now_ms,
            ..
        } = self;
        for _ in 0..ms {
            *now_ms += 1;
            let at = Instant::from_millis(i64::try_from(*now_ms).expect("a short test"));
            router.poll(at, wire, sockets);
            let Wire { to_host, to_router } = wire;
            let mut send = |frame: &[u8]| to_router.push_back(frame.to_vec());
            for frame in to_host.drain(..) {
                host.input(&frame, *now_ms, &mut send);
            }
            host.poll(*now_ms, &mut send);
        }
    }

    /// Sends one ping from the router and says what came back.
    fn ping(&mut self, destination: Ipv6Addr, data: &[u8]) -> Option<Vec<u8>> {
        let checksums = ChecksumCapabilities::default();
        let request = Icmpv6Repr::EchoRequest {
            ident: 7,
            seq_no: 1,
            data,
        };
        let socket = self.sockets.get_mut::<icmp::Socket<'_>>(self.ping);
        let bytes = socket
            .send(request.buffer_len(), IpAddress::Ipv6(destination))
            .expect("room for one ping");
        let mut packet = Icmpv6Packet::new_unchecked(bytes);
        request.emit(&ROUTER, &destination, &mut packet, &checksums);
        self.run(50);

        let socket = self.sockets.get_mut::<icmp::Socket<'_>>(self.ping);
        let (bytes, from) = socket.recv().ok()?;
        assert_eq!(from, IpAddress::Ipv6(destination));
        let packet = Icmpv6Packet::new_checked(bytes).expect("a whole message");
        match Icmpv6Repr::parse(&destination, &ROUTER, &packet, &checksums) {
            Ok(Icmpv6Repr::EchoReply {
                ident: 7,
                seq_no: 1,
                data,
            }) => Some(data.to_vec()),
            other => panic!("not an answer: {other:?}"),
        }
    }
}

#[test]
fn a_router_of_another_make_is_found_and_finds_us() {
    let mut link = Link::new();
    link.run(10);
    assert_eq!(link.host.next_hop_mac(), Some(ROUTER_MAC));
    for (destination, bytes) in [(HOST, 0), (HOST, 1400), (CONTROL, 56), (CONTROL, 1400)] {
        let data: Vec<u8> = (0..bytes).map(|i| (i % 251) as u8).collect();
        assert_eq!(
            link.ping(destination, &data),
            Some(data),
            "{bytes} octets to {destination}"
        );
    }
    assert_eq!(link.host.counters().discovery_refused, 0);
}

#[test]
fn a_router_that_stays_is_never_lost() {
    let mut link = Link::new();
    link.run(10);
    for _ in 0..200 {
        link.run(1_000);
        assert_eq!(
            link.host.next_hop_mac(),
            Some(ROUTER_MAC),
            "after {} ms",
            link.now_ms
        );
    }
}

#[test]
fn a_router_that_vanishes_is_used_while_it_is_probed_and_found_again() {
    let mut link = Link::new();
    link.run(10);
    let unplugged_ms = link.now_ms;
    while link.host.next_hop_mac().is_some() {
        let probe_ms = link
            .host
            .deadline_ms(link.now_ms)
            .expect("a host that must ask");
        link.host.poll(probe_ms, &mut |_| {});
        link.now_ms = probe_ms;
    }
    let held_ms = link.now_ms - unplugged_ms;
    assert!(
        (32_900..=33_100).contains(&held_ms),
        "given up after {held_ms} ms"
    );
    link.run(8_001);
    assert_eq!(link.host.next_hop_mac(), Some(ROUTER_MAC));
}
