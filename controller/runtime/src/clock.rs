//! The one file of this crate that reads a clock, and for its tests only: the daemon gives the
//! controller the clock that its workers read.

use std::time::Instant;

use messages::Time;

/// Time since it was started.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    started: Instant,
}

impl Clock {
    /// A clock that stands at zero.
    #[expect(clippy::disallowed_methods, reason = "the clock of the tests")]
    pub fn start() -> Self {
        Self {
            started: Instant::now(),
        }
    }

    /// The time now.
    pub fn now(&self) -> Time {
        Time::ZERO.after(self.started.elapsed())
    }

    /// The clock as a function.
    pub fn reader(self) -> impl Fn() -> Time {
        move || self.now()
    }
}
