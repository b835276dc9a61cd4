//! A disk in memory that crashes where it is told to and then keeps any legal part of what was not
//! synced; and facts to write to it.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;

use messages::{Epoch, GroupId};
use parking_lot::Mutex;
use rand::seq::IndexedRandom;
use rand::{Rng, RngCore};

use crate::disk::Disk;
use crate::fact::{Fact, KeptRecord};
use crate::log::StoreId;
use crate::sector::SECTOR;

pub(crate) const STORE: StoreId = StoreId(*b"the test's store");
/// Room for 16 entries of one page.
pub(crate) const SMALL_ROOM: usize = 16 * 4096;

/// A handle; clones are of the same disk.
#[derive(Clone, Default)]
pub(crate) struct MemoryDisk(pub(crate) Arc<Mutex<Platter>>);

#[derive(Clone, Debug, Default)]
pub(crate) struct Platter {
    files: Vec<Contents>,
    names: BTreeMap<String, usize>,
    durable_names: BTreeMap<String, usize>,
    renamings: Vec<Renaming>,
    /// Changes until the machine stops; `None` for never.
    pub(crate) changes_left: Option<usize>,
    /// Octets of all files at most; `None` for no limit.
    pub(crate) room: Option<usize>,
    pub(crate) fails_to_sync: bool,
    /// Changes so far.
    pub(crate) changes: usize,
}

#[derive(Clone, Debug, Default)]
struct Contents {
    octets: Vec<u8>,
    durable: Vec<u8>,
    writes: Vec<(usize, Vec<u8>)>,
}

#[derive(Clone, Debug)]
enum Renaming {
    Link(String, usize),
    Move(String, String, usize),
    Remove(String),
}

/// Decides what of the unsynced reaches the disk: one of so many possibilities.
pub(crate) type Choose<'a> = &'a mut dyn FnMut(usize) -> usize;

impl Platter {
    fn change(&mut self) -> io::Result<()> {
        self.changes += 1;
        match &mut self.changes_left {
            Some(0) => return Err(io::Error::other("the machine has stopped")),
            Some(left) => *left -= 1,
            None => {}
        }
        Ok(())
    }

    fn file(&mut self, name: &str) -> io::Result<&mut Contents> {
        let index = *self.names.get(name).ok_or(io::ErrorKind::NotFound)?;
        Ok(&mut self.files[index])
    }

    /// What a restart finds.
    pub(crate) fn crash(&self, choose: Choose<'_>) -> Self {
        let mut names = self.durable_names.clone();
        for renaming in &self.renamings {
            if choose(2) == 0 {
                continue;
            }
            match renaming {
                Renaming::Link(name, index) => drop(names.insert(name.clone(), *index)),
                Renaming::Move(from, to, index) => {
                    names.remove(from);
                    names.insert(to.clone(), *index);
                }
                Renaming::Remove(name) => drop(names.remove(name)),
            }
        }
        let files = self.files.iter().map(|file| {
            let octets = file.crash(choose);
            Contents {
                durable: octets.clone(),
                octets,
                writes: Vec::new(),
            }
        });
        Self {
            files: files.collect(),
            durable_names: names.clone(),
            names,
            ..Self::default()
        }
    }
}

impl Contents {
    /// Each sector is as before, as after, or as after up to some octet. Long writes count as two.
    fn crash(&self, choose: Choose<'_>) -> Vec<u8> {
        let mut octets = self.durable.clone();
        for (at, written) in &self.writes {
            let unit = if written.len() > 8 * SECTOR {
                written.len().div_ceil(2)
            } else {
                SECTOR
            };
            for (index, piece) in written.chunks(unit).enumerate() {
                let reached = match choose(4) {
                    0 => continue,
                    1 => piece.len(),
                    2 => piece.len() / 3,
                    _ => piece.len() - 2,
                };
                put(&mut octets, at + index * unit, &piece[..reached]);
            }
        }
        octets
    }
}

fn put(octets: &mut Vec<u8>, at: usize, written: &[u8]) {
    let end = at + written.len();
    if octets.len() < end {
        octets.resize(end, 0);
    }
    octets[at..end].copy_from_slice(written);
}

impl fmt::Debug for MemoryDisk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MemoryDisk({:?})", self.file_names())
    }
}

impl MemoryDisk {
    /// The same files on another disk, all of them durable.
    pub(crate) fn copy(&self) -> Self {
        let platter = self.0.lock().crash(&mut |_| 1);
        Self(Arc::new(Mutex::new(platter)))
    }

    /// What a restart finds.
    pub(crate) fn crash(&self, choose: Choose<'_>) -> Self {
        let platter = self.0.lock().crash(choose);
        Self(Arc::new(Mutex::new(platter)))
    }

    /// Changes a file behind the journal's back.
    pub(crate) fn spoil(&self, name: &str, spoil: impl FnOnce(&mut Vec<u8>)) {
        let mut platter = self.0.lock();
        let file = platter
            .file(name)
            .expect("the test names a file that is there");
        spoil(&mut file.octets);
        file.durable = file.octets.clone();
        file.writes.clear();
    }

    pub(crate) fn contents(&self, name: &str) -> Vec<u8> {
        let mut platter = self.0.lock();
        let file = platter
            .file(name)
            .expect("the test names a file that is there");
        file.octets.clone()
    }

    pub(crate) fn file_names(&self) -> Vec<String> {
        self.0.lock().names.keys().cloned().collect()
    }
}

impl Disk for MemoryDisk {
    fn list(&mut self) -> io::Result<Vec<String>> {
        Ok(self.file_names())
    }

    fn size(&mut self, file: &str) -> io::Result<u64> {
        Ok(self.0.lock().file(file)?.octets.len() as u64)
    }

    fn read(&mut self, file: &str) -> io::Result<Vec<u8>> {
        Ok(self.0.lock().file(file)?.octets.clone())
    }

    fn create(&mut self, file: &str) -> io::Result<()> {
        let mut platter = self.0.lock();
        platter.change()?;
        let index = platter.files.len();
        platter.files.push(Contents::default());
        platter.names.insert(file.to_owned(), index);
        platter
            .renamings
            .push(Renaming::Link(file.to_owned(), index));
        Ok(())
    }

    fn write_at(&mut self, file: &str, offset: u64, octets: &[u8]) -> io::Result<()> {
        let mut platter = self.0.lock();
        platter.change()?;
        let index = *platter.names.get(file).ok_or(io::ErrorKind::NotFound)?;
        let at = offset as usize;
        let used: usize = platter
            .names
            .values()
            .map(|&index| platter.files[index].octets.len())
            .sum();
        let end = at + octets.len();
        let more = end.saturating_sub(platter.files[index].octets.len());
        let is_full = platter.room.is_some_and(|room| used + more > room);
        // Of a write that fails for want of room a part is there.
        let written = if is_full {
            &octets[..octets.len() / 2]
        } else {
            octets
        };
        let contents = &mut platter.files[index];
        put(&mut contents.octets, at, written);
        contents.writes.push((at, written.to_vec()));
        if is_full {
            return Err(io::ErrorKind::StorageFull.into());
        }
        Ok(())
    }

    fn sync(&mut self, file: &str) -> io::Result<()> {
        let mut platter = self.0.lock();
        platter.change()?;
        if platter.fails_to_sync {
            return Err(io::Error::other("the device is gone"));
        }
        let contents = platter.file(file)?;
        contents.durable = contents.octets.clone();
        contents.writes.clear();
        Ok(())
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        let mut platter = self.0.lock();
        platter.change()?;
        let index = platter.names.remove(from).ok_or(io::ErrorKind::NotFound)?;
        platter.names.insert(to.to_owned(), index);
        let renaming = Renaming::Move(from.to_owned(), to.to_owned(), index);
        platter.renamings.push(renaming);
        Ok(())
    }

    fn remove(&mut self, file: &str) -> io::Result<()> {
        let mut platter = self.0.lock();
        platter.change()?;
        platter.names.remove(file).ok_or(io::ErrorKind::NotFound)?;
        platter.renamings.push(Renaming::Remove(file.to_owned()));
        Ok(())
    }

    fn sync_directory(&mut self) -> io::Result<()> {
        let mut platter = self.0.lock();
        platter.change()?;
        if platter.fails_to_sync {
            return Err(io::Error::other("the device is gone"));
        }
        platter.durable_names = platter.names.clone();
        platter.renamings.clear();
        Ok(())
    }

    fn birth(&mut self, file: &str) -> io::Result<u64> {
        let platter = self.0.lock();
        let index = *platter.names.get(file).ok_or(io::ErrorKind::NotFound)?;
        Ok(index as u64)
    }
}

pub(crate) fn group(index: u8) -> GroupId {
    GroupId::new(0x12_3456, Ipv4Addr::new(10, 0, 0, index))
}

/// A record of so many octets.
pub(crate) fn record(index: u8, seq: u64, octets: usize) -> Fact {
    let octets = (0..octets)
        .map(|at| (at as u8) ^ (seq as u8) ^ 0x5a)
        .collect();
    Fact::Record(KeptRecord {
        group: group(index),
        epoch: Epoch { term: 1, seq },
        octets,
    })
}

/// Spoils one of the files as a failing disk might: cuts it short or flips bits, most of them where
/// something is written. Says what it did.
pub(crate) fn spoil_at_random(disk: &MemoryDisk, random: &mut impl RngCore) -> String {
    let names = disk.file_names();
    let name = names.choose(random).expect("there are files").clone();
    let mut said = String::new();
    disk.spoil(&name, |octets| {
        let written = octets
            .iter()
            .rposition(|&octet| octet != 0)
            .map_or(1, |last| last + 1);
        let reach = if random.random_ratio(3, 4) {
            written
        } else {
            octets.len()
        };
        if random.random_bool(0.5) {
            let length = random.random_range(0..reach);
            octets.truncate(length);
            said = format!("{name} cut to {length}");
        } else {
            for _ in 0..random.random_range(1..=4) {
                let (at, bit) = (random.random_range(0..reach), random.random_range(0..8));
                octets[at] ^= 1 << bit;
                said += &format!("{name}: bit {bit} of octet {at} flipped; ");
            }
        }
    });
    said
}
