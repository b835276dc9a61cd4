//! Where each virtual address lives: an exact-match table in shared shards.

use std::net::Ipv4Addr;
use std::num::NonZeroU64;
use std::sync::Arc;

use wire::address::{NetworkId, Prefix96};

use crate::group::GroupIndex;

mod batch;
mod shard;

pub use batch::Batch;
use shard::{Draft, Shard, Slot};

/// Branches of a table, and shards of a branch. With a million mappings a shard is 12 to 14 KiB. A change
/// copies one shard, the pointers of its branch and those to the branches; one array of all shards
/// would cost a counted reference for each, scattered over the whole table.
const BRANCHES: usize = 64;
const SHARDS: usize = 64;

/// A host of the fabric: its position in the configuration's list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HostIndex(pub u16);

/// A port of this host: 0 is the uplink, guests follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PortIndex(pub u16);

impl PortIndex {
    /// The port that faces the substrate.
    pub const UPLINK: Self = Self(0);

    /// As an index into an array of ports.
    #[inline]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// (network, virtual address): what a mapping is found by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(transparent)]
pub struct Key(NonZeroU64);

/// Set in every key, so that none is zero: an absent entry is told from a present one by its key.
const PRESENT: NonZeroU64 = NonZeroU64::new(1 << 63).unwrap();

impl Key {
    /// The key of `address` in `network`.
    #[inline]
    pub fn new(network: NetworkId, address: Ipv4Addr) -> Self {
        let network = u64::from(network.get()) << 32;
        Self(PRESENT | network | u64::from(address.to_bits()))
    }

    /// The network part, 24 bits.
    pub fn network_bits(self) -> u32 {
        (self.0.get() >> 32) as u32 & 0xff_ffff
    }

    /// The virtual address.
    pub fn address(self) -> Ipv4Addr {
        Ipv4Addr::from_bits(self.0.get() as u32)
    }

    /// The key of another address in the same network.
    pub fn with_address(self, address: Ipv4Addr) -> Self {
        let network = self.0.get() & !u64::from(u32::MAX);
        Self(PRESENT | network | u64::from(address.to_bits()))
    }

    /// Spreads the key over 64 bits, one to one. Operators choose the entries,
    /// strangers only the look-ups, so a fixed function is enough.
    #[inline]
    fn hash(self) -> u64 {
        let k = self.0.get();
        (k ^ (k >> 29)).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }
}

/// One mapping: which host has the address, and how packets name it there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C, align(32))]
pub struct Entry {
    /// What it is found by.
    pub key: Key,
    /// The first 96 bits of the node's substrate address: as a destination what
    /// is written, as a source what must be found (anti-spoofing and fence in
    /// one).
    pub prefix: Prefix96,
    /// The host where the address lives now.
    pub owner: HostIndex,
    /// Its guest port, if that host is this one; of a group, that of the member
    /// on this host, whatever its role.
    pub port: Option<LocalPort>,
    /// Owner generation: rises when the address changes its host. Its low two
    /// bits travel in every packet that the owner sends.
    pub generation: u8,
    /// The group, if the address is replicated.
    pub group: Option<GroupIndex>,
}

/// A guest port in the space of a `u16`: the uplink owns no address, so its
/// index is free to mean "none".
pub type LocalPort = std::num::NonZeroU16;

const _: () = assert!(size_of::<Entry>() == 32, "two entries a cache line");

impl Entry {
    /// The guest port of a mapping that lives here.
    #[inline]
    pub fn local_port(&self) -> Option<PortIndex> {
        self.port.map(|port| PortIndex(port.get()))
    }
}

/// A look-up that has begun: it is known where to look first, so that the memory can be asked of the
/// cache before it is needed.
#[derive(Clone, Copy, Debug)]
pub struct Aim<'a> {
    slots: &'a [Slot],
    at: usize,
    key: Key,
}

impl<'a> Aim<'a> {
    /// What is looked for.
    #[inline]
    pub fn key(&self) -> Key {
        self.key
    }

    /// What [`Aim::find`] will read first.
    #[inline]
    pub fn first_slot(&self) -> &'a Option<Entry> {
        &self.slots[self.at]
    }

    /// The mapping, if there is one.
    #[inline]
    pub fn find(self) -> Option<&'a Entry> {
        let mut at = self.at;
        // Some slots are always free, so the walk ends.
        loop {
            match self.slots.get(at)? {
                Some(entry) if entry.key == self.key => return Some(entry),
                Some(_) => {
                    at = if at + 1 == self.slots.len() {
                        0
                    } else {
                        at + 1
                    }
                }
                None => return None,
            }
        }
    }
}

/// One step of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Adds the mapping, or replaces the one with the same key.
    Put(Entry),
    /// Removes the mapping with this key, if there is one.
    Remove(Key),
}

impl Change {
    /// The mapping that it is about.
    pub fn key(&self) -> Key {
        match self {
            Self::Put(entry) => entry.key,
            Self::Remove(key) => *key,
        }
    }

    /// Orders changes by shard, and those of one key one after the other: no two keys share one.
    fn hash(&self) -> u64 {
        self.key().hash()
    }

    /// The branch and the shard that it touches.
    fn place(&self) -> (usize, usize) {
        Mappings::place_of(self.hash())
    }

    /// What is found by its key from then on.
    fn outcome(&self) -> Option<&Entry> {
        match self {
            Self::Put(entry) => Some(entry),
            Self::Remove(_) => None,
        }
    }
}

/// All mappings of a snapshot.
#[derive(Clone, Debug)]
pub struct Mappings {
    branches: Box<[Arc<[Shard; SHARDS]>; BRANCHES]>,
    len: usize,
}

impl Default for Mappings {
    fn default() -> Self {
        let shard = Shard::empty();
        let branch = Arc::new(std::array::from_fn(|_| shard.clone()));
        Self {
            branches: Box::new(std::array::from_fn(|_| Arc::clone(&branch))),
            len: 0,
        }
    }
}

impl Mappings {
    /// The branch of a hash, and the shard in it: its top bits, which the slot does not use.
    #[inline]
    fn place_of(hash: u64) -> (usize, usize) {
        let branch = hash >> (64 - BRANCHES.ilog2());
        let shard = hash >> (64 - BRANCHES.ilog2() - SHARDS.ilog2());
        (branch as usize % BRANCHES, shard as usize % SHARDS)
    }

    /// The mapping of `key`, if there is one.
    #[inline]
    pub fn find(&self, key: Key) -> Option<&Entry> {
        self.aim(key).find()
    }

    /// Begins to look for the mapping of `key`.
    #[inline]
    pub fn aim(&self, key: Key) -> Aim<'_> {
        let hash = key.hash();
        let (branch, shard) = Self::place_of(hash);
        self.branches[branch][shard].aim(key, hash)
    }

    /// Number of mappings.
    pub fn len(&self) -> usize {
        self.len
    }

    /// True if there is no mapping.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Every mapping, in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = &Entry> {
        let shards = self.branches.iter().flat_map(|branch| branch.iter());
        shards.flat_map(Shard::entries)
    }

    /// The table after `changes`, applied in order. Shards in which nothing is
    /// different are shared with this one. Costs a copy of each other shard.
    pub fn with(&self, changes: &[Change]) -> Self {
        self.changed_by(changes).0
    }

    /// The same, and how many keys find something else in it.
    pub fn changed_by(&self, changes: &[Change]) -> (Self, usize) {
        let mut by_shard: Vec<&Change> = changes.iter().collect();
        // Stable: two changes of one key keep their order.
        by_shard.sort_by_key(|change| change.hash());
        let (mut next, mut changed) = (self.clone(), 0);
        for group in by_shard.chunk_by(|a, b| a.place() == b.place()) {
            let (branch, shard) = group[0].place();
            let before = &self.branches[branch][shard];
            let mut after = before.clone();
            let mut draft = Draft::of(&mut after);
            let taken_before = draft.taken;
            let mut differs = 0;
            // Of several changes of one key the last one counts.
            let of_one_key = group.chunk_by(|a, b| a.key() == b.key());
            for change in of_one_key.filter_map(|changes| changes.last()) {
                let found = before.aim(change.key(), change.hash()).find();
                if found == change.outcome() {
                    continue;
                }
                differs += 1;
                match change {
                    Change::Put(entry) => draft.put(*entry),
                    Change::Remove(key) => draft.remove(*key),
                }
            }
            if differs > 0 {
                next.len = next.len - taken_before + draft.taken;
                changed += differs;
                Arc::make_mut(&mut next.branches[branch])[shard] = after;
            }
        }
        (next, changed)
    }
}

#[cfg(test)]
mod tests;
