//! No packet vanishes: what came in went out, to the controller, or into a
//! counter.

use proptest::prelude::*;
use tables::PortIndex;
use wire::drop_reason::DropReason;

use super::host::*;

/// Frames that reach deep: real ones with a few octets changed.
fn frames() -> impl Strategy<Value = (u16, Vec<u8>)> {
    let across = Host::new(snapshot(1)).forwards(
        G,
        &Ipv4Frame::udp([10, 0, 0, 3], [10, 0, 0, 2], 40).build(),
        UPLINK,
    );
    let seeds = vec![
        (0, across),
        (1, a_to_g(40).build()),
        (1, Ipv4Frame::udp([10, 0, 0, 2], [10, 0, 0, 4], 40).build()),
        (1, Ipv4Frame::udp([10, 0, 0, 2], [10, 0, 1, 7], 40).build()),
    ];
    let changes = prop::collection::vec((0usize..80, any::<u8>()), 0..4);
    (prop::sample::select(seeds), changes, 0usize..200).prop_map(
        |((port, mut frame), changes, cut)| {
            for (at, value) in changes {
                if let Some(octet) = frame.get_mut(at) {
                    *octet = value;
                }
            }
            if cut < frame.len() / 4 {
                frame.truncate(cut);
            }
            (port, frame)
        },
    )
}

proptest! {
    #[test]
    fn every_frame_has_exactly_one_fate(input in prop::collection::vec(frames(), 1..80), room in 0usize..40) {
        let mut r = Host::new(snapshot(0));
        r.worker.io().port(C).room_packets = room;
        for (port, frame) in &input {
            let packet = wire::packet::HeapPacket::new(frame);
            r.worker.io().port(PortIndex(*port)).incoming.push_back(packet);
        }
        while r.worker.run_once() > 0 {}
        let sent: usize = (0..5).map(|port| r.sent(PortIndex(port)).len()).sum();
        let counted: u64 = r.counters.ports().map(|(_, port)| port.transmitted.packets.get()).sum();
        let received: u64 = r.counters.ports().map(|(_, port)| port.received.packets.get()).sum();
        let dropped: u64 = r.drops().iter().map(|drop| drop.2).sum();
        prop_assert_eq!(received, input.len() as u64);
        prop_assert_eq!(counted, sent as u64);
        prop_assert_eq!(received, counted + r.counters.worker.punted.get() + dropped);
    }

    #[test]
    fn whatever_a_guest_sends_stays_in_its_network(
        net in prop::sample::select(vec![(A, Z), (YA, Y)]),
        input in prop::collection::vec(frames(), 1..40),
    ) {
        let (port, id) = net;
        let mut r = Host::new(snapshot(0));
        for (_, frame) in &input {
            r.receive(port, frame);
        }
        for frame in r.sent(UPLINK) {
            let network = |at: usize| u32::from_be_bytes([0, frame[at], frame[at + 1], frame[at + 2]]);
            prop_assert_eq!((network(22 + 9), network(38 + 9)), (id, id));
        }
        let foreign = if id == Z { vec![YA] } else { vec![A, C, OTHER_SUBNET] };
        for other in foreign {
            prop_assert!(r.sent(other).is_empty());
        }
        prop_assert!(r.drops().iter().all(|drop| drop.0 == port || drop.1 == DropReason::TxQueueFull));
    }
}
