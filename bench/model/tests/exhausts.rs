//! The protocol as written: every state within the bounds, no violation, and everything reached
//! that gives the absence of violations its meaning. `docs/model.md` has the counts.
#![allow(clippy::print_stdout)] // a violation is printed as its trace
#![allow(clippy::explicit_write)] // `eprintln!` would be held back by the test harness

use model::{Protocol, Scenario, properties, scenario::fault};
use stateright::{Checker, Expectation, Model};
use std::io::Write;
use std::time::Instant;

/// Explores everything. A checker that has found no violation ends only when it has seen every
/// state. Prints past the test harness, which would keep the counts of a passed test to itself.
///
/// `beyond` are the things that the scenario is too small to reach; all others are reached.
#[allow(clippy::disallowed_methods)] // the one place where a run of the model is timed
fn exhaust(scenario: Scenario, beyond: &[&str]) {
    let name = scenario.name;
    let protocol = Protocol {
        scenario,
        slip: None,
    };
    let properties = protocol.properties();
    let start = Instant::now();
    let checker = protocol.checker().spawn_bfs().join();
    writeln!(
        std::io::stderr(),
        "model: {name}: exhausted, {} states, {} steps, depth {}, {:.1} s",
        checker.unique_state_count(),
        checker.state_count(),
        checker.max_depth(),
        start.elapsed().as_secs_f64()
    )
    .expect("standard error is open while tests run");
    for property in properties {
        let found = checker.discovery(property.name);
        match (property.expectation, found) {
            (Expectation::Always, None) => {}
            (Expectation::Always, Some(path)) => {
                for (state, action) in path.into_vec() {
                    println!("{state:?}\n  {action:?}");
                }
                panic!("{name} violates {}", property.name);
            }
            (Expectation::Sometimes, found) => {
                let expected = !beyond.contains(&property.name);
                assert_eq!(found.is_some(), expected, "{name}: {}", property.name);
            }
            (Expectation::Eventually, _) => unreachable!("the model states none"),
        }
    }
}

/// Two hosts, heartbeats and acknowledgements that take their time, G of three intervals, a
/// restart of each role and a resignation, all in one run.
#[test]
fn a_pair_with_every_fault_holds() {
    exhaust(Scenario::pair(), &[]);
}

/// The same, from an owner that is alone: a member joins, is listed, promoted, and joined again.
#[test]
fn a_pair_that_begins_in_solo_holds() {
    let scenario = Scenario {
        name: "solo",
        members: &[],
        records_max: 5,
        faults_max: 1,
        ..Scenario::pair()
    };
    exhaust(scenario, &[properties::OWNER_BACK]);
}

/// Two replicas, two changes, any two faults.
#[test]
fn a_trio_with_two_faults_holds() {
    exhaust(
        Scenario {
            faults_max: 2,
            ..Scenario::trio()
        },
        &TWO_CHANGES,
    );
}

/// Two replicas, two changes, a restart of each role but the receiver, and a resignation.
#[test]
fn a_trio_with_every_fault_holds() {
    let scenario = Scenario {
        name: "trio, no receiver",
        receiver: false,
        ..Scenario::trio()
    };
    exhaust(scenario, &TWO_CHANGES);
}

/// Two replicas, three changes: Solo and rejoin, a promotion and the old owner's return.
#[test]
fn a_trio_with_three_changes_holds() {
    let scenario = Scenario {
        name: "trio, three changes",
        records_max: 4,
        faults_max: 1,
        ..Scenario::trio()
    };
    exhaust(scenario, &[]);
}

/// Two replicas, G of three intervals, heartbeats that take their time.
#[test]
fn a_trio_with_slow_heartbeats_holds() {
    let scenario = Scenario {
        name: "trio, slow heartbeats",
        grace_ticks: 3,
        prompt_beats: false,
        faults: 0,
        ..Scenario::trio()
    };
    exhaust(scenario, &TWO_CHANGES);
}

/// A manager that is wrong about everybody, or obeys an operator who is.
#[test]
fn a_manager_without_evidence_harms_nobody() {
    let scenario = Scenario {
        name: "trio, whim",
        whim: true,
        faults_max: 1,
        ..Scenario::trio()
    };
    exhaust(scenario, &TWO_CHANGES);
}

/// Not part of the ordinary tests: some ten minutes and several gigabytes.
#[test]
#[ignore = "ten minutes: cargo test -p model -- --ignored"]
fn a_trio_holds_in_larger_bounds() {
    exhaust(
        Scenario {
            name: "trio, all at once",
            ..Scenario::trio()
        },
        &TWO_CHANGES,
    );
    let scenario = Scenario {
        name: "trio, three changes, two faults",
        records_max: 4,
        faults_max: 2,
        faults: fault::ALL,
        ..Scenario::trio()
    };
    exhaust(scenario, &[]);
}

/// What two changes of the record are too few for.
const TWO_CHANGES: [&str; 3] = [
    properties::SOLO_ENDS,
    properties::REJOINED,
    properties::OWNER_BACK,
];
