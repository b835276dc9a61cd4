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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use smoltcp::wire::{ArpOperation, ArpPacket, ArpRepr, EthernetAddress};

    fn any_station() -> impl Strategy<Value = (MacAddress, Ipv4Addr)> {
        any::<([u8; 6], [u8; 4])>().prop_map(|(mac, address)| (MacAddress(mac), address.into()))
    }

    fn any_operation() -> impl Strategy<Value = Operation> {
        prop_oneof![Just(Operation::Request), Just(Operation::Reply)]
    }

    proptest! {
        #[test]
        fn parse_back(operation in any_operation(), sender in any_station(), target in any_station()) {
            let octets = Message::new(operation, sender, target);
            let message = parse(octets.as_bytes()).unwrap();
            prop_assert_eq!(message.operation(), operation);
            prop_assert_eq!((message.sender_mac(), message.sender_address()), sender);
            prop_assert_eq!((message.target_mac(), message.target_address()), target);

            let oracle = ArpRepr::parse(&ArpPacket::new_checked(octets.as_bytes()).unwrap());
            prop_assert_eq!(oracle, Ok(ArpRepr::EthernetIpv4 {
                operation: match operation {
                    Operation::Request => ArpOperation::Request,
                    Operation::Reply => ArpOperation::Reply,
                },
                source_hardware_addr: EthernetAddress(sender.0.0),
                source_protocol_addr: sender.1,
                target_hardware_addr: EthernetAddress(target.0.0),
                target_protocol_addr: target.1,
            }));
        }

        #[test]
        fn parse_arbitrary_bytes(mut octets in prop::collection::vec(any::<u8>(), 0..60), likely: bool) {
            if likely && octets.len() >= 8 {
                octets[..7].copy_from_slice(&[0, 1, 8, 0, 6, 4, 0]);
            }
            let oracle = ArpPacket::new_checked(&octets).and_then(|packet| ArpRepr::parse(&packet));
            let known = matches!(oracle, Ok(ArpRepr::EthernetIpv4 {
                operation: ArpOperation::Request | ArpOperation::Reply, ..
            }));
            prop_assert_eq!(parse(&octets).is_ok(), known);
        }

        #[test]
        fn the_answer_goes_back_to_the_asker_and_padding_stays(
            sender in any_station(), target in any_station(), mac: [u8; 6], padding: [u8; 18],
        ) {
            let mut payload = Message::new(Operation::Request, sender, target).as_bytes().to_vec();
            payload.extend(padding);
            prop_assert_eq!(answer(&mut payload, MacAddress(mac)), Ok(()));
            let reply = Message::new(Operation::Reply, (MacAddress(mac), target.1), sender);
            prop_assert_eq!(&payload[..MESSAGE_BYTES], reply.as_bytes());
            prop_assert_eq!(&payload[MESSAGE_BYTES..], padding);
        }
    }

    #[test]
    fn each_wrong_field_is_refused() {
        let station = (MacAddress::BROADCAST, Ipv4Addr::BROADCAST);
        let request = Message::new(Operation::Request, station, station);
        for (field, at, value) in [
            ("hardware type", 1, 6),
            ("protocol type", 2, 9),
            ("hardware length", 4, 8),
            ("protocol length", 5, 16),
            ("operation 0", 7, 0),
            ("operation 3", 7, 3),
        ] {
            let mut octets = request.as_bytes().to_vec();
            octets[at] = value;
            assert_eq!(
                parse(&octets).unwrap_err(),
                DropReason::L2Malformed,
                "{field}"
            );
        }
        assert!(parse(&request.as_bytes()[..27]).is_err());
    }

    #[test]
    fn a_reply_is_not_answered() {
        let station = (MacAddress::BROADCAST, Ipv4Addr::BROADCAST);
        let mut reply = Message::new(Operation::Reply, station, station);
        let before = reply.as_bytes().to_vec();
        let outcome = answer(reply.as_mut_bytes(), MacAddress::default());
        assert_eq!(outcome, Err(DropReason::L2Malformed));
        assert_eq!(reply.as_bytes(), before);
    }
}
