use std::net::Ipv4Addr;

use messages::{GroupId, HostId};

use super::*;
use crate::fact::{Count, Fact};
use crate::fixture::{MemoryDisk, SMALL_ROOM, STORE, record};

fn open(disk: &MemoryDisk) -> Kept<MemoryDisk> {
    Kept::open(disk.clone(), STORE, SMALL_ROOM).unwrap()
}

fn count(replica: u8, packets: u64) -> Fact {
    Fact::Count(Count {
        group: GroupId::new(1, Ipv4Addr::LOCALHOST),
        replica: HostId([replica; 9]),
        packets,
        octets: 100 * packets,
    })
}

#[test]
fn records_and_counts_are_there_after_a_restart() {
    let disk = MemoryDisk::default();
    let mut kept = open(&disk);
    assert_eq!(kept.complaint, None);
    let many: Vec<_> = (0..100).map(|index| record(index, 3, 200)).collect();
    kept.log.append(&many).unwrap();
    for packets in 1..50 {
        kept.log.append(&[count(1, packets), count(2, 7)]).unwrap();
    }
    let again = open(&disk);
    assert_eq!(again.restored.records.len(), 100);
    let counts: Vec<_> = again
        .restored
        .counts
        .iter()
        .copied()
        .map(Fact::Count)
        .collect();
    assert_eq!(counts, [count(1, 49), count(2, 7)]);
}

#[test]
fn many_records_cost_one_fsync() {
    let disk = MemoryDisk::default();
    let mut kept = open(&disk);
    let before = disk.0.lock().changes;
    let many: Vec<_> = (0..100).map(|index| record(index, 3, 200)).collect();
    kept.log.append(&many[..50]).unwrap();
    assert_eq!(disk.0.lock().changes - before, 2, "a write and an fsync");
}

#[test]
fn a_rotten_file_is_set_aside_with_a_sentence_and_the_agent_begins_without() {
    let disk = MemoryDisk::default();
    open(&disk).log.append(&[record(1, 1, 50)]).unwrap();
    disk.spoil("log.1", |octets| octets[4100] ^= 1);
    let mut kept = open(&disk);
    let complaint = kept.complaint.unwrap();
    assert!(
        complaint
            .starts_with("log.1, offset 4096: the checksum is wrong; this host begins without"),
        "{complaint}"
    );
    assert_eq!(kept.restored.records, []);
    assert!(disk.file_names().contains(&"refused.log.1".into()));
    kept.log.append(&[record(2, 2, 50)]).unwrap();
    let kept = open(&disk);
    assert_eq!((kept.complaint, kept.restored.records.len()), (None, 1));
}
