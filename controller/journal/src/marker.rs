//! The marker: which log belongs to this disk, and where it has come to.
//!
//! It is written when a segment begins, by the same steps as a snapshot, and says which one. A log
//! that was lost, taken from elsewhere or brought back from a backup does not fit it; a marker that
//! was brought back together with its log is another file than the one whose birth it names.

use crate::error::Refusal;
use crate::fact::Reader;
use crate::log::StoreId;
use crate::sector::{self, Found, Hash};

/// Its name.
pub(crate) const NAME: &str = "marker";

const VERSION: u16 = 1;

/// What it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Marker {
    pub(crate) store: StoreId,
    /// The newest segment.
    pub(crate) generation: u64,
    /// The hash of that segment's head.
    pub(crate) head: Hash,
    /// When the file was born that this was written to.
    pub(crate) birth: u64,
}

impl Marker {
    /// As one sector.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let Self {
            store,
            generation,
            head,
            birth,
        } = self;
        let mut content = VERSION.to_le_bytes().to_vec();
        content.extend_from_slice(&store.0);
        content.extend_from_slice(head);
        content.extend_from_slice(&birth.to_le_bytes());
        let hash = sector::hash(*generation, &content);
        sector::encode(*generation, &hash, &content)
    }

    /// Reads it. It got its name when it was whole, so that nothing but that is right.
    pub(crate) fn read(file: &[u8]) -> Result<Self, Refusal> {
        let entry = match sector::read(file, 0) {
            Found::Entry(entry) if entry.octets == file.len() => entry,
            Found::Entry(entry) => {
                let offset = entry.octets.min(file.len());
                return Err(Refusal::new(NAME, offset, "the file has the wrong size"));
            }
            Found::Unfinished => {
                let offset = file.len().min(sector::SECTOR);
                return Err(Refusal::new(NAME, offset, "the file is cut short"));
            }
            Found::Bad(offset, reason) => return Err(Refusal::new(NAME, offset, reason)),
        };
        let mut from = Reader(&entry.content);
        let mut decode = || {
            let version = from.array().map(u16::from_le_bytes)?;
            let marker = Self {
                store: StoreId(from.array()?),
                generation: entry.number,
                head: from.array()?,
                birth: from.u64()?,
            };
            (version == VERSION && from.0.is_empty()).then_some(marker)
        };
        decode().ok_or_else(|| Refusal::new(NAME, 0, "this marker has another layout"))
    }
}
