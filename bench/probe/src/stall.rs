//! How long did this machine not run anybody: a thread that wakes every millisecond and notes when
//! it was late. A run's own stalls decide what its figures mean.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use serde::Serialize;
use signal_hook::consts::{SIGINT, SIGTERM};

use crate::clock;

/// Stalls beyond this many are counted but not listed.
const LISTED_MAX: usize = 10_000;
/// Lateness is counted in steps of so much, for the percentiles.
const STEP_NS: u64 = 10_000;
const STEPS: usize = 20_000;

/// What `stall` prints. Times are ns of `CLOCK_MONOTONIC`.
#[derive(Clone, Debug, Serialize, PartialEq)]
pub struct Report {
    /// Wake-ups.
    rounds: u64,
    /// How late half of them were at most, in steps of 10 µs.
    late_us_p50: u64,
    /// See `late_us_p50`.
    late_us_p99: u64,
    /// See `late_us_p50`.
    late_us_p999: u64,
    /// The latest of all.
    late_us_max: u64,
    /// Wake-ups at least as late as the threshold.
    stalls: u64,
    /// They: `{from_ns, ns}`.
    listed: Vec<Stall>,
}

/// A time in which this thread should have run and did not.
#[derive(Clone, Copy, Debug, Serialize, PartialEq)]
pub struct Stall {
    /// When it should have woken.
    from_ns: u64,
    /// How much later it did.
    ns: u64,
}

/// Measures until SIGTERM or SIGINT, or for `seconds`.
pub fn measure(
    interval: Duration,
    threshold: Duration,
    seconds: Option<f64>,
) -> Result<Report, Box<dyn Error>> {
    let ends = Arc::new(AtomicBool::new(false));
    for signal in [SIGTERM, SIGINT] {
        signal_hook::flag::register(signal, Arc::clone(&ends))?;
    }
    let mut tally = Tally::new(threshold);
    let start_ns = clock::monotonic_ns()?;
    let last_ns = seconds.map(|seconds| start_ns + (seconds * 1e9) as u64);
    let mut now_ns = start_ns;
    while !ends.load(Ordering::Relaxed) && last_ns.is_none_or(|last_ns| now_ns < last_ns) {
        let due_ns = now_ns + interval.as_nanos() as u64;
        thread::sleep(interval);
        now_ns = clock::monotonic_ns()?;
        tally.woke(due_ns, now_ns);
    }
    Ok(tally.report())
}

/// The running count.
struct Tally {
    threshold_ns: u64,
    steps: Vec<u64>,
    rounds: u64,
    max_ns: u64,
    stalls: u64,
    listed: Vec<Stall>,
}

impl Tally {
    fn new(threshold: Duration) -> Self {
        Self {
            threshold_ns: threshold.as_nanos() as u64,
            steps: vec![0; STEPS],
            rounds: 0,
            max_ns: 0,
            stalls: 0,
            listed: Vec::new(),
        }
    }

    fn woke(&mut self, due_ns: u64, now_ns: u64) {
        let ns = now_ns.saturating_sub(due_ns);
        self.rounds += 1;
        self.max_ns = self.max_ns.max(ns);
        self.steps[((ns / STEP_NS) as usize).min(STEPS - 1)] += 1;
        if ns >= self.threshold_ns {
            self.stalls += 1;
            if self.listed.len() < LISTED_MAX {
                self.listed.push(Stall {
                    from_ns: due_ns,
                    ns,
                });
            }
        }
    }

    /// The lateness that `of_thousand` of the wake-ups stayed under, in µs.
    fn percentile(&self, of_thousand: u64) -> u64 {
        let wanted = (self.rounds * of_thousand).div_ceil(1000);
        let mut seen = 0;
        let step = self.steps.iter().position(|count| {
            seen += count;
            seen >= wanted
        });
        step.map_or(0, |step| (step as u64 + 1) * STEP_NS / 1000)
    }

    fn report(self) -> Report {
        Report {
            rounds: self.rounds,
            late_us_p50: self.percentile(500),
            late_us_p99: self.percentile(990),
            late_us_p999: self.percentile(999),
            late_us_max: self.max_ns / 1000,
            stalls: self.stalls,
            listed: self.listed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_late_wake_up_is_listed_and_the_others_are_counted() {
        let mut tally = Tally::new(Duration::from_millis(5));
        for _ in 0..999 {
            tally.woke(1_000_000, 1_050_000);
        }
        tally.woke(2_000_000, 14_000_000);
        let report = tally.report();
        assert_eq!((report.rounds, report.stalls), (1000, 1));
        assert_eq!((report.late_us_p50, report.late_us_p999), (60, 60));
        assert_eq!(report.late_us_max, 12_000);
        let stall = Stall {
            from_ns: 2_000_000,
            ns: 12_000_000,
        };
        assert_eq!(report.listed, [stall]);
    }
}
