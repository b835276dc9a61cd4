//! Where packets wait for the rest of their burst before they go out.

use arrayvec::ArrayVec;
use tables::PortIndex;
use tables::counters::PortCounters;
use wire::drop_reason::DropReason;
use wire::packet::Packet;

use crate::io::{Burst, BurstIo, WorkerIndex};
use crate::path::Path;

/// One waiting burst for each port of the host.
pub(crate) struct Outputs<P> {
    me: WorkerIndex,
    queues: Box<[Output<P>]>,
    /// Ports with something to send. Has room for all of them.
    waiting: Vec<PortIndex>,
}

struct Output<P> {
    burst: Burst<P>,
    /// The worker that sends on this port; `None` where each worker has a queue
    /// of its own.
    owner: Option<WorkerIndex>,
    listed: bool,
}

impl<P> Outputs<P> {
    /// `owners` names, for each guest port in order, the worker that owns it.
    pub(crate) fn new(me: WorkerIndex, owners: &[WorkerIndex]) -> Self {
        let uplink = std::iter::once(None);
        let queues: Box<[_]> = uplink
            .chain(owners.iter().copied().map(Some))
            .map(|owner| Output {
                burst: ArrayVec::new(),
                owner,
                listed: false,
            })
            .collect();
        let waiting = Vec::with_capacity(queues.len());
        Self {
            me,
            queues,
            waiting,
        }
    }

    /// The worker that sends on this port, if it is another.
    #[inline]
    fn foreign_owner(&self, port: PortIndex) -> Option<WorkerIndex> {
        self.queues[port.index()]
            .owner
            .filter(|owner| *owner != self.me)
    }
}

impl<Io: BurstIo> Path<Io> {
    /// Queues `packet` for `port`; it leaves at the end of the burst, or now if
    /// that makes a full one.
    #[inline]
    pub(crate) fn send(&mut self, port: PortIndex, packet: Io::Packet) {
        let Outputs {
            queues, waiting, ..
        } = &mut self.outputs;
        let output = &mut queues[port.index()];
        if !output.listed {
            output.listed = true;
            waiting.push(port);
        }
        output.burst.push(packet);
        if output.burst.is_full() {
            self.flush(port);
        }
    }

    /// Sends a whole burst to `port`: at once, if nothing waits there for which it
    /// would have to wait too.
    #[inline]
    pub(crate) fn send_burst(&mut self, port: PortIndex, burst: &mut Burst<Io::Packet>) {
        match self.outputs.queues[port.index()].burst.is_empty() {
            true => self.send_now(port, burst),
            false => burst.drain(..).for_each(|packet| self.send(port, packet)),
        }
    }

    /// Sends everything that waits.
    #[inline]
    pub(crate) fn flush_all(&mut self) {
        while let Some(port) = self.outputs.waiting.pop() {
            self.outputs.queues[port.index()].listed = false;
            self.flush(port);
        }
    }

    /// Sends what waits for `port`.
    #[inline(never)]
    fn flush(&mut self, port: PortIndex) {
        let mut burst = std::mem::take(&mut self.outputs.queues[port.index()].burst);
        // A full burst left at once; for a kernel-fed device, to send nothing is
        // a system call all the same.
        if !burst.is_empty() {
            self.send_now(port, &mut burst);
        }
    }

    /// Sends a burst; what the way out does not take is dropped.
    #[inline]
    fn send_now(&mut self, port: PortIndex, burst: &mut Burst<Io::Packet>) {
        self.offer(port, burst);
        if !burst.is_empty() {
            self.drop_unsent(port, burst);
        }
    }

    #[cold]
    fn drop_unsent(&self, port: PortIndex, burst: &mut Burst<Io::Packet>) {
        let reason = match self.is_foreign(port) {
            true => DropReason::HandoffFull,
            false => DropReason::TxQueueFull,
        };
        self.counters.port(port).drop(reason, burst.len() as u64);
        burst.clear();
    }

    /// Offers a burst to the device of `port`, or to the worker that owns it,
    /// past what waits for it. What is not taken stays; returns how many were.
    pub(crate) fn offer(&mut self, port: PortIndex, burst: &mut Burst<Io::Packet>) -> usize {
        let foreign = self.outputs.foreign_owner(port);
        offer(&mut self.io, self.counters.port(port), port, foreign, burst)
    }

    /// Whether another worker sends at this port.
    pub(crate) fn is_foreign(&self, port: PortIndex) -> bool {
        self.outputs.foreign_owner(port).is_some()
    }
}

/// Sends from the front of `burst` and counts what the device took; what goes to
/// another worker is counted there, when it goes out.
fn offer<Io: BurstIo>(
    io: &mut Io,
    counters: &PortCounters,
    port: PortIndex,
    foreign: Option<WorkerIndex>,
    burst: &mut Burst<Io::Packet>,
) -> usize {
    let frame_bytes =
        |burst: &Burst<Io::Packet>| burst.iter().map(|p| p.frame_bytes() as u64).sum::<u64>();
    let (packets, bytes) = (burst.len(), frame_bytes(burst));
    match foreign {
        Some(owner) => io.hand_over(owner, port, burst),
        None => {
            io.transmit(port, burst);
            let transmitted = &counters.transmitted;
            transmitted.packets.add((packets - burst.len()) as u64);
            transmitted.bytes.add(bytes - frame_bytes(burst));
        }
    }
    packets - burst.len()
}
