use messages::body::{Answer, CheckpointPhase, Refusal, Request};

use crate::host::{HOSTS, R, S, Setup, T, group};
use crate::world::World;

#[test]
fn a_move_that_is_asked_for_at_any_host_is_answered_with_its_epoch() {
    let mut world = World::settled(Setup::default());
    for (token, at, to) in [(1, S, T), (2, T, S), (3, R, T)] {
        // An address does not come back within a second, and a group does not move twice in one.
        world.run(1_500);
        let group = group(0);
        let answer = world.answer(
            at,
            token,
            Request::Move {
                group,
                to: Some(to),
            },
        );
        let Answer::Decided { epoch } = answer else {
            panic!("the move to {to} that was asked for at {at}: {answer:?}");
        };
        world.run_until(1_000, "it is owned there", |world| world.is_owned_by(to));
        assert!(world.record_at(to).expect("a record").epoch >= epoch);
        world.settle();
    }
}

#[test]
fn a_checkpoint_that_is_asked_for_at_any_host_is_answered_by_the_owners() {
    let mut world = World::settled(Setup::default());
    for (number, at) in (1..).zip(HOSTS) {
        let request = Request::Checkpoint {
            group: group(0),
            phase: CheckpointPhase::Whole,
        };
        let answer = world.answer(at, number, request);
        assert_eq!(answer, Answer::Checkpointed { number }, "asked at {at}");
    }
}

#[test]
fn a_refusal_comes_back_to_the_host_where_the_operator_is() {
    let mut world = World::settled(Setup::default());
    for (token, at) in (1..).zip(HOSTS) {
        let group = group(7);
        let answer = world.answer(at, token, Request::Move { group, to: None });
        assert_eq!(
            answer,
            Answer::Refused(Refusal::UnknownGroup),
            "asked at {at}"
        );
    }
}

#[test]
fn without_a_manager_an_operator_is_told_so_in_time() {
    let mut world = World::settled(Setup::default());
    world.kill(R);
    let group = group(0);
    let answer = world.answer(T, 1, Request::Move { group, to: None });
    assert_eq!(answer, Answer::Refused(Refusal::TimedOut));
}
