//! What survives a crash.
//!
//! The manager's decisions stand in a [`log::Log`]; what an agent was told, and what a provider
//! bills, in a [`kept::Kept`], which is the same log with a milder answer to rot. A
//! [`writer::Writer`] is the thread that waits for the disk, so that the controller never does.
//! Records come in as opaque octets beside their group and epoch: what they say is the codec's
//! business, and their signature outlives any change of it.
//!
//! # What is on the disk
//!
//! A directory of its own, locked by one daemon, with a *segment* `log.GENERATION` and a `marker`.
//!
//! ```text
//! log.7   | head: who, size, snapshot | entry | entry | entry | zeros ... to the size   |
//!         '-- chain hash ----------------^ ------^ ------^
//! marker  | this disk's name, generation 7, hash of the head, birth of this very file    |
//! ```
//!
//! A segment has its full size, zeros included, before it gets its name. An *entry* is what one
//! fsync made durable: one or many facts, the hash of the entry before it, its own number. It is
//! cut into *sectors* of 512 octets, each of which ends with a checksum and then four octets that
//! say "written to the end"; entries begin at multiples of 4,096, so that what was once
//! acknowledged is never written again by what follows. When the room is used up, or half of it is
//! and nobody waits, the newest fact of each kind becomes the head of the next segment
//! ([`snapshot`]).
//!
//! # Why a rollback is never silent
//!
//! A decision is acknowledged after one write and one fsync, and yet the loss of an acknowledged
//! tail must not look like a tail that a crash tore, though nothing else was written that could
//! bear witness. It does not, because the two leave different traces:
//!
//! - A *crash* before the fsync leaves each sector of the last entry as it was (zeros), or whole,
//!   or begun and not finished. In each case its last octets are zero or the sector is right.
//!   The size of the file does not change. Such a tail is cut off, and that is said.
//! - A *truncation* changes the size, wherever it falls. The head says the size: refused.
//! - A *flipped bit* leaves a sector that was written to its end and whose checksum is wrong; no
//!   crash does that. It is refused as well, at the tail as in the middle.
//! - An *entry lost in the middle* (bad or blank) is followed by a good one: refused.
//! - A *lost, exchanged or restored file* does not fit the marker; a marker restored with it was
//!   born at another time than it says: refused.
//!
//! A disk that says "durable" and forgets the whole last entry without a trace, or an image of the
//! whole file system brought back, cannot be told from a crash on this disk alone. For that there
//! is the next rule (docs/failover.md rule 15): a host that reports more than the log stops the manager.
//!
//! An entry that was written whole when the process died is taken, acknowledged or not; it is
//! first written and fsynced again, for after a failed fsync the page cache may show what
//! the disk never got.
#![forbid(unsafe_code)]

pub mod disk;
pub mod error;
pub mod fact;
pub mod kept;
pub mod log;
mod marker;
pub mod planted;
mod sector;
mod segment;
pub mod snapshot;
pub mod writer;

#[cfg(test)]
mod fixture;

pub use disk::{Disk, RealDisk};
pub use error::{JournalError, Refusal};
pub use fact::{Count, Fact, KeptRecord};
pub use kept::Kept;
pub use log::{Log, Opened, Restored, StoreId, TornTail};
pub use writer::{Completed, Writer};
