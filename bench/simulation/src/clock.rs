//! The world's time, and hosts' clocks, which disagree with it.

use std::fmt;
use std::time::Duration;

use messages::Time;

use crate::dice::nanoseconds;

/// A moment of the run in nanoseconds, which no host can read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(pub u64);

impl Moment {
    /// When the run begins.
    pub const START: Self = Self(0);

    /// This much later.
    #[must_use]
    pub fn after(self, span: Duration) -> Self {
        Self(self.0.saturating_add(nanoseconds(span)))
    }

    /// From `earlier` to this; zero if that is later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let milliseconds = self.0 / 1_000_000;
        let rest = self.0 / 1_000 % 1_000;
        write!(
            f,
            "{:>3}.{:03}'{rest:03}",
            milliseconds / 1000,
            milliseconds % 1000
        )
    }
}

/// A host's clock: an offset and a rate that is a little wrong.
#[derive(Clone, Copy, Debug)]
pub struct HostClock {
    offset: i128,
    rate_ppb: i64,
}

const BILLION: i128 = 1_000_000_000;

impl HostClock {
    /// A clock that shows `shown` at `moment` and gains `rate_ppb` nanoseconds a second.
    #[must_use]
    pub fn showing(shown: Time, moment: Moment, rate_ppb: i64) -> Self {
        let mut clock = Self {
            offset: 0,
            rate_ppb,
        };
        clock.offset = i128::from(shown.0) - clock.elapsed(moment);
        clock
    }

    /// What it shows.
    #[must_use]
    pub fn read(&self, moment: Moment) -> Time {
        Time(u64::try_from(self.offset + self.elapsed(moment)).unwrap_or(0))
    }

    /// The first moment at which it shows `time` or more; the run's start if it always did.
    #[must_use]
    pub fn moment(&self, time: Time) -> Moment {
        let wanted = i128::from(time.0) - self.offset;
        let estimate = wanted * BILLION / (BILLION + i128::from(self.rate_ppb));
        let mut moment = Moment(u64::try_from(estimate.max(0)).unwrap_or(u64::MAX));
        // The division cuts off; a step or two make it exact.
        while moment.0 > 0 && moment.0 < u64::MAX && self.read(Moment(moment.0 - 1)) >= time {
            moment.0 -= 1;
        }
        while moment.0 < u64::MAX && self.read(moment) < time {
            moment.0 += 1;
        }
        moment
    }

    /// By how much its rate is wrong, in nanoseconds a second.
    #[must_use]
    pub const fn rate_ppb(&self) -> i64 {
        self.rate_ppb
    }

    fn elapsed(&self, moment: Moment) -> i128 {
        let moment = i128::from(moment.0);
        moment + moment * i128::from(self.rate_ppb) / BILLION
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_moment_of_a_reading_is_the_first_that_shows_it() {
        for rate_ppb in [-500_000, -1, 0, 17, 500_000] {
            let clock = HostClock::showing(Time(1_000_000), Moment(5_000_000_000), rate_ppb);
            assert_eq!(clock.read(Moment(5_000_000_000)), Time(1_000_000));
            for shown in [2_000_000, 3_141_592_653, 99_999_999_999] {
                let moment = clock.moment(Time(shown));
                assert!(clock.read(moment) >= Time(shown));
                assert!(clock.read(Moment(moment.0 - 1)) < Time(shown));
            }
        }
    }

    #[test]
    fn a_fast_clock_gains_its_rate() {
        let clock = HostClock::showing(Time(0), Moment::START, 500_000);
        assert_eq!(clock.read(Moment(1_000_000_000)), Time(1_000_500_000));
    }
}
