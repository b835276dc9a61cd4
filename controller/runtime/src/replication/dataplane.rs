//! What failover asks of the packet path.

use failover::{AgentEvent, GroupInstall, Lease};
use messages::{GroupId, Time};

/// The packet path as the controller's thread sees it. No call waits.
pub trait Dataplane {
    /// Publishes a group as it is from now on. A worker may be in the middle of a burst with the
    /// former tables: see [`Dataplane::barrier`].
    fn install(&mut self, install: &GroupInstall);

    /// Sets the deadline that the worker of the group's local member compares.
    fn lease(&mut self, group: GroupId, until: Lease);

    /// From now on: [`Dataplane::observe`] tells when every worker has passed a loop boundary.
    fn barrier(&mut self, token: u64);

    /// Appends what happened since the last call: barriers passed, ports that went up or down,
    /// packets for fenced members. Called every round.
    fn observe(&mut self, now: Time, events: &mut Vec<AgentEvent>);

    /// Appends whether every worker advanced since the last call, and what the workers counted.
    /// Called once an interval.
    fn sample(&mut self, now: Time, events: &mut Vec<AgentEvent>);
}
