//! The controller's thread: a round about every millisecond, ahead of ordinary
//! threads where the system allows it.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use thread_priority::ThreadPriority;
use thread_priority::unix::{
    RealtimeThreadSchedulePolicy, ThreadSchedulePolicy, set_thread_priority_and_policy,
    thread_native_id,
};

use crate::clock::Clock;
use crate::controller::{Agent, Controller};

/// The sleep between two rounds.
const PAUSE: Duration = Duration::from_millis(1);

/// The running thread. It ends with this, after its present round.
pub struct ControllerThread<A: Agent> {
    stop: Arc<AtomicBool>,
    /// Gone once it was joined.
    thread: Option<JoinHandle<Controller<A>>>,
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
                ask_for_real_time();
                let clock = Clock::start();
                while !stopped.load(Ordering::Relaxed) {
                    controller.round(clock.now_ms());
                    thread::sleep(PAUSE);
                }
                controller
            })?;
        Ok(Self {
            stop,
            thread: Some(thread),
        })
    }

    /// Whether the thread has ended; before [`ControllerThread::stop`] it does so
    /// only by a panic.
    pub fn is_finished(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// Ends the thread after its present round, and gives the controller back.
    ///
    /// # Errors
    /// The panic that ended it earlier.
    pub fn stop(mut self) -> thread::Result<Controller<A>> {
        self.end()
            .unwrap_or_else(|| Err(Box::new("the controller was stopped before")))
    }

    fn end(&mut self) -> Option<thread::Result<Controller<A>>> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.take().map(JoinHandle::join)
    }
}

impl<A: Agent> Drop for ControllerThread<A> {
    fn drop(&mut self) {
        if let Some(Err(_)) = self.end() {
            tracing::error!("the controller had ended by a panic");
        }
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
