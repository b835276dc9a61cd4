//! A flight record as a picture: a lane for each host, time from left to right.
//!
//! What lasted is a bar, what happened is a mark with a label below. A label stands to the right of
//! its mark, on the first row where it meets no other: rows are filled from the right, so that the
//! line from a mark to its label crosses no text.

mod labels;
mod paint;

use std::collections::BTreeSet;
use std::fmt::Write as _;

use api::{FlightHost, FlightRecord, FlightSpan, SpanKind};

use crate::moment::{milliseconds, utc};
use paint::{escaped, mark_colour, mark_groups, span_colour};

pub use paint::span_name;

/// Measures in pixels.
const WIDTH: f64 = 1280.0;
const MARGIN: f64 = 28.0;
/// Where lanes begin: their names stand to the left.
const LANES_LEFT: f64 = 190.0;
/// Room for the labels of the last marks.
const LABELS_RIGHT: f64 = 170.0;
const HEAD_HEIGHT: f64 = 128.0;
const LANE_GAP: f64 = 10.0;
const LANE_PADDING: f64 = 12.0;
const LANE_HEIGHT_MIN: f64 = 92.0;
const BAR_HEIGHT: f64 = 20.0;
const BAR_STEP: f64 = 25.0;
const LABEL_STEP: f64 = 16.0;
const AXIS_HEIGHT: f64 = 44.0;
const LEGEND_STEP: f64 = 22.0;

/// A character of the labels' font, a little too wide rather than too narrow.
const CHARACTER_WIDTH: f64 = 6.7;

/// Draws the record; the text is a whole SVG document.
pub fn draw(flight: &FlightRecord) -> String {
    let scale = Scale::over(flight);
    let lanes: Vec<Lane<'_>> = flight
        .hosts
        .iter()
        .map(|host| Lane::of(host, &scale))
        .collect();
    let lanes_height: f64 = lanes.iter().map(|lane| lane.height + LANE_GAP).sum();
    let axis = HEAD_HEIGHT + lanes_height;
    let mut body = String::new();
    head(&mut body, flight);
    grid(&mut body, &scale, HEAD_HEIGHT, axis);
    let mut top = HEAD_HEIGHT;
    for lane in &lanes {
        lane.draw(&mut body, top, &scale);
        top += lane.height + LANE_GAP;
    }
    moments(&mut body, flight, &scale, axis);
    axis_text(&mut body, flight, &scale, axis);
    let height = foot(&mut body, flight, axis + AXIS_HEIGHT) + MARGIN;
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height:.0}\" \
         width=\"{WIDTH}\" height=\"{height:.0}\" role=\"img\">\n\
         <title>{}</title>\n{}<rect class=\"paper\" width=\"{WIDTH}\" height=\"{height:.0}\"/>\n\
         {body}</svg>\n",
        escaped(&title(flight)),
        paint::STYLE
    )
}

fn title(flight: &FlightRecord) -> String {
    let name = |host: &Option<String>| host.clone().unwrap_or_else(|| "nobody".to_owned());
    format!(
        "{}  from {} to {}",
        flight.group,
        name(&flight.from),
        name(&flight.to)
    )
}

/// Which moment is where.
struct Scale {
    from_us: f64,
    pixels_per_us: f64,
}

impl Scale {
    fn over(flight: &FlightRecord) -> Self {
        let spans = flight.hosts.iter().flat_map(|host| &host.spans);
        let entries = flight.hosts.iter().flat_map(|host| &host.entries);
        let moments = spans
            .flat_map(|span| [span.from_us, span.until_us])
            .chain(entries.map(|entry| entry.at_us))
            .chain(flight.first_answer_us)
            .chain([0]);
        let (first, last) = moments.fold((0_i64, 0_i64), |(first, last), at| {
            (first.min(at), last.max(at))
        });
        // At least a tenth of a millisecond, so that one moment alone has a place too.
        let length = (last as f64 - first as f64).max(100.0);
        let from_us = first as f64 - length * 0.01;
        let pixels = WIDTH - MARGIN - LABELS_RIGHT - LANES_LEFT;
        Self {
            from_us,
            pixels_per_us: pixels / (length * 1.01),
        }
    }

    fn x(&self, at_us: i64) -> f64 {
        LANES_LEFT + (at_us as f64 - self.from_us) * self.pixels_per_us
    }

    /// Round moments, some 90 pixels apart: 1, 2 or 5 with zeros.
    fn ticks(&self) -> Vec<i64> {
        let wanted_us = 90.0 / self.pixels_per_us;
        let magnitude = 10_f64.powf(wanted_us.log10().floor());
        let steps = [1.0, 2.0, 5.0, 10.0].map(|factor| factor * magnitude);
        let step = steps.into_iter().find(|step| *step >= wanted_us);
        let step = step.unwrap_or(wanted_us).max(1.0);
        let end_us = self.from_us + (WIDTH - MARGIN - LANES_LEFT) / self.pixels_per_us;
        let (first, last) = ((self.from_us / step).ceil(), (end_us / step).floor());
        let count = (last - first).clamp(0.0, 100.0) as i64;
        (0..=count)
            .map(|number| ((first + number as f64) * step) as i64)
            .collect()
    }
}

fn head(body: &mut String, flight: &FlightRecord) {
    let dash = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    let answer = match flight.first_answer_us {
        Some(us) => format!("first answer after {} ms", milliseconds(us)),
        None => "no answer seen".to_owned(),
    };
    let facts = [
        answer,
        format!(
            "heartbeats {} ms x {}",
            flight.interval_ms, flight.detect_mult
        ),
        format!(
            "epoch {} to {}",
            dash(&flight.epoch_before),
            dash(&flight.epoch_after)
        ),
        format!("owner generation {}", flight.generation_after),
        format!("{} UTC", utc(flight.started_unix_ms)),
    ];
    text(body, MARGIN, 46.0, "title", &title(flight));
    let cause = format!("{}: {}", flight.cause, flight.text);
    text(body, MARGIN, 72.0, "cause", &cause);
    text(body, MARGIN, 98.0, "facts", &facts.join("   ·   "));
}

fn grid(body: &mut String, scale: &Scale, top: f64, bottom: f64) {
    for at in scale.ticks() {
        line(
            body,
            scale.x(at),
            top,
            scale.x(at),
            bottom - LANE_GAP,
            "grid",
        );
    }
}

/// The two moments that a reader looks for, through all lanes.
fn moments(body: &mut String, flight: &FlightRecord, scale: &Scale, bottom: f64) {
    let mut moment = |at: i64, class: &str, label: &str| {
        let x = scale.x(at);
        line(body, x, HEAD_HEIGHT - 8.0, x, bottom - LANE_GAP, class);
        text(body, x + 5.0, HEAD_HEIGHT - 5.0, class, label);
    };
    moment(0, "zero", "0");
    if let Some(at) = flight.first_answer_us {
        moment(
            at,
            "answer",
            &format!("first answer, {} ms", milliseconds(at)),
        );
    }
}

fn axis_text(body: &mut String, flight: &FlightRecord, scale: &Scale, top: f64) {
    for at in scale.ticks() {
        let label = match at % 1000 {
            0 => (at / 1000).to_string(),
            _ => milliseconds(at),
        };
        text(body, scale.x(at), top + 10.0, "tick", &label);
    }
    let base = &flight.time_base;
    let says = format!("ms by the clock of {}; 0 is when {}", base.host, base.zero);
    text(body, LANES_LEFT, top + 30.0, "axis", &says);
}

/// The legend and the packets' fates; returns where it ends.
fn foot(body: &mut String, flight: &FlightRecord, top: f64) -> f64 {
    let mut y = top + LEGEND_STEP;
    let mut x = LANES_LEFT;
    let kinds: BTreeSet<SpanKind> = flight
        .hosts
        .iter()
        .flat_map(|host| host.spans.iter().map(|span| span.kind))
        .collect();
    for kind in kinds {
        let (colour, name) = (span_colour(kind), span_name(kind));
        let _ = writeln!(
            body,
            "<rect x=\"{x:.1}\" y=\"{:.1}\" width=\"22\" height=\"12\" rx=\"3\" fill=\"{colour}\"/>",
            y - 10.0
        );
        text(body, x + 28.0, y, "legend", name);
        x += 28.0 + width(name) + 22.0;
    }
    y += LEGEND_STEP;
    x = LANES_LEFT;
    for (colour, name) in mark_groups() {
        let _ = writeln!(
            body,
            "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"4.5\" fill=\"{colour}\"/>",
            x + 11.0,
            y - 4.0
        );
        text(body, x + 28.0, y, "legend", name);
        x += 28.0 + width(name) + 22.0;
    }
    let fates = flight
        .packets_by_fate
        .iter()
        .filter(|(_, count)| **count > 0);
    let fates: Vec<_> = fates
        .map(|(fate, count)| format!("{fate} {count}"))
        .collect();
    if !fates.is_empty() {
        y += LEGEND_STEP;
        text(body, MARGIN, y, "host", "packets");
        text(body, LANES_LEFT, y, "legend", &fates.join("   ·   "));
    }
    if !flight.missing.is_empty() {
        y += LEGEND_STEP;
        text(body, MARGIN, y, "host", "no report");
        text(body, LANES_LEFT, y, "legend", &flight.missing.join(", "));
    }
    y
}

/// A host's part of the picture, its rows settled.
struct Lane<'a> {
    host: &'a FlightHost,
    bars: Vec<(usize, &'a FlightSpan)>,
    bar_rows: usize,
    labels: Vec<labels::Label<'a>>,
    height: f64,
}

impl<'a> Lane<'a> {
    fn of(host: &'a FlightHost, scale: &Scale) -> Self {
        let (bars, bar_rows) = labels::bars(&host.spans, |at| scale.x(at));
        let (labels, label_rows) = labels::labels(&host.entries, |at| scale.x(at));
        let marks = if labels.is_empty() { 0.0 } else { 18.0 };
        let content = bar_rows as f64 * BAR_STEP + marks + label_rows as f64 * LABEL_STEP;
        Self {
            host,
            bars,
            bar_rows,
            labels,
            height: (content + 2.0 * LANE_PADDING).max(LANE_HEIGHT_MIN),
        }
    }

    fn draw(&self, body: &mut String, top: f64, scale: &Scale) {
        let lane_width = WIDTH - MARGIN - LANES_LEFT;
        let _ = writeln!(
            body,
            "<rect class=\"lane\" x=\"{LANES_LEFT}\" y=\"{top:.1}\" width=\"{lane_width}\" \
             height=\"{:.1}\" rx=\"6\"/>",
            self.height
        );
        self.draw_name(body, top);
        for (row, span) in &self.bars {
            bar(
                body,
                span,
                top + LANE_PADDING + *row as f64 * BAR_STEP,
                scale,
            );
        }
        let marks = top + LANE_PADDING + self.bar_rows as f64 * BAR_STEP + 8.0;
        for label in &self.labels {
            self.draw_mark(body, label, marks, scale);
        }
    }

    fn draw_name(&self, body: &mut String, top: f64) {
        let host = self.host;
        let [old, new] = host.table_versions;
        let uncertainty = i64::try_from(host.uncertainty_us).unwrap_or(i64::MAX);
        let [before, after] = host
            .epochs
            .each_ref()
            .map(|one| one.as_deref().unwrap_or("-"));
        text(body, MARGIN, top + 24.0, "host", &host.host);
        text(body, MARGIN, top + 42.0, "part", &host.part);
        let known = format!("epoch {before} to {after}, tables {old} to {new}");
        text(body, MARGIN, top + 60.0, "small", &known);
        let clock = match uncertainty {
            0 => "clock of this picture".to_owned(),
            us => format!("times ±{} ms", milliseconds(us)),
        };
        text(body, MARGIN, top + 76.0, "small", &clock);
    }

    fn draw_mark(&self, body: &mut String, label: &labels::Label<'_>, y: f64, scale: &Scale) {
        let entry = label.entry;
        let (x, colour) = (scale.x(entry.at_us), mark_colour(&entry.kind));
        let label_y = y + 20.0 + label.row as f64 * LABEL_STEP;
        let reach = self.host.uncertainty_us as f64 * scale.pixels_per_us;
        line(body, x, y, x, label_y, "leader");
        if reach > 1.0 {
            let _ = writeln!(
                body,
                "<path class=\"reach\" d=\"M{:.1} {y:.1}H{:.1}\"/>",
                x - reach,
                x + reach
            );
        }
        let _ = writeln!(
            body,
            "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4.5\" fill=\"{colour}\"><title>{}</title></circle>",
            escaped(&format!(
                "{} ms: {} ({})",
                milliseconds(entry.at_us),
                entry.text,
                entry.kind
            ))
        );
        let _ = writeln!(
            body,
            "<text class=\"label\" x=\"{:.1}\" y=\"{:.1}\"><tspan class=\"at\">{}</tspan> {}</text>",
            x + 5.0,
            label_y,
            milliseconds(entry.at_us),
            escaped(&entry.text)
        );
    }
}

fn bar(body: &mut String, span: &FlightSpan, top: f64, scale: &Scale) {
    let (from, until) = (scale.x(span.from_us), scale.x(span.until_us));
    let length = (until - from).max(2.0);
    let lasted = milliseconds(span.until_us.saturating_sub(span.from_us));
    let _ = writeln!(
        body,
        "<rect x=\"{from:.1}\" y=\"{top:.1}\" width=\"{length:.1}\" height=\"{BAR_HEIGHT}\" rx=\"4\" \
         fill=\"{}\"><title>{}</title></rect>",
        span_colour(span.kind),
        escaped(&format!(
            "{}: {}, {lasted} ms",
            span_name(span.kind),
            span.text
        ))
    );
    let fits = labels::fits(span, length);
    let x = if fits {
        from + 7.0
    } else {
        from + length + 5.0
    };
    text(body, x, top + 14.5, "bar", &span.text);
}

fn text(body: &mut String, x: f64, y: f64, class: &str, words: &str) {
    let words = escaped(words);
    let _ = writeln!(
        body,
        "<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\">{words}</text>"
    );
}

fn line(body: &mut String, x1: f64, y1: f64, x2: f64, y2: f64, class: &str) {
    let _ = writeln!(
        body,
        "<line class=\"{class}\" x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\"/>"
    );
}

/// How wide words are, about.
fn width(words: &str) -> f64 {
    words.chars().count() as f64 * CHARACTER_WIDTH
}

#[cfg(test)]
mod tests;
