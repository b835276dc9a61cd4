//! Native IPv6 peers: hosts of the substrate that know nothing of this overlay (section 7).
//!
//! A node knows a peer by a dummy virtual address, a peer knows a node by the
//! substrate address that our own hosts use as well:
//!
//! ```text
//!             IPv4, in the virtual network      IPv6, on the substrate
//!   node      10.0.0.2                          P96 | 10.0.0.2
//!   peer      10.0.0.200                        2001:db8:7::80
//! ```
//! Between the two this is an IP/ICMP translator (RFC 7915), without state:
//! [`up`] goes from IPv4 to IPv6, [`down`] comes back. Unlike between our own
//! hosts, ICMP is translated, and the checksums of TCP and UDP are adjusted by
//! one addition, because only the node's address is neutral to them.
//!
//! One file for each question: [`addresses`] pairs the two names of each end
//! (RFC 6052, RFC 7757), [`chain`] finds what lies behind IPv6 extension
//! headers, [`transport`] keeps checksums right, [`icmp`] has the tables of
//! types, codes, pointers and MTUs, and [`quote`] translates an error together
//! with the packet that it quotes. `docs/rfc7915.md` has each sentence of the
//! RFC with its verdict.

pub mod addresses;
pub mod chain;
pub mod down;
pub mod icmp;
pub mod quote;
pub mod transport;
pub mod up;

pub use addresses::{Ends, NativePrefix, Peer};
pub use chain::Chain;
pub use icmp::Mtus;

use crate::encode::DscpRule;

/// What is done with a guest's UDP datagram without a checksum, which IPv6
/// does not allow (RFC 7915 section 4.5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UdpZero {
    /// It gets one. A fragment cannot, and is dropped.
    #[default]
    Compute,
    /// It is dropped.
    Drop,
}

/// What an operator chose, and the links that both sides of a translation have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Translation {
    /// Whether the substrate sees the guest's DSCP, and the guest the peer's.
    pub dscp: DscpRule,
    /// What becomes of UDP without a checksum.
    pub udp_zero: UdpZero,
    /// Whether protocols 253 and 254 pass.
    pub experimental_allowed: bool,
    /// The largest packets of the links on both sides.
    pub mtus: Mtus,
}

#[cfg(test)]
mod tests;
