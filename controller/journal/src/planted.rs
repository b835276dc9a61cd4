//! Slips that the simulator plants, one at a time, to prove that it would find them.
//!
//! They exist with the feature `planted` only. Without it [`is_on`] is `false` when the code is
//! compiled, and nothing of them is left.

/// A slip in persistence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
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

impl Slip {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::DurableBeforeSync,
        Self::DirectoryNotSynced,
        Self::SnapshotNotSynced,
        Self::BrokenChainAccepted,
        Self::MarkerIgnored,
        Self::MiddleTakenForTail,
        Self::SnapshotWithoutNewest,
    ];
}

// Of the thread: seeds run beside one another.
#[cfg(feature = "planted")]
thread_local! {
    static PLANTED: std::cell::Cell<Option<Slip>> = const { std::cell::Cell::new(None) };
}

/// Switches this slip on for the calling thread, and every other one off.
#[cfg(feature = "planted")]
pub fn plant(slip: Option<Slip>) {
    PLANTED.set(slip);
}

/// Whether this slip is switched on.
#[cfg(feature = "planted")]
#[must_use]
pub fn is_on(slip: Slip) -> bool {
    PLANTED.get() == Some(slip)
}

/// Whether this slip is switched on: never.
#[cfg(not(feature = "planted"))]
#[inline(always)]
#[must_use]
pub const fn is_on(_slip: Slip) -> bool {
    false
}

#[cfg(all(test, feature = "planted"))]
mod tests;
