//! One part of the table: a small hash table of its own.

use std::sync::Arc;

use super::{Aim, BRANCHES, Entry, Key, SHARDS};

/// Units of the smallest shard.
pub(super) const UNITS_MIN: usize = 8;

/// Slots of a shard that takes the memory of `units` slots: one is for what an [`Arc`] counts.
///
/// Units are [8](UNITS_MIN), 10, 12, 14, 16, 20, 24 and so on, four steps a doubling, as jemalloc
/// divides memory: one slot more would cost a quarter more. In such steps a shard that has grown is
/// between half and five eighths full, where in powers of two it would be so by luck.
const fn slots_of(units: usize) -> usize {
    units - 1
}

/// A slot of a shard, empty or taken.
pub(super) type Slot = Option<Entry>;

/// One part of the table: open addressing, linear probing, [so many](slots_of) slots of which at most
/// five in eight are taken, so that a miss ends soon.
#[derive(Clone, Debug)]
pub(super) struct Shard {
    pub(super) slots: Arc<[Slot]>,
}

impl Shard {
    pub(super) fn empty() -> Self {
        Self {
            slots: vec![None; slots_of(UNITS_MIN)].into(),
        }
    }

    /// The slot where the search for a hash begins: the bits below those that choose the shard, as a
    /// fraction of the slots.
    #[inline]
    pub(super) fn home(hash: u64, slot_count: usize) -> usize {
        let fraction = hash << (BRANCHES.ilog2() + SHARDS.ilog2()) >> 32;
        ((fraction * slot_count as u64) >> 32) as usize
    }

    #[inline]
    pub(super) fn aim(&self, key: Key, hash: u64) -> Aim<'_> {
        Aim {
            slots: &self.slots,
            at: Self::home(hash, self.slots.len()),
            key,
        }
    }

    pub(super) fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.slots.iter().flatten()
    }
}

/// A shard that is being changed: a copy that nobody else sees yet.
pub(super) struct Draft<'a> {
    slots: &'a mut Arc<[Slot]>,
    pub(super) taken: usize,
}

impl<'a> Draft<'a> {
    pub(super) fn of(shard: &'a mut Shard) -> Self {
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

    pub(super) fn put(&mut self, entry: Entry) {
        let at = self.place(entry.key);
        self.taken += usize::from(self.slots[at].is_none());
        *self.slot(at) = Some(entry);
        if self.taken * 8 > self.slots.len() * 5 {
            let units = self.units();
            self.resize(units + (1 << (units.ilog2() - 2)));
        }
    }

    pub(super) fn remove(&mut self, key: Key) {
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
