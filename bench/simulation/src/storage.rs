//! What a host's daemons keep: the real journal over a simulated disk, and the thread that waits
//! for the disk as a time that passes.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;

use failover::{LogState, Restored};
use journal::{Disk, Fact, Kept, KeptRecord, Log, Opened, StoreId};
use messages::{SignedRecord, codec};

use crate::dice::Dice;
use crate::disk::SimulatedDisk;

/// The room of a segment in octets: so small that a run writes snapshots.
const ROOM_OCTETS: usize = 32 << 10;

/// A disk that outlives the daemon that writes to it.
#[derive(Clone, Debug)]
pub struct SharedDisk(Rc<RefCell<SimulatedDisk>>);

/// A directory and the log in it, while a daemon lives.
#[derive(Debug)]
pub struct Store {
    disk: SharedDisk,
    state: State,
    waiting: Vec<(u64, SignedRecord)>,
    writing: Vec<(u64, SignedRecord)>,
}

#[derive(Debug)]
enum State {
    Closed,
    Open(Box<Log<SharedDisk>>),
    Refused,
}

/// What came of a write.
#[derive(Debug)]
pub enum Written {
    /// These tokens are durable.
    Durable(Vec<u64>),
    /// There was no room for these.
    Refused(Vec<u64>),
    /// Nobody knows: the process must end.
    Broken,
}

impl Store {
    /// An empty directory.
    #[must_use]
    pub fn new(dice: Dice) -> Self {
        Self {
            disk: SharedDisk(Rc::new(RefCell::new(SimulatedDisk::new(dice)))),
            state: State::Closed,
            waiting: Vec::new(),
            writing: Vec::new(),
        }
    }

    /// The disk under it.
    pub fn disk(&self) -> std::cell::RefMut<'_, SimulatedDisk> {
        self.disk.0.borrow_mut()
    }

    /// Opens what an agent kept. `None`: the disk does not work, and the daemon ends.
    pub fn open_kept(&mut self, name: u64) -> Option<Vec<SignedRecord>> {
        let kept = Kept::open(self.disk.clone(), store_id(name), ROOM_OCTETS).ok()?;
        self.state = State::Open(Box::new(kept.log));
        Some(records(&kept.restored.records))
    }

    /// Opens the manager's log. `None`: the disk does not work, and the daemon ends.
    pub fn open_log(&mut self, name: u64) -> Option<Restored> {
        let (log, state) = match Log::open(self.disk.clone(), ROOM_OCTETS).ok()? {
            Opened::Restored(log, restored) => {
                self.state = State::Open(Box::new(log));
                return Some(Restored {
                    log: LogState::Whole,
                    records: records(&restored.records),
                });
            }
            Opened::Empty(disk) => {
                let log = Log::begin(disk, store_id(name), ROOM_OCTETS, &[]).ok()?;
                (State::Open(Box::new(log)), LogState::New)
            }
            Opened::Refused(_, _) => (State::Refused, LogState::Lost),
        };
        self.state = log;
        Some(Restored {
            log: state,
            records: Vec::new(),
        })
    }

    /// A record is to be made durable; `true` if the disk was idle and now is not.
    pub fn submit(&mut self, token: u64, record: SignedRecord) -> bool {
        self.waiting.push((token, record));
        self.begin()
    }

    /// Goes on with what waits; `false` if nothing does, or the disk is at work.
    pub fn begin(&mut self) -> bool {
        if !self.writing.is_empty() || self.waiting.is_empty() {
            return false;
        }
        std::mem::swap(&mut self.writing, &mut self.waiting);
        true
    }

    /// The disk has had its time.
    pub fn finish(&mut self, name: u64) -> Written {
        let batch = std::mem::take(&mut self.writing);
        let facts: Vec<Fact> = batch.iter().map(|(_, record)| fact(record)).collect();
        let tokens = batch.iter().map(|&(token, _)| token).collect();
        let result = match &mut self.state {
            State::Open(log) => log.append(&facts),
            State::Refused => {
                match Log::begin(self.disk.clone(), store_id(name), ROOM_OCTETS, &facts) {
                    Ok(log) => {
                        self.state = State::Open(Box::new(log));
                        Ok(())
                    }
                    Err(error) => Err(error),
                }
            }
            State::Closed => return Written::Broken,
        };
        match result {
            Ok(()) => Written::Durable(tokens),
            Err(error) if error.may_be_retried() => Written::Refused(tokens),
            Err(_) => Written::Broken,
        }
    }

    /// The daemon dies, perhaps in the middle of a write: after so many operations.
    pub fn die(&mut self, operations: Option<u32>, machine: bool, name: u64) {
        if let Some(operations) = operations {
            self.disk().die_after(operations);
            if !self.writing.is_empty() {
                let _unknown = self.finish(name);
            }
        }
        self.state = State::Closed;
        self.waiting.clear();
        self.writing.clear();
        if machine {
            self.disk().machine_died();
        } else {
            self.disk().process_died();
        }
    }

    /// Records waiting and being written.
    #[must_use]
    pub fn backlog(&self) -> usize {
        self.waiting.len() + self.writing.len()
    }
}

fn store_id(name: u64) -> StoreId {
    let mut octets = [0; 16];
    octets[..8].copy_from_slice(&name.to_le_bytes());
    StoreId(octets)
}

fn fact(signed: &SignedRecord) -> Fact {
    Fact::Record(KeptRecord {
        group: signed.record.group,
        epoch: signed.record.epoch,
        octets: codec::encode(signed).unwrap_or_default(),
    })
}

/// What does not decode is not there, as the runtime treats it.
fn records(kept: &[KeptRecord]) -> Vec<SignedRecord> {
    kept.iter()
        .filter_map(|record| codec::decode(&record.octets).ok())
        .collect()
}

impl Disk for SharedDisk {
    fn list(&mut self) -> io::Result<Vec<String>> {
        self.0.borrow_mut().list()
    }

    fn size(&mut self, file: &str) -> io::Result<u64> {
        self.0.borrow_mut().size(file)
    }

    fn read(&mut self, file: &str) -> io::Result<Vec<u8>> {
        self.0.borrow_mut().read(file)
    }

    fn create(&mut self, file: &str) -> io::Result<()> {
        self.0.borrow_mut().create(file)
    }

    fn write_at(&mut self, file: &str, offset: u64, octets: &[u8]) -> io::Result<()> {
        self.0.borrow_mut().write_at(file, offset, octets)
    }

    fn sync(&mut self, file: &str) -> io::Result<()> {
        self.0.borrow_mut().sync(file)
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        self.0.borrow_mut().rename(from, to)
    }

    fn remove(&mut self, file: &str) -> io::Result<()> {
        self.0.borrow_mut().remove(file)
    }

    fn sync_directory(&mut self) -> io::Result<()> {
        self.0.borrow_mut().sync_directory()
    }

    fn birth(&mut self, file: &str) -> io::Result<u64> {
        self.0.borrow_mut().birth(file)
    }
}
