//! I3 and I4: what was acknowledged or seen is never taken back.

use std::collections::BTreeMap;

use messages::{Epoch, SignedRecord};

use super::{Invariant, Violation, claim};
use crate::clock::Moment;
use crate::naming::{HOSTS_MAX, Host};

/// Records remembered for each group; older ones are compared no more.
const REMEMBERED: usize = 64;

/// Who saw a record.
#[derive(Clone, Copy, Debug)]
pub struct Seen {
    /// When.
    pub moment: Moment,
    /// The group's position.
    pub group: usize,
    /// The host.
    pub by: Host,
}

/// What hosts acknowledged and saw so far.
#[derive(Clone, Debug)]
pub struct Epochs {
    acknowledged: Vec<[Option<Epoch>; HOSTS_MAX]>,
    seen: Vec<BTreeMap<Epoch, SignedRecord>>,
}

impl Epochs {
    /// Nothing yet.
    #[must_use]
    pub fn new(groups: usize) -> Self {
        Self {
            acknowledged: vec![[None; HOSTS_MAX]; groups],
            seen: vec![BTreeMap::new(); groups],
        }
    }

    /// A host acknowledges that it holds this epoch durably.
    pub fn acknowledges(&mut self, group: usize, host: Host, epoch: Epoch) {
        let known = &mut self.acknowledged[group][host.index()];
        *known = (*known).max(Some(epoch));
    }

    /// A host's disk was damaged: what it said before counts no more.
    pub fn forget(&mut self, host: Host) {
        for group in &mut self.acknowledged {
            group[host.index()] = None;
        }
    }

    /// I3, when a host installs a record.
    ///
    /// # Errors
    ///
    /// If it acknowledged a newer one.
    pub fn never_below(&self, seen: Seen, epoch: Epoch) -> Result<(), Violation> {
        let acknowledged = self.acknowledged[seen.group][seen.by.index()];
        claim(
            acknowledged.is_none_or(|acknowledged| epoch >= acknowledged),
            Invariant::I3,
            seen.moment,
            || {
                format!(
                    "{} installs epoch {epoch} of group {} and has acknowledged {acknowledged:?}",
                    seen.by, seen.group
                )
            },
        )
    }

    /// I4, when a host sees a record: an epoch means one thing only.
    ///
    /// # Errors
    ///
    /// If somebody saw another record of the same epoch.
    pub fn means_one_thing(&mut self, seen: Seen, signed: &SignedRecord) -> Result<(), Violation> {
        let known = &mut self.seen[seen.group];
        let epoch = signed.record.epoch;
        match known.get(&epoch) {
            Some(before) => claim(before == signed, Invariant::I4, seen.moment, || {
                format!(
                    "{} sees {:?} as epoch {epoch} of group {}, and somebody saw {:?}",
                    seen.by, signed.record, seen.group, before.record
                )
            }),
            None => {
                known.insert(epoch, signed.clone());
                if known.len() > REMEMBERED {
                    known.pop_first();
                }
                Ok(())
            }
        }
    }

    /// I4, when a manager starts with a log that it believes.
    ///
    /// # Errors
    ///
    /// If somebody saw a newer epoch than the log holds.
    pub fn survives(&self, seen: Seen, restored: Option<Epoch>) -> Result<(), Violation> {
        let newest = self.newest(seen.group);
        claim(restored >= newest, Invariant::I4, seen.moment, || {
            format!(
                "the manager on {} starts with epoch {restored:?} of group {}, and somebody saw {newest:?}",
                seen.by, seen.group
            )
        })
    }

    /// The newest record before this epoch that anybody saw.
    #[must_use]
    pub fn before(&self, group: usize, epoch: Epoch) -> Option<&SignedRecord> {
        let (_, record) = self.seen[group].range(..epoch).next_back()?;
        Some(record)
    }

    /// The last owner before this generation.
    #[must_use]
    pub fn owner_before(&self, group: usize, generation: u64) -> Option<Host> {
        let mut records = self.seen[group].values().rev();
        let owned = records.find_map(|signed| {
            let owner = signed.record.owner?;
            (signed.record.generation < generation).then_some(owner.host)
        });
        owned.and_then(Host::of)
    }

    /// The newest record that anybody saw.
    #[must_use]
    pub fn newest_record(&self, group: usize) -> Option<&SignedRecord> {
        Some(self.seen[group].last_key_value()?.1)
    }

    /// The newest epoch that anybody saw.
    #[must_use]
    pub fn newest(&self, group: usize) -> Option<Epoch> {
        self.seen[group].keys().next_back().copied()
    }
}
