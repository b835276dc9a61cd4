//! Frames that reach deep: right but for what the choices make wrong.

use std::net::Ipv4Addr;

use wire::address::{Layout, Locator};
use wire::checksum;
use wire::ethernet::MacAddress;

use crate::choices::Choices;
use crate::place::Place;

/// Addresses that mean something in some world, or that nobody may have.
const ADDRESSES: &[[u8; 4]] = &[
    [10, 0, 0, 3],
    [10, 0, 0, 2],
    [10, 0, 0, 4],
    [10, 0, 0, 5],
    [10, 0, 1, 6],
    [10, 0, 1, 7],
    [10, 0, 0, 8],
    [10, 0, 0, 1],
    [10, 0, 1, 1],
    [10, 0, 0, 99],
    [10, 0, 0, 255],
    [255, 255, 255, 255],
    [224, 0, 0, 1],
    [224, 0, 0, 2],
    [239, 1, 1, 1],
    [239, 1, 1, 2],
    [127, 0, 0, 1],
    [0, 0, 0, 0],
    [240, 0, 0, 1],
];
const PROTOCOLS: &[u8] = &[
    17, 6, 1, 2, 50, 51, 0, 43, 44, 58, 60, 135, 139, 140, 253, 254, 59, 132,
];
const TTLS: &[u8] = &[64, 0, 1, 2, 255];
const FLAGS: &[u16] = &[0x4000, 0, 0x2000, 0x6000, 0x8000];
const IGMP: u8 = 2;
const NETWORKS: &[u32] = &[0x12_3456, 0x65_4321, 0, 0x77, 0xff_ffff];

/// Appends a payload: short mostly, sometimes about as long as an MTU.
fn payload(choices: &mut Choices<'_>) -> Vec<u8> {
    let length = match choices.below(8) {
        0 => 1_400 + choices.below(300),
        1 => 0,
        _ => choices.below(64),
    };
    let mut payload = choices.octets(length).to_vec();
    payload.resize(length, 0x5a);
    payload
}

fn options(choices: &mut Choices<'_>) -> Vec<u8> {
    if !choices.one_in(6) {
        return Vec::new();
    }
    let length = 4 * (1 + choices.below(10));
    let mut options = choices.octets(length).to_vec();
    options.resize(length, 1);
    options
}

/// An IPv4 packet from `source`, its checksum right.
pub(crate) fn ipv4(choices: &mut Choices<'_>, source: Ipv4Addr) -> Vec<u8> {
    let source = if choices.one_in(12) {
        choices.pick(ADDRESSES)
    } else {
        source.octets()
    };
    let destination = match choices.one_in(16) {
        true => choices.array(),
        false => choices.pick(ADDRESSES),
    };
    let options = options(choices);
    let payload = payload(choices);
    let (tos, id) = (choices.octet(), choices.u16());
    let offset = if choices.one_in(5) {
        choices.u16() & 0x1fff
    } else {
        0
    };
    let flags = choices.pick(FLAGS) | offset;
    let (ttl, protocol) = (choices.pick(TTLS), protocol(choices));
    let payload = match protocol {
        IGMP => igmp(choices),
        _ => payload,
    };
    let total = (20 + options.len() + payload.len()) as u16;
    let mut ip = vec![0x45 + (options.len() / 4) as u8, tos];
    ip.extend(total.to_be_bytes());
    ip.extend(id.to_be_bytes());
    ip.extend(flags.to_be_bytes());
    ip.extend([ttl, protocol, 0, 0]);
    ip.extend(source);
    ip.extend(destination);
    ip.extend(options);
    let sum = checksum::ipv4_header(&ip);
    ip[10..12].copy_from_slice(&sum.to_be_bytes());
    ip.extend(payload);
    ip
}

/// An IGMP message of some version, damaged now and then.
fn igmp(choices: &mut Choices<'_>) -> Vec<u8> {
    let kind = choices.pick(&[0x16, 0x22, 0x17, 0x12, 0x11, 0]);
    let records = if kind == 0x22 { choices.below(4) } else { 0 };
    let mut message = vec![kind, 0, 0, 0];
    if kind == 0x22 {
        message.extend([0, 0, 0, records as u8]);
    } else {
        message.extend(choices.pick(ADDRESSES));
    }
    for _ in 0..records {
        let (sources, words) = (choices.below(3), choices.below(2));
        message.extend([choices.below(8) as u8, words as u8, 0, sources as u8]);
        message.extend(choices.pick(ADDRESSES));
        message.extend(choices.octets(4 * (sources + words)));
    }
    if !choices.one_in(8) {
        let sum = checksum::of(&message);
        message[2..4].copy_from_slice(&sum.to_be_bytes());
    }
    message
}

fn protocol(choices: &mut Choices<'_>) -> u8 {
    match choices.one_in(8) {
        true => choices.octet(),
        false => choices.pick(PROTOCOLS),
    }
}

/// A frame of the node behind a guest port.
pub(crate) fn of_guest(choices: &mut Choices<'_>, place: &Place, port: usize) -> Vec<u8> {
    let (_, node) = knowledge::behind(&place.config, &place.config.ports[port - 1]);
    let (mac, address) = (node.mac, node.address);
    let arp = choices.one_in(6);
    let content = if arp {
        arp_message(choices, mac, address)
    } else {
        ipv4(choices, address)
    };
    let ether_type = if arp { 0x0806 } else { 0x0800 };
    let mut frame = framed(MacAddress::BROADCAST, mac, ether_type, &content);
    finish(choices, &mut frame);
    frame
}

/// An ARP message of a node.
pub(crate) fn arp_message(
    choices: &mut Choices<'_>,
    mac: MacAddress,
    address: Ipv4Addr,
) -> Vec<u8> {
    let mut message = vec![0, 1, 8, 0, 6, 4, 0, 1 + u8::from(choices.one_in(6))];
    message.extend(if choices.one_in(10) {
        choices.array()
    } else {
        mac.0
    });
    let sender = if choices.one_in(6) {
        choices.pick(ADDRESSES)
    } else {
        address.octets()
    };
    message.extend(sender);
    message.extend(choices.array::<6>());
    message.extend(choices.pick(ADDRESSES));
    message
}

/// A frame that the substrate brings.
pub(crate) fn of_substrate(choices: &mut Choices<'_>, place: &Place) -> Vec<u8> {
    let source = substrate_address(choices, place, 1);
    let destination = substrate_address(choices, place, 0);
    let payload = payload(choices);
    let fragment = choices.one_in(4);
    let inner = protocol(choices);
    let payload = match inner {
        IGMP => igmp(choices),
        _ => payload,
    };
    let label = u32::from(choices.pick(TTLS)) << 12
        | u32::from(choices.octet() & 0b1100) << 8
        | u32::from(choices.pick(&[1_u8, 1, 1, 0, 2, 3])) << 8
        | u32::from(choices.octet());
    let traffic_class = u32::from(choices.octet());
    let mut ip = (6 << 28 | traffic_class << 20 | label)
        .to_be_bytes()
        .to_vec();
    let extra = if fragment { 8 } else { 0 };
    ip.extend(((payload.len() + extra) as u16).to_be_bytes());
    ip.extend([
        if fragment { 44 } else { inner },
        choices.pick(&[254, 255, 64, 1, 0]),
    ]);
    ip.extend(source);
    ip.extend(destination);
    if fragment {
        ip.extend([inner, choices.pick(&[0, 0, 0, 1])]);
        ip.extend((choices.u16() & choices.pick(&[0xfff9, 0xfff9, 0xffff, 0, 1])).to_be_bytes());
        ip.extend([0, choices.pick(&[0, 0, 0, 1])]);
        ip.extend(choices.u16().to_be_bytes());
    }
    ip.extend(payload);
    let mut frame = framed(
        MacAddress([2, 0, 0, 0, 1, 2]),
        MacAddress([2, 0, 0, 0, 1, 1]),
        0x86dd,
        &ip,
    );
    finish(choices, &mut frame);
    frame
}

/// Mostly an address of the overlay, at the host `usual` of the fabric or at another one.
fn substrate_address(choices: &mut Choices<'_>, place: &Place, usual: usize) -> [u8; 16] {
    const OTHERS: &[[u8; 16]] = &[
        [0x20, 1, 0xd, 0xb8, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2],
        [0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
        [0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
        [0; 16],
        [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9],
    ];
    if choices.one_in(16) {
        return choices.pick(OTHERS);
    }
    let fabric = &place.config.fabric;
    let host = if choices.one_in(8) {
        choices.below(fabric.hosts.len())
    } else {
        usual
    };
    let network = if choices.one_in(8) {
        choices.pick(NETWORKS)
    } else {
        NETWORKS[0]
    };
    let inner = match (usual, choices.one_in(3)) {
        (0, false) => [10, 0, 0, 2],
        (_, false) => [10, 0, 0, 3],
        (_, true) => choices.pick(ADDRESSES),
    };
    let inner = if network == 0 { [0, 0, 0, 1] } else { inner };
    let mut address = overlay(fabric.layout, &fabric.hosts[host].locator, network, inner);
    if choices.one_in(24) {
        address[choices.below(12)] ^= 1;
    }
    address
}

pub(crate) fn overlay(layout: Layout, locator: &Locator, network: u32, inner: [u8; 4]) -> [u8; 16] {
    layout.prefix96(locator, network).with(inner.into())
}

/// Ethernet in front.
pub(crate) fn framed(
    destination: MacAddress,
    source: MacAddress,
    ether_type: u16,
    content: &[u8],
) -> Vec<u8> {
    [
        &destination.0[..],
        &source.0,
        &ether_type.to_be_bytes(),
        content,
    ]
    .concat()
}

/// Padding, and damage.
fn finish(choices: &mut Choices<'_>, frame: &mut Vec<u8>) {
    if choices.one_in(5) {
        let padding = choices.below(64);
        frame.resize(frame.len() + padding, 0xee);
    }
    if choices.one_in(2) {
        choices.spoil(frame);
    }
}
