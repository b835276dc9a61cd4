//! What the journal asks of a disk: one directory of files, and when their contents and their
//! names are durable. The daemon plugs in [`RealDisk`], the simulator one that tears and forgets.

use std::io;

mod real;

pub use real::RealDisk;

/// A directory that nobody else writes to.
///
/// Nothing is durable before it is synced, and then only what was asked for: a file's octets by
/// [`Disk::sync`], creation, renaming and removal by [`Disk::sync_directory`]. After a crash any
/// part of what was not synced may be there: of a write any of its sectors, and of a sector any
/// first part; of changes to the directory any selection.
pub trait Disk {
    /// The names of the files, in any order.
    ///
    /// # Errors
    /// What the system says.
    fn list(&mut self) -> io::Result<Vec<String>>;

    /// The size of a file in octets.
    ///
    /// # Errors
    /// What the system says, `NotFound` among it.
    fn size(&mut self, file: &str) -> io::Result<u64>;

    /// The whole of a file.
    ///
    /// # Errors
    /// What the system says.
    fn read(&mut self, file: &str) -> io::Result<Vec<u8>>;

    /// Makes a file anew, empty, whether or not there was one of this name.
    ///
    /// # Errors
    /// What the system says.
    fn create(&mut self, file: &str) -> io::Result<()>;

    /// Writes all of `octets` at an offset, and makes the file longer where they pass its end.
    ///
    /// # Errors
    /// What the system says; any part may have been written. `StorageFull` if there is no room.
    fn write_at(&mut self, file: &str, offset: u64, octets: &[u8]) -> io::Result<()>;

    /// Returns when all octets of the file, and its size, are durable.
    ///
    /// # Errors
    /// What the system says; it is then unknown what is durable, and asking again does not help.
    fn sync(&mut self, file: &str) -> io::Result<()>;

    /// Gives a file another name, in place of the file that had it.
    ///
    /// # Errors
    /// What the system says.
    fn rename(&mut self, from: &str, to: &str) -> io::Result<()>;

    /// Removes a file.
    ///
    /// # Errors
    /// What the system says.
    fn remove(&mut self, file: &str) -> io::Result<()>;

    /// Returns when all names are durable.
    ///
    /// # Errors
    /// As [`Disk::sync`].
    fn sync_directory(&mut self) -> io::Result<()>;

    /// A number that a file keeps through writes and renaming, and that a copy of it does not have.
    ///
    /// # Errors
    /// What the system says.
    fn birth(&mut self, file: &str) -> io::Result<u64>;
}
