//! I9: memory is bounded.

use super::{Invariant, Violation, claim};
use crate::clock::Moment;
use crate::naming::Host;

/// What a host holds.
#[derive(Clone, Copy, Debug)]
pub struct Footprint {
    /// The host.
    pub host: Host,
    /// Entries that the agent holds, and records that wait for its disk.
    pub agent: usize,
    /// The same of the manager.
    pub manager: usize,
    /// Octets on its disks.
    pub disk: usize,
}

/// Entries that a state machine may hold for each pair of a group and a host.
const ENTRIES_PER_PAIR: usize = 24;
/// Octets that a host may have on its disks.
const DISK_OCTETS_MAX: usize = 4 << 20;

/// I9, for one host of a run with this many hosts and groups.
///
/// # Errors
///
/// If something has grown too large.
pub fn bounded(
    moment: Moment,
    hosts: usize,
    groups: usize,
    footprint: Footprint,
) -> Result<(), Violation> {
    let most = ENTRIES_PER_PAIR * (hosts + 1) * (groups + 1);
    claim(
        footprint.agent <= most && footprint.manager <= most && footprint.disk <= DISK_OCTETS_MAX,
        Invariant::I9,
        moment,
        || format!("{footprint:?}, and {most} entries are the most"),
    )
}
