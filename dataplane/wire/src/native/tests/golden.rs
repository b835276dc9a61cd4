//! Packets octet for octet, composed by hand from RFC 7915.
//!
//! The node is 10.0.0.2 on the first host of section 1, the peer
//! 2001:db8:7::80, whom the node knows as 10.0.0.200.

use super::*;
use crate::samples::octets;

const NODE_AND_PEER: &str = "fd0000aa00bbcc31011234560a00000220010db8000700000000000000000080";
const PEER_AND_NODE: &str = "20010db8000700000000000000000080fd0000aa00bbcc31011234560a000002";

/// What the node sends, or what is quoted of it, as hexadecimal digits; then what crosses.
#[track_caller]
fn rises(ipv4: &str, ipv6: &str) {
    let mut sent = octets(ipv4);
    crate::samples::fix_checksum(&mut sent);
    let risen = rise(&sent, &ends(), &RULES).unwrap();
    assert_eq!(hex(&risen), ipv6);
}

#[track_caller]
fn falls(ipv6: &str, ipv4: &str) {
    let fallen = fall(&octets(ipv6), &ends(), &RULES).unwrap();
    assert!(checksum::verify(&fallen[..20]));
    assert_eq!(hex(&fallen), ipv4);
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

#[test]
fn golden_tcp() {
    // S(peer) - S(dummy) = 2001+0db8+0007+0080 - (0a00+00c8) = 2e40 - 0ac8 = 2378
    // checksum: ~(~4b3b + 2378) = 27c3
    rises(
        "450000281234400040060000\
         0a0000020a0000c8\
         9c40005000000001000000005002ffff4b3b0000",
        &format!(
            "60000000001406 3f{NODE_AND_PEER}\
             9c40005000000001000000005002ffff27c30000"
        )
        .replace(' ', ""),
    );
}

#[test]
fn golden_echo() {
    // ICMPv4 echo request 8/0, id 1, sequence 2: ~(0800 + 1 + 2) = f7fc.
    // ICMPv6: 8000 + 1 + 2 + 8 + 3a + pseudo addresses.
    let addresses = checksum::sum(&octets(NODE_AND_PEER));
    let sum = checksum::fold(u64::from(addresses) + 0x8000 + 3 + 8 + 0x3a);
    rises(
        "4500001c0000000040010000 0a000002 0a0000c8 0800f7fc00010002"
            .replace(' ', "")
            .as_str(),
        &format!("6000000000083a3f{NODE_AND_PEER}8000{:04x}00010002", !sum),
    );
    // and the answer, which is 129
    let sum = checksum::fold(u64::from(addresses) + 0x8100 + 3 + 8 + 0x3a);
    falls(
        &format!("6000000000083a40{PEER_AND_NODE}8100{:04x}00010002", !sum),
        // ID 77 is the local one, DF clear
        "4500001c004d00003f0166cb0a0000c80a0000020000fffc00010002",
    );
}

#[test]
fn golden_fragment() {
    rises(
        "45020024beef20b940110000 0a000002 0a0000c8 11111111111111111111111111111111"
            .replace(' ', "")
            .as_str(),
        &format!(
            "6020000000182c3f{NODE_AND_PEER}\
             110005c90000beef11111111111111111111111111111111"
        ),
    );
}

#[test]
fn golden_port_unreachable() {
    // The peer says that nobody listens at UDP 53; the quoted datagram's checksum is
    // ~(~1000 + 2378) = 0x1000 - 0x2378 in IPv6, and 1000 again in IPv4.
    let quoted = format!("6000000000081140{NODE_AND_PEER}1f9000350008ec87");
    let body = format!("00000000{quoted}");
    let message = checksum::sum(&octets(&body));
    let addresses = checksum::sum(&octets(PEER_AND_NODE));
    let bytes = 4 + body.len() as u64 / 2;
    let sum = checksum::fold(u64::from(addresses) + bytes + 0x3a + 0x0104 + u64::from(message));
    // outer 20, ICMP 8, quoted IPv4 20 with the quoted hop limit, UDP 8
    falls(
        &format!("6000000000383a40{PEER_AND_NODE}0104{:04x}{body}", !sum),
        "45000038004d00003f0166af0a0000c80a000002\
         0303cd2f 00000000\
         4500001c00000000401166080a0000020a0000c81f90003500081000"
            .replace(' ', "")
            .as_str(),
    );
}
