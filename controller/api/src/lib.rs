//! What an operator may ask a host: requests and answers of the local API.
//!
//! A host answers HTTP/1.1 on one unix socket, `/run/understudy/NAME.sock`, and on nothing else:
//!
//! | request | body | answer |
//! |---|---|---|
//! | `GET /v1/status` | | [`Status`] |
//! | `POST /v1/mappings` | [`MappingBatch`] | [`Applied`] |
//!
//! Bodies are JSON of at most [`BODY_BYTES_MAX`]. Whatever is refused is answered with an
//! [`ApiError`]: a sentence that says what is wrong, and for a batch the index of the entry at
//! fault. Addresses are written as people write them, units stand last in a field's name, and an
//! absent value is `null` or left out. Fields are added within `v1`, never renamed: a reader
//! ignores those that it does not know.
//!
//! The feature `server` is for the daemon, `client` for whoever asks it; without either this crate
//! is the types.
#![forbid(unsafe_code)]

mod error;
mod mapping;
mod status;
mod text;

#[cfg(feature = "client")]
pub mod client;
#[cfg(feature = "server")]
pub mod server;

use std::path::PathBuf;

pub use error::{ApiError, ErrorKind};
pub use mapping::{Applied, Mapping, MappingBatch, MappingKey, NetworkRef};
pub use status::{
    Balance, ControllerStatus, DropStatus, HostStatus, NodeStatus, PortStatus, Status,
    UplinkStatus, WorkerStatus,
};

/// The largest request body that a host reads, in octets.
pub const BODY_BYTES_MAX: usize = 1 << 20;

/// Where hosts put their sockets unless the configuration says otherwise.
pub const SOCKET_DIR: &str = "/run/understudy";

/// Where [`Status`] is read.
pub const STATUS_PATH: &str = "/v1/status";

/// Where a [`MappingBatch`] is posted.
pub const MAPPINGS_PATH: &str = "/v1/mappings";

/// The socket of the host called `name`, unless its configuration says otherwise.
#[must_use]
pub fn socket_path(name: &str) -> PathBuf {
    PathBuf::from(SOCKET_DIR).join(format!("{name}.sock"))
}
