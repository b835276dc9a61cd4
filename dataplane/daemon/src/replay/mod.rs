//! `understudyd replay`: what would this host do with a capture?
//!
//! The very worker that a host runs, over ports in memory, one packet at a
//! time. To be repeatable, nothing but the files counts: the inputs merge by
//! their time stamps (ties in the order of the arguments), time is the packet's,
//! MACs come from the configuration, identifications count from 1 at each port,
//! and an address has the generation of one that never moved.

mod capture;
mod session;
mod verdict;

use std::path::PathBuf;

pub(crate) use session::replay;

/// One `--rx PORT=FILE`.
#[derive(Clone, Debug)]
pub(crate) struct Input {
    /// `uplink` or `network/node`.
    pub(crate) port: String,
    /// A pcap or pcapng file of Ethernet frames.
    pub(crate) file: PathBuf,
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
pub(crate) enum ReplayError {
    #[error("{port} is no port of host {host}; it has {known}")]
    NoSuchPort {
        port: String,
        host: String,
        known: String,
    },
    #[error("cannot read {}: {source}", file.display())]
    Read {
        file: PathBuf,
        source: std::io::Error,
    },
    #[error("{} is not a usable capture: {what}", file.display())]
    Capture { file: PathBuf, what: String },
    #[error("cannot write {}: {source}; choose another --out DIR", file.display())]
    Write {
        file: PathBuf,
        source: std::io::Error,
    },
}
