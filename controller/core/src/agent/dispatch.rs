//! Which group does an event concern, and what does each message ask of it?

use messages::body::{Body, Request};
use messages::{BootId, HostId, SignedRecord};

use super::Agent;
use super::action::AgentAction;
use super::checkpoint::Asker;
use super::context::Context;
use super::event::AgentEvent;
use super::group::Group;
use super::records::Source;
use crate::note::Fact;
use crate::schedule::Schedule;

impl Agent {
    pub(super) fn dispatch(&mut self, event: AgentEvent, out: &mut Vec<AgentAction>) {
        let interval = self.interval;
        let (groups, relay, mut cx) = self.split(out);
        let cx = &mut cx;
        match event {
            AgentEvent::Tick => {}
            AgentEvent::Message {
                from,
                from_boot,
                body,
            } => {
                if cx.peers.admits(from, from_boot) {
                    self.message(from, from_boot, body, out);
                }
            }
            AgentEvent::PeerBoot { host, boot } => self.peer_boot(host, boot, out),
            AgentEvent::Port { group, up } => {
                if let Some(group) = groups.get_mut(&group) {
                    group.port(up, cx);
                }
            }
            AgentEvent::Workers { advanced } => {
                // Said again and again, and nearly always the same.
                if groups
                    .values()
                    .any(|group| group.workers_advance != advanced)
                {
                    for group in groups.values_mut() {
                        group.workers(advanced, cx);
                    }
                }
            }
            AgentEvent::Boundary { token } => {
                for group in groups.values_mut() {
                    group.boundary(token, cx);
                }
            }
            AgentEvent::Persisted { token } => written(groups, token, true, cx),
            AgentEvent::PersistFailed { token } => written(groups, token, false, cx),
            AgentEvent::Counts {
                group,
                counts,
                senders,
            } => {
                if let Some(group) = groups.get_mut(&group) {
                    group.count(counts, senders, cx);
                }
            }
            AgentEvent::HookDone { group, epoch, ok } => {
                if let Some(group) = groups.get_mut(&group) {
                    group.hook_done(epoch, ok, cx);
                }
            }
            AgentEvent::FencedPacket { group, sender } => {
                if let Some(group) = groups.get_mut(&group) {
                    group.tell_newer(sender, cx);
                }
            }
            AgentEvent::Bounced { group } => {
                let epoch = groups.get(&group).and_then(Group::epoch);
                if let Some(epoch) = epoch {
                    cx.tell_manager(Body::Bounce { group, epoch });
                }
            }
            AgentEvent::FirstAnswer { group, at } => {
                if let Some(group) = groups.get(&group) {
                    cx.note(group.id(), group.epoch(), Fact::FirstAnswer { at });
                }
            }
            AgentEvent::Operate { token, request } => match request {
                Request::Checkpoint { .. } => self.operate(token, request, out),
                Request::Promote { .. }
                | Request::Move { .. }
                | Request::AddMember { .. }
                | Request::RemoveMember { .. }
                | Request::ResetToConfig { .. }
                | Request::RaiseTerm => relay.ask(token, request, cx.manager, interval, cx),
            },
        }
    }

    /// A checkpoint is the owner's to make: here, or at the host that owns the address.
    fn operate(&mut self, token: u64, request: Request, out: &mut Vec<AgentAction>) {
        use messages::body::{Answer, Refusal};
        let interval = self.interval;
        let (groups, relay, mut cx) = self.split(out);
        let cx = &mut cx;
        let asked_by = Asker {
            host: cx.host,
            token,
        };
        let Some(group) = request.group().and_then(|id| groups.get_mut(&id)) else {
            cx.answer(asked_by, Answer::Refused(Refusal::UnknownGroup));
            return;
        };
        match group.granted() {
            None => cx.answer(asked_by, Answer::Refused(Refusal::NoOwner)),
            Some(owner) if owner.host == cx.host => group.operate(request, asked_by, cx),
            Some(owner) => relay.ask(token, request, owner.host, interval, cx),
        }
    }

    fn message(&mut self, from: HostId, from_boot: BootId, body: Body, out: &mut Vec<AgentAction>) {
        let (fabric, interval) = (self.fabric, self.interval);
        let (groups, relay, mut cx) = self.split(out);
        let cx = &mut cx;
        match body {
            Body::Heartbeat(heartbeat) => self.heartbeat(from, from_boot, &heartbeat, out),
            Body::HeartbeatAck(ack) => self.heartbeat_ack(from, from_boot, &ack, out),
            Body::Push { record, promise } => {
                take(
                    groups,
                    fabric,
                    record,
                    Source::Push(promise),
                    (from, from_boot),
                    cx,
                );
            }
            Body::Announce { record } => {
                take(
                    groups,
                    fabric,
                    record,
                    Source::Announce,
                    (from, from_boot),
                    cx,
                );
            }
            Body::Newer { record } => {
                take(groups, fabric, record, Source::Newer, (from, from_boot), cx);
            }
            Body::RecordAck { group, epoch } => {
                if let Some(group) = groups.get_mut(&group) {
                    group.announcement_acked(from, epoch, cx);
                }
            }
            Body::Ask { group, epoch } => {
                if let Some(group) = groups.get_mut(&group) {
                    group.asked(from, epoch, cx);
                }
            }
            Body::Probe { number, target } if from == cx.manager => {
                relay.probe(number, target, interval, cx);
            }
            Body::Ping { number } => cx.send(from, Body::Pong { number }),
            Body::Pong { number } => relay.pong(number, from, cx),
            Body::ReportAck { groups: read } if from == cx.manager => {
                for id in read {
                    if let Some(group) = groups.get_mut(&id) {
                        group.reporting = None;
                    }
                }
            }
            Body::Fetch { group } if from == cx.manager => {
                let record = groups.get(&group).and_then(|group| group.record.clone());
                if let Some(record) = record {
                    cx.tell_manager(Body::Fetched { record });
                }
            }
            Body::CheckpointMark {
                group,
                epoch,
                number,
                discard_before,
            } => {
                if let Some(group) = groups.get_mut(&group) {
                    group.obey_mark(from, from_boot, epoch, number, discard_before, cx);
                }
            }
            Body::CheckpointAck {
                group,
                epoch: _,
                number,
            } => {
                if let Some(group) = groups.get_mut(&group) {
                    group.mark_obeyed(from, number, cx);
                }
            }
            Body::Request { token, request } => {
                if let Some(group) = request.group().and_then(|id| groups.get_mut(&id)) {
                    group.operate(request, Asker { host: from, token }, cx);
                }
            }
            Body::Answer { token, answer } => relay.answered(token, from, answer, cx),
            // Only the manager probes, reads reports and fetches; the rest is for the manager.
            Body::Probe { .. }
            | Body::ReportAck { .. }
            | Body::Fetch { .. }
            | Body::Suspect { .. }
            | Body::Withdraw { .. }
            | Body::Fault { .. }
            | Body::SoloRequest { .. }
            | Body::Join { .. }
            | Body::FirstAck { .. }
            | Body::ProbeResult { .. }
            | Body::Report { .. }
            | Body::Fetched { .. }
            | Body::CheckpointComplete { .. }
            | Body::Frozen { .. }
            | Body::Witness(_)
            | Body::Bounce { .. } => {}
        }
    }
}

/// Tells the group that waits for this write.
fn written(groups: &mut Schedule<Group>, token: u64, durable: bool, cx: &mut Context<'_>) {
    let waits = |group: &&Group| group.persisting == Some(token);
    let waiting = groups.values().find(waits).map(Group::id);
    if let Some(group) = waiting.and_then(|id| groups.get_mut(&id)) {
        group.written(durable, cx);
    }
}

/// Gives a record to the group that it is about, if it is one of this fabric's.
fn take(
    groups: &mut Schedule<Group>,
    fabric: messages::FabricId,
    record: SignedRecord,
    source: Source,
    from: (HostId, BootId),
    cx: &mut Context<'_>,
) {
    if record.record.fabric != fabric {
        return;
    }
    if let Some(group) = groups.get_mut(&record.record.group) {
        group.take(record, source, from.0, from.1, cx);
    }
}
