//! A worker's thread: round after round until it is told to stop.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use config::Poll;
use worker::Worker;

use crate::dpdk_io::DpdkIo;

/// Empty rounds after which an adaptive worker begins to sleep.
const EMPTY_ROUNDS_BEFORE_SLEEP: u32 = 64;

/// Rounds between two looks at what is due by the clock: even of those that sleep in between, more
/// than ten a second.
const ROUNDS_PER_HOUSEKEEPING: u32 = 1024;

/// Its first sleep, and its longest: each is twice the one before.
const SLEEP_MIN: Duration = Duration::from_micros(5);
const SLEEP_MAX: Duration = Duration::from_micros(80);

/// Polls until `stop` is set, then gives the worker back, and its queues with it.
pub(crate) fn run(
    mut worker: Worker<DpdkIo>,
    poll: Poll,
    stop: &Arc<AtomicBool>,
) -> Worker<DpdkIo> {
    let mut backoff = Backoff::new(poll);
    let mut rounds = 0_u32;
    while !stop.load(Ordering::Relaxed) {
        let moved = worker.run_once();
        backoff.after_round(moved);
        rounds = rounds.wrapping_add(1);
        if rounds.is_multiple_of(ROUNDS_PER_HOUSEKEEPING) {
            worker.keep_house();
        }
    }
    worker
}

/// What a worker does with rounds in which nothing came.
struct Backoff {
    poll: Poll,
    empty_rounds: u32,
    sleep: Duration,
}

impl Backoff {
    fn new(poll: Poll) -> Self {
        if poll == Poll::Adaptive
            && let Err(error) =
                rustix::thread::set_current_timer_slack(std::num::NonZeroU64::new(1))
        {
            // Sleeps are then 50 microseconds longer than asked for.
            tracing::debug!("the timer slack stays as it is: {error}");
        }
        Self {
            poll,
            empty_rounds: 0,
            sleep: SLEEP_MIN,
        }
    }

    #[inline]
    fn after_round(&mut self, moved: usize) {
        if moved > 0 {
            self.empty_rounds = 0;
            self.sleep = SLEEP_MIN;
            return;
        }
        self.empty_rounds = self.empty_rounds.saturating_add(1);
        match self.poll {
            Poll::Adaptive if self.empty_rounds > EMPTY_ROUNDS_BEFORE_SLEEP => {
                std::thread::sleep(self.sleep);
                self.sleep = (self.sleep * 2).min(SLEEP_MAX);
            }
            Poll::Adaptive | Poll::Busy => std::hint::spin_loop(),
        }
    }
}
