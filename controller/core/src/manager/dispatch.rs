//! Which group does an event concern, and what does each message ask of it?

use messages::body::{Answer, Body, Heartbeat, Refusal, Reported, Request};
use messages::{BootId, GroupId, HostId, SignedRecord};

use super::Manager;
use super::action::ManagerAction;
use super::context::Context;
use super::event::ManagerEvent;
use super::group::Group;
use super::requests::Asker;
use crate::note::{Fact, Note};

impl Manager {
    pub(super) fn dispatch(&mut self, event: ManagerEvent, out: &mut Vec<ManagerAction>) {
        match event {
            ManagerEvent::Tick => {}
            ManagerEvent::Message {
                from,
                from_boot,
                body,
            } => {
                if self.hosts.admits(from, from_boot) {
                    self.message(from, from_boot, body, out);
                }
            }
            ManagerEvent::PeerBoot { host, boot } => {
                if self.hosts.open(host, boot) {
                    self.answers.forget(host);
                    let fact = Fact::PeerBoot { host, boot };
                    out.push(ManagerAction::Note(Note {
                        group: None,
                        epoch: None,
                        fact,
                    }));
                    let now = self.now;
                    for group in self.groups.values_mut() {
                        group.know_host(host, now);
                    }
                }
            }
            ManagerEvent::Appended { token } => {
                let (groups, mut cx) = self.split(out);
                for group in groups.values_mut() {
                    group.written(token, true, &mut cx);
                }
            }
            ManagerEvent::AppendFailed { token } => {
                let (groups, mut cx) = self.split(out);
                for group in groups.values_mut() {
                    group.written(token, false, &mut cx);
                }
            }
            ManagerEvent::Operate {
                token,
                from,
                request,
            } => {
                let asked_by = Asker {
                    host: from,
                    token,
                    local: true,
                };
                self.operate(request, asked_by, out);
            }
        }
    }

    fn message(&mut self, from: HostId, boot: BootId, body: Body, out: &mut Vec<ManagerAction>) {
        if let Body::Request { token, request } = body {
            let asked_by = Asker {
                host: from,
                token,
                local: false,
            };
            self.operate(request, asked_by, out);
            return;
        }
        let now = self.now;
        match &body {
            Body::Heartbeat(_) => self.hosts.heard(from, now),
            Body::Report { entries } => self.report(from, entries, out),
            Body::Fetched { record } | Body::Newer { record } => self.shown(from, record, out),
            _ => {}
        }
        let (groups, mut cx) = self.split(out);
        let cx = &mut cx;
        let mut with = |id: GroupId, step: &mut dyn FnMut(&mut Group, &mut Context<'_>)| {
            if let Some(group) = groups.get_mut(&id) {
                step(group, cx);
            }
        };
        match body {
            Body::Heartbeat(Heartbeat { sent: _, beats }) => {
                for beat in &beats {
                    with(beat.group, &mut |group, cx| {
                        group.beat(from, boot, beat, cx)
                    });
                }
            }
            Body::Suspect {
                group,
                epoch,
                number,
            } => {
                with(group, &mut |group, cx| {
                    group.suspect(from, boot, epoch, number, cx)
                });
            }
            Body::Withdraw {
                group,
                epoch: _,
                number,
            } => {
                with(group, &mut |group, cx| {
                    group.withdraw(from, boot, number, cx)
                });
            }
            Body::Fault {
                group,
                epoch,
                fault,
            } => {
                with(group, &mut |group, cx| {
                    group.fault(from, boot, epoch, fault, cx)
                });
            }
            Body::SoloRequest {
                group,
                epoch,
                without,
            } => {
                with(group, &mut |group, cx| {
                    group.solo_request(from, boot, epoch, &without, cx)
                });
            }
            Body::Join {
                group,
                epoch,
                resumable,
            } => {
                with(group, &mut |group, cx| {
                    group.join(from, boot, epoch, resumable, cx)
                });
            }
            Body::FirstAck {
                group,
                epoch,
                member,
                member_boot,
            } => {
                let member = (member, member_boot);
                with(group, &mut |group, cx| {
                    group.first_ack(from, boot, epoch, member, cx)
                });
            }
            Body::ProbeResult {
                number,
                target: _,
                alive,
            } => {
                for group in groups.values_mut() {
                    group.probed(from, number, alive, cx);
                }
            }
            Body::RecordAck { group, epoch } => {
                with(group, &mut |group, cx| group.push_acked(from, epoch, cx));
            }
            Body::CheckpointComplete {
                group,
                epoch,
                number,
            } => {
                with(group, &mut |group, _| {
                    group.checkpointed(from, boot, epoch, number)
                });
            }
            Body::Frozen { group, epoch } => {
                with(group, &mut |group, cx| group.frozen(from, boot, epoch, cx));
            }
            Body::Bounce { group, epoch } => {
                with(group, &mut |group, cx| {
                    cx.note(group.id(), Some(epoch), Fact::Bounced { by: from })
                });
            }
            // Read above, or for agents.
            Body::Report { .. }
            | Body::Fetched { .. }
            | Body::Newer { .. }
            | Body::Request { .. }
            | Body::Witness(_)
            | Body::HeartbeatAck(_)
            | Body::Probe { .. }
            | Body::Ping { .. }
            | Body::Pong { .. }
            | Body::Push { .. }
            | Body::Announce { .. }
            | Body::Ask { .. }
            | Body::ReportAck { .. }
            | Body::Fetch { .. }
            | Body::CheckpointMark { .. }
            | Body::CheckpointAck { .. }
            | Body::Answer { .. } => {}
        }
    }

    fn report(&mut self, from: HostId, entries: &[Reported], out: &mut Vec<ManagerAction>) {
        let mut read = Vec::new();
        for entry in entries {
            let Some(group) = self.groups.get_mut(&entry.group) else {
                continue;
            };
            read.push(entry.group);
            let doubt = group.report(from, entry.held);
            if let Some(doubt) = doubt {
                self.doubt_log(entry.group, doubt, out);
                let body = Body::Fetch { group: entry.group };
                out.push(ManagerAction::Send { to: from, body });
            }
        }
        let body = Body::ReportAck { groups: read };
        out.push(ManagerAction::Send { to: from, body });
    }

    fn shown(&mut self, from: HostId, record: &SignedRecord, out: &mut Vec<ManagerAction>) {
        if record.record.fabric != self.fabric {
            return;
        }
        if let Some(group) = self.groups.get_mut(&record.record.group) {
            let id = group.id();
            if let Some(doubt) = group.shown(from, record.clone()) {
                self.doubt_log(id, doubt, out);
            }
        }
    }

    fn operate(&mut self, request: Request, asked_by: Asker, out: &mut Vec<ManagerAction>) {
        if let Some(answer) = self.answers.given(asked_by) {
            out.push(asked_by.action(answer));
            return;
        }
        if request == Request::RaiseTerm {
            self.raise_term(asked_by, out);
            return;
        }
        let (groups, mut cx) = self.split(out);
        match request.group().and_then(|id| groups.get_mut(&id)) {
            Some(group) => group.operate(request, asked_by, &mut cx),
            None => cx.answer(asked_by, Answer::Refused(Refusal::UnknownGroup)),
        }
    }

    fn raise_term(&mut self, asked_by: Asker, out: &mut Vec<ManagerAction>) {
        if self.doubt.is_none() {
            let (_, mut cx) = self.split(out);
            cx.answer(asked_by, Answer::Refused(Refusal::NothingInDoubt));
            return;
        }
        let highest = self
            .groups
            .values()
            .map(Group::highest_term)
            .max()
            .unwrap_or_default();
        self.term = self.term.max(highest) + 1;
        self.doubt = None;
        let term = self.term;
        let (groups, mut cx) = self.split(out);
        for group in groups.values_mut() {
            group.raise_term(&mut cx);
        }
        cx.answer(asked_by, Answer::TermRaised { term });
    }
}
