//! A directory of the operating system's.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, UNIX_EPOCH};

use super::Disk;
use crate::error::JournalError;

/// How long the lock of the directory is waited for, in pauses: a daemon that was killed holds it
/// until the kernel has taken its memory apart.
const LOCK_TRIES: u32 = 50;
const LOCK_PAUSE: Duration = Duration::from_millis(100);

/// Nobody but the daemon's user reads what it keeps.
const DIRECTORY_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;
const WRITABLE_BY_OTHERS: u32 = 0o022;

/// A directory that this process has to itself, by a lock that ends with it.
///
/// The file system is to be a local one. Over a network a lock and an fsync promise less.
#[derive(Debug)]
pub struct RealDisk {
    path: PathBuf,
    /// Holds the lock, and syncs names.
    directory: File,
    /// Files that were written to. A failed write-back is reported to those who had the file open
    /// when it failed, so they stay open.
    written: BTreeMap<String, File>,
}

impl RealDisk {
    /// Opens a directory, which is made (mode 0700) if it is missing, and locks it.
    ///
    /// # Errors
    /// If the system refuses, if others may write to it, or if another process has it and keeps it
    /// for five seconds more.
    pub fn open(path: &Path) -> Result<Self, JournalError> {
        let name = path.display().to_string();
        let unusable = |action, source| JournalError::unusable(action, &name, source);
        DirBuilder::new()
            .recursive(true)
            .mode(DIRECTORY_MODE)
            .create(path)
            .map_err(|source| unusable("make", source))?;
        let directory = File::open(path).map_err(|source| unusable("open", source))?;
        let mode = directory.metadata().map(|metadata| metadata.mode());
        if mode.map_err(|source| unusable("examine", source))? & WRITABLE_BY_OTHERS != 0 {
            let source = io::Error::other("others may write to it: chmod go-w");
            return Err(unusable("trust", source));
        }
        lock(&directory).map_err(|source| unusable("lock", source))?;
        // A directory made a moment ago must not be lost with all that is in it.
        sync_parent(path).map_err(|source| unusable("fsync the parent of", source))?;
        Ok(Self {
            path: path.to_owned(),
            directory,
            written: BTreeMap::new(),
        })
    }

    /// The directory.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn writable(&mut self, file: &str) -> io::Result<&File> {
        if !self.written.contains_key(file) {
            let handle = OpenOptions::new().write(true).open(self.path.join(file))?;
            self.written.insert(file.to_owned(), handle);
        }
        Ok(&self.written[file])
    }
}

fn lock(directory: &File) -> io::Result<()> {
    for _ in 0..LOCK_TRIES {
        match directory.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::WouldBlock) => thread::sleep(LOCK_PAUSE),
            Err(TryLockError::Error(source)) => return Err(source),
        }
    }
    Err(io::Error::other(
        "another daemon uses it: stop that one, or give this one a state_dir of its own",
    ))
}

fn sync_parent(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => File::open(parent)?.sync_all(),
        _ => Ok(()),
    }
}

impl Disk for RealDisk {
    fn list(&mut self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.path)? {
            // A name that is not text is none of ours.
            names.extend(entry?.file_name().into_string());
        }
        Ok(names)
    }

    fn size(&mut self, file: &str) -> io::Result<u64> {
        Ok(fs::metadata(self.path.join(file))?.len())
    }

    fn read(&mut self, file: &str) -> io::Result<Vec<u8>> {
        fs::read(self.path.join(file))
    }

    fn create(&mut self, file: &str) -> io::Result<()> {
        // Another inode, not the old one made empty: what was to be written back to that one is no
        // concern of the new one.
        self.written.remove(file);
        match fs::remove_file(self.path.join(file)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let handle = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(FILE_MODE)
            .open(self.path.join(file))?;
        self.written.insert(file.to_owned(), handle);
        Ok(())
    }

    fn write_at(&mut self, file: &str, offset: u64, octets: &[u8]) -> io::Result<()> {
        self.writable(file)?.write_all_at(octets, offset)
    }

    fn sync(&mut self, file: &str) -> io::Result<()> {
        // fdatasync: the size counts as data, time stamps do not.
        self.writable(file)?.sync_data()
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.path.join(from), self.path.join(to))?;
        self.written.remove(to);
        if let Some(handle) = self.written.remove(from) {
            self.written.insert(to.to_owned(), handle);
        }
        Ok(())
    }

    fn remove(&mut self, file: &str) -> io::Result<()> {
        self.written.remove(file);
        fs::remove_file(self.path.join(file))
    }

    fn sync_directory(&mut self) -> io::Result<()> {
        self.directory.sync_all()
    }

    fn birth(&mut self, file: &str) -> io::Result<u64> {
        let metadata = fs::metadata(self.path.join(file))?;
        let born = metadata.created().ok().and_then(|time| {
            let age = time.duration_since(UNIX_EPOCH).ok()?;
            u64::try_from(age.as_nanos()).ok()
        });
        // Not every file system knows when a file was born. The number of its inode is nearly as
        // good, but for overlays that number it anew.
        Ok(born.unwrap_or_else(|| metadata.ino()))
    }
}

#[cfg(test)]
mod tests;
