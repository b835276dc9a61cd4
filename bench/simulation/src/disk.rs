//! A disk that keeps what was synced, and of the rest what chance leaves of it.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind};

use journal::Disk;

use crate::dice::Dice;

/// What a crash may tear: a sector is whole, absent, or begun.
const SECTOR: usize = 512;

/// A directory of files. It outlives its host's daemon and its host.
#[derive(Clone, Debug)]
pub struct SimulatedDisk {
    files: BTreeMap<u64, File>,
    names: BTreeMap<String, u64>,
    names_durable: BTreeMap<String, u64>,
    changes: Vec<Change>,
    births: u64,
    dice: Dice,
    full: bool,
    sync_fails: bool,
    operations_left: Option<u32>,
}

#[derive(Clone, Debug, Default)]
struct File {
    octets: Vec<u8>,
    durable: Vec<u8>,
    writes: Vec<(usize, usize)>,
}

#[derive(Clone, Debug)]
enum Change {
    Bind { name: String, file: u64 },
    Rename { from: String, to: String },
    Remove { name: String },
}

impl SimulatedDisk {
    /// An empty directory.
    #[must_use]
    pub fn new(dice: Dice) -> Self {
        Self {
            files: BTreeMap::new(),
            names: BTreeMap::new(),
            names_durable: BTreeMap::new(),
            changes: Vec::new(),
            births: 0,
            dice,
            full: false,
            sync_fails: false,
            operations_left: None,
        }
    }

    /// There is no room, or there is again.
    pub fn set_full(&mut self, full: bool) {
        self.full = full;
    }

    /// Every sync fails, until the host is replaced.
    pub fn set_sync_fails(&mut self, fails: bool) {
        self.sync_fails = fails;
    }

    /// The process dies within the next operations: after this many nothing is done any more.
    pub fn die_after(&mut self, operations: u32) {
        self.operations_left = Some(operations);
    }

    /// The process has died: what it wrote is in the page cache and stays.
    pub fn process_died(&mut self) {
        self.operations_left = None;
    }

    /// The machine has died: of what was not synced some sectors are there, some begun, and of
    /// the changes to the directory some.
    pub fn machine_died(&mut self) {
        self.operations_left = None;
        for change in std::mem::take(&mut self.changes) {
            if self.dice.chance(500_000) {
                change.apply(&mut self.names_durable);
            }
        }
        self.names.clone_from(&self.names_durable);
        let kept: Vec<u64> = self.names.values().copied().collect();
        self.files.retain(|file, _| kept.contains(file));
        for file in self.files.values_mut() {
            file.tear(&mut self.dice);
        }
    }

    /// Turns one bit of one file round; `false` if there is none.
    pub fn rot(&mut self) -> bool {
        let sizes: Vec<(u64, usize)> = self
            .files
            .iter()
            .map(|(&id, file)| (id, file.octets.len()))
            .filter(|&(_, size)| size > 0)
            .collect();
        if sizes.is_empty() {
            return false;
        }
        let (id, size) = self.dice.pick(&sizes);
        let (mut octet, bit) = (self.dice.index(size), self.dice.index(8));
        // Most of a file is room for later; what is written is worth more tries.
        for _ in 0..64 {
            if self
                .files
                .get(&id)
                .is_some_and(|file| file.octets[octet] != 0)
            {
                break;
            }
            octet = self.dice.index(size);
        }
        if let Some(file) = self.files.get_mut(&id) {
            file.octets[octet] ^= 1 << bit;
            if let Some(durable) = file.durable.get_mut(octet) {
                *durable ^= 1 << bit;
            }
        }
        true
    }

    /// All octets kept, to see that a directory does not grow for ever.
    #[must_use]
    pub fn octets(&self) -> usize {
        self.files.values().map(|file| file.octets.len()).sum()
    }

    fn operate(&mut self) -> io::Result<()> {
        match &mut self.operations_left {
            Some(0) => Err(io::Error::new(
                ErrorKind::Interrupted,
                "the process is dead",
            )),
            Some(left) => {
                *left -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn file(&mut self, name: &str) -> io::Result<&mut File> {
        let missing = || io::Error::new(ErrorKind::NotFound, "there is no such file");
        let id = self.names.get(name).ok_or_else(missing)?;
        self.files.get_mut(id).ok_or_else(missing)
    }
}

impl Change {
    fn apply(self, names: &mut BTreeMap<String, u64>) {
        match self {
            Self::Bind { name, file } => {
                names.insert(name, file);
            }
            Self::Rename { from, to } => {
                if let Some(file) = names.remove(&from) {
                    names.insert(to, file);
                }
            }
            Self::Remove { name } => {
                names.remove(&name);
            }
        }
    }
}

impl File {
    fn tear(&mut self, dice: &mut Dice) {
        for (start, end) in std::mem::take(&mut self.writes) {
            let mut at = start;
            while at < end {
                let sector_end = ((at / SECTOR + 1) * SECTOR).min(end);
                let kept = match dice.between(0, 3) {
                    0 => 0,
                    1 => sector_end - at,
                    _ => dice.index(sector_end - at + 1),
                };
                if kept > 0 {
                    if self.durable.len() < at + kept {
                        self.durable.resize(at + kept, 0);
                    }
                    let written = &self.octets[at..at + kept];
                    self.durable[at..at + kept].copy_from_slice(written);
                }
                at = sector_end;
            }
        }
        self.octets.clone_from(&self.durable);
    }
}

impl Disk for SimulatedDisk {
    fn list(&mut self) -> io::Result<Vec<String>> {
        Ok(self.names.keys().cloned().collect())
    }

    fn size(&mut self, file: &str) -> io::Result<u64> {
        Ok(self.file(file)?.octets.len() as u64)
    }

    fn read(&mut self, file: &str) -> io::Result<Vec<u8>> {
        Ok(self.file(file)?.octets.clone())
    }

    fn create(&mut self, file: &str) -> io::Result<()> {
        self.operate()?;
        if self.full {
            return Err(io::Error::new(ErrorKind::StorageFull, "the disk is full"));
        }
        self.births += 1;
        let id = self.births;
        self.files.insert(id, File::default());
        let change = Change::Bind {
            name: file.to_owned(),
            file: id,
        };
        change.clone().apply(&mut self.names);
        self.changes.push(change);
        Ok(())
    }

    fn write_at(&mut self, file: &str, offset: u64, octets: &[u8]) -> io::Result<()> {
        self.operate()?;
        if self.full {
            return Err(io::Error::new(ErrorKind::StorageFull, "the disk is full"));
        }
        let start = usize::try_from(offset).map_err(|_| ErrorKind::InvalidInput)?;
        let end = start + octets.len();
        let file = self.file(file)?;
        if file.octets.len() < end {
            file.octets.resize(end, 0);
        }
        file.octets[start..end].copy_from_slice(octets);
        file.writes.push((start, end));
        Ok(())
    }

    fn sync(&mut self, file: &str) -> io::Result<()> {
        self.operate()?;
        if self.sync_fails {
            return Err(io::Error::other("the disk reports an error"));
        }
        let file = self.file(file)?;
        if file.durable.len() != file.octets.len() {
            file.durable.resize(file.octets.len(), 0);
        }
        for (start, end) in std::mem::take(&mut file.writes) {
            file.durable[start..end].copy_from_slice(&file.octets[start..end]);
        }
        Ok(())
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        self.operate()?;
        self.file(from)?;
        let change = Change::Rename {
            from: from.to_owned(),
            to: to.to_owned(),
        };
        change.clone().apply(&mut self.names);
        self.changes.push(change);
        Ok(())
    }

    fn remove(&mut self, file: &str) -> io::Result<()> {
        self.operate()?;
        self.file(file)?;
        let change = Change::Remove {
            name: file.to_owned(),
        };
        change.clone().apply(&mut self.names);
        self.changes.push(change);
        Ok(())
    }

    fn sync_directory(&mut self) -> io::Result<()> {
        self.operate()?;
        if self.sync_fails {
            return Err(io::Error::other("the disk reports an error"));
        }
        self.changes.clear();
        self.names_durable.clone_from(&self.names);
        let kept: Vec<u64> = self.names.values().copied().collect();
        self.files.retain(|file, _| kept.contains(file));
        Ok(())
    }

    fn birth(&mut self, file: &str) -> io::Result<u64> {
        self.file(file)?;
        Ok(self.names[file])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dice::Stream;

    fn disk(seed: u64) -> SimulatedDisk {
        SimulatedDisk::new(Dice::new(seed, Stream::Disks))
    }

    #[test]
    fn what_was_synced_outlives_the_machine_and_the_rest_may_be_torn() {
        let mut torn = 0;
        for seed in 0..50 {
            let mut disk = disk(seed);
            disk.create("log").unwrap();
            disk.write_at("log", 0, &[1; 1024]).unwrap();
            disk.sync("log").unwrap();
            disk.sync_directory().unwrap();
            disk.write_at("log", 1024, &[2; 1024]).unwrap();
            disk.machine_died();
            let octets = disk.read("log").unwrap();
            assert_eq!(octets[..1024], [1; 1024], "seed {seed}");
            torn += u32::from(octets[1024..] != [2; 1024]);
        }
        assert!((20..50).contains(&torn), "{torn} of 50 torn");
    }

    #[test]
    fn a_dead_process_leaves_what_it_wrote_and_writes_no_more() {
        let mut disk = disk(1);
        disk.create("log").unwrap();
        disk.die_after(1);
        disk.write_at("log", 0, b"once").unwrap();
        assert!(disk.write_at("log", 0, b"more").is_err());
        disk.process_died();
        assert_eq!(disk.read("log").unwrap(), b"once");
    }

    #[test]
    fn a_name_that_was_not_synced_may_be_gone_after_a_crash() {
        let gone = (0..50)
            .filter(|&seed| {
                let mut disk = disk(seed);
                disk.create("log").unwrap();
                disk.machine_died();
                disk.list().unwrap().is_empty()
            })
            .count();
        assert!((5..45).contains(&gone), "{gone} of 50 gone");
    }
}
