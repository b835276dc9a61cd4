//! Heartbeats: when they leave, what they say, what is made of those that come, and the report to a
//! manager at the start of a session.

use std::time::Duration;

use messages::body::{
    Answer, Beat, Body, Counts, Fault, Heartbeat, HeartbeatAck, Held, REPORT_ENTRIES_MAX, Refusal,
    Reported, Request, Vouch,
};
use messages::{BootId, Epoch, HostId, Time};

use super::Agent;
use super::action::AgentAction;
use super::checkpoint::Asker;
use super::context::Context;
use super::group::{Group, State};
use crate::install::Lease;
use crate::note::{Fact, Note};
use crate::retry::Retry;

impl Agent {
    pub(super) fn send_heartbeats(&mut self, out: &mut Vec<AgentAction>) {
        self.partners.refresh(&self.groups);
        let now = self.now;
        let is_due = |host: &HostId| {
            let peer = self.peers.get(*host);
            peer.is_some_and(|peer| peer.beat_at <= now)
        };
        let due: Vec<HostId> = self.partners.known().filter(is_due).collect();
        for host in due {
            self.send_heartbeat(host, out);
        }
    }

    fn send_heartbeat(&mut self, to: HostId, out: &mut Vec<AgentAction>) {
        let (groups, _, mut cx) = self.split(out);
        let now = cx.now;
        let Some(partner) = cx.partners.get(to) else {
            return;
        };
        let interval = partner.interval;
        let mut beats = Vec::with_capacity(partner.groups.len());
        for id in &partner.groups {
            let Some(group) = groups.get(id) else {
                continue;
            };
            beats.push(group.beat());
            if matches!(group.state, State::Owner(_))
                && let Some(group) = groups.get_mut(id)
            {
                group.beat_sent(to, now);
            }
        }
        cx.send(to, Body::Heartbeat(Heartbeat { sent: now, beats }));
        if let Some(peer) = cx.peers.get_mut(to) {
            peer.beat_at = next_on_grid(now, interval);
        }
    }

    pub(super) fn heartbeat(
        &mut self,
        from: HostId,
        boot: BootId,
        heartbeat: &Heartbeat,
        out: &mut Vec<AgentAction>,
    ) {
        let (groups, _, mut cx) = self.split(out);
        if from == cx.host {
            return;
        }
        let mut acked = Vec::new();
        for beat in &heartbeat.beats {
            if let Some(group) = groups.get_mut(&beat.group)
                && group.hear(from, boot, beat, heartbeat.sent, &mut cx)
            {
                acked.push((beat.group, beat.epoch));
            }
        }
        let (echo, now) = (heartbeat.sent, cx.now);
        cx.send(from, Body::HeartbeatAck(HeartbeatAck { echo, now, acked }));
    }

    pub(super) fn heartbeat_ack(
        &mut self,
        from: HostId,
        boot: BootId,
        ack: &HeartbeatAck,
        out: &mut Vec<AgentAction>,
    ) {
        let (groups, _, mut cx) = self.split(out);
        if let Some(peer) = cx.peers.get_mut(from)
            && peer.boot == boot
        {
            peer.answered = peer.answered.max(Some(ack.now));
        }
        for (group, epoch) in &ack.acked {
            if let Some(group) = groups.get_mut(group) {
                group.beat_acked(from, boot, ack.echo, *epoch, &mut cx);
            }
        }
    }

    /// Another life of a host's daemon.
    pub(super) fn peer_boot(&mut self, host: HostId, boot: BootId, out: &mut Vec<AgentAction>) {
        if host == self.host || !self.peers.open(host, boot, self.now) {
            return;
        }
        out.push(AgentAction::Note(Note {
            group: None,
            epoch: None,
            fact: Fact::PeerBoot { host, boot },
        }));
        if host == self.manager {
            for group in self.groups.values_mut() {
                group.report_anew(self.now);
            }
        }
    }

    /// Says to the manager what this host holds, until it has read it.
    pub(super) fn report(&mut self, out: &mut Vec<AgentAction>) {
        let (groups, _, mut cx) = self.split(out);
        if !cx.peers.is_open(cx.manager) {
            return;
        }
        let mut entries = Vec::new();
        let now = cx.now;
        for id in groups.look_at(now) {
            if let Some(group) = groups.get_mut(&id)
                && let Some(retry) = &mut group.reporting
                && retry.is_due(now)
            {
                entries.push(group.reported());
            }
        }
        for chunk in entries.chunks(REPORT_ENTRIES_MAX) {
            cx.tell_manager(Body::Report {
                entries: chunk.to_vec(),
            });
        }
    }
}

/// The next time on a host-wide grid, so that heartbeats to all partners leave together and their
/// silence is noticed together.
fn next_on_grid(now: Time, interval: Duration) -> Time {
    let step = u64::try_from(interval.as_nanos())
        .unwrap_or(u64::MAX)
        .max(1);
    Time((now.0 / step).saturating_add(1).saturating_mul(step))
}

impl Group {
    fn beat(&self) -> Beat {
        Beat {
            group: self.id(),
            epoch: self.epoch().unwrap_or_default(),
            standing: self.standing(),
            vouch: self.vouch(),
            counts: self.counts.clone(),
        }
    }

    pub(super) fn report_anew(&mut self, now: Time) {
        self.reporting = Some(Retry::slowing(now, self.config.timers.interval));
    }

    fn reported(&self) -> Reported {
        Reported {
            group: self.id(),
            held: self.record.as_ref().map(|signed| Held {
                epoch: signed.record.epoch,
                signature: signed.signature,
            }),
        }
    }

    /// The guest's port changed.
    pub(super) fn port(&mut self, up: bool, cx: &mut Context<'_>) {
        let before = self.port_up.replace(up);
        if before != Some(up) {
            cx.note(self.id(), self.epoch(), Fact::Port { up });
        }
        if !up {
            self.resign(cx);
        }
    }

    /// The workers advanced, or one of them did not.
    pub(super) fn workers(&mut self, advanced: bool, cx: &mut Context<'_>) {
        let before = self.vouch();
        self.workers_advance = advanced;
        let vouch = self.vouch();
        if before == vouch {
            return;
        }
        cx.note(self.id(), self.epoch(), Fact::Vouch { vouch });
        if let (Vouch::WorkerStalled, State::Owner(_), Some(epoch)) =
            (vouch, &self.state, self.epoch())
        {
            let (group, fault) = (self.id(), Fault::Worker);
            cx.tell_manager(Body::Fault {
                group,
                epoch,
                fault,
            });
        }
    }

    /// What the workers counted.
    pub(super) fn count(&mut self, mut counts: Counts, mut senders: Vec<HostId>, cx: &Context<'_>) {
        /// The most senders that an announcement goes to.
        const SENDERS_MAX: usize = 64;
        if counts.from_owner > self.counts.from_owner {
            self.data_heard = cx.now;
        }
        counts.checkpoint = self.counts.checkpoint;
        self.counts = counts;
        senders.truncate(SENDERS_MAX);
        self.senders = senders;
    }

    /// A restarted host asks whether its record still holds: an owner says so while it is sure.
    pub(super) fn asked(&mut self, from: HostId, epoch: Epoch, cx: &mut Context<'_>) {
        let Some(record) = self.record.clone() else {
            return;
        };
        let sure = match &self.state {
            State::Owner(owner) => owner.lease != Lease::Muted && owner.may_transmit(cx.now),
            State::Outside
            | State::Joining
            | State::Replica
            | State::Candidate { .. }
            | State::Fenced { .. } => false,
        };
        if sure {
            cx.send(from, Body::Announce { record });
        } else if record.record.epoch > epoch {
            self.tell_newer(from, cx);
        }
    }

    /// An operator's request that this host answers, if it owns the address.
    pub(super) fn operate(&mut self, request: Request, asked_by: Asker, cx: &mut Context<'_>) {
        let answer = match request {
            Request::Checkpoint { group: _, phase } => self.checkpoint(phase, asked_by, cx),
            Request::Promote { .. }
            | Request::Move { .. }
            | Request::AddMember { .. }
            | Request::RemoveMember { .. }
            | Request::ResetToConfig { .. }
            | Request::RaiseTerm => Some(Answer::Refused(Refusal::UnknownGroup)),
        };
        if let Some(answer) = answer {
            cx.answer(asked_by, answer);
        }
    }

    /// When something of this group is due.
    pub(super) fn deadlines(&self, own: HostId, out: &mut Vec<Time>) {
        out.extend(self.silence_ends(own));
        let retries = [&self.joining, &self.asking, &self.reporting];
        out.extend(retries.into_iter().flatten().map(Retry::next));
        out.extend(self.withdrawing.as_ref().map(|(_, retry)| retry.next()));
        match &self.state {
            State::Outside | State::Joining | State::Replica | State::Fenced { forward: None } => {}
            State::Candidate { number: _, again } => out.push(again.next()),
            State::Owner(owner) => owner.deadlines(self, out),
            State::Fenced {
                forward: Some((_, until)),
            } => out.push(*until),
        }
    }
}
