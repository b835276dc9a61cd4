//! Signs of life, and what rides in them.

use bincode::de::Decoder;
use bincode::error::DecodeError;
use bincode::{Decode, Encode};

use crate::ids::{Epoch, GroupId, HostId};
use crate::planted::{self, Slip};
use crate::time::Time;

/// A sign of life, with what the sender knows about each group that both hosts share (to the
/// manager's host: each group that the sender is a member of or sends to).
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Heartbeat {
    /// When it was sent, on the sender's clock; repeated in the acknowledgement.
    pub sent: Time,
    /// One for each group.
    pub beats: Vec<Beat>,
}

/// What a heartbeat says about one group.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Beat {
    /// The group.
    pub group: GroupId,
    /// The epoch that the sender has installed.
    pub epoch: Epoch,
    /// What the sender is in that group.
    pub standing: Standing,
    /// Whether the sender vouches for itself. A beat without it is no sign of life.
    pub vouch: Vouch,
    /// For the in-sync test.
    pub counts: Counts,
}

/// What a host is in a group, as it sees itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Standing {
    /// No member: it only sends there.
    Outside,
    /// A member that no epoch of this life has listed, or that has not heard its owner.
    Joining,
    /// Gets copies and acknowledges heartbeats.
    Replica,
    /// Its promise is over: it acknowledges nothing.
    Candidate,
    /// Was granted the address and is not yet heard.
    Promoting,
    /// Owns the address and may transmit.
    Primary,
    /// Owns the address; its lease is over.
    Muted,
    /// Owns the address and has stopped for a planned move.
    Frozen,
    /// Owned the address and gave it up.
    Resigned,
    /// Owned the address before somebody else did, or may not take part.
    Fenced,
}

/// Whether a host vouches for itself in a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Vouch {
    /// Every worker advanced since the last heartbeat, and the guest's port is up.
    Good,
    /// A worker did not advance.
    WorkerStalled,
    /// The guest's port is down.
    PortDown,
}

/// Copies as one host counts them, in packets since its daemon started.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Counts {
    /// Copies that this host took for its member.
    pub received: u64,
    /// Copies for its member that this host lost: no room in a buffer or queue, or too old.
    pub lost: u64,
    /// Copies that came from the owner's host; with primary fan-out they are a sign of life.
    pub from_owner: u64,
    /// Copies that this host could not send, by member: over budget, or no room in a queue.
    pub unsent: Vec<Unsent>,
    /// The newest checkpoint: at a replica the newest mark obeyed, at the owner the newest complete.
    pub checkpoint: u64,
}

/// Copies to one member that a host could not send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Unsent {
    /// The member.
    pub member: HostId,
    /// Packets since the sender's daemon started.
    pub packets: u64,
}

/// The answer to one heartbeat.
#[derive(Clone, Debug, PartialEq, Eq, Encode)]
pub struct HeartbeatAck {
    /// From the heartbeat.
    pub echo: Time,
    /// When it was answered, on the answering host's clock.
    pub now: Time,
    /// The groups whose owner may count on the answering host's silence from now on: it is a
    /// member, at that same epoch, and no candidate.
    pub acked: Vec<(GroupId, Epoch)>,
}

// Read field by field, as it would be derived, so that a slip can be planted.
impl<Context> Decode<Context> for HeartbeatAck {
    fn decode<D: Decoder<Context = Context>>(from: &mut D) -> Result<Self, DecodeError> {
        let (mut echo, mut now) = Decode::decode(from)?;
        if planted::is_on(Slip::EchoExchanged) {
            std::mem::swap(&mut echo, &mut now);
        }
        let acked = Decode::decode(from)?;
        Ok(Self { echo, now, acked })
    }
}

bincode::impl_borrow_decode!(HeartbeatAck);
