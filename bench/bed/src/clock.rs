//! The one file of the bed that reads a clock, and the processor's real one.

use std::hint::black_box;
use std::time::{Duration, Instant};

/// Now, on the monotonic clock.
#[expect(
    clippy::disallowed_methods,
    reason = "a measuring instrument needs a clock, and this is its only one"
)]
#[must_use]
pub fn now() -> Instant {
    Instant::now()
}

/// Additions between two looks at the clock.
const CHAIN: u64 = 1 << 20;

/// The clock that the processor runs at while this does, in Hz: a chain of additions of which each
/// waits for the one before takes a cycle each. It differs from the time stamp counter's where the
/// processor boosts.
#[must_use]
pub fn real_hz(for_at_least: Duration) -> f64 {
    let begun = now();
    let (mut chains, mut sum) = (0_u64, black_box(1_u64));
    loop {
        for _ in 0..CHAIN {
            // Two operations that no compiler turns into a formula.
            sum = sum.rotate_left(7).wrapping_add(0x9e37);
        }
        sum = black_box(sum);
        chains += 1;
        let elapsed = begun.elapsed();
        if elapsed >= for_at_least {
            return (2 * CHAIN * chains) as f64 / elapsed.as_secs_f64();
        }
    }
}
