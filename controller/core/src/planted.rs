//! Slips of the protocol; `messages::planted` has the switch.

messages::slips! {
    /// A slip of the protocol.
    pub enum Slip {
        /// A new owner does not wait until its promise to the old one is over.
        PromiseIgnored,
        /// A new owner unmutes at once, neither installed nor announced.
        UnmuteFirst,
        /// A joining member is listed in-sync before the owner counts it.
        JoiningListedInSync,
        /// The manager pushes a record before it is durable.
        PushBeforeDurable,
        /// The last record to come in wins, whatever its epoch.
        LastUpdateWins,
        /// Messages of an old life of a host are taken.
        OldBootAccepted,
        /// A joining member that acknowledges is not counted in the lease.
        JoiningNotInLease,
        /// A host that boots takes its promise to be over.
        BootEndsPromise,
        /// A late acknowledgement revives an owner that resigned.
        ResignedRevived,
        /// The start of a planned move is kept in the manager's memory only.
        HandoverInMemory,
        /// An owner without a lease is not told of a member that is added and counted.
        SoloNotTold,
        /// The deposed owner stays in-sync and is counted in the new owner's lease.
        DeposedCounted,
        /// Buffered copies are released while the new owner is muted.
        ReleasedWhileMuted,
        /// A candidate that hears its owner again never withdraws.
        NeverWithdraws,
        /// A freeze ends after a while by itself.
        FreezeTimed,
        /// A candidate goes on acknowledging, and promises nothing with it.
        CandidateAcks,
        /// The lease is counted from the acknowledgement's arrival.
        LeaseFromAck,
        /// A replica counts G from when a heartbeat was sent.
        SilenceFromSend,
        /// A deposed owner acknowledges the new record before it has stopped: when it came, instead of
        /// when it is on the disk and the tables have it.
        AckBeforeSuppress,
        /// A restarted host uses what its disk holds without a confirmation.
        ProvisionalUsed,
        /// A record is acknowledged before it is on the peer's disk.
        AckBeforePersist,
        /// A grant to an earlier life of this host is taken.
        GrantToOldBoot,
        /// A restarted manager decides before a majority of the members reported.
        DecidesUnreported,
        /// The owner generation stays when the owner changes.
        GenerationKept,
    }
}
