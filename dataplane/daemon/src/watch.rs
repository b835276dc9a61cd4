//! The main thread while packets flow: it waits for the end, and tells the
//! service manager that the host is well.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sd_notify::NotifyState;
use signal_hook::consts::{SIGINT, SIGTERM};

use crate::launch::RunningHost;

/// How often it looks.
const PERIOD: Duration = Duration::from_millis(20);

/// Why the daemon ends.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// Somebody asked for it.
    Asked,
    /// A thread is gone, and with it the host's service.
    Broken(String),
}

/// The wish to end: SIGTERM or SIGINT. More of them change nothing, since some
/// wrappers send two at once and the end takes less than a second anyway.
pub(crate) fn end_wanted() -> std::io::Result<Arc<AtomicBool>> {
    let wanted = Arc::new(AtomicBool::new(false));
    for signal in [SIGTERM, SIGINT] {
        signal_hook::flag::register(signal, Arc::clone(&wanted))?;
    }
    Ok(wanted)
}

/// Waits until the daemon has to end.
pub(crate) fn watch(host: &RunningHost, end_wanted: &AtomicBool) -> End {
    let mut watchdog = Watchdog::new();
    while !end_wanted.load(Ordering::Relaxed) {
        if let Some(thread) = host.ended_thread() {
            return End::Broken(thread);
        }
        watchdog.feed(host);
        std::thread::sleep(PERIOD);
    }
    End::Asked
}

/// systemd's watchdog, fed only while every worker moves.
struct Watchdog {
    /// Periods between two meals; `None` if nobody watches.
    every: Option<u32>,
    since: u32,
    rounds: Vec<u64>,
}

impl Watchdog {
    fn new() -> Self {
        let every = sd_notify::watchdog_enabled().map(|limit| {
            let periods = limit.as_millis() / PERIOD.as_millis() / 3;
            u32::try_from(periods).unwrap_or(u32::MAX).max(1)
        });
        Self {
            every,
            since: 0,
            rounds: Vec::new(),
        }
    }

    fn feed(&mut self, host: &RunningHost) {
        let Some(every) = self.every else { return };
        self.since += 1;
        if self.since < every {
            return;
        }
        self.since = 0;
        let rounds = host.rounds();
        let all_moved =
            self.rounds.is_empty() || self.rounds.iter().zip(&rounds).all(|(a, b)| b > a);
        self.rounds = rounds;
        if all_moved {
            notify(NotifyState::Watchdog);
        }
    }
}

/// Tells the service manager, if there is one.
pub(crate) fn notify(state: NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[state]) {
        tracing::debug!("the service manager cannot be told: {error}");
    }
}
