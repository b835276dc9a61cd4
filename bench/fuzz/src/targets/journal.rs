//! The durable log: from damaged files, and from arbitrary ones.

use journal::{Count, Fact, Kept, KeptRecord, Log, Opened, Restored, StoreId};
use messages::{Epoch, GroupId, HostId};

use crate::Target;
use crate::choices::Choices;
use crate::memory_disk::MemoryDisk;

pub(crate) const LOG: Target = Target {
    name: "journal_log",
    claim: "a damaged log or snapshot gives the exact state, or that of before an entry which a crash \
            could have left unfinished, and says so, or that of before entries of which no octet is \
            left, or a refusal that names the file and an offset in it",
    run: damaged_log,
};

pub(crate) const KEPT: Target = Target {
    name: "journal_kept",
    claim: "a damaged agent's disk gives the exact state, or an empty one with a complaint, and takes \
            new facts either way",
    run: damaged_kept,
};

pub(crate) const ARBITRARY: Target = Target {
    name: "journal_arbitrary",
    claim: "files of any octets in place of a log are refused by file and offset, or are taken for a \
            log that then survives being written and read again",
    run: arbitrary_files,
};

const STORE: StoreId = StoreId(*b"a disk of fuzz..");
/// Room for some entries of a page each, so that snapshots are taken.
const ROOM: usize = 8 * 4096;

fn fact(choices: &mut Choices<'_>, seq: u64) -> Fact {
    let group = GroupId::new(1, [10, 0, 0, choices.octet() % 4].into());
    match choices.below(4) {
        0 => Fact::Term(u32::from(choices.octet())),
        1 => Fact::Count(Count {
            group,
            replica: HostId([choices.octet() % 3; 9]),
            packets: seq,
            octets: seq * 100,
        }),
        _ => {
            let length = choices.below(600);
            let mut octets = choices.octets(length.min(8)).to_vec();
            octets.resize(length, seq as u8);
            Fact::Record(KeptRecord {
                group,
                epoch: Epoch { term: 1, seq },
                octets,
            })
        }
    }
}

/// A log of some entries: the disk, and what was restorable after each.
fn written(choices: &mut Choices<'_>) -> (MemoryDisk, Vec<Restored>) {
    let begun = Log::begin(MemoryDisk::default(), STORE, ROOM, &[Fact::Term(1)]);
    let mut log = begun.expect("an empty disk takes a log");
    let mut states = vec![log.restored(None)];
    for seq in 0..choices.below(14) as u64 {
        log.append(&[fact(choices, seq)]).expect("the disk works");
        states.push(log.restored(None));
    }
    (log.into_disk(), states)
}

fn damage(choices: &mut Choices<'_>, disk: &mut MemoryDisk) {
    let names = disk.names();
    let name = &names[choices.below(names.len())];
    let Some(octets) = disk.octets_mut(name) else {
        return;
    };
    for _ in 0..=choices.below(3) {
        if octets.is_empty() {
            return;
        }
        let at = choices.u16() as usize % octets.len();
        match choices.below(5) {
            0 => octets.truncate(at),
            1 => octets[at] = choices.octet(),
            2 => {
                let end = (at + 1 + choices.below(1_024)).min(octets.len());
                octets[at..end].fill(0);
            }
            _ => octets[at] ^= 1 << choices.below(8),
        }
    }
}

/// How many pages the files have up to the last octet that is not zero. An entry begins a page.
fn written_pages(disk: &mut MemoryDisk) -> usize {
    let names = disk.names();
    let pages = |name: &String| {
        let octets = disk.octets_mut(name)?;
        let last = octets.iter().rposition(|&octet| octet != 0)?;
        Some(last / 4_096 + 1)
    };
    names.iter().filter_map(pages).sum()
}

/// Whether two states hold the same facts. A snapshot that was taken just before an entry was lost is
/// an entry more, and changes nothing.
fn holds_the_same(one: &Restored, other: &Restored) -> bool {
    (&one.records, &one.counts, one.term) == (&other.records, &other.counts, other.term)
}

fn damaged_log(octets: &[u8]) {
    let mut choices = Choices::new(octets);
    let (mut disk, states) = written(&mut choices);
    let pages = written_pages(&mut disk);
    damage(&mut choices, &mut disk);
    // No log can tell them from entries that were never written. The hosts can: one that reports more
    // than the log has keeps the manager from deciding.
    let erased = written_pages(&mut disk) < pages;
    let before = disk.clone();
    match Log::open(disk, ROOM).expect("the disk works") {
        Opened::Restored(_, mut restored) => {
            let cut = restored.truncated.take();
            let exact = states.last() == Some(&restored);
            let is_earlier = states.iter().any(|state| holds_the_same(state, &restored));
            assert!(
                exact || (cut.is_some() || erased) && is_earlier,
                "neither the exact state nor that before a torn entry ({cut:?}): {restored:?}"
            );
        }
        Opened::Refused(mut disk, refusal) => {
            let names = before.names();
            assert!(names.contains(&refusal.file), "{refusal}");
            let length = disk
                .octets_mut(&refusal.file)
                .map_or(0, |octets| octets.len());
            assert!(refusal.offset <= length as u64, "{refusal} of {length}");
            assert!(!refusal.reason.is_empty());
        }
        Opened::Empty(_) => panic!("a damaged log is taken for none"),
    }
}

fn damaged_kept(octets: &[u8]) {
    let mut choices = Choices::new(octets);
    let (mut disk, states) = written(&mut choices);
    damage(&mut choices, &mut disk);
    let mut kept = Kept::open(disk, STORE, ROOM).expect("the disk works");
    let empty = kept.restored.records.is_empty() && kept.restored.counts.is_empty();
    match &kept.complaint {
        Some(complaint) => {
            assert!(empty, "a complaint and yet a state: {complaint}");
            assert!(complaint.contains("offset"), "{complaint}");
        }
        None => {
            kept.restored.truncated = None;
            assert!(states.contains(&kept.restored), "{:?}", kept.restored);
        }
    }
    let more = fact(&mut choices, 1_000);
    kept.log
        .append(std::slice::from_ref(&more))
        .expect("it goes on");
    let left = kept.log.restored(None);
    let again = Kept::open(kept.log.into_disk(), STORE, ROOM).expect("the disk works");
    assert_eq!(again.restored, left, "what was kept after {more:?}");
}

fn arbitrary_files(octets: &[u8]) {
    let mut choices = Choices::new(octets);
    let (mut disk, _) = written(&mut choices);
    for name in disk.names() {
        if choices.one_in(2)
            && let Some(octets) = disk.octets_mut(&name)
        {
            let length = choices.below(2_048);
            *octets = choices.octets(length).to_vec();
        }
    }
    damage(&mut choices, &mut disk);
    match Log::open(disk, ROOM).expect("the disk works") {
        Opened::Refused(mut disk, refusal) => {
            let length = disk
                .octets_mut(&refusal.file)
                .map(|octets| octets.len() as u64);
            assert!(
                length.is_some_and(|length| refusal.offset <= length),
                "{refusal}"
            );
        }
        Opened::Restored(mut log, _) => {
            log.append(&[Fact::Term(900)]).expect("the disk works");
            let left = log.restored(None);
            match Log::open(log.into_disk(), ROOM).expect("the disk works") {
                Opened::Restored(_, again) => assert_eq!(again, left),
                other => panic!("what was just written is not read: {other:?}"),
            }
        }
        Opened::Empty(_) => {}
    }
}
