use super::*;

const G: u16 = 1;
const J: u16 = 2;

/// A ledger of `count` requests, one every 10 ns from 100.
fn asked(count: u64) -> Ledger {
    let mut ledger = Ledger::default();
    for sequence in 0..count {
        ledger.request(100 + 10 * sequence, true);
    }
    ledger
}

#[test]
fn a_takeover_names_the_last_of_the_old_and_the_first_of_the_new() {
    let mut ledger = asked(3);
    ledger.answer(130, G, 0);
    ledger.answer(140, G, 1);
    ledger.answer(200, J, 2);
    ledger.sending_ends(210);
    let report = ledger.report();
    let takeover = Takeover {
        from: G,
        to: J,
        old_last_ns: 140,
        new_first_ns: 200,
    };
    assert_eq!(report.takeovers, [takeover]);
    assert_eq!(
        (report.answered, report.unanswered, report.stale),
        (3, 0, 0)
    );
    let gap = Gap {
        ns: 60,
        from_ns: 140,
        to_ns: 200,
    };
    assert_eq!(report.longest_gap, gap);
}

#[test]
fn an_answer_of_the_old_one_after_a_takeover_is_stale() {
    let mut ledger = asked(3);
    ledger.answer(130, G, 0);
    ledger.answer(140, J, 1);
    ledger.answer(150, G, 2);
    let report = ledger.report();
    assert_eq!((report.stale, report.takeovers.len()), (1, 1));
}

#[test]
fn a_second_answer_is_a_duplicate_whoever_gives_it() {
    let mut ledger = asked(2);
    for (now_ns, id) in [(130, G), (140, G), (150, J)] {
        ledger.answer(now_ns, id, 0);
    }
    let report = ledger.report();
    assert_eq!((report.answered, report.duplicates), (1, 2));
    assert_eq!(report.unanswered_ranges, [(1, 1)]);
}

#[test]
fn a_refused_request_is_neither_sent_nor_unanswered() {
    let mut ledger = asked(1);
    ledger.request(110, false);
    ledger.answer(120, G, 0);
    assert!(!ledger.waits());
    let report = ledger.report();
    assert_eq!((report.sent, report.refused, report.unanswered), (1, 1, 0));
    assert_eq!(report.refused_ranges, [(1, 1)]);
}

#[test]
fn silence_until_the_end_of_sending_is_a_gap_and_silence_after_it_is_not() {
    let mut ledger = asked(2);
    ledger.answer(120, G, 0);
    ledger.sending_ends(500);
    ledger.answer(9000, G, 1);
    let report = ledger.report();
    assert_eq!(report.longest_gap.ns, 380);
    assert_eq!(report.answer_us_max, Some(8));
}

#[test]
fn an_answer_to_what_was_never_asked_is_unknown() {
    let mut ledger = asked(1);
    ledger.answer(120, G, 7);
    ledger.answer(120, G, u64::MAX);
    assert_eq!(ledger.report().unknown, 2);
}

#[test]
fn an_empty_run_has_a_report() {
    let report = Ledger::default().report();
    assert_eq!((report.sent, report.answer_us_p50), (0, None));
}
