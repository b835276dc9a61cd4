//! What has happened on a host: a line of `GET /v1/events`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The kind of an event that stands for those which a reader was too slow for.
pub const LOST: &str = "lost";

/// Something that happened, worth telling an operator.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Counts the events of this daemon from 1.
    pub sequence: u64,
    /// When, in milliseconds since 1970 by the host's own clock.
    pub time_unix_ms: u64,
    /// The host that saw it.
    pub host: String,
    /// The group that it is about, as `NETWORK/ADDRESS`.
    pub group: Option<String>,
    /// What sort of event: a word such as `promoted`, for programs.
    pub kind: String,
    /// The event in one sentence, for people.
    pub text: String,
    /// What else is known, by name, units last.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fields: BTreeMap<String, Value>,
}

/// Which events are wanted: the query of `GET /v1/events`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EventQuery {
    /// The answer does not end: events are told as they happen. `follow=1` in the query.
    pub follow: bool,
    /// Only events after this one. A number that the daemon has not reached, left over from one
    /// that it replaced, means all.
    pub since: u64,
}
