//! Slips of persistence; `messages::planted` has the switch.

messages::slips! {
    /// A slip in persistence.
    pub enum Slip {
        /// "Durable" is answered without an fsync.
        DurableBeforeSync,
        /// Names are not synced when a snapshot takes the place of a log.
        DirectoryNotSynced,
        /// A snapshot gets its name before its octets are durable.
        SnapshotNotSynced,
        /// An entry that does not follow the one before it is taken.
        BrokenChainAccepted,
        /// The marker is not compared, so that an old or missing log passes for this disk's.
        MarkerIgnored,
        /// Whatever cannot be read is cut off like a torn tail, good entries behind it as well.
        MiddleTakenForTail,
        /// A snapshot leaves out the record with the newest epoch.
        SnapshotWithoutNewest,
    }
}

#[cfg(all(test, feature = "planted"))]
mod tests;
