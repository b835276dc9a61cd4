//! How much does the manager hold? Everything that grows with what others say is counted, so that a
//! bound on it can be asserted.

use super::Manager;
use super::group::Group;

impl Manager {
    /// Entries in everything that grows: what is held of each host, of each host in each group, and
    /// of answers that were given.
    #[must_use]
    pub fn footprint(&self) -> usize {
        let groups: usize = self.groups.values().map(Group::footprint).sum();
        groups + self.hosts.footprint() + self.answers.footprint()
    }
}

impl Group {
    fn footprint(&self) -> usize {
        let members = self
            .record
            .as_ref()
            .map_or(0, |signed| signed.record.members.len());
        let heard = self.reported.len()
            + self.tracks.len()
            + self.suspicions.len()
            + self.withdrawn.len()
            + self.joins.len()
            + self.overdue.len()
            + self.first_acks.len();
        let noted = self.left.len() + self.demoted.len() + self.newly_told.len();
        let asked = self
            .probes
            .as_ref()
            .map_or(0, super::promotion::Probes::footprint);
        1 + members + self.pushes.footprint() + heard + noted + asked
    }
}
