//! What a member keeps: in order, within its limits, and never silently lost.

use tables::group::{BufferLimits, Copies};
use tables::{HostIndex, Role};
use wire::drop_reason::DropReason;
use wire::packet::HeapPacket;

use super::group::*;
use super::host::*;
use crate::WorkerIndex;

/// The copy number `i`, told apart by its length.
fn copy(i: usize) -> Vec<u8> {
    original_and_copy(i).1
}

fn buffering(change: impl FnOnce(&mut View)) -> Member {
    let mut view = View {
        copies: Copies::Buffer,
        ..view(T)
    };
    change(&mut view);
    Member::new(view)
}

fn promote(t: &mut Member, hold: bool) {
    t.install(|view| {
        view.owner = Some(T);
        view.replicas = vec![];
        view.role = Some(Role::Primary { hold });
    });
}

/// UDP payload octets of the frames that V's guest got.
fn payloads(t: &mut Member) -> Vec<usize> {
    t.delivered().iter().map(|frame| frame.len() - 42).collect()
}

#[test]
fn what_was_kept_is_released_in_order_and_ahead_of_what_comes_live() {
    let mut t = buffering(|_| {});
    for i in 0..10 {
        t.host.keeps(UPLINK, &copy(i));
    }
    promote(&mut t, true);
    for i in 10..20 {
        t.host.keeps(UPLINK, &copy(i));
    }
    t.host.worker.io().port(v_port(T)).room_packets = 5;
    promote(&mut t, false);
    // The guest takes five at a time; live ones join the end.
    let mut got = Vec::new();
    for i in 20..50 {
        t.host.receive(UPLINK, &copy(i));
        got.extend(payloads(&mut t));
        t.host.assert_balanced();
    }
    t.host.settle();
    got.extend(payloads(&mut t));
    assert_eq!(got, (0..50).collect::<Vec<_>>());
    assert_eq!(t.host.drops(), []);
    assert_eq!(t.counters().held.packets.get(), 0);
    assert_eq!(t.counters().held.bytes.get(), 0);
    // From then on they pass at once.
    t.host.forwards(UPLINK, &copy(7), v_port(T));
    t.host.assert_balanced();
}

#[test]
fn a_released_packet_is_the_one_that_was_sent() {
    let mut t = buffering(|_| {});
    let fragment = Ipv4Frame {
        flags_and_offset: 0x2000 | 185,
        id: 0xbeef,
        tos: 2,
        ..a_to_g(100)
    };
    let mut r = Member::new(view(R));
    r.host.receive(A, &fragment.build());
    let copy = r.host.sent(UPLINK).remove(1);
    t.host.keeps(UPLINK, &[&copy[..], &[0xee; 6]].concat());
    promote(&mut t, false);
    t.host.worker.run_once();
    let got = t.delivered();
    assert_eq!(got.len(), 1);
    assert_eq!(got[0][14..], fragment.build()[14..]);
    assert_eq!(
        got[0][..6],
        wire::ethernet::MacAddress::virtual_of(V.into()).0
    );
}

#[test]
fn a_full_buffer_refuses_the_newest_and_keeps_the_oldest() {
    let frame_bytes = copy(0).len() as u32;
    let by_packets = BufferLimits {
        packets: 3,
        bytes: 1 << 20,
        age_ns: 1_000 * MS,
    };
    let by_bytes = BufferLimits {
        packets: 1_000,
        bytes: 3 * frame_bytes + 3,
        age_ns: 1_000 * MS,
    };
    for limits in [by_packets, by_bytes] {
        let mut t = buffering(|view| view.limits = limits);
        for i in 0..3 {
            t.host.keeps(UPLINK, &copy(i));
        }
        t.host.receive(UPLINK, &copy(3));
        assert_eq!(
            t.host.drops(),
            [(v_port(T), DropReason::BufferFull, 1)],
            "at the port where it should have gone out"
        );
        assert_eq!(t.counters().lost.get(), 1);
        // The comparison with the sender's count shows nothing missing on the way.
        let received = t.counters().copies_from(HostIndex(R)).expect("a host");
        assert_eq!(received.get(), 4);
        t.host.assert_balanced();
        promote(&mut t, false);
        t.host.settle();
        assert_eq!(payloads(&mut t), [0, 1, 2]);
    }
}

#[test]
fn frames_that_grow_too_old_are_dropped_and_counted() {
    let mut t = buffering(|view| view.limits.age_ns = 100 * MS);
    for i in 0..10 {
        t.host.at(i as u64 * 20 * MS).receive(UPLINK, &copy(i));
        assert!(t.delivered().is_empty());
        t.host.assert_balanced();
    }
    // At 180 ms those of 0, 20, 40 and 60 ms are over 100 ms old.
    assert_eq!(t.host.drops(), [(v_port(T), DropReason::BufferExpired, 4)]);
    assert_eq!(t.counters().lost.get(), 4);
    promote(&mut t, false);
    t.host.settle_for(4 * MS);
    assert_eq!(payloads(&mut t), [4, 5, 6, 7, 8, 9]);
}

#[test]
fn a_checkpoint_drops_what_came_before_it_and_nothing_else() {
    let mut t = buffering(|_| {});
    for i in 0..3_000 {
        t.host.at(i as u64 * MS).receive(UPLINK, &copy(i % 100));
        t.install(|view| view.limits.packets = 1_000);
    }
    let held = t.counters().held.packets.get();
    assert_eq!(held, 1_000);
    t.install(|view| view.discard_before_ns = 990 * MS);
    t.host.settle();
    assert_eq!(t.counters().checkpointed.get(), 990);
    assert_eq!(t.counters().held.packets.get(), 10);
    t.host.assert_balanced();
    promote(&mut t, false);
    t.host.settle_for(4 * MS);
    assert_eq!(payloads(&mut t), (90..100).collect::<Vec<_>>());
}

#[test]
fn what_was_kept_leaves_four_times_as_fast_as_it_came_and_live_packets_wait_behind_it() {
    let mut t = buffering(|_| {});
    for i in 0..80 {
        t.host.at(i as u64 * MS / 2).receive(UPLINK, &copy(i));
    }
    promote(&mut t, false);
    for (span_ns, expected) in [(2 * MS, 0..17), (4 * MS, 17..49)] {
        t.host.settle_for(span_ns);
        assert_eq!(payloads(&mut t), expected.collect::<Vec<_>>());
    }
    t.host.receive(UPLINK, &copy(99));
    t.host.settle_for(6 * MS);
    let rest = (49..80).chain([99]);
    assert_eq!(payloads(&mut t), rest.collect::<Vec<_>>());
    t.host.assert_balanced();
}

#[test]
fn a_fenced_member_keeps_nothing_and_says_how_much_that_was() {
    let mut t = buffering(|_| {});
    for i in 0..5 {
        t.host.keeps(UPLINK, &copy(i));
    }
    t.install(|view| view.role = Some(Role::Fenced));
    t.host.settle();
    assert_eq!(t.counters().discarded.get(), 5);
    assert_eq!(t.host.drops(), []);
    t.host.assert_balanced();
    promote(&mut t, false);
    t.host.settle();
    assert!(t.delivered().is_empty());
}

#[test]
fn no_packet_buffer_is_held_while_frames_are_kept_and_none_is_needed_to_keep_them() {
    let mut t = buffering(|_| {});
    t.host.worker.io().pool_packets = Some(0);
    t.host.keeps(UPLINK, &copy(1));
    promote(&mut t, false);
    t.host.settle();
    assert_eq!(t.counters().held.packets.get(), 1, "it waits for a buffer");
    t.host.worker.io().pool_packets = None;
    t.host.settle();
    assert_eq!(payloads(&mut t), [1]);
    t.host.assert_balanced();
}

#[test]
fn frames_for_another_workers_port_are_handed_to_it_at_a_measured_pace() {
    let view = View {
        copies: Copies::Buffer,
        ..view(T)
    };
    let lease = std::sync::Arc::new(tables::Lease::muted());
    let host = Host::with_owners(view.snapshot(&lease), &[WorkerIndex(1)]);
    let mut t = Member { host, lease, view };
    for i in 0..100 {
        t.host.keeps(UPLINK, &copy(i));
    }
    promote(&mut t, false);
    for (now_us, handed) in [
        (0, 32),
        (50, 32),
        (100, 64),
        (150, 64),
        (200, 96),
        (300, 100),
    ] {
        t.host.at(now_us * 1_000).settle();
        assert_eq!(t.host.worker.io().handed_over.len(), handed, "{now_us} us");
    }
    assert_eq!(t.counters().released.get(), 100);
    let lengths = t
        .host
        .worker
        .io()
        .handed_over
        .iter()
        .map(|(owner, port, packet)| {
            assert_eq!((*owner, *port), (WorkerIndex(1), v_port(T)));
            wire::packet::Packet::bytes(packet).len() - 42
        });
    assert!(lengths.eq(0..100));
}

#[test]
fn packets_of_nodes_of_the_same_host_wait_and_are_released_like_all_others() {
    let mut r = Member::new(View {
        owner: Some(R),
        replicas: vec![T],
        role: Some(Role::Primary { hold: true }),
        ..view(R)
    });
    let sent = Ipv4Frame {
        flags_and_offset: 0,
        id: 7,
        ..a_to_g(33)
    };
    r.host.receive(A, &sent.build());
    let copies = r.host.sent(UPLINK);
    assert!(copies.len() == 1 && is_copy(&copies[0]), "copied at once");
    assert_eq!(r.counters().held.packets.get(), 1);
    r.install(|view| view.role = Some(Role::Primary { hold: false }));
    r.host.settle();
    let got = r.delivered();
    let expected = Ipv4Frame { id: 1, ..sent }.build();
    assert_eq!(got[0][14..], expected[14..], "as if it had crossed");
    r.host.assert_balanced();
}

/// Keeping, releasing and copying, over and over: only the worker's own
/// allocations could show.
#[test]
fn copying_keeping_and_releasing_allocate_nothing() {
    // With a pool that gives nothing the memory ports do not allocate either.
    let mut s = Member::new(View {
        fan_out: tables::group::FanOut::Primary,
        ..view(S)
    });
    let mut r = Member::new(view(R));
    let (original, _) = original_and_copy(200);
    let frames = |frame: &[u8], count: usize| -> Vec<_> {
        (0..count).map(|_| HeapPacket::new(frame)).collect()
    };
    const PACKETS: usize = 2_000;
    s.install(|view| {
        view.role = Some(Role::Primary { hold: true });
        view.limits.packets = 1_000;
    });
    s.host.worker.run_once();
    let waiting = frames(&original, PACKETS);
    s.host.worker.io().port(UPLINK).incoming.extend(waiting);
    let waiting = frames(&a_to_g(200).build(), PACKETS);
    r.host.worker.io().port(A).incoming.extend(waiting);
    for host in [&mut s.host, &mut r.host] {
        host.worker.io().pool_packets = Some(0);
        for port in [UPLINK, v_port(S)] {
            host.worker.io().port(port).sent.reserve(2 * PACKETS);
        }
    }
    let allocations = allocation_counter::measure(|| {
        s.host.settle();
        r.host.settle();
    });
    assert_eq!(allocations.count_total, 0);
    assert_eq!(s.counters().held.packets.get(), 1_000);
    assert_eq!(s.counters().lost.get(), 1_000);
    assert_eq!(r.host.sent(UPLINK).len(), PACKETS);
    assert_eq!(r.counters().copies[0].failed.get(), PACKETS as u64);
    // Each copy and each released frame, of which there is a copy as well, is one
    // heap packet of the memory ports, and nothing else.
    s.install(|view| view.role = Some(Role::Primary { hold: false }));
    r.host.worker.io().port(UPLINK).sent.reserve(2 * PACKETS);
    let (mut s_packets, mut r_packets) = (2_000, 500);
    s.host.worker.io().pool_packets = Some(s_packets);
    r.host.worker.io().pool_packets = Some(r_packets);
    let waiting = frames(&a_to_g(200).build(), 500);
    r.host.worker.io().port(A).incoming.extend(waiting);
    let allocations = allocation_counter::measure(|| {
        s.host.settle();
        r.host.settle();
    });
    s_packets -= s.host.worker.io().pool_packets.unwrap_or(0);
    r_packets -= r.host.worker.io().pool_packets.unwrap_or(0);
    assert_eq!((s_packets, r_packets), (2_000, 500));
    assert_eq!(allocations.count_total, (s_packets + r_packets) as u64);
    assert_eq!(s.counters().released.get(), 1_000);
    s.host.assert_balanced();
    r.host.assert_balanced();
}
