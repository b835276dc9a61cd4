//! A measured program: started, stopped between its turns, its worker's time on the processor.

use std::error::Error;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::clock;

/// How long a program may take to come up: a million packets and mappings are read.
const READY_WITHIN: Duration = Duration::from_secs(60);
/// How long it may take to end before it is killed.
const END_WITHIN: Duration = Duration::from_secs(5);

/// A running program. It ends when this is dropped.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts `command`; what it says goes to `directory/name.log`. Its standard input stays open.
    ///
    /// # Errors
    /// The program or its log cannot be opened.
    pub fn start(
        name: &str,
        mut command: Command,
        directory: &Path,
    ) -> Result<Self, Box<dyn Error>> {
        let path = directory.join(format!("{name}.log"));
        let log = File::create(&path)?;
        command
            .stdin(Stdio::piped())
            .stdout(log.try_clone()?)
            .stderr(log);
        let child = command.spawn().map_err(|error| {
            format!("cannot start {}: {error}", command.get_program().display())
        })?;
        Ok(Self {
            name: name.to_owned(),
            child,
            log: path,
        })
    }

    /// Waits until the log has `sign` in it.
    ///
    /// # Errors
    /// The program ended, or took too long; with the end of its log.
    pub fn wait_for(&mut self, sign: &str) -> Result<(), Box<dyn Error>> {
        let begun = clock::now();
        loop {
            let log = fs::read_to_string(&self.log)?;
            if log.contains(sign) {
                return Ok(());
            }
            let ended = self.child.try_wait()?;
            if ended.is_some() || begun.elapsed() > READY_WITHIN {
                let what = ended.map_or("does not come up".to_owned(), |status| {
                    format!("ended with {status}")
                });
                let mut last: Vec<&str> = log.lines().rev().take(12).collect();
                last.reverse();
                return Err(format!("{} {what}:\n{}", self.name, last.join("\n")).into());
            }
            sleep(Duration::from_millis(20));
        }
    }

    /// The number behind `name` in its log, if it is there.
    ///
    /// # Errors
    /// The log cannot be read.
    pub fn figure(&self, name: &str) -> io::Result<Option<f64>> {
        let log = fs::read_to_string(&self.log)?;
        let mut words = log.split_ascii_whitespace();
        let _ = words.find(|word| *word == name);
        Ok(words.next().and_then(|word| word.parse().ok()))
    }

    /// Takes it off the processor, whole.
    ///
    /// # Errors
    /// It is gone.
    pub fn pause(&self) -> nix::Result<()> {
        kill(self.pid(), Signal::SIGSTOP)
    }

    /// Lets it run again.
    ///
    /// # Errors
    /// It is gone.
    pub fn resume(&self) -> nix::Result<()> {
        kill(self.pid(), Signal::SIGCONT)
    }

    /// Nanoseconds that its threads of this name (or, with `None`, its first thread) were on a
    /// processor: time that others had it does not count.
    ///
    /// # Errors
    /// There is no such thread.
    pub fn on_cpu_ns(&self, thread: Option<&str>) -> Result<u64, Box<dyn Error>> {
        let tasks = PathBuf::from(format!("/proc/{}/task", self.child.id()));
        let path = match thread {
            None => tasks.join(self.child.id().to_string()),
            Some(wanted) => fs::read_dir(&tasks)?
                .filter_map(|entry| Some(entry.ok()?.path()))
                .find(|path| {
                    fs::read_to_string(path.join("comm"))
                        .is_ok_and(|comm| comm.trim_end() == wanted)
                })
                .ok_or_else(|| format!("{} has no thread {wanted}", self.name))?,
        };
        let text = fs::read_to_string(path.join("schedstat"))?;
        let first = text.split_ascii_whitespace().next();
        let parsed = first.and_then(|field| field.parse().ok());
        parsed.ok_or_else(|| format!("/proc has no schedstat: '{text}'").into())
    }

    /// Its memory outside hugepages, in octets.
    ///
    /// # Errors
    /// It is gone.
    pub fn resident_bytes(&self) -> Result<u64, Box<dyn Error>> {
        let text = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok());
        Ok(kib.ok_or("/proc tells no VmRSS")? << 10)
    }

    fn pid(&self) -> Pid {
        Pid::from_raw(self.child.id() as i32)
    }

    fn end(&mut self) -> io::Result<()> {
        if self.child.try_wait()?.is_some() {
            return Ok(());
        }
        // A stopped process does not hear SIGTERM; one that is gone hears neither.
        let _ = kill(self.pid(), Signal::SIGTERM);
        let _ = kill(self.pid(), Signal::SIGCONT);
        let begun = clock::now();
        while begun.elapsed() < END_WITHIN {
            if self.child.try_wait()?.is_some() {
                return Ok(());
            }
            sleep(Duration::from_millis(10));
        }
        self.child.kill()?;
        self.child.wait().map(drop)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Nothing is left to do about one that cannot be ended.
        let _ = self.end();
    }
}
