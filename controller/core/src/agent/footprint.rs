//! How much does an agent hold? Everything that grows with what others say is counted, so that a
//! bound on it can be asserted.

use super::Agent;
use super::group::{Group, State};

impl Agent {
    /// Entries in everything that grows: what is held of each host, of each member of each group,
    /// and of probes and requests under way.
    #[must_use]
    pub fn footprint(&self) -> usize {
        let groups: usize = self.groups.values().map(Group::footprint).sum();
        groups + self.partners.footprint() + self.peers.footprint() + self.relay.footprint()
    }
}

impl Group {
    fn footprint(&self) -> usize {
        let members = self
            .record
            .as_ref()
            .map_or(0, |signed| signed.record.members.len());
        let owned = match &self.state {
            State::Owner(owner) => owner.footprint(),
            State::Outside
            | State::Joining
            | State::Replica
            | State::Candidate { .. }
            | State::Fenced { .. } => 0,
        };
        let heard = self.heard_checkpoints.len() + self.counts.unsent.len() + self.senders.len();
        1 + members + self.to_acknowledge.len() + heard + owned
    }
}
