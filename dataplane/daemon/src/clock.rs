//! The one file of the daemon that reads a clock.

use std::time::Instant;

/// Time since the daemon was ready.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Uptime {
    started: Instant,
}

impl Uptime {
    #[expect(clippy::disallowed_methods, reason = "this is the daemon's clock file")]
    pub(crate) fn start() -> Self {
        Self {
            started: Instant::now(),
        }
    }

    pub(crate) fn seconds(&self) -> u64 {
        self.started.elapsed().as_secs()
    }
}
