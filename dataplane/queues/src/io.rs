//! DPDK's queues as a worker wants them.

use arrayvec::ArrayVec;
use dpdk::{Mbuf, Mempool, RingConsumer, RingProducer, RxQueue, TxQueue};
use tables::PortIndex;
use wire::packet::Packet;
use worker::{BURST_PACKETS_MAX, Burst, BurstIo, WorkerIndex};

use crate::clock::ProcessClock;

/// Copies of frames from this length on share their payload with the original,
/// in octets. A shared one costs two buffers and counted references, some 240
/// cycles whatever its length; a flat one 125 at 64 octets, 240 at 1,280 and 280
/// at 1,514 (made and freed in a burst of 32, hot, on a thread without a pool
/// cache; 2026-11-25, the two-core lab machine).
pub const SHARED_FROM_BYTES: usize = 1280;

/// Both directions of a port, or of one worker's share of it.
pub struct QueuePair {
    /// From the device.
    pub rx: RxQueue,
    /// To the device.
    pub tx: TxQueue,
}

/// What one worker polls and fills.
pub struct DpdkIo {
    /// By port; `None` for the guest ports of other workers.
    pub ports: Box<[Option<QueuePair>]>,
    /// Buffers for frames from the controller, for copies, and for frames that
    /// members kept: the uplink's.
    pub pool: Mempool,
    /// Copies of frames from this length on share their payload; `None` where
    /// the uplink's device sends no chains.
    pub shared_from_bytes: Option<usize>,
    /// The process's clock.
    pub clock: ProcessClock,
    /// By worker; `None` for this one.
    pub to_workers: Box<[Option<RingProducer>]>,
    /// One from each other worker.
    pub from_workers: Box<[RingConsumer]>,
    /// Which of these is asked first the next time.
    pub next_ring: usize,
}

impl BurstIo for DpdkIo {
    type Packet = Mbuf;

    #[inline]
    fn receive(&mut self, port: PortIndex, burst: &mut Burst<Mbuf>) {
        if let Some(queues) = &mut self.ports[port.index()] {
            queues.rx.burst(burst);
        }
    }

    #[inline]
    fn transmit(&mut self, port: PortIndex, burst: &mut Burst<Mbuf>) {
        if let Some(queues) = &mut self.ports[port.index()] {
            queues.tx.burst(burst);
        }
    }

    fn hand_over(&mut self, owner: WorkerIndex, port: PortIndex, burst: &mut Burst<Mbuf>) {
        if let Some(ring) = &mut self.to_workers[usize::from(owner.0)] {
            for mbuf in burst.iter_mut() {
                mbuf.set_tag(port.0);
            }
            ring.enqueue(burst);
        }
    }

    fn take_handed_over(&mut self, taken: &mut Burst<(PortIndex, Mbuf)>) {
        // Each round begins with another ring, so that none starves another.
        let (before, first) = self.from_workers.split_at_mut(self.next_ring);
        let mut burst: ArrayVec<Mbuf, BURST_PACKETS_MAX> = ArrayVec::new();
        for ring in first.iter_mut().chain(before) {
            ring.dequeue(&mut burst);
            if burst.is_full() {
                break;
            }
        }
        self.next_ring = (self.next_ring + 1) % self.from_workers.len().max(1);
        taken.extend(burst.drain(..).map(|mbuf| (PortIndex(mbuf.tag()), mbuf)));
    }

    fn allocate(&mut self, frame: &[u8]) -> Option<Mbuf> {
        Mbuf::from_bytes(&self.pool, frame)
    }

    #[inline]
    fn copy(&mut self, packet: &Mbuf) -> Option<Mbuf> {
        packet.copy(&self.pool)
    }

    #[inline]
    fn copy_head(&mut self, packet: &mut Mbuf, head_bytes: usize) -> Option<Mbuf> {
        match self.shared_from_bytes {
            Some(bytes) if packet.packet_len() >= bytes => {
                let mut head = Mbuf::from_bytes(&self.pool, packet.bytes().get(..head_bytes)?)?;
                let mut rest = packet.share(&self.pool)?;
                rest.remove_front(head_bytes);
                head.chain(rest).ok()?;
                Some(head)
            }
            _ => packet.copy(&self.pool),
        }
    }

    #[inline]
    fn now_ns(&self) -> u64 {
        self.clock.now_ns()
    }

    #[inline]
    fn prefetch<T>(&self, target: &T) {
        dpdk::clock::prefetch(target);
    }
}
