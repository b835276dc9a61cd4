//! Events, printed one a line as they come.

use std::io::{self, Write};

use api::client::Client;
use api::{Event, EventQuery};

use crate::arguments::Format;
use crate::failure::Failure;
use crate::moment::utc;

/// Prints the events that `query` asks for, each at once: somebody is waiting for it.
pub async fn print(
    out: &mut impl Write,
    client: &Client,
    query: EventQuery,
    format: Format,
) -> Result<(), Failure> {
    let mut events = client.events(query).await?;
    while let Some(event) = events.next().await? {
        write(out, &event, format)?;
        out.flush()?;
    }
    Ok(())
}

fn write(out: &mut impl Write, event: &Event, format: Format) -> io::Result<()> {
    if format == Format::Json {
        serde_json::to_writer(&mut *out, event)?;
        return writeln!(out);
    }
    let Event {
        sequence,
        time_unix_ms,
        host,
        group,
        kind,
        text,
        fields,
    } = event;
    let group = group.as_deref().unwrap_or("-");
    let time = utc(*time_unix_ms);
    write!(
        out,
        "{sequence:>6}  {time}  {host:<8}  {group:<16}  {kind:<12}  {text}"
    )?;
    for (name, value) in fields {
        write!(out, "  {name}={value}")?;
    }
    writeln!(out)
}
