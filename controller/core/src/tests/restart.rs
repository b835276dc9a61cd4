use messages::body::Standing;
use messages::{GroupState, MemberState};

use super::world::*;
use crate::*;

#[test]
fn a_replica_that_restarts_joins_anew_and_is_in_sync_again() {
    let mut world = World::settled();
    world.kill(T);
    world.run(ms(20));
    world.boot(T);
    let since = world.now;
    world.run(ms(2_000));
    assert_eq!(world.standing(T), Standing::Replica);
    assert_eq!(world.record().member(T), Some(MemberState::InSync));
    assert_eq!(world.record().state, GroupState::Active);
    assert_eq!(
        world.when(since, S, |seen| matches!(seen, Seen::Note(Fact::Muted))),
        None
    );
}

#[test]
fn a_primary_that_restarts_is_followed_and_comes_back_as_a_replica() {
    let mut world = World::settled();
    world.kill(S);
    world.run(ms(20));
    world.boot(S);
    world.run(ms(3_000));
    assert!(world.record().is_owned_by(T));
    assert_eq!(world.standing(S), Standing::Replica);
    assert_eq!(world.record().state, GroupState::Active);
}

#[test]
fn a_lone_primary_that_restarts_has_the_address_again() {
    let mut world = World::settled();
    world.kill(T);
    world.run(ms(500));
    world.kill(S);
    world.run(ms(20));
    world.boot(S);
    world.run(ms(1_000));
    assert!(world.record().is_owned_by(S));
    assert_eq!(world.record().generation, 2);
    assert_eq!(world.lease(S), Lease::Unlimited);
}

#[test]
fn a_manager_that_restarts_decides_again_and_disturbs_nothing() {
    let mut world = World::settled();
    let before = world.record();
    let since = world.now;
    world.kill(R);
    world.run(ms(700));
    world.boot(R);
    world.run(ms(700));
    assert_eq!(world.record(), before);
    assert_eq!(
        world.when(since, S, |seen| matches!(seen, Seen::Note(Fact::Muted))),
        None
    );
    world.kill(S);
    world.run(ms(400));
    assert!(world.record().is_owned_by(T));
}

#[test]
fn a_restarted_sender_uses_its_record_only_after_a_confirmation() {
    let mut world = World::settled();
    world.kill(R);
    world.run(ms(100));
    for other in [S, T] {
        world.cut(R, other);
    }
    world.boot(R);
    world.run(ms(50));
    assert!(
        !world.view(R).confirmed,
        "the manager must hear a majority first"
    );
    world.cut.clear();
    world.run(ms(1_000));
    assert!(world.view(R).confirmed);
}

#[test]
fn everything_restarts_and_there_is_an_owner_again() {
    let mut world = World::settled();
    for host in [R, S, T] {
        world.kill(host);
    }
    for host in [T, R, S] {
        world.run(ms(30));
        world.boot(host);
    }
    world.run(ms(4_000));
    let owners = [S, T]
        .into_iter()
        .filter(|host| world.standing(*host) == Standing::Primary);
    assert_eq!(owners.count(), 1, "{:?}", world.record());
}
