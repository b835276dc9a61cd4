//! What bytes mean on the disk: sectors, and the entries that are cut into them.
//!
//! ```text
//! octets   0        8       12      16     24     26            504      508      512
//!          | number | index | count | tag  | used | content ... | CRC-32 | "Undy" |
//! ```
//!
//! All numbers are little-endian. `number` is the entry's place in the history, `index` and
//! `count` are the sector's place in the entry, `tag` the first octets of the entry's hash, so
//! that pieces of two attempts at one entry are never put together.

use std::ops::Range;

use sha2_for_keys::{Digest, Sha256};

/// What a disk writes whole or not at all.
pub(crate) const SECTOR: usize = 512;
/// What the page cache writes at once: two entries never share one.
pub(crate) const PAGE: usize = 4096;

const CONTENT: usize = 26;
const CHECKSUM: usize = 504;
const FINISHED: usize = 508;
const CONTENT_MAX: usize = CHECKSUM - CONTENT;

/// The end of a sector that was written to its end. Every octet has several bits set, so that a
/// flipped bit does not make a finished sector look unfinished.
const MARK: [u8; 4] = *b"Undy";

/// SHA-256 over an entry; each is in the content of the next.
pub(crate) type Hash = [u8; 32];

/// One sector, looked at by itself.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Sector<'a> {
    /// Never written, or not to its end: what a crash may leave.
    Unfinished,
    /// Written to its end, and not what was written: what no crash leaves.
    Rotten,
    /// As it was written.
    Whole(Piece<'a>),
}

/// A piece of an entry.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Piece<'a> {
    pub(crate) number: u64,
    pub(crate) index: u32,
    pub(crate) count: u32,
    pub(crate) tag: [u8; 8],
    pub(crate) content: &'a [u8],
}

/// An entry, put together again.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) number: u64,
    pub(crate) hash: Hash,
    pub(crate) content: Vec<u8>,
    /// How many octets of the file it takes.
    pub(crate) octets: usize,
}

/// What stands where an entry might begin.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// An entry.
    Entry(Entry),
    /// Nothing, or an entry that was not written to its end.
    Unfinished,
    /// Something that no crash leaves, at this offset.
    Bad(usize, &'static str),
}

/// The hash of an entry.
pub(crate) fn hash(number: u64, content: &[u8]) -> Hash {
    let mut digest = Sha256::new();
    digest.update(number.to_le_bytes());
    digest.update(content);
    digest.finalize().into()
}

/// The room that an entry takes, in octets, to the next page.
pub(crate) const fn room(content_octets: usize) -> usize {
    let sectors = content_octets.div_ceil(CONTENT_MAX);
    let sectors = if sectors == 0 { 1 } else { sectors };
    (sectors * SECTOR).next_multiple_of(PAGE)
}

/// An entry as sectors.
pub(crate) fn encode(number: u64, hash: &Hash, content: &[u8]) -> Vec<u8> {
    let count = content.len().div_ceil(CONTENT_MAX).max(1);
    let mut octets = vec![0; count * SECTOR];
    for (index, sector) in octets.chunks_exact_mut(SECTOR).enumerate() {
        let from = index * CONTENT_MAX;
        let piece = &content[from..content.len().min(from + CONTENT_MAX)];
        sector[..8].copy_from_slice(&number.to_le_bytes());
        sector[8..12].copy_from_slice(&(index as u32).to_le_bytes());
        sector[12..16].copy_from_slice(&(count as u32).to_le_bytes());
        sector[16..24].copy_from_slice(&hash[..8]);
        sector[24..CONTENT].copy_from_slice(&(piece.len() as u16).to_le_bytes());
        sector[CONTENT..CONTENT + piece.len()].copy_from_slice(piece);
        let checksum = crc32fast::hash(&sector[..CHECKSUM]);
        sector[CHECKSUM..FINISHED].copy_from_slice(&checksum.to_le_bytes());
        sector[FINISHED..].copy_from_slice(&MARK);
    }
    octets
}

/// Looks at one sector. One that the end of the file cut short is unfinished.
pub(crate) fn inspect(octets: &[u8]) -> Sector<'_> {
    if octets.len() < SECTOR || !is_finished(&octets[FINISHED..SECTOR]) {
        return Sector::Unfinished;
    }
    let used = usize::from(u16::from_le_bytes(array(&octets[24..CONTENT])));
    let checksum = u32::from_le_bytes(array(&octets[CHECKSUM..FINISHED]));
    let is_right = octets[FINISHED..SECTOR] == MARK
        && checksum == crc32fast::hash(&octets[..CHECKSUM])
        && used <= CONTENT_MAX;
    if !is_right {
        return Sector::Rotten;
    }
    Sector::Whole(Piece {
        number: u64::from_le_bytes(array(&octets[..8])),
        index: u32::from_le_bytes(array(&octets[8..12])),
        count: u32::from_le_bytes(array(&octets[12..16])),
        tag: array(&octets[16..24]),
        content: &octets[CONTENT..CONTENT + used],
    })
}

/// A sector is unfinished if octets of its mark are blank and the others right: it was being
/// written or being blanked.
fn is_finished(mark: &[u8]) -> bool {
    let mut octets = mark.iter().zip(MARK);
    let is_wrong = octets.any(|(&octet, right)| octet != 0 && octet != right);
    is_wrong || !mark.contains(&0)
}

/// Where the marks of the sectors are that begin between two offsets.
pub(crate) fn marks(from: usize, to: usize) -> impl Iterator<Item = Range<usize>> {
    let sectors = (from..to).step_by(SECTOR);
    sectors.map(|at| at + FINISHED..at + SECTOR)
}

/// Puts together the entry that begins at `at`.
pub(crate) fn read(file: &[u8], at: usize) -> Found {
    let mut content = Vec::new();
    let mut first: Option<Piece<'_>> = None;
    let mut index = 0;
    loop {
        let offset = at + index * SECTOR;
        let piece = match inspect(file.get(offset..).unwrap_or_default()) {
            Sector::Unfinished => return Found::Unfinished,
            Sector::Rotten => return Found::Bad(offset, "the checksum is wrong"),
            Sector::Whole(piece) => piece,
        };
        if let Some(first) = &first
            && (piece.number, piece.tag) != (first.number, first.tag)
        {
            // A piece of another attempt, which was not overwritten before the crash.
            return Found::Unfinished;
        }
        if piece.index as usize != index || piece.count == 0 {
            return Found::Bad(offset, "this piece of an entry belongs elsewhere");
        }
        content.extend_from_slice(piece.content);
        index += 1;
        let first = first.get_or_insert(piece);
        if index < first.count as usize {
            continue;
        }
        let hash = hash(first.number, &content);
        return if hash[..8] == first.tag {
            Found::Entry(Entry {
                number: first.number,
                hash,
                content,
                octets: index * SECTOR,
            })
        } else {
            Found::Bad(
                at,
                "the content does not have the hash that it was written with",
            )
        };
    }
}

/// The octets as an array; the callers cut them to its length.
pub(crate) fn array<const N: usize>(octets: &[u8]) -> [u8; N] {
    let mut array = [0; N];
    array.copy_from_slice(octets);
    array
}

#[cfg(test)]
mod tests;
