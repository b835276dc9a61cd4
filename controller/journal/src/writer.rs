//! The thread that waits for the disk.
//!
//! The controller's thread is a real-time one and never waits (docs/architecture.md): it puts jobs
//! into a ring, finds answers in another, and wakes the writer with `unpark`, which does not block.
//! All jobs that wait when the writer looks share one fsync.

use std::io;
use std::thread::{self, JoinHandle};

use rtrb::{Consumer, Producer, RingBuffer};

use crate::disk::Disk;
use crate::fact::Fact;
use crate::log::Log;

/// Jobs whose answers were not taken yet.
pub const JOBS_MAX: usize = 256;

/// Facts to be made durable together.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Job {
    token: u64,
    facts: Vec<Fact>,
}

/// What became of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Completed {
    /// Its facts survive a crash from now on.
    Durable(u64),
    /// There was no room. Nothing of it counts; it may be tried again.
    Full {
        /// Which job.
        token: u64,
        /// What to tell the operator.
        sentence: String,
    },
    /// The disk failed, nobody knows what it holds, and the writer has ended. So must the process.
    Broken {
        /// What to tell the operator.
        sentence: String,
    },
}

/// The controller's end of a writer.
#[derive(Debug)]
pub struct Writer<D> {
    /// Gone once the writer was told to stop.
    jobs: Option<Producer<Job>>,
    completed: Consumer<Completed>,
    /// How many jobs have no answer yet.
    waiting: usize,
    thread: Option<JoinHandle<Log<D>>>,
}

impl<D: Disk + Send + 'static> Writer<D> {
    /// Starts the thread. `first` is called on it before anything else: to give it the priority
    /// that decisions need.
    ///
    /// # Errors
    /// If the system does not give a thread.
    pub fn spawn(
        name: &str,
        log: Log<D>,
        first: impl FnOnce() + Send + 'static,
    ) -> io::Result<Self> {
        let (jobs, taken) = RingBuffer::new(JOBS_MAX);
        // One more, for the news that the disk failed while nobody waited.
        let (answers, completed) = RingBuffer::new(JOBS_MAX + 1);
        let thread = thread::Builder::new().name(name.into()).spawn(move || {
            first();
            let mut end = WriterEnd {
                log,
                jobs: taken,
                completed: answers,
            };
            end.run();
            end.log
        })?;
        Ok(Self {
            jobs: Some(jobs),
            completed,
            waiting: 0,
            thread: Some(thread),
        })
    }

    /// Asks for facts to be made durable. Never waits.
    ///
    /// # Errors
    /// Gives the facts back if [`JOBS_MAX`] jobs wait, or the writer has ended.
    pub fn submit(&mut self, token: u64, facts: Vec<Fact>) -> Result<(), Vec<Fact>> {
        let (Some(jobs), Some(thread)) = (&mut self.jobs, &self.thread) else {
            return Err(facts);
        };
        if self.waiting == JOBS_MAX || jobs.is_abandoned() {
            return Err(facts);
        }
        match jobs.push(Job { token, facts }) {
            Ok(()) => {
                self.waiting += 1;
                thread.thread().unpark();
                Ok(())
            }
            Err(rtrb::PushError::Full(job)) => Err(job.facts),
        }
    }

    /// The next answer, if there is one. Never waits. Answers come in the order of the jobs.
    pub fn poll(&mut self) -> Option<Completed> {
        let completed = self.completed.pop().ok()?;
        match completed {
            Completed::Durable(_) | Completed::Full { .. } => self.waiting -= 1,
            Completed::Broken { .. } => self.waiting = 0,
        }
        Some(completed)
    }

    /// Whether the thread has ended, which it does only when the disk failed, or by a panic.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// Ends the thread when all that was submitted is done, and gives the log back. It waits for the
    /// disk: it is not for the controller's thread.
    ///
    /// # Errors
    /// The panic that ended the thread.
    pub fn stop(mut self) -> thread::Result<Log<D>> {
        self.end()
            .unwrap_or_else(|| Err(Box::new("the writer was stopped before")))
    }
}

impl<D> Writer<D> {
    fn end(&mut self) -> Option<thread::Result<Log<D>>> {
        self.jobs = None;
        let thread = self.thread.take()?;
        thread.thread().unpark();
        Some(thread.join())
    }
}

impl<D> Drop for Writer<D> {
    fn drop(&mut self) {
        // A panic of the thread was there to be seen in `is_finished`.
        let _ = self.end();
    }
}

/// The thread's end.
struct WriterEnd<D> {
    log: Log<D>,
    jobs: Consumer<Job>,
    completed: Producer<Completed>,
}

impl<D: Disk> WriterEnd<D> {
    fn run(&mut self) {
        loop {
            // Asked before the ring is looked at: what was put in before the end is still done.
            let is_last = self.jobs.is_abandoned();
            let mut tokens = Vec::new();
            let mut facts = Vec::new();
            while let Ok(job) = self.jobs.pop() {
                tokens.push(job.token);
                facts.extend(job.facts);
            }
            let is_going_on = if tokens.is_empty() {
                if is_last {
                    return;
                }
                let is_going_on = self.tidy();
                if is_going_on && self.jobs.is_empty() {
                    // An `unpark` since then makes this return at once.
                    thread::park();
                }
                is_going_on
            } else {
                self.make_durable(tokens, &facts)
            };
            if !is_going_on {
                return;
            }
        }
    }

    /// One entry for all that waited. Whether the disk still works.
    fn make_durable(&mut self, tokens: Vec<u64>, facts: &[Fact]) -> bool {
        let Err(error) = self.log.append(facts) else {
            tokens
                .into_iter()
                .for_each(|token| self.answer(Completed::Durable(token)));
            return true;
        };
        let sentence = error.to_string();
        if !error.may_be_retried() {
            self.answer(Completed::Broken { sentence });
            return false;
        }
        for token in tokens {
            let sentence = sentence.clone();
            self.answer(Completed::Full { token, sentence });
        }
        true
    }

    /// While nobody waits, makes the room that somebody would have to wait for.
    fn tidy(&mut self) -> bool {
        if !self.log.is_half_full() {
            return true;
        }
        match self.log.snapshot() {
            Err(error) if !error.may_be_retried() => {
                let sentence = error.to_string();
                self.answer(Completed::Broken { sentence });
                false
            }
            // Without room it is tried again after the next job.
            _ => true,
        }
    }

    fn answer(&mut self, completed: Completed) {
        // There is room: no more jobs are out than the ring has places. If the other end is gone,
        // nobody wants to know.
        let _ = self.completed.push(completed);
    }
}

#[cfg(test)]
mod tests;
