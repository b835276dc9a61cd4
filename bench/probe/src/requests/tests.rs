//! Both ends together, over the loopback interface.

use std::sync::atomic::Ordering;
use std::thread;

use super::*;

#[test]
fn every_request_is_answered_received_once_and_judged_so() {
    let socket = answer::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let to = socket.local_addr().unwrap().to_string().parse().unwrap();
    let (ends, dumps) = (AtomicBool::new(false), AtomicBool::new(false));
    let plan = ask::Plan {
        per_second: 20_000,
        count: 2_000,
        flows: 4,
        drain: Duration::from_secs(5),
    };
    let mut logs = Vec::new();
    let asked = thread::scope(|scope| {
        let answerer = scope.spawn(|| {
            let mut log = None;
            answer::answer(&socket, 7, &ends, &dumps, |report| {
                log = Some(report.clone());
                Ok(())
            })
            .unwrap();
            log.unwrap()
        });
        let asked = ask::ask(to, &plan, &AtomicBool::new(false)).unwrap();
        ends.store(true, Ordering::Relaxed);
        logs.push(answerer.join().unwrap());
        asked
    });
    assert_eq!(
        (asked.sent, asked.answered, asked.duplicates),
        (2000, 2000, 0)
    );
    assert_eq!((asked.answerers.len(), asked.answerers[0].id), (1, 7));
    assert_eq!(logs[0].ranges, [(0, 1999)]);
    let verdict = judge::judge(&asked, &logs);
    assert_eq!(
        (verdict.received, verdict.inbound_lost, verdict.stale),
        (2000, 0, 0)
    );
}

#[test]
fn requests_to_nobody_are_unanswered_and_an_asker_ends_when_told() {
    let nobody = answer::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let to = nobody.local_addr().unwrap().to_string().parse().unwrap();
    let plan = ask::Plan {
        per_second: 1_000,
        count: 20,
        flows: 1,
        drain: Duration::from_millis(5),
    };
    let asked = ask::ask(to, &plan, &AtomicBool::new(false)).unwrap();
    assert_eq!((asked.sent, asked.unanswered), (20, 20));
    assert_eq!(asked.unanswered_ranges, [(0, 19)]);
    let told = ask::ask(to, &plan, &AtomicBool::new(true)).unwrap();
    assert_eq!(told.sent, 0);
}
