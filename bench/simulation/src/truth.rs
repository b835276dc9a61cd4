//! Who may speak: worked out from records and acknowledgements by the rules' own words, beside the
//! agents and without asking them, so that an agent which is too generous is caught.

use std::collections::BTreeMap;
use std::time::Duration;

use messages::{BootId, Epoch, GroupState, MemberState, SignedRecord, Time};

use crate::naming::Host;
use crate::packet::Silence;

/// What one life of a host has seen of a group, as far as it bears on whether it may speak.
#[derive(Clone, Debug)]
pub struct Tenure {
    host: Host,
    boot: BootId,
    lease: Option<Duration>,
    record: Option<SignedRecord>,
    since: Epoch,
    acknowledged: BTreeMap<Host, Time>,
    joining_since: BTreeMap<Host, Epoch>,
    resigned: Option<u64>,
    /// The epoch of the planned move for which it said that its output has stopped.
    frozen: Option<Epoch>,
}

impl Tenure {
    /// A life that has seen nothing. Without `lease` the owner goes on when nobody answers.
    #[must_use]
    pub const fn new(host: Host, boot: BootId, lease: Option<Duration>) -> Self {
        Self {
            host,
            boot,
            lease,
            record: None,
            since: Epoch { term: 0, seq: 0 },
            acknowledged: BTreeMap::new(),
            joining_since: BTreeMap::new(),
            resigned: None,
            frozen: None,
        }
    }

    /// The record that the host has installed last.
    #[must_use]
    pub const fn record(&self) -> Option<&SignedRecord> {
        self.record.as_ref()
    }

    /// It installs a record.
    pub fn installs(&mut self, signed: &SignedRecord) {
        let before = self.record.as_ref().map(|before| &before.record);
        let record = &signed.record;
        if before.is_some_and(|before| before.epoch == record.epoch) {
            return;
        }
        if before.is_none_or(|before| before.generation != record.generation) {
            self.since = record.epoch;
            self.acknowledged.clear();
            self.joining_since.clear();
        }
        // A joining member counts from its first acknowledgement of each epoch that lists it so.
        for member in &record.members {
            if member.state == MemberState::Joining
                && let Some(host) = Host::of(member.host)
            {
                self.acknowledged.remove(&host);
                self.joining_since.insert(host, record.epoch);
            }
        }
        self.record = Some(signed.clone());
    }

    /// A member acknowledges, at this epoch, the heartbeat that this host sent then. A joining
    /// member does not begin to count by a heartbeat of which half of a lease is over.
    pub fn hears(&mut self, member: Host, epoch: Epoch, sent: Time, now: Time) {
        let present = self.record.as_ref().map(|record| record.record.epoch);
        let joining_since = self.joining_since.get(&member).copied();
        let since = self.since.max(joining_since.unwrap_or_default());
        let begins = joining_since.is_some() && !self.acknowledged.contains_key(&member);
        if begins && self.lease.is_some_and(|lease| sent.after(lease / 2) < now) {
            return;
        }
        if epoch >= since && present.is_some_and(|present| epoch <= present) {
            let last = self.acknowledged.entry(member).or_insert(sent);
            *last = (*last).max(sent);
        }
    }

    /// It says that its guest is gone.
    pub fn resigns(&mut self) {
        self.resigned = self.record.as_ref().map(|record| record.record.generation);
    }

    /// It says that its output has stopped for the planned move of this epoch.
    pub const fn freezes(&mut self, epoch: Epoch) {
        self.frozen = Some(epoch);
    }

    /// Why it must not speak at this time of its clock; `None` if it may.
    #[must_use]
    pub fn silence(&self, now: Time) -> Option<Silence> {
        let record = match &self.record {
            Some(signed) => &signed.record,
            None => return Some(Silence::NotOwner),
        };
        if !record
            .owner
            .is_some_and(|owner| owner.host == self.host.id() && owner.boot == self.boot)
        {
            return Some(Silence::NotOwner);
        }
        if self.resigned == Some(record.generation) {
            return Some(Silence::Resigned);
        }
        // Until it says so, its guest may answer what it got before.
        let moving = matches!(record.state, GroupState::Handover { .. });
        if moving && self.frozen == Some(record.epoch) {
            return Some(Silence::Frozen);
        }
        let lease = self.lease?;
        for member in &record.members {
            if member.host == self.host.id() {
                continue;
            }
            let last = Host::of(member.host).and_then(|host| self.acknowledged.get(&host));
            match (member.state, last) {
                (MemberState::Removed, _) | (MemberState::Joining, None) => (),
                (MemberState::InSync, None) => return Some(Silence::NeverAcknowledged),
                (MemberState::InSync | MemberState::Joining, Some(last)) => {
                    if now >= last.after(lease) {
                        return Some(Silence::LeaseOver);
                    }
                }
            }
        }
        None
    }
}

#[cfg(test)]
mod tests;
