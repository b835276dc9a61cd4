//! What time is it: the one file of the probe that reads a clock.

use std::io;
use std::time::Instant;

use nix::time::{ClockId, clock_gettime};

/// Now, on the monotonic clock.
#[expect(
    clippy::disallowed_methods,
    reason = "a measuring instrument needs a clock, and this is its only one"
)]
pub fn now() -> Instant {
    Instant::now()
}

/// Nanoseconds of `CLOCK_MONOTONIC`: the same in all processes of this machine, so that one may
/// say when it killed and another when it was answered.
pub fn monotonic_ns() -> io::Result<u64> {
    let time = clock_gettime(ClockId::CLOCK_MONOTONIC)?;
    Ok(time.tv_sec() as u64 * 1_000_000_000 + time.tv_nsec() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shared_clock_does_not_run_backwards() {
        let (first, second) = (monotonic_ns().unwrap(), monotonic_ns().unwrap());
        assert!(first > 0 && first <= second);
    }
}
