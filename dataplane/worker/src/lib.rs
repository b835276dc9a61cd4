//! What happens to a packet.
//!
//! A [`Worker`] owns one receive and one transmit queue of the uplink and some
//! guest ports. Each round it takes a burst of at most [`BURST_PACKETS_MAX`]
//! frames from each of its queues and carries the burst through the same
//! stages:
//!
//! ```text
//!            guest port                                uplink
//!                |                                       |
//!   check    L2, ARP, IPv4, source            L2, IPv6, ours?, label, fragment
//!                |                                  |            |
//!   look up  (network, destination)             punt |   destination and source
//!             |              |                       v            |
//!   act    deliver       re-header             controller  compare owner, restore
//!             |              |                                    |
//!   send   guest port      uplink                             guest port
//! ```
//!
//! Nearly every packet is plain, and goes through these stages by a straight way,
//! together with its whole burst (`plain`): the memory that a stage needs was asked
//! of the cache by the one before. Every other takes them one by one. A packet leaves a
//! stage in exactly one way: onward, out, to the controller, or dropped with
//! one [`DropReason`](wire::drop_reason::DropReason) that is counted.
//!
//! Replicated addresses add three things. What is sent to a group is copied to
//! its members (`fan_out`); what reaches a member goes by its role: delivered,
//! kept in a buffer for later, passed on, or dropped (`role`, `member`,
//! `release`); and what a member says passes a gate that opens for a primary
//! with a lease (`gate`).
//!
//! A guest hears by ICMP of what it sent in vain (`icmp`), be it too big for a
//! path or for a router on the way (`fragment`, `substrate_error`).
//!
//! What has no mapping is for the virtual router (`router`): itself, or what lies
//! behind a node.
//!
//! What is for a group or for all of a subnet goes as a copy to each host and node that
//! listens (`multicast`).
//!
//! The crate knows no device and no clock: frames, and the time, come and go
//! through [`BurstIo`]. The daemon plugs DPDK in; the tests and the
//! replay of captures plug in [`memory::MemoryIo`], so what they show is what a
//! host does.
#![forbid(unsafe_code)]

mod arp;
mod budget;
mod buffer;
mod fan_out;
mod fragment;
mod gate;
mod guest;
mod guest_group;
mod icmp;
mod io;
mod member;
pub mod memory;
mod multicast;
mod native;
mod output;
mod path;
mod plain;
mod release;
mod replay;
mod replication;
mod role;
mod router;
mod substrate;
mod substrate_error;
mod worker;

pub use io::{BURST_PACKETS_MAX, Burst, BurstIo, WorkerIndex};
pub use worker::{Assignment, Worker};

/// Whether this build believes whoever speaks for a node: the feature
/// `unchecked`, which only a test has, for the lease to be seen alone.
pub const UNCHECKED: bool = cfg!(feature = "unchecked");

#[cfg(test)]
mod tests;
