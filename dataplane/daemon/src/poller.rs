//! A worker's thread: round after round until it is told to stop.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use config::Poll;
use dpdk::FrameWait;
use queues::DpdkIo;
use worker::Worker;

/// Empty rounds after which an adaptive worker begins to sleep.
const EMPTY_ROUNDS_BEFORE_SLEEP: u32 = 64;

/// Rounds between two looks at what is due by the clock: even of those that sleep in between, more
/// than ten a second.
const ROUNDS_PER_HOUSEKEEPING: u32 = 1024;

/// What a wait for frames counts in these rounds: it lasts as long as so many sleeps.
const ROUNDS_OF_A_WAIT: u32 = 16;

/// Its first sleep, and its longest, where nothing wakes it: each is twice the one before.
const SLEEP_MIN: Duration = Duration::from_micros(5);
const SLEEP_MAX: Duration = Duration::from_micros(80);

/// Its longest sleep where a frame wakes it. The controller's frames and what the tables hold for
/// it (a boundary, frames that a member is to let go) do not: they wait as long as the controller
/// itself does between two rounds.
const WAIT_MAX: Duration = Duration::from_millis(1);

/// How a worker spends rounds in which nothing came.
pub(crate) enum Idle {
    /// It asks again at once.
    Busy,
    /// It sleeps, each time longer.
    Sleep,
    /// It waits for frames.
    Wait(FrameWait),
}

impl Idle {
    /// As configured. `frames` is how to wait for frames at all that this worker polls, if there is
    /// a way.
    pub(crate) fn new(poll: Poll, frames: Option<FrameWait>) -> Self {
        match (poll, frames) {
            (Poll::Busy, _) => Self::Busy,
            (Poll::Adaptive, None) => Self::Sleep,
            (Poll::Adaptive, Some(frames)) => Self::Wait(frames),
        }
    }
}

/// Polls until `stop` is set, then gives the worker back, and its queues with it.
pub(crate) fn run(
    mut worker: Worker<DpdkIo>,
    idle: Idle,
    stop: &Arc<AtomicBool>,
) -> Worker<DpdkIo> {
    let mut backoff = Backoff::new(idle);
    let mut rounds = 0;
    while !stop.load(Ordering::Relaxed) {
        let moved = worker.run_once();
        rounds += backoff.after_round(moved);
        if rounds >= ROUNDS_PER_HOUSEKEEPING {
            rounds = 0;
            worker.keep_house();
        }
    }
    worker
}

/// What a worker does with rounds in which nothing came.
struct Backoff {
    idle: Idle,
    empty_rounds: u32,
    sleep: Duration,
}

impl Backoff {
    fn new(idle: Idle) -> Self {
        if !matches!(idle, Idle::Busy)
            && let Err(error) =
                rustix::thread::set_current_timer_slack(std::num::NonZeroU64::new(1))
        {
            // Sleeps are then 50 microseconds longer than asked for.
            tracing::debug!("the timer slack stays as it is: {error}");
        }
        Self {
            idle,
            empty_rounds: 0,
            sleep: SLEEP_MIN,
        }
    }

    /// Returns how many rounds it lasted, this one included.
    #[inline]
    fn after_round(&mut self, moved: usize) -> u32 {
        if moved > 0 {
            self.empty_rounds = 0;
            self.sleep = SLEEP_MIN;
            return 1;
        }
        self.empty_rounds = self.empty_rounds.saturating_add(1);
        if self.empty_rounds <= EMPTY_ROUNDS_BEFORE_SLEEP {
            std::hint::spin_loop();
            return 1;
        }
        match &mut self.idle {
            Idle::Busy => std::hint::spin_loop(),
            Idle::Sleep => {
                std::thread::sleep(self.sleep);
                self.sleep = (self.sleep * 2).min(SLEEP_MAX);
            }
            Idle::Wait(frames) => {
                frames.wait(WAIT_MAX);
                return ROUNDS_OF_A_WAIT;
            }
        }
        1
    }
}
