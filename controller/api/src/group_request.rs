//! Replicated addresses: which one is meant, and what an operator may ask of it.

use std::fmt;
use std::net::Ipv4Addr;
use std::str::FromStr;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::{ApiError, ErrorKind, GroupStatus, NetworkRef};

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
    Checkpoint(Checkpoint),
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

/// The body of `checkpoint`: `{}`, `{"begin": true}` or `{"commit": NUMBER}`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "CheckpointBody", into = "CheckpointBody")]
pub enum Checkpoint {
    /// The state was saved already: it is marked and done at once.
    #[default]
    Whole,
    /// The owner's guest is about to be saved: its input is frozen now. Answered with a number.
    Begin,
    /// What was saved then is where a promoted guest starts from: discard what it covers.
    Commit {
        /// From the answer to `Begin`.
        number: u64,
    },
}

/// [`Checkpoint`] as it is written.
#[derive(Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct CheckpointBody {
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    begin: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    commit: Option<u64>,
}

impl TryFrom<CheckpointBody> for Checkpoint {
    type Error = &'static str;

    fn try_from(body: CheckpointBody) -> Result<Self, Self::Error> {
        match body {
            CheckpointBody {
                begin: false,
                commit: None,
            } => Ok(Self::Whole),
            CheckpointBody {
                begin: true,
                commit: None,
            } => Ok(Self::Begin),
            CheckpointBody {
                begin: false,
                commit: Some(number),
            } => Ok(Self::Commit { number }),
            CheckpointBody {
                begin: true,
                commit: Some(_),
            } => Err("a checkpoint begins first and is committed later"),
        }
    }
}

impl From<Checkpoint> for CheckpointBody {
    fn from(checkpoint: Checkpoint) -> Self {
        match checkpoint {
            Checkpoint::Whole => Self::default(),
            Checkpoint::Begin => Self {
                begin: true,
                commit: None,
            },
            Checkpoint::Commit { number } => Self {
                begin: false,
                commit: Some(number),
            },
        }
    }
}

/// The body of `add-member`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AddMember {
    /// The member's host.
    pub host: String,
    /// Its place in the order of promotion, from 1; by default the last, or where it was before.
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
            Self::Checkpoint(_) => checkpoint,
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
            "checkpoint" => read(action, body).map(Self::Checkpoint),
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
            Self::Checkpoint(body) => serde_json::to_vec(body),
            Self::ResetToConfig => serde_json::to_vec(&Nothing {}),
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
            "checkpoint" => r#"{}, {"begin": true} or {"commit": NUMBER}"#,
            "add-member" => r#"{"host": HOST, "rank": NUMBER}, the rank may be left out"#,
            "remove-member" => r#"{"host": HOST}"#,
            _ => "{} or nothing",
        };
        let message = format!("the body of {action} cannot be read: {error}; write {form}");
        ApiError::new(ErrorKind::Malformed, message)
    })
}
