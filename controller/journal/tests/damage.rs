//! Files that were cut short and bits that flipped, on a real file system.
//!
//! The larger part of the same test runs in memory (`src/log/tests.rs`).
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::fs::{self, OpenOptions};
use std::net::Ipv4Addr;
use std::os::unix::fs::FileExt;
use std::path::Path;

use journal::{Fact, KeptRecord, Log, Opened, RealDisk, Restored, StoreId};
use messages::{Epoch, GroupId};
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

const ROOM: usize = 8 * 4096;
const DAMAGES: u32 = 500;

fn open(path: &Path) -> Opened<RealDisk> {
    Log::open(RealDisk::open(path).unwrap(), ROOM).unwrap()
}

/// A log that has come to its second segment.
fn fill(path: &Path) -> Restored {
    let disk = RealDisk::open(path).unwrap();
    let mut log = Log::begin(disk, StoreId([7; 16]), ROOM, &[Fact::Term(3)]).unwrap();
    for seq in 1..=13 {
        let record = KeptRecord {
            group: GroupId::new(1, Ipv4Addr::new(10, 0, 0, (seq % 4) as u8)),
            epoch: Epoch { term: 3, seq },
            octets: vec![seq as u8; 100 * seq as usize],
        };
        log.append(&[Fact::Record(record)]).unwrap();
    }
    log.restored(None)
}

/// Writes into the file that is there: a copy of the marker would be refused for being one.
fn overwrite(path: &Path, octets: &[u8]) {
    let file = OpenOptions::new().write(true).open(path).unwrap();
    file.set_len(octets.len() as u64).unwrap();
    file.write_all_at(octets, 0).unwrap();
}

#[test]
fn a_spoilt_directory_gives_the_exact_state_or_a_refusal() {
    let directory = tempfile::tempdir().unwrap();
    let left = fill(directory.path());
    let files = ["log.2", "marker"];
    let whole = files.map(|file| fs::read(directory.path().join(file)).unwrap());
    let mut random = ChaCha8Rng::seed_from_u64(4);
    let mut refused = 0;
    for damage in 0..DAMAGES {
        let index = *[0, 0, 0, 1].choose(&mut random).unwrap();
        let path = directory.path().join(files[index]);
        let mut octets = whole[index].clone();
        if random.random_bool(0.5) {
            octets.truncate(random.random_range(0..octets.len()));
        } else {
            let at = random.random_range(0..octets.len());
            octets[at] ^= 1 << random.random_range(0..8);
        }
        overwrite(&path, &octets);
        match open(directory.path()) {
            Opened::Restored(_, mut restored) => {
                restored.truncated = None;
                assert_eq!(restored, left, "damage {damage}");
            }
            Opened::Refused(_, refusal) => {
                refused += 1;
                assert_eq!(refusal.file, files[index]);
                assert!(refusal.offset <= octets.len() as u64, "{refusal}");
            }
            Opened::Empty(_) => panic!("damage {damage}: taken for an empty directory"),
        }
        overwrite(&path, &whole[index]);
    }
    assert!(refused > DAMAGES / 2, "{refused}");
}
