//! No packet comes out in another network, or in another's name.

use std::sync::LazyLock;

use tables::PortIndex;

use crate::Target;
use crate::choices::Choices;
use crate::frames;
use crate::place::{Host, Place};

pub(crate) const TARGET: Target = Target {
    name: "isolation",
    claim: "what comes out at a guest, or as an overlay packet, is of the network of the port, or of \
            both ids of the packet, that it came from; and an overlay packet has this host's and \
            that node's address",
    run,
};

static PLACE: LazyLock<Place> = LazyLock::new(|| Place::load("plain"));

fn run(octets: &[u8]) {
    let mut choices = Choices::new(octets);
    let place = &*PLACE;
    let mut host = Host::new(place.snapshot());
    while !choices.is_empty() {
        let port = choices.below(place.ports.len());
        let frame = match (port, choices.one_in(8)) {
            (0, false) => frames::of_substrate(&mut choices, place),
            (guest, false) => frames::of_guest(&mut choices, place, guest),
            (_, true) => {
                let length = choices.below(128);
                choices.octets(length).to_vec()
            }
        };
        host.offer(PortIndex(port as u16), &frame);
        host.worker.run_once();
        for out in host.ports() {
            for sent in host.sent(out) {
                check(place, port, &frame, out.index(), &sent);
            }
        }
    }
    host.assert_balanced();
}

fn check(place: &Place, port: usize, frame: &[u8], out: usize, sent: &[u8]) {
    let what = || {
        format!(
            "{} -> {}: {frame:02x?}\n{sent:02x?}",
            place.ports[port], place.ports[out]
        )
    };
    let from = network_of_input(place, port, frame);
    if out > 0 {
        let (network, _) = knowledge::behind(&place.config, &place.config.ports[out - 1]);
        assert_eq!(from, Some(network.id.get()), "{}", what());
        return;
    }
    let Some(ip) = sent.get(14..54).filter(|_| sent[12..14] == [0x86, 0xdd]) else {
        panic!("not IPv6 at the uplink: {}", what());
    };
    let id = |at: usize| u32::from_be_bytes([0, ip[at], ip[at + 1], ip[at + 2]]);
    assert_eq!(Some(id(8 + 9)), from, "source: {}", what());
    assert_eq!(Some(id(24 + 9)), from, "destination: {}", what());
    if port > 0 {
        let (network, node) = knowledge::behind(&place.config, &place.config.ports[port - 1]);
        let own = &place.config.fabric.hosts[place.config.host.index].locator;
        let layout = place.config.fabric.layout;
        let honest = frames::overlay(layout, own, network.id.get(), node.address.octets());
        assert_eq!(ip[8..24], honest, "source: {}", what());
    }
}

/// The port's; of the uplink, that of both addresses if it is one.
fn network_of_input(place: &Place, port: usize, frame: &[u8]) -> Option<u32> {
    if port > 0 {
        let (network, _) = knowledge::behind(&place.config, &place.config.ports[port - 1]);
        return Some(network.id.get());
    }
    let id = |at: usize| {
        let octets = frame.get(at..at + 3)?;
        Some(u32::from_be_bytes([0, octets[0], octets[1], octets[2]]))
    };
    let (source, destination) = (id(22 + 9)?, id(38 + 9)?);
    (source == destination).then_some(source)
}
