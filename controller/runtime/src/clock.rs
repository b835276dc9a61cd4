//! The one file of this crate that reads a clock: for hooks, which have a time limit. The
//! controller is given the clock that its workers read.

use std::time::Instant;

use messages::Time;

/// Time since it was started.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    started: Instant,
}

impl Clock {
    /// A clock that stands at zero.
    #[expect(
        clippy::disallowed_methods,
        reason = "everything else gets its time from here"
    )]
    pub fn start() -> Self {
        Self {
            started: Instant::now(),
        }
    }

    /// The time now.
    pub fn now(&self) -> Time {
        Time::ZERO.after(self.started.elapsed())
    }

    /// The time now, in milliseconds.
    pub fn now_ms(&self) -> u64 {
        self.now().0 / 1_000_000
    }
}
