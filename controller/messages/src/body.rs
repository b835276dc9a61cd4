//! What hosts say to each other: the vocabulary of the failover protocol (docs/failover.md).
//!
//! A body says nothing of who sent it, in which life, or whether it is genuine: sessions answer
//! that before anybody reads a body. Every signed record in a body was verified by then, too.
//! Each message may be lost, doubled, delayed and overtaken; whoever needs an answer asks again.

mod heartbeat;
mod request;

use bincode::{Decode, Encode};

use crate::ids::{BootId, Epoch, GroupId, HostId};
use crate::record::{Signature, SignedRecord};
use crate::time::Time;

pub use heartbeat::{Beat, Counts, Heartbeat, HeartbeatAck, Standing, Unsent, Vouch};
pub use request::{Answer, CheckpointPhase, Refusal, Request};

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
