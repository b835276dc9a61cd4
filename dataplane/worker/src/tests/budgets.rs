//! What may be copied, and that the original never waits for it.

use tables::group::Budget;
use wire::drop_reason::DropReason;
use wire::packet::HeapPacket;

use super::group::*;
use super::host::*;

#[test]
fn beyond_the_budget_originals_pass_and_copies_are_counted() {
    let mut r = Member::new(View {
        budget: Some(Budget::new(1_000, 1 << 40)),
        ..view(R)
    });
    let mut originals = 0;
    let mut copies = 0;
    // 10,000 a second for a second.
    for step in 0..10_000 {
        r.host.at(step * MS / 10);
        r.host.receive(A, &a_to_g(40).build());
        for frame in r.host.sent(UPLINK) {
            match is_copy(&frame) {
                true => copies += 1,
                false => originals += 1,
            }
        }
    }
    assert_eq!(originals, 10_000);
    assert!((1_000..=1_012).contains(&copies), "{copies}");
    let counted = &r.counters().copies[0];
    assert_eq!(counted.over_budget.get(), 10_000 - copies);
    assert_eq!(counted.sent.packets.get(), copies);
    assert_eq!(
        r.host.drops(),
        [(A, DropReason::CopyBudget, 10_000 - copies)]
    );
    r.host.assert_balanced();
}

#[test]
fn octets_are_budgeted_as_they_cross_the_substrate() {
    let frame_bytes = 14 + 40 + 8 + 446;
    let mut r = Member::new(View {
        budget: Some(Budget::new(1 << 40, frame_bytes * 100)),
        ..view(R)
    });
    for step in 0..1_000 {
        r.host.at(step * MS);
        r.host.receive(A, &a_to_g(446).build());
    }
    let copies = r.counters().copies[0].sent.packets.get();
    assert!((100..=103).contains(&copies), "{copies}");
}

#[test]
fn each_member_has_a_budget_of_its_own() {
    let mut r = Member::new(View {
        replicas: vec![T, 3],
        budget: Some(Budget::new(1, 1 << 40)),
        ..view(R)
    });
    for _ in 0..5 {
        let incoming = &mut r.host.worker.io().port(A).incoming;
        incoming.push_back(HeapPacket::new(&a_to_g(8).build()));
    }
    r.host.settle();
    for slot in [0, 1] {
        let counted = &r.counters().copies[slot];
        assert_eq!(
            (counted.sent.packets.get(), counted.over_budget.get()),
            (1, 4)
        );
    }
    r.host.assert_balanced();
}
