use std::fs::{self, OpenOptions};
use std::path::PathBuf;

use messages::GroupState;
use messages::body::{Answer, Refusal, Request};

use crate::host::{HOSTS, R, S, Setup, T, group};
use crate::world::World;

fn move_to_t() -> Request {
    Request::Move {
        group: group(0),
        to: Some(T),
    }
}

/// The manager's log, whatever its generation is.
fn log(world: &World) -> PathBuf {
    let files = fs::read_dir(world.directory(R).join("manager")).expect("a directory");
    let mut files = files.map(|file| file.expect("an entry").path());
    let log = files.find(|path| path.file_stem().is_some_and(|stem| stem == "log"));
    log.expect("the manager keeps a log")
}

fn cut_log_short(world: &World) {
    let file = OpenOptions::new()
        .write(true)
        .open(log(world))
        .expect("a file");
    let octets = file.metadata().expect("its size").len();
    file.set_len(octets - 4096).expect("cut");
}

#[test]
fn a_manager_that_restarts_has_the_same_record_and_decides_nothing_twice() {
    let mut world = World::settled(Setup::default());
    let before = world.record_at(R).expect("a record");
    world.kill(R);
    world.run(700);
    let since = world.now;
    world.boot(R);
    world.run(1_000);
    for host in HOSTS {
        assert_eq!(world.record_at(host).as_ref(), Some(&before));
    }
    assert_eq!(world.decisions(since), 0);
    assert!(world.is_owned_by(S));
    world.promote();
    assert_eq!(world.decisions(since), 1, "the promotion, once");
    let after = world.record_at(T).expect("a record");
    assert!(after.epoch > before.epoch);
    assert_eq!(after.generation, before.generation + 1);
}

#[test]
fn a_host_that_restarts_comes_back_from_its_disk_and_is_confirmed_before_it_counts() {
    let mut world = World::settled(Setup::default());
    world.kill(T);
    world.run(10);
    for other in [S, R] {
        world.cut.extend([(T, other), (other, T)]);
    }
    world.boot(T);
    world.run(50);
    let view = world.view(T, 0);
    assert!(view.record.is_some(), "it was on the disk");
    assert!(!view.confirmed, "and nobody has said that it still holds");
    world.cut.clear();
    world.settle();
    assert!(world.view(T, 0).confirmed);
}

#[test]
fn a_manager_whose_log_is_refused_decides_nothing_until_the_term_is_raised() {
    let mut world = World::settled(Setup::default());
    let before = world.record_at(S).expect("a record");
    world.kill(R);
    cut_log_short(&world);
    let since = world.now;
    world.boot(R);
    world.run(1_000);
    assert!(world.is_owned_by(S), "forwarding goes on");
    let doubt = Answer::Refused(Refusal::LogInDoubt);
    assert_eq!(world.answer(R, 1, move_to_t()), doubt);
    world.kill(S);
    world.run(1_000);
    assert!(
        !world.is_owned_by(T),
        "nobody is promoted by a manager in doubt"
    );
    assert_eq!(world.decisions(since), 0);
    world.boot(S);
    world.run(500);
    let raised = world.answer(R, 2, Request::RaiseTerm);
    let term = before.epoch.term + 1;
    assert_eq!(raised, Answer::TermRaised { term });
    world.run_until(
        10_000,
        "t owns the address, for s has started anew",
        |world| {
            HOSTS.iter().all(|host| {
                let record = world.record_at(*host);
                record.is_some_and(|record| {
                    record.epoch.term == term
                        && record.state == GroupState::Active
                        && record.is_owned_by(T)
                })
            })
        },
    );
    let record = world.record_at(R).expect("a record");
    assert!(record.generation > before.generation);
    let nothing = Answer::Refused(Refusal::NothingInDoubt);
    assert_eq!(world.answer(R, 3, Request::RaiseTerm), nothing);

    let kept = world.record_at(R);
    world.kill(R);
    world.boot(R);
    world.run(1_000);
    assert_eq!(world.record_at(R), kept, "the new log is believed");
}
