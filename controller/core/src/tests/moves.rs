use messages::body::{Answer, CheckpointPhase, Refusal, Request};
use messages::{GroupState, MemberState};

use super::world::*;
use crate::*;

fn move_to(host: messages::HostId) -> Request {
    Request::Move {
        group: group(),
        to: Some(host),
    }
}

#[test]
fn a_planned_move_freezes_then_moves_then_forwards() {
    let mut world = World::settled();
    let since = world.now;
    world.operate(S, 1, move_to(T));
    world.run(ms(200));
    assert!(
        matches!(world.answers[..], [(1, Answer::Decided { .. })]),
        "{:?}",
        world.answers
    );
    assert!(world.record().is_owned_by(T));
    let frozen = world.position(since, S, |seen| matches!(seen, Seen::Note(Fact::Frozen)));
    let granted = world.position(since, T, |seen| {
        matches!(seen, Seen::Note(Fact::Granted { .. }))
    });
    let unmuted = world.position(since, T, |seen| matches!(seen, Seen::Note(Fact::Unmuted)));
    assert!(frozen < granted && granted < unmuted);
    let forwards = |seen: &Seen| matches!(seen, Seen::Install(install) if matches!(install.local, Some(LocalRole::Forwarding { to: T, .. })));
    let forwarding = world.position(since, S, forwards);
    assert!(granted < forwarding, "the new owner knows first");
    let took = world.when(since, T, |seen| {
        matches!(seen, Seen::Install(install)
            if install.copy_from.is_some_and(|from| from.host == S) && install.discard_before.is_some())
    });
    assert!(
        took.is_some(),
        "t discards its own copies and takes them from s alone"
    );
    let gap = world.when(since, T, |seen| matches!(seen, Seen::Note(Fact::Unmuted)));
    assert!(gap.expect("t unmuted").since(since) < ms(60));
}

#[test]
fn an_address_does_not_return_within_a_second() {
    let mut world = World::settled();
    world.operate(S, 1, move_to(T));
    world.run(ms(500));
    world.operate(S, 2, move_to(S));
    world.run(ms(100));
    assert_eq!(world.answers[1], (2, Answer::Refused(Refusal::TooSoon)));
    world.run(ms(1_500));
    world.operate(S, 3, move_to(S));
    world.run(ms(500));
    assert!(
        matches!(world.answers[2], (3, Answer::Decided { .. })),
        "{:?}",
        world.answers
    );
    assert!(world.record().is_owned_by(S));
    assert_eq!(world.record().generation, 3);
}

#[test]
fn a_move_whose_target_dies_is_given_up() {
    let mut world = World::settled();
    world.kill(T);
    world.operate(R, 1, move_to(T));
    world.run(ms(2_000));
    assert_eq!(world.answers, [(1, Answer::Refused(Refusal::Aborted))]);
    assert!(world.record().is_owned_by(S));
    assert_eq!(world.lease(S), Lease::Unlimited);
}

#[test]
fn a_manager_that_dies_in_a_move_ends_it_when_it_is_back() {
    let mut world = World::settled();
    world.operate(S, 1, move_to(T));
    world.run(ms(6));
    assert_eq!(world.record().state, GroupState::Handover { to: T });
    world.kill(R);
    world.run(ms(400));
    assert_eq!(world.lease(S), Lease::Muted, "no timer ends a freeze");
    world.boot(R);
    world.run(ms(2_000));
    assert_ne!(world.record().state, GroupState::Handover { to: T });
    let owner = if world.record().is_owned_by(T) { T } else { S };
    assert!(matches!(world.lease(owner), Lease::Until(until) if until > world.now));
}

#[test]
fn a_checkpoint_is_complete_when_the_replica_discarded_what_it_had_received_by_then() {
    let mut world = World::settled();
    let begun = world.now;
    let checkpoint = |phase| Request::Checkpoint {
        group: group(),
        phase,
    };
    world.operate(T, 1, checkpoint(CheckpointPhase::Begin));
    world.run(ms(20));
    assert_eq!(world.answers, [(1, Answer::Marked { number: 1 })]);
    world.run(ms(300));
    world.operate(S, 2, checkpoint(CheckpointPhase::Commit { number: 1 }));
    world.run(ms(20));
    assert_eq!(world.answers[1], (2, Answer::Checkpointed { number: 1 }));
    let mark = world.view(T);
    let discarded = world
        .seen
        .iter()
        .rev()
        .find_map(|(_, host, seen)| match seen {
            Seen::Install(install) if *host == T => install.discard_before,
            _ => None,
        });
    assert!(mark.confirmed);
    assert!(
        discarded.expect("t discards") <= begun.before(ms(50)),
        "at least the margin before it began"
    );
}

#[test]
fn members_come_and_go_by_an_operators_word() {
    let mut world = World::settled();
    world.operate(
        S,
        1,
        Request::RemoveMember {
            group: group(),
            host: T,
        },
    );
    world.run(ms(200));
    assert_eq!(world.record().member(T), Some(MemberState::Removed));
    assert_eq!(world.lease(S), Lease::Unlimited);
    world.operate(
        S,
        2,
        Request::AddMember {
            group: group(),
            host: T,
            rank: Some(1),
        },
    );
    world.run(ms(500));
    assert_eq!(world.record().member(T), Some(MemberState::InSync));
    let ranks: Vec<_> = world
        .record()
        .members
        .iter()
        .map(|member| member.host)
        .collect();
    assert_eq!(ranks, [T, S], "by the rank that was asked for");
    assert!(
        matches!(world.lease(S), Lease::Until(_)),
        "an owner without a lease has one again"
    );
    world.operate(
        S,
        3,
        Request::RemoveMember {
            group: group(),
            host: S,
        },
    );
    world.run(ms(100));
    assert_eq!(world.answers[2], (3, Answer::Refused(Refusal::IsOwner)));
}
