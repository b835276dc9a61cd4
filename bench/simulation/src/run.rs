//! Seeds: one, or many beside one another.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread;

use crate::invariants::{Invariant, Violation};
use crate::scenario::Scenario;
use crate::trace::Detail;
use crate::world::{Outcome, Stats, World};

/// Runs one seed.
#[must_use]
pub fn seed(seed: u64, detail: Detail) -> Outcome {
    World::new(Scenario::new(seed), detail).run()
}

/// How a seed ended.
#[derive(Clone, Debug)]
pub enum Ended {
    /// To its end, or to a violation.
    Ran(Box<Outcome>),
    /// By a panic in the code under test.
    Panicked(u64, String),
}

/// Runs one seed, silently; one that fails is run again for its last lines.
#[must_use]
pub fn guarded(number: u64) -> Ended {
    let run = |detail| catch_unwind(AssertUnwindSafe(|| seed(number, detail)));
    match run(Detail::Silent) {
        Ok(outcome) if outcome.violation.is_none() => Ended::Ran(Box::new(outcome)),
        Ok(outcome) => {
            let again = run(Detail::Last);
            Ended::Ran(Box::new(again.unwrap_or(outcome)))
        }
        Err(panic) => {
            let words = panic
                .downcast_ref::<String>()
                .map(String::as_str)
                .or_else(|| panic.downcast_ref::<&str>().copied())
                .unwrap_or("a panic without words");
            Ended::Panicked(number, words.to_owned())
        }
    }
}

/// Runs seeds from `first` on, `count` of them, on this many threads, each of which `prepare`s
/// itself; `each` sees how they ended and says whether to go on.
pub fn many(
    first: u64,
    count: u64,
    threads: usize,
    prepare: impl Fn() + Sync,
    mut each: impl FnMut(Ended) -> bool,
) {
    let next = AtomicU64::new(first);
    let stop = AtomicBool::new(false);
    let (sender, receiver) = mpsc::channel();
    thread::scope(|scope| {
        for _ in 0..threads {
            let sender = sender.clone();
            let (next, stop, prepare) = (&next, &stop, &prepare);
            scope.spawn(move || {
                prepare();
                while !stop.load(Ordering::Relaxed) {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= first + count || sender.send(guarded(number)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        for ended in receiver {
            if !each(ended) {
                stop.store(true, Ordering::Relaxed);
            }
        }
    });
}

impl Stats {
    /// Both together.
    pub fn add(&mut self, other: &Self) {
        let Self {
            steps,
            simulated_ns,
            faults,
            owners,
            decisions,
            lives,
            packets,
            fenced,
            datagrams,
            released,
        } = other;
        self.steps += steps;
        self.simulated_ns += simulated_ns;
        self.faults += faults;
        self.owners += owners;
        self.decisions += decisions;
        self.lives += lives;
        self.packets += packets;
        self.fenced += fenced;
        self.datagrams += datagrams;
        self.released += released;
    }
}

impl Outcome {
    /// The invariant that did not hold.
    #[must_use]
    pub fn invariant(&self) -> Option<Invariant> {
        self.violation
            .as_ref()
            .map(|Violation { invariant, .. }| *invariant)
    }
}
