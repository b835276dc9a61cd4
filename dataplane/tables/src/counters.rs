//! What workers count. One writer each, read by anybody at any time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crossbeam::utils::CachePadded;
use wire::drop_reason::DropReason;

use crate::group::GroupIndex;
use crate::mappings::PortIndex;

mod group;
mod multicast;
mod native;

pub use group::{CopyCounters, GroupCounters};
pub use multicast::MulticastCounters;
pub use native::NativeCounters;

/// A number that one thread raises and others read.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Raises it. Only its one writer may call this: it is a plain load and
    /// store, not a locked addition.
    #[inline]
    pub fn add(&self, n: u64) {
        self.0.store(
            self.0.load(Ordering::Relaxed).wrapping_add(n),
            Ordering::Relaxed,
        );
    }

    /// Copies a number that is kept elsewhere. Only its one writer may call this.
    #[inline]
    pub fn set(&self, value: u64) {
        self.0.store(value, Ordering::Relaxed);
    }

    /// Raises it to `value` if it is lower. Only its one writer may call this.
    #[inline]
    pub fn raise_to(&self, value: u64) {
        if value > self.0.load(Ordering::Relaxed) {
            self.0.store(value, Ordering::Relaxed);
        }
    }

    /// What it is now.
    #[inline]
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Packets and their octets.
#[derive(Debug, Default)]
pub struct Traffic {
    /// Frames.
    pub packets: Counter,
    /// Their octets from the Ethernet header on, without the checksum.
    pub bytes: Counter,
}

/// What one worker saw at one port.
#[derive(Debug)]
pub struct PortCounters {
    /// Taken from the device.
    pub received: Traffic,
    /// Accepted by the device.
    pub transmitted: Traffic,
    /// Dropped, by reason. A packet is counted at the port where it came in;
    /// one that the way out did not take, at the port where it should have gone
    /// out.
    drops: [Counter; DropReason::COUNT],
}

impl Default for PortCounters {
    fn default() -> Self {
        Self {
            received: Traffic::default(),
            transmitted: Traffic::default(),
            drops: std::array::from_fn(|_| Counter::default()),
        }
    }
}

impl PortCounters {
    /// Counts `packets` drops.
    #[inline]
    pub fn drop(&self, reason: DropReason, packets: u64) {
        self.drops[reason as usize].add(packets);
    }

    /// Packets dropped for this reason.
    pub fn dropped(&self, reason: DropReason) -> u64 {
        self.drops[reason as usize].get()
    }
}

/// What one worker says about its own life.
#[derive(Debug, Default)]
pub struct LoopCounters {
    /// Rounds over all its queues.
    pub rounds: Counter,
    /// Rounds that moved at least one packet.
    pub busy_rounds: Counter,
    /// The longest time between two rounds' beginnings since start, in
    /// nanoseconds, idle sleep included.
    pub longest_gap_ns: Counter,
    /// Frames handed to the controller.
    pub punted: Counter,
    /// Frames taken from the controller to be sent.
    pub injected: Counter,
    /// ARP requests answered from the tables.
    pub arp_answered: Counter,
    /// IPv4 packets whose options were stripped by re-heading.
    pub options_stripped: Counter,
    /// Copies that were due, whether they could be made or not: additional
    /// packets, each with a fate of its own.
    pub copied: Counter,
    /// Of these: those that were not made, and are counted as drops.
    pub copies_not_made: Counter,
    /// Packets made by this worker beside those that came in: ICMP errors, and
    /// all but one fragment of each packet that was cut.
    pub generated: Counter,
    /// Of ICMP.
    pub icmp: IcmpCounters,
    /// To and from native IPv6 peers.
    pub native: NativeCounters,
    /// To groups and to all.
    pub multicast: MulticastCounters,
}

/// What one worker says to guests by ICMP, and hears from routers.
#[derive(Debug, Default)]
pub struct IcmpCounters {
    /// Errors that guests of this host were sent, those that were made of a
    /// router's included.
    pub errors: Counter,
    /// Errors that a guest was not sent, since it had too many of late.
    pub errors_limited: Counter,
    /// Echo requests to virtual routers that were answered.
    pub echoes: Counter,
    /// Packets of guests that were cut into fragments.
    pub fragmented: Counter,
    /// Errors of routers that were believed: a packet was too big (ICMPv6 2/0).
    pub heard_too_big: Counter,
    /// A host cannot be reached (ICMPv6 1/x).
    pub heard_unreachable: Counter,
    /// Another error, which is only counted (ICMPv6 3/x, 4/x).
    pub heard_other: Counter,
}

/// All counters of one worker.
#[derive(Debug)]
pub struct WorkerCounters {
    ports: Box<[CachePadded<PortCounters>]>,
    groups: Box<[CachePadded<GroupCounters>]>,
    /// About the worker itself.
    pub worker: CachePadded<LoopCounters>,
}

impl WorkerCounters {
    /// Zeros, for a host with `ports` ports, uplink included, and no groups.
    pub fn new(ports: usize) -> Arc<Self> {
        Self::with_groups(ports, 0, 0)
    }

    /// Zeros, for a host with `ports` ports, uplink included, that knows
    /// `groups` groups in a fabric of `hosts` hosts.
    pub fn with_groups(ports: usize, groups: usize, hosts: usize) -> Arc<Self> {
        Arc::new(Self {
            ports: (0..ports).map(|_| CachePadded::default()).collect(),
            groups: (0..groups)
                .map(|_| CachePadded::new(GroupCounters::new(hosts)))
                .collect(),
            worker: CachePadded::default(),
        })
    }

    /// The counters of a port.
    #[inline]
    pub fn port(&self, port: PortIndex) -> &PortCounters {
        &self.ports[port.index()]
    }

    /// The counters of a group; `None` for one that was not known at launch.
    #[inline]
    pub fn group(&self, group: GroupIndex) -> Option<&GroupCounters> {
        self.groups.get(group.index()).map(|group| &**group)
    }

    /// Each group's counters, in the order of the snapshot's groups.
    pub fn groups(&self) -> impl Iterator<Item = &GroupCounters> {
        self.groups.iter().map(|group| &**group)
    }

    /// Each port's counters, in the order of their indices.
    pub fn ports(&self) -> impl Iterator<Item = (PortIndex, &PortCounters)> {
        (0u16..)
            .map(PortIndex)
            .zip(self.ports.iter().map(|port| &**port))
    }
}
