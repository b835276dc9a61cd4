//! What time is it: the one file of the probe that reads a clock.

use std::time::Instant;

/// Now, on the monotonic clock.
#[expect(
    clippy::disallowed_methods,
    reason = "a measuring instrument needs a clock, and this is its only one"
)]
pub fn now() -> Instant {
    Instant::now()
}
