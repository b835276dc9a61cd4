//! What an operator asks for, and what comes of it.

use bincode::{Decode, Encode};

use crate::ids::{Epoch, GroupId, HostId};

/// What an operator asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Request {
    /// Give the address to another member although its owner may be gone.
    Promote {
        /// The group.
        group: GroupId,
        /// To whom; `None`: the best ranked that may have it.
        to: Option<HostId>,
        /// The operator says that the last owner can no longer send (it is switched off, or cut
        /// off): then a member that is not in sync may have it, and at once.
        fenced: bool,
    },
    /// Move the address without loss from an owner that is alive.
    Move {
        /// The group.
        group: GroupId,
        /// To whom; `None`: the best ranked that is in sync.
        to: Option<HostId>,
    },
    /// A checkpoint of the primary's guest. It is answered by the owner's host.
    Checkpoint {
        /// The group.
        group: GroupId,
        /// Which part of it.
        phase: CheckpointPhase,
    },
    /// List another host as a member, joining.
    AddMember {
        /// The group.
        group: GroupId,
        /// The host.
        host: HostId,
        /// Its place among all that the record lists, from 1; `None`: where it was before, or last.
        rank: Option<u32>,
    },
    /// Strike a member that does not own the address.
    RemoveMember {
        /// The group.
        group: GroupId,
        /// The host.
        host: HostId,
    },
    /// Give the group the members that the configuration names.
    ResetToConfig {
        /// The group.
        group: GroupId,
    },
    /// Let a manager decide again whose log is lost or behind what hosts report.
    RaiseTerm,
}

/// The parts of a checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum CheckpointPhase {
    /// The primary's input is frozen now; its state is about to be copied. Answered with a number.
    Begin,
    /// The state of that number is at the replicas: discard what it covers.
    Commit {
        /// From the answer to `Begin`.
        number: u64,
    },
    /// Both at once, for replicas that need no copied state.
    Whole,
}

/// What came of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Answer {
    /// It was decided, durably.
    Decided {
        /// By this epoch.
        epoch: Epoch,
    },
    /// A checkpoint has begun.
    Marked {
        /// Its number.
        number: u64,
    },
    /// A checkpoint is complete at every in-sync member.
    Checkpointed {
        /// Its number.
        number: u64,
    },
    /// The manager may decide again.
    TermRaised {
        /// The new term.
        term: u32,
    },
    /// Nothing was done.
    Refused(Refusal),
}

/// Why nothing was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Refusal {
    /// There is no such group.
    UnknownGroup,
    /// That host is no member of the group, or not one of the fabric's hosts.
    UnknownHost,
    /// Another decision about the group is under way.
    Busy,
    /// The manager has just started and waits for the members' reports.
    Recovering,
    /// The manager's log is lost or behind what hosts report: raise the term first.
    LogInDoubt,
    /// The record could not be written.
    NotDurable,
    /// No member may have the address.
    NobodyEligible,
    /// That member is not in sync.
    NotInSync,
    /// That host owns the address already, or must not be removed because it does.
    IsOwner,
    /// Nobody owns the address.
    NoOwner,
    /// The owner may still be transmitting: say that it is fenced.
    OwnerMayLive,
    /// The address left that host less than a second ago.
    TooSoon,
    /// The group has as many members as it can have.
    TooManyMembers,
    /// That host is a member already.
    IsMember,
    /// The planned move was given up; the owner stays.
    Aborted,
    /// A replica did not confirm the checkpoint in time, or no such checkpoint has begun.
    CheckpointIncomplete,
    /// Nothing is in doubt, so the term stays.
    NothingInDoubt,
    /// Nobody answered in time.
    TimedOut,
    /// The manager does not hear that member.
    NotHeard,
}

impl Refusal {
    /// A sentence for the operator.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::UnknownGroup => "there is no such group",
            Self::UnknownHost => {
                "that host is not a member of the group, or not a host of the fabric"
            }
            Self::Busy => "another decision about the group is under way; ask again",
            Self::Recovering => {
                "the manager has just started and waits until a majority of the members reported; if the others are switched off, say so with `promote --fenced`, once the time of detection has passed"
            }
            Self::LogInDoubt => {
                "the manager's log is lost or behind what hosts report; it decides nothing until the term is raised"
            }
            Self::NotDurable => "the decision could not be written to the manager's disk",
            Self::NobodyEligible => "no member is in sync, alive and free to take the address",
            Self::NotInSync => "that member is not in sync",
            Self::IsOwner => "that host owns the address",
            Self::NoOwner => "nobody owns the address",
            Self::OwnerMayLive => {
                "the owner may still be transmitting; if it is switched off or cut off, say so with --fenced"
            }
            Self::TooSoon => "the address left that host less than a second ago",
            Self::TooManyMembers => "the group has as many members as it can have",
            Self::IsMember => "that host is a member already",
            Self::Aborted => "the move was given up, and the owner stays",
            Self::CheckpointIncomplete => {
                "a replica did not confirm the checkpoint in time, or no such checkpoint has begun"
            }
            Self::NothingInDoubt => "the manager's log is not in doubt, so the term stays",
            Self::TimedOut => "nobody answered in time",
            Self::NotHeard => "the manager does not hear that member",
        }
    }
}

impl Request {
    /// The group that it is about; `None` if it is about all.
    #[must_use]
    pub const fn group(&self) -> Option<GroupId> {
        match self {
            Self::Promote { group, .. }
            | Self::Move { group, .. }
            | Self::Checkpoint { group, .. }
            | Self::AddMember { group, .. }
            | Self::RemoveMember { group, .. }
            | Self::ResetToConfig { group } => Some(*group),
            Self::RaiseTerm => None,
        }
    }
}
