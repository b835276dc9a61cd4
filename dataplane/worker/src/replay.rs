//! How fast kept frames leave: four times as fast as they came, and without the pauses.
//!
//! A device takes thousands of frames in a millisecond, and a guest answers them as fast as it can.
//! Its answers then meet a receive ring of a thousand or two, and a worker that is one round late
//! loses what does not fit: requests that had survived a host would stay unanswered. A guest that
//! kept up with the traffic once keeps up with a multiple of it for as long as it takes to catch up
//! (a third of the time for which it was kept); how much more it could take, nobody knows.

/// How much faster than they came.
const SPEED: u64 = 4;

/// A longer pause between two frames counts as one of this length.
const PAUSE_NS_MAX: u64 = 1_000_000;

/// How far the frames of one buffer were played again.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Replay {
    /// What was received until then may leave, in nanoseconds of the process's clock.
    until_ns: u64,
    /// When that was found; `None` before the first frame.
    found_ns: Option<u64>,
}

impl Replay {
    /// Frames that were received until then may leave now. The oldest of those that are kept came
    /// at `oldest_ns`.
    #[inline]
    pub(crate) fn until(&mut self, oldest_ns: u64, now_ns: u64) -> u64 {
        let reached = match self.found_ns {
            None => oldest_ns,
            Some(found_ns) => {
                let played = now_ns.saturating_sub(found_ns).saturating_mul(SPEED);
                let reached = self.until_ns.saturating_add(played);
                reached.max(oldest_ns.saturating_sub(PAUSE_NS_MAX))
            }
        };
        self.until_ns = reached.min(now_ns);
        self.found_ns = Some(now_ns);
        self.until_ns
    }

    /// The next frame is the first again.
    pub(crate) fn stop(&mut self) {
        self.found_ns = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_leave_four_times_as_fast_as_they_came() {
        let mut replay = Replay::default();
        assert_eq!(replay.until(1_000, 50_000_000), 1_000, "the first at once");
        assert_eq!(replay.until(2_000, 50_000_100), 1_400);
        assert_eq!(replay.until(2_000, 50_000_250), 2_000);
    }

    #[test]
    fn a_pause_is_cut_short() {
        let mut replay = Replay::default();
        replay.until(1_000, 9_000_000_000);
        let late = 5_000_000_000;
        assert!(replay.until(late, 9_000_000_001) < late);
        assert!(replay.until(late, 9_000_250_001) >= late);
    }

    #[test]
    fn it_does_not_run_ahead_of_the_time() {
        let mut replay = Replay::default();
        replay.until(10_000_000, 10_000_000);
        assert_eq!(replay.until(11_000_000, 12_000_000), 12_000_000);
    }

    #[test]
    fn after_a_stop_the_first_frame_leaves_at_once() {
        let mut replay = Replay::default();
        replay.until(1_000, 1_000);
        replay.stop();
        assert_eq!(replay.until(70_000, 90_000), 70_000);
    }
}
