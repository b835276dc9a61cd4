//! The beginning of a segment: a snapshot of the one before, or nothing yet.
//!
//! ```text
//!  1  write new-log: head with the snapshot, zeros to the full size; fsync
//!  2  write new-marker; fsync
//!  3  rename new-log to log.G+1; fsync the directory
//!  4  rename new-marker to marker; fsync the directory
//!  5  remove log.G
//! ```
//!
//! Nothing is added to `log.G+1` before step 4 is done, so that after a crash anywhere `log.G` and
//! `log.G+1` say the same wherever both are there. The two fsyncs of the directory keep the order:
//! a durable marker never names a log whose name is not durable.

use crate::disk::Disk;
use crate::error::JournalError;
use crate::fact::{Fact, State};
use crate::log::{Log, StoreId, remove, segment_name, sync_names};
use crate::marker::{self, Marker};
use crate::planted::{self, Slip};
use crate::sector;
use crate::segment::{self, Chain, Head, Segment};

/// A segment on its way.
pub(crate) const NEW_LOG: &str = "new-log";
/// A marker on its way.
pub(crate) const NEW_MARKER: &str = "new-marker";
/// What the names of files begin with that were not believed.
pub(crate) const SET_ASIDE: &str = "refused.";

/// What is written at once where only zeros are.
static ZEROS: [u8; 1 << 16] = [0; 1 << 16];

impl<D: Disk> Log<D> {
    /// Begins a log where there is none, or in place of one that was refused, which is set aside
    /// under names that begin with `refused.`. `store` is drawn at random. The facts are what the
    /// log begins with: the raised term, and what is known of the groups.
    ///
    /// # Errors
    /// As [`Log::append`]. The directory stays empty, or refused.
    pub fn begin(
        mut disk: D,
        store: StoreId,
        room: usize,
        facts: &[Fact],
    ) -> Result<Self, JournalError> {
        let aside = set_aside(&mut disk)?;
        let mut state = State::default();
        facts.iter().for_each(|fact| state.learn(fact));
        let segment = write_segment(
            &mut disk,
            store,
            aside.generation + 1,
            Chain::START,
            state,
            room,
        )?;
        name_segment(&mut disk, segment.head.generation)?;
        remove(&mut disk, &aside.older)?;
        Ok(Self::of(disk, segment, room))
    }

    /// Writes a snapshot and goes on in a new segment.
    ///
    /// # Errors
    /// As [`Log::append`]. If the disk is full the log goes on where it was.
    pub fn snapshot(&mut self) -> Result<(), JournalError> {
        self.snapshot_with_room(0)
    }

    /// Whether a snapshot is worth its while, if nobody waits for it.
    #[must_use]
    pub fn is_half_full(&self) -> bool {
        self.at - self.began_at > (self.size - self.began_at) / 2
    }

    /// The same, with at least so much room in the new segment.
    pub(crate) fn snapshot_with_room(&mut self, needed: usize) -> Result<(), JournalError> {
        if self.broken {
            return Err(JournalError::BrokenBefore);
        }
        let result = self.try_snapshot(self.room.max(needed));
        if let Err(error) = &result {
            self.broken = !error.may_be_retried();
        }
        result
    }

    fn try_snapshot(&mut self, room: usize) -> Result<(), JournalError> {
        let old = segment_name(self.generation);
        let segment = write_segment(
            &mut self.disk,
            self.store,
            self.generation + 1,
            self.chain,
            self.state.clone(),
            room,
        )?;
        name_segment(&mut self.disk, segment.head.generation)?;
        // Its removal may be lost: the marker names the other one.
        self.disk
            .remove(&old)
            .map_err(|source| JournalError::broken("remove", &old, source))?;
        self.go_on_in(segment);
        Ok(())
    }
}

/// Steps 1 and 2: everything but the names. A full disk leaves nothing behind.
fn write_segment<D: Disk>(
    disk: &mut D,
    store: StoreId,
    generation: u64,
    previous: Chain,
    state: State,
    room: usize,
) -> Result<Segment, JournalError> {
    let mut head = Head {
        store,
        generation,
        size: 0,
        previous,
    };
    let content = segment::head(&mut head, &state.facts(), room);
    let begun = previous.next(&content);
    let octets = sector::encode(begun.number, &begun.hash, &content);
    let written = write_new_log(disk, &octets, head.size)
        .and_then(|()| write_new_marker(disk, store, generation, &begun));
    if let Err(error) = written {
        if error.may_be_retried() {
            // What is left behind is removed by the next start or overwritten by the next attempt.
            let _ = disk.remove(NEW_LOG);
            let _ = disk.remove(NEW_MARKER);
        }
        return Err(error);
    }
    Ok(Segment::begun(head, begun, state, octets.len()))
}

fn write_new_log<D: Disk>(disk: &mut D, head: &[u8], size: u64) -> Result<(), JournalError> {
    let failed = |source| JournalError::full_or_broken("write", NEW_LOG, source);
    disk.create(NEW_LOG).map_err(failed)?;
    disk.write_at(NEW_LOG, 0, head).map_err(failed)?;
    let mut at = head.len() as u64;
    while at < size {
        // Zeros are written, not left out: so the room is ours, and an entry changes octets only.
        let count = (size - at).min(ZEROS.len() as u64);
        disk.write_at(NEW_LOG, at, &ZEROS[..count as usize])
            .map_err(failed)?;
        at += count;
    }
    sync_new(disk, NEW_LOG)
}

fn write_new_marker<D: Disk>(
    disk: &mut D,
    store: StoreId,
    generation: u64,
    begun: &Chain,
) -> Result<(), JournalError> {
    let failed = |source| JournalError::full_or_broken("write", NEW_MARKER, source);
    disk.create(NEW_MARKER).map_err(failed)?;
    let marker = Marker {
        store,
        generation,
        head: begun.hash,
        birth: disk.birth(NEW_MARKER).map_err(failed)?,
    };
    disk.write_at(NEW_MARKER, 0, &marker.encode())
        .map_err(failed)?;
    sync_new(disk, NEW_MARKER)
}

/// Makes a file durable that has no name of consequence yet. Some systems find out only here that
/// there is no room; the file is then written anew, so that this fsync is not one tried twice.
fn sync_new<D: Disk>(disk: &mut D, file: &str) -> Result<(), JournalError> {
    if planted::is_on(Slip::SnapshotNotSynced) {
        return Ok(());
    }
    disk.sync(file)
        .map_err(|source| JournalError::full_or_broken("fsync", file, source))
}

/// Steps 3 and 4.
fn name_segment<D: Disk>(disk: &mut D, generation: u64) -> Result<(), JournalError> {
    let name = segment_name(generation);
    for (from, to) in [(NEW_LOG, name.as_str()), (NEW_MARKER, marker::NAME)] {
        disk.rename(from, to)
            .map_err(|source| JournalError::broken("rename", from, source))?;
        if !planted::is_on(Slip::DirectoryNotSynced) {
            sync_names(disk)?;
        }
    }
    Ok(())
}

/// What was set aside.
struct Aside {
    /// The greatest generation that was ever here.
    generation: u64,
    /// What had been set aside earlier, and is no longer needed once a log is begun.
    older: Vec<String>,
}

/// Gives refused files other names. Until a log is begun their presence keeps the directory refused.
fn set_aside<D: Disk>(disk: &mut D) -> Result<Aside, JournalError> {
    let names = disk
        .list()
        .map_err(|source| JournalError::unusable("list", "the directory", source))?;
    let mut aside = Aside {
        generation: 0,
        older: Vec::new(),
    };
    let mut renamed = Vec::new();
    for name in names {
        let bare = name.strip_prefix(SET_ASIDE).unwrap_or(&name);
        let generation = crate::log::generation(bare);
        aside.generation = aside.generation.max(generation.unwrap_or(0));
        if bare.len() < name.len() {
            aside.older.push(name);
        } else if generation.is_some() || name == marker::NAME {
            let to = format!("{SET_ASIDE}{name}");
            disk.rename(&name, &to)
                .map_err(|source| JournalError::broken("rename", &name, source))?;
            renamed.push(to);
        }
    }
    // If nothing was renamed now, a crash came between that and the new log: keep what there is.
    if renamed.is_empty() {
        aside.older.clear();
    }
    aside.older.retain(|name| !renamed.contains(name));
    sync_names(disk)?;
    Ok(aside)
}

#[cfg(test)]
pub(crate) mod tests;
