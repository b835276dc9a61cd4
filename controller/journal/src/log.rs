//! The log: what it held when it was opened, and one more entry at a time.

use std::ops::Range;

use crate::disk::Disk;
use crate::error::{JournalError, Refusal};
use crate::fact::{Count, Fact, KeptRecord, State};
use crate::planted::{self, Slip};
use crate::sector::{self, Hash, PAGE};
use crate::segment::{self, Chain, Segment};

mod directory;

pub(crate) use directory::generation;
use directory::{Examined, Found};

/// The room for entries that a segment begins with, in octets: at least so many thousand facts, or
/// 256 that each had an fsync of its own.
pub const ROOM_OCTETS: usize = 1 << 20;

/// The name of a log, drawn at random when it begins. A log with another name is another disk's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoreId(pub [u8; 16]);

/// What a directory holds.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "there is one, once, when a daemon starts"
)]
pub enum Opened<D> {
    /// The log of this disk, whole.
    Restored(Log<D>, Restored),
    /// Neither a log nor a trace of one: nothing was ever decided here, or all of it is gone, which
    /// the disk cannot know. [`Log::begin`] makes a log.
    Empty(D),
    /// Something that no crash leaves. Nothing was changed. [`Log::begin`] sets it aside and makes
    /// a new log, when an operator has raised the term.
    Refused(D, Refusal),
}

/// What a log held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// The newest record of each group, in the order of the groups.
    pub records: Vec<KeptRecord>,
    /// The greatest counts of each group and replica.
    pub counts: Vec<Count>,
    /// The greatest term that was raised to or that a record has; 0 if there is none.
    pub term: u32,
    /// How many entries there were since the log began.
    pub entries: u64,
    /// The hash of the last of them, and through it of all.
    pub chain: [u8; 32],
    /// What was cut off, to be said to the operator.
    pub truncated: Option<TornTail>,
}

/// An entry that a crash cut short, and that nobody had been told of.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{file}, offset {offset}: a crash cut the last entry short; it was not acknowledged and is gone"
)]
pub struct TornTail {
    /// The file.
    pub file: String,
    /// Where the entry began, in octets.
    pub offset: u64,
}

/// A log that is open for more.
#[derive(Debug)]
pub struct Log<D> {
    pub(crate) disk: D,
    pub(crate) store: StoreId,
    pub(crate) generation: u64,
    /// The room that the next segment begins with.
    pub(crate) room: usize,
    pub(crate) state: State,
    pub(crate) chain: Chain,
    /// Where the next entry goes.
    pub(crate) at: usize,
    /// Where the entries of this segment began.
    pub(crate) began_at: usize,
    /// The size of the segment.
    pub(crate) size: usize,
    /// Where what a failed attempt may have written ends.
    dirty: usize,
    /// A write or an fsync failed: what the disk holds is unknown.
    pub(crate) broken: bool,
}

/// The name of a segment.
pub(crate) fn segment_name(generation: u64) -> String {
    format!("log.{generation}")
}

impl<D: Disk> Log<D> {
    /// Reads what the directory holds, and finishes what a crash interrupted. When it returns a
    /// log, all that this held is durable. `room` is [`ROOM_OCTETS`] but in tests.
    ///
    /// # Errors
    /// If the disk cannot be read, or what was interrupted cannot be finished.
    pub fn open(mut disk: D, room: usize) -> Result<Opened<D>, JournalError> {
        match directory::examine(&mut disk)? {
            Examined::Refused(refusal) => Ok(Opened::Refused(disk, refusal)),
            Examined::Empty { leftovers } => {
                remove(&mut disk, &leftovers)?;
                Ok(Opened::Empty(disk))
            }
            Examined::Log(found) => {
                let truncated = repair(&mut disk, &found)?;
                let log = Self::of(disk, found.segment, room);
                let restored = log.restored(truncated);
                Ok(Opened::Restored(log, restored))
            }
        }
    }

    pub(crate) fn of(disk: D, segment: Segment, room: usize) -> Self {
        Self {
            disk,
            store: segment.head.store,
            generation: segment.head.generation,
            room,
            state: segment.state,
            chain: segment.chain,
            at: segment.end,
            began_at: segment.begun_at,
            size: segment.head.size as usize,
            dirty: 0,
            broken: false,
        }
    }

    /// The same log in its next segment.
    pub(crate) fn go_on_in(&mut self, segment: Segment) {
        self.generation = segment.head.generation;
        self.chain = segment.chain;
        self.at = segment.end;
        self.began_at = segment.begun_at;
        self.size = segment.head.size as usize;
        self.dirty = 0;
    }

    /// Makes facts durable, all of them or none. When it returns they are on the disk, whatever
    /// happens next. No facts need no disk.
    ///
    /// # Errors
    /// [`JournalError::Full`], after which nothing of these facts counts and the same may be tried
    /// again. Any other error ends the process.
    pub fn append(&mut self, facts: &[Fact]) -> Result<(), JournalError> {
        if self.broken {
            return Err(JournalError::BrokenBefore);
        }
        if facts.is_empty() {
            return Ok(());
        }
        let mut content = segment::entry(&self.chain, facts);
        let needed = sector::room(content.len());
        if self.at + needed > self.size {
            self.snapshot_with_room(needed)?;
            content = segment::entry(&self.chain, facts);
        }
        let result = self.write(&content);
        match &result {
            Ok(()) => facts.iter().for_each(|fact| self.state.learn(fact)),
            Err(error) => self.broken = !error.may_be_retried(),
        }
        result
    }

    fn write(&mut self, content: &[u8]) -> Result<(), JournalError> {
        let name = segment_name(self.generation);
        if self.dirty > self.at {
            blank(&mut self.disk, &name, self.at, self.dirty)?;
            self.dirty = 0;
        }
        let chain = self.chain.next(content);
        let octets = sector::encode(chain.number, &chain.hash, content);
        let end = self.at + octets.len();
        if let Err(source) = self.disk.write_at(&name, self.at as u64, &octets) {
            self.dirty = end;
            return Err(JournalError::full_or_broken("write", &name, source));
        }
        if !planted::is_on(Slip::DurableBeforeSync) {
            sync(&mut self.disk, &name)?;
        }
        self.chain = chain;
        self.at = end.next_multiple_of(PAGE);
        Ok(())
    }

    /// What the log holds now, as a restart would find it.
    #[must_use]
    pub fn restored(&self, truncated: Option<TornTail>) -> Restored {
        let Chain { number, hash } = self.chain;
        Restored {
            records: self.state.records().cloned().collect(),
            counts: self.state.counts().copied().collect(),
            term: self.state.term(),
            entries: number,
            chain: hash,
            truncated,
        }
    }

    /// Gives the disk back.
    #[must_use]
    pub fn into_disk(self) -> D {
        self.disk
    }
}

/// Cuts off what a crash left of an entry, makes the last whole one durable, and removes files that
/// were on their way.
fn repair<D: Disk>(disk: &mut D, found: &Found) -> Result<Option<TornTail>, JournalError> {
    let Found {
        name,
        file,
        segment,
        superfluous,
    } = found;
    if let Some(torn) = segment.torn {
        blank(disk, name, segment.end, torn)?;
    }
    // The last entry may be in the page cache only, and clean there after an fsync that failed:
    // only another write makes an fsync mean something. The head was durable before its name was.
    if !segment.is_as_begun() {
        let (at, octets) = segment.last;
        disk.write_at(name, at as u64, &file[at..at + octets])
            .map_err(|source| JournalError::broken("write", name, source))?;
    }
    sync(disk, name)?;
    remove(disk, superfluous)?;
    Ok(segment.torn.map(|_| TornTail {
        file: name.clone(),
        offset: segment.end as u64,
    }))
}

/// Makes zeros of what was not acknowledged. The marks go first: if a crash stopped this halfway
/// through a sector that still had its mark, that would look like rot.
fn blank<D: Disk>(disk: &mut D, name: &str, from: usize, to: usize) -> Result<(), JournalError> {
    let write = |disk: &mut D, range: Range<usize>| {
        disk.write_at(name, range.start as u64, &vec![0; range.len()])
            .map_err(|source| JournalError::full_or_broken("write", name, source))
    };
    for mark in sector::marks(from, to) {
        write(disk, mark)?;
    }
    sync(disk, name)?;
    write(disk, from..to)
}

/// Makes a file durable that has its name.
fn sync<D: Disk>(disk: &mut D, name: &str) -> Result<(), JournalError> {
    disk.sync(name)
        .map_err(|source| JournalError::broken("fsync", name, source))
}

/// Removes files, and makes all names durable.
pub(crate) fn remove<D: Disk>(disk: &mut D, files: &[String]) -> Result<(), JournalError> {
    for file in files {
        disk.remove(file)
            .map_err(|source| JournalError::broken("remove", file, source))?;
    }
    sync_names(disk)
}

/// Makes all names durable.
pub(crate) fn sync_names<D: Disk>(disk: &mut D) -> Result<(), JournalError> {
    disk.sync_directory()
        .map_err(|source| JournalError::broken("fsync", "the directory", source))
}

/// Whether a hash is the one of a segment's head.
pub(crate) fn is_head(segment: &Segment, hash: &Hash) -> bool {
    segment.begun.hash == *hash
}

#[cfg(test)]
mod tests;
