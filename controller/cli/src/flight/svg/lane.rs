//! A host's lane: its name, what lasted as bars, what happened as marks with labels.

use std::fmt::Write as _;

use api::{FlightHost, FlightSpan};

use super::paint::{escaped, mark_colour, span_colour, span_name};
use super::{LANES_LEFT, MARGIN, Scale, WIDTH, labels, line, text};
use crate::moment::milliseconds;

/// Measures in pixels.
const LANE_PADDING: f64 = 12.0;
const LANE_HEIGHT_MIN: f64 = 96.0;
const BAR_HEIGHT: f64 = 20.0;
const BAR_STEP: f64 = 25.0;
const LABEL_STEP: f64 = 16.0;

/// A host's part of the picture, its rows settled.
pub struct Lane<'a> {
    host: &'a FlightHost,
    bars: Vec<(usize, &'a FlightSpan)>,
    bar_rows: usize,
    labels: Vec<labels::Label<'a>>,
    pub height: f64,
}

impl<'a> Lane<'a> {
    /// Settles which bar and which label stands where.
    pub fn of(host: &'a FlightHost, scale: &Scale) -> Self {
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

    /// The surface, below everything.
    pub fn draw_ground(&self, body: &mut String, top: f64) {
        let lane_width = WIDTH - MARGIN - LANES_LEFT;
        let _ = writeln!(
            body,
            "<rect class=\"lane\" x=\"{LANES_LEFT}\" y=\"{top:.1}\" width=\"{lane_width}\" \
             height=\"{:.1}\" rx=\"6\"/>",
            self.height
        );
    }

    /// Name, bars, marks and labels.
    pub fn draw(&self, body: &mut String, top: f64, scale: &Scale) {
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
        let epochs = match before == after {
            true => format!("epoch {after}"),
            false => format!("epoch {before} to {after}"),
        };
        let tables = match old == new {
            true => format!("tables {new}"),
            false => format!("tables {old} to {new}"),
        };
        text(body, MARGIN, top + 59.0, "small", &epochs);
        text(body, MARGIN, top + 73.0, "small", &tables);
        let clock = match uncertainty {
            0 => "clock of this picture".to_owned(),
            us => format!("times ±{} ms", milliseconds(us)),
        };
        text(body, MARGIN, top + 87.0, "small", &clock);
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
    let class = if fits { "bar" } else { "beside" };
    text(body, x, top + 14.5, class, &span.text);
}
