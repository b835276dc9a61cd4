//! The hosts r and s of the lab, as far as one worker sees them.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;
use std::sync::Arc;

use tables::counters::WorkerCounters;
use tables::mappings::{Change, LocalPort};
use tables::notice::{NoticeReceiver, notice_ring};
use tables::punt::{PuntReceiver, PuntSender, punt_ring};
use tables::router::Route;
use tables::snapshot::{Fabric, LocalHost, Subnet};
use tables::{
    Entry, HostIndex, Key, LocalNode, Mappings, NativeNetwork, NativePeers, PathMtus, PortIndex,
    Publisher, Router, Snapshot, Uplink,
};
use wire::address::{FabricPrefix, Layout, Locator, NetworkId};
use wire::drop_reason::DropReason;
use wire::encode::{DscpRule, HeadingRules, KeepId};
use wire::ethernet::MacAddress;
use wire::native::{NativePrefix, Peer, UdpZero};
use wire::packet::{HeapPacket, Packet};

use crate::memory::MemoryIo;
use crate::{Assignment, Worker, WorkerIndex};

pub(super) const Z: u32 = 0x123456;
pub(super) const Y: u32 = 0x654321;
pub(super) const UPLINK: PortIndex = PortIndex::UPLINK;
pub(super) const UPLINK_MAC: MacAddress = MacAddress([2, 0, 0, 0, 0, 1]);
pub(super) const NEXT_HOP_MAC: MacAddress = MacAddress([2, 0, 0, 0, 1, 1]);
pub(super) const MTU: u16 = 1600;
/// Hosts of the fabric: r, s and two more.
pub(super) const HOSTS: usize = 4;

/// (network, address, host, port on that host); 10.0.1.0/24 is a second subnet.
const NODES: &[(u32, [u8; 4], u16, u16)] = &[
    (Z, [10, 0, 0, 2], 0, 1), // a
    (Z, [10, 0, 0, 4], 0, 2), // c
    (Y, [10, 0, 0, 2], 0, 3),
    (Z, [10, 0, 1, 6], 0, 4), // on the other subnet
    (Z, [10, 0, 0, 8], 0, 0), // without a port
    (Z, [10, 0, 0, 3], 1, 1), // g
    (Y, [10, 0, 0, 3], 1, 2),
    (Z, [10, 0, 1, 7], 1, 3), // on the other subnet
];

pub(super) const A: PortIndex = PortIndex(1);
pub(super) const C: PortIndex = PortIndex(2);
pub(super) const YA: PortIndex = PortIndex(3);
pub(super) const OTHER_SUBNET: PortIndex = PortIndex(4);
pub(super) const G: PortIndex = PortIndex(1);

pub(super) fn rules() -> HeadingRules {
    HeadingRules {
        dscp: DscpRule::Copy,
        keep_id: KeepId::Off,
        experimental_allowed: false,
    }
}

pub(super) fn network(id: u32) -> NetworkId {
    NetworkId::new(id).expect("a tenant network")
}

pub(super) fn locator(host: u16) -> Locator {
    let address = format!("fd00:aa:0:{}00::", host + 1)
        .parse()
        .expect("an address");
    Locator::new(address, Layout::Neutral56).expect("a locator")
}

pub(super) fn overlay_address(host: u16, net: u32, address: [u8; 4]) -> [u8; 16] {
    Layout::Neutral56
        .prefix96(&locator(host), net)
        .with(address.into())
}

pub(super) fn subnet(third: u8) -> Subnet {
    Subnet::new([10, 0, third, 0].into(), 24, [10, 0, third, 1].into())
}

/// Of both networks: 192.168.7.0/24 lies behind g, 192.168.8.0/24 behind c.
fn router() -> Router {
    let route = |third, via: [u8; 4]| Route::new([192, 168, third, 0].into(), 24, via.into());
    let routes = vec![route(7, [10, 0, 0, 3]), route(8, [10, 0, 0, 4])];
    Router::new(vec![subnet(0), subnet(1)], routes)
}

/// What host `me` knows.
pub(super) fn snapshot(me: u16) -> Snapshot {
    let prefix = |host, net| Layout::Neutral56.prefix96(&locator(host), net);
    let put = |&(net, address, host, port): &(u32, [u8; 4], u16, u16)| {
        Change::Put(Entry {
            key: Key::new(network(net), address.into()),
            prefix: prefix(host, net),
            owner: HostIndex(host),
            port: LocalPort::new(port).filter(|_| host == me),
            generation: 1,
            group: None,
        })
    };
    let nodes =
        NODES
            .iter()
            .filter(|node| node.2 == me && node.3 > 0)
            .map(|&(net, address, host, _)| LocalNode {
                network: network(net),
                address: address.into(),
                mac: MacAddress::virtual_of(address.into()),
                subnet: subnet(address[2]),
                mtu: 1500,
                prefix: prefix(host, net),
                generation: 1,
                member: None,
            });
    Snapshot {
        version: 0,
        published_ns: 0,
        fabric: Fabric {
            prefix: FabricPrefix::new("fd00:aa::".parse().expect("an address"), 32).expect("F"),
            layout: Layout::Neutral56,
            rules: rules(),
        },
        host: LocalHost {
            index: HostIndex(me),
            locator: locator(me),
            control_address: Layout::Neutral56.control_address(&locator(me)),
        },
        uplink: Uplink {
            address: uplink_address(me),
            mac: UPLINK_MAC,
            next_hop_mac: Some(NEXT_HOP_MAC),
            mtu: MTU,
        },
        path_mtus: PathMtus::new(HOSTS, MTU),
        nodes: nodes.collect(),
        networks: Arc::new(BTreeMap::from([(Z, router()), (Y, router())])),
        mappings: Mappings::default().with(&NODES.iter().map(put).collect::<Vec<_>>()),
        natives: Arc::new(natives()),
        multicast: Arc::default(),
        groups: [].into(),
    }
}

/// The native peer of network Z, in the subnet of a, c and g.
pub(super) const DUMMY: [u8; 4] = [10, 0, 0, 200];

/// Its own address.
pub(super) fn peer_address() -> [u8; 16] {
    let address: Ipv6Addr = "2001:db8:7::80".parse().expect("an address");
    address.octets()
}

/// A peer in the subnet, one elsewhere, and those behind a prefix.
fn natives() -> NativePeers {
    let other: Ipv6Addr = "2001:db8:7::81".parse().expect("an address");
    let prefix = NativePrefix::new("2001:db8:64::".parse().expect("a prefix"));
    let range = Ipv4Addr::new(198, 18, 0, 0);
    let of_z = NativeNetwork::new(
        &[
            Peer::new(DUMMY.into(), peer_address()),
            Peer::new([192, 0, 2, 7].into(), other.octets()),
        ],
        [(Subnet::new(range, 15, range), prefix.expect("a /96"))],
        UdpZero::Compute,
        1280,
    );
    NativePeers::new([(network(Z), of_z)])
}

pub(super) fn uplink_address(host: u16) -> Ipv6Addr {
    format!("2001:db8:0:{}::2", host + 1)
        .parse()
        .expect("an address")
}

/// A host with one worker, or one worker of a host.
pub(super) struct Host {
    pub(super) worker: Worker<MemoryIo>,
    pub(super) publisher: Publisher,
    pub(super) counters: Arc<WorkerCounters>,
    pub(super) controller: (PuntSender, PuntReceiver),
    pub(super) noticed: NoticeReceiver,
}

impl Host {
    pub(super) fn new(snapshot: Snapshot) -> Self {
        let owners = vec![WorkerIndex(0); snapshot.nodes.len()];
        Self::with_owners(snapshot, &owners)
    }

    pub(super) fn with_owners(snapshot: Snapshot, port_owners: &[WorkerIndex]) -> Self {
        let ports = 1 + snapshot.nodes.len();
        let counters = WorkerCounters::with_groups(ports, snapshot.groups.len(), HOSTS);
        let (to_controller, controller_receives) = punt_ring(8192);
        let (controller_sends, from_controller) = punt_ring(8192);
        let (notices, noticed) = notice_ring(64);
        let mut publisher = Publisher::new(snapshot);
        let workers = 1 + port_owners.iter().map(|owner| owner.0).max().unwrap_or(0);
        let assignment = Assignment {
            index: WorkerIndex(0),
            workers,
            port_owners,
            tables: publisher.reader(),
            counters: Arc::clone(&counters),
            to_controller,
            from_controller: Some(from_controller),
            notices,
        };
        Self {
            worker: Worker::new(MemoryIo::new(ports), assignment),
            publisher,
            counters,
            controller: (controller_sends, controller_receives),
            noticed,
        }
    }

    /// Lets the host receive `frame` at `port` and does the round.
    pub(super) fn receive(&mut self, port: PortIndex, frame: &[u8]) {
        self.worker
            .io()
            .port(port)
            .incoming
            .push_back(HeapPacket::new(frame));
        self.worker.run_once();
    }

    /// Lets the host receive a frame that shall come out nowhere, nor be dropped.
    #[track_caller]
    pub(super) fn keeps(&mut self, port: PortIndex, frame: &[u8]) {
        let drops = self.drops();
        self.receive(port, frame);
        assert_eq!(self.drops(), drops);
        for port in 0..self.counters.ports().count() as u16 {
            assert_eq!(self.sent(PortIndex(port)).len(), 0);
        }
    }

    /// Moves the clock.
    pub(super) fn at(&mut self, now_ns: u64) -> &mut Self {
        self.worker.io().now_ns = now_ns;
        self
    }

    /// Does rounds until nothing moves.
    pub(super) fn settle(&mut self) {
        while self.worker.run_once() > 0 {}
    }

    /// Does rounds for so long: what was kept leaves in its time.
    pub(super) fn settle_for(&mut self, span_ns: u64) {
        let end_ns = self.worker.io().now_ns + span_ns;
        self.settle();
        while self.worker.io().now_ns < end_ns {
            self.worker.io().now_ns += 125_000;
            self.settle();
        }
    }

    /// Takes what was sent at `port`.
    pub(super) fn sent(&mut self, port: PortIndex) -> Vec<Vec<u8>> {
        let sent = std::mem::take(&mut self.worker.io().port(port).sent);
        sent.iter().map(|packet| packet.bytes().to_vec()).collect()
    }

    /// The one frame that came out at `port` for this input.
    pub(super) fn forwards(&mut self, from: PortIndex, frame: &[u8], to: PortIndex) -> Vec<u8> {
        self.receive(from, frame);
        let mut sent = self.sent(to);
        assert_eq!(sent.len(), 1, "one packet out; drops: {:?}", self.drops());
        sent.remove(0)
    }

    /// Asserts that every packet has one fate and that what is kept is known.
    #[track_caller]
    pub(super) fn assert_balanced(&self) {
        let (counters, worker) = (&self.counters, &self.counters.worker);
        let ports = || counters.ports().map(|(_, port)| port);
        let received: u64 = ports().map(|port| port.received.packets.get()).sum();
        let sent: u64 = ports().map(|port| port.transmitted.packets.get()).sum();
        let dropped: u64 = self.drops().iter().map(|drop| drop.2).sum();
        let kept: u64 = counters
            .groups()
            .map(|group| {
                group.held.packets.get() + group.checkpointed.get() + group.discarded.get()
            })
            .sum();
        assert_eq!(
            received + worker.injected.get() + worker.copied.get() + worker.generated.get(),
            sent + worker.punted.get() + dropped + kept,
            "received and copied against sent {sent}, dropped {dropped}, kept {kept}"
        );
        for group in counters.groups() {
            assert_eq!(
                group.buffered.packets.get(),
                group.held.packets.get()
                    + group.released.get()
                    + group.passed_on.get()
                    + group.checkpointed.get()
                    + group.discarded.get()
                    + group.expired.get(),
                "a buffer's frames"
            );
        }
    }

    /// All drops so far: port, reason, packets.
    pub(super) fn drops(&self) -> Vec<(PortIndex, DropReason, u64)> {
        let ports = self.counters.ports();
        ports
            .flat_map(|(port, counters)| {
                DropReason::ALL
                    .into_iter()
                    .map(move |r| (port, r, counters.dropped(r)))
            })
            .filter(|drop| drop.2 > 0)
            .collect()
    }

    /// Asserts that `frame` ends at `port` for exactly this reason, and that nobody
    /// hears of it.
    #[track_caller]
    pub(super) fn refuses(&mut self, port: PortIndex, frame: &[u8], reason: DropReason) {
        self.ends(port, frame, reason);
        let ports = 0..=self.counters.ports().count() as u16 - 1;
        assert!(
            ports
                .into_iter()
                .all(|port| self.sent(PortIndex(port)).is_empty())
        );
    }

    /// The one frame by which the guest at `port` is told that `frame` ended for
    /// exactly this reason.
    #[track_caller]
    pub(super) fn refuses_and_tells(
        &mut self,
        port: PortIndex,
        frame: &[u8],
        reason: DropReason,
    ) -> Vec<u8> {
        self.ends(port, frame, reason);
        let mut told = self.sent(port);
        assert_eq!(told.len(), 1, "frames back");
        assert_eq!(self.sent(UPLINK).len(), 0, "frames onward");
        told.remove(0)
    }

    #[track_caller]
    fn ends(&mut self, port: PortIndex, frame: &[u8], reason: DropReason) {
        let before = self.counters.port(port).dropped(reason);
        let all = |host: &Self| host.drops().iter().map(|drop| drop.2).sum::<u64>();
        let all_before = all(self);
        self.receive(port, frame);
        assert_eq!(
            (
                self.counters.port(port).dropped(reason) - before,
                all(self) - all_before
            ),
            (1, 1),
            "expected {} and nothing else; all drops: {:?}",
            reason.name(),
            self.drops(),
        );
    }
}

/// A guest's IPv4 packet in its frame.
#[derive(Clone)]
pub(super) struct Ipv4Frame {
    pub(super) source_mac: MacAddress,
    pub(super) source: [u8; 4],
    pub(super) destination: [u8; 4],
    pub(super) ttl: u8,
    pub(super) protocol: u8,
    pub(super) tos: u8,
    pub(super) id: u16,
    pub(super) flags_and_offset: u16,
    pub(super) options: Vec<u8>,
    pub(super) payload: Vec<u8>,
}

impl Ipv4Frame {
    /// UDP of `payload_bytes` octets, DF set, TTL 64.
    pub(super) fn udp(source: [u8; 4], destination: [u8; 4], payload_bytes: usize) -> Self {
        let mut payload = vec![0x9c, 0x40, 0x00, 0x35, 0, 0, 0, 0];
        payload[4..6].copy_from_slice(&(8 + payload_bytes as u16).to_be_bytes());
        payload.extend((0..payload_bytes).map(|i| i as u8));
        Self {
            source_mac: MacAddress::virtual_of(source.into()),
            source,
            destination,
            ttl: 64,
            protocol: 17,
            tos: 0,
            id: 0,
            flags_and_offset: 0x4000,
            options: Vec::new(),
            payload,
        }
    }

    pub(super) fn build(&self) -> Vec<u8> {
        let header_bytes = 20 + self.options.len();
        let mut ip = vec![0x40 | (header_bytes / 4) as u8, self.tos];
        ip.extend(((header_bytes + self.payload.len()) as u16).to_be_bytes());
        ip.extend(self.id.to_be_bytes());
        ip.extend(self.flags_and_offset.to_be_bytes());
        ip.extend([self.ttl, self.protocol, 0, 0]);
        ip.extend(self.source);
        ip.extend(self.destination);
        ip.extend(&self.options);
        let checksum = wire::checksum::ipv4_header(&ip);
        ip[10..12].copy_from_slice(&checksum.to_be_bytes());
        let mut frame = MacAddress::virtual_of(self.destination.into()).0.to_vec();
        frame.extend(self.source_mac.0);
        frame.extend([0x08, 0x00]);
        frame.extend(ip);
        frame.extend(&self.payload);
        frame
    }
}

/// a to g, which live on r and on s.
pub(super) fn a_to_g(payload_bytes: usize) -> Ipv4Frame {
    Ipv4Frame::udp([10, 0, 0, 2], [10, 0, 0, 3], payload_bytes)
}
