//! What an operator may ask a host: requests and answers of the local API.
//!
//! A host answers HTTP/1.1 on one unix socket, `/run/understudy/NAME.sock`, and on nothing else:
//!
//! | request | body | answer |
//! |---|---|---|
//! | `GET /v1/status` | | [`Status`] |
//! | `POST /v1/mappings` | [`MappingBatch`] | [`Applied`] |
//! | `GET /v1/groups` | | a list of [`GroupStatus`] |
//! | `GET /v1/groups/{network}/{address}` | | [`GroupStatus`] |
//! | `POST /v1/groups/{network}/{address}/{action}` | see [`GroupRequest`] | [`Done`] |
//! | `POST /v1/manager/raise-term` | | [`Done`] |
//! | `GET /v1/events?follow=1&since=N` | | [`Event`] in JSON, one a line |
//! | `GET /v1/flights` | | a list of [`FlightSummary`] |
//! | `GET /v1/flights/{id}` | | [`FlightRecord`] |
//!
//! In a path `{network}` is a name or an id, and instead of `{address}` the name of a node will do
//! that is a member. The answer to `events` ends with the newest event, or with `follow=1` not at
//! all; a reader that is too slow loses the oldest and is told so by an event of the kind `lost`.
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

mod delay;
mod error;
mod event;
mod flight;
mod group;
mod group_request;
mod mapping;
mod status;
mod text;

#[cfg(feature = "client")]
pub mod client;
#[cfg(feature = "server")]
pub mod server;

use std::path::PathBuf;

pub use delay::{Delay, percentile_ns};
pub use error::{ApiError, ErrorKind};
pub use event::{Event, EventQuery, LOST};
pub use flight::{
    FlightEntry, FlightHost, FlightRecord, FlightSpan, FlightSummary, SpanKind, TimeBase,
    is_flight_id,
};
pub use group::{
    BufferStatus, CopyStatus, GroupRole, GroupSettings, GroupState, GroupStatus, Lease,
    MemberState, MemberStatus,
};
pub use group_request::{
    AddMember, Checkpoint, Done, GroupKey, GroupRef, GroupRequest, MemberRef, Move, Promote,
    RemoveMember,
};
pub use mapping::{AddedMappings, Applied, Mapping, MappingBatch, MappingKey, NetworkRef};
pub use status::{
    Balance, ControllerStatus, DropStatus, HostStatus, IcmpStatus, MessageStatus,
    MulticastGroupStatus, MulticastStatus, NativePeerStatus, NativeStatus, NodeStatus,
    PathMtuStatus, PortStatus, Status, UplinkStatus, WorkerStatus,
};

/// The largest request body that a host reads, in octets.
pub const BODY_BYTES_MAX: usize = 4 << 20;

/// Where hosts put their sockets unless the configuration says otherwise.
pub const SOCKET_DIR: &str = "/run/understudy";

/// Where [`Status`] is read.
pub const STATUS_PATH: &str = "/v1/status";

/// Where a [`MappingBatch`] is posted.
pub const MAPPINGS_PATH: &str = "/v1/mappings";

/// Where the list of [`GroupStatus`] is read; below it each group.
pub const GROUPS_PATH: &str = "/v1/groups";

/// Where the manager's term is raised.
pub const RAISE_TERM_PATH: &str = "/v1/manager/raise-term";

/// Where [`Event`]s are read.
pub const EVENTS_PATH: &str = "/v1/events";

/// Where the list of [`FlightSummary`] is read; below it each [`FlightRecord`].
pub const FLIGHTS_PATH: &str = "/v1/flights";

/// The socket of the host called `name`, unless its configuration says otherwise.
#[must_use]
pub fn socket_path(name: &str) -> PathBuf {
    PathBuf::from(SOCKET_DIR).join(format!("{name}.sock"))
}
