//! A new owner tells those who sent to the address of late, and the members, that it is one.

use std::collections::BTreeSet;

use messages::body::Body;
use messages::{Epoch, HostId, MemberState};

use super::context::Context;
use super::group::{Group, State};
use crate::config::ANNOUNCE_WAIT;
use crate::note::Fact;
use crate::retry::Retry;

impl Group {
    /// Joining members are told and not waited for. The deposed owner is one: dead as a rule, it
    /// would cost W each time; the manager's push comes again as often as it takes.
    pub(super) fn begin_announcement(&mut self, cx: &mut Context<'_>) {
        let mut hosts: BTreeSet<HostId> = self.partners(cx.host).into_iter().collect();
        hosts.extend(self.senders.iter().copied().filter(|host| *host != cx.host));
        hosts.retain(|host| cx.peers.is_open(*host));
        let count = hosts.len();
        let (joining, hosts): (BTreeSet<_>, BTreeSet<_>) = hosts
            .into_iter()
            .partition(|host| self.listed(*host) == Some(MemberState::Joining));
        if let Some(record) = &self.record {
            for host in joining {
                let record = record.clone();
                cx.send(host, Body::Announce { record });
            }
        }
        if let State::Owner(owner) = &mut self.state {
            owner.waiting_for = hosts;
            owner.announced_until = cx.now.after(ANNOUNCE_WAIT);
            owner.announce = Retry::steady(cx.now, self.config.timers.interval.min(ANNOUNCE_WAIT));
        }
        cx.note(self.id(), self.epoch(), Fact::Announced { hosts: count });
        self.announce(cx);
    }

    /// Says the grant to those who have not acknowledged it.
    pub(super) fn announce(&mut self, cx: &mut Context<'_>) {
        let (State::Owner(owner), Some(record)) = (&mut self.state, &self.record) else {
            return;
        };
        if !owner.waiting_for.is_empty() && owner.announce.is_due(cx.now) {
            for host in &owner.waiting_for {
                let record = record.clone();
                cx.send(*host, Body::Announce { record });
            }
        }
    }

    /// A host has the record of this epoch on its disk.
    pub(super) fn announcement_acked(&mut self, from: HostId, epoch: Epoch, cx: &mut Context<'_>) {
        if self.epoch() != Some(epoch) {
            return;
        }
        let (id, epoch) = (self.id(), self.epoch());
        if let State::Owner(owner) = &mut self.state
            && owner.waiting_for.remove(&from)
        {
            cx.note(id, epoch, Fact::AnnounceAcked { host: from });
            self.refresh_lease(cx);
        }
    }
}
