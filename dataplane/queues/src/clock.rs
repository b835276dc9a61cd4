//! The one file of a host's process that reads a clock, beside that of the hooks.

use std::time::{Duration, SystemTime};

use dpdk::clock::{Reading, TscLine};
use rustix::time::{ClockId, clock_gettime};

/// The clock of the whole process: what a lease's deadline, a frame's age and
/// the controller's timers mean. It does not stop while the machine sleeps.
#[derive(Clone, Copy, Debug)]
pub struct ProcessClock(Source);

#[derive(Clone, Copy, Debug)]
enum Source {
    /// By the cycle counter, which a worker reads without a system call.
    Counter(TscLine),
    /// By the kernel: where the counter's rate is not constant.
    Kernel,
}

/// How long the counter is compared with the kernel's clock: reading both takes
/// less than 100 ns, so that the rate is right within some millionths.
const CALIBRATION: Duration = Duration::from_millis(20);

/// Readings of which the quickest counts: between any two the thread may have
/// lost its core.
const READINGS: usize = 16;

impl ProcessClock {
    /// Takes 20 ms where the cycle counter can be used.
    #[must_use]
    pub fn start() -> Self {
        let flags = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        if !counter_is_constant(&flags) {
            tracing::warn!(
                "the cycle counter's rate is not constant here: workers ask the kernel for the time"
            );
            return Self(Source::Kernel);
        }
        let first = reading();
        std::thread::sleep(CALIBRATION);
        let line = TscLine::through(first, reading());
        Self(line.map_or(Source::Kernel, Source::Counter))
    }

    /// Milliseconds between 1970 and a time of this clock that is not long ago.
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the process's clock file"
    )]
    #[must_use]
    pub fn unix_ms(&self, at_ns: u64) -> u64 {
        let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let ago = Duration::from_nanos(self.now_ns().saturating_sub(at_ns));
        let then = since_1970.unwrap_or_default().saturating_sub(ago);
        u64::try_from(then.as_millis()).unwrap_or(u64::MAX)
    }

    /// Nanoseconds, from an arbitrary moment on.
    #[inline]
    #[must_use]
    pub fn now_ns(&self) -> u64 {
        match &self.0 {
            Source::Counter(line) => line.now_ns(),
            Source::Kernel => boot_time_ns(),
        }
    }
}

/// Whether the processor says that its cycle counter neither changes its rate
/// nor stops. `cpuinfo` is the text of that file.
fn counter_is_constant(cpuinfo: &str) -> bool {
    let flags = cpuinfo.lines().find(|line| line.starts_with("flags"));
    let has = |flag: &str| flags.is_some_and(|line| line.split_whitespace().any(|f| f == flag));
    has("constant_tsc") && has("nonstop_tsc")
}

/// Both clocks at one moment, as nearly as they can be read.
fn reading() -> Reading {
    let readings = (0..READINGS).map(|_| {
        let before = dpdk::clock::tsc();
        let ns = boot_time_ns();
        let took = dpdk::clock::tsc().saturating_sub(before);
        let tsc = before + took / 2;
        (took, Reading { tsc, ns })
    });
    let quickest = readings.min_by_key(|(took, _)| *took);
    quickest.expect("there is at least one").1
}

fn boot_time_ns() -> u64 {
    let time = clock_gettime(ClockId::Boottime);
    let (s, ns) = (time.tv_sec.cast_unsigned(), time.tv_nsec.cast_unsigned());
    s * 1_000_000_000 + ns
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_process_clock_keeps_pace_with_the_kernels() {
        let clock = ProcessClock::start();
        let (before, kernel_before) = (clock.now_ns(), boot_time_ns());
        std::thread::sleep(Duration::from_millis(200));
        let (after, kernel_after) = (clock.now_ns(), boot_time_ns());
        let error = (after - before).abs_diff(kernel_after - kernel_before);
        // 200 ms at 500 ppm, and the time between the two readings of a pair.
        assert!(error < 100_000 + 2_000_000, "{error} ns in 200 ms");
        assert!(after.abs_diff(kernel_after) < 10_000_000, "the same epoch");
    }

    #[test]
    fn the_counter_is_used_only_where_both_flags_are() {
        let with = |flags: &str| format!("processor\t: 0\nflags\t\t: fpu {flags} sse\n");
        assert!(counter_is_constant(&with("constant_tsc nonstop_tsc")));
        for flags in [
            "constant_tsc",
            "nonstop_tsc",
            "tsc",
            "constant_tsc nonstop_tsc_s3",
        ] {
            assert!(!counter_is_constant(&with(flags)), "{flags}");
        }
        assert!(!counter_is_constant(""));
    }
}
