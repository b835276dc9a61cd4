//! `understudyd`: a hypervisor host's packets between its guests and the
//! substrate.
//!
//! ```text
//! understudyd --config FILE          carry packets until SIGTERM or Ctrl-C
//! understudyd check FILE             is this configuration right?
//! understudyd replay --config FILE   what would this host do with a capture?
//! ```
//! Exit codes follow sysexits.h where one fits: 0 done, 1 failed, 2 wrong
//! usage, 70 a thread died, 78 this configuration cannot run here.
#![forbid(unsafe_code)]

mod agent;
mod billing;
mod controller_counters;
mod events;
#[cfg(test)]
mod fixture;
mod flights;
mod host_view;
mod launch;
mod mapping_rules;
mod notes;
mod plane;
mod poller;
mod ports;
mod replication;
mod requests;
mod service;
mod status;
mod view;
mod watch;
mod wiring;

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use config::Config;
use replay::Input;
use sd_notify::NotifyState;
use tracing_subscriber::EnvFilter;

use crate::launch::{LaunchError, RunningHost};
use crate::watch::End;

/// In pages of 2 MiB (`.cargo/config.toml`): the tables are a process's memory like any other.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// EX_SOFTWARE.
const EXIT_THREAD_DIED: u8 = 70;
/// EX_CONFIG: a service manager should not try again by itself.
const EXIT_CONFIG: u8 = 78;

/// Carries a hypervisor host's packets between its guests and the substrate.
#[derive(Parser)]
#[command(
    version,
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true
)]
struct Cli {
    #[command(flatten)]
    run: Run,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Args)]
struct Run {
    /// The host's configuration
    #[arg(long, value_name = "FILE", required = true)]
    config: Option<PathBuf>,
}

#[derive(Subcommand)]
enum Command {
    /// Says whether a configuration is right; needs neither root nor DPDK
    Check {
        /// The host's configuration
        file: PathBuf,
        /// Print the findings as JSON
        #[arg(long)]
        json: bool,
    },
    /// Shows what this host would do with captured packets
    Replay {
        /// The host's configuration
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
        /// A capture and the port where it came in: uplink, or network/node
        #[arg(long, value_name = "PORT=FILE", required = true)]
        rx: Vec<Input>,
        /// Where to write PORT.pcap for every port, and verdicts.jsonl
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
    },
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    log_to_stderr();
    match cli.command {
        Some(Command::Check { file, json }) => check(&file, json),
        Some(Command::Replay { config, rx, out }) => replay_captures(&config, &rx, &out),
        None => match cli.run.config {
            Some(file) => run(&file),
            // clap requires it; this keeps the type honest.
            None => ExitCode::from(2),
        },
    }
}

/// Messages go to stderr, from `info` on; `UNDERSTUDY_LOG` changes that.
fn log_to_stderr() {
    let filter =
        EnvFilter::try_from_env("UNDERSTUDY_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false)
        .init();
}

/// The configuration, its warnings shown; or the exit code, its errors shown.
fn load(file: &Path) -> Result<Config, ExitCode> {
    let colour = std::io::stderr().is_terminal();
    match config::load(file) {
        Ok(config) => {
            say(
                &mut std::io::stderr(),
                &config::report(&config.warnings, colour),
            );
            Ok(config)
        }
        Err(errors) => {
            say(&mut std::io::stderr(), &errors.report(colour));
            Err(ExitCode::from(EXIT_CONFIG))
        }
    }
}

/// Prints `text`; a reader that hung up is no failure.
fn say(to: &mut dyn Write, text: &str) {
    if !text.is_empty() {
        let _ = writeln!(to, "{}", text.trim_end());
    }
}

fn run(file: &Path) -> ExitCode {
    let config = match load(file) {
        Ok(config) => config,
        Err(code) => return code,
    };
    let end_wanted = match watch::end_wanted() {
        Ok(flag) => flag,
        Err(error) => return fail(&format!("cannot listen for signals: {error}"), 1),
    };
    let (name, guests) = (config.host.name.clone(), config.ports.len());
    let host = match RunningHost::launch(config) {
        Ok(host) => host,
        Err(error) => {
            return fail(
                &format!("host {name} does not start: {error}"),
                exit_code(&error),
            );
        }
    };
    tracing::info!("ready: host {name}, guest ports: {guests}");
    watch::notify(NotifyState::Ready);
    let end = watch::watch(&host, &end_wanted);
    watch::notify(NotifyState::Stopping);
    drop(host);
    match end {
        End::Asked => {
            tracing::info!("host {name} has ended, as it was asked to");
            ExitCode::SUCCESS
        }
        End::Broken(thread) => fail(
            &format!("host {name} has ended: {thread} died"),
            EXIT_THREAD_DIED,
        ),
    }
}

/// Whether trying again could help.
fn exit_code(error: &LaunchError) -> u8 {
    match error {
        LaunchError::Eal(_)
        | LaunchError::Pool(_)
        | LaunchError::Port { .. }
        | LaunchError::FastTimers { .. } => EXIT_CONFIG,
        LaunchError::Replication(error) if error.is_of_configuration() => EXIT_CONFIG,
        LaunchError::Socket(_)
        | LaunchError::Replication(_)
        | LaunchError::Ring(_)
        | LaunchError::Worker(_)
        | LaunchError::System(_) => 1,
    }
}

fn fail(what: &str, code: u8) -> ExitCode {
    say(&mut std::io::stderr(), &format!("error: {what}"));
    ExitCode::from(code)
}

fn check(file: &Path, json: bool) -> ExitCode {
    let stdout = &mut std::io::stdout();
    let loaded = config::load(file);
    let (problems, code) = match &loaded {
        Ok(config) => (config.warnings.as_slice(), ExitCode::SUCCESS),
        Err(errors) => (errors.problems(), ExitCode::from(EXIT_CONFIG)),
    };
    if json {
        say(stdout, &config::json(problems));
        return code;
    }
    let colour = std::io::stderr().is_terminal();
    say(&mut std::io::stderr(), &config::report(problems, colour));
    if let Ok(config) = &loaded {
        say(stdout, &format!("{}: {}", file.display(), config.summary()));
    }
    code
}

fn replay_captures(file: &Path, inputs: &[Input], out: &Path) -> ExitCode {
    let config = match load(file) {
        Ok(config) => config,
        Err(code) => return code,
    };
    if config.uplink.next_hop_mac.is_none() {
        tracing::warn!(
            "[uplink] next_hop_mac is not set, and a replay discovers no neighbours: \
             packets for other hosts will be dropped (no_next_hop)"
        );
    }
    match replay::replay(&config, inputs, out) {
        Ok(packets) => {
            say(
                &mut std::io::stdout(),
                &format!(
                    "{packets} packets; see {}",
                    out.join("verdicts.jsonl").display()
                ),
            );
            ExitCode::SUCCESS
        }
        Err(error) => fail(&error.to_string(), 1),
    }
}
