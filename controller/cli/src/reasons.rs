//! Every reason for which a packet can be dropped.

use std::io::{self, Write};

use serde::Serialize;
use wire::drop_reason::DropReason;

use crate::arguments::Format;
use crate::status::table;

#[derive(Serialize)]
struct Reason {
    reason: &'static str,
    class: &'static str,
    meaning: &'static str,
}

/// Prints them all, in the order of docs/wire.md section 9.
pub fn write(out: &mut impl Write, format: Format) -> io::Result<()> {
    let reasons = DropReason::ALL.map(|reason| Reason {
        reason: reason.name(),
        class: reason.class().name(),
        meaning: reason.meaning(),
    });
    if format == Format::Json {
        serde_json::to_writer_pretty(&mut *out, reasons.as_slice())?;
        return writeln!(out);
    }
    let rows = reasons.map(|r| [r.reason, r.class, r.meaning].map(str::to_owned));
    writeln!(out, "{}", table(["REASON", "CLASS", "MEANING"], rows, &[]))
}
