//! What does a copy for a replica cost, and from which length on is it cheaper to share the payload?
//!
//! Packets of one flow set to a replicated address, from the cache. `bench/copier` is the worker of
//! `understudyd` with a group in its tables; it and the bare loop run without a replica and with
//! one, and what a copy costs is the difference of two turns of one round.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::fs;
use std::path::Path;

use comfy_table::{CellAlignment, Table, presets};
use indicatif::ProgressBar;
use serde::{Deserialize, Serialize};

use crate::agreement;
use crate::inputs::Inputs;
use crate::program::{Binaries, Kind};
use crate::report::{Spread, by_kind};
use crate::rounds::{self, Plan, Round, Rounds};
use crate::scenario::{Direction, Reuse, Scenario};

/// Lengths that are measured, in octets, as [`Scenario::frame_bytes`].
pub const FRAMES: [u16; 7] = [64, 256, 512, 768, 1024, 1280, 1518];

/// What takes turns in a round.
pub const CONTENDERS: [Kind; 5] = [
    Kind::Worker,
    Kind::WorkerCopies,
    Kind::WorkerShares,
    Kind::BareLoop,
    Kind::BareLoopCopies,
];

/// All lengths.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Outcome {
    /// How each was measured.
    pub plan: Plan,
    /// By length.
    pub frames: Vec<Frame>,
}

/// One length.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Frame {
    /// Of the guest's frame, with Ethernet's checksum.
    pub frame_bytes: u16,
    /// Cycles of a copy, the devices' share included, by who makes it.
    pub copy_cycles: BTreeMap<Kind, Spread>,
    /// Cycles of a packet without a replica, by who re-heads it.
    pub packet_cycles: BTreeMap<Kind, Spread>,
    /// The worker's copies over the bare loop's, round by round.
    pub ratios: BTreeMap<Kind, Spread>,
    /// Rounds that do not count.
    pub rounds_dropped: usize,
    /// Everything that was measured.
    pub rounds: Rounds,
}

impl Frame {
    /// What the rounds show; `None` if the machine moved in all of them.
    fn of(frame_bytes: u16, rounds: Rounds) -> Option<Self> {
        let cycles = rounds.cycles_per_ns();
        let copy_ns =
            |round: &Round, kind: Kind| Some(round.ns(kind)? - round.ns(without_copies(kind)?)?);
        let copy_cycles = by_kind(&rounds, |round, kind| Some(copy_ns(round, kind)? * cycles));
        let packet_cycles = by_kind(&rounds, |round, kind| match without_copies(kind) {
            None => Some(round.ns(kind)? * cycles),
            Some(_) => None,
        });
        let ratios = by_kind(&rounds, |round, kind| match kind {
            Kind::BareLoopCopies => None,
            ours => Some(copy_ns(round, ours)? / copy_ns(round, Kind::BareLoopCopies)?),
        });
        (!copy_cycles.is_empty()).then_some(Self {
            frame_bytes,
            copy_cycles,
            packet_cycles,
            ratios,
            rounds_dropped: rounds.dropped(),
            rounds,
        })
    }
}

/// The same program without a replica; `None` for one that makes no copies.
fn without_copies(kind: Kind) -> Option<Kind> {
    match kind {
        Kind::BareLoopCopies => Some(Kind::BareLoop),
        Kind::WorkerCopies | Kind::WorkerShares => Some(Kind::Worker),
        _ => None,
    }
}

/// Measures; files go below `work`.
///
/// # Errors
/// A program does not come up, or what it sends differs from the bare loop's.
pub fn run(
    binaries: &Binaries,
    frames: &[u16],
    plan: Plan,
    work: &Path,
    progress: &ProgressBar,
) -> Result<Outcome, Box<dyn Error>> {
    let mut outcome = Outcome {
        plan,
        frames: Vec::new(),
    };
    for frame_bytes in frames {
        let scenario = Scenario {
            direction: Direction::Encode,
            mappings: 1,
            reuse: Reuse::Hot,
            frame_bytes: *frame_bytes,
        };
        progress.set_message(format!("copies of {frame_bytes} octets: comparing outputs"));
        for ours in [Kind::WorkerCopies, Kind::WorkerShares] {
            agreement::check(ours, Kind::BareLoopCopies, binaries, scenario, work)?;
        }
        let inputs = Inputs::write(scenario, work)?;
        let rounds = rounds::run(binaries, &inputs, &CONTENDERS, plan, progress)?;
        fs::remove_dir_all(work)?;
        match Frame::of(*frame_bytes, rounds) {
            Some(frame) => outcome.frames.push(frame),
            None => progress.println(format!(
                "copies of {frame_bytes} octets: the gauge moved by over a tenth in every round: no figure"
            )),
        }
    }
    Ok(outcome)
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut table = Table::new();
        table.load_style(presets::UTF8_HORIZONTAL_ONLY);
        table.set_header([
            "copies of",
            "made by",
            "cycles",
            "range",
            "over the bare loop's",
            "rounds",
        ]);
        for frame in &self.frames {
            let mut length = format!("{} octets", frame.frame_bytes);
            for (kind, cycles) in &frame.copy_cycles {
                let ratio = frame.ratios.get(kind).map(ToString::to_string);
                let counted = self.plan.rounds as usize - frame.rounds_dropped;
                table.add_row([
                    std::mem::take(&mut length),
                    kind.name().to_owned(),
                    format!("{:.1}", cycles.median),
                    format!("{:.1} to {:.1}", cycles.min, cycles.max),
                    ratio.unwrap_or_default(),
                    format!("{counted} of {}", self.plan.rounds),
                ]);
            }
        }
        if let Some(cycles) = table.column_mut(2) {
            cycles.set_cell_alignment(CellAlignment::Right);
        }
        writeln!(f, "{table}")
    }
}
