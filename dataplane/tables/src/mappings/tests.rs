use std::collections::HashMap;

use proptest::prelude::*;

use super::shard::UNITS_MIN;
use super::*;

fn entry(network: u32, address: u32, owner: u16) -> Entry {
    let network = NetworkId::new(network).expect("a tenant network");
    Entry {
        key: Key::new(network, Ipv4Addr::from_bits(address)),
        prefix: Prefix96([owner as u8; 12]),
        owner: HostIndex(owner),
        port: LocalPort::new(owner % 3),
        generation: 1,
        group: None,
    }
}

fn shards(table: &Mappings) -> impl Iterator<Item = &Shard> {
    table.branches.iter().flat_map(|branch| branch.iter())
}

#[test]
fn an_entry_takes_half_a_cache_line_also_when_it_may_be_absent() {
    assert_eq!(size_of::<Option<Entry>>(), 32);
}

#[test]
fn the_same_address_in_two_networks_is_two_mappings() {
    let table = Mappings::default().with(&[
        Change::Put(entry(1, 0x0a00_0002, 1)),
        Change::Put(entry(2, 0x0a00_0002, 2)),
    ]);
    assert_eq!(table.len(), 2);
    for (network, owner) in [(1, 1), (2, 2)] {
        let key = entry(network, 0x0a00_0002, 0).key;
        assert_eq!(table.find(key).map(|e| e.owner), Some(HostIndex(owner)));
    }
    assert_eq!(table.find(entry(3, 0x0a00_0002, 0).key), None);
}

#[test]
fn a_change_leaves_the_older_version_as_it_was_and_shares_the_other_shards() {
    let many: Vec<Change> = (0..50_000).map(|i| Change::Put(entry(7, i, 1))).collect();
    let before = Mappings::default().with(&many);
    let after = before.with(&[Change::Remove(entry(7, 17, 0).key)]);
    assert!(before.find(entry(7, 17, 0).key).is_some());
    assert!(after.find(entry(7, 17, 0).key).is_none());
    assert_eq!((before.len(), after.len()), (50_000, 49_999));
    let shared = shards(&before)
        .zip(shards(&after))
        .filter(|(a, b)| Arc::ptr_eq(&a.slots, &b.slots))
        .count();
    assert_eq!(shared, BRANCHES * SHARDS - 1);
}

#[test]
fn consecutive_addresses_spread_so_that_no_walk_is_long() {
    let many: Vec<Change> = (0..200_000)
        .map(|i| Change::Put(entry(7, 0x0a00_0000 + i, 1)))
        .collect();
    let table = Mappings::default().with(&many);
    let longest_walk = shards(&table)
        .flat_map(|shard| {
            shard.slots.iter().enumerate().filter_map(|(at, slot)| {
                let count = shard.slots.len();
                let home = Shard::home(slot.as_ref()?.key.hash(), count);
                Some((at + count - home) % count)
            })
        })
        .max();
    assert!(
        longest_walk.is_some_and(|steps| steps < 64),
        "{longest_walk:?}"
    );
    let slots: usize = shards(&table).map(|shard| shard.slots.len()).sum();
    assert!(
        slots * size_of::<Slot>() / table.len() <= 64,
        "at most 64 octets a mapping"
    );
}

#[test]
fn a_large_batch_in_parts_comes_to_the_same_and_touches_a_branch_at_a_time() {
    let put = |i: u32, owner| Change::Put(entry(7, i % 30_000, owner));
    // Half of the addresses come twice; the later one counts.
    let changes: Vec<Change> = (0..45_000).map(|i| put(i, (i / 30_000) as u16)).collect();
    let whole = Mappings::default().with(&changes);
    let (mut table, mut count, mut changed) = (Mappings::default(), 0, 0);
    let mut batch = Batch::new(changes);
    while let Some(part) = batch.next_part() {
        let (next, differs) = table.changed_by(part);
        changed += differs;
        let touched = shards(&table)
            .zip(shards(&next))
            .filter(|(a, b)| !Arc::ptr_eq(&a.slots, &b.slots))
            .count();
        assert!(touched <= SHARDS);
        (table, count) = (next, count + 1);
    }
    assert!(batch.is_done());
    assert_eq!(count, BRANCHES);
    assert_eq!((table.len(), changed), (30_000, 30_000));
    for i in 0..30_000 {
        let key = entry(7, i, 0).key;
        assert_eq!(table.find(key), whole.find(key));
    }
}

#[test]
fn a_batch_that_is_not_large_is_one_part() {
    let changes: Vec<Change> = (0..4096).map(|i| Change::Put(entry(7, i, 1))).collect();
    let mut batch = Batch::new(changes.clone());
    assert_eq!(batch.next_part(), Some(&changes[..]));
    assert_eq!(batch.next_part(), None);
    assert!(Batch::new(Vec::new()).is_done());
}

#[test]
fn what_is_so_already_is_no_change_and_copies_nothing() {
    let many: Vec<Change> = (0..1_000).map(|i| Change::Put(entry(7, i, 1))).collect();
    let table = Mappings::default().with(&many);
    let absent = Change::Remove(entry(8, 1, 1).key);
    let there_and_back = [Change::Put(entry(7, 5, 2)), Change::Put(entry(7, 5, 1))];
    let (next, changed) = table.changed_by(&[&many[..], &there_and_back, &[absent]].concat());
    assert_eq!((changed, next.len()), (0, 1_000));
    let mut pairs = shards(&table).zip(shards(&next));
    assert!(pairs.all(|(a, b)| Arc::ptr_eq(&a.slots, &b.slots)));
    let moved = [
        Change::Put(entry(7, 5, 2)),
        Change::Put(entry(7, 5, 3)),
        absent,
    ];
    assert_eq!(table.changed_by(&moved).1, 1);
}

proptest! {
    #[test]
    fn a_crowded_shard_answers_like_a_plain_map(
        steps in prop::collection::vec((0u32..48, 0u16..5, any::<bool>()), 0..300)
    ) {
        let mut model = HashMap::new();
        let mut shard = Shard::empty();
        for (address, owner, put) in steps {
            let entry = entry(1, address, owner);
            let mut draft = Draft::of(&mut shard);
            if put {
                draft.put(entry);
                model.insert(entry.key, entry);
            } else {
                draft.remove(entry.key);
                model.remove(&entry.key);
            }
            prop_assert_eq!(draft.taken, model.len());
            // Units of four steps a doubling.
            let units = shard.slots.len() + 1;
            prop_assert_eq!(units % (1 << (units.ilog2() - 2)), 0, "{} units", units);
            prop_assert!(units >= UNITS_MIN);
            prop_assert!(model.len() * 8 <= shard.slots.len() * 5);
        }
        for address in 0..48 {
            let key = entry(1, address, 0).key;
            prop_assert_eq!(shard.aim(key, key.hash()).find(), model.get(&key));
        }
    }

    #[test]
    fn it_answers_like_a_plain_map_after_any_batches(
        batches in prop::collection::vec(
            prop::collection::vec((1u32..4, 0u32..64, 0u16..5, any::<bool>()), 0..40), 0..8)
    ) {
        let mut model = HashMap::new();
        let mut table = Mappings::default();
        for batch in batches {
            let changes: Vec<Change> = batch
                .into_iter()
                .map(|(network, address, owner, put)| {
                    let entry = entry(network, address, owner);
                    if put { Change::Put(entry) } else { Change::Remove(entry.key) }
                })
                .collect();
            for change in &changes {
                match change {
                    Change::Put(entry) => { model.insert(entry.key, *entry); }
                    Change::Remove(key) => { model.remove(key); }
                }
            }
            table = table.with(&changes);
        }
        prop_assert_eq!(table.len(), model.len());
        for network in 1..4 {
            for address in 0..64 {
                let key = entry(network, address, 0).key;
                prop_assert_eq!(table.find(key), model.get(&key));
            }
        }
        let mut listed: Vec<Entry> = table.iter().copied().collect();
        let mut expected: Vec<Entry> = model.into_values().collect();
        listed.sort_by_key(|e| e.key);
        expected.sort_by_key(|e| e.key);
        prop_assert_eq!(listed, expected);
    }
}
