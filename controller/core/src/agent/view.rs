//! What an agent shows of itself.

use std::collections::BTreeMap;

use messages::body::{Standing, Vouch};
use messages::{GroupId, HostId, SignedRecord, Time};

use crate::install::{Lease, LocalRole};

/// A group as an agent sees it, for `status` and `group show`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupView {
    /// The group.
    pub group: GroupId,
    /// What this host is in it.
    pub standing: Standing,
    /// The record that it holds.
    pub record: Option<SignedRecord>,
    /// Whether that record is confirmed in this life.
    pub confirmed: bool,
    /// The role in the tables.
    pub local: Option<LocalRole>,
    /// The lease, as it was last set.
    pub lease: Lease,
    /// What this host vouches for.
    pub vouch: Vouch,
    /// When the owner was last heard.
    pub owner_heard: Option<Time>,
    /// At the owner: when the newest heartbeat was sent that each member acknowledged.
    pub acknowledged: BTreeMap<HostId, Time>,
    /// The newest checkpoint that each member was heard to have obeyed.
    pub checkpoints: BTreeMap<HostId, u64>,
}
