//! Ports over a kernel's interface: af_packet and af_xdp on one end of a veth
//! pair, against af_packet on the other. Needs root, says so otherwise.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

#[path = "support/namespace.rs"]
mod namespace;
mod support;

use std::slice::from_ref;
use std::thread::sleep;
use std::time::{Duration, Instant};

use dpdk::pool::DATA_ROOM_BYTES_DEFAULT;
use dpdk::{Mbuf, Mempool, Port, PortOptions, RxQueue, TxQueue};
use namespace::{DEVICE, Namespace, PEER, is_inside, kernel_counter};
use support::{Burst, EAL, frame, one_queue, pool};
use wire::packet::Packet;

const AF_PACKET: &str = "net_af_packet0,iface=d0,framesz=2048,blocksz=4096,framecnt=512";
const AF_XDP: &str = "net_af_xdp0,iface=d0";

#[test]
fn af_packet_carries_frames_both_ways_and_counts_what_its_ring_drops() {
    if let Some(namespace) = Namespace::create("packet") {
        namespace.run_test("over_af_packet");
    }
}

#[test]
fn af_xdp_carries_frames_both_ways_and_counts_what_its_ring_drops() {
    if let Some(namespace) = Namespace::create("xdp") {
        namespace.run_test("over_af_xdp");
    }
}

#[test]
fn af_xdp_and_af_packet_start_again_after_a_process_was_killed() {
    if let Some(namespace) = Namespace::create("killed") {
        assert!(!namespace.try_test("killed_over_af_xdp"));
        namespace.run_test("over_af_xdp");
        assert!(!namespace.try_test("killed_over_af_packet"));
        namespace.run_test("over_af_packet");
    }
}

#[test]
#[ignore = "run in a namespace"]
fn over_af_packet() {
    if is_inside() {
        let mut link = Link::new(AF_PACKET);
        assert!(link.port.capabilities().chained_tx);
        link.try_everything();
    }
}

#[test]
#[ignore = "run in a namespace"]
fn over_af_xdp() {
    if is_inside() {
        let mut link = Link::new(AF_XDP);
        assert!(!link.port.capabilities().chained_tx);
        link.try_everything();
    }
}

#[test]
#[ignore = "run in a namespace"]
fn killed_over_af_xdp() {
    if is_inside() {
        let _link = Link::new(AF_XDP);
        std::process::abort();
    }
}

#[test]
#[ignore = "run in a namespace"]
fn killed_over_af_packet() {
    if is_inside() {
        let _link = Link::new(AF_PACKET);
        std::process::abort();
    }
}

/// The device under test, and its peer.
struct Link {
    pool: Mempool,
    port: Port,
    rx: RxQueue,
    tx: TxQueue,
    peer: Port,
    peer_rx: RxQueue,
    peer_tx: TxQueue,
}

impl Link {
    fn new(device: &str) -> Self {
        let peer_device = "net_af_packet1,iface=p0,framesz=2048,blocksz=4096,framecnt=8192";
        let pool =
            Mempool::create(&EAL, "device", 16_383, 0, DATA_ROOM_BYTES_DEFAULT, None).unwrap();
        let peer_pool = support::pool("peer", 4095);
        let options = PortOptions {
            mtu: 1600,
            rx_descriptors: 1000,
            tx_descriptors: 1000,
            ..one_queue()
        };
        let (peer, mut peer_rx, mut peer_tx) =
            Port::start(&EAL, peer_device, &options, from_ref(&peer_pool)).unwrap();
        let (port, mut rx, mut tx) = Port::start(&EAL, device, &options, from_ref(&pool)).unwrap();
        let (rx, tx) = (rx.remove(0), tx.remove(0));
        let (peer_rx, peer_tx) = (peer_rx.remove(0), peer_tx.remove(0));
        Self {
            pool,
            port,
            rx,
            tx,
            peer,
            peer_rx,
            peer_tx,
        }
    }

    fn try_everything(&mut self) {
        self.sets_the_interface_mtu();
        self.frames_arrive_as_they_went();
        self.chains_and_clones_arrive_as_flat_frames();
        self.every_frame_is_received_or_counted_as_lost();
    }

    fn sets_the_interface_mtu(&self) {
        for interface in [DEVICE, PEER] {
            let mtu = std::fs::read_to_string(format!("/sys/class/net/{interface}/mtu")).unwrap();
            assert_eq!(mtu, "1600\n");
        }
    }

    fn frames_arrive_as_they_went(&mut self) {
        let frames: Vec<Vec<u8>> = (0..200_u8)
            .map(|seed| numbered(seed, 60 + usize::from(seed) * 7))
            .collect();
        for frame in frames.iter().chain([&numbered(1, 1614)]) {
            transmit(&mut self.tx, Mbuf::from_bytes(&self.pool, frame).unwrap());
            assert_eq!(receive(&mut self.peer_rx, 1), [frame.as_slice()]);
            transmit(
                &mut self.peer_tx,
                Mbuf::from_bytes(&self.pool, frame).unwrap(),
            );
            assert_eq!(receive(&mut self.rx, 1), [frame.as_slice()]);
        }
        assert_eq!(self.port.statistics().read().losses, Default::default());
    }

    fn chains_and_clones_arrive_as_flat_frames(&mut self) {
        let other = pool("other", 255);
        for from in [self.pool.clone(), other] {
            let mut payload = Mbuf::from_bytes(&from, &frame(60, 700)).unwrap();
            let mut packet = Mbuf::from_bytes(&from, &numbered(0, 60)).unwrap();
            packet.chain(payload.share(&from).unwrap()).unwrap();
            transmit(&mut self.tx, packet);
            let whole = [numbered(0, 60), frame(60, 700)].concat();
            assert_eq!(receive(&mut self.peer_rx, 1), [whole]);

            let mut packet = Mbuf::from_bytes(&from, &numbered(7, 300)).unwrap();
            transmit(&mut self.tx, packet.share(&from).unwrap());
            transmit(&mut self.tx, packet);
            assert_eq!(
                receive(&mut self.peer_rx, 2),
                [numbered(7, 300), numbered(7, 300)]
            );
        }
    }

    /// The kernel's own count of what crossed the veth is the other side of the balance.
    fn every_frame_is_received_or_counted_as_lost(&mut self) {
        let (before, crossed) = (
            self.port.statistics().read(),
            kernel_counter(PEER, "tx_packets"),
        );
        for _ in 0..200 {
            let mut burst: Burst = (0..32)
                .map(|seed| Mbuf::from_bytes(&self.pool, &numbered(seed, 100)).unwrap())
                .collect();
            while !burst.is_empty() {
                self.peer_tx.burst(&mut burst);
            }
            sleep(Duration::from_micros(200));
        }
        sleep(Duration::from_millis(100));
        let mut burst = Burst::new();
        let mut received = 0;
        while self.rx.burst(&mut burst) > 0 {
            received += burst.drain(..).len() as u64;
        }
        let crossed = kernel_counter(PEER, "tx_packets") - crossed;
        let after = self.port.statistics().read();
        let lost = after.losses.kernel_ring_drops + after.losses.imissed;
        assert!(
            crossed >= 6000 && lost > 0,
            "the ring did not overflow: {after:?}"
        );
        assert_eq!(after.ipackets - before.ipackets, received);
        assert_eq!(received + lost, crossed, "{after:?}");
        let again = self.port.statistics().read();
        assert_eq!(again, after, "reading changes nothing");
        let peer = self.peer.statistics().read();
        assert_eq!(
            (peer.opackets, peer.losses.oerrors),
            (before.ipackets + 6400, 0)
        );
    }
}

/// A broadcast frame of an ethertype that no stack cares about.
fn numbered(seed: u8, len: usize) -> Vec<u8> {
    let mut octets = frame(seed, len);
    octets[..6].fill(0xff);
    octets[6..14].copy_from_slice(&[2, 0, 0, 0, 0, 1, 0x88, 0xb5]);
    octets
}

fn transmit(tx: &mut TxQueue, mbuf: Mbuf) {
    let mut burst = Burst::from_iter([mbuf]);
    assert_eq!((tx.burst(&mut burst), burst.len()), (1, 0));
}

/// Waits for `count` frames, a second at most.
#[allow(clippy::disallowed_methods, reason = "a test's deadline")]
fn receive(rx: &mut RxQueue, count: usize) -> Vec<Vec<u8>> {
    let started = Instant::now();
    let mut burst = Burst::new();
    while burst.len() < count && started.elapsed() < Duration::from_secs(1) {
        rx.burst(&mut burst);
    }
    burst.iter().map(|mbuf| mbuf.bytes().to_vec()).collect()
}
