//! The flight record of a change of owner: what each host saw, and when.
//!
//! Times are microseconds from one zero, negative before it. Hosts' clocks are not alike, so each
//! host's times carry an uncertainty: two moments on different hosts that are closer than the sum
//! of both have no known order.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::BufferStatus;

/// A change of owner, put together from what all hosts have reported: `GET /v1/flights/{id}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlightRecord {
    /// Names the record: 1 to 100 of `a-z A-Z 0-9 . _ -`.
    pub id: String,
    /// The group, as `NETWORK/ADDRESS`.
    pub group: String,
    /// When the zero of all times was, in milliseconds since 1970 by the clock of `time_base.host`.
    pub started_unix_ms: u64,
    /// Why the owner changed: a word such as `host_lost`, for programs.
    pub cause: String,
    /// The same in one sentence, for people.
    pub text: String,
    /// The owner before.
    pub from: Option<String>,
    /// The owner after.
    pub to: Option<String>,
    /// The epoch before, such as `1.17`.
    pub epoch_before: Option<String>,
    /// The epoch that made the change.
    pub epoch_after: Option<String>,
    /// The owner generation after it.
    pub generation_after: u64,
    /// Between two heartbeats, in milliseconds.
    pub interval_ms: u64,
    /// Intervals until a host counts as lost.
    pub detect_mult: u32,
    /// What the times count from.
    pub time_base: TimeBase,
    /// When the first answer of the new owner was taken by a receiver.
    pub first_answer_us: Option<i64>,
    /// What each host reported, those first that matter most.
    pub hosts: Vec<FlightHost>,
    /// Hosts that should have reported and have not.
    pub missing: Vec<String>,
    /// Packets to and from the address during the flight, by what became of them, over all hosts
    /// that reported.
    pub packets_by_fate: BTreeMap<String, u64>,
}

/// The zero of a record's times.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimeBase {
    /// The host whose clock the others were compared with.
    pub host: String,
    /// What happened at zero, in a few words.
    pub zero: String,
}

/// What one host has reported.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlightHost {
    /// Its name.
    pub host: String,
    /// What it was in the flight, in a few words: `old primary`, `new primary`, `manager`, `sender`.
    pub part: String,
    /// How far its times may be off, in microseconds either way.
    pub uncertainty_us: u64,
    /// The epoch that it held before and after.
    pub epochs: [Option<String>; 2],
    /// The version of its tables before and after.
    pub table_versions: [u64; 2],
    /// Its member's buffer at the end; none where it has no member.
    pub buffer: Option<BufferStatus>,
    /// What lasted.
    pub spans: Vec<FlightSpan>,
    /// What happened, in order.
    pub entries: Vec<FlightEntry>,
}

/// Something that lasted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlightSpan {
    /// What it was.
    pub kind: SpanKind,
    /// From when.
    pub from_us: i64,
    /// Until when.
    pub until_us: i64,
    /// In a few words.
    pub text: String,
}

/// What can last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SpanKind {
    /// The primary held its lease.
    Lease,
    /// Nothing was heard of the primary.
    Silence,
    /// The owner was mute: its output was dropped and counted.
    Muted,
    /// Packets to the address were kept back: a freeze, or a new owner that waits.
    Hold,
    /// Kept packets went to the guest.
    Release,
    /// A hook ran.
    Hook,
    /// The new owner's answers were taken.
    Answering,
    /// A kind of a later release.
    #[serde(other)]
    Other,
}

/// Something that happened at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlightEntry {
    /// When.
    pub at_us: i64,
    /// What sort: a word such as `suspect`, `decided`, `granted`, `installed`, `acknowledged`,
    /// `unmuted`, `fenced`, `first_answer`.
    pub kind: String,
    /// In a few words.
    pub text: String,
}

/// A line of `GET /v1/flights`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlightSummary {
    /// Names the record.
    pub id: String,
    /// The group, as `NETWORK/ADDRESS`.
    pub group: String,
    /// When it began, in milliseconds since 1970.
    pub started_unix_ms: u64,
    /// Why the owner changed.
    pub cause: String,
    /// The owner before.
    pub from: Option<String>,
    /// The owner after.
    pub to: Option<String>,
    /// From zero to the first answer that was taken, in microseconds.
    pub first_answer_us: Option<i64>,
}

impl FlightRecord {
    /// What a list says of it.
    #[must_use]
    pub fn summary(&self) -> FlightSummary {
        FlightSummary {
            id: self.id.clone(),
            group: self.group.clone(),
            started_unix_ms: self.started_unix_ms,
            cause: self.cause.clone(),
            from: self.from.clone(),
            to: self.to.clone(),
            first_answer_us: self.first_answer_us,
        }
    }
}

/// Whether a record may have this id: it becomes part of paths and of file names.
#[must_use]
pub fn is_flight_id(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    (1..=100).contains(&text.len()) && text.bytes().all(allowed) && !text.starts_with('.')
}
