//! The packets of a world: what its guest sends, and what is sent to it.

use std::net::Ipv4Addr;

use wire::encode::{self, Heading, HeadingRules, Ipv4Facts};
use wire::ethernet::{self, EtherType, MacAddress};
use wire::packet::{HeapPacket, Packet};
use wire::{ipv4, protocol, udp};
use zerocopy::IntoBytes;

use crate::world::{GENERATION, GUEST, NEXT_HOP_MAC, UPLINK_MAC, World};

/// What Ethernet adds behind a frame, and tools count or do not: the checksum.
pub const FCS_BYTES: usize = 4;
/// Heads in front of a guest's UDP payload.
pub const HEADS_BYTES: usize = ethernet::HEADER_BYTES + ipv4::HEADER_BYTES + udp::HEADER_BYTES;
/// The shortest Ethernet frame, without its checksum.
pub const FRAME_BYTES_MIN: usize = 60;
/// The longest that a guest sends, without its checksum.
pub const FRAME_BYTES_MAX: usize = 1514;

/// The TTL of everything.
const TTL: u8 = 64;

/// One UDP packet between the guest and a mapping.
#[derive(Clone, Copy, Debug)]
pub struct Flow {
    /// The mapping at the other end.
    pub key: u32,
    /// Of the sender.
    pub source_port: u16,
    /// Of the receiver.
    pub destination_port: u16,
}

/// What the guest sends to `flow.key`: `frame_bytes` octets (without Ethernet's
/// checksum), the payload as `payload` fills it. The UDP checksum is left out.
///
/// # Panics
/// If `frame_bytes` is outside [`FRAME_BYTES_MIN`] to [`FRAME_BYTES_MAX`].
pub fn from_guest(
    world: World,
    flow: Flow,
    frame_bytes: usize,
    payload: impl FnOnce(&mut [u8]),
) -> HeapPacket {
    from_guest_at(GUEST, world, flow, frame_bytes, payload)
}

/// What the guest with the address `guest` sends.
///
/// # Panics
/// As [`from_guest`].
pub fn from_guest_at(
    guest: Ipv4Addr,
    world: World,
    flow: Flow,
    frame_bytes: usize,
    payload: impl FnOnce(&mut [u8]),
) -> HeapPacket {
    let to = world.address(flow.key);
    let macs = (MacAddress::virtual_of(to), MacAddress::virtual_of(guest));
    HeapPacket::new(&ipv4_frame((guest, to), macs, flow, frame_bytes, payload))
}

/// What the substrate brings from `flow.key` for the guest: a packet that was
/// `frame_bytes` long when its own guest sent it.
///
/// # Panics
/// As [`from_guest`].
pub fn from_substrate(
    world: World,
    flow: Flow,
    frame_bytes: usize,
    payload: impl FnOnce(&mut [u8]),
) -> HeapPacket {
    let from = world.address(flow.key);
    let macs = (MacAddress::virtual_of(GUEST), MacAddress::virtual_of(from));
    let frame = ipv4_frame((from, GUEST), macs, flow, frame_bytes, payload);
    let mut packet = HeapPacket::new(&frame);
    let facts = Ipv4Facts::parse(&frame[ethernet::HEADER_BYTES..]).expect("a right header");
    let heading = Heading {
        source: &world.prefix(flow.key),
        destination: &world.guest_prefix(),
        virtual_routers: 0,
        generation: GENERATION,
        copy: false,
    };
    encode::reheader(&mut packet, &facts, &heading, &HeadingRules::default())
        .expect("the headroom holds a head");
    ethernet::write(
        packet.bytes_mut(),
        UPLINK_MAC,
        NEXT_HOP_MAC,
        EtherType::IPV6,
    );
    packet
}

fn ipv4_frame(
    (source, destination): (Ipv4Addr, Ipv4Addr),
    (to, from): (MacAddress, MacAddress),
    flow: Flow,
    frame_bytes: usize,
    payload: impl FnOnce(&mut [u8]),
) -> Vec<u8> {
    assert!((FRAME_BYTES_MIN..=FRAME_BYTES_MAX).contains(&frame_bytes));
    let mut frame = vec![0; frame_bytes];
    ethernet::write(&mut frame, to, from, EtherType::IPV4);
    let (_, ip) = frame.split_at_mut(ethernet::HEADER_BYTES);
    let header = ipv4::Header::new(&ipv4::Fields {
        tos: 0,
        total_bytes: ip.len() as u16,
        id: 0,
        dont_fragment: true,
        more_fragments: false,
        offset_units: 0,
        ttl: TTL,
        protocol: protocol::UDP,
        source,
        destination,
    });
    let (head, datagram) = ip.split_at_mut(ipv4::HEADER_BYTES);
    head.copy_from_slice(header.as_bytes());
    let header = udp::Header::new(
        flow.source_port,
        flow.destination_port,
        datagram.len() as u16,
    );
    let (head, rest) = datagram.split_at_mut(udp::HEADER_BYTES);
    head.copy_from_slice(header.as_bytes());
    payload(rest);
    frame
}

#[cfg(test)]
mod tests {
    use super::*;
    use smoltcp::wire::{EthernetFrame, Ipv4Packet, Ipv6Packet, UdpPacket};

    const FLOW: Flow = Flow {
        key: 77,
        source_port: 5000,
        destination_port: 53,
    };

    #[test]
    fn smoltcp_reads_the_guests_packet() {
        let world = World::new(100).unwrap();
        for bytes in [FRAME_BYTES_MIN, 500, FRAME_BYTES_MAX] {
            let packet = from_guest(world, FLOW, bytes, |payload| payload.fill(7));
            assert_eq!(packet.bytes().len(), bytes);
            let frame = EthernetFrame::new_checked(packet.bytes()).unwrap();
            let ip = Ipv4Packet::new_checked(frame.payload()).unwrap();
            assert!(ip.verify_checksum());
            assert_eq!((ip.src_addr(), ip.dst_addr()), (GUEST, world.address(77)));
            let udp = UdpPacket::new_checked(ip.payload()).unwrap();
            assert_eq!((udp.src_port(), udp.dst_port()), (5000, 53));
            assert!(udp.payload().iter().all(|octet| *octet == 7));
            assert_eq!(udp.payload().len(), bytes - HEADS_BYTES);
        }
    }

    #[test]
    fn the_substrates_packet_is_20_octets_longer_and_from_the_owner() {
        let world = World::new(100).unwrap();
        let packet = from_substrate(world, FLOW, 60, |payload| payload.fill(7));
        assert_eq!(packet.bytes().len(), 80);
        let frame = EthernetFrame::new_checked(packet.bytes()).unwrap();
        let ip = Ipv6Packet::new_checked(frame.payload()).unwrap();
        assert_eq!(
            ip.src_addr().octets(),
            world.prefix(77).with(world.address(77))
        );
        assert_eq!(ip.dst_addr().octets(), world.guest_prefix().with(GUEST));
    }
}
