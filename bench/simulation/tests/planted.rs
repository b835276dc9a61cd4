//! Each slip that can be planted, but for those listed here, is found by an invariant within 1,000
//! seeds.

use simulation::planted::{self, Slip};
use simulation::run::{self, Ended};

const SEEDS: u64 = 1_000;

/// Slips that nothing here shows yet; docs/simulation.md says why for each.
const NOT_SHOWN: &[&str] = &[
    "boot-ends-promise",
    "never-withdraws",
    "candidate-acks",
    "provisional-used",
    "decides-unreported",
    "journal-broken-chain-accepted",
    "journal-marker-ignored",
];

#[test]
fn every_planted_slip_that_can_show_is_found() {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let mut missed = Vec::new();
    let shown = Slip::all().filter(|slip| !NOT_SHOWN.contains(&slip.name().as_str()));
    for slip in shown {
        let mut found = None;
        let each = |ended: Ended| {
            if let Ended::Ran(outcome) = ended
                && let Some(violation) = outcome.violation
            {
                found.get_or_insert((outcome.seed, violation.invariant));
            }
            found.is_none()
        };
        run::many(0, SEEDS, threads, || planted::plant(Some(slip)), each);
        match found {
            Some((seed, invariant)) => println!("{}: {invariant} in seed {seed}", slip.name()),
            None => missed.push(slip.name()),
        }
    }
    assert!(missed.is_empty(), "not found: {}", missed.join(", "));
}
