//! The controller's thread: a round about every millisecond, ahead of ordinary
//! threads where the system allows it.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustix::thread::{CpuSet, sched_setaffinity};
use thread_priority::ThreadPriority;
use thread_priority::unix::{
    RealtimeThreadSchedulePolicy, ThreadSchedulePolicy, set_thread_priority_and_policy,
    thread_native_id,
};

use crate::clock::Clock;
use crate::controller::{Agent, Controller};

/// The sleep between two rounds.
const PAUSE: Duration = Duration::from_millis(1);

/// The running thread.
pub struct ControllerThread<A: Agent> {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Controller<A>>,
}

impl<A: Agent> ControllerThread<A> {
    /// Starts the rounds; the controller's clock stands at 0 ms.
    ///
    /// # Errors
    /// If the system does not give a thread.
    pub fn spawn(mut controller: Controller<A>) -> io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = thread::Builder::new()
            .name("controller".into())
            .spawn(move || {
                leave_the_workers_cores();
                ask_for_real_time();
                let clock = Clock::start();
                while !stopped.load(Ordering::Relaxed) {
                    controller.round(clock.now_ms());
                    thread::sleep(PAUSE);
                }
                controller
            })?;
        Ok(Self { stop, thread })
    }

    /// Whether the thread has ended; before [`ControllerThread::stop`] it does so
    /// only by a panic.
    pub fn is_finished(&self) -> bool {
        self.thread.is_finished()
    }

    /// Ends the thread after its present round, and gives the controller back.
    ///
    /// # Errors
    /// The panic that ended it earlier.
    pub fn stop(self) -> thread::Result<Controller<A>> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join()
    }
}

/// A thread inherits the core that DPDK pinned its parent to; the kernel takes from
/// this set those that exist and that the process may use.
fn leave_the_workers_cores() {
    let mut cores = CpuSet::new();
    for core in 0..CpuSet::MAX_CPU {
        cores.set(core);
    }
    if let Err(error) = sched_setaffinity(None, &cores) {
        tracing::warn!(
            "the controller thread may share a core with a worker: \
             its affinity cannot be reset ({error})"
        );
    }
}

/// It sleeps most of the time, so it can be a FIFO thread; a worker never can.
fn ask_for_real_time() {
    let policy = ThreadSchedulePolicy::Realtime(RealtimeThreadSchedulePolicy::Fifo);
    // The lowest FIFO priority stands above every ordinary thread already.
    let lowest = ThreadPriority::Min;
    if let Err(error) = set_thread_priority_and_policy(thread_native_id(), lowest, policy) {
        tracing::warn!(
            "the controller thread runs at ordinary priority and may be late by some 100 ms: \
             SCHED_FIFO is refused ({error}); give the process CAP_SYS_NICE or LimitRTPRIO=10"
        );
    }
}

#[cfg(test)]
mod tests;
