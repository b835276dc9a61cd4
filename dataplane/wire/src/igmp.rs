//! IGMP (RFC 2236, RFC 3376): which groups a node listens to, and the query that asks.
//!
//! Versions 1 to 3 are read. Sources are not told apart: who listens to some sources of a
//! group listens to the group.

use crate::{checksum, ipv4, protocol};
use std::net::Ipv4Addr;
use zerocopy::{
    FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned,
    network_endian::{U16, U32},
};

/// The length of a message of version 2, and of the front of all others.
pub const MESSAGE_BYTES: usize = 8;

/// All nodes of a subnet: who is asked.
pub const ALL_NODES: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 1);
/// All routers of a subnet: whom leaves of version 2 are for.
pub const ALL_ROUTERS: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 2);

/// The octets of the IPv4 packet that [`write_query`] writes.
pub const QUERY_PACKET_BYTES: usize = QUERY_HEADER_BYTES + QUERY_BYTES;
/// The octets of the IPv4 packet that [`write_change`] writes.
pub const CHANGE_PACKET_BYTES: usize = ipv4::HEADER_BYTES + MESSAGE_BYTES;

const QUERY: u8 = 0x11;
const REPORT_V1: u8 = 0x12;
const REPORT_V2: u8 = 0x16;
const LEAVE_V2: u8 = 0x17;
const REPORT_V3: u8 = 0x22;

const RECORD_BYTES: usize = 8;
const INCLUDE: [u8; 2] = [1, 3];
const EXCLUDE: [u8; 2] = [2, 4];
const ALLOW: u8 = 5;

/// A query of version 3 without sources.
const QUERY_BYTES: usize = 12;
/// Routers on the way shall look at it (RFC 2113); IGMP must carry it.
const ROUTER_ALERT: [u8; 4] = [0x94, 4, 0, 0];
const QUERY_HEADER_BYTES: usize = ipv4::HEADER_BYTES + ROUTER_ALERT.len();
/// Internetwork control (RFC 3376 section 4).
const TOS: u8 = 0xc0;

/// How many of a listener's reports may be lost without harm (RFC 3376 section 8.1).
pub const ROBUSTNESS: u8 = 2;

/// The front of each message as it lies in memory.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
struct Header {
    kind: u8,
    response_code: u8,
    checksum: U16,
    /// A group; in a report of version 3 the number of records.
    group: U32,
}

/// What a node says of one group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// The group.
    pub group: Ipv4Addr,
    /// Whether it listens from now on.
    pub listens: bool,
}

/// What a listener says, in order. `None` if the message is truncated, its checksum is wrong,
/// or it is no listener's.
#[must_use]
pub fn changes(message: &[u8]) -> Option<Changes<'_>> {
    let (header, rest) = Header::ref_from_prefix(message).ok()?;
    if !checksum::verify(message) {
        return None;
    }
    let group = Ipv4Addr::from_bits(header.group.get());
    let single = |listens| Changes {
        single: Some(Change { group, listens }),
        records: &[],
    };
    match header.kind {
        REPORT_V1 | REPORT_V2 => Some(single(true)),
        LEAVE_V2 => Some(single(false)),
        REPORT_V3 => {
            let count = header.group.get() & 0xffff;
            let mut end = rest;
            for _ in 0..count {
                (_, end) = record(end)?;
            }
            Some(Changes {
                single: None,
                records: &rest[..rest.len() - end.len()],
            })
        }
        _ => None,
    }
}

/// What a listener says, see [`changes`].
#[derive(Clone, Debug)]
pub struct Changes<'a> {
    single: Option<Change>,
    /// Whole records.
    records: &'a [u8],
}

impl Iterator for Changes<'_> {
    type Item = Change;

    fn next(&mut self) -> Option<Change> {
        if let Some(change) = self.single.take() {
            return Some(change);
        }
        // Records that neither begin nor end anything are passed over.
        loop {
            let (change, rest) = record(self.records)?;
            self.records = rest;
            if change.is_some() {
                return change;
            }
        }
    }
}

/// The record at the front, and what follows it (RFC 3376 section 4.2.4).
fn record(octets: &[u8]) -> Option<(Option<Change>, &[u8])> {
    let &[kind, auxiliary_words, high, low, a, b, c, d] = octets.first_chunk::<RECORD_BYTES>()?;
    let sources = usize::from(u16::from_be_bytes([high, low]));
    let rest = octets.get(RECORD_BYTES + 4 * (sources + usize::from(auxiliary_words))..)?;
    let listens = match kind {
        kind if EXCLUDE.contains(&kind) => Some(true),
        kind if INCLUDE.contains(&kind) => Some(sources > 0),
        ALLOW if sources > 0 => Some(true),
        // Of the sources, some are blocked: others may be left.
        _ => None,
    };
    let group = Ipv4Addr::new(a, b, c, d);
    Some((listens.map(|listens| Change { group, listens }), rest))
}

/// Writes the IPv4 packet by which a node of version 2 says `change`, without options.
pub fn write_change(out: &mut [u8; CHANGE_PACKET_BYTES], source: Ipv4Addr, change: Change) {
    let Change { group, listens } = change;
    let (kind, destination) = if listens {
        (REPORT_V2, group)
    } else {
        (LEAVE_V2, ALL_ROUTERS)
    };
    let (head, message) = out.split_at_mut(ipv4::HEADER_BYTES);
    head.copy_from_slice(header(CHANGE_PACKET_BYTES, source, destination).as_bytes());
    write_message(message, kind, 0, group);
}

/// Writes the IPv4 packet by which `router` asks all nodes of its subnet what they listen to,
/// every `interval_s` seconds, to be answered within `response_ms`.
pub fn write_query(
    out: &mut [u8; QUERY_PACKET_BYTES],
    router: Ipv4Addr,
    interval_s: u32,
    response_ms: u32,
) {
    let (head, message) = out.split_at_mut(QUERY_HEADER_BYTES);
    let (fixed, options) = head.split_at_mut(ipv4::HEADER_BYTES);
    fixed.copy_from_slice(header(QUERY_PACKET_BYTES, router, ALL_NODES).as_bytes());
    options.copy_from_slice(&ROUTER_ALERT);
    fixed[0] = 0x40 | (QUERY_HEADER_BYTES / 4) as u8;
    head[10..12].fill(0);
    let sum = checksum::ipv4_header(head);
    head[10..12].copy_from_slice(&sum.to_be_bytes());
    message[MESSAGE_BYTES..].copy_from_slice(&[ROBUSTNESS, code(interval_s), 0, 0]);
    write_message(
        message,
        QUERY,
        code(response_ms / 100),
        Ipv4Addr::UNSPECIFIED,
    );
}

fn header(total_bytes: usize, source: Ipv4Addr, destination: Ipv4Addr) -> ipv4::Header {
    ipv4::Header::new(&ipv4::Fields {
        tos: TOS,
        total_bytes: total_bytes as u16, // of two constants
        id: 0,
        dont_fragment: true,
        more_fragments: false,
        offset_units: 0,
        // Never beyond the link (RFC 3376 section 4).
        ttl: 1,
        protocol: protocol::IGMP,
        source,
        destination,
    })
}

/// Writes the front of a message, and the checksum over all of it.
fn write_message(message: &mut [u8], kind: u8, response_code: u8, group: Ipv4Addr) {
    message[..MESSAGE_BYTES].copy_from_slice(
        Header {
            kind,
            response_code,
            checksum: U16::ZERO,
            group: U32::new(group.to_bits()),
        }
        .as_bytes(),
    );
    let sum = checksum::of(message);
    message[2..4].copy_from_slice(&sum.to_be_bytes());
}

/// A number in eight bits: itself, or from 128 on with a mantissa of four bits, rounded down, at
/// most 31,744 (RFC 3376 section 4.1.1).
fn code(value: u32) -> u8 {
    if value < 128 {
        return value as u8;
    }
    let value = value.min(31_744);
    let exponent = value.ilog2() - 7;
    let mantissa = value >> (exponent + 3) & 0xf;
    (0x80 | exponent << 4 | mantissa) as u8
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use smoltcp::wire::{IgmpPacket, IgmpRepr, Ipv4Packet};

    const GROUP: Ipv4Addr = Ipv4Addr::new(239, 1, 1, 1);

    fn message(kind: u8, group: Ipv4Addr) -> Vec<u8> {
        let mut message = vec![0; MESSAGE_BYTES];
        write_message(&mut message, kind, 0, group);
        message
    }

    /// A report of version 3 about groups 239.1.1.n: (n, kind, sources, auxiliary words).
    fn report(records: &[(u8, u8, u16, u8)]) -> Vec<u8> {
        let mut report = vec![REPORT_V3, 0, 0, 0, 0, 0, 0, records.len() as u8];
        for &(last, kind, sources, words) in records {
            report.extend([kind, words]);
            report.extend(sources.to_be_bytes());
            report.extend([239, 1, 1, last]);
            let rest = 4 * (usize::from(sources) + usize::from(words));
            report.extend(std::iter::repeat_n(7, rest));
        }
        let sum = checksum::of(&report);
        report[2..4].copy_from_slice(&sum.to_be_bytes());
        report
    }

    fn said(message: &[u8]) -> Option<Vec<(Ipv4Addr, bool)>> {
        let changes = changes(message)?;
        Some(
            changes
                .map(|change| (change.group, change.listens))
                .collect(),
        )
    }

    #[test]
    fn reports_of_three_versions_and_leaves_are_understood() {
        for (kind, listens) in [(REPORT_V1, true), (REPORT_V2, true), (LEAVE_V2, false)] {
            assert_eq!(said(&message(kind, GROUP)), Some(vec![(GROUP, listens)]));
        }
        let of = |last: u8| Ipv4Addr::new(239, 1, 1, last);
        let records = [
            (1, 1, 0, 0), // is include nothing: left
            (2, 1, 2, 0), // is include some sources
            (3, 2, 0, 1), // is exclude nothing, with auxiliary data
            (4, 3, 0, 0), // to include nothing: leaves
            (5, 4, 3, 2), // to exclude some
            (6, 5, 1, 0), // allows a source
            (7, 6, 1, 0), // blocks a source: says nothing of the others
            (8, 9, 0, 0), // unknown
        ];
        let expected = [
            (1, false),
            (2, true),
            (3, true),
            (4, false),
            (5, true),
            (6, true),
        ];
        let expected = expected.map(|(last, listens)| (of(last), listens)).to_vec();
        assert_eq!(said(&report(&records)), Some(expected));
        assert_eq!(said(&report(&[])), Some(vec![]));
    }

    #[test]
    fn what_is_damaged_or_no_listeners_says_nothing() {
        for kind in [QUERY, 0x13, 0x00, 0xff] {
            assert_eq!(said(&message(kind, GROUP)), None, "kind {kind:#x}");
        }
        let right = report(&[(1, 2, 1, 1), (2, 2, 0, 0)]);
        for end in 0..right.len() {
            let mut cut = right[..end].to_vec();
            if cut.len() >= 4 {
                cut[2..4].fill(0);
                let sum = checksum::of(&cut);
                cut[2..4].copy_from_slice(&sum.to_be_bytes());
            }
            assert_eq!(said(&cut), None, "{end} octets");
        }
        let mut wrong = right;
        wrong[2] ^= 1;
        assert_eq!(said(&wrong), None, "checksum");
    }

    #[test]
    fn what_is_written_is_what_another_stack_reads() {
        let source = Ipv4Addr::new(10, 0, 0, 2);
        for listens in [true, false] {
            let mut packet = [0; CHANGE_PACKET_BYTES];
            let change = Change {
                group: GROUP,
                listens,
            };
            write_change(&mut packet, source, change);
            let ip = Ipv4Packet::new_checked(&packet[..]).unwrap();
            assert!(ip.verify_checksum() && ip.hop_limit() == 1);
            let to = if listens { GROUP } else { ALL_ROUTERS };
            assert_eq!((ip.src_addr(), ip.dst_addr()), (source, to));
            let igmp = IgmpPacket::new_checked(ip.payload()).unwrap();
            assert!(igmp.verify_checksum());
            let read = IgmpRepr::parse(&igmp).unwrap();
            let expected = if listens {
                let version = smoltcp::wire::IgmpVersion::Version2;
                IgmpRepr::MembershipReport {
                    group_addr: GROUP,
                    version,
                }
            } else {
                IgmpRepr::LeaveGroup { group_addr: GROUP }
            };
            assert_eq!(read, expected);
            assert_eq!(said(ip.payload()), Some(vec![(GROUP, listens)]));
        }
    }

    #[test]
    fn a_query_has_the_option_and_the_times_that_rfc_3376_wants() {
        let mut packet = [0; QUERY_PACKET_BYTES];
        write_query(&mut packet, Ipv4Addr::new(10, 0, 0, 1), 125, 10_000);
        let ip = Ipv4Packet::new_checked(&packet[..]).unwrap();
        assert!(ip.verify_checksum());
        assert_eq!(
            (ip.header_len(), ip.hop_limit(), ip.dst_addr()),
            (24, 1, ALL_NODES)
        );
        assert_eq!(packet[20..24], ROUTER_ALERT);
        assert!(checksum::verify(ip.payload()));
        assert_eq!(ip.payload()[..2], [0x11, 100]);
        assert_eq!(ip.payload()[4..], [0, 0, 0, 0, 2, 125, 0, 0]);
    }

    #[test]
    fn a_code_is_its_number_as_far_as_eight_bits_go() {
        let read = |code: u8| match code {
            0..128 => u32::from(code),
            _ => (u32::from(code & 0xf) | 0x10) << ((u32::from(code) >> 4 & 7) + 3),
        };
        for value in 0..=40_000 {
            let found = read(code(value));
            assert!(found <= value, "{value} became {found}");
            assert!(
                found >= value.min(31_744) - value / 16,
                "{value} became {found}"
            );
        }
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_end(mut octets in prop::collection::vec(any::<u8>(), 0..100), right: bool) {
            if right && octets.len() >= MESSAGE_BYTES {
                octets[0] = REPORT_V3;
                octets[6] = 0;
                octets[2..4].fill(0);
                let sum = checksum::of(&octets);
                octets[2..4].copy_from_slice(&sum.to_be_bytes());
            }
            let count = changes(&octets).map_or(0, Iterator::count);
            prop_assert!(count <= octets.len() / RECORD_BYTES);
        }
    }
}
