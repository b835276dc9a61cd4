//! What happened, for the event stream and the flight record of a promotion.

use std::time::Duration;

use messages::body::{Fault, Standing, Vouch};
use messages::{BootId, Epoch, GroupId, HostId, Time};

/// One thing that an agent or the manager saw or did. The driver adds the time and the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// The group that it concerns; `None` if it concerns the host.
    pub group: Option<GroupId>,
    /// The epoch that the noting host held.
    pub epoch: Option<Epoch>,
    /// What it was.
    pub fact: Fact,
}

/// What was seen or done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    // At an agent.
    /// This host's standing in the group changed.
    Standing {
        /// Before.
        from: Standing,
        /// Now.
        to: Standing,
    },
    /// A record was put into the tables.
    Installed {
        /// Who owns the address by it.
        owner: Option<HostId>,
        /// The owner generation.
        generation: u64,
    },
    /// The record is on this host's disk.
    Persisted,
    /// The record could not be put on this host's disk; it is not acknowledged.
    PersistFailed,
    /// No vouched heartbeat of the owner came for G.
    OwnerSilent {
        /// Since the last one.
        silence: Duration,
    },
    /// The suspicion of this number was sent.
    Suspected {
        /// Its number.
        number: u64,
    },
    /// The owner was heard again, and the suspicion withdrawn.
    Withdrew {
        /// Its number.
        number: u64,
    },
    /// This host was granted the address.
    Granted {
        /// How long its own promise still runs.
        wait: Duration,
    },
    /// The grant was announced to that many hosts.
    Announced {
        /// How many.
        hosts: usize,
    },
    /// A host acknowledged the announcement.
    AnnounceAcked {
        /// Which.
        host: HostId,
    },
    /// The announcement's wait was over with that many acknowledgements missing.
    AnnounceTimedOut {
        /// How many.
        missing: usize,
    },
    /// The owner may transmit from now on.
    Unmuted,
    /// The owner's guest sent something that passed, for the first time since it was muted.
    FirstAnswer {
        /// When.
        at: Time,
    },
    /// The owner may no longer transmit.
    Muted,
    /// Buffered copies are being released to the guest.
    Released,
    /// An acknowledgement of this member is one interval overdue.
    AckOverdue {
        /// The member.
        member: HostId,
    },
    /// A joining member acknowledged its first heartbeat.
    FirstAcked {
        /// The member.
        member: HostId,
    },
    /// The guest's port changed.
    Port {
        /// Whether it is up.
        up: bool,
    },
    /// This host gave the address up: its guest is gone.
    Resigned,
    /// Output stopped and input is queued, for a planned move.
    Frozen,
    /// What this host can vouch for changed.
    Vouch {
        /// Now.
        vouch: Vouch,
    },
    /// This host itself did not run for so long; time-outs that span it accuse nobody.
    OwnStall {
        /// How late it woke.
        late: Duration,
    },
    /// A sender or peer was told that its epoch is old.
    ToldNewer {
        /// Who.
        host: HostId,
    },
    /// A message was not taken.
    Ignored {
        /// Who sent it.
        from: HostId,
        /// Why not.
        why: &'static str,
    },
    /// A hook was started.
    HookStarted,
    /// A hook ended.
    HookEnded {
        /// Whether well.
        ok: bool,
    },
    /// A checkpoint mark was obeyed, or is complete.
    Checkpoint {
        /// Its number.
        number: u64,
    },
    /// Another life of a host's daemon began.
    PeerBoot {
        /// The host.
        host: HostId,
        /// Its life.
        boot: BootId,
    },

    // At the manager.
    /// A member suspects the owner.
    SuspectHeard {
        /// Who.
        by: HostId,
        /// The suspicion's number.
        number: u64,
    },
    /// A member withdrew its suspicion.
    WithdrawHeard {
        /// Who.
        by: HostId,
    },
    /// The owner says that something of it is broken.
    FaultHeard {
        /// What.
        fault: Fault,
    },
    /// The evidence against the owner is enough.
    Evidence {
        /// Which it was.
        evidence: Evidence,
    },
    /// A third host was asked whether it reaches the owner's.
    ProbeSent {
        /// Who was asked.
        via: HostId,
    },
    /// It answered, or did not.
    ProbeAnswered {
        /// Who was asked.
        via: HostId,
        /// Whether it reaches the owner's host.
        alive: bool,
    },
    /// A promotion waits for the damping.
    Damped {
        /// For how long.
        wait: Duration,
    },
    /// A new record was made, and goes to the disk.
    Deciding {
        /// Its epoch.
        epoch: Epoch,
        /// Why.
        cause: Cause,
    },
    /// It is on the disk.
    Decided {
        /// Its epoch.
        epoch: Epoch,
        /// Who owns the address by it.
        owner: Option<HostId>,
    },
    /// It could not be written.
    NotDurable,
    /// A host acknowledged the record.
    PushAcked {
        /// Which.
        host: HostId,
    },
    /// Every host that the manager hears has acknowledged the record.
    Settled,
    /// A majority of the members reported, or an operator vouched for those that cannot: the
    /// manager decides for this group again.
    Recovered,
    /// The manager decides nothing until an operator raises the term.
    InDoubt {
        /// Why.
        doubt: Doubt,
    },
    /// A sender was told by the substrate that the owner's host is unreachable.
    Bounced {
        /// Which sender.
        by: HostId,
    },
}

/// What makes a suspicion enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// The manager has not heard the owner for G itself.
    Silence,
    /// Third hosts could not reach the owner's host.
    ProbesFailed,
    /// The owner resigned.
    Resigned,
    /// The owner's host says that a worker is stuck.
    WorkerFault,
    /// The owner's host has started anew.
    OwnerRebooted,
}

/// Why a record was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The group's first record.
    Initial,
    /// The owner is lost or has resigned.
    Promotion,
    /// The owner goes on without a member whose acknowledgements are overdue.
    MemberLost,
    /// A member suspected an owner that the manager hears.
    SuspecterDropped,
    /// A member started anew and is listed as joining.
    MemberJoining,
    /// A member fell out of sync.
    OutOfSync,
    /// A member is in sync.
    InSync,
    /// A planned move begins.
    Handover,
    /// A planned move is done.
    HandoverDone,
    /// A planned move is given up.
    HandoverAborted,
    /// Nobody may have the address.
    NoOwner,
    /// The host that owned the address last has it again.
    Regrant,
    /// An operator forced it.
    Forced,
    /// A host was added.
    MemberAdded,
    /// A member was struck.
    MemberRemoved,
    /// A spare takes a lost member's place.
    Reprotected,
    /// The configuration's members.
    Reset,
    /// An operator raised the term.
    TermRaised,
}

/// Why a manager decides nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// It has no log although it should, or one that is not this disk's.
    LogLost,
    /// A host holds a later epoch than the log.
    HostAhead {
        /// The host.
        host: HostId,
        /// Its epoch.
        epoch: Epoch,
    },
    /// A host holds another record of the same epoch.
    HostDiffers {
        /// The host.
        host: HostId,
        /// The epoch.
        epoch: Epoch,
    },
}
