//! What is kept: facts, and of each kind the newest.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use messages::{Epoch, GroupId, HostId};

use crate::planted::{self, Slip};
use crate::sector::array;

/// One thing to be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    /// A group's record, signed and encoded by the caller. The one with the greatest epoch is kept.
    Record(KeptRecord),
    /// An operator raised the term. The greatest is kept.
    Term(u32),
    /// What was sent to a replica since it was first counted. The greatest counts are kept.
    Count(Count),
}

/// A group's record as octets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptRecord {
    /// The group that it is about.
    pub group: GroupId,
    /// Its epoch.
    pub epoch: Epoch,
    /// The signed record. The journal does not look into it.
    pub octets: Vec<u8>,
}

/// What was sent to one replica of a group: what a provider bills, so that it never falls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count {
    /// The group.
    pub group: GroupId,
    /// The replica's host.
    pub replica: HostId,
    /// Packets.
    pub packets: u64,
    /// Octets of these packets.
    pub octets: u64,
}

/// The newest fact of each kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct State {
    records: BTreeMap<GroupId, KeptRecord>,
    counts: BTreeMap<(GroupId, HostId), Count>,
    term: u32,
}

const RECORD: u8 = 1;
const TERM: u8 = 2;
const COUNT: u8 = 3;

impl State {
    /// Takes a fact, unless a newer one is known.
    pub(crate) fn learn(&mut self, fact: &Fact) {
        match fact {
            Fact::Record(record) => {
                let known = self.records.get(&record.group);
                if known.is_none_or(|known| known.epoch < record.epoch) {
                    self.records.insert(record.group, record.clone());
                }
            }
            Fact::Term(term) => self.term = self.term.max(*term),
            Fact::Count(count) => {
                let known = self
                    .counts
                    .entry((count.group, count.replica))
                    .or_insert(*count);
                known.packets = known.packets.max(count.packets);
                known.octets = known.octets.max(count.octets);
            }
        }
    }

    /// As few facts as say the same.
    pub(crate) fn facts(&self) -> Vec<Fact> {
        let newest = self.records.values().map(|record| record.epoch).max();
        let records = self.records.values().filter(|record| {
            !(planted::is_on(Slip::SnapshotWithoutNewest) && Some(record.epoch) == newest)
        });
        let term = (self.term > 0).then_some(Fact::Term(self.term));
        records
            .cloned()
            .map(Fact::Record)
            .chain(term)
            .chain(self.counts.values().copied().map(Fact::Count))
            .collect()
    }

    /// The newest record of each group, in the order of the groups.
    pub(crate) fn records(&self) -> impl Iterator<Item = &KeptRecord> {
        self.records.values()
    }

    /// The counts of each group and replica, in their order.
    pub(crate) fn counts(&self) -> impl Iterator<Item = &Count> {
        self.counts.values()
    }

    /// The greatest term that was raised to or appears in a record.
    pub(crate) fn term(&self) -> u32 {
        let seen = self.records.values().map(|record| record.epoch.term).max();
        self.term.max(seen.unwrap_or(0))
    }
}

/// Appends a fact's encoding.
pub(crate) fn encode(fact: &Fact, to: &mut Vec<u8>) {
    match fact {
        Fact::Record(KeptRecord {
            group,
            epoch,
            octets,
        }) => {
            to.push(RECORD);
            encode_group(*group, to);
            to.extend_from_slice(&epoch.term.to_le_bytes());
            to.extend_from_slice(&epoch.seq.to_le_bytes());
            to.extend_from_slice(&(octets.len() as u32).to_le_bytes());
            to.extend_from_slice(octets);
        }
        Fact::Term(term) => {
            to.push(TERM);
            to.extend_from_slice(&term.to_le_bytes());
        }
        Fact::Count(Count {
            group,
            replica,
            packets,
            octets,
        }) => {
            to.push(COUNT);
            encode_group(*group, to);
            to.extend_from_slice(&replica.0);
            to.extend_from_slice(&packets.to_le_bytes());
            to.extend_from_slice(&octets.to_le_bytes());
        }
    }
}

fn encode_group(group: GroupId, to: &mut Vec<u8>) {
    to.extend_from_slice(&group.network.to_le_bytes());
    to.extend_from_slice(&group.address().octets());
}

/// All facts of an entry; `None` if they are none.
pub(crate) fn decode(octets: &[u8]) -> Option<Vec<Fact>> {
    let mut from = Reader(octets);
    let mut facts = Vec::new();
    while !from.0.is_empty() {
        facts.push(from.fact()?);
    }
    Some(facts)
}

/// What of an encoding was not read yet.
pub(crate) struct Reader<'a>(pub(crate) &'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn take(&mut self, octets: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(octets)?;
        self.0 = rest;
        Some(taken)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N).map(array)
    }

    pub(crate) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    fn group(&mut self) -> Option<GroupId> {
        let network = self.u32()?;
        let address: [u8; 4] = self.array()?;
        Some(GroupId::new(network, Ipv4Addr::from(address)))
    }

    fn fact(&mut self) -> Option<Fact> {
        let [kind] = self.array()?;
        match kind {
            RECORD => {
                let group = self.group()?;
                let term = self.u32()?;
                let seq = self.u64()?;
                let octets = self.u32()? as usize;
                Some(Fact::Record(KeptRecord {
                    group,
                    epoch: Epoch { term, seq },
                    octets: self.take(octets)?.to_vec(),
                }))
            }
            TERM => self.u32().map(Fact::Term),
            COUNT => Some(Fact::Count(Count {
                group: self.group()?,
                replica: HostId(self.array()?),
                packets: self.u64()?,
                octets: self.u64()?,
            })),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
