//! What a worker asks of the devices.

use arrayvec::ArrayVec;
use tables::PortIndex;
use wire::packet::Packet;

/// Frames taken from a queue at once.
pub const BURST_PACKETS_MAX: usize = 32;

/// Some frames, at most [`BURST_PACKETS_MAX`]. Emptied by draining: to iterate by
/// value copies all of its room, however few it holds.
pub type Burst<P> = ArrayVec<P, BURST_PACKETS_MAX>;

/// One of this host's workers, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct WorkerIndex(pub u16);

/// The queues of one worker: its own at the uplink, its own guest ports, and
/// the rings to and from the other workers.
///
/// No call may block, allocate from the heap, or take a lock. Each takes or
/// leaves whole frames; none is ever lost between the two sides of a call.
pub trait BurstIo {
    /// A frame buffer.
    type Packet: Packet;

    /// Appends the frames waiting at `port` to `burst`, as many as fit.
    fn receive(&mut self, port: PortIndex, burst: &mut Burst<Self::Packet>);

    /// Sends from the front of `burst`. What the device did not take stays.
    fn transmit(&mut self, port: PortIndex, burst: &mut Burst<Self::Packet>);

    /// Hands frames for `port` to the worker that owns it, from the front of
    /// `burst`. What its ring did not take stays.
    fn hand_over(&mut self, owner: WorkerIndex, port: PortIndex, burst: &mut Burst<Self::Packet>);

    /// Appends frames that other workers handed over, each with the port where
    /// it shall go out, as many as fit.
    fn take_handed_over(&mut self, taken: &mut Burst<(PortIndex, Self::Packet)>);

    /// A new packet that holds `frame`; `None` if the pool is empty.
    fn allocate(&mut self, frame: &[u8]) -> Option<Self::Packet>;

    /// A flat packet with the same octets; `None` if the pool is empty.
    fn copy(&mut self, packet: &Self::Packet) -> Option<Self::Packet>;

    /// As [`copy`](Self::copy), for a copy that leaves at the uplink: only its
    /// first `head_bytes` octets need be its own. The rest may be shared with
    /// `packet`, which must not be written to from then on; one whose octets are
    /// shared shows [no octets to write](Packet::bytes_mut).
    fn copy_head(&mut self, packet: &mut Self::Packet, head_bytes: usize) -> Option<Self::Packet>;

    /// The process's clock now, in nanoseconds: that of leases, of the
    /// controller, and of every other worker.
    fn now_ns(&self) -> u64;

    /// Asks the cache for the line of `target`.
    fn prefetch<T>(&self, target: &T);
}
