//! Is this file a configuration that a host can run?

use std::io::{self, IsTerminal, Write};
use std::path::Path;

use crate::arguments::Format;
use crate::failure::Failure;

/// Reads `file` and what it includes, and prints every problem with its place and remedy: as
/// drawings on standard error, or as one JSON list on standard output.
pub fn check(out: &mut impl Write, file: &Path, format: Format) -> Result<(), Failure> {
    let loaded = config::load(file);
    let problems = match &loaded {
        Ok(config) => config.warnings.as_slice(),
        Err(errors) => errors.problems(),
    };
    if format == Format::Json {
        writeln!(out, "{}", config::json(problems))?;
    } else {
        let mut err = io::stderr().lock();
        write!(err, "{}", config::report(problems, err.is_terminal()))?;
    }
    let config = loaded.map_err(|_| Failure::Configuration)?;
    if format == Format::Table {
        writeln!(out, "{}: {}", file.display(), config.summary())?;
    }
    Ok(())
}
