//! What guests are told of packets that they sent in vain.

use tables::group::FanOut;
use wire::drop_reason::DropReason;
use wire::encode::KeepId;
use wire::ethernet::MacAddress;
use wire::icmpv4;

use super::group::*;
use super::host::*;

/// Reads an ICMPv4 error in the frame that a's guest got: type, code, the last
/// two octets of its header, and what it quotes.
pub(super) fn read_error(frame: &[u8]) -> (u8, u8, u16, &[u8]) {
    assert_eq!(&frame[..6], MacAddress::virtual_of([10, 0, 0, 2].into()).0);
    assert_eq!(
        &frame[6..12],
        MacAddress::virtual_of([10, 0, 0, 1].into()).0
    );
    let ip = &frame[14..];
    assert!(wire::checksum::verify(&ip[..20]) && wire::checksum::verify(&ip[20..]));
    assert_eq!(
        (ip[9], &ip[12..16], &ip[16..20]),
        (1, &[10, 0, 0, 1][..], &[10, 0, 0, 2][..])
    );
    let (header, quoted) = icmpv4::parse(&ip[20..]).expect("a whole header");
    assert_eq!(header.rest[0].get(), 0);
    (header.kind, header.code, header.rest[1].get(), quoted)
}

/// a's packet to g, so long that it is `total_bytes` as IPv4.
pub(super) fn a_to_g_of(total_bytes: usize) -> Ipv4Frame {
    a_to_g(total_bytes - 28)
}

#[test]
fn a_packet_that_is_too_big_for_the_uplink_is_told_the_largest_that_fits() {
    let mut r = Host::new(snapshot(0));
    let limit = usize::from(MTU) - 20;
    r.forwards(A, &a_to_g_of(limit).build(), UPLINK);
    let large = a_to_g_of(limit + 1).build();
    let told = r.refuses_and_tells(A, &large, DropReason::EncodeTooBig);
    let (kind, code, mtu, quoted) = read_error(&told);
    assert_eq!((kind, code, usize::from(mtu)), (3, 4, limit));
    assert_eq!(told.len(), 14 + 576);
    assert!(large[14..].starts_with(quoted));
    r.assert_balanced();
}

#[test]
fn with_a_fragment_header_eight_octets_less_fit() {
    let mut tables = snapshot(0);
    tables.fabric.rules.keep_id = KeepId::All;
    let mut r = Host::new(tables);
    let limit = usize::from(MTU) - 28;
    r.forwards(A, &a_to_g_of(limit).build(), UPLINK);
    let large = a_to_g_of(limit + 1).build();
    let told = r.refuses_and_tells(A, &large, DropReason::EncodeTooBig);
    assert_eq!(usize::from(read_error(&told).2), limit);
}

#[test]
fn what_is_told_can_be_sent_then_whatever_options_it_has() {
    let mut r = Host::new(snapshot(0));
    let with_options = |total_bytes: usize| Ipv4Frame {
        options: vec![1; 8],
        ..a_to_g_of(total_bytes - 8)
    };
    // Options do not cross, so that the packet may be longer by as much.
    let limit = usize::from(MTU) - 20;
    r.forwards(A, &with_options(limit + 8).build(), UPLINK);
    let large = with_options(limit + 9).build();
    let told = r.refuses_and_tells(A, &large, DropReason::EncodeTooBig);
    let mtu = usize::from(read_error(&told).2);
    r.forwards(A, &with_options(mtu).build(), UPLINK);
}

#[test]
fn a_ttl_that_ends_at_the_virtual_router_is_told_by_it() {
    let mut r = Host::new(snapshot(0));
    for (ttl, destination) in [
        (1, [10, 0, 1, 7]), // on another host
        (0, [10, 0, 1, 7]),
        (1, [10, 0, 1, 6]), // on this one
        (0, [10, 0, 0, 3]), // where no router is in between
    ] {
        let packet = Ipv4Frame {
            ttl,
            ..Ipv4Frame::udp([10, 0, 0, 2], destination, 40)
        };
        let frame = packet.build();
        let told = r.refuses_and_tells(A, &frame, DropReason::EncodeTtl);
        let (kind, code, rest, quoted) = read_error(&told);
        assert_eq!((kind, code, rest), (icmpv4::TIME_EXCEEDED, 0, 0));
        assert_eq!(quoted, &frame[14..]);
    }
    r.forwards(
        A,
        &Ipv4Frame {
            ttl: 1,
            ..a_to_g(8)
        }
        .build(),
        UPLINK,
    );
    assert_eq!(r.counters.worker.icmp.errors.get(), 4);
    r.assert_balanced();
}

#[test]
fn errors_later_fragments_and_frames_for_many_are_not_answered() {
    let mut r = Host::new(snapshot(0));
    let expiring = |protocol, kind: u8, flags_and_offset| {
        let mut packet = Ipv4Frame::udp([10, 0, 0, 2], [10, 0, 1, 7], 40);
        (packet.ttl, packet.protocol, packet.payload[0]) = (1, protocol, kind);
        packet.flags_and_offset = flags_and_offset;
        packet.build()
    };
    for kind in [3, 4, 5, 11, 12, 200] {
        r.refuses(A, &expiring(1, kind, 0), DropReason::EncodeTtl);
    }
    r.refuses(A, &expiring(17, 0, 0x2001), DropReason::EncodeTtl);
    r.refuses(A, &expiring(17, 0, 0x4001), DropReason::EncodeTtl);
    let mut broadcast = expiring(17, 0, 0);
    broadcast[..6].fill(0xff);
    r.refuses(A, &broadcast, DropReason::EncodeTtl);
    for (protocol, kind, flags) in [(1, 8, 0), (1, 0, 0), (17, 0, 0x2000), (6, 3, 0)] {
        let frame = expiring(protocol, kind, flags);
        r.refuses_and_tells(A, &frame, DropReason::EncodeTtl);
    }
    r.assert_balanced();
}

#[test]
fn a_guest_that_asks_for_errors_gets_few_and_others_theirs() {
    let mut r = Host::new(snapshot(0));
    let expiring = |source| Ipv4Frame {
        ttl: 1,
        ..Ipv4Frame::udp(source, [10, 0, 1, 7], 8)
    };
    for _ in 0..1_000 {
        r.receive(A, &expiring([10, 0, 0, 2]).build());
    }
    assert_eq!(r.sent(A).len(), 50);
    r.receive(C, &expiring([10, 0, 0, 4]).build());
    assert_eq!(r.sent(C).len(), 1);
    let icmp = &r.counters.worker.icmp;
    assert_eq!((icmp.errors.get(), icmp.errors_limited.get()), (51, 950));
    assert_eq!(r.drops().iter().map(|drop| drop.2).sum::<u64>(), 1_001);
    r.assert_balanced();
    r.at(10 * MS).receive(A, &expiring([10, 0, 0, 2]).build());
    assert_eq!(r.sent(A).len(), 1, "one more 10 ms later");
}

#[test]
fn without_a_buffer_the_drop_is_silent() {
    let mut r = Host::new(snapshot(0));
    r.worker.io().pool_packets = Some(0);
    r.refuses(A, &a_to_g_of(1_600).build(), DropReason::EncodeTooBig);
    r.assert_balanced();
}

#[test]
fn the_narrowest_path_to_a_group_counts_where_this_host_makes_the_copies() {
    let large = a_to_g_of(1_400).build();
    let narrow = |view: View| {
        let mut r = Member::new(view);
        let current = (*r.host.publisher.current()).clone();
        let path_mtus = current.path_mtus.lowered(tables::HostIndex(T), 1_400, 0);
        r.host.publisher.publish(tables::Snapshot {
            path_mtus: path_mtus.expect("lower"),
            ..current
        });
        r
    };
    // t has a replica: the guest is told, and the owner gets nothing either.
    let mut sender = narrow(view(R));
    let told = sender
        .host
        .refuses_and_tells(A, &large, DropReason::EncodeTooBig);
    assert_eq!(read_error(&told).2, 1_380);
    assert_eq!(sender.host.counters.worker.copied.get(), 0);
    // The owner's host copies: its paths are not this host's.
    let mut primary = narrow(View {
        fan_out: FanOut::Primary,
        ..view(R)
    });
    primary.host.forwards(A, &large, UPLINK);
    // The owner is on this host, and the replica behind the narrow path.
    let mut here = narrow(View {
        owner: Some(R),
        role: Some(tables::Role::Primary { hold: false }),
        ..view(R)
    });
    here.host
        .refuses_and_tells(A, &large, DropReason::EncodeTooBig);
    assert_eq!(here.delivered().len(), 0);
    here.host.assert_balanced();
}
