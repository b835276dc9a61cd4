//! The link that the tests of this crate speak over, and frames on it.

use std::net::Ipv6Addr;

use smoltcp::phy::ChecksumCapabilities;
use smoltcp::wire::{
    EthernetAddress, EthernetFrame, EthernetProtocol, Icmpv6Packet, Icmpv6Repr, IpProtocol,
    Ipv6Packet, Ipv6Repr,
};
use wire::ethernet::MacAddress;

use crate::uplink::{HostConfig, HostStack};

pub const US_MAC: MacAddress = MacAddress([2, 0, 0, 0, 1, 2]);
pub const US: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 1, 0, 0, 0, 2);
pub const US_LINK_LOCAL: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0xff, 0xfe00, 0x102);
pub const CONTROL: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xaa, 0, 0x155, 0xfe00, 0, 0, 1);
pub const CONTROL_PORT: u16 = 4747;
pub const PEER: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xaa, 0, 0x255, 0xfd00, 0, 0, 1);
pub const ROUTER_MAC: MacAddress = MacAddress([2, 0, 0, 0, 1, 1]);
pub const ROUTER: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 1, 0, 0, 0, 1);
pub const FAR: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 9, 0, 0, 0, 9);

/// What [`exchange`] returns if nothing was sent.
pub const SILENCE: [&[u8]; 0] = [];

/// Host r of the documentation, with the next hop pinned or not.
pub fn host(next_hop_mac: Option<MacAddress>) -> HostStack {
    HostStack::new(&HostConfig {
        mac: US_MAC,
        uplink_address: US,
        control_address: CONTROL,
        control_port: CONTROL_PORT,
        peers: [PEER].into(),
        next_hop: ROUTER,
        next_hop_mac,
        mtu_bytes: 1600,
        seed: 1,
    })
}

/// Gives `frame` to `host` and returns what it sends.
pub fn exchange(host: &mut HostStack, frame: &[u8], now_ms: u64) -> Vec<Vec<u8>> {
    let mut sent = Vec::new();
    host.input(frame, now_ms, &mut |frame| sent.push(frame.to_vec()));
    sent
}

/// An ICMPv6 frame from the router's MAC to ours, with a valid checksum.
pub fn icmp(
    source: Ipv6Addr,
    destination: Ipv6Addr,
    hop_limit: u8,
    message: &Icmpv6Repr<'_>,
) -> Vec<u8> {
    let mut payload = vec![0; message.buffer_len()];
    let checksums = ChecksumCapabilities::default();
    let mut packet = Icmpv6Packet::new_unchecked(&mut payload[..]);
    message.emit(&source, &destination, &mut packet, &checksums);
    ipv6(source, destination, hop_limit, IpProtocol::Icmpv6, &payload)
}

/// An ICMPv6 frame whose message is given octet by octet but for the checksum.
pub fn raw_icmp(source: Ipv6Addr, destination: Ipv6Addr, message: &[u8]) -> Vec<u8> {
    let mut payload = message.to_vec();
    Icmpv6Packet::new_unchecked(&mut payload[..]).fill_checksum(&source, &destination);
    ipv6(source, destination, 255, IpProtocol::Icmpv6, &payload)
}

/// An IPv6 frame from the router's MAC to ours.
pub fn ipv6(
    source: Ipv6Addr,
    destination: Ipv6Addr,
    hop_limit: u8,
    next_header: IpProtocol,
    payload: &[u8],
) -> Vec<u8> {
    let mut bytes = vec![0; 14 + 40 + payload.len()];
    let mut ethernet = EthernetFrame::new_unchecked(&mut bytes[..]);
    ethernet.set_src_addr(EthernetAddress(ROUTER_MAC.0));
    ethernet.set_dst_addr(EthernetAddress(US_MAC.0));
    ethernet.set_ethertype(EthernetProtocol::Ipv6);
    let mut packet = Ipv6Packet::new_unchecked(ethernet.payload_mut());
    Ipv6Repr {
        src_addr: source,
        dst_addr: destination,
        next_header,
        payload_len: payload.len(),
        hop_limit,
    }
    .emit(&mut packet);
    packet.payload_mut().copy_from_slice(payload);
    bytes
}

/// A ping from `source` to `destination`.
pub fn echo_request(source: Ipv6Addr, destination: Ipv6Addr, data: &[u8]) -> Vec<u8> {
    icmp(
        source,
        destination,
        64,
        &Icmpv6Repr::EchoRequest {
            ident: 7,
            seq_no: 9,
            data,
        },
    )
}
