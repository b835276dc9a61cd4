//! What would this host do with a packet?
//!
//! [`Host`] is one packet at a time, [`replay`](replay()) is `understudyd replay`: captures in,
//! captures and verdicts out.
//!
//! The very worker that a host runs, over ports in memory, one packet at a
//! time. To be repeatable, nothing but the files counts: the inputs merge by
//! their time stamps (ties in the order of the arguments), time is the packet's,
//! MACs come from the configuration, identifications count from 1 at each port,
//! and an address has the generation of one that never moved.
#![forbid(unsafe_code)]

mod capture;
mod host;
mod session;
mod verdict;

use std::path::PathBuf;

pub use host::{Host, Outcome};
pub use session::replay;
pub use verdict::Verdict;

/// One `--rx PORT=FILE`.
#[derive(Clone, Debug)]
pub struct Input {
    /// `uplink` or `network/node`.
    pub port: String,
    /// A pcap or pcapng file of Ethernet frames.
    pub file: PathBuf,
}

impl std::str::FromStr for Input {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some((port, file)) if !port.is_empty() && !file.is_empty() => Ok(Self {
                port: port.to_owned(),
                file: PathBuf::from(file),
            }),
            _ => Err("write PORT=FILE, as in uplink=in.pcap or z/a=guest.pcap".to_owned()),
        }
    }
}

/// Why a replay ended early. What was written up to then stays.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// An input is for a port that the host does not have.
    #[error("{port} is no port of host {host}; it has {known}")]
    NoSuchPort {
        /// The port that was named.
        port: String,
        /// The host.
        host: String,
        /// Its ports.
        known: String,
    },
    /// A file cannot be read.
    #[error("cannot read {}: {source}", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A file is not a capture of Ethernet frames, or ends within one.
    #[error("{} is not a usable capture: {what}", file.display())]
    Capture {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// A file cannot be written.
    #[error("cannot write {}: {source}; choose another --out DIR", file.display())]
    Write {
        /// The file.
        file: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
}
