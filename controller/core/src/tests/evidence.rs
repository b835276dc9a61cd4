//! What the manager weighs before it decides: probes, damping, who is left.

use messages::body::Body;
use messages::{GroupState, MemberState};

use super::world::*;
use crate::note::{Cause, Evidence};
use crate::*;

fn evidence(of: Evidence) -> impl Fn(&Seen) -> bool {
    move |seen| matches!(seen, Seen::Manager(Fact::Evidence { evidence }) if *evidence == of)
}

fn because(of: Cause) -> impl Fn(&Seen) -> bool {
    move |seen| matches!(seen, Seen::Manager(Fact::Deciding { cause, .. }) if *cause == of)
}

fn answer(reaches: bool) -> impl Fn(&Seen) -> bool {
    move |seen| matches!(seen, Seen::Manager(Fact::ProbeAnswered { via: U, alive }) if *alive == reaches)
}

/// t suspects s, which the manager hears.
fn suspect(world: &mut World) {
    let (group, epoch, number) = (group(), world.record().epoch, 1);
    let suspicion = Body::Suspect {
        group,
        epoch,
        number,
    };
    world.carry(T, R, suspicion);
}

#[test]
fn a_third_host_that_reaches_the_owner_speaks_against_a_suspicion() {
    let mut world = World::of_four(|_| {});
    let since = world.now;
    suspect(&mut world);
    world.run(ms(200));
    assert!(world.when(since, R, answer(true)).is_some());
    let dropped = world.when(since, R, because(Cause::SuspecterDropped));
    assert!(dropped.is_some(), "the owner may be mute because of it");
    assert!(world.record().is_owned_by(S));
}

#[test]
fn a_third_host_that_does_not_reach_the_owner_is_evidence_though_the_manager_does() {
    let mut world = World::of_four(|_| {});
    let since = world.now;
    world.cut(S, U);
    suspect(&mut world);
    world.run(ms(400));
    assert!(world.when(since, R, answer(false)).is_some());
    let unreached = world.when(since, R, evidence(Evidence::ProbesFailed));
    assert!(unreached.is_some());
    assert!(world.record().is_owned_by(T));
}

#[test]
fn promotions_of_a_group_that_flaps_are_further_and_further_apart_until_it_is_calm() {
    let mut world = World::settled();
    let mut promoted = Vec::new();
    let mut owner = S;
    for _ in 0..4 {
        let since = world.now;
        world.kill(owner);
        while world.record().is_owned_by(owner) {
            world.run(ms(10));
        }
        world.boot(owner);
        while world.record().state != GroupState::Active {
            world.run(ms(10));
        }
        owner = if owner == S { T } else { S };
        let decided = world.when(since, R, because(Cause::Promotion));
        promoted.push(decided.expect("somebody follows"));
    }
    let gaps: Vec<_> = promoted
        .windows(2)
        .map(|two| two[1].since(two[0]))
        .collect();
    assert!(
        gaps[2] >= ms(2_000),
        "the third waits for twice the shortest gap: {gaps:?}"
    );
    let damped = |seen: &Seen| matches!(seen, Seen::Manager(Fact::Damped { .. }));
    assert!(world.when(promoted[0], R, damped).is_some());
    world.run(ms(12_000));
    let since = world.now;
    world.kill(owner);
    world.run(ms(400));
    let decided = world.when(since, R, because(Cause::Promotion));
    let calm = decided.expect("at once again").since(since);
    assert!(calm < ms(200), "{calm:?}");
}

#[test]
fn a_spare_takes_the_place_of_a_member_that_stays_lost() {
    let mut world = World::of_four(|world| world.spares = vec![U]);
    world.kill(S);
    world.run(ms(1_500));
    assert_eq!(world.record().member(U), None, "it may come back");
    world.run(ms(3_500));
    assert!(world.record().is_owned_by(T));
    assert_eq!(world.record().member(U), Some(MemberState::InSync));
    assert_eq!(world.record().state, GroupState::Active);
    world.kill(T);
    world.run(ms(400));
    assert!(world.record().is_owned_by(U), "and it can follow");
}

#[test]
fn an_owner_that_nobody_reaches_loses_the_address_and_has_it_again_in_the_same_life() {
    let mut world = World::of_four(|_| {});
    world.kill(T);
    world.run(ms(500));
    assert_eq!(world.record().state, GroupState::Solo);
    for other in [R, U] {
        world.cut(S, other);
    }
    world.run(ms(1_000));
    assert!(world.record().is_owned_by(S), "not before a second is over");
    world.run(ms(1_500));
    assert_eq!(world.record().state, GroupState::NoOwner);
    let before = world.record().generation;
    world.cut.clear();
    world.run(ms(1_500));
    assert!(world.record().is_owned_by(S));
    assert_eq!(world.record().generation, before + 1, "it is a new grant");
    assert_eq!(world.lease(S), Lease::Unlimited);
}
