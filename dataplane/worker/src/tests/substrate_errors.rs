//! What routers say, and who believes it.

use tables::notice::Notice;
use tables::{HostIndex, Key};
use wire::drop_reason::DropReason;
use wire::icmpv6;
use zerocopy::IntoBytes;

use super::fragments::narrow;
use super::group::*;
use super::host::*;
use super::icmp::{a_to_g_of, read_error};

/// A router between the hosts.
const ROUTER: [u8; 16] = [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9];

/// The error `kind`/`code` about the packet in `frame`, as Linux sends it: with
/// as much of the packet as fits into 1,280 octets.
fn error(kind: u8, code: u8, rest: u32, frame: &[u8]) -> Vec<u8> {
    let quoted = &frame[14..frame.len().min(14 + 1_280 - 48)];
    let to: [u8; 16] = std::array::from_fn(|at| quoted[8 + at]);
    let header = icmpv6::Header::new(kind, code, rest);
    let mut message = [header.as_bytes(), quoted].concat();
    let pseudo = wire::ipv6::pseudo_header_sum(&ROUTER, &to, message.len() as u32, 58);
    let sum = wire::checksum::add(pseudo, wire::checksum::sum(&message));
    message[2..4].copy_from_slice(&(!sum).to_be_bytes());
    let ip = wire::ipv6::Header::new(0, 0, message.len() as u16, 58, 63, ROUTER, to);
    let mut error = UPLINK_MAC.0.to_vec();
    error.extend(NEXT_HOP_MAC.0);
    error.extend([0x86, 0xdd]);
    error.extend(ip.as_bytes());
    error.extend(message);
    error
}

pub(super) fn too_big(mtu: u32, frame: &[u8]) -> Vec<u8> {
    error(2, 0, mtu, frame)
}

/// r's host, and a frame of a's to g that it sent.
fn r_and_its_frame(packet: &Ipv4Frame) -> (Host, Vec<u8>) {
    let mut r = Host::new(snapshot(0));
    let frame = r.forwards(A, &packet.build(), UPLINK);
    (r, frame)
}

fn notices(host: &mut Host) -> Vec<Notice> {
    std::iter::from_fn(|| host.noticed.pop()).collect()
}

#[test]
fn a_guest_hears_from_a_router_what_its_own_packet_met() {
    let packet = Ipv4Frame {
        tos: 0x28,
        ttl: 9,
        ..a_to_g_of(1_500)
    };
    let (mut r, mut frame) = r_and_its_frame(&packet);
    frame[21] -= 3; // the hop limit, which is not the guest's
    let told = r.forwards(UPLINK, &too_big(1_400, &frame), A);
    let (kind, code, mtu, quoted) = read_error(&told);
    assert_eq!((kind, code, mtu), (3, 4, 1_380));
    assert_eq!(told.len(), 14 + 576);
    assert_eq!(
        quoted,
        &packet.build()[14..14 + quoted.len()],
        "as it was sent"
    );
    let mtu = 1_400;
    let host = HostIndex(1);
    assert_eq!(notices(&mut r), [Notice::PathMtu { host, mtu }]);
    r.assert_balanced();
    // With what was learned, the next one is answered here.
    narrow(&mut r, 1, 1_400);
    let told = r.refuses_and_tells(A, &packet.build(), DropReason::EncodeTooBig);
    assert_eq!(read_error(&told).2, 1_380);
}

#[test]
fn a_packet_that_may_be_cut_is_learned_from_and_its_guest_not_troubled() {
    let packet = Ipv4Frame {
        flags_and_offset: 0,
        ..a_to_g_of(1_500)
    };
    let (mut r, frame) = r_and_its_frame(&packet);
    r.receive(UPLINK, &too_big(1_400, &frame));
    assert_eq!(r.sent(A).len(), 0);
    assert_eq!(notices(&mut r).len(), 1);
    assert_eq!(r.counters.worker.punted.get(), 1);
    r.assert_balanced();
}

#[test]
fn no_path_is_believed_to_take_less_than_every_link_must() {
    let (mut r, frame) = r_and_its_frame(&a_to_g_of(1_500));
    for mtu in [0, 576, 1_279] {
        let told = r.forwards(UPLINK, &too_big(mtu, &frame), A);
        assert_eq!(read_error(&told).2, 1_260);
        let (host, mtu) = (HostIndex(1), 1_280);
        assert_eq!(notices(&mut r), [Notice::PathMtu { host, mtu }]);
    }
}

#[test]
fn what_is_wider_than_known_is_nothing_new() {
    let (mut r, frame) = r_and_its_frame(&a_to_g_of(1_500));
    narrow(&mut r, 1, 1_400);
    for mtu in [1_400, 1_450, 9_000, u32::MAX] {
        let told = r.forwards(UPLINK, &too_big(mtu, &frame), A);
        assert_eq!(read_error(&told).2, 1_380);
    }
    assert_eq!(notices(&mut r), []);
}

#[test]
fn a_host_that_cannot_be_reached_is_told_to_guest_and_controller() {
    let (mut r, frame) = r_and_its_frame(&a_to_g(40));
    let destination = Key::new(network(Z), [10, 0, 0, 3].into());
    r.at(5 * MS);
    for code in [0, 3, 5] {
        let told = r.forwards(UPLINK, &error(1, code, 0, &frame), A);
        let (kind, code, rest, quoted) = read_error(&told);
        assert_eq!((kind, code, rest), (3, 1, 0));
        assert_eq!(quoted, &a_to_g(40).build()[14..]);
    }
    let code = 0;
    let host = HostIndex(1);
    let first = Notice::Unreachable {
        host,
        destination,
        code,
    };
    assert_eq!(notices(&mut r), [first], "the others came at once");
    r.at(106 * MS);
    r.receive(UPLINK, &error(1, 3, 0, &frame));
    assert_eq!(notices(&mut r).len(), 1);
    assert_eq!(r.counters.worker.icmp.heard_unreachable.get(), 4);
    r.assert_balanced();
}

#[test]
fn other_errors_are_counted_and_nothing_else() {
    let (mut r, frame) = r_and_its_frame(&a_to_g(40));
    for (kind, code) in [(3, 0), (3, 1), (4, 0), (4, 1), (4, 2), (100, 0)] {
        r.refuses(
            UPLINK,
            &error(kind, code, 0, &frame),
            DropReason::IcmpRefused,
        );
    }
    assert_eq!(r.counters.worker.icmp.heard_other.get(), 6);
    assert_eq!(notices(&mut r), []);
}

#[test]
fn an_error_that_quotes_nothing_of_ours_is_refused() {
    let (mut r, frame) = r_and_its_frame(&a_to_g_of(1_400));
    let quoting = |at: usize, octets: &[u8]| {
        let mut quoted = frame.clone();
        quoted[at..at + octets.len()].copy_from_slice(octets);
        too_big(1_300, &quoted)
    };
    let (source, destination) = (22, 38);
    let cut_at = |octets: usize| too_big(1_300, &frame[..14 + octets]);
    let mut wrong_checksum = too_big(1_300, &frame);
    wrong_checksum[14 + 42] ^= 1;
    let mut to_another = too_big(1_300, &frame);
    to_another[destination + 15] = 4; // c's, and the checksum is as wrong
    for (what, error) in [
        ("addresses only in part", cut_at(24)),
        ("no whole header", cut_at(39)),
        ("wrong checksum", wrong_checksum),
        ("to another of our nodes", to_another),
        (
            "from a node that we do not have",
            quoting(source + 15, &[99]),
        ),
        ("from a node without a port", quoting(source + 15, &[8])),
        (
            "another host's node",
            quoting(source, &overlay_address(0, Z, [10, 0, 0, 3])),
        ),
        ("to nobody", quoting(destination + 15, &[99])),
        (
            "to a node of this host",
            quoting(destination, &overlay_address(0, Z, [10, 0, 0, 4])),
        ),
        (
            "to where it does not live",
            quoting(destination, &overlay_address(2, Z, [10, 0, 0, 3])),
        ),
        (
            "to another network",
            quoting(destination, &overlay_address(1, Y, [10, 0, 0, 3])),
        ),
        ("outside the fabric", quoting(destination, &ROUTER)),
        ("label cleared on the way", quoting(14, &[0x60, 0, 0, 0])),
        ("a protocol that we never send", quoting(20, &[0])),
        ("version 4", quoting(14, &[0x45])),
    ] {
        eprintln!("{what}");
        r.refuses(UPLINK, &error, DropReason::IcmpRefused);
    }
    // Echo to a node is none of the substrate's business.
    r.refuses(UPLINK, &error(128, 0, 0, &frame), DropReason::IcmpRefused);
    assert_eq!(notices(&mut r), []);
    r.assert_balanced();
}

#[test]
fn what_must_not_be_answered_teaches_and_is_not_answered() {
    let mut packet = a_to_g_of(1_500);
    (packet.protocol, packet.payload[0]) = (1, 3);
    let (mut r, frame) = r_and_its_frame(&packet);
    r.receive(UPLINK, &too_big(1_400, &frame));
    packet.payload[0] = 8;
    packet.flags_and_offset = 0x4001;
    let later = r.forwards(A, &packet.build(), UPLINK);
    r.receive(UPLINK, &too_big(1_400, &later));
    assert_eq!((r.sent(A).len(), notices(&mut r).len()), (0, 2));
    r.assert_balanced();
}

#[test]
fn with_a_fragment_header_eight_octets_less_fit() {
    let mut tables = snapshot(0);
    tables.fabric.rules.keep_id = wire::encode::KeepId::All;
    let mut r = Host::new(tables);
    let packet = Ipv4Frame {
        id: 0x1234,
        ..a_to_g_of(1_500)
    };
    let frame = r.forwards(A, &packet.build(), UPLINK);
    let told = r.forwards(UPLINK, &too_big(1_400, &frame), A);
    let (_, _, mtu, quoted) = read_error(&told);
    assert_eq!(mtu, 1_372);
    assert_eq!(
        quoted,
        &packet.build()[14..14 + quoted.len()],
        "with its ID"
    );
}

#[test]
fn a_flood_of_errors_reaches_the_guest_as_few_and_every_one_is_counted() {
    let (mut r, frame) = r_and_its_frame(&a_to_g_of(1_500));
    let error = too_big(1_400, &frame);
    for _ in 0..200 {
        r.receive(UPLINK, &error);
    }
    assert_eq!(r.sent(A).len(), 50);
    assert_eq!(r.drops(), [(UPLINK, DropReason::RateLimit, 150)]);
    r.assert_balanced();
}

#[test]
fn an_error_about_a_copy_concerns_the_members_path() {
    let mut r = Member::new(view(R));
    r.host.receive(A, &a_to_g_of(1_500).build());
    let copy = r.host.sent(UPLINK).pop().expect("the copy");
    assert!(is_copy(&copy));
    let told = r.host.forwards(UPLINK, &too_big(1_400, &copy), A);
    assert_eq!(
        read_error(&told).2,
        1_380,
        "the group's path is the narrowest"
    );
    let (host, mtu) = (HostIndex(T), 1_400);
    assert_eq!(notices(&mut r.host), [Notice::PathMtu { host, mtu }]);
    // That a replica's host is gone says nothing about the address.
    r.host.receive(UPLINK, &error(1, 0, 0, &copy));
    assert_eq!((r.host.sent(A).len(), notices(&mut r.host).len()), (0, 1));
    r.host.assert_balanced();
}

#[test]
fn an_error_about_a_primarys_copy_comes_to_the_primarys_host_and_ends_there() {
    let view_of_s = View {
        fan_out: tables::group::FanOut::Primary,
        ..view(S)
    };
    let mut s = Member::new(view_of_s.clone());
    let original = Host::new(snapshot(0)).forwards(A, &a_to_g_of(1_500).build(), UPLINK);
    s.host.receive(UPLINK, &original);
    let copy = s.host.sent(UPLINK).pop().expect("the primary's copy");
    s.delivered();
    s.host.receive(UPLINK, &too_big(1_400, &copy));
    let (host, mtu) = (HostIndex(T), 1_400);
    assert_eq!(notices(&mut s.host), [Notice::PathMtu { host, mtu }]);
    assert_eq!(s.host.counters.worker.punted.get(), 1);
    // Without C it is no copy, and nobody here sent it.
    let mut no_copy = copy;
    no_copy[16] &= !4;
    s.host
        .refuses(UPLINK, &too_big(1_300, &no_copy), DropReason::IcmpRefused);
    s.host.assert_balanced();
}
