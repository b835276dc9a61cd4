//! Pictures of outcomes.

use std::collections::BTreeMap;
use std::error::Error;
use std::ops::Range;
use std::path::Path;

use plotters::prelude::*;

use crate::churn;
use crate::program::Kind;
use crate::report::Outcome;
use crate::scenario::{Direction, Reuse, Scenario};
use crate::summary::Summary;

const SIZE: (u32, u32) = (900, 520);
/// For each program, told apart also by people who see fewer of them.
const COLOURS: [RGBColor; 7] = [
    RGBColor(200, 60, 40),
    RGBColor(11, 110, 153),
    RGBColor(120, 170, 200),
    RGBColor(106, 76, 147),
    RGBColor(58, 125, 68),
    RGBColor(160, 190, 120),
    RGBColor(110, 110, 110),
];

/// The figures of one program along an axis.
type Lines = BTreeMap<Kind, Vec<(f64, f64)>>;

/// Draws what there is: cycles over the size of the table, packets a second over that of frames, and
/// over the time in which mappings change.
///
/// # Errors
/// A file cannot be written.
pub fn draw(summary: &Summary, directory: &Path) -> Result<(), Box<dyn Error>> {
    let outcomes = &summary.scenarios;
    if let Some(outcome) = &summary.churn {
        churn_over_time(&directory.join("churn.svg"), outcome)?;
    }
    for (direction, name) in [(Direction::Encode, "encode"), (Direction::Decode, "decode")] {
        let of = |wanted: fn(&Scenario) -> bool| {
            outcomes.iter().filter(move |outcome| {
                let scenario = &outcome.scenario;
                scenario.direction == direction && scenario.reuse == Reuse::Cold && wanted(scenario)
            })
        };
        let tables = lines(
            of(|scenario| scenario.frame_bytes == 64),
            |scenario| f64::from(scenario.mappings),
            |_, cycles| cycles,
        );
        let path = directory.join(format!("cycles-{name}.svg"));
        let axes = ["mappings (logarithmic)", "cycles a packet"];
        chart(
            &path,
            &format!("{name}, 64 octets, packets from memory"),
            axes,
            &tables,
        )?;
        let frames = lines(
            of(|scenario| scenario.mappings == 10_000),
            |scenario| f64::from(scenario.frame_bytes),
            |outcome, cycles| outcome.rounds.tsc_hz / cycles / 1e6,
        );
        let path = directory.join(format!("throughput-{name}.svg"));
        let axes = [
            "octets of a frame (logarithmic)",
            "million packets a second",
        ];
        chart(
            &path,
            &format!("{name}, 10,000 mappings, packets from memory"),
            axes,
            &frames,
        )?;
    }
    Ok(())
}

fn lines<'a>(
    outcomes: impl Iterator<Item = &'a Outcome>,
    x: fn(&Scenario) -> f64,
    y: fn(&Outcome, f64) -> f64,
) -> Lines {
    let mut lines = Lines::new();
    for outcome in outcomes {
        let gauge = [(Kind::Gauge, outcome.gauge_cycles)];
        let all = outcome
            .cycles_per_packet
            .iter()
            .map(|(kind, spread)| (*kind, *spread));
        for (kind, cycles) in all.chain(gauge) {
            let point = (x(&outcome.scenario), y(outcome, cycles.median));
            lines.entry(kind).or_default().push(point);
        }
    }
    for points in lines.values_mut() {
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
    }
    lines
}

fn chart(path: &Path, title: &str, [x, y]: [&str; 2], lines: &Lines) -> Result<(), Box<dyn Error>> {
    let points = || lines.values().flatten();
    // One point makes no line.
    let (Some(least), Some(most)) = (
        points().map(|point| point.0).min_by(f64::total_cmp),
        points().map(|point| point.0).max_by(f64::total_cmp),
    ) else {
        return Ok(());
    };
    if least >= most {
        return Ok(());
    }
    let top = points().map(|point| point.1).fold(0.0, f64::max) * 1.1;
    let across: Range<f64> = least..most;
    let root = SVGBackend::new(path, SIZE).into_drawing_area();
    root.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&root)
        .caption(title, ("sans-serif", 20))
        .margin(12)
        .x_label_area_size(44)
        .y_label_area_size(60)
        .build_cartesian_2d(across.log_scale(), 0.0..top)?;
    chart.configure_mesh().x_desc(x).y_desc(y).draw()?;
    for (kind, points) in lines {
        let colour = COLOURS[*kind as usize];
        let series = LineSeries::new(points.iter().copied(), colour.stroke_width(2));
        chart
            .draw_series(series.point_size(3))?
            .label(kind.name())
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(2)));
    }
    chart
        .configure_series_labels()
        .background_style(WHITE.mix(0.8))
        .border_style(BLACK.mix(0.3))
        .draw()?;
    Ok(root.present()?)
}

/// Quiet turns and turns under churn, one after the other: packets a second on the processor, and
/// packets dropped.
fn churn_over_time(path: &Path, outcome: &churn::Outcome) -> Result<(), Box<dyn Error>> {
    let turns = &outcome.turns;
    let begun = |turn: &churn::Turn| turn.begun_ms as f64 / 1e3;
    let rate = |turn: &churn::Turn| 1e3 / turn.ns_per_packet;
    let Some(last) = turns.last() else {
        return Ok(());
    };
    let end = begun(last) + last.seconds;
    let top = turns.iter().map(rate).fold(0.0, f64::max) * 1.2;
    let root = SVGBackend::new(path, SIZE).into_drawing_area();
    root.fill(&WHITE)?;
    let (plan, per_s) = (&outcome.plan, outcome.changes_per_s.median);
    let title = format!(
        "{} mappings, {per_s:.0} changes a second, {} a version: {} packets dropped",
        plan.mappings, plan.batch, outcome.dropped
    );
    let mut chart = ChartBuilder::on(&root)
        .caption(title, ("sans-serif", 20))
        .margin(12)
        .x_label_area_size(44)
        .y_label_area_size(60)
        .build_cartesian_2d(0.0..end, 0.0..top)?;
    chart
        .configure_mesh()
        .x_desc("seconds")
        .y_desc("million packets a second on the processor")
        .draw()?;
    let kinds = [
        (false, "quiet", COLOURS[6]),
        (true, "mappings change", COLOURS[0]),
    ];
    for (churns, name, colour) in kinds {
        let bars = turns.iter().filter(|turn| turn.churn == churns);
        chart
            .draw_series(bars.map(|turn| {
                let corners = [(begun(turn), 0.0), (begun(turn) + turn.seconds, rate(turn))];
                Rectangle::new(corners, colour.mix(0.7).filled())
            }))?
            .label(name)
            .legend(move |(x, y)| {
                Rectangle::new([(x, y - 5), (x + 18, y + 5)], colour.mix(0.7).filled())
            });
    }
    let lossy = turns.iter().filter(|turn| turn.dropped > 0);
    chart.draw_series(lossy.map(|turn| {
        let text = format!("{} dropped", turn.dropped);
        Text::new(text, (begun(turn), rate(turn) * 1.05), ("sans-serif", 14))
    }))?;
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::LowerRight)
        .background_style(WHITE.mix(0.8))
        .border_style(BLACK.mix(0.3))
        .draw()?;
    Ok(root.present()?)
}
