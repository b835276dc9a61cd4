//! The protocol as written: every state within the bounds, no violation, nothing vacuous.

use model::{Protocol, Scenario, scenario::fault};
use stateright::{Checker, Expectation, Model};

fn exhaust(scenario: Scenario) {
    let name = scenario.name;
    let protocol = Protocol { scenario, slip: None };
    let properties = protocol.properties();
    let checker = protocol.checker().threads(2).spawn_bfs();
    #[allow(clippy::disallowed_methods)]
    let start = std::time::Instant::now();
    let checker = checker.join();
    println!(
        "{name}: {} states, {} generated, depth {}, {:.1} s",
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
    assert!(checker.is_done());
}

#[test]
fn pair() {
    exhaust(Scenario {
        name: "pair",
        hosts: 2,
        members: &[1],
        grace_ticks: 3,
        prompt_beats: false,
        records_max: 4,
        generations_max: 3,
        faults: fault::ALL,
        faults_max: 1,
        receiver: true,
        first_owner_lost: false,
    });
}

#[test]
fn trio() {
    exhaust(Scenario {
        name: "trio",
        hosts: 3,
        members: &[1, 2],
        grace_ticks: 2,
        prompt_beats: true,
        records_max: 3,
        generations_max: 3,
        faults: fault::ALL,
        faults_max: 2,
        receiver: true,
        first_owner_lost: false,
    });
}
