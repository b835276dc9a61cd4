//! Polling threads: one for each worker core, started by the EAL.
//!
//! They are EAL threads and not registered ones: a registered thread has a
//! mempool cache too, but `rte_thread_register` shuts out secondary processes
//! for good, dpdk-dumpcap among them.

use std::any::Any;
use std::ffi::{c_int, c_uint, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use parking_lot::Mutex;
use thiserror::Error;

use crate::eal::{Eal, Running};
use crate::thread;

/// Why a worker was not launched.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum LaunchError {
    /// The index is not one of the worker cores.
    #[error("there is no worker {worker}: DPDK was started with {workers} worker cores")]
    NoSuchWorker {
        /// The index asked for.
        worker: usize,
        /// How many there are.
        workers: usize,
    },
    /// It runs something already.
    #[error("worker {0} is running already")]
    Busy(usize),
}

/// A running worker. Dropping it waits for its end, as [`Worker::join`] does.
#[derive(Debug)]
pub struct Worker<T> {
    lcore: c_uint,
    outcome: Outcome<T>,
    _running: Arc<Running>,
}

type Outcome<T> = Arc<Mutex<Option<Result<T, Box<dyn Any + Send>>>>>;

struct Job<F, T> {
    name: String,
    run: F,
    outcome: Outcome<T>,
}

impl Eal {
    /// Runs `run` on the thread of `worker`, an index into
    /// [`EalOptions::worker_cores`](crate::EalOptions::worker_cores). The
    /// thread is pinned, and named `name` (15 bytes).
    ///
    /// # Errors
    ///
    /// No such worker, or it is busy.
    pub fn launch<T, F>(&self, worker: usize, name: &str, run: F) -> Result<Worker<T>, LaunchError>
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        let running = self.running();
        let lcore = c_uint::try_from(worker + 1)
            .ok()
            .filter(|_| worker < running.workers)
            .ok_or(LaunchError::NoSuchWorker {
                worker,
                workers: running.workers,
            })?;
        let outcome: Outcome<T> = Arc::default();
        let job = Box::new(Job {
            name: name.to_owned(),
            run,
            outcome: outcome.clone(),
        });
        let job = Box::into_raw(job);
        // SAFETY: `lcore` is a worker's; `work` takes a job of these very
        // types, once, on that thread, and everything in it is `Send`.
        let code =
            unsafe { dpdk_sys::rte_eal_remote_launch(Some(work::<F, T>), job.cast(), lcore) };
        if code != 0 {
            // SAFETY: the launch was refused, so that the job is still ours alone.
            drop(unsafe { Box::from_raw(job) });
            return Err(LaunchError::Busy(worker));
        }
        Ok(Worker {
            lcore,
            outcome,
            _running: running.clone(),
        })
    }
}

impl<T> Worker<T> {
    /// Whether it has ended.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.outcome.lock().is_some()
    }

    /// Waits for the end and returns what it returned.
    ///
    /// # Errors
    ///
    /// The panic's message, as [`std::thread::JoinHandle::join`] does.
    pub fn join(self) -> std::thread::Result<T> {
        self.wait();
        let outcome = self.outcome.lock().take();
        outcome.unwrap_or_else(|| Err(Box::new("the worker left no result")))
    }

    fn wait(&self) {
        // SAFETY: `lcore` is a worker's; waiting for an idle one returns at once.
        unsafe { dpdk_sys::rte_eal_wait_lcore(self.lcore) };
    }
}

impl<T> Drop for Worker<T> {
    fn drop(&mut self) {
        self.wait();
    }
}

unsafe extern "C" fn work<F: FnOnce() -> T, T>(job: *mut c_void) -> c_int {
    // SAFETY: `launch` made this pointer from a box of this type and gave it away.
    let job = unsafe { Box::from_raw(job.cast::<Job<F, T>>()) };
    let Job { name, run, outcome } = *job;
    thread::name_current(&name);
    let result = catch_unwind(AssertUnwindSafe(run));
    *outcome.lock() = Some(result);
    0
}
