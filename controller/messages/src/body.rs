//! What hosts say to each other: the vocabulary of the failover protocol (docs/failover.md).
//!
//! A body says nothing of who sent it, in which life, or whether it is genuine: sessions answer
//! that before anybody reads a body. Every signed record in a body was verified by then, too.
//! Each message may be lost, doubled, delayed and overtaken; whoever needs an answer asks again.

use bincode::de::Decoder;
use bincode::error::DecodeError;
use bincode::{Decode, Encode};

use crate::ids::{BootId, Epoch, GroupId, HostId};
use crate::planted::{self, Slip};
use crate::record::{Signature, SignedRecord};
use crate::time::Time;

/// One message's content.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Body {
    /// A sign of life, once an interval between two hosts that share a group and from every host
    /// to the manager's.
    Heartbeat(Heartbeat),
    /// The answer to one heartbeat.
    HeartbeatAck(HeartbeatAck),
    /// A member to the manager: the owner has been silent for G, and my promise is over.
    Suspect {
        /// The group.
        group: GroupId,
        /// The epoch under which the owner fell silent.
        epoch: Epoch,
        /// Counts this host's suspicions of the group, so that a withdrawal names one.
        number: u64,
    },
    /// A member to the manager: I hear the owner again.
    Withdraw {
        /// The group.
        group: GroupId,
        /// The epoch of the suspicion.
        epoch: Epoch,
        /// Withdraws the suspicion of this number and all before it.
        number: u64,
    },
    /// The owner to the manager: something of mine is broken.
    Fault {
        /// The group.
        group: GroupId,
        /// The owner's epoch.
        epoch: Epoch,
        /// What is broken.
        fault: Fault,
    },
    /// The owner to the manager: go on without these members, whose acknowledgements are overdue.
    SoloRequest {
        /// The group.
        group: GroupId,
        /// The owner's epoch. A request about an older one is answered with the present record.
        epoch: Epoch,
        /// Whose acknowledgements are one interval overdue.
        without: Vec<HostId>,
    },
    /// A member to the manager: I started anew and am to be listed as joining under a new epoch.
    Join {
        /// The group.
        group: GroupId,
        /// The epoch that this host holds.
        epoch: Epoch,
        /// Whether the machine has not rebooted and the guest kept running, so that this host,
        /// having owned the address last, may have it again where nobody else may.
        resumable: bool,
    },
    /// The owner to the manager: this joining member acknowledged a heartbeat of this epoch, and
    /// my lease counts it from now on.
    FirstAck {
        /// The group.
        group: GroupId,
        /// The epoch of the heartbeat.
        epoch: Epoch,
        /// Who acknowledged it.
        member: HostId,
        /// In which life.
        member_boot: BootId,
    },
    /// The manager to a third host: can you reach that one?
    Probe {
        /// Repeated in the result.
        number: u64,
        /// The host in question.
        target: HostId,
    },
    /// That third host to the target.
    Ping {
        /// Repeated in the answer.
        number: u64,
    },
    /// The target's answer.
    Pong {
        /// From the ping.
        number: u64,
    },
    /// The third host's answer to the manager.
    ProbeResult {
        /// From the probe.
        number: u64,
        /// The host in question.
        target: HostId,
        /// Whether it answered in time.
        alive: bool,
    },
    /// The manager to a host concerned: this was decided. To the host that it names as owner, in
    /// the life that it names, it is the grant.
    Push {
        /// What was decided.
        record: SignedRecord,
        /// Whether a new owner must wait for its own promise to be over.
        promise: Promise,
    },
    /// A new owner to members and recent senders: the same record by another way. Also a live
    /// owner's confirmation to a host that asked.
    Announce {
        /// The owner's grant.
        record: SignedRecord,
    },
    /// To a host that was heard to hold an older epoch.
    Newer {
        /// The answering host's own record.
        record: SignedRecord,
    },
    /// The answer to `Push`, `Announce` and `Newer`: installed and persisted.
    RecordAck {
        /// The group.
        group: GroupId,
        /// The epoch that is durable at the sender.
        epoch: Epoch,
    },
    /// A restarted host to the owner of its last record: is this still so?
    Ask {
        /// The group.
        group: GroupId,
        /// The epoch that the asking host holds.
        epoch: Epoch,
    },
    /// A host to the manager at the start of each session: what I hold.
    Report {
        /// At most [`REPORT_ENTRIES_MAX`] of them.
        entries: Vec<Reported>,
    },
    /// The manager has read these entries of a report.
    ReportAck {
        /// Whose entries.
        groups: Vec<GroupId>,
    },
    /// The manager to a host that reported more than the log holds: show me.
    Fetch {
        /// The group.
        group: GroupId,
    },
    /// The answer to `Fetch`. The manager decides nothing by it until an operator raises the term.
    Fetched {
        /// The answering host's record.
        record: SignedRecord,
    },
    /// The owner to a replica: what you received before this is covered by the checkpoint.
    CheckpointMark {
        /// The group.
        group: GroupId,
        /// The owner's epoch.
        epoch: Epoch,
        /// Counts the group's checkpoints.
        number: u64,
        /// On the replica's own clock. `None`: nothing can be discarded safely.
        discard_before: Option<Time>,
    },
    /// The replica has discarded.
    CheckpointAck {
        /// The group.
        group: GroupId,
        /// The epoch of the mark.
        epoch: Epoch,
        /// The checkpoint.
        number: u64,
    },
    /// The owner to the manager: every in-sync member has this checkpoint.
    CheckpointComplete {
        /// The group.
        group: GroupId,
        /// The owner's epoch.
        epoch: Epoch,
        /// The checkpoint.
        number: u64,
    },
    /// The owner to the manager, in a planned move: my output has stopped, and what comes in is
    /// queued until the next epoch.
    Frozen {
        /// The group.
        group: GroupId,
        /// The epoch whose record says `Handover`.
        epoch: Epoch,
    },
    /// An operator's request, relayed to who can answer it.
    Request {
        /// The relaying host's number for it; the same for each repetition.
        token: u64,
        /// What is asked.
        request: Request,
    },
    /// The answer to a relayed request.
    Answer {
        /// From the request.
        token: u64,
        /// What came of it.
        answer: Answer,
    },
    /// A sender to the manager: the substrate says that the owner's host is unreachable. A hint;
    /// no timing depends on it.
    Bounce {
        /// The group.
        group: GroupId,
        /// The epoch by which the packet was sent.
        epoch: Epoch,
    },
    /// A host to the manager's: what it saw of a change of owner, for the flight record. Sent once;
    /// a record of which a part is lost says whose.
    Witness(Witness),
}

/// Octets of a host's report about a change of owner, which only the program at the other end
/// reads.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Witness {
    /// The group.
    pub group: GroupId,
    /// The epoch that made the change.
    pub epoch: Epoch,
    /// Which part of the report this is, from 0.
    pub part: u8,
    /// How many there are.
    pub parts: u8,
    /// At most [`WITNESS_BYTES_MAX`] of them.
    pub octets: Vec<u8>,
}

/// The most octets of one part of a report, so that it fits a datagram.
pub const WITNESS_BYTES_MAX: usize = 960;

/// The most entries of one `Report`, so that it fits a datagram.
pub const REPORT_ENTRIES_MAX: usize = 8;

/// Which state machine a body is for. A host without a manager has only an agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recipient {
    /// The host's agent.
    Agent,
    /// The manager, on the one host that has it.
    Manager,
    /// Both: each takes from it what concerns it.
    Both,
    /// Neither: whoever writes flight records, on the manager's host.
    Recorder,
}

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

/// What an owner says is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Fault {
    /// The guest is gone. A resignation: the owner is mute until it is fenced or starts anew, and
    /// every worker has passed a loop boundary since.
    Guest {
        /// Whether it had unmuted under its present generation. If not, an older owner's lease may
        /// still run.
        unmuted: bool,
    },
    /// A worker does not advance. Evidence only.
    Worker,
}

/// What a grant says about the time for which the new owner promised its silence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Promise {
    /// It must be over first.
    Needed,
    /// The last owner is known to be mute: it resigned, was fenced by an operator, or never was.
    Waived,
    /// A planned move: the last owner has stopped, and forwards what it queued and what comes late.
    /// The copies that the new owner buffered are the old one's to forward.
    Moved {
        /// The last owner's host.
        from: HostId,
    },
}

/// What a host holds about a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Reported {
    /// The group.
    pub group: GroupId,
    /// The record's epoch; `None` if the host has never held one.
    pub held: Option<Held>,
}

/// A record in brief. The signature is deterministic, so it stands for the record's content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Held {
    /// The record's epoch.
    pub epoch: Epoch,
    /// The record's signature.
    pub signature: Signature,
}

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

impl Body {
    /// Which of a host's state machines it is for.
    #[must_use]
    pub const fn recipient(&self) -> Recipient {
        match self {
            Self::Heartbeat(_) => Recipient::Both,
            Self::Suspect { .. }
            | Self::Withdraw { .. }
            | Self::Fault { .. }
            | Self::SoloRequest { .. }
            | Self::Join { .. }
            | Self::FirstAck { .. }
            | Self::ProbeResult { .. }
            | Self::Report { .. }
            | Self::Fetched { .. }
            | Self::CheckpointComplete { .. }
            | Self::Frozen { .. }
            | Self::Bounce { .. } => Recipient::Manager,
            // A manager gets acknowledgements of its pushes, a new owner of its announcements.
            // A record that is newer than the manager's own puts its log in doubt.
            Self::RecordAck { .. } | Self::Newer { .. } => Recipient::Both,
            Self::Request {
                request: Request::Checkpoint { .. },
                ..
            } => Recipient::Agent,
            Self::Request { .. } => Recipient::Manager,
            Self::Witness(_) => Recipient::Recorder,
            Self::HeartbeatAck(_)
            | Self::Probe { .. }
            | Self::Ping { .. }
            | Self::Pong { .. }
            | Self::Push { .. }
            | Self::Announce { .. }
            | Self::Ask { .. }
            | Self::ReportAck { .. }
            | Self::Fetch { .. }
            | Self::CheckpointMark { .. }
            | Self::CheckpointAck { .. }
            | Self::Answer { .. } => Recipient::Agent,
        }
    }
}
