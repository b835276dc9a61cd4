//! Native IPv6 peers (docs/wire.md section 7): hosts of the substrate that know
//! nothing of the overlay, and that nodes reach by a dummy virtual address.
//!
//! `wire::native` translates; here stands who may, how large a packet may be, and
//! who is told what. A native peer appears as its own dummy address and as
//! nothing else: its source lies outside the fabric's prefix, and it is found by
//! it in the network that it writes to.

mod down;
mod up;

pub(crate) use down::concerns;

use tables::{LocalNode, NativeNetwork, Snapshot};
use wire::native::{Mtus, Translation};

/// How packets between a node and a peer of its network are translated.
fn translation(tables: &Snapshot, natives: &NativeNetwork, node: &LocalNode) -> Translation {
    let rules = &tables.fabric.rules;
    Translation {
        dscp: rules.dscp,
        udp_zero: natives.udp_zero,
        experimental_allowed: rules.experimental_allowed,
        mtus: Mtus {
            ipv4: node.mtu,
            ipv6: tables.uplink.mtu,
        },
    }
}
