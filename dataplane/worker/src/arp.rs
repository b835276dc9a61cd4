//! ARP ends at the host: it is answered from the tables and never forwarded.

use tables::{Key, LocalNode, Snapshot};
use wire::arp::{self, Operation};
use wire::drop_reason::DropReason;
use wire::ethernet::{self, EtherType, MacAddress};

/// Octets of an answer, Ethernet header included.
pub(crate) const FRAME_BYTES: usize = ethernet::HEADER_BYTES + arp::MESSAGE_BYTES;

/// Turns a guest's request into the answer, in place.
///
/// Every address that the node can reach directly has its virtual MAC, equal on
/// every host, so that a move to another host changes no ARP entry.
///
/// # Errors
/// The reason for which the request gets no answer. What is not a request is
/// `policy_denied`: nobody learns from a guest's replies or announcements.
pub(crate) fn answer(
    frame: &mut [u8],
    tables: &Snapshot,
    node: &LocalNode,
) -> Result<(), DropReason> {
    let (l2, payload) = frame.split_at_mut(ethernet::HEADER_BYTES);
    let message = arp::parse(payload)?;
    if message.operation() != Operation::Request {
        return Err(DropReason::PolicyDenied);
    }
    if message.sender_mac() != node.mac {
        return Err(DropReason::L2SourceMac);
    }
    // A sender of 0.0.0.0 probes whether an address is taken (RFC 5227).
    if message.sender_address() != node.address && !message.sender_address().is_unspecified() {
        return Err(DropReason::EncodeSpoofed);
    }
    let target = message.target_address();
    if target == node.address {
        // An announcement, or a probe for the own address: nobody else has it.
        return Err(DropReason::PolicyDenied);
    }
    let on_link = node.subnet.contains(target);
    let has_native = || {
        let natives = tables.natives.of(node.network);
        natives.is_some_and(|natives| natives.by_dummy(target).is_some())
    };
    let known = target == node.subnet.gateway
        || on_link
            && (tables
                .mappings
                .find(Key::new(node.network, target))
                .is_some()
                || has_native());
    if !known {
        return Err(DropReason::EncodeNoMapping);
    }
    let mac = MacAddress::virtual_of(target);
    arp::answer(payload, mac)?;
    ethernet::write(l2, node.mac, mac, EtherType::ARP);
    Ok(())
}
