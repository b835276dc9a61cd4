use tables::Publisher;
use tables::counters::WorkerCounters;
use wire::ethernet::MacAddress;

use super::*;
use crate::fixture::{S, T, config, group, host};

/// A host with two workers, of which each has copied some packets of 100 octets to t.
fn plane(packets: [u64; 2]) -> Plane {
    let config = config("r");
    let snapshot = knowledge::first_snapshot(&config, MacAddress([2, 0, 0, 0, 0, 1]));
    let index = tables::GroupIndex::new(0).unwrap();
    let workers = packets.map(|packets| {
        let counters = WorkerCounters::with_groups(1, 1, 3);
        // The members are s and t, in this order.
        let copies = &counters.group(index).unwrap().copies[1];
        copies.sent.packets.set(packets);
        copies.sent.bytes.set(100 * packets);
        counters
    });
    Plane::new(
        &config,
        Publisher::new(snapshot),
        workers.into(),
        Vec::new(),
        &[],
        rtrb::RingBuffer::new(1).0,
    )
}

fn count(packets: u64) -> Count {
    Count {
        group: group(),
        replica: host(T),
        packets,
        octets: 100 * packets,
    }
}

#[test]
fn all_workers_count_and_nothing_is_billed_for_a_replica_that_got_nothing() {
    let (billing, plane) = (Billing::new(&[]), plane([3, 4]));
    assert_eq!(billing.totals(&plane), [count(7)]);
    assert_eq!(billing.copied(&plane, 0, host(S)), Copied::default());
    assert_eq!(billing.copied(&plane, 9, host(T)), Copied::default());
}

#[test]
fn the_bill_only_grows_over_restarts() {
    let mut kept = Vec::new();
    let mut billed = 0;
    for daemon in [[3, 4], [0, 0], [1, 0], [50, 2]] {
        let (billing, plane) = (Billing::new(&kept), plane(daemon));
        kept = billing.totals(&plane);
        let copied = billing.copied(&plane, 0, host(T));
        assert_eq!(copied.packets, billed + daemon[0] + daemon[1]);
        assert_eq!(copied.octets, 100 * copied.packets);
        billed = copied.packets;
    }
    assert_eq!(kept, [count(60)]);
}

#[test]
fn counts_are_due_every_five_seconds() {
    let (mut billing, plane) = (Billing::new(&[]), plane([1, 0]));
    let start = Time(7_000_000_000);
    assert_eq!(billing.due(start, &plane), Some(vec![count(1)]));
    let early = start.after(Duration::from_millis(4_999));
    assert_eq!(billing.due(early, &plane), None);
    assert!(billing.due(start.after(PERIOD), &plane).is_some());
}
