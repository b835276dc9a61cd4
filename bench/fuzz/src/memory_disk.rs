//! A disk in memory, on which everything is durable at once.

use std::collections::BTreeMap;
use std::io;

use journal::Disk;

#[derive(Clone, Debug, Default)]
pub(crate) struct MemoryDisk {
    files: BTreeMap<String, File>,
    births: u64,
}

#[derive(Clone, Debug, Default)]
struct File {
    octets: Vec<u8>,
    birth: u64,
}

impl MemoryDisk {
    /// The files by name.
    pub(crate) fn names(&self) -> Vec<String> {
        self.files.keys().cloned().collect()
    }

    /// What a file holds, to be changed behind the journal's back.
    pub(crate) fn octets_mut(&mut self, name: &str) -> Option<&mut Vec<u8>> {
        self.files.get_mut(name).map(|file| &mut file.octets)
    }

    fn file(&mut self, name: &str) -> io::Result<&mut File> {
        self.files
            .get_mut(name)
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

impl Disk for MemoryDisk {
    fn list(&mut self) -> io::Result<Vec<String>> {
        Ok(self.names())
    }

    fn size(&mut self, file: &str) -> io::Result<u64> {
        Ok(self.file(file)?.octets.len() as u64)
    }

    fn read(&mut self, file: &str) -> io::Result<Vec<u8>> {
        Ok(self.file(file)?.octets.clone())
    }

    fn create(&mut self, file: &str) -> io::Result<()> {
        self.births += 1;
        let anew = File {
            octets: Vec::new(),
            birth: self.births,
        };
        self.files.insert(file.to_owned(), anew);
        Ok(())
    }

    fn write_at(&mut self, file: &str, offset: u64, octets: &[u8]) -> io::Result<()> {
        let at = usize::try_from(offset).map_err(io::Error::other)?;
        let file = self.file(file)?;
        let end = at + octets.len();
        if file.octets.len() < end {
            file.octets.resize(end, 0);
        }
        file.octets[at..end].copy_from_slice(octets);
        Ok(())
    }

    fn sync(&mut self, file: &str) -> io::Result<()> {
        self.file(file).map(|_| ())
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        let file = self.files.remove(from).ok_or(io::ErrorKind::NotFound)?;
        self.files.insert(to.to_owned(), file);
        Ok(())
    }

    fn remove(&mut self, file: &str) -> io::Result<()> {
        let removed = self.files.remove(file);
        removed
            .map(|_| ())
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn sync_directory(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn birth(&mut self, file: &str) -> io::Result<u64> {
        Ok(self.file(file)?.birth)
    }
}
