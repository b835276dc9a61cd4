//! What an agent does for others: it reaches out to a host that the manager asks about, and carries
//! an operator's request to who can answer it.

use std::collections::BTreeMap;
use std::time::Duration;

use messages::body::{Answer, Body, Refusal, Request};
use messages::{HostId, Time};

use super::action::AgentAction;
use super::checkpoint::Asker;
use super::context::Context;
use crate::retry::Retry;

/// The most probes and the most requests under way; what comes beyond is not taken.
const UNDER_WAY_MAX: usize = 64;

/// How many intervals a probed host has to answer.
const PROBE_INTERVALS: u32 = 2;

/// How long an operator waits for an answer.
const OPERATOR_PATIENCE: Duration = Duration::from_secs(5);

/// Probes and requests under way.
#[derive(Debug, Default)]
pub(super) struct Relay {
    probes: BTreeMap<u64, Probe>,
    requests: BTreeMap<u64, Pending>,
}

#[derive(Debug)]
struct Probe {
    target: HostId,
    until: Time,
}

#[derive(Debug)]
struct Pending {
    request: Request,
    to: HostId,
    until: Time,
    again: Retry,
}

impl Relay {
    /// The manager asks whether this host reaches that one. A host without a session with it cannot
    /// tell, and keeps silent.
    pub(super) fn probe(
        &mut self,
        number: u64,
        target: HostId,
        interval: Duration,
        cx: &mut Context<'_>,
    ) {
        if self.probes.len() >= UNDER_WAY_MAX || !cx.peers.is_open(target) {
            return;
        }
        let until = cx.now.after(interval * PROBE_INTERVALS);
        self.probes.insert(number, Probe { target, until });
        cx.send(target, Body::Ping { number });
    }

    /// A host answers a ping.
    pub(super) fn pong(&mut self, number: u64, from: HostId, cx: &mut Context<'_>) {
        let matches = self
            .probes
            .get(&number)
            .is_some_and(|probe| probe.target == from);
        if matches {
            self.probes.remove(&number);
            let (target, alive) = (from, true);
            cx.tell_manager(Body::ProbeResult {
                number,
                target,
                alive,
            });
        }
    }

    /// An operator at this host asks for something that another host answers.
    pub(super) fn ask(
        &mut self,
        token: u64,
        request: Request,
        to: HostId,
        interval: Duration,
        cx: &mut Context<'_>,
    ) {
        if self.requests.len() >= UNDER_WAY_MAX {
            let answer = Answer::Refused(Refusal::Busy);
            cx.act(AgentAction::Answer { token, answer });
            return;
        }
        let pending = Pending {
            request,
            to,
            until: cx.now.after(OPERATOR_PATIENCE),
            again: Retry::slowing(cx.now, interval),
        };
        self.requests.insert(token, pending);
        self.tick(cx);
    }

    /// The answer to a relayed request. Only the host that was asked may give it.
    pub(super) fn answered(
        &mut self,
        token: u64,
        from: HostId,
        answer: Answer,
        cx: &mut Context<'_>,
    ) {
        if self
            .requests
            .get(&token)
            .is_some_and(|pending| pending.to == from)
        {
            self.requests.remove(&token);
            cx.answer(
                Asker {
                    host: cx.host,
                    token,
                },
                answer,
            );
        }
    }

    pub(super) fn tick(&mut self, cx: &mut Context<'_>) {
        let now = cx.now;
        self.probes.retain(|number, probe| {
            if now >= probe.until {
                let (number, target, alive) = (*number, probe.target, false);
                cx.tell_manager(Body::ProbeResult {
                    number,
                    target,
                    alive,
                });
            }
            now < probe.until
        });
        self.requests.retain(|token, pending| {
            let token = *token;
            if now >= pending.until {
                let answer = Answer::Refused(Refusal::TimedOut);
                cx.act(AgentAction::Answer { token, answer });
                return false;
            }
            if pending.again.is_due(now) {
                let request = pending.request;
                cx.send(pending.to, Body::Request { token, request });
            }
            true
        });
    }

    /// How many are under way.
    pub(super) fn footprint(&self) -> usize {
        self.probes.len() + self.requests.len()
    }

    /// The own host stood still: a probe that it did not attend to says nothing.
    pub(super) fn forgive(&mut self) {
        self.probes.clear();
    }

    pub(super) fn deadlines(&self, out: &mut Vec<Time>) {
        out.extend(self.probes.values().map(|probe| probe.until));
        out.extend(
            self.requests
                .values()
                .flat_map(|pending| [pending.until, pending.again.next()]),
        );
    }
}
