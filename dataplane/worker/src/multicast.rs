//! Packets to groups and to all of a subnet: one copy for each other host where somebody listens,
//! one for each node here that does (docs/wire.md section 5).
//!
//! It stands aside: here comes only what has no mapping, so that packets to one node pay nothing
//! for it. The copies are none in the sense of replication: C is 0, and a host that receives one
//! gives it to its own nodes and never to another host.

mod igmp;
mod receive;
mod send;

use std::net::Ipv4Addr;

use tables::multicast::{Link, is_for_many};
use tables::{GroupIndex, LocalMember, LocalNode, PortIndex, Snapshot};
use wire::drop_reason::DropReason;
use wire::ethernet::MacAddress;

use crate::budget::Bucket;
use crate::io::BurstIo;
use crate::path::Path;
use crate::role::{Decision, decide_for_many};
use igmp::Schedule;

pub(crate) use receive::{ForMany, for_many, names_many};

/// How far a guest may run ahead of its budget, in nanoseconds: the copies of one packet are due
/// at once.
const BURST_NS: u64 = 100_000_000;

/// What one worker keeps about packets to many.
pub(crate) struct Many {
    /// By port of the sender.
    buckets: Box<[Bucket]>,
    /// When the nodes behind this worker's ports are asked what they listen to.
    schedule: Schedule,
}

impl Many {
    /// For a worker that owns `ports` of a host that knows `tables` at `now_ns`.
    pub(crate) fn new(tables: &Snapshot, ports: &[PortIndex], now_ns: u64) -> Self {
        tables.multicast.begin(now_ns);
        Self {
            buckets: vec![Bucket::default(); 1 + tables.nodes.len()].into(),
            schedule: Schedule::new(tables, ports, now_ns),
        }
    }

    /// Whether one more copy, a frame of `bytes`, is within the budget of the node behind `port`;
    /// if so it is paid for. A port has one worker, so that no budget is shared.
    fn affords(&mut self, link: &Link, port: PortIndex, bytes: usize, now_ns: u64) -> bool {
        let budget = &link.rules().budget;
        let bucket = self.buckets.get_mut(port.index());
        bucket.is_some_and(|bucket| bucket.take_ahead(budget, bytes as u64, 1, now_ns, BURST_NS))
    }
}

/// What becomes of a packet to many at a node here that listens.
enum Course<'a> {
    Deliver(&'a LocalNode),
    /// The member waits for its promotion or a checkpoint.
    Keep(GroupIndex, &'a LocalMember, &'a LocalNode),
}

impl<Io: BurstIo> Path<Io> {
    /// Decides it for the node behind `port`.
    fn course<'a>(&self, tables: &'a Snapshot, port: PortIndex) -> Result<Course<'a>, DropReason> {
        let node = tables.node(port).ok_or(DropReason::PortDown)?;
        let Some(member_of) = &node.member else {
            return Ok(Course::Deliver(node));
        };
        let (group, member) = tables.member(member_of).ok_or(DropReason::PortDown)?;
        let holding = self.replication.is_holding(member_of.group);
        match decide_for_many(group, member, holding) {
            Decision::Deliver => Ok(Course::Deliver(node)),
            Decision::Keep => Ok(Course::Keep(member_of.group, member, node)),
            Decision::Refuse(reason) => Err(reason),
            // Its new owner's host has one of its own.
            Decision::Forward(_) => Err(DropReason::DecodeDuplicateCopy),
        }
    }

    /// Counts a copy that cannot be made, at the port where the packet came in. `is_more` if it
    /// would have been a packet more.
    #[cold]
    fn lose_copy(&self, port: PortIndex, reason: DropReason, is_more: bool) {
        self.counters.port(port).drop(reason, 1);
        self.counters.worker.copies_not_made.add(is_more.into());
    }
}

/// The Ethernet destination under which a node gets a packet to `destination`.
pub(crate) fn destination_mac(receiver: &LocalNode, destination: Ipv4Addr) -> MacAddress {
    if is_for_many(destination) || receiver.subnet.is_last(destination) {
        MacAddress::of_group(destination)
    } else {
        receiver.mac
    }
}
