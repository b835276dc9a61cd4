//! The controller's thread: a round about every millisecond, ahead of ordinary
//! threads where the system allows it.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use messages::Time;
use thread_priority::ThreadPriority;
use thread_priority::unix::{
    RealtimeThreadSchedulePolicy, ThreadSchedulePolicy, set_thread_priority_and_policy,
    thread_native_id,
};

use crate::controller::{Agent, Controller};

/// The sleep between two rounds.
const PAUSE: Duration = Duration::from_millis(1);

/// The running thread. It ends with this, after its present round.
pub struct ControllerThread<A: Agent> {
    stop: Arc<AtomicBool>,
    real_time: bool,
    /// Gone once it was joined.
    thread: Option<JoinHandle<Controller<A>>>,
}

impl<A: Agent> ControllerThread<A> {
    /// Starts the rounds, at the times that `clock` reads.
    ///
    /// # Errors
    /// If the system does not give a thread.
    pub fn spawn(
        mut controller: Controller<A>,
        clock: impl Fn() -> Time + Send + 'static,
    ) -> io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let (granted, real_time) = mpsc::sync_channel(1);
        let thread = thread::Builder::new()
            .name("controller".into())
            .spawn(move || {
                // The receiver waits for this one message.
                let _ = granted.send(ask_for_real_time());
                while !stopped.load(Ordering::Relaxed) {
                    controller.round(clock());
                    thread::sleep(PAUSE);
                }
                controller
            })?;
        Ok(Self {
            stop,
            real_time: real_time.recv().unwrap_or(false),
            thread: Some(thread),
        })
    }

    /// Whether the thread runs ahead of ordinary ones (SCHED_FIFO).
    pub const fn is_real_time(&self) -> bool {
        self.real_time
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

/// Whether this process may have threads that run ahead of ordinary ones. Asks by trying.
#[must_use]
pub fn grants_real_time() -> bool {
    let asking = thread::Builder::new().spawn(ask_for_real_time);
    asking.is_ok_and(|asking| asking.join().unwrap_or(false))
}

/// It sleeps most of the time, so it can be a FIFO thread; a worker never can.
pub(crate) fn ask_for_real_time() -> bool {
    let policy = ThreadSchedulePolicy::Realtime(RealtimeThreadSchedulePolicy::Fifo);
    // The lowest FIFO priority stands above every ordinary thread already.
    let lowest = ThreadPriority::Min;
    let asked = set_thread_priority_and_policy(thread_native_id(), lowest, policy);
    if let Err(error) = &asked {
        tracing::warn!(
            "the controller thread runs at ordinary priority and may be late by some 100 ms: \
             SCHED_FIFO is refused ({error}); give the process CAP_SYS_NICE or LimitRTPRIO=10"
        );
    }
    asked.is_ok()
}

#[cfg(test)]
mod tests;
