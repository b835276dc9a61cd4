//! Where each virtual address lives: an exact-match table in shared shards.

use std::net::Ipv4Addr;
use std::num::NonZeroU64;
use std::sync::Arc;

use wire::address::{NetworkId, Prefix96};

use crate::group::GroupIndex;

/// Branches of a table, and shards of a branch. With a million mappings a shard is 12 to 14 KiB. A change
/// copies one shard, the pointers of its branch and those to the branches; one array of all shards
/// would cost a counted reference for each, scattered over the whole table.
const BRANCHES: usize = 64;
const SHARDS: usize = 64;

/// Units of the smallest shard.
const UNITS_MIN: usize = 8;

/// Slots of a shard that takes the memory of `units` slots: one is for what an [`Arc`] counts.
///
/// Units are [8](UNITS_MIN), 10, 12, 14, 16, 20, 24 and so on, four steps a doubling, as jemalloc
/// divides memory: one slot more would cost a quarter more. In such steps a shard that has grown is
/// between half and five eighths full, where in powers of two it would be so by luck.
const fn slots_of(units: usize) -> usize {
    units - 1
}

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

/// One part of the table: open addressing, linear probing, [so many](slots_of) slots of which at most
/// five in eight are taken, so that a miss ends soon.
#[derive(Clone, Debug)]
struct Shard {
    slots: Arc<[Slot]>,
}

impl Shard {
    fn empty() -> Self {
        Self {
            slots: vec![None; slots_of(UNITS_MIN)].into(),
        }
    }

    /// The slot where the search for a hash begins: the bits below those that choose the shard, as a
    /// fraction of the slots.
    #[inline]
    fn home(hash: u64, slot_count: usize) -> usize {
        let fraction = hash << (BRANCHES.ilog2() + SHARDS.ilog2()) >> 32;
        ((fraction * slot_count as u64) >> 32) as usize
    }

    #[inline]
    fn aim(&self, key: Key, hash: u64) -> Aim<'_> {
        Aim {
            slots: &self.slots,
            at: Self::home(hash, self.slots.len()),
            key,
        }
    }

    fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.slots.iter().flatten()
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

/// A shard that is being changed: a copy that nobody else sees yet.
struct Draft<'a> {
    slots: &'a mut Arc<[Slot]>,
    taken: usize,
}

impl<'a> Draft<'a> {
    fn of(shard: &'a mut Shard) -> Self {
        Self {
            taken: shard.entries().count(),
            slots: &mut shard.slots,
        }
    }

    /// The copy is made at the first change.
    fn slot(&mut self, at: usize) -> &mut Slot {
        &mut Arc::make_mut(self.slots)[at]
    }

    /// What its [slots](slots_of) take.
    fn units(&self) -> usize {
        self.slots.len() + 1
    }

    /// The slot behind a slot.
    fn after(&self, at: usize) -> usize {
        (at + 1) % self.slots.len()
    }

    /// How far a slot lies behind another.
    fn distance(&self, from: usize, to: usize) -> usize {
        (to + self.slots.len() - from) % self.slots.len()
    }

    /// Where the key is, or the free slot where it would be.
    fn place(&self, key: Key) -> usize {
        let mut at = Shard::home(key.hash(), self.slots.len());
        while self.slots[at].is_some_and(|entry| entry.key != key) {
            at = self.after(at);
        }
        at
    }

    fn put(&mut self, entry: Entry) {
        let at = self.place(entry.key);
        self.taken += usize::from(self.slots[at].is_none());
        *self.slot(at) = Some(entry);
        if self.taken * 8 > self.slots.len() * 5 {
            let units = self.units();
            self.resize(units + (1 << (units.ilog2() - 2)));
        }
    }

    fn remove(&mut self, key: Key) {
        let mut free = self.place(key);
        if self.slots[free].is_none() {
            return;
        }
        *self.slot(free) = None;
        self.taken -= 1;
        // Whoever was pushed past the slot moves up, so that no walk ends too soon.
        let mut at = free;
        loop {
            at = self.after(at);
            let Some(entry) = self.slots[at] else {
                break;
            };
            let home = Shard::home(entry.key.hash(), self.slots.len());
            if self.distance(home, at) >= self.distance(free, at) {
                *self.slot(free) = Some(entry);
                *self.slot(at) = None;
                free = at;
            }
        }
        // Smaller again only at an eighth, lest it goes to and fro.
        let units = self.units();
        if units > UNITS_MIN && self.taken * 8 < self.slots.len() {
            self.resize((units / 2).max(UNITS_MIN));
        }
    }

    fn resize(&mut self, units: usize) {
        let empty = vec![None; slots_of(units)];
        let before = std::mem::replace(self.slots, empty.into());
        for entry in before.iter().flatten() {
            let at = self.place(entry.key);
            *self.slot(at) = Some(*entry);
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

    /// The branch and the shard that it touches.
    fn place(&self) -> (usize, usize) {
        Mappings::place_of(self.key().hash())
    }
}

/// Branches of one part of a large batch.
const PART_BRANCHES: usize = 4;

/// Cuts a batch of more changes than there are shards into parts, each of which touches a sixteenth
/// of the table, and orders it so; changes of one key keep their order. A smaller batch is one part.
///
/// Such a batch would copy the whole table. In parts it takes the memory of one part more than the
/// table itself, which each part finds free, and still in the cache, from the one before.
pub fn parts(changes: &mut [Change]) -> impl Iterator<Item = &[Change]> {
    let part = |change: &Change| change.place().0 / PART_BRANCHES;
    let is_one = changes.len() <= BRANCHES * SHARDS;
    if !is_one {
        // As `Mappings::with` wants them.
        changes.sort_by_cached_key(Change::place);
    }
    changes.chunk_by(move |a, b| is_one || part(a) == part(b))
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

    /// The table after `changes`, applied in order. Shards without a change are
    /// shared with this one. Costs a copy of each shard that has one.
    pub fn with(&self, changes: &[Change]) -> Self {
        let mut by_shard: Vec<&Change> = changes.iter().collect();
        // Stable: two changes of one key keep their order.
        by_shard.sort_by_key(|change| change.place());
        let mut next = self.clone();
        for group in by_shard.chunk_by(|a, b| a.place() == b.place()) {
            let (branch, shard) = group[0].place();
            let branch = Arc::make_mut(&mut next.branches[branch]);
            let mut draft = Draft::of(&mut branch[shard]);
            let before = draft.taken;
            for change in group {
                match change {
                    Change::Put(entry) => draft.put(*entry),
                    Change::Remove(key) => draft.remove(*key),
                }
            }
            next.len = next.len - before + draft.taken;
        }
        next
    }
}

#[cfg(test)]
mod tests;
