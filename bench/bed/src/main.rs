//! Bed P: what a packet costs `understudyd`, a bare loop and DPDK's own forwarder.
//!
//! `scripts/bench` builds everything and calls this. A scenario's figures go to a file of their
//! own as soon as they are there, so that a long run can be cut in parts; `report` puts together
//! what there is.
#![forbid(unsafe_code)]

mod agreement;
mod churn;
mod clock;
mod copies;
mod counters;
mod inputs;
mod machine;
mod plot;
mod process;
mod program;
mod report;
mod rounds;
mod scale;
mod scenario;
mod summary;
mod table;

use std::error::Error;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Parser, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};

use inputs::Inputs;
use machine::Machine;
use program::{Binaries, Kind};
use report::Outcome;
use rounds::Plan;
use scenario::Scenario;
use summary::Summary;

/// Measures what a packet costs understudyd, a bare loop and testpmd
#[derive(Parser)]
#[command(version)]
enum Command {
    /// Measure scenarios; each result is a file below the output directory
    Measure(Measure),
    /// Measure what it costs that mappings change while packets flow
    Churn(Churn),
    /// Measure what a copy for a replica costs
    Copies(Copies),
    /// Measure two workers against one
    Scale(Scale),
    /// Put together what was measured: report.json, report.csv, pictures and a table
    Report {
        /// Where the results are
        #[arg(long, value_name = "DIR", default_value = "target/bench")]
        out: PathBuf,
    },
    /// List the scenarios of a set
    List {
        /// Which set
        set: Set,
    },
}

/// What all measurements share.
#[derive(Args)]
struct Places {
    /// Where results go
    #[arg(long, value_name = "DIR", default_value = "target/bench")]
    out: PathBuf,
    /// Where the programs are
    #[arg(long, value_name = "DIR", default_value = "target/release")]
    binaries: PathBuf,
}

impl Places {
    fn programs(&self) -> Binaries {
        Binaries {
            directory: self.binaries.clone(),
            testpmd: PathBuf::new(),
        }
    }
}

#[derive(Args)]
struct Measure {
    /// Which scenarios
    set: Set,
    /// Only those whose name begins so; repeatable
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
    #[command(flatten)]
    places: Places,
    /// DPDK's forwarder
    #[arg(long, value_name = "PROGRAM", default_value = "dpdk-testpmd")]
    testpmd: PathBuf,
    /// Rounds of each scenario
    #[arg(long, default_value_t = 5)]
    rounds: u32,
    /// Length of a turn, in milliseconds
    #[arg(long, default_value_t = 1000)]
    turn_ms: u64,
}

#[derive(Args)]
struct Churn {
    /// Mappings of the table
    #[arg(long, default_value_t = 1_000_000)]
    mappings: u32,
    /// Pairs of a quiet turn and one under churn
    #[arg(long, default_value_t = 7)]
    pairs: u32,
    /// Length of a turn, in milliseconds
    #[arg(long, default_value_t = 1000)]
    turn_ms: u64,
    /// Changes of mappings a second
    #[arg(long, default_value_t = 100_000)]
    rate: u32,
    /// Changes of a batch, which is one version of the tables, or 64 if above 4,096
    #[arg(long, default_value_t = 1_000)]
    batch: u32,
    #[command(flatten)]
    places: Places,
}

#[derive(Args)]
struct Copies {
    /// Lengths of frames, in octets; all that there are by default
    #[arg(long, value_name = "OCTETS", default_values_t = copies::FRAMES)]
    frame: Vec<u16>,
    /// Rounds of each length
    #[arg(long, default_value_t = 5)]
    rounds: u32,
    /// Length of a turn, in milliseconds
    #[arg(long, default_value_t = 1000)]
    turn_ms: u64,
    #[command(flatten)]
    places: Places,
}

#[derive(Args)]
struct Scale {
    /// Turns of one worker and of two
    #[arg(long, default_value_t = 5)]
    pairs: u32,
    /// Length of a turn, in milliseconds
    #[arg(long, default_value_t = 1000)]
    turn_ms: u64,
    #[command(flatten)]
    places: Places,
}

#[derive(Clone, Copy, ValueEnum)]
enum Set {
    /// Two, for continuous integration
    Quick,
    /// All
    Full,
}

impl Set {
    fn scenarios(self) -> Vec<Scenario> {
        match self {
            Self::Quick => Scenario::quick(),
            Self::Full => Scenario::full(),
        }
    }
}

fn main() -> ExitCode {
    let done = match Command::parse() {
        Command::Measure(options) => measure(&options),
        Command::Churn(options) => measure_churn(&options),
        Command::Copies(options) => measure_copies(&options),
        Command::Scale(options) => measure_scale(&options),
        Command::Report { out } => report(&out),
        Command::List { set } => list(set),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn list(set: Set) -> Result<(), Box<dyn Error>> {
    for scenario in set.scenarios() {
        writeln!(io::stdout(), "{scenario}")?;
    }
    Ok(())
}

fn progress_of(turns: u64) -> Result<ProgressBar, Box<dyn Error>> {
    let style = ProgressStyle::with_template("{wide_bar} {pos}/{len}  {msg}")?;
    Ok(ProgressBar::new(turns).with_style(style))
}

fn measure(options: &Measure) -> Result<(), Box<dyn Error>> {
    let wanted = |scenario: &Scenario| {
        let name = scenario.to_string();
        options.only.is_empty()
            || options
                .only
                .iter()
                .any(|only| name.starts_with(only.as_str()))
    };
    let scenarios: Vec<Scenario> = options.set.scenarios().into_iter().filter(wanted).collect();
    if scenarios.is_empty() {
        return Err("no scenario has such a name; `bed list full` lists them".into());
    }
    let binaries = Binaries {
        testpmd: options.testpmd.clone(),
        ..options.places.programs()
    };
    let plan = Plan {
        rounds: options.rounds,
        settle_ms: 100,
        turn_ms: options.turn_ms,
    };
    let machine = Machine::look()?;
    let results = options.places.out.join("scenarios");
    fs::create_dir_all(&results)?;
    let turns = |scenario: &Scenario| {
        u64::from(plan.rounds) * Kind::contenders(scenario.direction).len() as u64
    };
    let progress = progress_of(scenarios.iter().map(turns).sum())?;
    let mut outcomes = Vec::new();
    for scenario in scenarios {
        let measured = measure_one(
            scenario,
            &binaries,
            plan,
            &machine,
            &options.places.out,
            &progress,
        )?;
        let Some(outcome) = measured else {
            // A loud neighbour is no fault of anything that is measured.
            progress.println(format!(
                "{scenario}: the gauge moved by over a tenth in every round: no figure"
            ));
            continue;
        };
        let path = results.join(format!("{scenario}.json"));
        serde_json::to_writer_pretty(File::create(path)?, &outcome)?;
        outcomes.push(outcome);
    }
    progress.finish_and_clear();
    writeln!(io::stdout(), "{}", table::for_terminal(&outcomes))?;
    Ok(())
}

fn measure_churn(options: &Churn) -> Result<(), Box<dyn Error>> {
    let binaries = options.places.programs();
    let plan = churn::Plan {
        mappings: options.mappings,
        pairs: options.pairs,
        turn_ms: options.turn_ms,
        changes_per_s: options.rate,
        batch: options.batch,
        single_changes: 500,
    };
    let progress = progress_of(u64::from(plan.pairs) * 2)?;
    let work = options.places.out.join("work/churn");
    let outcome = churn::run(&binaries, plan, &work, &progress)?;
    fs::remove_dir_all(&work)?;
    let path = options.places.out.join("churn.json");
    serde_json::to_writer_pretty(File::create(path)?, &outcome)?;
    progress.finish_and_clear();
    write!(io::stdout(), "{outcome}")?;
    Ok(())
}

fn measure_copies(options: &Copies) -> Result<(), Box<dyn Error>> {
    let binaries = options.places.programs();
    let plan = Plan {
        rounds: options.rounds,
        settle_ms: 100,
        turn_ms: options.turn_ms,
    };
    let turns = options.frame.len() * copies::CONTENDERS.len() * plan.rounds as usize;
    let progress = progress_of(turns as u64)?;
    let work = options.places.out.join("work/copies");
    let outcome = copies::run(&binaries, &options.frame, plan, &work, &progress)?;
    let path = options.places.out.join("copies.json");
    serde_json::to_writer_pretty(File::create(path)?, &outcome)?;
    progress.finish_and_clear();
    write!(io::stdout(), "{outcome}")?;
    Ok(())
}

fn measure_scale(options: &Scale) -> Result<(), Box<dyn Error>> {
    let binaries = options.places.programs();
    let work = options.places.out.join("work/scale");
    let outcome = scale::run(&binaries, options.pairs, options.turn_ms, &work)?;
    fs::remove_dir_all(&work)?;
    let path = options.places.out.join("scale.json");
    serde_json::to_writer_pretty(File::create(path)?, &outcome)?;
    write!(io::stdout(), "{outcome}")?;
    Ok(())
}

fn measure_one(
    scenario: Scenario,
    binaries: &Binaries,
    plan: Plan,
    machine: &Machine,
    out: &Path,
    progress: &ProgressBar,
) -> Result<Option<Outcome>, Box<dyn Error>> {
    let work = out.join("work").join(scenario.to_string());
    progress.set_message(format!("{scenario}: comparing outputs"));
    agreement::check(Kind::Understudyd, Kind::BareLoop, binaries, scenario, &work)?;
    progress.set_message(format!("{scenario}: writing packets"));
    let inputs = Inputs::write(scenario, &work)?;
    let contenders = Kind::contenders(scenario.direction);
    let rounds = rounds::run(binaries, &inputs, &contenders, plan, progress)?;
    // Packets and tables are as large as they are quickly made.
    fs::remove_dir_all(&work)?;
    Ok(Outcome::of(scenario, machine.clone(), plan, rounds))
}

fn report(out: &Path) -> Result<(), Box<dyn Error>> {
    let summary = Summary::read(out)?;
    serde_json::to_writer_pretty(File::create(out.join("report.json"))?, &summary)?;
    table::write_csv(&summary.scenarios, &out.join("report.csv"))?;
    plot::draw(&summary, out)?;
    if !summary.scenarios.is_empty() {
        writeln!(io::stdout(), "{}", table::for_terminal(&summary.scenarios))?;
    }
    if let Some(churn) = &summary.churn {
        write!(io::stdout(), "{churn}")?;
    }
    if let Some(copies) = &summary.copies {
        write!(io::stdout(), "{copies}")?;
    }
    if let Some(scale) = &summary.scale {
        write!(io::stdout(), "{scale}")?;
    }
    Ok(())
}
