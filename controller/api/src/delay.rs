//! How long something took, as a histogram.

use serde::{Deserialize, Serialize};

/// One part of a histogram. Parts with nothing in them are left out; a part's durations differ by
/// 3 % at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delay {
    /// The longest duration of this part, in nanoseconds.
    pub at_most_ns: u64,
    /// How many there were since the start of the daemon.
    pub times: u64,
}

/// The duration that a share (0 to 1) of all did not exceed, in nanoseconds; `None` of nothing.
/// `delays` is in order.
#[must_use]
pub fn percentile_ns(delays: &[Delay], share: f64) -> Option<u64> {
    let all: u64 = delays.iter().map(|delay| delay.times).sum();
    let wanted = (all as f64 * share).ceil() as u64;
    let mut so_far = 0;
    let mut at = delays.iter().skip_while(|delay| {
        so_far += delay.times;
        so_far < wanted
    });
    at.next().map(|delay| delay.at_most_ns)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_the_first_duration_that_so_many_did_not_exceed() {
        let delays =
            [(10, 98), (20, 1), (30, 1)].map(|(at_most_ns, times)| Delay { at_most_ns, times });
        let of = |share| percentile_ns(&delays, share).unwrap();
        assert_eq!([of(0.5), of(0.98), of(0.99), of(1.0)], [10, 10, 20, 30]);
        assert_eq!(percentile_ns(&[], 0.5), None);
    }
}
