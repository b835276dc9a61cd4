#![allow(clippy::unwrap_used, reason = "a test may fail")]

use super::*;
use crate::disk::Disk;
use crate::fixture::{MemoryDisk, SMALL_ROOM, STORE, record};
use crate::log::{Log, Opened};
use crate::snapshot::tests::search;

/// Makes the slip while this lives, in this thread only.
struct Planted;

impl Planted {
    fn new(slip: Slip) -> Self {
        plant(Some(slip));
        Self
    }
}

impl Drop for Planted {
    fn drop(&mut self) {
        plant(None);
    }
}

fn filled() -> MemoryDisk {
    let disk = MemoryDisk::default();
    let mut log = Log::begin(disk.clone(), STORE, SMALL_ROOM, &[]).unwrap();
    for seq in 1..=9 {
        log.append(&[record(1, seq, 40)]).unwrap();
    }
    disk
}

/// The newest record that a spoilt disk gives; `None` if it is refused.
fn newest(disk: &MemoryDisk) -> Option<u64> {
    match Log::open(disk.clone(), SMALL_ROOM).unwrap() {
        Opened::Restored(_, restored) => Some(restored.records[0].epoch.seq),
        Opened::Refused(..) => None,
        Opened::Empty(_) => Some(0),
    }
}

#[test]
fn slips_around_a_crash_are_found_by_stopping_at_every_step() {
    for slip in [
        Slip::DurableBeforeSync,
        Slip::DirectoryNotSynced,
        Slip::SnapshotNotSynced,
        Slip::SnapshotWithoutNewest,
    ] {
        let _planted = Planted::new(slip);
        assert!(search().is_some(), "{slip:?}");
    }
}

#[test]
fn without_the_marker_a_missing_log_passes_for_an_empty_disk() {
    let mut disk = filled();
    disk.remove("log.1").unwrap();
    assert_eq!(newest(&disk.copy()), None);
    let _planted = Planted::new(Slip::MarkerIgnored);
    assert_eq!(newest(&disk), Some(0));
}

#[test]
fn a_rotten_middle_that_passes_for_a_tail_is_a_rollback() {
    let disk = filled();
    disk.spoil("log.1", |octets| octets[4096 * 5 + 60] ^= 1);
    assert_eq!(newest(&disk.copy()), None);
    let _planted = Planted::new(Slip::MiddleTakenForTail);
    assert_eq!(newest(&disk), Some(4));
}

#[test]
fn without_the_chain_a_part_of_another_history_is_taken() {
    let disk = filled();
    let other = MemoryDisk::default();
    let mut log = Log::begin(other.clone(), STORE, SMALL_ROOM, &[]).unwrap();
    for seq in 11..=19 {
        log.append(&[record(1, seq, 40)]).unwrap();
    }
    let foreign = other.contents("log.1")[4096 * 9..4096 * 10].to_vec();
    disk.spoil("log.1", |octets| {
        octets[4096 * 9..4096 * 10].copy_from_slice(&foreign);
    });
    assert_eq!(newest(&disk.copy()), None);
    let _planted = Planted::new(Slip::BrokenChainAccepted);
    assert_eq!(newest(&disk), Some(19));
}
