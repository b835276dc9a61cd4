//! What a guest may not do.

use wire::drop_reason::DropReason;
use wire::ethernet::MacAddress;

use super::host::*;

/// A frame in which one octet was changed after it was built.
fn patched(packet: &Ipv4Frame, at: usize, value: u8) -> Vec<u8> {
    let mut frame = packet.build();
    frame[at] = value;
    frame
}

#[test]
fn each_thing_a_guest_may_not_send_has_its_reason() {
    let good = a_to_g(32);
    let with = |change: &dyn Fn(&mut Ipv4Frame)| {
        let mut packet = good.clone();
        change(&mut packet);
        packet.build()
    };
    let mut r = Host::new(snapshot(0));
    for (what, frame, reason) in [
        ("empty", vec![], DropReason::L2Malformed),
        ("runt", good.build()[..13].to_vec(), DropReason::L2Malformed),
        (
            "802.3 length field",
            patched(&good, 12, 0),
            DropReason::L2Ethertype,
        ),
        (
            "VLAN tag",
            patched(&good, 12, 0x81),
            DropReason::L2Ethertype,
        ),
        (
            "IPv6",
            [&good.build()[..12], &[0x86, 0xdd], &[0x60; 60]].concat(),
            DropReason::L2Ethertype,
        ),
        (
            "another's MAC",
            with(&|p| p.source_mac = MacAddress([2, 0, 0, 0, 0, 9])),
            DropReason::L2SourceMac,
        ),
        (
            "cut IPv4 header",
            good.build()[..33].to_vec(),
            DropReason::EncodeMalformed,
        ),
        (
            "version 6",
            patched(&good, 14, 0x65),
            DropReason::EncodeMalformed,
        ),
        (
            "IHL 4",
            patched(&good, 14, 0x44),
            DropReason::EncodeMalformed,
        ),
        (
            "total length past the frame",
            patched(&good, 16, 0xff),
            DropReason::EncodeMalformed,
        ),
        (
            "wrong checksum",
            patched(&good, 24, 0x12),
            DropReason::EncodeIpChecksum,
        ),
        (
            "reserved flag",
            with(&|p| p.flags_and_offset |= 0x8000),
            DropReason::EncodeReservedFlag,
        ),
        (
            "loose source route",
            with(&|p| p.options = vec![131, 3, 4, 0]),
            DropReason::EncodeSourceRoute,
        ),
        (
            "strict source route",
            with(&|p| p.options = vec![137, 3, 4, 0]),
            DropReason::EncodeSourceRoute,
        ),
        (
            "option of length 0",
            with(&|p| p.options = vec![7, 0, 0, 0]),
            DropReason::EncodeMalformed,
        ),
        (
            "loopback source",
            with(&|p| p.source = [127, 0, 0, 1]),
            DropReason::EncodeMartian,
        ),
        (
            "multicast source",
            with(&|p| p.source = [224, 0, 0, 1]),
            DropReason::EncodeMartian,
        ),
        (
            "another's address",
            with(&|p| p.source = [10, 0, 0, 4]),
            DropReason::EncodeSpoofed,
        ),
        (
            "loopback destination",
            with(&|p| p.destination = [127, 0, 0, 1]),
            DropReason::EncodeMartian,
        ),
        (
            "own destination",
            with(&|p| p.destination = [10, 0, 0, 2]),
            DropReason::EncodeMartian,
        ),
        (
            "hop-by-hop as a protocol",
            with(&|p| p.protocol = 0),
            DropReason::EncodeForbiddenProtocol,
        ),
        (
            "ICMPv6 as a protocol",
            with(&|p| p.protocol = 58),
            DropReason::EncodeForbiddenProtocol,
        ),
        (
            "experimental protocol",
            with(&|p| p.protocol = 253),
            DropReason::EncodeForbiddenProtocol,
        ),
        (
            "unknown destination",
            with(&|p| p.destination = [10, 0, 0, 99]),
            DropReason::EncodeNoMapping,
        ),
        (
            "a node of this host without a port",
            with(&|p| p.destination = [10, 0, 0, 8]),
            DropReason::PortDown,
        ),
        (
            "broadcast",
            with(&|p| p.destination = [255; 4]),
            DropReason::EncodeNoMapping,
        ),
    ] {
        eprintln!("{what}");
        r.refuses(A, &frame, reason);
    }
}

#[test]
fn the_largest_packet_that_the_uplink_takes_passes() {
    let mut r = Host::new(snapshot(0));
    let packet = Ipv4Frame {
        payload: vec![0; usize::from(MTU) - 40],
        ..a_to_g(0)
    };
    assert_eq!(
        r.forwards(A, &packet.build(), UPLINK).len(),
        14 + usize::from(MTU)
    );
}

#[test]
fn nothing_crosses_while_the_next_hop_is_unknown_but_neighbours_on_the_host_go_on() {
    let mut tables = snapshot(0);
    tables.uplink.next_hop_mac = None;
    let mut r = Host::new(tables);
    r.refuses(A, &a_to_g(8).build(), DropReason::NoNextHop);
    r.forwards(
        A,
        &Ipv4Frame::udp([10, 0, 0, 2], [10, 0, 0, 4], 8).build(),
        C,
    );
}
