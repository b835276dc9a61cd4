//! Flight records, printed and drawn.

mod svg;

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use api::{FlightRecord, FlightSummary};

use crate::arguments::Format;
use crate::failure::Failure;
use crate::moment::{milliseconds, utc};
use crate::status::table;

/// Prints one line a record.
pub fn write_list(
    out: &mut impl Write,
    flights: &[FlightSummary],
    format: Format,
) -> io::Result<()> {
    if format == Format::Json {
        serde_json::to_writer_pretty(&mut *out, flights)?;
        return writeln!(out);
    }
    if flights.is_empty() {
        return writeln!(out, "no owner has changed since this host keeps records");
    }
    let rows = flights.iter().map(|flight| {
        [
            flight.id.clone(),
            utc(flight.started_unix_ms),
            flight.group.clone(),
            flight.cause.clone(),
            moved(flight.from.as_ref(), flight.to.as_ref()),
            after(flight.first_answer_us),
        ]
    });
    let header = [
        "ID",
        "TIME (UTC)",
        "GROUP",
        "CAUSE",
        "OWNER",
        "FIRST ANSWER",
    ];
    writeln!(out, "{}", table(header, rows, &[5]))
}

/// Prints a record, or draws it into `svg`.
pub fn write(
    out: &mut impl Write,
    flight: &FlightRecord,
    svg: Option<&Path>,
    format: Format,
) -> Result<(), Failure> {
    match svg {
        Some(path) if path == Path::new("-") => out.write_all(svg::draw(flight).as_bytes())?,
        Some(path) => {
            fs::write(path, svg::draw(flight)).map_err(|error| {
                Failure::Failed(format!("cannot write {}: {error}", path.display()))
            })?;
            writeln!(out, "drawn into {}", path.display())?;
        }
        None if format == Format::Json => {
            serde_json::to_writer_pretty(&mut *out, flight).map_err(io::Error::from)?;
            writeln!(out)?;
        }
        None => tell(out, flight)?,
    }
    Ok(())
}

fn tell(out: &mut impl Write, flight: &FlightRecord) -> io::Result<()> {
    let dash = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    let owner = moved(flight.from.as_ref(), flight.to.as_ref());
    let (before, after_it) = (dash(&flight.epoch_before), dash(&flight.epoch_after));
    writeln!(out, "flight        {}", flight.id)?;
    writeln!(out, "group         {}, owner {owner}", flight.group)?;
    writeln!(out, "cause         {}: {}", flight.cause, flight.text)?;
    writeln!(
        out,
        "epoch         {before} to {after_it}, generation {}",
        flight.generation_after
    )?;
    let (interval, mult) = (flight.interval_ms, flight.detect_mult);
    writeln!(out, "timers        {interval} ms x {mult}")?;
    writeln!(out, "first answer  {}", after(flight.first_answer_us))?;
    writeln!(
        out,
        "zero          {} UTC, when {}",
        utc(flight.started_unix_ms),
        flight.time_base.zero
    )?;
    writeln!(out, "\n{}\n\n{}", hosts(flight), timeline(flight))?;
    let fates: Vec<_> = flight
        .packets_by_fate
        .iter()
        .map(|(fate, packets)| format!("{fate} {packets}"))
        .collect();
    if !fates.is_empty() {
        writeln!(out, "\npackets: {}", fates.join(", "))?;
    }
    if !flight.missing.is_empty() {
        writeln!(out, "\nno report from {}", flight.missing.join(", "))?;
    }
    Ok(())
}

fn hosts(flight: &FlightRecord) -> String {
    let rows = flight.hosts.iter().map(|host| {
        let [before, after] = host
            .epochs
            .each_ref()
            .map(|epoch| epoch.as_deref().unwrap_or("-"));
        let [old, new] = host.table_versions;
        let uncertainty = i64::try_from(host.uncertainty_us).unwrap_or(i64::MAX);
        [
            host.host.clone(),
            host.part.clone(),
            format!("{before} to {after}"),
            format!("{old} to {new}"),
            format!("{} ms", milliseconds(uncertainty)),
            host.buffer
                .as_ref()
                .map_or_else(|| "-".to_owned(), crate::group::buffer),
        ]
    });
    let header = ["HOST", "PART", "EPOCH", "TABLES", "OFF BY", "BUFFER"];
    table(header, rows, &[4])
}

fn timeline(flight: &FlightRecord) -> String {
    let mut rows: Vec<(i64, [String; 4])> = Vec::new();
    for host in &flight.hosts {
        let row = |at, what: &str, text: &str| {
            let cells = [
                milliseconds(at),
                host.host.clone(),
                what.to_owned(),
                text.to_owned(),
            ];
            (at, cells)
        };
        let entries = host.entries.iter();
        rows.extend(entries.map(|entry| row(entry.at_us, &entry.kind, &entry.text)));
        rows.extend(host.spans.iter().map(|span| {
            let lasted = milliseconds(span.until_us.saturating_sub(span.from_us));
            let text = format!("{}, for {lasted} ms", span.text);
            row(span.from_us, svg::span_name(span.kind), &text)
        }));
    }
    rows.sort_by_key(|(at, _)| *at);
    let rows = rows.into_iter().map(|(_, cells)| cells);
    table(["MS", "HOST", "WHAT", ""], rows, &[0])
}

fn moved(from: Option<&String>, to: Option<&String>) -> String {
    let name = |host: Option<&String>| host.map_or("nobody", String::as_str).to_owned();
    format!("{} to {}", name(from), name(to))
}

fn after(first_answer_us: Option<i64>) -> String {
    first_answer_us.map_or_else(
        || "none seen".to_owned(),
        |us| format!("{} ms", milliseconds(us)),
    )
}
