//! What the manager starts with, and what it shows of itself.

use messages::{GroupId, HostId, SignedRecord};

/// What the journal found on the disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// What state the log is in.
    pub log: LogState,
    /// The newest record of each group.
    pub records: Vec<SignedRecord>,
}

/// What state a log is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogState {
    /// There has never been one: the directory was made for it just now.
    New,
    /// Whole (a torn tail, which nobody saw, may have been cut off).
    Whole,
    /// There is none although there should be, or its chain does not end in this disk's marker.
    Lost,
}

/// A group as the manager sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManagerGroupView {
    /// The group.
    pub group: GroupId,
    /// The newest durable record.
    pub record: Option<SignedRecord>,
    /// What the manager is doing about it, in a word or two.
    pub phase: &'static str,
    /// Hosts that have not acknowledged the record.
    pub unacknowledged: Vec<HostId>,
    /// Members that the manager hears.
    pub heard: Vec<HostId>,
}
