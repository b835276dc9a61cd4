//! ARP is answered here, from the tables, or not at all.

use wire::drop_reason::DropReason;
use wire::ethernet::MacAddress;

use super::host::*;

const A_MAC: MacAddress = MacAddress([2, 0x55, 10, 0, 0, 2]);

pub(super) fn arp(operation: u16, sender: (MacAddress, [u8; 4]), target: [u8; 4]) -> Vec<u8> {
    let mut frame = vec![0xff; 6];
    frame.extend(A_MAC.0);
    frame.extend([0x08, 0x06, 0, 1, 8, 0, 6, 4]);
    frame.extend(operation.to_be_bytes());
    frame.extend(sender.0.0);
    frame.extend(sender.1);
    frame.extend([0; 6]);
    frame.extend(target);
    frame
}

#[test]
fn every_mapped_address_of_the_subnet_and_the_gateway_have_their_virtual_mac() {
    let mut r = Host::new(snapshot(0));
    for last in [1, 3, 4] {
        let request = arp(1, (A_MAC, [10, 0, 0, 2]), [10, 0, 0, last]);
        let answer = r.forwards(A, &[&request[..], &[0; 18]].concat(), A);
        let mac = MacAddress([2, 0x55, 10, 0, 0, last]);
        let mut expected = arp(2, (mac, [10, 0, 0, last]), [10, 0, 0, 2]);
        expected[..6].copy_from_slice(&A_MAC.0);
        expected[6..12].copy_from_slice(&mac.0);
        expected[32..38].copy_from_slice(&A_MAC.0);
        assert_eq!(answer, expected);
    }
    assert_eq!(r.counters.worker.arp_answered.get(), 3);
}

#[test]
fn a_probe_for_a_taken_address_is_answered() {
    let mut r = Host::new(snapshot(0));
    r.forwards(A, &arp(1, (A_MAC, [0; 4]), [10, 0, 0, 3]), A);
}

#[test]
fn what_deserves_no_answer_gets_none_and_a_reason() {
    let own = (A_MAC, [10, 0, 0, 2]);
    let with = |at: usize, value: u8| {
        let mut frame = arp(1, own, [10, 0, 0, 3]);
        frame[at] = value;
        frame
    };
    let mut r = Host::new(snapshot(0));
    for (what, frame, reason) in [
        (
            "unknown address",
            arp(1, own, [10, 0, 0, 99]),
            DropReason::EncodeNoMapping,
        ),
        (
            "address off the subnet",
            arp(1, own, [10, 0, 1, 6]),
            DropReason::EncodeNoMapping,
        ),
        (
            "announcement",
            arp(1, own, [10, 0, 0, 2]),
            DropReason::PolicyDenied,
        ),
        (
            "reply",
            arp(2, own, [10, 0, 0, 3]),
            DropReason::PolicyDenied,
        ),
        (
            "another's address",
            arp(1, (A_MAC, [10, 0, 0, 4]), [10, 0, 0, 3]),
            DropReason::EncodeSpoofed,
        ),
        (
            "another's MAC",
            arp(
                1,
                (MacAddress([2, 0x55, 10, 0, 0, 4]), own.1),
                [10, 0, 0, 3],
            ),
            DropReason::L2SourceMac,
        ),
        ("hardware type", with(15, 6), DropReason::L2Malformed),
        ("protocol type", with(16, 9), DropReason::L2Malformed),
        ("hardware length", with(18, 8), DropReason::L2Malformed),
        ("protocol length", with(19, 16), DropReason::L2Malformed),
        ("operation", with(21, 3), DropReason::L2Malformed),
        (
            "truncated",
            arp(1, own, [10, 0, 0, 3])[..41].to_vec(),
            DropReason::L2Malformed,
        ),
    ] {
        eprintln!("{what}");
        r.refuses(A, &frame, reason);
    }
}
