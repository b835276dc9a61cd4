//! How does a command say what it found: one JSON object on stdout, a word on stderr when it listens.

use std::error::Error;
use std::fs;
use std::io::{self, Write};
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Prints a report.
pub fn print(report: &impl Serialize) -> Result<(), Box<dyn Error>> {
    let mut stdout = io::stdout().lock();
    serde_json::to_writer(&mut stdout, report)?;
    writeln!(stdout)?;
    Ok(())
}

/// Tells the script that started us that it may start the other end.
pub fn announce() {
    let _ = writeln!(io::stderr(), "listening");
}

/// Writes a report to a file, whole or not at all: a script may wait for it to appear.
pub fn write(path: &Path, report: &impl Serialize) -> Result<(), Box<dyn Error>> {
    let name = path.display();
    let draft = path.with_extension("draft");
    fs::write(&draft, serde_json::to_vec(report)?)
        .and_then(|()| fs::rename(&draft, path))
        .map_err(|error| format!("{name}: {error}").into())
}

/// Reads a report that another command wrote.
pub fn read<T: DeserializeOwned>(path: &Path) -> Result<T, Box<dyn Error>> {
    let name = path.display();
    let text = fs::read(path).map_err(|error| format!("{name}: {error}"))?;
    serde_json::from_slice(&text).map_err(|error| format!("{name}: {error}").into())
}
