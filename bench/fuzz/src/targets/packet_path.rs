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
const IPV4: [u8; 2] = [0x08, 0x00];
/// More than a host chooses for what one round takes.
const LOW_ID_MAX: u16 = 4 * FRAMES_MAX as u16;
/// The low octet of the flow label, from the front of a frame: HASH, which may be anything.
const HASH: usize = 14 + 3;

/// Frames by port, and drops by port and reason.
#[derive(Debug, Default, PartialEq, Eq)]
struct Became {
    sent: BTreeMap<String, Vec<Vec<u8>>>,
    /// The low identifications, by port, in order. A host chooses them for packets that crossed
    /// without one; which of a burst gets which is its own business.
    low_ids: BTreeMap<String, Vec<u16>>,
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
                became.sent.entry(port).or_default().push(frame);
            }
        }
    }
    became.comparable()
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
        let sent = host.sent(port);
        if !sent.is_empty() {
            became.sent.insert(name(port), sent);
        }
    }
    became.comparable()
}

impl Became {
    /// Without what is free.
    fn comparable(mut self) -> Self {
        for (port, frames) in &mut self.sent {
            for frame in frames.iter_mut() {
                if frame.get(12..14) == Some(&IPV6)
                    && let Some(hash) = frame.get_mut(HASH)
                {
                    *hash = 0;
                }
                if let Some(id) = take_low_id(frame) {
                    self.low_ids.entry(port.clone()).or_default().push(id);
                }
            }
            order(frames);
        }
        self.low_ids
            .values_mut()
            .for_each(|ids| ids.sort_unstable());
        self
    }
}

/// Takes a low identification off a packet for a node. The checksum goes with it; it must be right.
fn take_low_id(frame: &mut [u8]) -> Option<u16> {
    let (ethernet, header) = frame.split_first_chunk_mut::<14>()?;
    let header = header.first_chunk_mut::<20>()?;
    let id = u16::from_be_bytes([header[4], header[5]]);
    if ethernet[12..] != IPV4 || header[0] != 0x45 || !(1..=LOW_ID_MAX).contains(&id) {
        return None;
    }
    assert!(wire::checksum::verify(header), "of {header:02x?}");
    header[4..6].fill(0);
    header[10..12].fill(0);
    Some(id)
}

/// What is answered at once (ARP) may overtake what is looked up first; within each kind the order
/// stays.
fn order(frames: &mut [Vec<u8>]) {
    frames.sort_by_key(|frame| frame.get(12..14) == Some(&[0x08, 0x06]));
}
