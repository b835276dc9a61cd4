//! Which bar and which label stands on which row.

use api::{FlightEntry, FlightSpan};

use super::width;
use crate::moment::milliseconds;

/// Between two words on one row, in pixels.
const APART: f64 = 12.0;

/// A mark's label and its row, from the top.
pub struct Label<'a> {
    pub entry: &'a FlightEntry,
    pub row: usize,
}

/// Whether a bar of this length has room for its own text.
pub fn fits(span: &FlightSpan, length: f64) -> bool {
    width(&span.text) + 12.0 <= length
}

/// Bars on the first row that is free, and how many rows that takes.
pub fn bars<'a>(
    spans: &'a [FlightSpan],
    x: impl Fn(i64) -> f64,
) -> (Vec<(usize, &'a FlightSpan)>, usize) {
    let mut spans: Vec<&FlightSpan> = spans.iter().collect();
    spans.sort_by_key(|span| (span.from_us, span.until_us));
    let mut ends: Vec<f64> = Vec::new();
    let place = |span: &'a FlightSpan| {
        let (from, until) = (x(span.from_us), x(span.until_us));
        let end = match fits(span, until - from) {
            true => until,
            false => until.max(from + 2.0) + 5.0 + width(&span.text) + APART,
        };
        // Bars may touch: what ends where another begins is one row.
        let row = ends.iter().position(|&taken| taken <= from + 0.5);
        let row = row.unwrap_or(ends.len());
        match ends.get_mut(row) {
            Some(taken) => *taken = end,
            None => ends.push(end),
        }
        (row, span)
    };
    let bars = spans.into_iter().map(place).collect();
    (bars, ends.len())
}

/// Labels on their rows, in order, and how many rows that takes.
pub fn labels<'a>(entries: &'a [FlightEntry], x: impl Fn(i64) -> f64) -> (Vec<Label<'a>>, usize) {
    let mut entries: Vec<&FlightEntry> = entries.iter().collect();
    entries.sort_by_key(|entry| entry.at_us);
    // Where the leftmost label of each row begins.
    let mut starts: Vec<f64> = Vec::new();
    let place = |entry: &'a FlightEntry| {
        let from = x(entry.at_us);
        let words = width(&milliseconds(entry.at_us)) + width(&entry.text) + 10.0;
        let row = starts
            .iter()
            .position(|&start| from + words + APART <= start);
        let row = row.unwrap_or(starts.len());
        match starts.get_mut(row) {
            Some(start) => *start = from,
            None => starts.push(from),
        }
        Label { entry, row }
    };
    let mut labels: Vec<_> = entries.into_iter().rev().map(place).collect();
    labels.reverse();
    (labels, starts.len())
}
