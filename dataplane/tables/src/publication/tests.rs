use std::net::Ipv4Addr;
use std::sync::atomic::AtomicBool;

use wire::address::{NetworkId, Prefix96};

use super::*;
use crate::mappings::{Change, Entry, HostIndex, Key, Mappings};
use crate::snapshot::tests::snapshot;

/// A table in which every mapping carries the same owner, so that a reader who
/// sees two owners has seen half of two versions.
fn owned_by(owner: u16) -> Mappings {
    let network = NetworkId::new(1).expect("a tenant network");
    let changes: Vec<Change> = (0..64)
        .map(|i| {
            Change::Put(Entry {
                key: Key::new(network, Ipv4Addr::from_bits(i)),
                prefix: Prefix96([0; 12]),
                owner: HostIndex(owner),
                port: None,
                generation: 1,
                group: None,
            })
        })
        .collect();
    Mappings::default().with(&changes)
}

#[test]
fn versions_count_from_one_and_a_reader_says_which_it_is_on() {
    let mut publisher = Publisher::new(snapshot());
    let mut reader = publisher.reader();
    let observer = publisher.observer();
    assert_eq!(
        observer.versions().collect::<Vec<_>>(),
        [0],
        "before its first burst"
    );
    assert_eq!(reader.load().version, 1);
    assert_eq!(publisher.publish(snapshot()), 2);
    assert_eq!(
        observer.versions().collect::<Vec<_>>(),
        [1],
        "until its next burst"
    );
    assert_eq!(reader.load().version, 2);
    assert_eq!(observer.versions().collect::<Vec<_>>(), [2]);
}

#[test]
fn an_old_snapshot_is_kept_until_the_last_reader_moved_on() {
    let mut publisher = Publisher::new(snapshot());
    let (mut quick, mut slow) = (publisher.reader(), publisher.reader());
    quick.load();
    slow.load();
    let first = Arc::downgrade(&publisher.current());
    publisher.publish(snapshot());
    quick.load();
    assert_eq!(publisher.retire(), 1, "the slow reader may still read it");
    assert!(first.upgrade().is_some());
    slow.load();
    assert_eq!(publisher.retire(), 0);
    assert!(first.upgrade().is_none());
}

#[test]
fn a_version_tells_how_long_it_took_to_build_and_until_each_worker_had_it() {
    let time = Arc::new(AtomicU64::new(0));
    let read = Arc::clone(&time);
    let clock: Clock = Arc::new(move || read.load(Ordering::Relaxed));
    let mut publisher = Publisher::new(snapshot()).timed(clock);
    let mut reader = publisher.reader();
    let observer = publisher.observer();
    reader.begin_round(0);
    publisher.change(|current| {
        time.store(20, Ordering::Relaxed);
        current.clone()
    });
    time.store(25, Ordering::Relaxed);
    reader.begin_round(25);
    reader.load();
    time.store(50, Ordering::Relaxed);
    reader.load();
    assert_eq!(observer.built().read().collect::<Vec<_>>(), [(20, 1)]);
    let taken_up = observer.taken_up().next().expect("there is a reader");
    assert_eq!(
        taken_up.after.read().collect::<Vec<_>>(),
        [(5, 1)],
        "once a version"
    );
    assert_eq!(taken_up.late.read().collect::<Vec<_>>(), [(0, 1)]);
}

#[test]
fn a_version_that_a_round_overlooked_is_late_by_the_time_since_that_round_began() {
    let time = Arc::new(AtomicU64::new(10));
    let read = Arc::clone(&time);
    let clock: Clock = Arc::new(move || read.load(Ordering::Relaxed));
    let mut publisher = Publisher::new(snapshot()).timed(clock);
    let mut reader = publisher.reader();
    let observer = publisher.observer();
    publisher.publish(snapshot());
    for round in [15, 25] {
        time.store(round, Ordering::Relaxed);
        reader.begin_round(round);
    }
    reader.load();
    let taken_up = observer.taken_up().next().expect("there is a reader");
    assert_eq!(taken_up.late.read().collect::<Vec<_>>(), [(5, 1)]);
}

#[test]
fn an_observer_never_becomes_the_one_who_frees() {
    let mut publisher = Publisher::new(snapshot());
    let mut reader = publisher.reader();
    let held = publisher.observer().current();
    publisher.publish(snapshot());
    reader.load();
    assert_eq!(publisher.retire(), 1);
    drop(held);
    assert_eq!(publisher.retire(), 0);
}

#[test]
fn readers_in_other_threads_see_whole_versions_in_order() {
    let mut publisher = Publisher::new(Snapshot {
        mappings: owned_by(1),
        ..snapshot()
    });
    let stop = Arc::new(AtomicBool::new(false));
    let workers: Vec<_> = (0..2)
        .map(|_| {
            let (mut reader, stop) = (publisher.reader(), Arc::clone(&stop));
            std::thread::spawn(move || {
                let mut last = 0;
                while !stop.load(Ordering::Relaxed) {
                    let snapshot = reader.load();
                    assert!(snapshot.version >= last, "a version never goes back");
                    last = snapshot.version;
                    assert!(
                        snapshot
                            .mappings
                            .iter()
                            .all(|e| u64::from(e.owner.0) == last)
                    );
                }
            })
        })
        .collect();
    for version in 2..500 {
        assert_eq!(
            publisher.publish(Snapshot {
                mappings: owned_by(version),
                ..snapshot()
            }),
            version.into()
        );
    }
    stop.store(true, Ordering::Relaxed);
    for worker in workers {
        worker.join().expect("no worker saw half a version");
    }
}
