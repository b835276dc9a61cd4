//! Outcomes on the terminal and for spreadsheets.

use std::error::Error;
use std::path::Path;

use comfy_table::{CellAlignment, Table, presets};

use crate::program::Kind;
use crate::report::{Outcome, Spread};

/// A table for people: cycles a packet, medians and ranges, and `understudyd` over each.
#[must_use]
pub fn for_terminal(outcomes: &[Outcome]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY);
    table.set_header([
        "scenario",
        "program",
        "cycles",
        "range",
        "understudyd over it",
        "rounds",
    ]);
    for outcome in outcomes {
        let rounds = format!(
            "{} of {}",
            outcome.plan.rounds as usize - outcome.rounds_dropped,
            outcome.plan.rounds
        );
        let mut scenario = outcome.scenario.to_string();
        let gauge = [(Kind::Gauge, outcome.gauge_cycles)];
        let kinds = outcome
            .cycles_per_packet
            .iter()
            .map(|(kind, spread)| (*kind, *spread));
        for (kind, cycles) in kinds.chain(gauge) {
            let ratio = outcome
                .ratios
                .get(&kind)
                .map(Spread::to_string)
                .unwrap_or_default();
            table.add_row([
                std::mem::take(&mut scenario),
                kind.name().to_owned(),
                format!("{:.1}", cycles.median),
                format!("{:.1} to {:.1}", cycles.min, cycles.max),
                ratio,
                rounds.clone(),
            ]);
        }
    }
    if let Some(cycles) = table.column_mut(2) {
        cycles.set_cell_alignment(CellAlignment::Right);
    }
    table
}

/// A line for each scenario and program.
///
/// # Errors
/// The file cannot be written.
pub fn write_csv(outcomes: &[Outcome], path: &Path) -> Result<(), Box<dyn Error>> {
    let mut csv = csv::Writer::from_path(path)?;
    csv.write_record([
        "scenario",
        "direction",
        "mappings",
        "frame_bytes",
        "packets",
        "program",
        "cycles_median",
        "cycles_min",
        "cycles_max",
        "ratio_median",
        "ratio_min",
        "ratio_max",
        "rounds",
        "rounds_dropped",
    ])?;
    for outcome in outcomes {
        for (kind, cycles) in &outcome.cycles_per_packet {
            let ratio = |figure: fn(&Spread) -> f64| {
                outcome
                    .ratios
                    .get(kind)
                    .map(|spread| figure(spread).to_string())
                    .unwrap_or_default()
            };
            let scenario = &outcome.scenario;
            csv.write_record([
                scenario.to_string(),
                scenario.direction.name().to_owned(),
                scenario.mappings.to_string(),
                scenario.frame_bytes.to_string(),
                scenario.packets().to_string(),
                kind.name().to_owned(),
                cycles.median.to_string(),
                cycles.min.to_string(),
                cycles.max.to_string(),
                ratio(|spread| spread.median),
                ratio(|spread| spread.min),
                ratio(|spread| spread.max),
                outcome.plan.rounds.to_string(),
                outcome.rounds_dropped.to_string(),
            ])?;
        }
    }
    Ok(csv.flush()?)
}
