use api::SpanKind;
use failover::Note;
use failover::note::{Cause, Evidence};
use runtime::replication::ClockOffset;

use super::*;
use crate::fixture::{R, S, T, config, epoch, group, host};

const MS: u64 = 1_000_000;

/// When the manager decided, by its own clock.
const ZERO_MS: u64 = 50_000;

/// How far the clocks of the hosts are ahead of the manager's.
const AHEAD_MS: [u64; 3] = [0, 7_000, 900];

/// A host that notes things: at a time in milliseconds by the manager's clock, under an epoch.
struct Witnessing {
    host: usize,
    flights: Flights,
    names: Names,
}

impl Witnessing {
    fn new(host: usize, name: &str) -> Self {
        let config = config(name);
        Self {
            host,
            names: Names::new(Arc::clone(&config)),
            flights: Flights::new(config),
        }
    }

    fn own(&self, ms: u64) -> Time {
        Time((ms + AHEAD_MS[self.host]) * MS)
    }

    fn note(&mut self, ms: u64, seq: u64, fact: Fact) {
        let note = Note {
            group: Some(group()),
            epoch: Some(epoch(seq)),
            fact,
        };
        let timed = TimedNote {
            at: self.own(ms),
            note,
        };
        let event = self.names.event(&timed, 0);
        self.flights.note(&timed, &event, &Around::default());
    }

    fn installed(&mut self, ms: u64, seq: u64, owner: usize, generation: u64) {
        let owner = Some(host(owner));
        self.note(ms, seq, Fact::Installed { owner, generation });
    }

    fn reports(&mut self, ms: u64) -> Vec<Witness> {
        let now = self.own(ms);
        assert!(self.flights.is_report_due(now));
        self.flights.reports(now, &Around::default())
    }

    fn testimonies(&mut self, ms: u64) -> Vec<Testimony> {
        let clock = ClockOffset {
            to_ours_ns: -((AHEAD_MS[self.host] * MS) as i64),
            uncertainty_ns: 100_000,
        };
        let from = host(self.host);
        let reports = self.reports(ms).into_iter();
        reports
            .map(|witness| Testimony {
                from,
                clock: Some(clock),
                witness,
            })
            .collect()
    }
}

/// s owned the address and is dead, t has it now. The manager's host and t saw it.
fn promotion() -> (Witnessing, Witnessing) {
    let (mut r, mut t) = (Witnessing::new(R, "r"), Witnessing::new(T, "t"));
    for host in [&mut r, &mut t] {
        host.installed(1_000, 3, S, 1);
    }
    t.note(
        ZERO_MS - 2,
        3,
        Fact::OwnerSilent {
            silence: Duration::from_millis(150),
        },
    );
    r.note(
        ZERO_MS - 1,
        3,
        Fact::Evidence {
            evidence: Evidence::Silence,
        },
    );
    let deciding = |seq, cause| Fact::Deciding {
        epoch: epoch(seq),
        cause,
    };
    r.note(ZERO_MS, 3, deciding(4, Cause::Promotion));
    t.installed(ZERO_MS + 10, 4, T, 2);
    r.installed(ZERO_MS + 11, 4, T, 2);
    t.note(ZERO_MS + 12, 4, Fact::Unmuted);
    let at = Time((ZERO_MS + 13) * MS);
    t.note(ZERO_MS + 13, 4, Fact::FirstAnswer { at });
    r.note(ZERO_MS + 900, 4, deciding(5, Cause::MemberJoining));
    (r, t)
}

fn finish(recorder: &mut Flights) -> FlightRecord {
    let long_after = Time((ZERO_MS + 60_000) * MS);
    let mut records = recorder.finished(long_after, |at| 1_700_000_000_000 + at.0 / MS);
    assert_eq!(records.len(), 1);
    records.remove(0)
}

#[test]
fn a_promotion_is_told_on_the_managers_time_with_the_dead_owner_and_the_missing_host() {
    let (mut r, mut t) = promotion();
    let now = Time((ZERO_MS + 2_000) * MS);
    let mut parts = t.testimonies(ZERO_MS + 2_000);
    parts.extend(r.testimonies(ZERO_MS + 2_000));
    for part in parts {
        r.flights.hear(now, part);
    }
    assert!(
        r.flights.finished(now, |_| 0).is_empty(),
        "others may follow"
    );
    let record = finish(&mut r.flights);
    assert_eq!(record.id, "z_10.0.0.3-1.4");
    assert_eq!(record.group, "z/10.0.0.3");
    assert_eq!(record.from.as_deref(), Some("s"), "though it is dead");
    assert_eq!(record.to.as_deref(), Some("t"));
    assert_eq!(record.epoch_before.as_deref(), Some("1.3"));
    assert_eq!(record.epoch_after.as_deref(), Some("1.4"));
    assert_eq!(record.generation_after, 2);
    assert_eq!(record.started_unix_ms, 1_700_000_000_000 + ZERO_MS);
    assert_eq!(record.first_answer_us, Some(13_000));
    assert_eq!(record.missing, ["s"]);
    assert_eq!(record.cause, "owner_lost");
    assert!(record.text.contains("Silence"), "{}", record.text);
    let hosts: Vec<&str> = record.hosts.iter().map(|host| host.host.as_str()).collect();
    assert_eq!(hosts, ["r", "t"], "the manager first");
    let t = &record.hosts[1];
    assert_eq!(t.uncertainty_us, 100);
    let at = |kind: &str| {
        t.entries
            .iter()
            .find(|entry| entry.kind == kind)
            .unwrap()
            .at_us
    };
    assert_eq!(at("owner_silent"), -2_000);
    assert_eq!(at("installed"), 10_000, "not the one of long before");
    let silence = t
        .spans
        .iter()
        .find(|span| span.kind == SpanKind::Silence)
        .unwrap();
    assert_eq!((silence.from_us, silence.until_us), (-152_000, -2_000));
    let kept: Vec<&str> = r
        .flights
        .records()
        .map(|record| record.id.as_str())
        .collect();
    assert_eq!(kept, ["z_10.0.0.3-1.4"]);
}

#[test]
fn a_long_report_comes_whole_from_its_parts_in_any_order() {
    let (mut r, mut t) = promotion();
    for number in 0..100 {
        t.note(ZERO_MS + 20, 4, Fact::Suspected { number });
    }
    let now = Time((ZERO_MS + 2_000) * MS);
    let mut parts = t.testimonies(ZERO_MS + 2_000);
    assert!(parts.len() > 3, "{} parts", parts.len());
    for part in &parts {
        assert!(part.witness.octets.len() <= WITNESS_BYTES_MAX);
        assert_eq!(usize::from(part.witness.parts), parts.len());
    }
    parts.reverse();
    let doubled = parts[0].clone();
    parts.push(doubled);
    for part in parts {
        r.flights.hear(now, part);
    }
    let record = finish(&mut r.flights);
    let suspected = record.hosts[0].entries.iter();
    assert_eq!(
        suspected.filter(|entry| entry.kind == "suspected").count(),
        100
    );
}

#[test]
fn a_host_of_whose_report_a_part_is_lost_is_named_as_missing() {
    let (mut r, mut t) = promotion();
    for number in 0..100 {
        t.note(ZERO_MS + 20, 4, Fact::Suspected { number });
    }
    let now = Time((ZERO_MS + 2_000) * MS);
    let mut parts = t.testimonies(ZERO_MS + 2_000);
    parts.remove(1);
    parts.extend(r.testimonies(ZERO_MS + 2_000));
    for part in parts {
        r.flights.hear(now, part);
    }
    let record = finish(&mut r.flights);
    assert_eq!(record.missing, ["s", "t"]);
    assert_eq!(record.from.as_deref(), Some("s"));
    assert_eq!(
        record.to.as_deref(),
        Some("t"),
        "the manager's host knows it"
    );
}

#[test]
fn a_report_that_comes_after_the_record_does_not_replace_it() {
    let (mut r, mut t) = promotion();
    let now = Time((ZERO_MS + 2_000) * MS);
    for part in r.testimonies(ZERO_MS + 2_000) {
        r.flights.hear(now, part);
    }
    let record = finish(&mut r.flights);
    let late = Time((ZERO_MS + 70_000) * MS);
    for part in t.testimonies(ZERO_MS + 70_000) {
        r.flights.hear(late, part);
    }
    let later = Time((ZERO_MS + 90_000) * MS);
    assert!(r.flights.finished(later, |_| 0).is_empty());
    assert_eq!(r.flights.records().collect::<Vec<_>>(), [&record]);
}

#[test]
fn a_new_record_of_the_same_owner_is_no_change_and_neither_is_the_first() {
    let mut r = Witnessing::new(R, "r");
    r.installed(1_000, 3, S, 1);
    r.installed(1_100, 4, S, 1);
    assert!(!r.flights.is_report_due(Time(u64::MAX)));
}
