//! Replicated addresses: how a group is doing, and what an operator may ask of it.

use std::fmt;
use std::net::Ipv4Addr;
use std::str::FromStr;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::{ApiError, ErrorKind, NetworkRef};

/// A group as the asked host knows it: the answer to `GET /v1/groups/{network}/{address}`.
///
/// Counters are monotonic across restarts of the daemon: they are what a provider bills.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupStatus {
    /// The network's name.
    pub network: String,
    /// The network's 24-bit id.
    pub network_id: u32,
    /// The virtual address.
    pub address: Ipv4Addr,
    /// The newest point of the group's history that this host knows: `TERM.SEQUENCE`, such as
    /// `1.17`; none before the first record arrived.
    pub epoch: Option<String>,
    /// Owner generation: changes of owner, counted from 1.
    pub generation: u64,
    /// The host that owns the address.
    pub owner: Option<String>,
    /// What the group is going through.
    pub state: GroupState,
    /// Where a planned move goes, while there is one.
    pub handover_to: Option<String>,
    /// The manager or a live owner confirmed the record since this daemon started; before that it
    /// is what was persisted.
    pub confirmed: bool,
    /// What the asked host is in this group.
    pub role: GroupRole,
    /// How long the asked host may still send as the primary; none where it is not the primary.
    pub lease: Option<Lease>,
    /// The members in the order of their rank, the owner among them.
    pub members: Vec<MemberStatus>,
    /// What is buffered on the asked host; none where it has no member.
    pub buffer: Option<BufferStatus>,
    /// The newest complete checkpoint, 0 before the first.
    pub checkpoint: u64,
    /// How the group works, from the configuration.
    pub settings: GroupSettings,
    /// Where the record differs from the configuration, a sentence each.
    pub difference: Vec<String>,
}

/// What a group is going through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GroupState {
    /// An owner, and replicas in sync that renew its lease.
    Active,
    /// An owner without a replica in sync: it is not protected, and has no lease.
    Solo,
    /// A planned move is under way.
    Handover,
    /// Nobody owns the address until an operator decides.
    NoOwner,
    /// The asked host has no record yet.
    Unknown,
}

/// What a host is in a group (FAILOVER, states).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GroupRole {
    /// Not a member: it only sends to the group, or decides about it.
    None,
    /// Booted, and not yet told what it is.
    Joining,
    /// Gets copies and is silent.
    Replica,
    /// A replica that has lost the primary and waits for a decision.
    Candidate,
    /// Was promoted and waits until the others know.
    Promoting,
    /// Owns the address.
    Primary,
    /// Owns the address and is silent, because its lease is over or has not begun.
    Muted,
    /// Was deposed: everything of it is refused.
    Fenced,
}

/// How long a primary may send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Lease {
    /// Not at all.
    Muted,
    /// Until then, unless it is renewed.
    Running {
        /// What is left of it, in milliseconds.
        remaining_ms: u64,
    },
    /// Without end: no replica is in sync.
    Unlimited,
}

/// A member of a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberStatus {
    /// Its host.
    pub host: String,
    /// Its node's name in the configuration; none if it was added at run time and has none.
    pub node: Option<String>,
    /// Its place in the order of promotion, from 1.
    pub rank: u32,
    /// Whether it may follow the owner.
    pub state: MemberState,
    /// It owns the address.
    pub owner: bool,
    /// What the asked host has sent to it as a replica; none if it makes no copies for it.
    pub copies: Option<CopyStatus>,
    /// When it last acknowledged the primary, in milliseconds before now; known on the primary's
    /// host only.
    pub acknowledged_ms: Option<u64>,
    /// The newest checkpoint's mark that it has taken, where that is known.
    pub mark: Option<u64>,
}

/// Whether a member may follow the owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MemberState {
    /// New or returning: gets copies and may not be promoted.
    Joining,
    /// May be promoted; the owner's lease depends on it.
    InSync,
    /// Gone until it is added again.
    Removed,
}

/// Copies that a host has made for one replica.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CopyStatus {
    /// Packets sent.
    pub packets: u64,
    /// Octets of those, IPv6 header included.
    pub bytes: u64,
    /// Packets that the budget did not allow.
    pub over_budget: u64,
}

/// The buffer of a member.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BufferStatus {
    /// Packets in it now.
    pub packets: u64,
    /// Octets of those.
    pub bytes: u64,
    /// The age of the oldest in milliseconds; none where it is empty.
    pub oldest_ms: Option<u64>,
    /// Packets given to the guest after a promotion.
    pub released: u64,
    /// Packets that a checkpoint covered.
    pub discarded: u64,
    /// Packets that were too old.
    pub expired: u64,
    /// Packets that found no room.
    pub full: u64,
}

/// How a group works.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupSettings {
    /// `deliver` or `buffer`.
    pub copies: String,
    /// `sender` or `primary`.
    pub fan_out: String,
    /// Between two heartbeats, in milliseconds.
    pub interval_ms: u64,
    /// Intervals until a host counts as lost.
    pub detect_mult: u32,
    /// `mute` or `continue`.
    pub on_isolation: String,
}

/// A group on the wire and in the tables: what the server hands to the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GroupKey {
    /// The network's 24-bit id.
    pub network: u32,
    /// The virtual address.
    pub address: Ipv4Addr,
}

/// A group as a person names it: `NETWORK/ADDRESS`, or `NETWORK/NODE` with any of its members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupRef {
    /// The network.
    pub network: NetworkRef,
    /// The address or a member.
    pub member: MemberRef,
}

/// What names a group within its network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MemberRef {
    /// The address itself.
    Address(Ipv4Addr),
    /// The name of a node that is a member.
    Node(String),
}

impl GroupRef {
    /// Whether that is the group it means.
    #[must_use]
    pub fn means(&self, group: &GroupStatus) -> bool {
        let network = match &self.network {
            NetworkRef::Id(id) => *id == group.network_id,
            NetworkRef::Name(name) => *name == group.network,
        };
        network
            && match &self.member {
                MemberRef::Address(address) => *address == group.address,
                MemberRef::Node(name) => {
                    let mut members = group.members.iter();
                    members.any(|member| member.node.as_ref() == Some(name))
                }
            }
    }
}

impl fmt::Display for GroupRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.member {
            MemberRef::Address(address) => write!(f, "{}/{address}", self.network),
            MemberRef::Node(name) => write!(f, "{}/{name}", self.network),
        }
    }
}

impl FromStr for GroupRef {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (network, member) = text.split_once('/').ok_or_else(|| {
            format!("group {text:?} is not NETWORK/ADDRESS, as in z/10.0.0.3, nor NETWORK/NODE")
        })?;
        let network = network.parse()?;
        let member = match (member.parse(), member.parse()) {
            (Ok(address), _) => MemberRef::Address(address),
            // The names of nodes follow the rules of networks' names.
            (_, Ok(NetworkRef::Name(name))) => MemberRef::Node(name),
            _ => {
                return Err(format!(
                    "{member:?} in group {text:?} is neither an IPv4 address nor a node's name"
                ));
            }
        };
        Ok(Self { network, member })
    }
}

/// What an operator may ask of a group: the last part of the path, and the body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupRequest {
    /// Makes a replica the owner at once, whatever the owner says: for an owner that is gone.
    Promote(Promote),
    /// Moves the address without losing a packet; both hosts take part.
    Move(Move),
    /// Marks a checkpoint: replicas discard the copies that it covers.
    Checkpoint,
    /// Adds a member, which joins and is in sync once it acknowledged.
    AddMember(AddMember),
    /// Removes a member that is not the owner.
    RemoveMember(RemoveMember),
    /// Makes members and ranks those of the configuration; the owner stays where it is.
    ResetToConfig,
}

/// The body of `promote`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Promote {
    /// The new owner's host; by default the best member that is in sync.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// The operator vouches that the old owner is off: then it is done also where the manager
    /// cannot know that, and with a member that is not in sync.
    pub fenced: bool,
}

/// The body of `move`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Move {
    /// The new owner's host; by default the best member that is in sync.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
}

/// The body of `add-member`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AddMember {
    /// The member's host.
    pub host: String,
    /// Its place in the order of promotion, from 1; by default the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rank: Option<u32>,
}

/// The body of `remove-member`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RemoveMember {
    /// The member's host.
    pub host: String,
}

/// What became of a request to a group, or of `raise-term`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {
    /// The group's history after it, such as `1.18`; none where no record changed.
    pub epoch: Option<String>,
    /// The owner's host after it.
    pub owner: Option<String>,
    /// The number of the checkpoint that was marked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoint: Option<u64>,
    /// The flight record of the change of owner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flight: Option<String>,
    /// What has happened, in one sentence.
    pub note: String,
}

impl GroupRequest {
    /// Every action, as it stands in a path.
    pub const ACTIONS: [&'static str; 6] = [
        "promote",
        "move",
        "checkpoint",
        "add-member",
        "remove-member",
        "reset-to-config",
    ];

    /// The action of this request, as it stands in a path.
    #[must_use]
    pub fn action(&self) -> &'static str {
        let [promote, go, checkpoint, add, remove, reset] = Self::ACTIONS;
        match self {
            Self::Promote(_) => promote,
            Self::Move(_) => go,
            Self::Checkpoint => checkpoint,
            Self::AddMember(_) => add,
            Self::RemoveMember(_) => remove,
            Self::ResetToConfig => reset,
        }
    }

    /// Reads the body of `action`; an empty one is `{}`. `None` for an action that there is not.
    ///
    /// # Errors
    /// A sentence that says what the body should be.
    pub fn from_json(action: &str, body: &[u8]) -> Option<Result<Self, ApiError>> {
        Some(match action {
            "promote" => read(action, body).map(Self::Promote),
            "move" => read(action, body).map(Self::Move),
            "checkpoint" => read(action, body).map(|Nothing {}| Self::Checkpoint),
            "add-member" => read(action, body).map(Self::AddMember),
            "remove-member" => read(action, body).map(Self::RemoveMember),
            "reset-to-config" => read(action, body).map(|Nothing {}| Self::ResetToConfig),
            _ => return None,
        })
    }

    /// The body that says this.
    ///
    /// # Errors
    /// None in practice: strings and numbers become JSON.
    pub fn to_json(&self) -> Result<Vec<u8>, serde_json::Error> {
        match self {
            Self::Promote(body) => serde_json::to_vec(body),
            Self::Move(body) => serde_json::to_vec(body),
            Self::AddMember(body) => serde_json::to_vec(body),
            Self::RemoveMember(body) => serde_json::to_vec(body),
            Self::Checkpoint | Self::ResetToConfig => serde_json::to_vec(&Nothing {}),
        }
    }
}

/// The body of an action that needs none.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

fn read<T: DeserializeOwned>(action: &str, body: &[u8]) -> Result<T, ApiError> {
    let body = if body.is_empty() { b"{}" } else { body };
    serde_json::from_slice(body).map_err(|error| {
        let form = match action {
            "promote" => r#"{"to": HOST, "fenced": true or false}, both may be left out"#,
            "move" => r#"{"to": HOST}, which may be left out"#,
            "add-member" => r#"{"host": HOST, "rank": NUMBER}, the rank may be left out"#,
            "remove-member" => r#"{"host": HOST}"#,
            _ => "{} or nothing",
        };
        let message = format!("the body of {action} cannot be read: {error}; write {form}");
        ApiError::new(ErrorKind::Malformed, message)
    })
}
