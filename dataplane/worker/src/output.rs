//! Where packets wait for the rest of their burst before they go out.

use arrayvec::ArrayVec;
use tables::PortIndex;
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
}

impl<Io: BurstIo> Path<Io> {
    /// Queues `packet` for `port`; it leaves at the end of the burst, or now if
    /// that makes a full one.
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

    /// Sends everything that waits.
    pub(crate) fn flush_all(&mut self) {
        while let Some(port) = self.outputs.waiting.pop() {
            self.outputs.queues[port.index()].listed = false;
            self.flush(port);
        }
    }

    /// Sends what waits for `port`; what the way out does not take is dropped.
    fn flush(&mut self, port: PortIndex) {
        let Output { burst, owner, .. } = &mut self.outputs.queues[port.index()];
        // A full burst left at once; for a kernel-fed device, to send nothing is
        // a system call all the same.
        if burst.is_empty() {
            return;
        }
        let frame_bytes =
            |burst: &Burst<Io::Packet>| burst.iter().map(|p| p.bytes().len() as u64).sum::<u64>();
        let counters = self.counters.port(port);
        let (packets, bytes) = (burst.len() as u64, frame_bytes(burst));
        let reason = match *owner {
            // Not ours: its owner counts it when it goes out.
            Some(owner) if owner != self.outputs.me => {
                self.io.hand_over(owner, port, burst);
                DropReason::HandoffFull
            }
            _ => {
                self.io.transmit(port, burst);
                counters
                    .transmitted
                    .packets
                    .add(packets - burst.len() as u64);
                counters.transmitted.bytes.add(bytes - frame_bytes(burst));
                DropReason::TxQueueFull
            }
        };
        if !burst.is_empty() {
            counters.drop(reason, burst.len() as u64);
            burst.clear();
        }
    }
}
