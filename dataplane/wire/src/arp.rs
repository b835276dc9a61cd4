//! ARP for IPv4 over Ethernet (RFC 826).

use crate::{DropReason, ethernet::MacAddress};
use std::net::Ipv4Addr;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned, network_endian::U16};

/// The length of a message; Ethernet padding may follow.
pub const MESSAGE_BYTES: usize = 28;

/// What a message wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    /// Who has the target address?
    Request,
    /// The sender has the sender address.
    Reply,
}

/// A message as it lies in memory, behind the Ethernet header.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct Message {
    hardware_type: U16,
    protocol_type: U16,
    hardware_bytes: u8,
    protocol_bytes: u8,
    operation: U16,
    sender_mac: MacAddress,
    sender_address: [u8; 4],
    target_mac: MacAddress,
    target_address: [u8; 4],
}

impl Message {
    /// A request or a reply with these senders and targets.
    #[must_use]
    pub fn new(
        operation: Operation,
        sender: (MacAddress, Ipv4Addr),
        target: (MacAddress, Ipv4Addr),
    ) -> Self {
        Self {
            hardware_type: U16::new(1),
            protocol_type: U16::new(0x0800),
            hardware_bytes: 6,
            protocol_bytes: 4,
            operation: U16::new(match operation {
                Operation::Request => 1,
                Operation::Reply => 2,
            }),
            sender_mac: sender.0,
            sender_address: sender.1.octets(),
            target_mac: target.0,
            target_address: target.1.octets(),
        }
    }

    fn is_valid(&self) -> bool {
        self.hardware_type.get() == 1
            && self.protocol_type.get() == 0x0800
            && (self.hardware_bytes, self.protocol_bytes) == (6, 4)
            && matches!(self.operation.get(), 1 | 2)
    }

    /// What the message wants.
    #[must_use]
    pub fn operation(&self) -> Operation {
        match self.operation.get() {
            1 => Operation::Request,
            _ => Operation::Reply,
        }
    }

    /// The MAC address that the sender says it has.
    #[must_use]
    pub fn sender_mac(&self) -> MacAddress {
        self.sender_mac
    }

    /// The IPv4 address that the sender says it has; zero in a probe (RFC 5227).
    #[must_use]
    pub fn sender_address(&self) -> Ipv4Addr {
        self.sender_address.into()
    }

    /// The MAC address asked or told; without meaning in a request.
    #[must_use]
    pub fn target_mac(&self) -> MacAddress {
        self.target_mac
    }

    /// The IPv4 address that is asked for.
    #[must_use]
    pub fn target_address(&self) -> Ipv4Addr {
        self.target_address.into()
    }
}

/// The message in the payload of a frame.
///
/// # Errors
/// [`DropReason::L2Malformed`] if it is truncated, not for IPv4 over Ethernet,
/// or neither request nor reply.
#[inline]
pub fn parse(payload: &[u8]) -> Result<&Message, DropReason> {
    match Message::ref_from_prefix(payload) {
        Ok((message, _)) if message.is_valid() => Ok(message),
        _ => Err(DropReason::L2Malformed),
    }
}

/// Turns the request in the payload of a frame into the reply that says
/// `mac` has the address asked for. The Ethernet header is the caller's.
///
/// # Errors
/// [`DropReason::L2Malformed`], and nothing changed, if it is not a valid request.
pub fn answer(payload: &mut [u8], mac: MacAddress) -> Result<(), DropReason> {
    let request = *parse(payload)?;
    if request.operation() != Operation::Request {
        return Err(DropReason::L2Malformed);
    }
    let reply = Message::new(
        Operation::Reply,
        (mac, request.target_address()),
        (request.sender_mac, request.sender_address()),
    );
    payload[..MESSAGE_BYTES].copy_from_slice(reply.as_bytes());
    Ok(())
}
