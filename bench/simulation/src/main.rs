//! Runs seeds of the simulation and says which of them broke an invariant.

#![forbid(unsafe_code)]

mod report;

use std::process::ExitCode;
use std::thread;

use clap::Parser;
use simulation::planted::{self, Slip};
use simulation::run::{self, Ended};
use simulation::trace::Detail;

use report::{Finding, Progress, Report};

/// Runs many hosts over a simulated network, disks and clocks, and asserts the invariants of
/// docs/failover.md after every step. Exits with 1 if one did not hold.
#[derive(Parser)]
#[command(name = "simulate", version)]
struct Arguments {
    /// How many seeds.
    #[arg(long, default_value_t = 1_000, value_name = "N")]
    seeds: u64,
    /// The first of them.
    #[arg(long, default_value_t = 0, value_name = "N")]
    first: u64,
    /// Runs this seed only.
    #[arg(long, value_name = "N", conflicts_with_all = ["seeds", "first"])]
    seed: Option<u64>,
    /// Prints everything that happens in it.
    #[arg(long, requires = "seed")]
    trace: bool,
    /// Switches a slip on in the code under test, and ends with the seed that finds it; `all` goes
    /// through all slips, `list` names them. Needs a build with the feature `planted`.
    #[arg(long, value_name = "SLIP")]
    planted: Option<String>,
    /// Goes on after the first seed that breaks an invariant.
    #[arg(long)]
    keep_going: bool,
    /// Prints one JSON object instead of sentences.
    #[arg(long)]
    json: bool,
    /// Seeds at once; as many as there are processors if absent.
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // A panic is told as the seed's end.
    std::panic::set_hook(Box::new(|_| ()));
    match &arguments.planted {
        Some(name) => with_slips(&arguments, name),
        None => without_slips(&arguments),
    }
}

fn threads(arguments: &Arguments) -> usize {
    let processors = thread::available_parallelism().map_or(1, usize::from);
    arguments.threads.unwrap_or(processors).max(1)
}

fn without_slips(arguments: &Arguments) -> ExitCode {
    let mut report = Report::new(arguments.json);
    match arguments.seed {
        Some(seed) if arguments.trace => {
            report.take(Ended::Ran(Box::new(run::seed(seed, Detail::All))))
        }
        Some(seed) => report.take(run::guarded(seed)),
        None => {
            let progress = Progress::new(arguments.seeds, arguments.json, "");
            run::many(
                arguments.first,
                arguments.seeds,
                threads(arguments),
                || (),
                |ended| {
                    progress.advance();
                    report.take(ended);
                    report.is_clean() || arguments.keep_going
                },
            );
            progress.finish();
        }
    }
    report.print();
    if report.is_clean() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn with_slips(arguments: &Arguments, name: &str) -> ExitCode {
    if name == "list" {
        report::names(Slip::all().map(Slip::name));
        return ExitCode::SUCCESS;
    }
    if !planted::is_possible() {
        report::complain("slips are not compiled in: build with --features planted");
        return ExitCode::from(2);
    }
    let slips: Vec<Slip> = match name {
        "all" => Slip::all().collect(),
        one => Slip::named(one).into_iter().collect(),
    };
    if slips.is_empty() {
        report::complain(&format!(
            "there is no slip {name}; `--planted list` names them"
        ));
        return ExitCode::from(2);
    }
    let findings: Vec<Finding> = slips
        .into_iter()
        .map(|slip| {
            let finding = find(arguments, slip);
            if !arguments.json {
                report::sentence(&finding.sentence());
            }
            finding
        })
        .collect();
    if arguments.json {
        report::findings(&findings);
    }
    if findings.iter().all(Finding::is_found) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Runs seeds with the slip until an invariant finds it.
fn find(arguments: &Arguments, slip: Slip) -> Finding {
    let mut finding = Finding::new(slip);
    if let Some(seed) = arguments.seed {
        planted::plant(Some(slip));
        let ended = if arguments.trace {
            Ended::Ran(Box::new(run::seed(seed, Detail::All)))
        } else {
            run::guarded(seed)
        };
        planted::plant(None);
        finding.take(ended);
        return finding;
    }
    let progress = Progress::new(arguments.seeds, arguments.json, &slip.name());
    run::many(
        arguments.first,
        arguments.seeds,
        threads(arguments),
        || planted::plant(Some(slip)),
        |ended| {
            progress.advance();
            finding.take(ended);
            !finding.is_found()
        },
    );
    progress.finish();
    finding
}
