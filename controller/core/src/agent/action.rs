//! What an agent wants done.

use messages::body::{Answer, Body};
use messages::{Epoch, GroupId, HostId, SignedRecord};

use crate::install::{GroupInstall, Lease};
use crate::note::Note;

/// What an agent wants done, in this order, before it is told anything else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AgentAction {
    /// Send this; to the own host: hand it to the local manager or agent.
    Send {
        /// To whom.
        to: HostId,
        /// What.
        body: Body,
    },
    /// Publish this in the tables. It is in force when the call returns, but a worker may be in
    /// the middle of a burst with the former tables: see `Barrier`.
    Install(GroupInstall),
    /// Set the deadline that workers compare.
    Lease {
        /// The group.
        group: GroupId,
        /// Until when.
        until: Lease,
    },
    /// Say `AgentEvent::Boundary` when every worker has passed a loop boundary from now on, its
    /// transmit ring drained.
    Barrier {
        /// Repeated in the event.
        token: u64,
    },
    /// Put this record on the disk and say `Persisted`. A later record of the same group replaces
    /// an earlier one.
    Persist {
        /// Repeated in the event.
        token: u64,
        /// The record.
        record: SignedRecord,
    },
    /// Run the configured executable.
    Hook {
        /// The group.
        group: GroupId,
        /// The epoch by which it is run.
        epoch: Epoch,
        /// What this host has become.
        role: HookRole,
    },
    /// Answer an operator.
    Answer {
        /// From `AgentEvent::Operate`.
        token: u64,
        /// What came of it.
        answer: Answer,
    },
    /// Write this to the event stream and the flight record.
    Note(Note),
}

/// What a host has become, for the hook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HookRole {
    /// The owner.
    Primary,
    /// No longer the owner.
    Demoted,
}
