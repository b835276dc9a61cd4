//! What a change of mappings has done, printed.

use std::io::{self, Write};

use api::Applied;

use crate::arguments::Format;

/// Prints what the host answered.
pub fn write(out: &mut impl Write, applied: &Applied, format: Format) -> io::Result<()> {
    match format {
        Format::Json => {
            serde_json::to_writer_pretty(&mut *out, applied)?;
            writeln!(out)
        }
        Format::Table => writeln!(
            out,
            "{} changed, table version {} ({})",
            mappings(applied.changed),
            applied.table_version,
            applied.note
        ),
    }
}

/// A count of mappings, in words.
pub fn mappings(count: u64) -> String {
    format!("{count} mapping{}", if count == 1 { "" } else { "s" })
}
