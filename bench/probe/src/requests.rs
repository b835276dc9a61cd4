//! Is every request received and answered while its answerer dies and another takes over: numbered
//! UDP requests at a steady rate, answerers that remember what they received, and a judge.

mod answer;
mod ask;
mod judge;
mod ledger;
mod message;
mod sequences;

use std::error::Error;
use std::net::SocketAddrV4;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use clap::Subcommand;
use signal_hook::consts::{SIGINT, SIGTERM, SIGUSR1};

use crate::output;

#[derive(Subcommand)]
pub enum Command {
    /// Sends numbered requests and counts the answers, by answerer. SIGTERM or SIGINT ends it early.
    Ask {
        /// The answerer's address and port.
        to: SocketAddrV4,
        /// Requests per second.
        #[arg(long, default_value_t = 20_000)]
        per_second: u64,
        /// Ends after so many seconds of sending.
        #[arg(long, default_value_t = 10.0)]
        seconds: f64,
        /// Ends after so many requests, if that is earlier.
        #[arg(long)]
        count: Option<u64>,
        /// Source ports to send from in turn.
        #[arg(long, default_value_t = 8)]
        flows: usize,
        /// How long to wait for answers after the last request, unless all have come.
        #[arg(long, default_value_t = 1000)]
        drain_ms: u64,
        /// Writes the report to this file instead of stdout.
        #[arg(long)]
        report: Option<PathBuf>,
    },
    /// Answers every request and remembers which ones came; says `listening` on stderr first.
    /// SIGUSR1 writes the log, SIGTERM or SIGINT too and ends it.
    Answer {
        /// The address and port to listen on.
        listen: SocketAddrV4,
        /// Who this is; stands in every answer.
        #[arg(long)]
        id: u16,
        /// Where the log is written.
        #[arg(long)]
        log: PathBuf,
    },
    /// Holds the asker's report against the answerers' logs.
    Judge {
        /// The report of `ask`.
        asked: PathBuf,
        /// The logs of all answerers.
        #[arg(required = true)]
        logs: Vec<PathBuf>,
    },
}

/// Runs one of them.
pub fn run(command: Command) -> Result<(), Box<dyn Error>> {
    match command {
        Command::Ask {
            to,
            per_second,
            seconds,
            count,
            flows,
            drain_ms,
            report,
        } => {
            let most = (seconds.clamp(0.0, 86_400.0) * per_second as f64) as u64;
            let plan = ask::Plan {
                per_second: per_second.max(1),
                count: count.map_or(most, |count| count.min(most)),
                flows: flows.max(1),
                drain: Duration::from_millis(drain_ms),
            };
            let ends = flag(&[SIGTERM, SIGINT])?;
            let found = ask::ask(to, &plan, &ends)?;
            match report {
                Some(path) => output::write(&path, &found),
                None => output::print(&found),
            }
        }
        Command::Answer { listen, id, log } => {
            let socket = answer::bind(listen).map_err(|error| format!("{listen}: {error}"))?;
            let (ends, dumps) = (flag(&[SIGTERM, SIGINT])?, flag(&[SIGUSR1])?);
            output::announce();
            answer::answer(&socket, id, &ends, &dumps, |report| {
                output::write(&log, report)
            })
        }
        Command::Judge { asked, logs } => {
            let asked = output::read(&asked)?;
            let logs = logs
                .iter()
                .map(|log| output::read(log))
                .collect::<Result<Vec<_>, _>>()?;
            output::print(&judge::judge(&asked, &logs))
        }
    }
}

/// A flag that the signals raise.
fn flag(signals: &[i32]) -> Result<Arc<AtomicBool>, Box<dyn Error>> {
    let flag = Arc::new(AtomicBool::new(false));
    for &signal in signals {
        signal_hook::flag::register(signal, Arc::clone(&flag))?;
    }
    Ok(flag)
}

#[cfg(test)]
mod tests;
