//! What it costs packets that mappings change: `understudyd` alone, quiet turns and turns under
//! churn by turns, packets from its guest over the whole table all the while.
//!
//! No packet may be lost by a change, so only such changes are made as leave every destination of
//! the traffic somewhere to go: addresses move to other hosts, others beside them come and go.

mod generator;
mod outcome;

use std::error::Error;
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use api::Status;
use indicatif::ProgressBar;
use serde::{Deserialize, Serialize};

use crate::clock;
use crate::counters::Counters;
use crate::inputs::Inputs;
use crate::program::{Binaries, Devices, Kind, Running};
use crate::scenario::{Direction, Reuse, Scenario};
use generator::{Generator, Rate};
pub use outcome::Outcome;

/// Pairs of a quiet turn and one under churn, and what goes on in them.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Plan {
    /// Mappings of the table.
    pub mappings: u32,
    /// Pairs of turns.
    pub pairs: u32,
    /// A turn.
    pub turn_ms: u64,
    /// Changes of mappings a second.
    pub changes_per_s: u32,
    /// Changes of a batch: each is one version of the tables, or 64 if above 4,096.
    pub batch: u32,
    /// Batches of one change, one after the other, in a quiet time at the end.
    pub single_changes: u32,
}

/// What was counted at one moment.
#[derive(Clone, Debug)]
struct Reading {
    at_ns: u64,
    on_cpu_ns: u64,
    status: Status,
}

/// What happened between two readings.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Turn {
    /// Whether mappings changed.
    pub churn: bool,
    /// When it began, in milliseconds since the first.
    pub begun_ms: u64,
    /// Its length.
    pub seconds: f64,
    /// Packets received.
    pub packets: u64,
    /// Packets dropped, for whatever reason.
    pub dropped: u64,
    /// Nanoseconds of the worker on the processor for each packet.
    pub ns_per_packet: f64,
    /// Mappings that the generator changed.
    pub changes: u64,
    /// Versions published.
    pub versions: u64,
    /// Memory of the process outside hugepages, in octets.
    pub resident_bytes: u64,
    /// How long after their publication versions were taken up.
    pub taken_up: Vec<api::Delay>,
    /// How much of that was more than the burst took in which a version was published.
    pub late: Vec<api::Delay>,
}

/// Measures; the files of the scenario go below `work`.
///
/// # Errors
/// The daemon does not come up, or refuses a change.
pub fn run(
    binaries: &Binaries,
    plan: Plan,
    work: &Path,
    progress: &ProgressBar,
) -> Result<Outcome, Box<dyn Error>> {
    let scenario = Scenario {
        direction: Direction::Encode,
        mappings: plan.mappings,
        // Few packets would use little of a large table.
        reuse: match plan.mappings {
            ..100_000 => Reuse::Hot,
            _ => Reuse::Cold,
        },
        frame_bytes: 64,
    };
    progress.set_message("churn: writing packets and mappings");
    let inputs = Inputs::write(scenario, work)?;
    let running = Kind::Understudyd.start(binaries, &inputs, &Devices::Endless)?;
    let socket = std::fs::canonicalize(work)?.join("understudyd.sock");
    let generator = Generator::new(&socket, inputs.world);

    let begun = clock::now();
    let reading = || read(&running, begun.elapsed());
    let mut turns = Vec::new();
    for pair in 1..=plan.pairs {
        for churn in [false, true] {
            let what = if churn { "under churn" } else { "quiet" };
            progress.set_message(format!("churn: pair {pair} of {}, {what}", plan.pairs));
            let rate = churn.then_some(Rate {
                changes_per_s: plan.changes_per_s,
                batch: plan.batch,
            });
            let at_work = rate.map(|rate| generator.start(rate));
            sleep(Duration::from_millis(100));
            let made_before = generator.changes();
            let first = reading()?;
            sleep(Duration::from_millis(plan.turn_ms));
            let last = reading()?;
            let changes = generator.changes() - made_before;
            at_work.map(generator::AtWork::end).transpose()?;
            let resident_bytes = running.process.resident_bytes()?;
            turns.push(Turn {
                churn,
                changes,
                resident_bytes,
                ..between(&first, &last)
            });
            progress.inc(1);
        }
    }
    progress.set_message("churn: one change at a time");
    let before = reading()?;
    generator.one_by_one(plan.single_changes)?;
    let after = reading()?;
    let one_change = difference(&before.status.tables_built, &after.status.tables_built);
    Outcome::of(plan, turns, one_change, &running, after.status.balance)
}

fn read(running: &Running, since: Duration) -> Result<Reading, Box<dyn Error>> {
    let Counters::Api {
        runtime, client, ..
    } = &running.counters
    else {
        return Err("only understudyd's tables change".into());
    };
    let status = runtime.block_on(client.status())?;
    Ok(Reading {
        at_ns: since.as_nanos() as u64,
        on_cpu_ns: running.process.on_cpu_ns(running.thread)?,
        status,
    })
}

fn between(first: &Reading, last: &Reading) -> Turn {
    let (a, b) = (&first.status, &last.status);
    let packets = b.balance.received - a.balance.received;
    let of_worker = |what: fn(&api::WorkerStatus) -> &Vec<api::Delay>| {
        let of = |status: &Status| {
            status
                .workers
                .first()
                .map(what)
                .cloned()
                .unwrap_or_default()
        };
        difference(&of(a), &of(b))
    };
    Turn {
        churn: false,
        begun_ms: first.at_ns / 1_000_000,
        seconds: (last.at_ns - first.at_ns) as f64 / 1e9,
        packets,
        dropped: b.balance.dropped - a.balance.dropped,
        ns_per_packet: (last.on_cpu_ns - first.on_cpu_ns) as f64 / packets as f64,
        changes: 0,
        versions: b.table_version - a.table_version,
        resident_bytes: 0,
        taken_up: of_worker(|worker| &worker.tables_taken_up),
        late: of_worker(|worker| &worker.tables_late),
    }
}

/// What was counted from `before` on.
fn difference(before: &[api::Delay], after: &[api::Delay]) -> Vec<api::Delay> {
    let known = |at_most_ns| {
        let found = before.iter().find(|delay| delay.at_most_ns == at_most_ns);
        found.map_or(0, |delay| delay.times)
    };
    let new = after.iter().map(|delay| api::Delay {
        times: delay.times - known(delay.at_most_ns),
        ..*delay
    });
    new.filter(|delay| delay.times > 0).collect()
}
