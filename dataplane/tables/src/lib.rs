//! What the dataplane knows, and how that knowledge changes under traffic.
//!
//! The words used here:
//!
//! - A **mapping** says on which host a virtual address of a network lives. It
//!   is one [`Entry`] of 32 octets, found by the exact [`Key`] (network,
//!   address).
//! - The **snapshot** is everything a worker reads while it handles a burst:
//!   all mappings, the local nodes behind the guest ports, the uplink. It is
//!   immutable and complete, so a packet is handled by one version of the
//!   truth and never by half of two.
//! - The mappings are cut into **shards** that versions share: changing one
//!   mapping copies one shard, not a million entries.
//! - The **publisher** (one thread) builds the next snapshot and swaps it in.
//!   Workers notice at their next burst. The publisher, never a worker, drops
//!   the old one, after every worker has said that it moved on: freeing a large
//!   table takes milliseconds, which no worker has.
//! - A **group** is a replicated address: who owns it, who gets copies, what the
//!   member here does with them. A **lease** is until when that member may
//!   speak; it changes too often to be published.
//! - A **native peer** is a host of the substrate that knows nothing of us, and
//!   that nodes reach by a dummy virtual address.
//! - A **link** is a subnet as packets to many see it: who listens to which group there, which
//!   is the one thing here that workers write.
//! - **Counters** have one writer, the worker they belong to, and any number of
//!   readers.
//! - A **path MTU** is how large a packet the way to one host takes; it starts at
//!   the uplink's and is learned from routers.
//! - A **router** is what a network's subnets are joined by. It is asked only for
//!   addresses that have no mapping.
//! - **Punt rings** carry whole frames between one worker and the controller,
//!   **notices** what a worker tells it besides. A **boundary** tells it when all
//!   workers have left something behind.
#![forbid(unsafe_code)]

pub mod boundary;
pub mod counters;
pub mod delays;
pub mod group;
pub mod lease;
pub mod mappings;
pub mod multicast;
pub mod native;
pub mod notice;
pub mod path_mtu;
pub mod publication;
pub mod punt;
pub mod router;
pub mod snapshot;

pub use group::{Group, GroupIndex, LocalMember, Role};
pub use lease::Lease;
pub use mappings::{Aim, Entry, HostIndex, Key, Mappings, PortIndex};
pub use multicast::Multicast;
pub use native::{NativeNetwork, NativePeers};
pub use path_mtu::PathMtus;
pub use publication::{Publisher, Reader};
pub use router::Router;
pub use snapshot::{LocalNode, NodeMember, Snapshot, Subnet, Uplink};
