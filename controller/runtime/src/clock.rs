//! The one file of this crate that reads a clock.

use std::time::Instant;

/// Milliseconds since it was started; never runs backwards.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    started: Instant,
}

impl Clock {
    /// A clock that stands at 0 ms.
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
    pub fn now_ms(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}
