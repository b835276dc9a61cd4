//! Many mappings, sent in batches that the host takes.

use std::io::{self, IsTerminal, Write};
use std::iter::Peekable;
use std::path::Path;
use std::time::Duration;
use std::vec;

use api::client::{Client, ClientError};
use api::{AddedMappings, Applied};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;

use crate::arguments::Format;
use crate::failure::Failure;
use crate::mapping::mappings;
use crate::mapping_file::{self, Line};

/// A load that takes longer shows its progress, in seconds.
const QUIET_S_MAX: u64 = 2;

/// What was loaded.
#[derive(Debug, Serialize)]
pub struct Loaded {
    /// Mappings in the file.
    entries: u64,
    /// Requests that it took.
    batches: u64,
    /// Mappings that are different now.
    changed: u64,
    /// What the last batch came to; none of an empty file.
    #[serde(flatten)]
    last: Option<Last>,
}

#[derive(Debug, Serialize)]
struct Last {
    table_version: u64,
    persisted: bool,
    note: String,
}

/// Adds all `lines` of `file` to the host. At the first batch that is refused it ends, and says how
/// far it came.
pub async fn load(client: &Client, file: &Path, lines: Vec<Line>) -> Result<Loaded, Failure> {
    let progress = Progress::new(lines.len() as u64);
    let mut loaded = Loaded {
        entries: 0,
        batches: 0,
        changed: 0,
        last: None,
    };
    for (numbers, batch) in Batches::of(lines) {
        let applied = client.add(batch).await;
        let Applied {
            table_version,
            changed,
            persisted,
            note,
        } = applied.map_err(|error| stopped(error, file, &numbers, loaded.entries))?;
        loaded.entries += numbers.len() as u64;
        loaded.batches += 1;
        loaded.changed += changed;
        loaded.last = Some(Last {
            table_version,
            persisted,
            note,
        });
        progress.show(loaded.entries);
    }
    Ok(loaded)
}

/// The file, cut where the next entry would make a batch too large.
struct Batches(Peekable<vec::IntoIter<Line>>);

impl Batches {
    fn of(lines: Vec<Line>) -> Self {
        Self(lines.into_iter().peekable())
    }
}

impl Iterator for Batches {
    /// Its lines' numbers, and the batch.
    type Item = (Vec<usize>, AddedMappings);

    fn next(&mut self) -> Option<Self::Item> {
        let (mut numbers, mut batch) = (Vec::new(), AddedMappings::default());
        while let Some(line) = self.0.next_if(|line| batch.add(&line.mapping)) {
            numbers.push(line.number);
        }
        (!numbers.is_empty()).then_some((numbers, batch))
    }
}

/// The sentence for a batch that did not go through after `done` entries that did.
fn stopped(error: ClientError, file: &Path, numbers: &[usize], done: u64) -> Failure {
    let file = mapping_file::name(file);
    let first = numbers.first().copied().unwrap_or_default();
    let number = match &error {
        ClientError::Refused(refusal) => refusal.index.and_then(|index| numbers.get(index)),
        _ => None,
    };
    let place = format!("{file}:{}", number.copied().unwrap_or(first));
    let came_to = format!(
        "{} before line {first} applied, none from there on",
        mappings(done)
    );
    match Failure::from(error) {
        Failure::Unreachable(sentence) => Failure::Unreachable(format!("{sentence} ({came_to})")),
        failure => Failure::Failed(format!("{place}: {failure} ({came_to})")),
    }
}

/// A bar on the terminal, once the load turns out to take a while.
struct Progress(ProgressBar);

impl Progress {
    fn new(entries: u64) -> Self {
        let style = ProgressStyle::with_template("{bar:40} {pos}/{len} mappings, {eta} left");
        let bar = ProgressBar::with_draw_target(Some(entries), ProgressDrawTarget::hidden());
        Self(bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar())))
    }

    fn show(&self, entries: u64) {
        let is_long = self.0.elapsed() > Duration::from_secs(QUIET_S_MAX);
        if is_long && self.0.is_hidden() && io::stderr().is_terminal() {
            self.0.set_draw_target(ProgressDrawTarget::stderr());
        }
        self.0.set_position(entries);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// Prints what was loaded.
pub fn write(out: &mut impl Write, loaded: &Loaded, format: Format) -> io::Result<()> {
    if format == Format::Json {
        serde_json::to_writer_pretty(&mut *out, loaded)?;
        return writeln!(out);
    }
    match &loaded.last {
        None => writeln!(out, "the file holds no mappings: nothing changed"),
        Some(Last {
            table_version,
            note,
            ..
        }) => writeln!(
            out,
            "{} loaded, {} changed, table version {table_version} ({note})",
            mappings(loaded.entries),
            loaded.changed,
        ),
    }
}

#[cfg(test)]
mod tests {
    use api::{BODY_BYTES_MAX, MappingBatch};

    use super::*;

    #[test]
    fn every_batch_fits_into_a_request_and_no_line_is_lost() {
        let line = |number: usize| {
            let network = api::NetworkRef::Name("z".to_owned());
            let address = (number as u32).into();
            let host = "s".repeat(number % 300);
            Line {
                number,
                mapping: api::Mapping {
                    network,
                    address,
                    host,
                    generation: None,
                },
            }
        };
        let batches: Vec<_> = Batches::of((1..=60_000).map(line).collect()).collect();
        assert!(batches.len() > 1, "the test does not fill a batch");
        let mut next = 1;
        for (numbers, batch) in batches {
            let json = batch.into_json();
            assert!(json.len() <= BODY_BYTES_MAX, "{} octets", json.len());
            let read = MappingBatch::from_json(&json).unwrap();
            assert_eq!(numbers, (next..next + read.len()).collect::<Vec<_>>());
            next += read.len();
        }
        assert_eq!(next, 60_001);
    }
}
