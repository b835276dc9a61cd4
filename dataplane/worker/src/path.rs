//! The state that the stages of one worker share.

use std::sync::Arc;

use arrayvec::ArrayVec;
use tables::PortIndex;
use tables::counters::WorkerCounters;
use tables::notice::NoticeSender;
use tables::punt::{PuntReceiver, PuntSender};
use wire::drop_reason::DropReason;
use wire::packet::Packet;

use crate::icmp::Allowances;
use crate::io::{BURST_PACKETS_MAX, Burst, BurstIo};
use crate::multicast::Many;
use crate::output::Outputs;
use crate::replication::Replication;

/// Everything of a worker but its view of the tables, so that a stage can read
/// the tables while it changes this.
pub(crate) struct Path<Io: BurstIo> {
    pub(crate) io: Io,
    pub(crate) counters: Arc<WorkerCounters>,
    pub(crate) outputs: Outputs<Io::Packet>,
    pub(crate) local_ids: LocalIds,
    pub(crate) replication: Replication,
    pub(crate) many: Many,
    pub(crate) allowances: Allowances,
    /// When the controller was last told that a host cannot be reached, by host.
    pub(crate) bounced_ns: Box<[u64]>,
    pub(crate) notices: NoticeSender,
    pub(crate) to_controller: PuntSender,
    pub(crate) from_controller: Option<PuntReceiver>,
    /// A frame on its way from the controller, kept to reuse its memory.
    pub(crate) injected_frame: Vec<u8>,
}

impl<Io: BurstIo> Path<Io> {
    /// Takes a burst from a port and counts it. `burst` is empty.
    pub(crate) fn receive(&mut self, port: PortIndex, burst: &mut Burst<Io::Packet>) {
        self.io.receive(port, burst);
        let mut bytes = 0;
        for packet in burst.iter() {
            packet.prefetch();
            bytes += packet.frame_bytes() as u64;
        }
        let received = &self.counters.port(port).received;
        received.packets.add(burst.len() as u64);
        received.bytes.add(bytes);
    }

    /// Ends a packet that came in at `port`.
    #[cold]
    pub(crate) fn drop_packet(&self, port: PortIndex, reason: DropReason, packet: Io::Packet) {
        self.counters.port(port).drop(reason, 1);
        drop(packet);
    }

    /// Hands a frame from the uplink to the controller; gives it back with the
    /// reason if that cannot take it.
    pub(crate) fn punt(&mut self, packet: Io::Packet) -> Result<(), (Io::Packet, DropReason)> {
        match self.to_controller.push(packet.bytes()) {
            Ok(()) => {
                self.counters.worker.punted.add(1);
                Ok(())
            }
            Err(_) => Err((packet, DropReason::PuntFull)),
        }
    }

    /// Sends what the controller wants sent, at the uplink. Returns how many
    /// frames were taken from it.
    pub(crate) fn inject(&mut self) -> usize {
        let mut taken = 0;
        while taken < BURST_PACKETS_MAX
            && let Some(ring) = &mut self.from_controller
            && ring.pop(&mut self.injected_frame)
        {
            taken += 1;
            self.counters.worker.injected.add(1);
            match self.io.allocate(&self.injected_frame) {
                Some(packet) => self.send(PortIndex::UPLINK, packet),
                None => self
                    .counters
                    .port(PortIndex::UPLINK)
                    .drop(DropReason::NoMbuf, 1),
            }
        }
        taken
    }

    /// Sends what other workers left for the ports of this one.
    pub(crate) fn forward_handed_over(&mut self) -> usize {
        let mut taken: ArrayVec<_, BURST_PACKETS_MAX> = ArrayVec::new();
        self.io.take_handed_over(&mut taken);
        let count = taken.len();
        for (port, packet) in taken.drain(..) {
            self.send(port, packet);
        }
        count
    }
}

/// IPv4 identifications for packets that crossed the substrate without one: a
/// counter for each guest port. The workers' values interleave, so that two of
/// them seldom give the same one within a packet's lifetime.
pub(crate) struct LocalIds {
    next: Box<[u16]>,
    step: u16,
}

impl LocalIds {
    /// For the worker `index` of `workers`: it takes the values 1 + `index`,
    /// then every `workers`-th.
    pub(crate) fn new(ports: usize, index: u16, workers: u16) -> Self {
        Self {
            next: vec![1 + index; ports].into(),
            step: workers,
        }
    }

    pub(crate) fn take(&mut self, port: PortIndex) -> u16 {
        let next = &mut self.next[port.index()];
        let id = *next;
        *next = next.wrapping_add(self.step);
        id
    }
}
