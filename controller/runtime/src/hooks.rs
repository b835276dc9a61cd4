//! Executables that are run when this host becomes the owner of an address, or ceases to be: to
//! attach the block volume of the node, say, and to revoke the old attachment.
//!
//! ```text
//! EXECUTABLE 0x123456/10.0.0.3 1.7 primary
//!            network/address   E   role
//! ```
//!
//! No shell is between. What it prints becomes lines of the daemon's log, exit status 0 is success,
//! and what is left of its process group when it ends or its time is over is killed. Hooks of one
//! group run one after another, in the order in which they were asked for; those of several groups
//! run beside one another.
//!
//! They run on a thread of their own that shares nothing with the controller's but two rings, so
//! that the controller never waits for one.

use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use messages::{Epoch, GroupId};
use rtrb::{Consumer, Producer, RingBuffer};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

use crate::clock::Clock;

/// Hooks whose results were not taken yet.
pub const HOOKS_MAX: usize = 256;
/// Hooks that run beside one another.
const RUNNING_MAX: usize = 16;
/// The sleep between two looks at those that run.
const PAUSE: Duration = Duration::from_millis(2);
/// A line of output is cut here.
const LINE_OCTETS_MAX: u64 = 1024;

/// What is to be run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hook {
    /// The executable, by its full path.
    pub executable: Arc<PathBuf>,
    /// When it is killed.
    pub time_out: Duration,
    /// The group, its first argument.
    pub group: GroupId,
    /// The epoch by which it is run, its second argument.
    pub epoch: Epoch,
    /// What this host has become, its third argument.
    pub role: &'static str,
}

/// What came of a hook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HookDone {
    /// Its group.
    pub group: GroupId,
    /// Its epoch.
    pub epoch: Epoch,
    /// Whether it ended in time, with status 0.
    pub ok: bool,
}

/// The controller's end of the hooks' thread.
#[derive(Debug)]
pub struct Hooks {
    /// Gone once the thread was told to stop.
    wanted: Option<Producer<Hook>>,
    done: Consumer<HookDone>,
    /// How many hooks have no result yet.
    waiting: usize,
    thread: Option<JoinHandle<()>>,
}

impl Hooks {
    /// Starts the thread. It and the hooks have the priority of the caller, which is not to be a
    /// real-time one.
    ///
    /// # Errors
    /// If the system does not give a thread.
    pub fn spawn() -> io::Result<Self> {
        let (wanted, taken) = RingBuffer::new(HOOKS_MAX);
        let (results, done) = RingBuffer::new(HOOKS_MAX);
        let thread = thread::Builder::new().name("hooks".into()).spawn(move || {
            let mut runner = Runner {
                wanted: taken,
                done: results,
                clock: Clock::start(),
                pending: VecDeque::new(),
                running: Vec::new(),
            };
            runner.run();
        })?;
        Ok(Self {
            wanted: Some(wanted),
            done,
            waiting: 0,
            thread: Some(thread),
        })
    }

    /// Asks for a hook to be run. Never waits.
    ///
    /// # Errors
    /// Gives it back if [`HOOKS_MAX`] have no result yet.
    pub fn run(&mut self, hook: Hook) -> Result<(), Hook> {
        let (Some(wanted), Some(thread)) = (&mut self.wanted, &self.thread) else {
            return Err(hook);
        };
        if self.waiting == HOOKS_MAX || wanted.is_abandoned() {
            return Err(hook);
        }
        match wanted.push(hook) {
            Ok(()) => {
                self.waiting += 1;
                thread.thread().unpark();
                Ok(())
            }
            Err(rtrb::PushError::Full(hook)) => Err(hook),
        }
    }

    /// The next result, if there is one. Never waits.
    pub fn poll(&mut self) -> Option<HookDone> {
        let done = self.done.pop().ok()?;
        self.waiting -= 1;
        Some(done)
    }
}

impl Drop for Hooks {
    /// Kills what runs, and waits until it is gone.
    fn drop(&mut self) {
        self.wanted = None;
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            if thread.join().is_err() {
                tracing::error!("the hooks' thread had ended by a panic");
            }
        }
    }
}

/// The thread's end.
struct Runner {
    wanted: Consumer<Hook>,
    done: Producer<HookDone>,
    clock: Clock,
    pending: VecDeque<Hook>,
    running: Vec<Running>,
}

/// A hook that was started.
struct Running {
    hook: Hook,
    child: Child,
    /// Its process, and the group of those that it starts.
    process: Pid,
    deadline_ms: u64,
}

impl Runner {
    fn run(&mut self) {
        while !self.wanted.is_abandoned() {
            while let Ok(hook) = self.wanted.pop() {
                self.pending.push_back(hook);
            }
            self.start_what_may_start();
            self.end_what_has_ended();
            if self.running.is_empty() && self.pending.is_empty() {
                thread::park();
            } else {
                thread::sleep(PAUSE);
            }
        }
        for mut running in self.running.drain(..) {
            running.end();
        }
    }

    fn start_what_may_start(&mut self) {
        let mut later = VecDeque::new();
        while let Some(hook) = self.pending.pop_front() {
            let runs = |running: &Running| running.hook.group == hook.group;
            let waits = |earlier: &Hook| earlier.group == hook.group;
            if self.running.len() == RUNNING_MAX
                || self.running.iter().any(runs)
                || later.iter().any(waits)
            {
                later.push_back(hook);
                continue;
            }
            match Running::start(&hook, self.clock.now_ms()) {
                Ok(running) => self.running.push(running),
                Err(error) => {
                    let executable = hook.executable.display();
                    tracing::error!("the hook {executable} cannot be started: {error}");
                    self.report(&hook, false);
                }
            }
        }
        self.pending = later;
    }

    fn end_what_has_ended(&mut self) {
        let now_ms = self.clock.now_ms();
        let (ended, running) = self.running.drain(..).partition(|running: &Running| {
            let is_late = now_ms >= running.deadline_ms;
            is_late || running.has_ended()
        });
        self.running = running;
        for mut running in Vec::from_iter(ended) {
            let is_late = !running.has_ended();
            let status = running.end();
            let hook = &running.hook;
            let ok = !is_late && status.is_some_and(|status| status.success());
            let (executable, group, role) = (hook.executable.display(), hook.group, hook.role);
            match status {
                _ if ok => tracing::info!("the hook {executable} of {group} ({role}) is done"),
                _ if is_late => tracing::error!(
                    "the hook {executable} of {group} ({role}) was killed after {} ms",
                    hook.time_out.as_millis()
                ),
                Some(status) => {
                    tracing::error!("the hook {executable} of {group} ({role}) failed: {status}");
                }
                None => tracing::error!("the hook {executable} of {group} ({role}) was lost"),
            }
            self.report(&running.hook, ok);
        }
    }

    fn report(&mut self, hook: &Hook, ok: bool) {
        let done = HookDone {
            group: hook.group,
            epoch: hook.epoch,
            ok,
        };
        // There is room: no more hooks are out than the ring has places.
        let _ = self.done.push(done);
    }
}

impl Running {
    fn start(hook: &Hook, now_ms: u64) -> io::Result<Self> {
        let mut child = Command::new(hook.executable.as_path())
            .arg(hook.group.to_string())
            .arg(hook.epoch.to_string())
            .arg(hook.role)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()?;
        if let Some(output) = child.stdout.take() {
            log_lines(output, hook);
        }
        if let Some(output) = child.stderr.take() {
            log_lines(output, hook);
        }
        let time_out_ms = u64::try_from(hook.time_out.as_millis()).unwrap_or(u64::MAX);
        Ok(Self {
            hook: hook.clone(),
            process: Pid::from_child(&child),
            child,
            deadline_ms: now_ms.saturating_add(time_out_ms),
        })
    }

    /// Asks without taking the status: as long as nobody has, its number is no other process's.
    fn has_ended(&self) -> bool {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        !matches!(waitid(WaitId::Pid(self.process), options), Ok(None))
    }

    /// Kills what is left of the process group, and takes the status.
    fn end(&mut self) -> Option<ExitStatus> {
        // It fails if there is nothing left to kill.
        let _ = kill_process_group(self.process, Signal::KILL);
        self.child.wait().ok()
    }
}

/// Copies what a hook prints to the log, on a thread that ends with the output.
fn log_lines(output: impl Read + Send + 'static, hook: &Hook) {
    let executable = Arc::clone(&hook.executable);
    let group = hook.group;
    let copy = move || {
        let mut output = BufReader::new(output);
        let mut line = Vec::new();
        while let Ok(1..) = (&mut output)
            .take(LINE_OCTETS_MAX)
            .read_until(b'\n', &mut line)
        {
            let text = String::from_utf8_lossy(&line);
            let executable = executable.display();
            tracing::info!("the hook {executable} of {group} says: {}", text.trim_end());
            line.clear();
        }
    };
    if let Err(error) = thread::Builder::new()
        .name("hook output".into())
        .spawn(copy)
    {
        tracing::warn!("what a hook prints is not logged: {error}");
    }
}

#[cfg(test)]
mod tests;
