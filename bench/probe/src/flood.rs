//! What does a guest that wants to hurt its neighbours send: everything that costs its host more than
//! a packet that passes, as fast as its interface takes it.

use std::io::{self, ErrorKind};
use std::net::Ipv4Addr;
use std::time::Duration;

use serde::Serialize;
use wire::checksum;

use crate::clock;
use crate::link::Link;

/// What was sent.
#[derive(Debug, Serialize)]
pub struct Flooded {
    /// Frames that the interface took.
    sent: u64,
    /// Frames that it refused: its queue was full.
    refused: u64,
    seconds: f64,
}

/// Frames made ahead, so that making them does not limit the flood.
const FRAMES: usize = 4_096;
/// Frames between two looks at the clock.
const ROUND: usize = 64;
const ICMP: u8 = 1;
const IGMP: u8 = 2;
const UDP: u8 = 17;

/// Sends the mixture on `link` for so long: as `own`, into the network `neighbour` is of.
pub fn flood(
    link: &Link,
    own: Ipv4Addr,
    neighbour: Ipv4Addr,
    duration: Duration,
) -> io::Result<Flooded> {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let frame = |kind| frame(&mut random, link.mac, own, neighbour, kind);
    let frames: Vec<Vec<u8>> = (0..FRAMES).map(frame).collect();
    let start = clock::now();
    let (mut sent, mut refused) = (0, 0);
    let mut rounds = frames.chunks(ROUND).cycle();
    while start.elapsed() < duration {
        for frame in rounds.next().into_iter().flatten() {
            match link.send(frame) {
                Ok(()) => sent += 1,
                Err(error) if is_full(&error) => refused += 1,
                Err(error) => return Err(error),
            }
        }
    }
    Ok(Flooded {
        sent,
        refused,
        seconds: start.elapsed().as_secs_f64(),
    })
}

fn is_full(error: &io::Error) -> bool {
    // ENOBUFS has no kind of its own.
    error.kind() == ErrorKind::WouldBlock
        || error.raw_os_error() == Some(nix::errno::Errno::ENOBUFS as i32)
}

/// One of eight kinds, in turn.
fn frame(
    random: &mut Random,
    mac: [u8; 6],
    own: Ipv4Addr,
    neighbour: Ipv4Addr,
    kind: usize,
) -> Vec<u8> {
    let [a, b, ..] = neighbour.octets();
    let anybody = Ipv4Addr::new(a, b, random.octet(), random.octet());
    match kind % 8 {
        // Random destinations: misses.
        0 => packet(mac, own, anybody, UDP, 64, &random.octets(40)),
        // Random headers.
        1 => {
            let octets = random.octets(60);
            framed(mac, 0x0800, &octets)
        }
        // ARP for anybody.
        2 => framed(mac, 0x0806, &arp(mac, own, anybody)),
        // Errors about packets that nobody sent.
        3 => {
            let quote = packet(mac, neighbour, anybody, UDP, 1, &random.octets(8));
            let mut error = vec![3, 4, 0, 0, 0, 0, 0, 0];
            error.extend(&quote[14..]);
            let sum = checksum::of(&error);
            error[2..4].copy_from_slice(&sum.to_be_bytes());
            packet(mac, own, neighbour, ICMP, 64, &error)
        }
        // What asks for an answer of the virtual router: no TTL left.
        4 => packet(mac, own, neighbour, UDP, 0, &random.octets(40)),
        // Joins of any group.
        5 => {
            let [.., c, d] = anybody.octets();
            let group = Ipv4Addr::new(239, 1, c, d);
            let mut join = vec![0x16, 0, 0, 0];
            join.extend(group.octets());
            let sum = checksum::of(&join);
            join[2..4].copy_from_slice(&sum.to_be_bytes());
            packet(mac, own, group, IGMP, 1, &join)
        }
        // In another's name.
        6 => packet(mac, anybody, neighbour, UDP, 64, &random.octets(40)),
        // What passes.
        _ => packet(mac, own, neighbour, UDP, 64, &random.octets(40)),
    }
}

fn framed(mac: [u8; 6], ether_type: u16, content: &[u8]) -> Vec<u8> {
    [&[0xff; 6][..], &mac, &ether_type.to_be_bytes(), content].concat()
}

fn packet(
    mac: [u8; 6],
    source: Ipv4Addr,
    destination: Ipv4Addr,
    protocol: u8,
    ttl: u8,
    payload: &[u8],
) -> Vec<u8> {
    let mut head = vec![0x45, 0];
    head.extend((20 + payload.len() as u16).to_be_bytes());
    head.extend([0, 0, 0x40, 0, ttl, protocol, 0, 0]);
    head.extend(source.octets());
    head.extend(destination.octets());
    let sum = checksum::of(&head);
    head[10..12].copy_from_slice(&sum.to_be_bytes());
    framed(mac, 0x0800, &[&head, payload].concat())
}

fn arp(mac: [u8; 6], own: Ipv4Addr, target: Ipv4Addr) -> Vec<u8> {
    let mut request = vec![0, 1, 8, 0, 6, 4, 0, 1];
    request.extend(mac);
    request.extend(own.octets());
    request.extend([0; 6]);
    request.extend(target.octets());
    request
}

/// Enough to look like anything, and the same each time (xorshift64*).
struct Random(u64);

impl Random {
    fn octet(&mut self) -> u8 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 56) as u8
    }

    fn octets(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.octet()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::encode::Ipv4Facts;

    #[test]
    fn seven_of_eight_kinds_are_frames_of_their_own_and_one_passes() {
        let mac = [2, 0x55, 10, 0, 0, 4];
        let (own, neighbour) = (Ipv4Addr::new(10, 0, 0, 4), Ipv4Addr::new(10, 0, 0, 5));
        let mut random = Random(1);
        let frames: Vec<_> = (0..8)
            .map(|kind| frame(&mut random, mac, own, neighbour, kind))
            .collect();
        assert!(frames.iter().all(|frame| frame[6..12] == mac));
        let passes = |frame: &&Vec<u8>| {
            Ipv4Facts::parse(&frame[14..]).is_ok_and(|facts| {
                facts.source == own && facts.destination == neighbour && facts.ttl > 0
            })
        };
        // The error passes too: it is carried unread.
        assert_eq!(frames.iter().filter(passes).count(), 2);
    }
}
