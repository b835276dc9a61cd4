//! When exactly did it die: a signal, and the time right before it.

use std::io;
use std::thread;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde::Serialize;

use crate::clock;

/// A signal that was sent.
#[derive(Debug, Serialize)]
pub struct Sent {
    pid: i32,
    signal: &'static str,
    /// Right before kill(2), in ns of `CLOCK_MONOTONIC`.
    ns: u64,
    /// From there until right after SIGCONT, if the process was to go on.
    #[serde(skip_serializing_if = "Option::is_none")]
    stopped_ns: Option<u64>,
}

/// Sends `signal` to one process, and SIGCONT so much later.
pub fn send(pid: i32, signal: Signal, resume_after: Option<Duration>) -> io::Result<Sent> {
    if pid <= 0 {
        return Err(io::Error::other(
            "a process id is positive: this does not signal groups",
        ));
    }
    let ns = clock::monotonic_ns()?;
    let process = Pid::from_raw(pid);
    kill(process, signal)?;
    let stopped_ns = match resume_after {
        None => None,
        Some(wait) => {
            thread::sleep(wait);
            kill(process, Signal::SIGCONT)?;
            Some(clock::monotonic_ns()? - ns)
        }
    };
    Ok(Sent {
        pid,
        signal: signal.as_str(),
        ns,
        stopped_ns,
    })
}

/// Reads a signal's name, with or without SIG.
pub fn parse(text: &str) -> Result<Signal, String> {
    let name = text.trim_start_matches("SIG");
    format!("SIG{name}")
        .parse()
        .map_err(|_| format!("no signal {text:?}: write it as KILL, STOP, CONT, TERM"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_is_known_with_and_without_its_prefix() {
        assert_eq!(parse("KILL"), Ok(Signal::SIGKILL));
        assert_eq!(parse("SIGSTOP"), Ok(Signal::SIGSTOP));
        assert!(parse("NONSENSE").is_err());
    }

    #[test]
    fn a_group_of_processes_is_never_signalled() {
        assert!(send(0, Signal::SIGCONT, None).is_err());
        assert!(send(-1, Signal::SIGCONT, None).is_err());
    }
}
