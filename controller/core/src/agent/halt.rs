//! How does an owner stop? Muted first; then every worker has to pass a boundary before anybody is
//! told.

use std::time::Duration;

use messages::Time;

use super::action::AgentAction;
use super::context::Context;
use super::group::{Group, State};
use crate::install::Lease;
use crate::note::Fact;
use crate::retry::Retry;

/// An output that is being stopped: every worker must pass a boundary first.
#[derive(Clone, Copy, Debug)]
pub(super) struct Halt {
    pub(super) token: u64,
    pub(super) passed: bool,
    pub(super) since: Time,
    pub(super) again: Retry,
}

impl Halt {
    pub(super) fn begin(cx: &mut Context<'_>, interval: Duration) -> Self {
        Self {
            token: cx.token(),
            passed: false,
            since: cx.now,
            again: Retry::steady(cx.now, interval),
        }
    }
}

impl Group {
    /// In a planned move, once what was under way in the guest is out: the output stops.
    pub(super) fn freeze(&mut self, cx: &mut Context<'_>) {
        let before = self.standing();
        let interval = self.config.timers.interval;
        let State::Owner(owner) = &mut self.state else {
            return;
        };
        if owner.draining.is_none_or(|until| cx.now < until) {
            return;
        }
        let halt = Halt::begin(cx, interval);
        let token = halt.token;
        owner.draining = None;
        owner.frozen = Some(halt);
        owner.lease = Lease::Muted;
        self.mute(cx);
        cx.act(AgentAction::Barrier { token });
        self.note_standing(before, cx);
    }

    /// The guest is gone: no acknowledgement raises the lease again under this ownership.
    pub(super) fn resign(&mut self, cx: &mut Context<'_>) {
        let (id, epoch, before) = (self.id(), self.epoch(), self.standing());
        let interval = self.config.timers.interval;
        let State::Owner(owner) = &mut self.state else {
            return;
        };
        if owner.resigned.is_some() {
            return;
        }
        let halt = Halt::begin(cx, interval);
        let token = halt.token;
        owner.resigned = Some(halt);
        owner.lease = Lease::Muted;
        self.mute(cx);
        cx.act(AgentAction::Barrier { token });
        cx.note(id, epoch, Fact::Resigned);
        self.note_standing(before, cx);
    }

    /// Every worker has passed a loop boundary since a barrier.
    pub(super) fn boundary(&mut self, token: u64, cx: &mut Context<'_>) {
        let (id, epoch) = (self.id(), self.epoch());
        let State::Owner(owner) = &mut self.state else {
            return;
        };
        let halts = [&mut owner.resigned, &mut owner.frozen];
        for halt in halts
            .into_iter()
            .flatten()
            .filter(|halt| halt.token == token)
        {
            halt.passed = true;
        }
        if owner.frozen.is_some_and(|halt| halt.token == token) {
            cx.note(id, epoch, Fact::Frozen);
        }
        self.owner_tick(cx);
    }
}
