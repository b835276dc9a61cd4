//! A batch of changes, cut into parts that are applied one after the other.

use super::{BRANCHES, Change, SHARDS};

/// Changes that belong together, and how far they are applied.
///
/// A batch of more changes than there are shards would copy the whole table. It is cut into parts,
/// one for each branch: so it takes the memory of one part more than the table itself, which each
/// part finds free, and still in the cache, from the one before; and who applies it can do something
/// else between two parts. A smaller batch is one part, and so one version of the tables.
#[derive(Debug)]
pub struct Batch {
    changes: Box<[Change]>,
    done: usize,
    is_large: bool,
}

impl Batch {
    /// The batch of `changes`. Two changes of one key keep their order.
    pub fn new(mut changes: Vec<Change>) -> Self {
        let is_large = changes.len() > BRANCHES * SHARDS;
        if is_large {
            // As `Mappings::with` wants them.
            changes.sort_by_key(Change::hash);
        }
        Self {
            changes: changes.into(),
            done: 0,
            is_large,
        }
    }

    /// What is to be applied next, in one version; `None` at the end.
    pub fn next_part(&mut self) -> Option<&[Change]> {
        let rest = &self.changes[self.done..];
        let branch = |change: &Change| change.place().0;
        let part = match self.is_large {
            true => rest.chunk_by(|a, b| branch(a) == branch(b)).next()?,
            false => Some(rest).filter(|rest| !rest.is_empty())?,
        };
        self.done += part.len();
        Some(part)
    }

    /// Whether there is no next part.
    pub fn is_done(&self) -> bool {
        self.done == self.changes.len()
    }
}
