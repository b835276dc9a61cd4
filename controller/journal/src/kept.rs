//! What an agent keeps: the records that it was told, and what it sent to replicas.
//!
//! It is the manager's log with another answer to rot. An agent's records are provisional until
//! they are confirmed after a restart (docs/failover.md rule 10), so that a daemon which cannot read
//! them starts without. What it once acknowledged it does not lose by a crash, for that it
//! acknowledges after [`Log::append`]; only what no crash leaves is refused.

use crate::disk::Disk;
use crate::error::JournalError;
use crate::log::{Log, Opened, Restored, StoreId};

/// What an agent kept, open for more.
#[derive(Debug)]
pub struct Kept<D> {
    /// For the writer.
    pub log: Log<D>,
    /// The records and counts.
    pub restored: Restored,
    /// A sentence for the operator, if what was there is not believed. The agent begins without it,
    /// and its files are set aside.
    pub complaint: Option<String>,
}

impl<D: Disk> Kept<D> {
    /// Opens what was kept, or begins anew under the name `store`, which is drawn at random.
    /// `room` is [`ROOM_OCTETS`](crate::log::ROOM_OCTETS) but in tests.
    ///
    /// # Errors
    /// If the disk does not work.
    pub fn open(disk: D, store: StoreId, room: usize) -> Result<Self, JournalError> {
        let (disk, complaint) = match Log::open(disk, room)? {
            Opened::Restored(log, restored) => {
                return Ok(Self {
                    log,
                    restored,
                    complaint: None,
                });
            }
            Opened::Empty(disk) => (disk, None),
            Opened::Refused(disk, refusal) => {
                let complaint = format!(
                    "{}, offset {}: {}; this host begins without the records and the counts of \
                     copies that it had kept, and sets the file aside as refused.{}",
                    refusal.file, refusal.offset, refusal.reason, refusal.file
                );
                (disk, Some(complaint))
            }
        };
        let log = Log::begin(disk, store, room, &[])?;
        let restored = log.restored(None);
        Ok(Self {
            log,
            restored,
            complaint,
        })
    }
}

#[cfg(test)]
mod tests;
