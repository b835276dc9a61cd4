//! ARP against another reader of it.

use std::net::Ipv4Addr;

use smoltcp::wire::{ArpOperation, ArpPacket, ArpRepr};
use wire::arp::{self, Operation};
use wire::ethernet::MacAddress;

use crate::Target;
use crate::choices::Choices;
use crate::frames;

pub(crate) const TARGET: Target = Target {
    name: "arp",
    claim: "a message is read as smoltcp reads it, and an answer says that the asked has the address, \
            to whom it was asked by, and changes nothing behind it",
    run,
};

fn run(octets: &[u8]) {
    let mut choices = Choices::new(octets);
    let mac = MacAddress(choices.array());
    let mut message = match choices.one_in(4) {
        true => choices.rest().to_vec(),
        false => {
            let address = Ipv4Addr::from(choices.u32());
            let mut message = frames::arp_message(&mut choices, mac, address);
            choices.spoil(&mut message);
            message
        }
    };
    let theirs = ArpPacket::new_checked(&message).and_then(|packet| ArpRepr::parse(&packet));
    let theirs = match theirs {
        Ok(ArpRepr::EthernetIpv4 {
            operation: operation @ (ArpOperation::Request | ArpOperation::Reply),
            source_hardware_addr,
            source_protocol_addr,
            target_hardware_addr,
            target_protocol_addr,
        }) => Some((
            operation == ArpOperation::Request,
            (source_hardware_addr.0, source_protocol_addr),
            (target_hardware_addr.0, target_protocol_addr),
        )),
        _ => None,
    };
    let ours = arp::parse(&message).ok().map(|message| {
        (
            message.operation() == Operation::Request,
            (message.sender_mac().0, message.sender_address()),
            (message.target_mac().0, message.target_address()),
        )
    });
    assert_eq!(ours, theirs, "{message:02x?}");

    let before = message.clone();
    let answered = arp::answer(&mut message, mac).is_ok();
    assert_eq!(answered, ours.is_some_and(|ours| ours.0), "{before:02x?}");
    match (answered, ours) {
        (true, Some((_, sender, target))) => {
            let answer = arp::parse(&message).expect("an answer is a message");
            assert_eq!(answer.operation(), Operation::Reply);
            assert_eq!(
                (answer.sender_mac(), answer.sender_address()),
                (mac, target.1)
            );
            assert_eq!((answer.target_mac().0, answer.target_address()), sender);
            assert_eq!(message[arp::MESSAGE_BYTES..], before[arp::MESSAGE_BYTES..]);
        }
        _ => assert_eq!(message, before, "what is not answered is left alone"),
    }
}
