use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::error::Refusal;
use crate::fixture::{MemoryDisk, SMALL_ROOM, STORE, record};
use crate::log::{Opened, Restored};

/// Three entries: every fourth begins a segment.
const ROOM: usize = 3 * 4096;
const ENTRIES: u64 = 8;
/// Of the outcomes of one crash so many are looked at in order, and as many drawn at random if
/// there are more.
const OUTCOMES: usize = 100;

/// Visits what a crash now may leave on the disk.
fn each_outcome(disk: &MemoryDisk, random: &mut ChaCha8Rng, mut visit: impl FnMut(MemoryDisk)) {
    let mut choices: Vec<(usize, usize)> = Vec::new();
    for _ in 0..OUTCOMES {
        let mut at = 0;
        visit(disk.crash(&mut |of| {
            if at == choices.len() {
                choices.push((0, of));
            }
            at += 1;
            choices[at - 1].0
        }));
        while let Some((chosen, of)) = choices.pop() {
            if chosen + 1 < of {
                choices.push((chosen + 1, of));
                break;
            }
        }
        if choices.is_empty() {
            return;
        }
    }
    for _ in 0..OUTCOMES {
        visit(disk.crash(&mut |of| random.random_range(0..of)));
    }
}

/// Facts of one to three sectors.
fn facts(seq: u64) -> Vec<Fact> {
    let index = (seq % 3) as u8;
    vec![record(index, seq, 20 + 450 * index as usize)]
}

/// The records after so many entries.
fn records(entries: u64) -> Vec<Fact> {
    let mut state = State::default();
    for seq in 1..=entries {
        facts(seq).iter().for_each(|fact| state.learn(fact));
    }
    state.facts()
}

fn as_facts(restored: &Restored) -> Vec<Fact> {
    restored.records.iter().cloned().map(Fact::Record).collect()
}

/// Begins a log and adds to it until the machine stops. How many entries were acknowledged; `None`
/// if not even the beginning was.
fn live(disk: &MemoryDisk) -> Option<u64> {
    let mut log = Log::begin(disk.clone(), STORE, ROOM, &[]).ok()?;
    for seq in 1..=ENTRIES {
        if log.append(&facts(seq)).is_err() {
            return Some(seq - 1);
        }
    }
    Some(ENTRIES)
}

/// What is wrong with what a restart finds, if anything is.
fn fault(disk: &MemoryDisk, acknowledged: Option<u64>) -> Option<String> {
    let opened = Log::open(disk.clone(), ROOM).unwrap();
    let is_right = match (&opened, acknowledged) {
        (Opened::Restored(_, restored), Some(entries)) => {
            let found = as_facts(restored);
            found == records(entries) || found == records(entries + 1)
        }
        (Opened::Restored(_, restored), None) => as_facts(restored).is_empty(),
        (Opened::Empty(_), None) => true,
        _ => false,
    };
    (!is_right).then(|| format!("{acknowledged:?} were acknowledged, and found is {opened:?}"))
}

/// Stops the machine at every step of a log's life, and looks at what may be found then. The first
/// fault.
pub(crate) fn search() -> Option<String> {
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let whole = MemoryDisk::default();
    assert_eq!(live(&whole), Some(ENTRIES));
    let steps = whole.0.lock().changes;
    let mut found = None;
    for step in 0..steps {
        let disk = MemoryDisk::default();
        disk.0.lock().changes_left = Some(step);
        let acknowledged = live(&disk);
        let mut dice = ChaCha8Rng::seed_from_u64(step as u64);
        each_outcome(&disk, &mut random, |disk| {
            if found.is_some() {
                return;
            }
            // Another crash comes while the first one is mended, sometimes.
            if dice.random_ratio(1, 3) {
                disk.0.lock().changes_left = Some(dice.random_range(0..6));
                let _ = Log::open(disk.clone(), ROOM);
                let again = disk.crash(&mut |of| dice.random_range(0..of));
                found = fault(&again, acknowledged);
            }
            disk.0.lock().changes_left = None;
            found = found.take().or_else(|| fault(&disk, acknowledged));
        });
        if let Some(fault) = found {
            return Some(format!("step {step} of {steps}: {fault}"));
        }
    }
    None
}

#[test]
fn a_crash_at_any_step_loses_nothing_that_was_acknowledged() {
    assert_eq!(search(), None);
}

#[test]
fn a_crash_while_a_refused_log_is_replaced_leaves_it_refused_or_replaced() {
    let mut random = ChaCha8Rng::seed_from_u64(2);
    let spoilt = MemoryDisk::default();
    live(&spoilt);
    spoilt.spoil("marker", |octets| octets.truncate(100));
    let facts = [Fact::Term(5), record(1, 9, 40)];
    for step in 0.. {
        let disk = spoilt.copy();
        disk.0.lock().changes_left = Some(step);
        let is_acknowledged = Log::begin(disk.clone(), STORE, ROOM, &facts).is_ok();
        each_outcome(&disk, &mut random, |disk| {
            match Log::open(disk, ROOM).unwrap() {
                Opened::Restored(log, restored) => {
                    assert_eq!(restored.term, 5);
                    assert_eq!(as_facts(&restored), facts[1..]);
                    assert!(log.generation > 3);
                }
                Opened::Refused(disk, _) => {
                    assert!(!is_acknowledged);
                    Log::begin(disk, STORE, ROOM, &facts).unwrap();
                }
                Opened::Empty(_) => panic!("step {step}: taken for an empty disk"),
            }
        });
        if is_acknowledged {
            assert!(step > 8);
            return;
        }
    }
}

#[test]
fn a_refused_log_is_set_aside_and_only_the_last_one_is_kept() {
    let disk = MemoryDisk::default();
    live(&disk);
    for _ in 0..3 {
        disk.spoil("marker", |octets| octets[30] ^= 4);
        let Opened::Refused(refused, Refusal { file, offset, .. }) =
            Log::open(disk.clone(), ROOM).unwrap()
        else {
            panic!("a rotten marker must be refused");
        };
        assert_eq!((file.as_str(), offset), ("marker", 0));
        Log::begin(refused, STORE, ROOM, &[]).unwrap();
        let names = disk.file_names();
        assert_eq!(names.len(), 4, "{names:?}");
        assert!(names.contains(&"refused.marker".into()), "{names:?}");
    }
}

#[test]
fn a_snapshot_is_worth_its_while_when_half_of_the_room_is_used() {
    let mut log = Log::begin(MemoryDisk::default(), STORE, SMALL_ROOM, &[]).unwrap();
    for seq in 1..=8 {
        assert!(!log.is_half_full());
        log.append(&facts(seq)).unwrap();
    }
    log.append(&facts(9)).unwrap();
    assert!(log.is_half_full());
    let before = log.restored(None);
    log.snapshot().unwrap();
    assert!(!log.is_half_full());
    let after = log.restored(None);
    assert_eq!(
        (after.records, after.entries),
        (before.records, before.entries + 1)
    );
    assert_eq!(log.disk.file_names(), ["log.2", "marker"]);
}
