//! What the simulation says about the code as it is.

use simulation::run::{self, Ended};
use simulation::trace::Detail;

/// In release this is scripts/simulate's work; here fewer, since nothing is optimised.
const SEEDS: u64 = if cfg!(debug_assertions) { 60 } else { 1_000 };

#[test]
fn no_seed_breaks_an_invariant() {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let mut failures = Vec::new();
    let each = |ended: Ended| {
        match ended {
            Ended::Ran(outcome) => {
                if let Some(violation) = outcome.violation {
                    failures.push(format!("seed {}: {violation}", outcome.seed));
                }
            }
            Ended::Panicked(seed, words) => failures.push(format!("seed {seed}: {words}")),
        }
        true
    };
    run::many(0, SEEDS, threads, || (), each);
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn a_seed_is_the_same_each_time() {
    for seed in 0..5 {
        let (one, other) = (run::seed(seed, Detail::Last), run::seed(seed, Detail::Last));
        assert_eq!(one.lines, other.lines, "seed {seed}");
        assert_eq!(one.stats.steps, other.stats.steps, "seed {seed}");
    }
}
