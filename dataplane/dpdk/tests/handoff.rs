//! Packets between threads, and the threads themselves.

mod support;

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use dpdk::thread::CpuSet;
use dpdk::worker::LaunchError;
use dpdk::{Mbuf, clock, ring};
use support::{Burst, EAL, frame, options, pool};
use wire::packet::Packet;

/// Both tests need the two workers to themselves.
static WORKERS: parking_lot::Mutex<()> = parking_lot::Mutex::new(());

#[test]
fn packets_cross_a_ring_once_each_and_in_order() {
    const PACKETS: u64 = 100_000;
    let _alone = WORKERS.lock();
    let pool = pool("cross", 511);
    let (mut producer, mut consumer) = ring::create(&EAL, "cross", 64).unwrap();
    let source = pool.clone();
    let sender = EAL.launch(0, "sender", move || {
        let mut burst = Burst::new();
        let mut next = 0;
        while next < PACKETS || !burst.is_empty() {
            while next < PACKETS && !burst.is_full() {
                let Some(mut mbuf) = Mbuf::from_bytes(&source, &next.to_be_bytes()) else {
                    break;
                };
                mbuf.set_tag(next as u16);
                burst.push(mbuf);
                next += 1;
            }
            if producer.enqueue(&mut burst) == 0 {
                std::thread::yield_now();
            }
        }
    });
    let receiver = EAL.launch(1, "receiver", move || {
        let mut next = 0_u64;
        while next < PACKETS {
            let mut burst = Burst::new();
            if consumer.dequeue(&mut burst) == 0 {
                std::thread::yield_now();
            }
            for mbuf in burst {
                assert_eq!(mbuf.bytes(), next.to_be_bytes());
                assert_eq!(mbuf.tag(), next as u16);
                next += 1;
            }
        }
        next
    });
    sender.unwrap().join().unwrap();
    assert_eq!(receiver.unwrap().join().unwrap(), PACKETS);
    assert_eq!(pool.in_use(), 0);
}

#[test]
fn what_does_not_fit_into_a_ring_stays_in_order() {
    let pool = pool("full", 63);
    let (mut producer, mut consumer) = ring::create(&EAL, "full", 5).unwrap();
    let mut burst: Burst = (0..8)
        .map(|seed| Mbuf::from_bytes(&pool, &frame(seed, 4)).unwrap())
        .collect();
    assert_eq!((producer.enqueue(&mut burst), producer.queued()), (5, 5));
    let left: Vec<u8> = burst.iter().map(|mbuf| mbuf.bytes()[0]).collect();
    assert_eq!(left, [5, 6, 7]);

    let mut out: arrayvec::ArrayVec<Mbuf, 2> = arrayvec::ArrayVec::new();
    assert_eq!((consumer.dequeue(&mut out), consumer.queued()), (2, 3));
    assert_eq!((consumer.dequeue(&mut out), out[1].bytes()[0]), (0, 1));
    drop((burst, out));
    assert_eq!(pool.in_use(), 3);
    drop((producer, consumer));
    assert_eq!(pool.in_use(), 0, "a dropped ring returns what was in it");
}

#[test]
fn a_ring_that_cannot_be_made_gives_a_sentence() {
    let _first = ring::create(&EAL, "taken", 8).unwrap();
    let error = ring::create(&EAL, "taken", 8).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("ring 'taken' for 8 packets: File exists"),
        "{error}"
    );
    let error = ring::create(&EAL, "a-name-that-is-far-too-long-for-dpdk", 8).unwrap_err();
    assert!(error.to_string().contains("cannot name a ring"), "{error}");
}

#[test]
fn a_worker_is_pinned_and_named_and_others_are_not() {
    let before: HashSet<u16> = CpuSet::of_current_thread().unwrap().iter().collect();
    let _alone = WORKERS.lock();
    let core = options().worker_cores[0];
    let worker = EAL.launch(0, "poll", || {
        let name = std::fs::read_to_string("/proc/thread-self/comm").unwrap();
        let cores: Vec<u16> = CpuSet::of_current_thread().unwrap().iter().collect();
        (name, cores)
    });
    assert_eq!(
        worker.unwrap().join().unwrap(),
        ("poll\n".to_owned(), vec![core])
    );
    let after: HashSet<u16> = CpuSet::of_current_thread().unwrap().iter().collect();
    assert_eq!(
        before, after,
        "starting the EAL leaves a thread's processors alone"
    );
}

#[test]
fn a_worker_runs_one_thing_at_a_time_and_a_panic_is_an_error() {
    let _alone = WORKERS.lock();
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = stop.clone();
    let worker = EAL
        .launch(0, "busy", move || {
            while !stopped.load(Ordering::Acquire) {
                std::thread::yield_now();
            }
        })
        .unwrap();
    assert!(!worker.is_finished());
    assert_eq!(
        EAL.launch(0, "second", || ()).unwrap_err(),
        LaunchError::Busy(0)
    );
    let error = EAL.launch(2, "third", || ()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "there is no worker 2: DPDK was started with 2 worker cores"
    );
    stop.store(true, Ordering::Release);
    worker.join().unwrap();

    let worker = EAL.launch(0, "panic", || panic!("on purpose")).unwrap();
    let panic = worker.join().unwrap_err();
    assert_eq!(panic.downcast_ref::<&str>(), Some(&"on purpose"));
    assert_eq!(EAL.launch(0, "after", || 7).unwrap().join().unwrap(), 7);
}

#[test]
fn dpdk_starts_once_in_a_process() {
    let _running = &*EAL;
    let error = dpdk::Eal::start(&options()).unwrap_err();
    assert!(error.to_string().contains("already started"), "{error}");
}

#[test]
fn the_cycle_counter_runs_at_the_rate_it_says() {
    let _running = &*EAL;
    let from = clock::tsc();
    std::thread::sleep(std::time::Duration::from_millis(50));
    let cycles = clock::tsc() - from;
    assert!(
        cycles >= clock::tsc_hz() / 1000 * 45,
        "{cycles} of {} in 50 ms",
        clock::tsc_hz()
    );
    clock::prefetch(&from);
}
