//! A flight record as a picture: a lane for each host, time from left to right.
//!
//! What lasted is a bar, what happened is a mark with a label below. A label stands to the right of
//! its mark, on the first row where it meets no other: rows are filled from the right, so that the
//! line from a mark to its label crosses no text.

mod labels;
mod lane;
mod paint;

use std::collections::BTreeSet;
use std::fmt::Write as _;

use api::{FlightRecord, SpanKind};

use crate::moment::{milliseconds, utc};
use lane::Lane;
use paint::{escaped, mark_groups, span_colour};

pub use paint::span_name;

/// Measures in pixels.
const WIDTH: f64 = 1280.0;
const MARGIN: f64 = 28.0;
/// Where lanes begin: their names stand to the left.
const LANES_LEFT: f64 = 182.0;
/// Room for the labels of the last marks.
const LABELS_RIGHT: f64 = 170.0;
const HEAD_HEIGHT: f64 = 128.0;
const LANE_GAP: f64 = 10.0;
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
    let mut top = HEAD_HEIGHT;
    for lane in &lanes {
        lane.draw_ground(&mut body, top);
        top += lane.height + LANE_GAP;
    }
    grid(&mut body, &scale, HEAD_HEIGHT, axis);
    // In the background, so that neither bar nor label is crossed out.
    moments(&mut body, flight, &scale, axis);
    let mut top = HEAD_HEIGHT;
    for lane in &lanes {
        lane.draw(&mut body, top, &scale);
        top += lane.height + LANE_GAP;
    }
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
        "{}: {} \u{2192} {}",
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
    let cause = format!("{}: {}", flight.cause.replace('_', " "), flight.text);
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
        line(body, x, HEAD_HEIGHT - 8.0, x, bottom - 4.0, class);
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
        text(body, MARGIN, y, "part", "packets");
        text(body, LANES_LEFT, y, "legend", &fates.join("   ·   "));
    }
    if !flight.missing.is_empty() {
        y += LEGEND_STEP;
        text(body, MARGIN, y, "part", "no report from");
        text(body, LANES_LEFT, y, "legend", &flight.missing.join(", "));
    }
    y
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
