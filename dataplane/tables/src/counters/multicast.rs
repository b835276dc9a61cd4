//! What a worker sends to groups and to all.

use super::Counter;

/// Packets of nodes to many, and IGMP.
#[derive(Debug, Default)]
pub struct MulticastCounters {
    /// Packets of nodes of this host to a group or to all, each once.
    pub sent: Counter,
    /// Packets that these became, for other hosts; fragments each.
    pub to_hosts: Counter,
    /// Packets for nodes of this host, from nodes here and elsewhere.
    pub to_nodes: Counter,
    /// Queries that nodes were sent; they count as generated.
    pub queries: Counter,
    /// IGMP messages of nodes and of other hosts that were believed; they count as punted, but
    /// for those of a node that is silent.
    pub reports: Counter,
    /// Messages to other hosts about what nodes here listen to; they count as generated.
    pub announced: Counter,
}
