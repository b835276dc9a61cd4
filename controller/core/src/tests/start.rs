use messages::body::Standing;
use messages::{GroupState, MemberState};

use super::world::*;
use crate::*;

#[test]
fn a_fabric_that_starts_comes_to_one_owner_whose_lease_its_replica_renews() {
    let world = World::settled();
    let record = world.record();
    assert_eq!(record.state, GroupState::Active);
    assert!(record.is_owned_by(S));
    assert_eq!(record.generation, 1);
    assert_eq!(record.member(T), Some(MemberState::InSync));
    assert_eq!(world.standing(S), Standing::Primary);
    assert_eq!(world.standing(T), Standing::Replica);
    assert_eq!(world.standing(R), Standing::Outside);
    assert!(matches!(world.lease(S), Lease::Until(until) if until > world.now));
    assert!(world.view(R).confirmed);
    assert_eq!(
        world.view(R).record.map(|signed| signed.record),
        Some(record)
    );
}

#[test]
fn nothing_changes_while_nothing_happens() {
    let mut world = World::settled();
    let before = world.record();
    world.run(ms(20_000));
    assert_eq!(world.record(), before);
}

#[test]
fn the_lease_is_shorter_than_the_silence_by_both_clocks_drift_and_a_millisecond() {
    let timers = Timers {
        interval: INTERVAL,
        detect_mult: 3,
    };
    assert_eq!(timers.silence(), ms(150));
    assert_eq!(
        timers.lease(),
        ms(149) - std::time::Duration::from_micros(150)
    );
}

#[test]
fn a_replica_that_loses_copies_is_joining_until_it_has_done_well_for_a_second() {
    let mut world = World::settled();
    world.lose_copies(T, 1);
    world.run(ms(300));
    assert_eq!(world.record().member(T), Some(MemberState::Joining));
    assert_eq!(world.standing(S), Standing::Primary);
    world.run(ms(1_500));
    assert_eq!(world.record().member(T), Some(MemberState::InSync));
}
