//! The packet path against the slow reference.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use corpus::{Reference, Verdict};
use tables::PortIndex;

use crate::Target;
use crate::choices::Choices;
use crate::frames;
use crate::place::{Host, Place};

pub(crate) const TARGET: Target = Target {
    name: "packet_path",
    claim: "for a burst of any frames the worker drops the same, for the same reasons, and sends the \
            same octets, as the slow reference; and its counters balance",
    run,
};

static PLACES: LazyLock<Vec<Place>> = LazyLock::new(|| {
    let names = [
        "plain",
        "keep-id",
        "fixed72",
        "group",
        "no-next-hop",
        "multicast",
    ];
    names.map(Place::load).into()
});

/// One round takes no more from a port.
const FRAMES_MAX: usize = 24;
const IPV6: [u8; 2] = [0x86, 0xdd];
/// The low octet of the flow label, from the front of a frame: HASH, which may be anything.
const HASH: usize = 14 + 3;

/// Frames by port, and drops by port and reason.
#[derive(Debug, Default, PartialEq, Eq)]
struct Became {
    sent: BTreeMap<String, Vec<Vec<u8>>>,
    drops: BTreeMap<(String, String), u64>,
    punted: u64,
}

fn run(octets: &[u8]) {
    let mut choices = Choices::new(octets);
    let place = &PLACES[choices.below(PLACES.len())];
    let mut input: Vec<Vec<Vec<u8>>> = vec![Vec::new(); place.ports.len()];
    for _ in 0..FRAMES_MAX {
        if choices.is_empty() {
            break;
        }
        let port = choices.below(place.ports.len() + 2).saturating_sub(2);
        let frame = match port {
            0 => frames::of_substrate(&mut choices, place),
            guest => frames::of_guest(&mut choices, place, guest),
        };
        input[port].push(frame);
    }
    let expected = by_the_reference(place, &input);
    let found = by_the_worker(place, &input);
    assert_eq!(found, expected, "of {input:02x?}");
}

/// In the order in which a round takes them: the uplink's, then each guest's.
fn by_the_reference(place: &Place, input: &[Vec<Vec<u8>>]) -> Became {
    let mut reference = Reference::unteachable(&place.world);
    let mut became = Became::default();
    for (port, frames) in place.ports.iter().zip(input) {
        for frame in frames {
            let found = reference
                .judge(port, frame)
                .expect("the world has the port");
            match found.verdict {
                Verdict::Drop(reason) => {
                    *became.drops.entry((port.clone(), reason)).or_default() += 1;
                }
                Verdict::Punt => became.punted += 1,
                Verdict::Transmit | Verdict::Deliver | Verdict::Buffer => {}
            }
            for reason in reference.take_lost() {
                let lost = (port.clone(), reason.to_owned());
                *became.drops.entry(lost).or_default() += 1;
            }
            for (port, frame) in found.out {
                became.sent.entry(port).or_default().push(comparable(frame));
            }
        }
    }
    became.sent.values_mut().for_each(|frames| order(frames));
    became
}

fn by_the_worker(place: &Place, input: &[Vec<Vec<u8>>]) -> Became {
    let mut host = Host::new(place.snapshot());
    for (port, frames) in host.ports().zip(input) {
        frames.iter().for_each(|frame| host.offer(port, frame));
    }
    while host.worker.run_once() > 0 {}
    host.assert_balanced();
    let name = |port: PortIndex| place.ports[port.index()].clone();
    let mut became = Became {
        punted: host.counters.worker.punted.get(),
        ..Became::default()
    };
    for (port, reason, packets) in host.drops() {
        became
            .drops
            .insert((name(port), reason.name().to_owned()), packets);
    }
    for port in host.ports() {
        let mut sent: Vec<_> = host.sent(port).into_iter().map(comparable).collect();
        order(&mut sent);
        if !sent.is_empty() {
            became.sent.insert(name(port), sent);
        }
    }
    became
}

/// HASH is free.
fn comparable(mut frame: Vec<u8>) -> Vec<u8> {
    if frame.get(12..14) == Some(&IPV6)
        && let Some(hash) = frame.get_mut(HASH)
    {
        *hash = 0;
    }
    frame
}

/// What is answered at once (ARP) may overtake what is looked up first; within each kind the order
/// stays.
fn order(frames: &mut [Vec<u8>]) {
    frames.sort_by_key(|frame| frame.get(12..14) == Some(&[0x08, 0x06]));
}
