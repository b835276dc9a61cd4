use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::fixture::{MemoryDisk, SMALL_ROOM, STORE, record, spoil_at_random};
use crate::sector::SECTOR;

fn begin() -> Log<MemoryDisk> {
    Log::begin(MemoryDisk::default(), STORE, SMALL_ROOM, &[]).unwrap()
}

/// A log with so many entries of one group each, in turn.
fn filled(entries: u64) -> Log<MemoryDisk> {
    let mut log = begin();
    for seq in 1..=entries {
        let facts = record((seq % 3) as u8, seq, 100 + 100 * (seq % 9) as usize);
        log.append(&[facts]).unwrap();
    }
    log
}

fn open(disk: &MemoryDisk) -> Opened<MemoryDisk> {
    Log::open(disk.clone(), SMALL_ROOM).unwrap()
}

fn restored(disk: &MemoryDisk) -> (Log<MemoryDisk>, Restored) {
    match open(disk) {
        Opened::Restored(log, restored) => (log, restored),
        other => panic!("not restored: {other:?}"),
    }
}

fn refused(disk: &MemoryDisk) -> Refusal {
    match open(disk) {
        Opened::Refused(_, refusal) => refusal,
        other => panic!("not refused: {other:?}"),
    }
}

#[test]
fn a_log_opens_as_it_was_left() {
    for entries in [0, 1, 2, 15, 16, 17, 40, 100] {
        let log = filled(entries);
        let left = log.restored(None);
        let (again, found) = restored(&log.disk);
        assert_eq!(found, left, "{entries}");
        assert_eq!(again.restored(None), left);
    }
}

#[test]
fn an_opened_log_goes_on() {
    let mut log = filled(5);
    for seq in 6..60 {
        log = restored(&log.disk).0;
        log.append(&[record(9, seq, 30)]).unwrap();
    }
    let (_, found) = restored(&log.disk);
    assert_eq!(found, log.restored(None));
    assert_eq!(found.records.len(), 4);
}

#[test]
fn an_empty_directory_is_empty_and_not_a_log() {
    assert!(matches!(open(&MemoryDisk::default()), Opened::Empty(_)));
}

#[test]
fn a_torn_tail_is_cut_off_and_that_is_said() {
    let log = filled(5);
    let before = log.restored(None);
    let (name, at) = (segment_name(log.generation), log.at);
    let disk = log.disk.copy();
    let mut log = log;
    log.append(&[record(1, 6, 1000)]).unwrap();
    let entry = log.disk.contents(&name)[at..at + 3 * SECTOR].to_vec();
    disk.spoil(&name, |octets| {
        octets[at..at + 700].copy_from_slice(&entry[..700]);
    });
    let (mut log, found) = restored(&disk);
    let tail = found.truncated.clone().unwrap();
    assert_eq!(
        (tail.file.as_str(), tail.offset),
        (name.as_str(), at as u64)
    );
    assert_eq!(found.records, before.records);
    // It is gone, not only skipped, and a shorter entry takes its place.
    log.append(&[record(2, 6, 10)]).unwrap();
    let (_, found) = restored(&log.disk);
    assert_eq!(found, log.restored(None));
}

#[test]
fn a_missing_entry_in_the_middle_is_refused_by_file_and_offset() {
    let log = filled(9);
    for index in 0..9 {
        let disk = log.disk.copy();
        let at = log.began_at + index * PAGE;
        disk.spoil("log.1", |octets| octets[at..at + PAGE].fill(0));
        if index == 8 {
            // The whole of the last one without a trace: no disk can tell that from a crash.
            assert_eq!(restored(&disk).1.entries, 9);
            continue;
        }
        let refusal = refused(&disk);
        assert_eq!(
            (refusal.file.as_str(), refusal.offset),
            ("log.1", at as u64)
        );
    }
}

#[test]
fn entries_that_changed_places_are_refused() {
    let log = filled(9);
    let at = log.began_at + 3 * PAGE;
    log.disk.spoil("log.1", |octets| {
        let (one, other) = octets[at..at + 2 * PAGE].split_at_mut(PAGE);
        one.swap_with_slice(other);
    });
    let refusal = refused(&log.disk);
    assert_eq!(refusal.offset, at as u64);
    assert!(refusal.reason.contains("does not follow"), "{refusal}");
}

#[test]
fn an_entry_of_another_history_is_refused() {
    let log = filled(9);
    let mut other = begin();
    for seq in 1..=9 {
        other.append(&[record(5, seq, 20)]).unwrap();
    }
    let at = log.began_at + 4 * PAGE;
    let foreign = other.disk.contents("log.1")[at..at + PAGE].to_vec();
    log.disk.spoil("log.1", |octets| {
        octets[at..at + PAGE].copy_from_slice(&foreign)
    });
    assert_eq!(refused(&log.disk).offset, at as u64);
}

/// Most of 10,000: the rest is done on a real file system (`tests/damage.rs`).
#[test]
fn ten_thousand_spoilt_disks_give_the_exact_state_or_a_refusal_and_never_a_rollback() {
    let mut random = ChaCha8Rng::seed_from_u64(3);
    let (mut exact, mut torn) = (0, 0);
    for entries in [0, 1, 2, 5, 8, 9, 10, 17, 25, 39] {
        let log = filled(entries);
        let left = log.restored(None);
        for _ in 0..1000 {
            let disk = log.disk.copy();
            let said = spoil_at_random(&disk, &mut random);
            match open(&disk) {
                Opened::Restored(_, mut found) => {
                    exact += 1;
                    torn += u32::from(found.truncated.take().is_some());
                    assert_eq!(found, left, "{said}");
                }
                Opened::Refused(disk, refusal) => {
                    assert!(said.starts_with(&refusal.file), "{said}: {refusal}");
                    let size = disk.contents(&refusal.file).len() as u64;
                    assert!(refusal.offset <= size, "{said}: {refusal}");
                }
                Opened::Empty(_) => panic!("{said}: taken for an empty disk"),
            }
        }
    }
    // Bits that nothing was written to are the only ones that may flip unnoticed.
    assert!(exact > 100 && exact < 2500, "{exact} of 10,000 opened");
    assert!(torn < exact, "{torn}");
}

#[test]
fn a_lost_or_exchanged_file_is_refused() {
    let log = filled(20);
    let old = filled(3);
    let other = Log::begin(MemoryDisk::default(), StoreId([9; 16]), SMALL_ROOM, &[]).unwrap();
    let name = segment_name(log.generation);
    assert_eq!(name, "log.2");
    for lost in [name.as_str(), "marker"] {
        let mut disk = log.disk.copy();
        disk.remove(lost).unwrap();
        assert_eq!(refused(&disk).file, name);
    }
    for (of, file, as_file) in [
        (&old.disk, "log.1", "log.2"),
        (&other.disk, "log.1", "log.2"),
        (&old.disk, "marker", "marker"),
        (&other.disk, "marker", "marker"),
    ] {
        let disk = log.disk.copy();
        let foreign = of.contents(file);
        disk.spoil(as_file, |octets| *octets = foreign);
        let refusal = refused(&disk);
        assert!(
            ["log.1", "log.2", "marker"].contains(&refusal.file.as_str()),
            "{refusal}"
        );
    }
}

#[test]
fn a_backup_of_everything_is_recognised_by_the_birth_of_its_marker() {
    let log = filled(4);
    let mut backup = MemoryDisk::default();
    for name in log.disk.file_names() {
        backup.create("another, so that births differ").unwrap();
        backup.create(&name).unwrap();
        backup
            .write_at(&name, 0, &log.disk.contents(&name))
            .unwrap();
    }
    assert!(refused(&backup).reason.contains("backup"));
}

#[test]
fn a_full_disk_is_said_and_the_log_goes_on_when_there_is_room() {
    let mut log = filled(3);
    let used: usize = log
        .disk
        .file_names()
        .iter()
        .map(|name| log.disk.contents(name).len())
        .sum();
    log.disk.0.lock().room = Some(used);
    let mut seq = 4;
    // The room of the segment is its own; only the next one does not fit.
    let error = loop {
        match log.append(&[record(1, seq, 100)]) {
            Ok(()) => seq += 1,
            Err(error) => break error,
        }
    };
    assert!(seq > 10 && error.may_be_retried(), "{seq} {error}");
    let left = log.restored(None);
    assert_eq!(restored(&log.disk.copy()).1, left);
    log.append(&[record(1, seq, 100)]).unwrap_err();
    log.disk.0.lock().room = None;
    log.append(&[record(1, seq, 100)]).unwrap();
    assert_eq!(restored(&log.disk).1, log.restored(None));
}

#[test]
fn what_a_failed_attempt_left_behind_is_gone_with_the_next_entry() {
    let mut log = filled(3);
    let end = log.at;
    // In place there is always room, so this is a copy-on-write file system's answer.
    log.disk.0.lock().room = Some(0);
    let error = log.append(&[record(1, 4, 3000)]).unwrap_err();
    assert!(error.may_be_retried());
    let left = log.restored(None);
    let found = restored(&log.disk.copy()).1;
    assert_eq!((found.records, found.entries), (left.records, left.entries));
    log.disk.0.lock().room = None;
    log.append(&[record(1, 4, 10)]).unwrap();
    let octets = log.disk.contents("log.1");
    assert!(octets[end + SECTOR..].iter().all(|&octet| octet == 0));
    assert_eq!(restored(&log.disk).1, log.restored(None));
}

#[test]
fn after_a_failed_fsync_nothing_is_tried_again() {
    let mut log = filled(3);
    log.disk.0.lock().fails_to_sync = true;
    let error = log.append(&[record(1, 4, 10)]).unwrap_err();
    assert!(matches!(error, JournalError::Broken { .. }), "{error}");
    log.disk.0.lock().fails_to_sync = false;
    let error = log.append(&[record(1, 4, 10)]).unwrap_err();
    assert!(matches!(error, JournalError::BrokenBefore), "{error}");
    assert!(matches!(log.snapshot(), Err(JournalError::BrokenBefore)));
}

#[test]
fn an_entry_larger_than_the_room_gets_a_segment_that_holds_it() {
    let mut log = filled(3);
    let facts: Vec<_> = (0..200).map(|index| record(index, 50, 1000)).collect();
    log.append(&facts).unwrap();
    let (_, found) = restored(&log.disk);
    assert_eq!(found.records.len(), 200);
    assert_eq!(found, log.restored(None));
}

#[test]
fn what_was_acknowledged_is_never_written_again() {
    let mut log = filled(3);
    let before = log.disk.contents("log.1")[..log.at].to_vec();
    log.append(&[record(1, 4, 700)]).unwrap();
    assert_eq!(log.disk.contents("log.1")[..before.len()], before);
    assert_eq!(before.len() % PAGE, 0);
}
