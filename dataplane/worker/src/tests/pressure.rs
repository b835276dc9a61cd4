//! Full queues, empty pools, other workers, and the price of a packet.

use tables::PortIndex;
use wire::drop_reason::DropReason;
use wire::packet::{HeapPacket, Packet};

use super::host::*;
use crate::WorkerIndex;

fn queue(host: &mut Host, port: PortIndex, frame: &[u8], count: usize) {
    let incoming = &mut host.worker.io().port(port).incoming;
    incoming.extend((0..count).map(|_| HeapPacket::new(frame)));
}

#[test]
fn what_a_full_device_does_not_take_is_dropped_at_that_device() {
    let mut r = Host::new(snapshot(0));
    r.worker.io().port(UPLINK).room_packets = 10;
    queue(&mut r, A, &a_to_g(8).build(), 32);
    r.worker.run_once();
    assert_eq!(r.sent(UPLINK).len(), 10);
    assert_eq!(r.drops(), [(UPLINK, DropReason::TxQueueFull, 22)]);
    assert_eq!(r.counters.port(UPLINK).transmitted.packets.get(), 10);
}

#[test]
fn packets_for_another_workers_port_are_handed_to_it_and_sent_by_it() {
    let owners = [0, 1, 0, 0].map(WorkerIndex);
    let mut r = Host::with_owners(snapshot(0), &owners);
    let frame = Ipv4Frame::udp([10, 0, 0, 2], [10, 0, 0, 4], 8).build();
    queue(&mut r, A, &frame, 5);
    r.worker.run_once();
    assert!(r.sent(C).is_empty());
    let handed = std::mem::take(&mut r.worker.io().handed_over);
    assert!(
        handed
            .iter()
            .all(|(owner, port, _)| (*owner, *port) == (WorkerIndex(1), C))
    );
    assert_eq!(
        r.counters.port(C).transmitted.packets.get(),
        0,
        "its owner counts it"
    );

    let to_take = handed.into_iter().map(|(_, _, packet)| (A, packet));
    r.worker.io().to_take.extend(to_take);
    r.worker.run_once();
    assert_eq!(r.sent(A).len(), 5);
    assert_eq!(r.counters.port(A).transmitted.packets.get(), 5);
}

#[test]
fn a_worker_leaves_other_workers_ports_alone() {
    let mut r = Host::with_owners(snapshot(0), &[0, 1, 0, 0].map(WorkerIndex));
    let frame = Ipv4Frame::udp([10, 0, 0, 4], [10, 0, 0, 2], 8).build();
    queue(&mut r, C, &frame, 1);
    assert_eq!(r.worker.run_once(), 0);
}

#[test]
fn a_full_punt_ring_and_an_empty_pool_have_their_reasons() {
    let mut s = Host::new(snapshot(1));
    let mut echo = vec![0; 12];
    echo.extend([0x86, 0xdd, 0x60, 0, 0, 0, 0, 24, 58, 255]);
    echo.extend([0xfd; 16]);
    echo.extend(uplink_address(1).octets());
    echo.extend([128; 24]);
    queue(&mut s, UPLINK, &echo, 200);
    for _ in 0..7 {
        s.worker.run_once();
    }
    let punted = s.counters.worker.punted.get();
    assert!(punted > 0);
    assert_eq!(s.drops(), [(UPLINK, DropReason::PuntFull, 200 - punted)]);

    let mut s = Host::new(snapshot(1));
    s.worker.io().pool_packets = Some(0);
    s.controller.0.push(&[7; 90]).expect("room");
    s.worker.run_once();
    assert_eq!(s.drops(), [(UPLINK, DropReason::NoMbuf, 1)]);
}

#[test]
fn a_burst_is_at_most_32_packets_and_every_port_gets_its_turn() {
    let mut r = Host::new(snapshot(0));
    queue(&mut r, A, &a_to_g(8).build(), 100);
    queue(&mut r, YA, &a_to_g(8).build(), 1);
    assert_eq!(r.worker.run_once(), 33);
    assert_eq!(r.sent(UPLINK).len(), 33);
}

#[test]
fn the_longest_gap_between_rounds_is_kept() {
    let mut r = Host::new(snapshot(0));
    for now_ns in [5_000, 6_000, 9_500, 9_600] {
        r.worker.io().now_ns = now_ns;
        r.worker.run_once();
    }
    assert_eq!(r.counters.worker.longest_gap_ns.get(), 3_500);
    assert_eq!(r.counters.worker.rounds.get(), 4);
    assert_eq!(r.counters.worker.busy_rounds.get(), 0);
}

/// Makes a packet that went through what it was before, in its own memory.
fn undo(packet: &mut HeapPacket, frame: &[u8]) {
    match packet.bytes().len().checked_sub(frame.len()) {
        Some(grown) => packet.remove_front(grown),
        None => packet
            .prepend(frame.len() - packet.bytes().len())
            .expect("there was room"),
    }
    packet.bytes_mut().copy_from_slice(frame);
}

/// A million packets of all kinds; the frames travel in circles so that only
/// the worker's own allocations could show.
#[test]
fn a_million_packets_pass_without_an_allocation() {
    let mut r = Host::new(snapshot(0));
    let across = Host::new(snapshot(1)).forwards(
        G,
        &Ipv4Frame::udp([10, 0, 0, 3], [10, 0, 0, 2], 400).build(),
        UPLINK,
    );
    let kinds: [(PortIndex, Vec<u8>, PortIndex); 3] = [
        (A, a_to_g(400).build(), UPLINK),
        (
            C,
            Ipv4Frame::udp([10, 0, 0, 4], [10, 0, 0, 2], 400).build(),
            A,
        ),
        (UPLINK, across, A),
    ];
    const IN_FLIGHT: usize = 96;
    for (port, frame, _) in &kinds {
        queue(&mut r, *port, frame, IN_FLIGHT);
    }
    for port in [UPLINK, A, C] {
        r.worker.io().port(port).sent.reserve(4 * IN_FLIGHT);
    }
    let mut passed = 0_u64;
    let allocations = allocation_counter::measure(|| {
        while passed < 1_000_000 {
            r.worker.run_once();
            for (from, frame, to) in &kinds {
                let io = r.worker.io();
                while io.port(*from).incoming.len() < IN_FLIGHT {
                    let Some(mut packet) = io.port(*to).sent.pop() else {
                        break;
                    };
                    undo(&mut packet, frame);
                    io.port(*from).incoming.push_back(packet);
                    passed += 1;
                }
            }
        }
    });
    assert_eq!((allocations.count_total, r.drops()), (0, vec![]));
    assert!(
        r.sent(UPLINK)
            .iter()
            .all(|frame| frame.len() == 14 + 40 + 408)
    );
}
