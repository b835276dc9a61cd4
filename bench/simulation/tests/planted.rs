//! Each slip that can be planted is found by an invariant within 1,000 seeds.

use simulation::planted::{self, Slip};
use simulation::run::{self, Ended};

const SEEDS: u64 = 1_000;

#[test]
fn every_planted_slip_is_found() {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let mut missed = Vec::new();
    for slip in Slip::all() {
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
