//! Pictures of outcomes.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;

use plotters::coord::Shift;
use plotters::coord::ranged1d::{AsRangedCoord, ValueFormatter};
use plotters::prelude::*;

use crate::churn;
use crate::copies;
use crate::program::Kind;
use crate::report::Outcome;
use crate::scenario::{Direction, Reuse, Scenario};
use crate::summary::{Latency, Summary};

const SIZE: (u32, u32) = (900, 520);
/// For each program, told apart also by people who see fewer of them.
const COLOURS: [RGBColor; 11] = [
    RGBColor(200, 60, 40),
    RGBColor(11, 110, 153),
    RGBColor(120, 170, 200),
    RGBColor(106, 76, 147),
    RGBColor(58, 125, 68),
    RGBColor(160, 190, 120),
    RGBColor(110, 110, 110),
    RGBColor(150, 120, 60),
    RGBColor(200, 60, 40),
    RGBColor(106, 76, 147),
    RGBColor(11, 110, 153),
];

/// What is drawn on.
type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// Axes over what is drawn on.
type Chart<'a, X, Y> = ChartContext<
    'a,
    SVGBackend<'a>,
    Cartesian2d<<X as AsRangedCoord>::CoordDescType, <Y as AsRangedCoord>::CoordDescType>,
>;

/// Figures along an axis.
struct Line {
    name: String,
    colour: RGBColor,
    points: Vec<(f64, f64)>,
}

/// Draws what there is: cycles over the size of the table, packets a second over that of frames and
/// over the time in which mappings change, cycles of a copy, latencies.
///
/// # Errors
/// A file cannot be written.
pub fn draw(summary: &Summary, directory: &Path) -> Result<(), Box<dyn Error>> {
    for direction in [Direction::Encode, Direction::Decode] {
        draw_scenarios(&summary.scenarios, direction, directory)?;
    }
    if let Some(outcome) = &summary.churn {
        churn_over_time(&directory.join("churn.svg"), outcome)?;
    }
    if let Some(outcome) = &summary.copies {
        copies(&directory.join("copies.svg"), outcome)?;
    }
    if let Some(outcome) = &summary.latency {
        latency(&directory.join("latency.svg"), outcome)?;
    }
    Ok(())
}

fn draw_scenarios(
    outcomes: &[Outcome],
    direction: Direction,
    directory: &Path,
) -> Result<(), Box<dyn Error>> {
    let of = |wanted: fn(&Scenario) -> bool| {
        outcomes.iter().filter(move |outcome| {
            let scenario = &outcome.scenario;
            scenario.direction == direction && scenario.reuse == Reuse::Cold && wanted(scenario)
        })
    };
    let tables = by_program(
        of(|scenario| scenario.frame_bytes == 64),
        |scenario| f64::from(scenario.mappings),
        |_, cycles| cycles,
    );
    let name = direction.name();
    lines(
        &directory.join(format!("cycles-{name}.svg")),
        &format!("{name}, 64 octets, packets from memory"),
        ["mappings (logarithmic)", "cycles a packet"],
        &tables,
    )?;
    let frames = by_program(
        of(|scenario| scenario.mappings == 10_000),
        |scenario| f64::from(scenario.frame_bytes),
        |outcome, cycles| outcome.rounds.tsc_hz / cycles / 1e6,
    );
    lines(
        &directory.join(format!("throughput-{name}.svg")),
        &format!("{name}, 10,000 mappings, packets from memory"),
        [
            "octets of a frame (logarithmic)",
            "million packets a second",
        ],
        &frames,
    )
}

/// A line for each program.
fn by_program<'a>(
    outcomes: impl Iterator<Item = &'a Outcome>,
    x: fn(&Scenario) -> f64,
    y: fn(&Outcome, f64) -> f64,
) -> Vec<Line> {
    let mut points: BTreeMap<Kind, Vec<(f64, f64)>> = BTreeMap::new();
    for outcome in outcomes {
        let gauge = [(Kind::Gauge, outcome.gauge_cycles)];
        let all = outcome
            .cycles_per_packet
            .iter()
            .map(|(kind, spread)| (*kind, *spread));
        for (kind, cycles) in all.chain(gauge) {
            let point = (x(&outcome.scenario), y(outcome, cycles.median));
            points.entry(kind).or_default().push(point);
        }
    }
    named(points)
}

fn copies(path: &Path, outcome: &copies::Outcome) -> Result<(), Box<dyn Error>> {
    let mut points: BTreeMap<Kind, Vec<(f64, f64)>> = BTreeMap::new();
    for frame in &outcome.frames {
        for (kind, cycles) in &frame.copy_cycles {
            let point = (f64::from(frame.frame_bytes), cycles.median);
            points.entry(*kind).or_default().push(point);
        }
    }
    lines(
        path,
        "a copy for a replica, packets from the cache",
        ["octets of a frame (logarithmic)", "cycles a copy"],
        &named(points),
    )
}

/// Lines of programs, in their colours.
fn named(points: BTreeMap<Kind, Vec<(f64, f64)>>) -> Vec<Line> {
    let line = |(kind, mut points): (Kind, Vec<(f64, f64)>)| {
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        Line {
            name: kind.name().to_owned(),
            colour: COLOURS[kind as usize],
            points,
        }
    };
    points.into_iter().map(line).collect()
}

/// Percentiles by how few packets are later: the median is one of two, p99 one of a hundred.
fn latency(path: &Path, found: &Latency) -> Result<(), Box<dyn Error>> {
    const ONE_OF: [(&str, f64); 4] = [("p50", 2.0), ("p90", 10.0), ("p99", 100.0), ("p99_9", 1e3)];
    let line = |((share, trial), colour): (&(f64, serde_json::Value), RGBColor)| {
        let at =
            |(name, one_of): (&str, f64)| Some((one_of, trial["latency"][name].as_f64()? / 1e3));
        Line {
            name: format!("at {:.0} % of the rate", share * 100.0),
            colour,
            points: ONE_OF.into_iter().filter_map(at).collect(),
        }
    };
    let drawn: Vec<Line> = found.latency.iter().zip(COLOURS).map(line).collect();
    let rate = found.throughput["rate_pps"].as_f64().unwrap_or_default();
    lines(
        path,
        &format!(
            "latency over memif, IMIX both ways, {:.0} packets a second each way at most",
            rate
        ),
        [
            "of so many packets one is later (logarithmic)",
            "microseconds",
        ],
        &drawn,
    )
}

/// Lines over a logarithmic axis.
fn lines(path: &Path, title: &str, axes: [&str; 2], lines: &[Line]) -> Result<(), Box<dyn Error>> {
    let points = || lines.iter().flat_map(|line| &line.points);
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
    let root = SVGBackend::new(path, SIZE).into_drawing_area();
    let mut chart = framed(&root, title, axes, (least..most).log_scale(), 0.0..top)?;
    for line in lines {
        let colour = line.colour;
        let series = LineSeries::new(line.points.iter().copied(), colour.stroke_width(2));
        chart
            .draw_series(series.point_size(3))?
            .label(&line.name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(2)));
    }
    legend(&mut chart, SeriesLabelPosition::MiddleRight)?;
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
    let (plan, per_s) = (&outcome.plan, outcome.changes_per_s.median);
    let title = format!(
        "{} mappings, {per_s:.0} changes a second, {} a version: {} packets dropped",
        plan.mappings, plan.batch, outcome.dropped
    );
    let axes = ["seconds", "million packets a second on the processor"];
    let root = SVGBackend::new(path, SIZE).into_drawing_area();
    let mut chart = framed(&root, &title, axes, 0.0..end, 0.0..top)?;
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
    legend(&mut chart, SeriesLabelPosition::LowerRight)?;
    Ok(root.present()?)
}

/// A title and two axes on white.
fn framed<'a, X, Y>(
    root: &Area<'a>,
    title: &str,
    [x, y]: [&str; 2],
    across: X,
    up: Y,
) -> Result<Chart<'a, X, Y>, Box<dyn Error>>
where
    X: AsRangedCoord<Value = f64>,
    Y: AsRangedCoord<Value = f64>,
    X::CoordDescType: ValueFormatter<f64>,
    Y::CoordDescType: ValueFormatter<f64>,
{
    root.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(root)
        .caption(title, ("sans-serif", 20))
        .margin(12)
        .x_label_area_size(44)
        .y_label_area_size(60)
        .build_cartesian_2d(across, up)?;
    chart.configure_mesh().x_desc(x).y_desc(y).draw()?;
    Ok(chart)
}

/// The names of what was drawn, in a box.
fn legend<'a, X, Y>(
    chart: &mut ChartContext<'a, SVGBackend<'a>, Cartesian2d<X, Y>>,
    position: SeriesLabelPosition,
) -> Result<(), Box<dyn Error>>
where
    X: Ranged,
    Y: Ranged,
{
    chart
        .configure_series_labels()
        .position(position)
        .background_style(WHITE.mix(0.8))
        .border_style(BLACK.mix(0.3))
        .draw()?;
    Ok(())
}
