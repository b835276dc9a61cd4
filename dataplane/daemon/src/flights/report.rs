//! What one host saw of a change of owner, in its own time.

use std::collections::BTreeMap;

use api::{BufferStatus, Event, GroupStatus};
use messages::{Epoch, GroupId, Time};
use serde::{Deserialize, Serialize};
use wire::drop_reason::DropReason;

/// Kinds of events that a flight record has no room for.
const NOT_TOLD: [&str; 3] = ["peer", "ignored", "checkpoint"];

/// How a host stood at one moment.
#[derive(Clone, Debug, Default)]
pub(crate) struct Around {
    /// The version of its tables.
    pub(crate) table_version: u64,
    /// Its groups.
    pub(crate) groups: Vec<GroupStatus>,
    /// Packets by what became of them, since the daemon's start.
    pub(crate) fates: BTreeMap<String, u64>,
}

/// A change of owner, as a host's records have it: before and after.
#[derive(Clone, Debug)]
pub(super) struct Change {
    pub(super) group: GroupId,
    pub(super) owners: [Option<String>; 2],
    pub(super) generations: [u64; 2],
    pub(super) epochs: [Option<Epoch>; 2],
}

/// What one host saw.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Report {
    /// What it was at the end: `primary`, `replica`, and so on.
    pub(crate) role: String,
    /// Whether it was the owner before.
    pub(crate) was_owner: bool,
    /// The owners by its records before and after.
    pub(crate) owners: [Option<String>; 2],
    /// The owner generations before and after.
    pub(crate) generations: [u64; 2],
    /// The epochs that it held before and after.
    pub(crate) epochs: [Option<String>; 2],
    /// The versions of its tables before and after.
    pub(crate) table_versions: [u64; 2],
    /// Its member's buffer at the end.
    pub(crate) buffer: Option<BufferStatus>,
    /// Packets in between, by what became of them.
    pub(crate) fates: BTreeMap<String, u64>,
    /// What it saw, by its own clock.
    pub(crate) seen: Vec<Seen>,
}

/// One thing that a host saw.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Seen {
    /// When, in nanoseconds of the host's clock.
    pub(crate) at: u64,
    /// What sort.
    pub(crate) kind: String,
    /// In words.
    pub(crate) text: String,
    /// How long before it began, in milliseconds, for what has a length.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ms: Option<u64>,
}

impl Report {
    /// What `notes` tell of a change between two moments.
    pub(super) fn new<'a>(
        change: &Change,
        notes: impl Iterator<Item = &'a (Time, Event)>,
        before: &Around,
        after: &Around,
    ) -> Self {
        let Change {
            group,
            owners,
            generations,
            epochs,
        } = change;
        let of = |around: &Around| {
            let mut groups = around.groups.iter();
            let found = groups.find(|status| {
                status.network_id == group.network && status.address == group.address()
            });
            found.cloned()
        };
        let (was, is) = (of(before), of(after));
        let told = notes.filter(|(_, event)| !NOT_TOLD.contains(&event.kind.as_str()));
        Self {
            role: is.as_ref().map_or_else(String::new, role),
            was_owner: was.is_some_and(|status| {
                status.members.iter().any(|member| member.owner)
                    && matches!(role(&status).as_str(), "primary" | "muted")
            }),
            owners: owners.clone(),
            generations: *generations,
            epochs: epochs.map(|epoch| epoch.map(|epoch| epoch.to_string())),
            table_versions: [before.table_version, after.table_version],
            buffer: is.and_then(|status| status.buffer),
            fates: difference(&before.fates, &after.fates),
            seen: told.map(|(at, event)| seen(*at, event)).collect(),
        }
    }

    pub(super) fn to_octets(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    pub(super) fn from_octets(octets: &[u8]) -> Option<Self> {
        serde_json::from_slice(octets).ok()
    }
}

/// The role as the API writes it.
fn role(status: &GroupStatus) -> String {
    match serde_json::to_value(status.role) {
        Ok(serde_json::Value::String(role)) => role,
        _ => String::new(),
    }
}

fn seen(at: Time, event: &Event) -> Seen {
    let silence = event.fields.get("silence_ms");
    Seen {
        at: at.0,
        kind: event.kind.clone(),
        text: event.text.clone(),
        ms: silence.and_then(serde_json::Value::as_u64),
    }
}

/// What rose in between; what did not is left out.
fn difference(
    before: &BTreeMap<String, u64>,
    after: &BTreeMap<String, u64>,
) -> BTreeMap<String, u64> {
    let rose = after.iter().map(|(fate, packets)| {
        let earlier = before.get(fate).copied().unwrap_or(0);
        (fate.clone(), packets.saturating_sub(earlier))
    });
    rose.filter(|(_, packets)| *packets > 0).collect()
}

/// The drops that a change of owner explains.
pub(crate) const FATES: [DropReason; 9] = [
    DropReason::DecodeFenced,
    DropReason::DecodeNoOwner,
    DropReason::DecodeStaleGeneration,
    DropReason::DecodeSpoofed,
    DropReason::DecodeDuplicateCopy,
    DropReason::EncodeMuted,
    DropReason::EncodeReplicaSilent,
    DropReason::BufferFull,
    DropReason::BufferExpired,
];
