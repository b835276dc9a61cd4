//! A segment of the log: a head with the snapshot that it begins with, then entries, then room.

use crate::error::Refusal;
use crate::fact::{self, Fact, Reader, State};
use crate::log::StoreId;
use crate::planted::{self, Slip};
use crate::sector::{self, Entry, Found, Hash, PAGE, SECTOR, Sector};

/// The layout of what follows; another one is refused.
const VERSION: u16 = 1;

/// Above this a file is not a segment of ours, and is not read into memory.
pub(crate) const SIZE_MAX: u64 = 1 << 30;

/// A place in the history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Chain {
    /// How many entries there were since the log began, snapshots counted.
    pub(crate) number: u64,
    /// The hash of the last one, and through it of all.
    pub(crate) hash: Hash,
}

/// What a segment says about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) store: StoreId,
    pub(crate) generation: u64,
    /// The size of the file.
    pub(crate) size: u64,
    /// Where the segment before it had come to.
    pub(crate) previous: Chain,
}

/// A segment that was read.
#[derive(Debug)]
pub(crate) struct Segment {
    pub(crate) head: Head,
    /// The place of the head.
    pub(crate) begun: Chain,
    /// The place of the last entry.
    pub(crate) chain: Chain,
    pub(crate) state: State,
    /// Where the last entry stands, the head among them.
    pub(crate) last: (usize, usize),
    /// Where the entries begin.
    pub(crate) begun_at: usize,
    /// Where the next entry goes.
    pub(crate) end: usize,
    /// Where what a crash left of an entry ends, if it left any.
    pub(crate) torn: Option<usize>,
}

impl Chain {
    pub(crate) const START: Self = Self {
        number: 0,
        hash: [0; 32],
    };

    /// The place after an entry with this content.
    pub(crate) fn next(self, content: &[u8]) -> Self {
        let number = self.number + 1;
        Self {
            number,
            hash: sector::hash(number, content),
        }
    }
}

/// The content of an entry that follows `chain`.
pub(crate) fn entry(chain: &Chain, facts: &[Fact]) -> Vec<u8> {
    let mut content = chain.hash.to_vec();
    for fact in facts {
        fact::encode(fact, &mut content);
    }
    content
}

/// The content of a head. Its `size` is found here: the head, and `room` octets at least.
pub(crate) fn head(head: &mut Head, facts: &[Fact], room: usize) -> Vec<u8> {
    let Head {
        store,
        generation,
        size,
        previous,
    } = head;
    let mut content = previous.hash.to_vec();
    content.extend_from_slice(&VERSION.to_le_bytes());
    content.extend_from_slice(&store.0);
    content.extend_from_slice(&generation.to_le_bytes());
    let size_at = content.len();
    content.extend_from_slice(&[0; 8]);
    for fact in facts {
        fact::encode(fact, &mut content);
    }
    *size = (sector::room(content.len()) + room.next_multiple_of(PAGE)) as u64;
    content[size_at..size_at + 8].copy_from_slice(&size.to_le_bytes());
    content
}

fn decode_head(entry: &Entry) -> Result<(Head, &[u8]), &'static str> {
    let mut from = Reader(&entry.content);
    let mut decode = || {
        let previous = from.array()?;
        let version = from.array().map(u16::from_le_bytes)?;
        let head = Head {
            store: StoreId(from.array()?),
            generation: from.u64()?,
            size: from.u64()?,
            previous: Chain {
                number: entry.number.checked_sub(1)?,
                hash: previous,
            },
        };
        Some((version, head))
    };
    match decode() {
        None => Err("this is not the head of a log"),
        Some((version, _)) if version != VERSION => Err("this log has another layout"),
        Some((_, head)) => Ok((head, from.0)),
    }
}

/// Reads a whole segment.
///
/// # Errors
/// Whatever no crash leaves.
pub(crate) fn read(name: &str, file: &[u8]) -> Result<Segment, Refusal> {
    let refuse = |offset, reason: &str| Refusal::new(name, offset, reason);
    let first = match sector::read(file, 0) {
        Found::Entry(entry) => entry,
        Found::Unfinished => return Err(refuse(0, "the head is missing or cut short")),
        Found::Bad(offset, reason) => return Err(refuse(offset, reason)),
    };
    let (head, facts) = decode_head(&first).map_err(|reason| refuse(0, reason))?;
    if file.len() as u64 != head.size {
        let reason = format!(
            "the file has {} octets where it was made with {}",
            file.len(),
            head.size
        );
        return Err(Refusal::new(name, file.len(), reason));
    }
    let mut state = State::default();
    for fact in fact::decode(facts).ok_or_else(|| refuse(0, "the snapshot cannot be read"))? {
        state.learn(&fact);
    }
    let begun = Chain {
        number: first.number,
        hash: first.hash,
    };
    let mut segment = Segment::begun(head, begun, state, first.octets);
    while segment.end < file.len() {
        match sector::read(file, segment.end) {
            Found::Entry(entry) => segment
                .follow(entry)
                .map_err(|reason| refuse(segment.end, reason))?,
            Found::Bad(..) if planted::is_on(Slip::MiddleTakenForTail) => {
                segment.torn = Some(file.len());
                return Ok(segment);
            }
            Found::Bad(offset, reason) => return Err(refuse(offset, reason)),
            Found::Unfinished => {
                segment.torn = debris(file, segment.end, segment.chain.number + 1)
                    .map_err(|(offset, reason)| refuse(offset, reason))?;
                return Ok(segment);
            }
        }
    }
    Ok(segment)
}

impl Segment {
    /// A segment with nothing but a head of so many octets.
    pub(crate) fn begun(head: Head, begun: Chain, state: State, octets: usize) -> Self {
        let begun_at = octets.next_multiple_of(PAGE);
        Self {
            head,
            begun,
            chain: begun,
            state,
            last: (0, octets),
            begun_at,
            end: begun_at,
            torn: None,
        }
    }

    /// Whether anything was added since the segment began.
    pub(crate) fn is_as_begun(&self) -> bool {
        self.chain == self.begun
    }

    fn follow(&mut self, entry: Entry) -> Result<(), &'static str> {
        let mut from = Reader(&entry.content);
        let previous: Option<Hash> = from.array();
        let follows = previous == Some(self.chain.hash) && entry.number == self.chain.number + 1;
        if !follows && !planted::is_on(Slip::BrokenChainAccepted) {
            return Err("this entry does not follow the one before it");
        }
        let facts = fact::decode(from.0).ok_or("this entry cannot be read")?;
        for fact in facts {
            self.state.learn(&fact);
        }
        self.chain = Chain {
            number: entry.number,
            hash: entry.hash,
        };
        self.last = (self.end, entry.octets);
        self.end = (self.end + entry.octets).next_multiple_of(PAGE);
        Ok(())
    }
}

/// Looks at all that follows the last entry: nothing, or what a crash left of the next one, which
/// has this number. Gives the end of that.
fn debris(file: &[u8], from: usize, number: u64) -> Result<Option<usize>, (usize, &'static str)> {
    let mut end = None;
    for offset in (from..file.len()).step_by(SECTOR) {
        let octets = &file[offset..file.len().min(offset + SECTOR)];
        let is_blank = octets.iter().all(|&octet| octet == 0);
        match sector::inspect(octets) {
            Sector::Unfinished if is_blank => {}
            Sector::Unfinished => end = Some(offset + octets.len()),
            Sector::Whole(piece) if piece.number == number => end = Some(offset + SECTOR),
            _ if planted::is_on(Slip::MiddleTakenForTail) => end = Some(file.len()),
            Sector::Whole(_) => {
                return Err((from, "an entry is missing here, and later ones follow"));
            }
            Sector::Rotten => return Err((offset, "the checksum is wrong")),
        }
    }
    Ok(end)
}
