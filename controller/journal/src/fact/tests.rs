use proptest::prelude::*;

use super::*;

fn any_group() -> impl Strategy<Value = GroupId> {
    (any::<u32>(), any::<u32>())
        .prop_map(|(network, address)| GroupId::new(network, Ipv4Addr::from_bits(address)))
}

fn any_fact() -> impl Strategy<Value = Fact> {
    let record = (
        any_group(),
        any::<(u32, u64)>(),
        prop::collection::vec(any::<u8>(), 0..600),
    );
    let count = (any_group(), any::<[u8; 9]>(), any::<(u64, u64)>());
    prop_oneof![
        record.prop_map(|(group, (term, seq), octets)| Fact::Record(KeptRecord {
            group,
            epoch: Epoch { term, seq },
            octets,
        })),
        any::<u32>().prop_map(Fact::Term),
        count.prop_map(|(group, replica, (packets, octets))| Fact::Count(Count {
            group,
            replica: HostId(replica),
            packets,
            octets,
        })),
    ]
}

proptest! {
    #[test]
    fn facts_read_as_they_were_written(facts in prop::collection::vec(any_fact(), 0..8)) {
        let mut octets = Vec::new();
        facts.iter().for_each(|fact| encode(fact, &mut octets));
        prop_assert_eq!(decode(&octets), Some(facts));
    }

    #[test]
    fn no_octets_make_it_panic(octets in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = decode(&octets);
    }

    #[test]
    fn a_snapshot_says_all_that_the_facts_said(facts in prop::collection::vec(any_fact(), 0..8)) {
        let mut state = State::default();
        facts.iter().for_each(|fact| state.learn(fact));
        let mut again = State::default();
        state.facts().iter().for_each(|fact| again.learn(fact));
        prop_assert_eq!(state, again);
    }
}

#[test]
fn neither_an_older_record_nor_a_smaller_count_is_learnt() {
    let group = GroupId::new(1, Ipv4Addr::LOCALHOST);
    let replica = HostId([3; 9]);
    let record = |seq, octets: &[u8]| {
        Fact::Record(KeptRecord {
            group,
            epoch: Epoch { term: 2, seq },
            octets: octets.to_vec(),
        })
    };
    let count = |packets, octets| {
        Fact::Count(Count {
            group,
            replica,
            packets,
            octets,
        })
    };
    let mut state = State::default();
    for fact in [
        record(5, b"new"),
        record(4, b"old"),
        count(7, 700),
        count(6, 800),
    ] {
        state.learn(&fact);
    }
    assert_eq!(state.facts(), [record(5, b"new"), count(7, 800)]);
    assert_eq!(state.term(), 2);
    state.learn(&Fact::Term(9));
    state.learn(&Fact::Term(3));
    assert_eq!(state.term(), 9);
}
