//! Punted frames at the control endpoint.

use runtime::endpoint::DATAGRAM_BYTES_MAX;
use wire::ethernet::MacAddress;

use super::neighbour::{frame, host, well_formed};
use crate::Target;
use crate::choices::Choices;

pub(crate) const TARGET: Target = Target {
    name: "endpoint",
    claim: "no punted frame makes the network stack panic, makes it answer an error or anybody in \
            another's name, or gets a datagram to the sessions that no host of the fabric sent",
    run,
};

const PEER: std::net::Ipv6Addr = std::net::Ipv6Addr::new(0xfd00, 0xaa, 0, 0x255, 0xfd00, 0, 0, 1);

fn run(octets: &[u8]) {
    let mut choices = Choices::new(octets);
    let mut host = host(Some(MacAddress([2, 0, 0, 0, 1, 1])));
    let mut now_ms = 0;
    let mut datagram = Vec::new();
    while !choices.is_empty() {
        now_ms += choices.pick(&[0, 1, 200, 5_000]);
        let mut sent = Vec::new();
        let frame = frame(&mut choices, &[17, 6, 58, 17, 6, 44, 60]);
        host.input(&frame, now_ms, &mut |frame| sent.push(frame.to_vec()));
        host.poll(now_ms, &mut |frame| sent.push(frame.to_vec()));
        for answer in &sent {
            well_formed(answer);
            let is_error = answer[20] == 58 && answer[54] < 128;
            assert!(!is_error, "an ICMPv6 error: {answer:02x?} to {frame:02x?}");
        }
        while let Some(from) = host.endpoint().receive_datagram(&mut datagram) {
            assert_eq!(from, PEER, "a datagram of {frame:02x?}");
            assert!(datagram.len() <= DATAGRAM_BYTES_MAX);
        }
    }
    assert_eq!(host.counters().stack_restarts, 0, "the stack panicked");
}
