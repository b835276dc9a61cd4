//! Replicated addresses: how a group is doing.

use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

/// A group as the asked host knows it: the answer to `GET /v1/groups/{network}/{address}`.
///
/// Copies and their octets never fall, also across restarts of the daemon: they are what a provider
/// bills. Everything else counts from its start.
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

/// What a host is in a group (docs/failover.md, states).
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
    /// How long ago the newest heartbeat was sent that it acknowledged, in milliseconds: the lease
    /// counts from there. Known on the primary's host only.
    pub acknowledged_ms: Option<u64>,
    /// The newest checkpoint that it has obeyed, as far as the asked host heard; none before the
    /// first since its daemon started.
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
