//! What would an attacker send: frames with an address that is not the sender's, written octet by
//! octet and otherwise flawless, so that nothing but the forgery can be the reason of a drop.

use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::thread;
use std::time::Duration;

use serde::Serialize;
use wire::address::{Layout, Locator, NetworkId};
use wire::checksum;
use wire::ethernet::MacAddress;
use wire::label::Label;

use crate::link::Link;
use crate::stamp::Stamp;

/// Slow enough that no ring overflows: a forged packet must be refused, not lost.
const PAUSE: Duration = Duration::from_micros(200);
/// Forged datagrams carry a flow number that no honest source uses.
const FORGED_FLOW: u32 = 0xf0f0_f0f0;
const PAYLOAD_BYTES: usize = 64;
const UDP_BYTES: usize = 8 + PAYLOAD_BYTES;
const UDP: u8 = 17;

/// The datagram inside a forged packet.
#[derive(Clone, Copy, Debug)]
pub struct Datagram {
    /// The tenant's network id, stamped into it.
    pub network: NetworkId,
    /// The address that it claims to come from.
    pub source: Ipv4Addr,
    /// Where a sink listens.
    pub destination: SocketAddrV4,
}

/// The two ends of a forged packet on the substrate.
#[derive(Clone, Copy, Debug)]
pub struct Hosts {
    /// The host that it claims to come from: not the source's owner.
    pub from: Locator,
    /// The host that it is for.
    pub to: Locator,
}

/// What was sent.
#[derive(Debug, Serialize)]
pub struct Forged {
    forged: u64,
}

/// Sends `count` IPv4 frames as a guest would, from an address that is another node's.
pub fn as_guest(link: &Link, to: MacAddress, datagram: Datagram, count: u64) -> io::Result<Forged> {
    send_all(count, |sequence| {
        let mut frame = ethernet(to, link.mac, [0x08, 0x00]);
        frame.extend(ipv4_head(&datagram));
        frame.extend(udp(&datagram, sequence));
        link.send(&frame)
    })
}

/// Sends `count` IPv6 frames as a router would, from a host that does not own the inner source.
pub fn as_router(
    link: &Link,
    to: MacAddress,
    hosts: Hosts,
    datagram: Datagram,
    count: u64,
) -> io::Result<Forged> {
    send_all(count, |sequence| {
        let mut frame = ethernet(to, link.mac, [0x86, 0xdd]);
        frame.extend(ipv6_head(&hosts, &datagram));
        frame.extend(udp(&datagram, sequence));
        link.send(&frame)
    })
}

fn send_all(count: u64, mut send: impl FnMut(u64) -> io::Result<()>) -> io::Result<Forged> {
    for sequence in 0..count {
        send(sequence)?;
        thread::sleep(PAUSE);
    }
    Ok(Forged { forged: count })
}

fn ethernet(to: MacAddress, from: [u8; 6], ethertype: [u8; 2]) -> Vec<u8> {
    [to.0.as_slice(), &from, &ethertype].concat()
}

fn ipv4_head(datagram: &Datagram) -> [u8; 20] {
    let mut head = [0; 20];
    head[0] = 0x45;
    head[2..4].copy_from_slice(&((20 + UDP_BYTES) as u16).to_be_bytes());
    head[6] = 0x40; // don't fragment
    head[8] = 64;
    head[9] = UDP;
    head[12..16].copy_from_slice(&datagram.source.octets());
    head[16..20].copy_from_slice(&datagram.destination.ip().octets());
    let sum = checksum::of(&head);
    head[10..12].copy_from_slice(&sum.to_be_bytes());
    head
}

fn ipv6_head(hosts: &Hosts, datagram: &Datagram) -> [u8; 40] {
    // An address that never moved has generation 1.
    let label = Label {
        ttl: 64,
        dont_fragment: true,
        copy: false,
        generation: 1,
        hash: 0,
    };
    let address = |locator: &Locator, node: Ipv4Addr| {
        locator
            .layout()
            .prefix96(locator, datagram.network.get())
            .with(node)
    };
    let mut head = [0; 40];
    head[..4].copy_from_slice(&(6 << 28 | label.to_bits()).to_be_bytes());
    head[4..6].copy_from_slice(&(UDP_BYTES as u16).to_be_bytes());
    head[6] = UDP;
    head[7] = 255;
    head[8..24].copy_from_slice(&address(&hosts.from, datagram.source));
    head[24..].copy_from_slice(&address(&hosts.to, *datagram.destination.ip()));
    head
}

/// A UDP datagram without a checksum: a stack that got it would take it.
fn udp(datagram: &Datagram, sequence: u64) -> [u8; UDP_BYTES] {
    let mut udp = [0; UDP_BYTES];
    let port = datagram.destination.port().to_be_bytes();
    udp[..2].copy_from_slice(&port);
    udp[2..4].copy_from_slice(&port);
    udp[4..6].copy_from_slice(&(UDP_BYTES as u16).to_be_bytes());
    let stamp = Stamp {
        tenant: datagram.network.get(),
        flow: FORGED_FLOW,
        sequence,
    };
    stamp.write(&mut udp[8..]);
    udp
}

/// Reads a locator such as `fd00:aa:0:100::/56`; its length tells the layout.
pub fn parse_locator(text: &str) -> Result<Locator, String> {
    let (network, bits) = text
        .split_once('/')
        .ok_or("write it as ADDRESS/56 or ADDRESS/72")?;
    let layout = [Layout::Neutral56, Layout::Fixed72]
        .into_iter()
        .find(|layout| bits.parse() == Ok(layout.locator_bits()))
        .ok_or("its length is 56 (neutral56) or 72 (fixed72)")?;
    let network = network
        .parse()
        .map_err(|error| format!("{network:?}: {error}"))?;
    Locator::new(network, layout).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::Packet;
    use crate::stamp::Reading;

    fn datagram() -> Datagram {
        Datagram {
            network: NetworkId::new(0x12_3456).unwrap(),
            source: Ipv4Addr::new(10, 0, 0, 4),
            destination: SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 3), 7000),
        }
    }

    #[test]
    fn a_guests_forgery_is_a_sound_datagram() {
        let mut frame = ethernet(MacAddress([2; 6]), [4; 6], [0x08, 0x00]);
        frame.extend(ipv4_head(&datagram()));
        frame.extend(udp(&datagram(), 5));
        let Packet::Ipv4(packet) = Packet::read(&frame) else {
            panic!("no IPv4 packet")
        };
        assert!(checksum::verify(&frame[14..34]));
        assert_eq!((packet.source, packet.total_bytes), (datagram().source, 92));
        let expected = Stamp {
            tenant: 0x12_3456,
            flow: FORGED_FLOW,
            sequence: 5,
        };
        assert_eq!(
            packet.udp_payload().map(Stamp::read),
            Some(Reading::Whole(expected))
        );
    }

    #[test]
    fn a_routers_forgery_has_neutral_addresses_and_a_valid_label() {
        let hosts = Hosts {
            from: parse_locator("fd00:aa:0:300::/56").unwrap(),
            to: parse_locator("fd00:aa:0:200::/56").unwrap(),
        };
        let mut frame = ethernet(MacAddress([2; 6]), [4; 6], [0x86, 0xdd]);
        frame.extend(ipv6_head(&hosts, &datagram()));
        frame.extend(udp(&datagram(), 0));
        let Packet::Ipv6(packet) = Packet::read(&frame) else {
            panic!("no IPv6 packet")
        };
        assert_eq!((packet.label_ttl(), packet.payload.len()), (64, UDP_BYTES));
        for address in [packet.source, packet.destination] {
            assert_eq!(checksum::sum(&address[..12]), 0xffff);
        }
    }

    #[test]
    fn a_locator_of_another_length_is_refused_with_the_lengths_that_work() {
        assert_eq!(
            parse_locator("fd00:aa::/64").unwrap_err(),
            "its length is 56 (neutral56) or 72 (fixed72)"
        );
    }
}
