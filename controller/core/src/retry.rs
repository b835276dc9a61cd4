//! Asking again until there is an answer.

use std::time::Duration;

use messages::Time;

/// A message that is repeated: at first each interval, then more and more rarely.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Retry {
    next: Time,
    step: Duration,
    step_max: Duration,
}

/// How many intervals there are at most between two repetitions.
const STEP_INTERVALS_MAX: u32 = 16;

impl Retry {
    /// Due at `now`, then each interval.
    pub(crate) const fn steady(now: Time, interval: Duration) -> Self {
        Self {
            next: now,
            step: interval,
            step_max: interval,
        }
    }

    /// Due at `now`, then after one interval, two, four, up to sixteen.
    pub(crate) fn slowing(now: Time, interval: Duration) -> Self {
        Self {
            next: now,
            step: interval,
            step_max: interval * STEP_INTERVALS_MAX,
        }
    }

    /// Whether it is time. If so the next time is set.
    pub(crate) fn is_due(&mut self, now: Time) -> bool {
        if now < self.next {
            return false;
        }
        self.next = now.after(self.step);
        self.step = (self.step * 2).min(self.step_max);
        true
    }

    /// When it is time again.
    pub(crate) const fn next(&self) -> Time {
        self.next
    }
}
