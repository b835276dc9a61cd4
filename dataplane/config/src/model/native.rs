//! Native IPv6 peers of a network

use std::net::{Ipv4Addr, Ipv6Addr};

use ipnet::Ipv4Net;
use wire::native::{NativePrefix, UdpZero};

/// `[network.native]`: hosts of the substrate that know nothing of the overlay, and how packets
/// between them and the nodes are translated (docs/wire.md section 7). At least one peer or prefix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Native {
    /// What becomes of a guest's UDP datagram without a checksum.
    pub udp_zero: UdpZero,
    /// The largest IPv6 packet that a guest's packet without DF becomes, in bytes: 1280 to the
    /// uplink's MTU.
    pub lowest_ipv6_mtu: u16,
    /// `[[network.native.peer]]`: explicit address mappings. Virtual addresses are unique, neither
    /// a node's nor a gateway's; IPv6 addresses are unique and outside the fabric's prefix.
    pub peers: Vec<Peer>,
    /// `[[network.native.prefix]]`: ranges of virtual addresses outside every subnet, which do not
    /// overlap, and the prefix behind which their hosts are.
    pub prefixes: Vec<PeerPrefix>,
}

/// `[[network.native.peer]]`: one host (RFC 7757).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    /// The dummy virtual address that stands for it.
    pub address: Ipv4Addr,
    /// Its own address.
    pub ipv6: Ipv6Addr,
}

/// `[[network.native.prefix]]`: hosts whose IPv6 address ends in their virtual one (RFC 6052).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerPrefix {
    /// Their virtual addresses.
    pub addresses: Ipv4Net,
    /// The first 96 bits of their own.
    pub ipv6: NativePrefix,
}
