//! Where each virtual address lives: an exact-match table in shared shards.

use std::net::Ipv4Addr;
use std::num::NonZeroU64;
use std::sync::Arc;

use wire::address::{NetworkId, Prefix96};

use crate::group::GroupIndex;

/// Shards of a table. With a million mappings a shard is 64 KiB, which a change
/// copies in a few microseconds, and this array of pointers is 16 KiB.
const SHARDS: usize = 1024;

/// Slots of the smallest shard. A power of two.
const SLOTS_MIN: usize = 4;

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

impl Key {
    /// The key of `address` in `network`.
    #[inline]
    pub fn new(network: NetworkId, address: Ipv4Addr) -> Self {
        let packed = u64::from(network.get()) << 32 | u64::from(address.to_bits());
        // A network id is never 0, so neither is a key; `unwrap_or(MIN)` says
        // the same without a branch that could panic.
        Self(NonZeroU64::new(packed).unwrap_or(NonZeroU64::MIN))
    }

    /// The network part, 24 bits.
    pub fn network_bits(self) -> u32 {
        (self.0.get() >> 32) as u32
    }

    /// The virtual address.
    pub fn address(self) -> Ipv4Addr {
        Ipv4Addr::from_bits(self.0.get() as u32)
    }

    /// The key of another address in the same network.
    pub fn with_address(self, address: Ipv4Addr) -> Self {
        let network = self.0.get() & !u64::from(u32::MAX);
        let packed = network | u64::from(address.to_bits());
        Self(NonZeroU64::new(packed).unwrap_or(NonZeroU64::MIN))
    }

    /// Spreads the key over 64 bits. Operators choose the entries, strangers
    /// only the look-ups, so a fixed function is enough.
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

/// A slot of a shard, empty or taken.
type Slot = Option<Entry>;

/// One part of the table: open addressing, linear probing, a power of two of
/// slots of which at most half are taken, so that a miss ends soon.
#[derive(Clone, Debug)]
struct Shard {
    slots: Arc<[Slot]>,
}

impl Shard {
    fn empty() -> Self {
        Self {
            slots: vec![None; SLOTS_MIN].into(),
        }
    }

    fn holding(entries: &[Entry]) -> Self {
        let slot_count = (entries.len() * 2).next_power_of_two().max(SLOTS_MIN);
        let mut slots = vec![None; slot_count];
        for entry in entries {
            let mut i = Self::home(entry.key.hash(), slot_count);
            while slots[i].is_some() {
                i = (i + 1) & (slot_count - 1);
            }
            slots[i] = Some(*entry);
        }
        Self {
            slots: slots.into(),
        }
    }

    /// The slot where the search for a hash begins.
    #[inline]
    fn home(hash: u64, slot_count: usize) -> usize {
        (hash >> 22) as usize & (slot_count - 1)
    }

    #[inline]
    fn first_slot(&self, hash: u64) -> &Slot {
        &self.slots[Self::home(hash, self.slots.len())]
    }

    #[inline]
    fn find(&self, key: Key, hash: u64) -> Option<&Entry> {
        let mask = self.slots.len() - 1;
        let mut i = Self::home(hash, self.slots.len());
        // Half of the slots are free, so the walk ends.
        loop {
            match &self.slots[i & mask] {
                Some(entry) if entry.key == key => return Some(entry),
                Some(_) => i += 1,
                None => return None,
            }
        }
    }

    fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.slots.iter().flatten()
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
}

/// All mappings of a snapshot.
#[derive(Clone, Debug)]
pub struct Mappings {
    shards: Box<[Shard]>,
    len: usize,
}

impl Default for Mappings {
    fn default() -> Self {
        Self {
            shards: vec![Shard::empty(); SHARDS].into(),
            len: 0,
        }
    }
}

impl Mappings {
    /// The shard of a hash: its top bits, which the slot does not use.
    #[inline]
    fn shard_of(hash: u64) -> usize {
        (hash >> (64 - SHARDS.ilog2())) as usize
    }

    /// The mapping of `key`, if there is one.
    #[inline]
    pub fn find(&self, key: Key) -> Option<&Entry> {
        let hash = key.hash();
        self.shards[Self::shard_of(hash)].find(key, hash)
    }

    /// The memory that [`Mappings::find`] will read first, to be asked of the
    /// cache ahead of time.
    #[inline]
    pub fn first_slot(&self, key: Key) -> &Option<Entry> {
        let hash = key.hash();
        self.shards[Self::shard_of(hash)].first_slot(hash)
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
        self.shards.iter().flat_map(Shard::entries)
    }

    /// The table after `changes`, applied in order. Shards without a change are
    /// shared with this one. Costs a copy of each shard that has one.
    pub fn with(&self, changes: &[Change]) -> Self {
        let mut by_shard: Vec<&Change> = changes.iter().collect();
        // Stable: two changes of one key keep their order.
        by_shard.sort_by_key(|change| Self::shard_of(change.key().hash()));
        let mut next = self.clone();
        for group in by_shard
            .chunk_by(|a, b| Self::shard_of(a.key().hash()) == Self::shard_of(b.key().hash()))
        {
            let shard = &mut next.shards[Self::shard_of(group[0].key().hash())];
            let before = shard.entries().count();
            let mut entries: std::collections::HashMap<Key, Entry> =
                shard.entries().map(|entry| (entry.key, *entry)).collect();
            for change in group {
                match change {
                    Change::Put(entry) => drop(entries.insert(entry.key, *entry)),
                    Change::Remove(key) => drop(entries.remove(key)),
                }
            }
            let entries: Vec<Entry> = entries.into_values().collect();
            next.len = next.len - before + entries.len();
            *shard = Shard::holding(&entries);
        }
        next
    }
}

#[cfg(test)]
mod tests;
