use messages::body::{Answer, Refusal, Request, Standing};
use messages::{GroupState, HostId, MemberState};

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

fn promote_fenced(to: Option<HostId>) -> Request {
    Request::Promote {
        group: group(),
        to,
        fenced: true,
    }
}

/// A manager that has started anew while this member is off: one of two members reports.
fn half_reported(off: HostId) -> World {
    let mut world = World::settled();
    world.kill(R);
    world.kill(off);
    world.run(ms(500));
    world.boot(R);
    world
}

#[test]
fn with_half_of_the_members_off_the_manager_waits_for_an_operators_word() {
    for fenced in [false, true] {
        let mut world = half_reported(S);
        world.run(ms(100));
        let before = world.record();
        world.operate(
            R,
            1,
            Request::Promote {
                group: group(),
                to: Some(T),
                fenced,
            },
        );
        world.run(ms(20));
        let refused = [(1, Answer::Refused(Refusal::Recovering))];
        assert_eq!(world.answers, refused, "the leases may run still");
        world.run(ms(5_000));
        assert_eq!(world.record(), before, "and nothing is decided without it");
    }
}

#[test]
fn an_operators_word_ends_the_wait_for_an_owner_that_is_off() {
    let mut world = half_reported(S);
    let before = world.record();
    world.run(ms(500));
    world.operate(R, 1, promote_fenced(None));
    world.run(ms(500));
    assert!(
        matches!(world.answers[..], [(1, Answer::Decided { .. })]),
        "{:?}",
        world.answers
    );
    let record = world.record();
    assert!(record.is_owned_by(T));
    assert_eq!(
        record.epoch.term,
        before.epoch.term + 1,
        "later than all that s can hold"
    );
    assert_eq!(
        record.generation,
        before.generation + 2,
        "the log may have lost a change"
    );
    assert_eq!(world.lease(T), Lease::Unlimited);
    world.boot(S);
    world.run(ms(2_000));
    assert_eq!(world.standing(S), Standing::Replica);
    assert_eq!(world.record().state, GroupState::Active);
}

#[test]
fn an_operators_word_lets_the_owner_go_on_whose_replica_is_off() {
    let mut world = half_reported(T);
    world.run(ms(500));
    assert_eq!(
        world.standing(S),
        Standing::Muted,
        "nobody lets it go on alone"
    );
    world.operate(S, 1, promote_fenced(None));
    world.run(ms(500));
    assert!(world.record().is_owned_by(S));
    assert_eq!(world.lease(S), Lease::Unlimited);
    assert_eq!(world.record().member(T), Some(MemberState::Joining));
}

#[test]
fn an_operators_word_does_not_replace_the_report_of_a_member_that_is_there() {
    let mut world = half_reported(S);
    world.run(ms(500));
    world.operate(R, 1, promote_fenced(Some(S)));
    world.run(ms(20));
    assert_eq!(world.answers, [(1, Answer::Refused(Refusal::NotHeard))]);
}

#[test]
fn a_manager_whose_log_is_lost_says_so_at_once_and_once() {
    let mut world = World::settled();
    world.kill(R);
    world.lose_log();
    let since = world.now;
    world.boot(R);
    let doubts = |world: &World| {
        let seen = world.seen.iter();
        let since = seen.filter(|(time, _, _)| *time >= since);
        let in_doubt = |seen: &Seen| matches!(seen, Seen::Manager(Fact::InDoubt { .. }));
        since.filter(|(_, _, seen)| in_doubt(seen)).count()
    };
    world.run(ms(1));
    assert_eq!(doubts(&world), 1);
    world.run(ms(2_000));
    assert_eq!(doubts(&world), 1);
}

#[test]
fn a_raised_term_goes_on_from_the_latest_record_that_a_host_showed() {
    let mut world = World::settled();
    let before = world.record();
    world.kill(R);
    world.lose_log();
    world.boot(R);
    world.run(ms(500));
    assert!(
        world.log_is_empty(),
        "nothing is decided while the log is in doubt"
    );
    world.operate(R, 1, promote_fenced(None));
    world.run(ms(20));
    world.operate(R, 2, Request::RaiseTerm);
    world.run(ms(1_500));
    let term = before.epoch.term + 1;
    assert_eq!(
        world.answers,
        [
            (1, Answer::Refused(Refusal::LogInDoubt)),
            (2, Answer::TermRaised { term }),
        ]
    );
    let record = world.record();
    assert_eq!(record.epoch.term, term);
    assert_eq!(record.owner, before.owner, "the owner stays");
    assert_eq!(record.generation, before.generation + 2);
    assert!(matches!(world.lease(S), Lease::Until(until) if until > world.now));
    world.operate(R, 3, Request::RaiseTerm);
    world.run(ms(20));
    let refused = (3, Answer::Refused(Refusal::NothingInDoubt));
    assert_eq!(world.answers[2], refused);
}
