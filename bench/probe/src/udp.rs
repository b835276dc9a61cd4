//! Does every datagram arrive once, whole, and at the right tenant only.

use std::collections::{BTreeSet, HashMap};
use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::ops::RangeInclusive;
use std::thread;
use std::time::Duration;

use nix::sys::socket::{setsockopt, sockopt::RcvBufForce};
use serde::Serialize;

use crate::clock;
use crate::stamp::{Reading, Stamp};

/// Room for seconds of traffic: a busy machine may not run the sink for a while.
const RECEIVE_BUFFER_BYTES: usize = 64 << 20;
/// A sequence number above this is not ours; it bounds the memory of the duplicate check.
const SEQUENCE_MAX: u64 = 1 << 26;
/// How long a source sleeps when it is ahead of its rate.
const PACE: Duration = Duration::from_micros(500);

/// What a source is to send.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The tenant's network id, stamped into every datagram.
    pub tenant: u32,
    /// Datagrams in total.
    pub count: u64,
    /// Datagrams per second, 0 for as fast as possible.
    pub per_second: u64,
    /// UDP payload octets; datagrams walk through all of them in turn.
    pub payload_bytes: RangeInclusive<usize>,
    /// Flows, each with a source port of its own.
    pub flows: u32,
    /// The first flow's number, so that several sources can share a sink.
    pub first_flow: u32,
}

/// What a source did.
#[derive(Debug, Serialize)]
pub struct Sent {
    sent: u64,
    bytes: u64,
    /// Datagrams that the local kernel refused; they are not part of `sent`.
    refused: u64,
    seconds: f64,
}

/// What a sink saw.
#[derive(Debug, Default, Serialize, PartialEq)]
pub struct Received {
    received: u64,
    bytes: u64,
    /// Seen before, by flow and sequence number.
    duplicates: u64,
    /// Stamped by another tenant.
    foreign: u64,
    /// Stamped, but the content is not what was sent.
    damaged: u64,
    /// Not sent by the probe.
    unknown: u64,
    /// Too short for a stamp (counted in `received` too).
    short: u64,
    /// Different flows among them.
    flows: usize,
    /// Different payload lengths among them.
    sizes: usize,
}

/// Sends what `plan` says to `to`.
pub fn source(to: SocketAddr, plan: &Plan) -> io::Result<Sent> {
    let sockets = (0..plan.flows.max(1))
        .map(|_| {
            let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
            socket.set_broadcast(true)?;
            socket.connect(to)?;
            Ok(socket)
        })
        .collect::<io::Result<Vec<_>>>()?;
    let (shortest, longest) = (*plan.payload_bytes.start(), *plan.payload_bytes.end());
    let span = (longest - shortest + 1) as u64;
    let flows = sockets.len() as u64;
    let mut payload = vec![0; longest];
    let (start, mut bytes, mut refused) = (clock::now(), 0, 0);
    for index in 0..plan.count {
        while plan.per_second > 0
            && start.elapsed().as_secs_f64() * (plan.per_second as f64) < index as f64
        {
            thread::sleep(PACE);
        }
        let length = shortest + (index % span) as usize;
        let flow = index % flows;
        let stamp = Stamp {
            tenant: plan.tenant,
            flow: plan.first_flow + flow as u32,
            sequence: index / flows,
        };
        stamp.write(&mut payload[..length]);
        match sockets[flow as usize].send(&payload[..length]) {
            Ok(_) => bytes += length as u64,
            // ConnectionRefused is an ICMP error about an earlier datagram; the others mean that
            // this one did not leave.
            Err(error) if error.kind() == ErrorKind::ConnectionRefused => refused += 1,
            Err(error) if error.raw_os_error() == Some(nix::Error::ENOBUFS as i32) => refused += 1,
            Err(error) => return Err(error),
        }
    }
    Ok(Sent {
        sent: plan.count - refused,
        bytes,
        refused,
        seconds: start.elapsed().as_secs_f64(),
    })
}

/// A socket with a buffer that holds seconds of traffic. The address of a group is joined, on the
/// interface that the route to it names.
pub fn bind(listen: SocketAddr) -> io::Result<UdpSocket> {
    let socket = UdpSocket::bind(listen)?;
    if let IpAddr::V4(group) = listen.ip()
        && group.is_multicast()
    {
        socket.join_multicast_v4(&group, &Ipv4Addr::UNSPECIFIED)?;
    }
    // Only root may exceed the system's limit; with less the run may count losses of its own,
    // which is a wrong alarm but never a wrong all-clear.
    let _ = setsockopt(&socket, RcvBufForce, &RECEIVE_BUFFER_BYTES);
    Ok(socket)
}

/// Counts what arrives at `socket` until nothing came for `quiet`, but waits up to `patience` for
/// the first datagram.
pub fn sink(
    socket: &UdpSocket,
    tenant: u32,
    quiet: Duration,
    patience: Duration,
) -> io::Result<Received> {
    let mut tally = Tally::new(tenant);
    let mut datagram = vec![0; 65_536];
    socket.set_read_timeout(Some(patience))?;
    loop {
        match socket.recv(&mut datagram) {
            Ok(length) => {
                if tally.report.received == 0 {
                    socket.set_read_timeout(Some(quiet))?;
                }
                tally.count(&datagram[..length]);
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                return Ok(tally.finish());
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// The running count of a sink.
struct Tally {
    tenant: u32,
    report: Received,
    seen: HashMap<u32, Vec<u64>>,
    lengths: BTreeSet<usize>,
}

impl Tally {
    fn new(tenant: u32) -> Self {
        Self {
            tenant,
            report: Received::default(),
            seen: HashMap::new(),
            lengths: BTreeSet::new(),
        }
    }

    fn count(&mut self, payload: &[u8]) {
        self.report.received += 1;
        self.report.bytes += payload.len() as u64;
        self.lengths.insert(payload.len());
        match Stamp::read(payload) {
            Reading::Whole(stamp) if stamp.tenant != self.tenant => self.report.foreign += 1,
            Reading::Whole(stamp) => {
                if !self.is_new(stamp) {
                    self.report.duplicates += 1;
                }
            }
            Reading::Short(Some(tenant)) if tenant != self.tenant => self.report.foreign += 1,
            Reading::Short(_) => self.report.short += 1,
            Reading::Damaged => self.report.damaged += 1,
            Reading::Unknown => self.report.unknown += 1,
        }
    }

    /// Marks a stamp in the flow's bitmap; a number too large to be ours counts as seen.
    fn is_new(&mut self, stamp: Stamp) -> bool {
        if stamp.sequence >= SEQUENCE_MAX {
            return false;
        }
        let bitmap = self.seen.entry(stamp.flow).or_default();
        let (word, bit) = ((stamp.sequence / 64) as usize, 1 << (stamp.sequence % 64));
        if bitmap.len() <= word {
            bitmap.resize(word + 1, 0);
        }
        let is_new = bitmap[word] & bit == 0;
        bitmap[word] |= bit;
        is_new
    }

    fn finish(mut self) -> Received {
        self.report.flows = self.seen.len();
        self.report.sizes = self.lengths.len();
        self.report
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const Z: u32 = 0x12_3456;

    fn run(plan: &Plan) -> (Sent, Received) {
        let socket = bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let to = socket.local_addr().unwrap();
        thread::scope(|scope| {
            let sink = scope.spawn(|| {
                sink(
                    &socket,
                    Z,
                    Duration::from_millis(300),
                    Duration::from_secs(5),
                )
                .unwrap()
            });
            let sent = source(to, plan).unwrap();
            (sent, sink.join().unwrap())
        })
    }

    fn plan() -> Plan {
        Plan {
            tenant: Z,
            count: 1473,
            per_second: 0,
            payload_bytes: 0..=1472,
            flows: 1,
            first_flow: 0,
        }
    }

    #[test]
    fn every_size_from_nothing_to_the_mtu_is_told_apart() {
        let (sent, received) = run(&plan());
        assert_eq!(
            (sent.sent, received.received, received.sizes),
            (1473, 1473, 1473)
        );
        assert_eq!(
            (received.short, received.damaged, received.unknown),
            (20, 0, 0)
        );
    }

    #[test]
    fn another_tenants_datagrams_are_foreign() {
        let (_, received) = run(&Plan {
            tenant: 0x65_4321,
            count: 100,
            payload_bytes: 8..=107,
            ..plan()
        });
        assert_eq!((received.received, received.foreign), (100, 100));
    }

    #[test]
    fn flows_are_counted_and_a_rate_is_kept() {
        let (sent, received) = run(&Plan {
            flows: 64,
            count: 640,
            per_second: 6400,
            payload_bytes: 64..=64,
            ..plan()
        });
        assert_eq!((received.flows, received.duplicates), (64, 0));
        assert!(
            sent.seconds > 0.09,
            "640 datagrams at 6400 a second took {} s",
            sent.seconds
        );
    }

    #[test]
    fn a_datagram_that_comes_twice_is_a_duplicate() {
        let mut tally = Tally::new(Z);
        let mut payload = [0; 64];
        Stamp {
            tenant: Z,
            flow: 1,
            sequence: 70,
        }
        .write(&mut payload);
        tally.count(&payload);
        tally.count(&payload);
        assert_eq!(tally.finish().duplicates, 1);
    }
}
