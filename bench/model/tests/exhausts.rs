//! The protocol as written: every state within the bounds, no violation, nothing vacuous.

use model::{Protocol, Scenario};
use stateright::{Checker, Expectation, Model};
use std::time::Instant;

/// Explores everything and prints what was counted. Without a violation the checker cannot end
/// before it has seen every state.
#[allow(clippy::disallowed_methods)] // the one place where a run of the model is timed
fn exhaust(scenario: Scenario) {
    let name = scenario.name;
    let protocol = Protocol { scenario, slip: None };
    let properties = protocol.properties();
    let start = Instant::now();
    let checker = protocol.checker().threads(2).spawn_bfs().join();
    println!(
        "{name}: {} states, {} steps, depth {}, {:.1} s",
        checker.unique_state_count(),
        checker.state_count(),
        checker.max_depth(),
        start.elapsed().as_secs_f64()
    );
    for property in properties {
        let found = checker.discovery(property.name);
        match property.expectation {
            Expectation::Always => {
                if let Some(path) = found {
                    for (state, action) in path.into_vec() {
                        println!("{action:?}\n  {state:?}");
                    }
                    panic!("{name}: violated: {}", property.name);
                }
            }
            Expectation::Sometimes => println!("{name}: {} {}", property.name, found.is_some()),
            Expectation::Eventually => unreachable!(),
        }
    }
}

#[test]
fn pair() {
    exhaust(Scenario::pair());
}

#[test]
fn trio() {
    exhaust(Scenario::trio());
}

#[test]
fn trio4() {
    exhaust(Scenario { records_max: 4, faults_max: 1, ..Scenario::trio() });
}
