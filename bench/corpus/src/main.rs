//! `corpus`: the hostile packets for whoever does not read Rust.
#![forbid(unsafe_code)]

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The hostile packets of bench/corpus.
#[derive(Parser)]
struct Cli {
    /// The directory of the cases
    #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/cases"))]
    cases: PathBuf,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Prints each case: file, name, verdict, and the frame in hexadecimal digits
    List,
    /// Writes captures to be sent at the live ports of a host, and what its counters must show
    Live {
        /// The world that the host has, such as plain
        world: String,
        /// Where to write PORT.pcap and expected.json
        directory: PathBuf,
    },
}

fn main() -> ExitCode {
    match run(&Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(what) => {
            let _ = writeln!(io::stderr(), "corpus: {what}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: &Cli) -> Result<(), String> {
    let mut files = corpus::load(&cli.cases).map_err(|error| error.to_string())?;
    match &cli.command {
        Command::List => list(&files),
        Command::Live { world, directory } => {
            files.retain(|file| stem(&file.world.path) == *world);
            let expected = corpus::live::write(&files, directory)?;
            print(&format!(
                "{} frames, {} cases left out",
                expected.sent,
                expected.left_out.values().sum::<u64>()
            ));
            Ok(())
        }
    }
}

fn list(files: &[corpus::File]) -> Result<(), String> {
    for file in files {
        for case in &file.cases {
            let octets = &case.rx.frame.octets;
            let digits: String = octets.iter().map(|octet| format!("{octet:02x}")).collect();
            let (file, name) = (stem(&file.path), &case.name);
            print(&format!("{file}\t{name}\t{:?}\t{digits}", case.verdict));
        }
    }
    Ok(())
}

/// A reader that hung up is no failure.
fn print(line: &str) {
    let _ = writeln!(io::stdout(), "{line}");
}

fn stem(path: &Path) -> String {
    path.file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}
