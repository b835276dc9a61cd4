//! The planted mistakes: each takes one sentence of the protocol away.

/// One mistake. The rule of docs/failover.md in parentheses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slip {
    /// The manager sends a record before its disk has it (1).
    PushBeforeWrite,
    /// Whatever record arrives is installed, older ones too (8).
    LastUpdateWins,
    /// Records and acknowledgements from before a restart count after it (8, 10).
    StaleSession,
    /// A receiver compares the source host, but not the generation in the packet (8).
    NoSourceTag,
    /// A receiver compares neither (8).
    NoSourceCheck,
    /// A joining member's acknowledgements do not bound the lease (2).
    JoinerNotLeased,
    /// A host that boots owes nothing for what it acknowledged before (3).
    BootEndsPromise,
    /// An acknowledgement raises the deadline of an owner that resigned (resignation).
    LateAckRevives,
    /// The lease is counted from the receipt of the acknowledgement (2).
    LeaseFromReceipt,
    /// The lease is as long as the promise: clocks are thought to run alike (2).
    LeaseIgnoresDrift,
    /// The new owner waits for the acknowledgement of the one it replaced (3).
    DeposedInLease,
    /// A member under a new owner does not count G from its install (3).
    InstallEndsPromise,
    /// The new owner speaks before its members acknowledged its epoch (3).
    NewOwnerSkipsMembers,
    /// A host that is fenced forgets what it acknowledged before (5, 11).
    FencingEndsPromise,
    /// A candidate acknowledges heartbeats without taking its suspicion back (2, 5).
    CandidateAcknowledges,
    /// A grant is followed at once, whenever the last acknowledgement was (5).
    GrantIgnoresPromise,
    /// An owner is left alone by a record that still lets the other be promoted (4).
    SoloStillPromotable,
    /// A member is in sync as soon as the manager lists it, unheard by the owner (3).
    OwnerNeverHearsOfJoiner,
    /// A resignation counts though the owner never spoke in its generation (resignation).
    UnheardResignation,
    /// The manager takes one owner's resignation for the next one's too (resignation).
    ResignationOutlivesOwner,
    /// A receiver acknowledges an epoch that is not on its disk yet (10).
    AckBeforePersist,
    /// A grant is good for whatever boot of the host finds it (10).
    GrantForAnyBoot,
}
