//! Neighbour discovery: who may change where our packets go.

use std::net::Ipv6Addr;

use runtime::uplink::{HostConfig, HostStack};
use smoltcp::phy::ChecksumCapabilities;
use smoltcp::wire::{
    EthernetFrame, EthernetProtocol, Icmpv6Packet, Icmpv6Repr, IpProtocol, Ipv6Packet, NdiscRepr,
};
use wire::ethernet::MacAddress;

use crate::Target;
use crate::choices::Choices;

pub(crate) const TARGET: Target = Target {
    name: "neighbour",
    claim: "the next hop's MAC changes only by a message of neighbour discovery that smoltcp reads, \
            with hop limit 255 and a right checksum, of the next hop, and to what it says; a pinned \
            one never changes; every frame is counted once; every answer is well-formed",
    run,
};

const US_MAC: MacAddress = MacAddress([2, 0, 0, 0, 1, 2]);
const ROUTER_MAC: MacAddress = MacAddress([2, 0, 0, 0, 1, 1]);
const US: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 1, 0, 0, 0, 2);
const ROUTER: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 1, 0, 0, 0, 1);
const CONTROL: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xaa, 0, 0x155, 0xfe00, 0, 0, 1);
const PEER: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xaa, 0, 0x255, 0xfd00, 0, 0, 1);

pub(crate) fn host(next_hop_mac: Option<MacAddress>) -> HostStack {
    HostStack::new(&HostConfig {
        mac: US_MAC,
        uplink_address: US,
        control_address: CONTROL,
        control_port: 4747,
        peers: [PEER].into(),
        next_hop: ROUTER,
        next_hop_mac,
        mtu_bytes: 1600,
        seed: 1,
    })
}

/// Addresses that a frame of the link may have.
const ADDRESSES: &[Ipv6Addr] = &[
    ROUTER,
    US,
    CONTROL,
    PEER,
    Ipv6Addr::UNSPECIFIED,
    Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1),
    Ipv6Addr::new(0xff02, 0, 0, 0, 0, 1, 0xff00, 2),
    Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0xff, 0xfe00, 0x102),
    Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1),
    Ipv6Addr::new(0x2001, 0xdb8, 0, 9, 0, 0, 0, 9),
];

/// A frame to us: mostly discovery with a right checksum, or one of these next headers.
pub(crate) fn frame(choices: &mut Choices<'_>, next_headers: &[u8]) -> Vec<u8> {
    let (source, destination) = (choices.pick(ADDRESSES), choices.pick(ADDRESSES));
    let next_header = choices.pick(next_headers);
    let mut payload = match next_header {
        58 => discovery(choices),
        _ => {
            let length = choices.below(96);
            choices.octets(length).to_vec()
        }
    };
    if choices.one_in(3) {
        choices.spoil(&mut payload);
    }
    if next_header == 58 && payload.len() >= 4 && !choices.one_in(8) {
        Icmpv6Packet::new_unchecked(&mut payload[..]).fill_checksum(&source, &destination);
    }
    let mut frame = [&US_MAC.0[..], &ROUTER_MAC.0, &[0x86, 0xdd, 0x60, 0, 0, 0]].concat();
    frame.extend((payload.len() as u16).to_be_bytes());
    frame.extend([next_header, choices.pick(&[255, 255, 255, 254, 64, 0])]);
    frame.extend(source.octets());
    frame.extend(destination.octets());
    frame.extend(payload);
    if choices.one_in(8) {
        choices.spoil(&mut frame);
    }
    frame
}

fn discovery(choices: &mut Choices<'_>) -> Vec<u8> {
    let kind = choices.pick(&[136, 135, 136, 135, 134, 137, 128, 2]);
    let flags = choices.pick(&[0x60, 0x20, 0x40, 0xe0, 0]);
    let mut message = vec![kind, choices.pick(&[0, 0, 0, 1]), 0, 0, flags, 0, 0, 0];
    message.extend(choices.pick(ADDRESSES).octets());
    for _ in 0..choices.below(3) {
        message.extend([choices.pick(&[2, 1, 3, 14]), choices.pick(&[1, 1, 1, 0, 2])]);
        message.extend(choices.array::<6>());
    }
    message
}

fn run(octets: &[u8]) {
    let mut choices = Choices::new(octets);
    let pinned = choices.one_in(3).then_some(ROUTER_MAC);
    let mut host = host(pinned);
    let mut now_ms = 0;
    let mut frames = 0;
    while !choices.is_empty() {
        now_ms += choices.pick(&[0, 1, 1_000, 40_000]);
        let mut sent = Vec::new();
        // A neighbour that does not answer is given up by time, not by a frame.
        host.poll(now_ms, &mut |frame| sent.push(frame.to_vec()));
        let before = host.next_hop_mac();
        let frame = frame(&mut choices, &[58, 58, 58, 17, 0]);
        frames += 1;
        host.input(&frame, now_ms, &mut |frame| sent.push(frame.to_vec()));
        let after = host.next_hop_mac();
        if after != before {
            assert_eq!(pinned, None, "a pinned next hop moved: {frame:02x?}");
            assert!(
                after.is_some() && claimed(&frame) == after,
                "{before:?} became {after:?} by {frame:02x?}"
            );
        }
        sent.iter().for_each(|frame| well_formed(frame));
    }
    let counters = host.counters();
    assert_eq!(counters.received, frames);
    assert_eq!(
        counters.received,
        counters.not_for_us
            + counters.malformed
            + counters.discovery
            + counters.discovery_refused
            + counters.endpoint
    );
    assert_eq!(counters.stack_restarts, 0, "the stack panicked");
}

/// The link address of the next hop that a frame claims by RFC 4861, as smoltcp reads it.
fn claimed(frame: &[u8]) -> Option<MacAddress> {
    let ethernet = EthernetFrame::new_checked(frame).ok()?;
    let ipv6 = Ipv6Packet::new_checked(ethernet.payload()).ok()?;
    let discovery = ethernet.ethertype() == EthernetProtocol::Ipv6
        && ipv6.next_header() == IpProtocol::Icmpv6
        && ipv6.hop_limit() == 255;
    if !discovery {
        return None;
    }
    let icmp = Icmpv6Packet::new_checked(ipv6.payload()).ok()?;
    let (source, destination) = (ipv6.src_addr(), ipv6.dst_addr());
    let checksums = ChecksumCapabilities::default();
    let link_address = match Icmpv6Repr::parse(&source, &destination, &icmp, &checksums).ok()? {
        Icmpv6Repr::Ndisc(NdiscRepr::NeighborAdvert {
            target_addr,
            lladdr,
            ..
        }) => lladdr.filter(|_| target_addr == ROUTER),
        Icmpv6Repr::Ndisc(NdiscRepr::NeighborSolicit { lladdr, .. }) => {
            lladdr.filter(|_| source == ROUTER)
        }
        _ => None,
    };
    let octets: [u8; 6] = link_address?.as_bytes().try_into().ok()?;
    Some(MacAddress(octets))
}

/// What we send is ours, whole, and has a right checksum.
pub(crate) fn well_formed(frame: &[u8]) {
    let ethernet = EthernetFrame::new_checked(frame).expect("an Ethernet header");
    assert_eq!(ethernet.src_addr().0, US_MAC.0, "{frame:02x?}");
    let ipv6 = Ipv6Packet::new_checked(ethernet.payload()).expect("a whole packet");
    let source = ipv6.src_addr();
    let link_local = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0xff, 0xfe00, 0x102);
    assert!(
        [US, CONTROL, link_local].contains(&source),
        "in another's name: {frame:02x?}"
    );
    assert!(!ipv6.dst_addr().is_unspecified(), "{frame:02x?}");
    if ipv6.next_header() == IpProtocol::Icmpv6 {
        let icmp = Icmpv6Packet::new_checked(ipv6.payload()).expect("a whole message");
        assert!(
            icmp.verify_checksum(&source, &ipv6.dst_addr()),
            "{frame:02x?}"
        );
    }
}
