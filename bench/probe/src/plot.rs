//! A picture of times: one row a kind, one dot a round, on a logarithmic scale.
//!
//! ```json
//! {"title": "...", "note": "...", "rows": [{"label": "host killed", "section": "ours", "ms": [171.2, 180.9]}],
//!  "marks": [{"ms": 250, "label": "250 ms"}]}
//! ```

use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use serde::Deserialize;

use crate::output;

const WIDTH: f64 = 1000.0;
/// Labels stand left of this, figures right of `RIGHT`.
const LEFT: f64 = 270.0;
const RIGHT: f64 = 800.0;
const TOP: f64 = 96.0;
const ROW: f64 = 34.0;
/// Between two sections of rows.
const SECTION: f64 = 30.0;
const TICKS_MS: [f64; 13] = [
    1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0, 2000.0, 5000.0, 10_000.0,
];
/// A colour for each section, told apart also by people who see fewer of them.
const COLOURS: [&str; 4] = ["#0b6e99", "#c8553d", "#6a4c93", "#3a7d44"];

/// What to draw.
#[derive(Debug, Deserialize)]
struct Chart {
    title: String,
    note: String,
    rows: Vec<Row>,
    #[serde(default)]
    marks: Vec<Mark>,
}

#[derive(Debug, Deserialize)]
struct Row {
    label: String,
    section: String,
    ms: Vec<f64>,
}

#[derive(Debug, Deserialize)]
struct Mark {
    ms: f64,
    label: String,
}

/// Draws what the JSON file says into an SVG file.
pub fn draw(what: &Path, picture: &Path) -> Result<(), Box<dyn Error>> {
    let chart: Chart = output::read(what)?;
    fs::write(picture, svg(&chart)).map_err(|error| format!("{}: {error}", picture.display()))?;
    Ok(())
}

/// The scale: from and to a tick, around everything that is drawn.
struct Scale {
    from: f64,
    to: f64,
}

impl Scale {
    fn around(chart: &Chart) -> Self {
        let times = || {
            let rows = chart.rows.iter().flat_map(|row| row.ms.iter().copied());
            rows.chain(chart.marks.iter().map(|mark| mark.ms))
        };
        let least = times().fold(f64::INFINITY, f64::min);
        let most = times().fold(0.0, f64::max);
        let from = TICKS_MS.iter().rev().find(|&&tick| tick <= least);
        let to = TICKS_MS.iter().find(|&&tick| tick >= most && tick > least);
        Self {
            from: *from.unwrap_or(&TICKS_MS[0]),
            to: *to.unwrap_or(&TICKS_MS[TICKS_MS.len() - 1]),
        }
    }

    fn x(&self, ms: f64) -> f64 {
        let share = (ms.clamp(self.from, self.to) / self.from).ln() / (self.to / self.from).ln();
        LEFT + share * (RIGHT - LEFT)
    }
}

fn svg(chart: &Chart) -> String {
    let scale = Scale::around(chart);
    let mut sections: Vec<&str> = Vec::new();
    let mut body = String::new();
    let mut y = TOP;
    for row in &chart.rows {
        if sections.last() != Some(&row.section.as_str()) {
            sections.push(&row.section);
            y += SECTION;
            let title = escape(&row.section);
            let _ = writeln!(
                body,
                r#"<text class="section" x="20" y="{:.1}">{title}</text>"#,
                y - 12.0
            );
        }
        let colour = COLOURS[(sections.len() - 1) % COLOURS.len()];
        draw_row(&mut body, &scale, row, y, colour);
        y += ROW;
    }
    let bottom = y + 4.0;
    let height = bottom + 56.0;
    let grid = grid(chart, &scale, bottom);
    let (title, note) = (escape(&chart.title), escape(&chart.note));
    format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="system-ui, 'DejaVu Sans', sans-serif">
<style>
text {{ font-size: 13px; fill: #333 }}
.title {{ font-size: 19px; font-weight: 600; fill: #111 }}
.section {{ font-weight: 600; fill: #111 }}
.label, .figure {{ font-size: 13px }}
.figure, .tick {{ font-variant-numeric: tabular-nums }}
.tick, .note, .head {{ font-size: 12px; fill: #666 }}
</style>
<rect width="100%" height="100%" fill="#fff"/>
<text class="title" x="20" y="34">{title}</text>
<text class="note" x="20" y="56">{note}</text>
<text class="head" x="{:.0}" y="{:.0}">median</text>
<text class="head" x="{:.0}" y="{:.0}">worst, ms</text>
{grid}{body}</svg>
"##,
        RIGHT + 30.0,
        TOP,
        RIGHT + 100.0,
        TOP,
    )
}

/// Vertical lines with their times, and the marks.
fn grid(chart: &Chart, scale: &Scale, bottom: f64) -> String {
    let mut grid = String::new();
    let ticks = TICKS_MS
        .iter()
        .filter(|&&tick| tick >= scale.from && tick <= scale.to);
    for &tick in ticks {
        let x = scale.x(tick);
        let text = match tick {
            1000.0.. => format!("{} s", tick / 1000.0),
            1.0 | 10.0 | 100.0 => format!("{tick} ms"),
            _ => format!("{tick}"),
        };
        let _ = writeln!(
            grid,
            r##"<line x1="{x:.1}" x2="{x:.1}" y1="{TOP}" y2="{bottom:.1}" stroke="#e4e4e4"/><text class="tick" x="{x:.1}" y="{:.1}" text-anchor="middle">{text}</text>"##,
            bottom + 18.0
        );
    }
    for mark in &chart.marks {
        let (x, label) = (scale.x(mark.ms), escape(&mark.label));
        let _ = writeln!(
            grid,
            r##"<line x1="{x:.1}" x2="{x:.1}" y1="{TOP}" y2="{bottom:.1}" stroke="#999" stroke-dasharray="4 3"/><text class="note" x="{x:.1}" y="{:.1}" text-anchor="middle">{label}</text>"##,
            TOP - 6.0
        );
    }
    let _ = writeln!(
        grid,
        r#"<text class="note" x="{:.1}" y="{:.1}" text-anchor="middle">one dot a round; the bar is the median, the line runs from the best to the worst</text>"#,
        f64::midpoint(LEFT, RIGHT),
        bottom + 40.0
    );
    grid
}

fn draw_row(body: &mut String, scale: &Scale, row: &Row, y: f64, colour: &str) {
    let middle = y + ROW / 2.0;
    let baseline = middle + 4.0;
    let _ = writeln!(
        body,
        r#"<text class="label" x="{:.0}" y="{baseline:.1}" text-anchor="end">{}</text>"#,
        LEFT - 14.0,
        escape(&row.label)
    );
    let mut times = row.ms.clone();
    times.sort_by(f64::total_cmp);
    let (Some(&best), Some(&worst)) = (times.first(), times.last()) else {
        let _ = writeln!(
            body,
            r#"<text class="note" x="{:.0}" y="{baseline:.1}">no promotion, as it should be</text>"#,
            LEFT + 8.0
        );
        return;
    };
    let median = times[(times.len() - 1) / 2];
    let _ = writeln!(
        body,
        r#"<line x1="{:.1}" x2="{:.1}" y1="{middle:.1}" y2="{middle:.1}" stroke="{colour}" stroke-opacity=".35"/>"#,
        scale.x(best),
        scale.x(worst)
    );
    for (at, &ms) in times.iter().enumerate() {
        // Spread over the row's height, the same way each time.
        let offset = ((at * 7) % 11) as f64 - 5.0;
        let _ = writeln!(
            body,
            r#"<circle cx="{:.1}" cy="{:.1}" r="3" fill="{colour}" fill-opacity=".55"/>"#,
            scale.x(ms),
            middle + 1.7 * offset
        );
    }
    let x = scale.x(median);
    let _ = writeln!(
        body,
        r#"<line x1="{x:.1}" x2="{x:.1}" y1="{:.1}" y2="{:.1}" stroke="{colour}" stroke-width="3"/>"#,
        middle - 12.0,
        middle + 12.0
    );
    for (right, ms) in [(RIGHT + 74.0, median), (RIGHT + 154.0, worst)] {
        let digits = usize::from(ms < 10.0);
        let _ = writeln!(
            body,
            r#"<text class="figure" x="{right:.0}" y="{baseline:.1}" text-anchor="end">{ms:.digits$}</text>"#
        );
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(ms: &[f64]) -> Chart {
        Chart {
            title: "a < b".to_owned(),
            note: String::new(),
            rows: vec![Row {
                label: "host killed".to_owned(),
                section: "ours".to_owned(),
                ms: ms.to_vec(),
            }],
            marks: Vec::new(),
        }
    }

    #[test]
    fn each_round_has_a_dot_inside_the_scale() {
        let picture = svg(&chart(&[171.0, 180.0, 249.0]));
        assert_eq!(picture.matches("<circle").count(), 3);
        assert!(picture.contains("a &lt; b"));
        let scale = Scale::around(&chart(&[171.0, 249.0]));
        assert_eq!((scale.from, scale.to), (100.0, 500.0));
        assert!((scale.x(100.0) - LEFT).abs() < 0.1 && (scale.x(500.0) - RIGHT).abs() < 0.1);
    }

    #[test]
    fn a_kind_without_a_promotion_says_so() {
        assert!(svg(&chart(&[])).contains("no promotion"));
    }
}
