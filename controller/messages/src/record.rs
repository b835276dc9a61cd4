//! What the decider keeps durably about a group, and signs.

use std::fmt;

use bincode::{Decode, Encode};

use crate::ids::{BootId, Epoch, FabricId, GroupId, HostId};

/// The state of a group as it was decided. Once there is a record it wins over the configuration,
/// which is the initial state only.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Record {
    /// The fabric, so that a record of another one is never taken for ours.
    pub fabric: FabricId,
    /// What it is about.
    pub group: GroupId,
    /// Which change of the record this is.
    pub epoch: Epoch,
    /// Owner generation: counts changes of owner from 1. Its low two bits travel in every packet
    /// that the owner sends.
    pub generation: u64,
    /// Who owns the address; nobody if the last owner is gone and none of the members may follow.
    pub owner: Option<Owner>,
    /// What the group is going through.
    pub state: GroupState,
    /// Every member, the owner included, in the order of their rank.
    pub members: Vec<Member>,
    /// The newest checkpoint that was complete when this was decided; 0 before the first.
    pub checkpoint: u64,
}

/// The host that owns the address, and which of its lives was granted it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Owner {
    /// The host.
    pub host: HostId,
    /// The life of its daemon. The grant is void for another one.
    pub boot: BootId,
}

/// What a group is going through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum GroupState {
    /// An owner whose lease the in-sync replicas renew.
    Active,
    /// An owner without an in-sync replica, and so without a lease.
    Solo,
    /// A planned move to this member: the owner is frozen until the next epoch.
    Handover {
        /// Who is to own the address.
        to: HostId,
    },
    /// Nobody owns the address until an operator decides.
    NoOwner,
}

/// A member of a group, which is also its host: a host holds at most one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Member {
    /// Where it runs.
    pub host: HostId,
    /// Whether it may follow the owner.
    pub state: MemberState,
}

/// Whether a member may follow the owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum MemberState {
    /// New or returning: gets copies and may not be promoted.
    Joining,
    /// May be promoted; the owner's lease depends on it.
    InSync,
    /// Gone until it is added again.
    Removed,
}

/// The manager's signature over a record's encoding (Ed25519, RFC 8032).
#[derive(Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct Signature(pub [u8; 64]);

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, ..] = self.0;
        write!(f, "Signature({a:02x}{b:02x}{c:02x}{d:02x}..)")
    }
}

/// A record that the manager vouches for. A host's pair key is enough to pass it on, not to make one.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct SignedRecord {
    /// What was decided.
    pub record: Record,
    /// By whom.
    pub signature: Signature,
}

impl Record {
    /// The state of a host's membership; `None` for a host that is no member.
    #[must_use]
    pub fn member(&self, host: HostId) -> Option<MemberState> {
        let member = self.members.iter().find(|member| member.host == host)?;
        Some(member.state)
    }

    /// Whether this host owns the address, in whichever of its lives.
    #[must_use]
    pub fn is_owned_by(&self, host: HostId) -> bool {
        self.owner.is_some_and(|owner| owner.host == host)
    }

    /// The members that get a copy of what is sent to the address: all but the owner and those
    /// that were removed.
    pub fn replicas(&self) -> impl Iterator<Item = HostId> + '_ {
        self.members
            .iter()
            .filter(|member| member.state != MemberState::Removed && !self.is_owned_by(member.host))
            .map(|member| member.host)
    }
}
