//! What the substrate may not do, and what it may ask of the host.

use std::net::Ipv6Addr;

use wire::address::Layout;
use wire::drop_reason::DropReason;

use super::host::*;

/// The frame by which r's host sends a's packet to g on s.
fn genuine() -> Vec<u8> {
    Host::new(snapshot(0)).forwards(A, &a_to_g(32).build(), UPLINK)
}

fn patched(at: usize, octets: &[u8]) -> Vec<u8> {
    let mut frame = genuine();
    frame[at..at + octets.len()].copy_from_slice(octets);
    frame
}

const SOURCE: usize = 22;
const DESTINATION: usize = 38;

/// An address whose residue is right although nothing else needs to be.
fn canonical(host: u16, net: u32, last: u8) -> [u8; 16] {
    overlay_address(host, net, [10, 0, 0, last])
}

#[test]
fn each_thing_the_substrate_may_not_send_has_its_reason() {
    let mut wrong_residue = canonical(1, Z, 3);
    wrong_residue[7] ^= 1;
    let mut wrong_source_residue = canonical(0, Z, 2);
    wrong_source_residue[8] ^= 1;
    let native: Ipv6Addr = "2001:db8::99".parse().expect("an address");
    let with_label = |ttl: u8, flags: u8| {
        // version 6, traffic class 0, then TTL 8 | DF C E E | hash 8
        let word = 6u32 << 28 | u32::from(ttl) << 12 | u32::from(flags) << 8;
        patched(14, &word.to_be_bytes())
    };
    let mut s = Host::new(snapshot(1));
    for (what, frame, reason) in [
        ("runt", genuine()[..13].to_vec(), DropReason::L2Malformed),
        ("IPv4", patched(12, &[8, 0]), DropReason::L2Ethertype),
        (
            "cut header",
            genuine()[..53].to_vec(),
            DropReason::DecodeMalformed,
        ),
        (
            "version 4",
            patched(14, &[0x45]),
            DropReason::DecodeMalformed,
        ),
        (
            "length past the frame",
            patched(18, &[0x7f]),
            DropReason::DecodeMalformed,
        ),
        (
            "another host's locator",
            patched(DESTINATION, &canonical(2, Z, 3)),
            DropReason::DecodeNotOurs,
        ),
        (
            "UDP to our link address",
            patched(DESTINATION, &uplink_address(1).octets()),
            DropReason::DecodeNotOurs,
        ),
        (
            "UDP to all nodes",
            patched(DESTINATION, &[0xff, 2]),
            DropReason::DecodeNotOurs,
        ),
        (
            "no such host endpoint",
            patched(DESTINATION, &overlay_address(1, 0, [0, 0, 0, 2])),
            DropReason::DecodeUnknownDestination,
        ),
        (
            "an error about a node",
            patched(20, &[58]),
            DropReason::IcmpRefused,
        ),
        (
            "a source outside the fabric",
            patched(SOURCE, &native.octets()),
            DropReason::DecodeNativeOff,
        ),
        (
            "residue of the destination",
            patched(DESTINATION, &wrong_residue),
            DropReason::DecodeBadPrefix,
        ),
        (
            "residue of the source",
            patched(SOURCE, &wrong_source_residue),
            DropReason::DecodeBadPrefix,
        ),
        (
            "a cleared label",
            patched(15, &[0, 0, 0]),
            DropReason::DecodeBadLabel,
        ),
        (
            "fragment with a reserved bit",
            [
                &patched(20, &[44])[..54],
                &[17, 1, 0, 0, 0, 0, 0, 1],
                &[0; 32],
            ]
            .concat(),
            DropReason::DecodeBadFragment,
        ),
        (
            "hop-by-hop header",
            patched(20, &[0]),
            DropReason::DecodeForbiddenProtocol,
        ),
        (
            "network 0xffffff",
            patched(DESTINATION, &canonical(1, 0xff_ffff, 3)),
            DropReason::DecodeUnknownNetwork,
        ),
        (
            "unknown network",
            patched(DESTINATION, &canonical(1, 0x77, 3)),
            DropReason::DecodeUnknownNetwork,
        ),
        (
            "unknown node",
            patched(DESTINATION, &canonical(1, Z, 99)),
            DropReason::DecodeUnknownDestination,
        ),
        (
            "a node of another host",
            patched(DESTINATION, &canonical(1, Z, 2)),
            DropReason::DecodeUnknownDestination,
        ),
        (
            "another network's source",
            patched(SOURCE, &canonical(0, Y, 2)),
            DropReason::DecodeNetworkMismatch,
        ),
        (
            "unknown inner source",
            patched(SOURCE, &canonical(0, Z, 99)),
            DropReason::DecodeUnknownSource,
        ),
        (
            "source on the wrong host",
            patched(SOURCE, &canonical(2, Z, 2)),
            DropReason::DecodeSpoofed,
        ),
        (
            "our own node from outside",
            patched(SOURCE, &canonical(1, Z, 3)),
            DropReason::DecodeSpoofed,
        ),
        (
            "an older generation",
            with_label(64, 0b1000),
            DropReason::DecodeStaleGeneration,
        ),
        (
            "another generation",
            with_label(64, 0b1010),
            DropReason::DecodeStaleGeneration,
        ),
    ] {
        eprintln!("{what}");
        s.refuses(UPLINK, &frame, reason);
    }
    s.forwards(UPLINK, &with_label(64, 0b1001), G);
}

#[test]
fn the_first_check_that_fails_names_the_drop() {
    // Wrong in every way that steps 8 to 13 know: mended one by one, each next
    // reason appears.
    let mut frame = patched(SOURCE, &canonical(0, Y, 99));
    frame[15..18].fill(0);
    frame[20] = 0;
    frame[DESTINATION..DESTINATION + 16].copy_from_slice(&canonical(1, Z, 99));
    let mut s = Host::new(snapshot(1));
    let mut step = |frame: &[u8], reason| s.refuses(UPLINK, frame, reason);
    step(&frame, DropReason::DecodeBadLabel);
    frame[15..18].copy_from_slice(&[0x04, 0x08, 0]);
    step(&frame, DropReason::DecodeForbiddenProtocol);
    frame[20] = 17;
    step(&frame, DropReason::DecodeUnknownDestination);
    frame[DESTINATION..DESTINATION + 16].copy_from_slice(&canonical(1, Z, 3));
    step(&frame, DropReason::DecodeNetworkMismatch);
    frame[SOURCE..SOURCE + 16].copy_from_slice(&canonical(2, Z, 99));
    step(&frame, DropReason::DecodeUnknownSource);
    frame[SOURCE..SOURCE + 16].copy_from_slice(&canonical(2, Z, 2));
    step(&frame, DropReason::DecodeSpoofed);
    frame[SOURCE..SOURCE + 16].copy_from_slice(&canonical(0, Z, 2));
    step(&frame, DropReason::DecodeStaleGeneration);
}

/// An IPv6 frame with this next header, whose payload begins with `first`.
fn to(destination: Ipv6Addr, next_header: u8, hop_limit: u8, first: u8) -> Vec<u8> {
    let mut frame = vec![0; 12];
    frame.extend([0x86, 0xdd, 0x60, 0, 0, 0, 0, 24, next_header, hop_limit]);
    frame.extend(
        "2001:db8:0:2::1"
            .parse::<Ipv6Addr>()
            .expect("an address")
            .octets(),
    );
    frame.extend(destination.octets());
    frame.push(first);
    frame.extend([0; 23]);
    frame
}

#[test]
fn control_and_neighbour_discovery_reach_the_controller_as_they_are() {
    let control = Layout::Neutral56.control_address(&locator(1));
    let all_nodes: Ipv6Addr = "ff02::1".parse().expect("an address");
    let link_local: Ipv6Addr = "fe80::1".parse().expect("an address");
    let mut s = Host::new(snapshot(1));
    let mut punted = Vec::new();
    for frame in [
        to(control, 17, 3, 0),
        to(control, 6, 64, 0),
        to(control, 58, 64, 128),
        to(all_nodes, 58, 255, 135),
        to(link_local, 58, 255, 136),
        to(uplink_address(1), 58, 255, 135),
        to(uplink_address(1), 58, 64, 128),
    ] {
        s.receive(UPLINK, &frame);
        assert!(s.controller.1.pop(&mut punted));
        assert_eq!(punted, frame);
    }
    assert_eq!(s.drops(), []);
    for (frame, reason) in [
        (to(control, 47, 64, 0), DropReason::DecodeForbiddenProtocol),
        (to(all_nodes, 58, 254, 135), DropReason::IcmpRefused),
        (to(all_nodes, 58, 255, 134), DropReason::IcmpRefused), // router advertisement
        (to(link_local, 58, 255, 137), DropReason::IcmpRefused), // redirect
        (to(link_local, 58, 64, 128), DropReason::IcmpRefused), // echo
        (to(uplink_address(1), 58, 254, 136), DropReason::IcmpRefused),
    ] {
        s.refuses(UPLINK, &frame, reason);
        assert!(!s.controller.1.pop(&mut punted));
    }
}

#[test]
fn what_the_controller_sends_leaves_at_the_uplink_unchanged() {
    let mut s = Host::new(snapshot(1));
    s.controller.0.push(&[7; 90]).expect("room");
    s.worker.run_once();
    assert_eq!(s.sent(UPLINK), [[7; 90]]);
    assert_eq!(s.counters.worker.injected.get(), 1);
}

#[test]
fn a_genuine_packet_for_a_node_without_a_port_is_not_the_senders_fault() {
    let back = Ipv4Frame::udp([10, 0, 0, 3], [10, 0, 0, 8], 8).build();
    let across = Host::new(snapshot(1)).forwards(G, &back, UPLINK);
    Host::new(snapshot(0)).refuses(UPLINK, &across, DropReason::PortDown);
}
