//! Until when a primary speaks, and what it said before it might.

use tables::notice::Notice;
use tables::{Lease, Role};
use wire::drop_reason::DropReason;
use wire::packet::HeapPacket;

use super::group::*;
use super::host::*;

fn say(member: &mut Member, count: usize) {
    let port = v_port(member.view.me);
    let incoming = &mut member.host.worker.io().port(port).incoming;
    incoming.extend((0..count).map(|_| HeapPacket::new(&v_to_a())));
}

fn dropped(member: &Member, reason: DropReason) -> u64 {
    let port = v_port(member.view.me);
    member.host.counters.port(port).dropped(reason)
}

#[test]
fn a_primary_speaks_until_a_little_before_its_deadline_and_not_after() {
    let mut s = Member::new(view(S));
    s.lease.set(50 * MS);
    s.host.at(50 * MS - Lease::EARLY_NS - 1);
    s.host.forwards(v_port(S), &v_to_a(), UPLINK);
    s.host.at(50 * MS - Lease::EARLY_NS);
    s.host
        .refuses(v_port(S), &v_to_a(), DropReason::EncodeMuted);
    // It still takes what comes.
    let (original, _) = original_and_copy(8);
    s.host.forwards(UPLINK, &original, v_port(S));
    s.lease.set(90 * MS);
    s.host.worker.run_once();
    s.host.forwards(v_port(S), &v_to_a(), UPLINK);
}

#[test]
fn a_deadline_is_compared_with_the_time_of_the_burst_and_not_with_that_of_the_round() {
    let mut s = Member::new(view(S));
    s.lease.set(50 * MS);
    say(&mut s, 1);
    // The process was stopped in the middle of a round and comes back late.
    s.host.at(10_000 * MS);
    s.host.worker.run_once();
    assert!(s.host.sent(UPLINK).is_empty());
    s.host.worker.run_once();
    assert_eq!(dropped(&s, DropReason::EncodeMuted), 1);
}

#[test]
fn what_a_replica_said_does_not_leave_when_it_is_promoted() {
    let mut t = Member::new(view(T));
    t.lease.set(Lease::MUTED);
    t.host.worker.run_once();
    // The process is stopped; its guest goes on. Then everything at once.
    say(&mut t, 3_000);
    t.install(|view| {
        view.owner = Some(T);
        view.replicas = vec![];
        view.role = Some(Role::Primary { hold: true });
    });
    t.host.worker.run_once();
    t.lease.set(Lease::UNLIMITED);
    t.install(|view| view.role = Some(Role::Primary { hold: false }));
    t.host.settle();
    assert!(t.host.sent(UPLINK).is_empty());
    assert_eq!(dropped(&t, DropReason::EncodeReplicaSilent), 3_000);
    // What it says from now on leaves.
    t.host.forwards(v_port(T), &v_to_a(), UPLINK);
    t.host.assert_balanced();
}

#[test]
fn what_waited_before_the_first_round_of_a_primary_does_not_leave() {
    let lease = std::sync::Arc::new(Lease::muted());
    lease.set(Lease::UNLIMITED);
    let view = view(S);
    let host = Host::new(view.snapshot(&lease));
    let mut s = Member { host, lease, view };
    say(&mut s, 100);
    s.host.settle();
    assert!(s.host.sent(UPLINK).is_empty());
    assert_eq!(dropped(&s, DropReason::EncodeReplicaSilent), 100);
    s.host.forwards(v_port(S), &v_to_a(), UPLINK);
}

#[test]
fn what_a_muted_primary_said_does_not_leave_when_its_lease_is_renewed() {
    let mut s = Member::new(view(S));
    s.lease.set(Lease::MUTED);
    s.host.worker.run_once();
    say(&mut s, 500);
    s.host.worker.run_once();
    s.lease.set(Lease::UNLIMITED);
    s.host.settle();
    assert!(s.host.sent(UPLINK).is_empty());
    assert_eq!(dropped(&s, DropReason::EncodeMuted), 500);
    s.host.forwards(v_port(S), &v_to_a(), UPLINK);
}

#[test]
fn a_guest_that_floods_its_port_cannot_keep_it_drained_for_ever() {
    let mut t = Member::new(view(T));
    t.host.worker.run_once();
    // More than any queue holds: as if new ones came as fast as they are dropped.
    say(&mut t, 40_000);
    t.install(|view| {
        view.owner = Some(T);
        view.role = Some(Role::Primary { hold: false });
    });
    t.host.settle();
    assert_eq!(dropped(&t, DropReason::EncodeReplicaSilent), 32 * 1024);
    assert_eq!(t.host.sent(UPLINK).len(), 40_000 - 32 * 1024);
}

#[test]
fn the_controller_is_told_once_when_a_primary_has_spoken_after_a_silence() {
    let mut s = Member::new(view(S));
    s.lease.set(Lease::MUTED);
    s.host.worker.run_once();
    s.host
        .refuses(v_port(S), &v_to_a(), DropReason::EncodeMuted);
    s.lease.set(Lease::UNLIMITED);
    s.host.at(7 * MS).worker.run_once();
    assert_eq!(s.host.noticed.pop(), None, "it has not spoken yet");
    for now_ms in [8, 9] {
        s.host.at(now_ms * MS);
        s.host.forwards(v_port(S), &v_to_a(), UPLINK);
    }
    let notice = Notice::FirstAnswer {
        group: group_index(),
        at_ns: 8 * MS,
    };
    assert_eq!(s.host.noticed.pop(), Some(notice));
    assert_eq!(s.host.noticed.pop(), None);
}
