use messages::body::Standing;
use messages::{GroupState, MemberState};

use super::world::*;
use crate::*;

fn unmuted(seen: &Seen) -> bool {
    matches!(seen, Seen::Note(Fact::Unmuted))
}

#[test]
fn a_dead_primary_is_followed_after_the_silence_and_a_few_milliseconds() {
    let mut world = World::settled();
    let death = world.now;
    world.kill(S);
    world.run(ms(400));
    assert!(world.record().is_owned_by(T));
    assert_eq!(world.record().generation, 2);
    assert_eq!(world.record().member(S), Some(MemberState::Joining));
    assert_eq!(world.record().state, GroupState::Solo);
    let heard = world
        .when(death, T, unmuted)
        .expect("t took over")
        .since(death);
    assert!(heard >= ms(99), "no sooner than the silence: {heard:?}");
    assert!(
        heard <= ms(150 + 30),
        "the silence, two disks and a few messages: {heard:?}"
    );
    assert_eq!(world.lease(T), Lease::Unlimited);
}

#[test]
fn a_new_owner_installs_announces_unmutes_and_only_then_releases() {
    let mut world = World::settled();
    let death = world.now;
    world.kill(S);
    world.run(ms(400));
    let holding = world.position(death, T, |seen| {
        matches!(seen, Seen::Install(install) if install.local == Some(LocalRole::Primary { hold: true }))
    });
    let announced = world.position(death, T, |seen| {
        matches!(seen, Seen::Note(Fact::Announced { .. }))
    });
    let lease = world.position(death, T, |seen| {
        matches!(seen, Seen::Lease(Lease::Unlimited | Lease::Until(_)))
    });
    let released = world.position(death, T, |seen| {
        matches!(seen, Seen::Install(install) if install.local == Some(LocalRole::Primary { hold: false }))
    });
    let order = [holding, announced, lease, released];
    assert!(order.is_sorted(), "{order:?}");
}

#[test]
fn an_owner_that_is_cut_off_is_mute_before_its_replica_suspects_it() {
    let mut world = World::settled();
    let since = world.now;
    for other in [T, R] {
        world.cut(S, other);
    }
    world.run(ms(500));
    let muted = world
        .when(since, S, |seen| matches!(seen, Seen::Note(Fact::Muted)))
        .expect("s is mute");
    let suspected = world.when(since, T, |seen| {
        matches!(seen, Seen::Note(Fact::Suspected { .. }))
    });
    assert!(muted < suspected.expect("t suspects s"));
    assert_eq!(world.standing(T), Standing::Primary);
    world.cut.clear();
    world.run(ms(1_500));
    assert_eq!(world.standing(S), Standing::Replica);
    assert_eq!(world.record().member(S), Some(MemberState::InSync));
}

#[test]
fn a_cut_between_owner_and_replica_costs_the_replica_its_place_and_the_owner_nothing() {
    let mut world = World::settled();
    let since = world.now;
    world.cut(S, T);
    world.run(ms(500));
    assert!(world.record().is_owned_by(S));
    assert_eq!(world.record().member(T), Some(MemberState::Joining));
    assert_eq!(world.lease(S), Lease::Unlimited);
    let muted = world.when(since, S, |seen| matches!(seen, Seen::Note(Fact::Muted)));
    assert_eq!(muted, None, "the manager answered before the lease ended");
    world.cut.clear();
    world.run(ms(2_000));
    assert_eq!(world.record().member(T), Some(MemberState::InSync));
}

#[test]
fn a_dead_replica_never_mutes_the_owner() {
    let mut world = World::settled();
    let since = world.now;
    world.kill(T);
    world.run(ms(500));
    assert_eq!(world.record().state, GroupState::Solo);
    assert_eq!(
        world.when(since, S, |seen| matches!(seen, Seen::Note(Fact::Muted))),
        None
    );
}

#[test]
fn a_stop_shorter_than_the_silence_less_two_intervals_never_promotes() {
    for offset in 0..50 {
        for host in [S, T, R] {
            let mut world = World::settled();
            world.run(ms(offset));
            world.pause(host, true);
            world.run(ms(49));
            world.pause(host, false);
            world.run(ms(1_000));
            assert!(world.record().is_owned_by(S), "{host} paused at {offset}");
        }
    }
}

#[test]
fn an_owner_without_a_guest_is_followed_at_once() {
    let mut world = World::settled();
    let since = world.now;
    world.tell_agent(
        S,
        AgentEvent::Port {
            group: group(),
            up: false,
        },
    );
    assert_eq!(world.lease(S), Lease::Muted);
    world.run(ms(100));
    assert!(world.record().is_owned_by(T));
    let heard = world
        .when(since, T, unmuted)
        .expect("t took over")
        .since(since);
    assert!(heard < ms(40), "nobody waited for a silence: {heard:?}");
}

#[test]
fn an_owner_that_resigned_stays_mute_whatever_is_acknowledged() {
    let mut world = World::settled();
    world.kill(R);
    world.tell_agent(
        S,
        AgentEvent::Port {
            group: group(),
            up: false,
        },
    );
    world.run(ms(40));
    world.tell_agent(
        S,
        AgentEvent::Port {
            group: group(),
            up: true,
        },
    );
    world.run(ms(1_000));
    assert_eq!(world.lease(S), Lease::Muted);
    assert_eq!(world.standing(S), Standing::Resigned);
}

#[test]
fn without_a_decider_a_lonely_owner_mutes_or_goes_on_as_configured() {
    for (isolation, standing) in [
        (Isolation::Mute, Standing::Muted),
        (Isolation::Continue, Standing::Primary),
    ] {
        let mut world = World::with(|config| config.on_isolation = isolation);
        world.run(ms(1_000));
        world.kill(R);
        world.kill(T);
        world.run(ms(1_000));
        assert_eq!(world.standing(S), standing);
    }
}

#[test]
fn a_manager_that_hears_nobody_takes_the_address_from_nobody() {
    let mut world = World::settled();
    world.kill(T);
    world.run(ms(500));
    world.kill(S);
    world.run(ms(1_000));
    assert!(
        world.record().is_owned_by(S),
        "the manager hears nobody else, so it may be cut off itself"
    );
}

#[test]
fn a_deposed_owner_that_wakes_up_does_not_mute_its_successor() {
    for paused in [250, 300, 400, 600] {
        let mut world = World::settled();
        world.pause(S, true);
        world.run(ms(200));
        let promoted = world.now;
        assert_eq!(world.standing(T), Standing::Primary);
        world.run(ms(paused - 200));
        // It takes the new record, and then acknowledges all heartbeats that wait for it.
        world.pause(S, false);
        world.run(ms(1_000));
        let muted = world.when(promoted, T, |seen| matches!(seen, Seen::Note(Fact::Muted)));
        assert_eq!(muted, None, "after {paused} ms");
        assert_eq!(world.record().member(S), Some(MemberState::InSync));
    }
}
