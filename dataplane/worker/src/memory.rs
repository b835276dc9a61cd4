//! Ports in memory: what tests and the replay of captures plug into a worker.

use std::collections::VecDeque;

use tables::PortIndex;
use wire::packet::{HeapPacket, Packet};

use crate::io::{Burst, BurstIo, WorkerIndex};

/// The ports of a host with one worker, or of one worker among several whose
/// hand-over ring is the list [`MemoryIo::handed_over`].
#[derive(Debug, Default)]
pub struct MemoryIo {
    ports: Vec<MemoryPort>,
    /// Frames handed to other workers: to whom, for which port.
    pub handed_over: Vec<(WorkerIndex, PortIndex, HeapPacket)>,
    /// Frames that other workers handed to this one.
    pub to_take: VecDeque<(PortIndex, HeapPacket)>,
    /// Packets that may still be allocated; `None` is without limit.
    pub pool_packets: Option<usize>,
    /// What the clock shows.
    pub now_ns: u64,
}

/// One port: what waits to be received, what was sent.
#[derive(Debug)]
pub struct MemoryPort {
    /// Frames that the worker will receive, the oldest in front.
    pub incoming: VecDeque<HeapPacket>,
    /// Frames that the worker sent, the oldest first.
    pub sent: Vec<HeapPacket>,
    /// How many frames it takes before it is full.
    pub room_packets: usize,
}

impl Default for MemoryPort {
    fn default() -> Self {
        Self {
            incoming: VecDeque::new(),
            sent: Vec::new(),
            room_packets: usize::MAX,
        }
    }
}

impl MemoryIo {
    /// A host with this many ports, uplink included.
    pub fn new(ports: usize) -> Self {
        Self {
            ports: (0..ports).map(|_| MemoryPort::default()).collect(),
            ..Self::default()
        }
    }

    /// A port.
    pub fn port(&mut self, port: PortIndex) -> &mut MemoryPort {
        &mut self.ports[port.index()]
    }
}

impl BurstIo for MemoryIo {
    type Packet = HeapPacket;

    fn receive(&mut self, port: PortIndex, burst: &mut Burst<HeapPacket>) {
        let incoming = &mut self.port(port).incoming;
        let count = incoming.len().min(burst.remaining_capacity());
        burst.extend(incoming.drain(..count));
    }

    fn transmit(&mut self, port: PortIndex, burst: &mut Burst<HeapPacket>) {
        let MemoryPort {
            sent, room_packets, ..
        } = self.port(port);
        let count = burst.len().min(room_packets.saturating_sub(sent.len()));
        sent.extend(burst.drain(..count));
    }

    fn hand_over(&mut self, owner: WorkerIndex, port: PortIndex, burst: &mut Burst<HeapPacket>) {
        self.handed_over
            .extend(burst.drain(..).map(|packet| (owner, port, packet)));
    }

    fn take_handed_over(&mut self, taken: &mut Burst<(PortIndex, HeapPacket)>) {
        let count = self.to_take.len().min(taken.remaining_capacity());
        taken.extend(self.to_take.drain(..count));
    }

    fn allocate(&mut self, frame: &[u8]) -> Option<HeapPacket> {
        if let Some(packets) = &mut self.pool_packets {
            *packets = packets.checked_sub(1)?;
        }
        Some(HeapPacket::new(frame))
    }

    fn copy(&mut self, packet: &HeapPacket) -> Option<HeapPacket> {
        self.allocate(packet.bytes())
    }

    fn copy_head(&mut self, packet: &mut HeapPacket, _: usize) -> Option<HeapPacket> {
        self.copy(packet)
    }

    fn now_ns(&self) -> u64 {
        self.now_ns
    }

    fn prefetch<T>(&self, _: &T) {}
}
