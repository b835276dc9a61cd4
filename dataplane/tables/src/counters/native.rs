//! What a worker translates for native IPv6 peers.

use super::Counter;

/// Packets between nodes and native peers.
#[derive(Debug, Default)]
pub struct NativeCounters {
    /// To peers: packets of nodes, each once, however many fragments it became.
    pub up: Counter,
    /// From peers, and errors of routers about packets to peers.
    pub down: Counter,
    /// ICMPv6 errors that peers were sent.
    pub errors: Counter,
    /// Errors that no peer was sent, since there were too many of late.
    pub errors_limited: Counter,
}
