//! Who is told of a record, in which order, and who has not acknowledged it.
//!
//! Where a change adds a member, members come before senders, so that nobody sends to a host that
//! does not know what it is. A planned move is told to the new owner first: it must have discarded
//! its copies before anybody sends to it.

use std::collections::{BTreeMap, BTreeSet};

use messages::body::{Body, Promise};
use messages::{Epoch, HostId, Record, Time};

use super::context::Context;
use super::group::Group;
use crate::config::ANNOUNCE_WAIT;
use crate::note::Fact;
use crate::retry::Retry;

/// The present record's way to the hosts.
#[derive(Debug)]
pub(super) struct Pushes {
    /// Who has not acknowledged it.
    pub(super) missing: BTreeMap<HostId, Retry>,
    /// Of those, who is to have it before the others.
    first: BTreeSet<HostId>,
    promise: Promise,
    settled: bool,
}

impl Default for Pushes {
    fn default() -> Self {
        Self {
            missing: BTreeMap::new(),
            first: BTreeSet::new(),
            promise: Promise::Needed,
            settled: true,
        }
    }
}

impl Pushes {
    /// How many hosts are waited for.
    pub(super) fn footprint(&self) -> usize {
        self.missing.len() + self.first.len()
    }
}

impl Group {
    /// The record is new: everybody concerned is to have it.
    pub(super) fn plan_pushes(
        &mut self,
        before: Option<&Record>,
        promise: Promise,
        cx: &mut Context<'_>,
    ) {
        let interval = self.interval();
        let members: BTreeSet<HostId> = self.members().into_iter().collect();
        let known = |host: &HostId| {
            before.is_some_and(|record| {
                record.is_owned_by(*host) || record.replicas().any(|member| member == *host)
            })
        };
        let owner = self.record.as_ref().and_then(|signed| signed.record.owner);
        let first: BTreeSet<HostId> = match (promise, owner) {
            (Promise::Moved { .. }, Some(owner)) => BTreeSet::from([owner.host]),
            (Promise::Needed | Promise::Waived | Promise::Moved { .. }, _) => {
                if before.is_some() && !members.iter().all(known) {
                    members
                        .iter()
                        .copied()
                        .filter(|host| self.hears(*host, cx))
                        .collect()
                } else {
                    BTreeSet::new()
                }
            }
        };
        let second = if first.is_empty() {
            cx.now
        } else {
            cx.now.after(interval.max(ANNOUNCE_WAIT * 2))
        };
        let missing = self.audience().into_iter().map(|host| {
            let at = if first.contains(&host) {
                cx.now
            } else {
                second
            };
            (host, Retry::slowing(at, interval))
        });
        let missing = missing.collect();
        self.pushes = Pushes {
            missing,
            first,
            promise,
            settled: false,
        };
        self.push(cx);
    }

    /// Another life of a host: whatever it holds, it needs the manager's word in this one.
    pub(super) fn push_to(&mut self, host: HostId, now: Time) {
        if self.record.is_some() && self.audience().contains(&host) {
            let retry = Retry::slowing(now, self.interval());
            self.pushes.missing.insert(host, retry);
            self.pushes.settled = false;
        }
    }

    /// A message showed that a host holds an older record.
    pub(super) fn push_now(&mut self, host: HostId, cx: &mut Context<'_>) {
        self.push_to(host, cx.now);
        self.push(cx);
    }

    /// Sends what is due.
    pub(super) fn push(&mut self, cx: &mut Context<'_>) {
        if !self.ready || cx.in_doubt {
            return;
        }
        let Some(record) = &self.record else {
            return;
        };
        let promise = self.pushes.promise;
        for (host, retry) in &mut self.pushes.missing {
            if cx.hosts.boot(*host).is_some() && retry.is_due(cx.now) {
                let record = record.clone();
                cx.send(*host, Body::Push { record, promise });
            }
        }
    }

    /// A host has a record on its disk.
    pub(super) fn push_acked(&mut self, host: HostId, epoch: Epoch, cx: &mut Context<'_>) {
        if self.epoch() != Some(epoch) || self.pushes.missing.remove(&host).is_none() {
            return;
        }
        cx.note(self.id(), Some(epoch), Fact::PushAcked { host });
        if self.pushes.first.remove(&host) && self.pushes.first.is_empty() {
            for retry in self.pushes.missing.values_mut() {
                *retry = Retry::slowing(cx.now, self.config.timers.interval);
            }
            self.push(cx);
        }
        let waiting = self.pushes.missing.keys().any(|host| self.hears(*host, cx));
        if !waiting && !self.pushes.settled {
            self.pushes.settled = true;
            for (host, checkpoint) in &mut self.newly_told {
                let now = self.tracks.get(host).map(|track| track.counts.checkpoint);
                *checkpoint = checkpoint.or(now);
            }
            cx.note(self.id(), Some(epoch), Fact::Settled);
        }
    }

    pub(super) fn push_deadlines(&self, cx_hosts: &super::hosts::Hosts, out: &mut Vec<Time>) {
        if self.ready {
            let reachable = self
                .pushes
                .missing
                .iter()
                .filter(|(host, _)| cx_hosts.boot(**host).is_some());
            out.extend(reachable.map(|(_, retry)| retry.next()));
        }
    }
}
