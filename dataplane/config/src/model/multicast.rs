//! Groups and broadcast of a network

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

/// `[network.multicast]`: what nodes may send to many (docs/wire.md sections 5 and 11). There is a
/// group, or broadcast passes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Multicast {
    /// Multicast addresses that nodes may listen to, each once, none in `never_forward`.
    pub groups: Vec<Ipv4Addr>,
    /// Whether what is for all nodes of a subnet reaches them.
    pub broadcast: bool,
    /// What is never forwarded, inside 224.0.0.0/4.
    pub never_forward: Vec<Ipv4Net>,
    /// What the copies of one node's packets may come to in a second.
    pub copy_packets_per_s: u64,
    /// The same in bytes of frames.
    pub copy_bytes_per_s: u64,
    /// How often nodes are asked what they listen to, in seconds.
    pub query_interval_s: u32,
}
