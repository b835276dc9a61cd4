//! What the tables and the workers are told about a group.

use messages::{HostId, SignedRecord, Time};

/// One group as this host's tables are to hold it from now on. It replaces what they held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupInstall {
    /// The record by which packets are judged.
    pub record: SignedRecord,
    /// Whether the record is known to hold in this life of the daemon. If not (it was read back
    /// from disk), the tables treat the group as owned by nobody: they send nothing to its address
    /// and accept nothing from it.
    pub confirmed: bool,
    /// The role of the group's member on this host; `None` if it has none.
    pub local: Option<LocalRole>,
    /// Where a copy goes, this host perhaps among them, of what this host sends to the address
    /// (sender fan-out), or, if it is the owner's, of what it receives for it (primary fan-out).
    pub copies_to: Vec<HostId>,
    /// Whether a replica keeps its copies instead of delivering them.
    pub buffer: bool,
    /// Copies received before this, on this host's clock, are covered by a checkpoint or belong to
    /// the old owner's guest: discard them.
    pub discard_before: Option<Time>,
    /// The only host from which the new owner takes copies after a planned move, and until when.
    pub copy_from: Option<CopyFrom>,
}

/// The role of the local member of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LocalRole {
    /// Gets copies; nothing of it leaves its port.
    Replica,
    /// Owns the address. Whether it may transmit is the lease's to say.
    Primary {
        /// Whether everything for it is queued: before it is unmuted, and in a planned move.
        hold: bool,
    },
    /// Neither gets nor sends; packets for it are dropped and their senders told.
    Fenced,
    /// The old owner after a planned move: what it queued and what comes late (but no copies) goes
    /// to the new owner.
    Forwarding {
        /// The new owner's host.
        to: HostId,
        /// Until then, on this host's clock.
        until: Time,
    },
}

/// The host from which alone a new owner takes copies after a planned move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CopyFrom {
    /// The old owner's host.
    pub host: HostId,
    /// Until then, on this host's clock.
    pub until: Time,
}

/// Until when the owner's guest on this host may transmit. Workers compare it once a burst.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lease {
    /// It may not.
    Muted,
    /// Until then, on this host's clock, one burst and one drain of the transmit ring early.
    Until(Time),
    /// There is no lease: nobody could take the address over, or `on_isolation = "continue"`.
    Unlimited,
}
