//! What the operator asked for: the TOML file of a host, validated
//!
//! ```toml
//! # r.toml: this host
//! include = ["fabric.toml"]
//! [host]
//! name = "r"
//! workers = [1]                        # lcores of the polling workers
//! [uplink]
//! device = "net_af_xdp0,iface=r-up"    # any DPDK device string or PCI address
//! address = "2001:db8:0:1::2/64"       # outside the fabric's prefix
//! next_hop = "2001:db8:0:1::1"
//! mtu = 1600
//! [[port]]
//! node = "z/a"                         # network/node
//! device = "net_af_packet1,iface=r-a"
//!
//! # fabric.toml: shared by all hosts
//! [fabric]
//! prefix = "fd00:aa::/32"
//! [[fabric.host]]
//! name = "r"
//! locator = "fd00:aa:0:100::/56"
//! [[network]]
//! name = "z"
//! id = 0x123456
//! [[network.subnet]]
//! prefix = "10.0.0.0/24"
//! gateway = "10.0.0.1"
//! [[network.node]]
//! name = "a"
//! address = "10.0.0.2"
//! host = "r"
//! ```
//!
//! Replication is `[[group]]` and `[manager]`: docs/examples has a commented one.
//!
//! Every key is described in `docs/configuration.md`. [`load`] reads the files into raw types,
//! where each value remembers its place, then judges them and returns a [`Config`], or every
//! [`Problem`] at once. Only validated types leave this crate.
#![forbid(unsafe_code)]

mod check;
mod load;
mod model;
mod name;
mod problem;
mod raw;
mod reader;
mod source;
mod syntax;

pub use check::GROUP_NODES_MAX;
pub use load::load;
pub use miette::Severity;
pub use model::{
    BufferLimits, Config, Copies, CopyBudget, Fabric, FabricHost, FanOut, Group, Hook, Host,
    Manager, Memory, Multicast, Native, Network, Node, OnIsolation, Peer, PeerPrefix, Poll, Port,
    PublicKey, Route, Subnet, Uplink,
};
pub use problem::{Errors, Place, Problem, json, report};
