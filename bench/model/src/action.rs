//! The steps of the world, and the [`Model`] that the checker explores.

use crate::properties;
use crate::scenario::Protocol;
use crate::state::State;
use stateright::{Model, Property};

/// One step. Hosts and records are named by index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// One tick of time passes for all, at the slowest rate for every lease.
    Tick,
    /// The owner's clock is not the slowest: what lasts only for the drift is over now.
    Deadline(usize),
    /// The owner sends a heartbeat to a member.
    Beat(usize, usize),
    /// The heartbeat of an owner reaches a member, which acknowledges it.
    Hear(usize, usize),
    /// The acknowledgement reaches the owner.
    Ack(usize, usize),
    /// The owner's guest port closed: FAULT(guest).
    Resign(usize),
    /// A record that was sent reaches a host, by push, announcement or answer.
    Install(usize, u8),
    /// A host that booted hears a record from the manager or from a speaking owner, in this
    /// session.
    Confirm(usize, u8),
    /// A host restarts.
    Restart(usize),
    /// The manager decides, and its disk has the record.
    Decide(Decision),
    /// The manager sends its newest record.
    Push,
    /// Only with a slip: the disk has the record after it was sent.
    Write,
    /// The manager restarts with what its disk has.
    CrashManager,
    /// A record that was sent reaches the receiver.
    ReceiverInstall(u8),
    /// The receiver, booted, hears a record from the manager or a speaking owner.
    ReceiverConfirm(u8),
    /// The receiver's disk has its record; it acknowledges.
    ReceiverPersist,
    /// The receiver restarts with what its disk has.
    RestartReceiver,
}

/// What the manager changes by one record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Another owner; the remaining member is kept if the manager hears it.
    Promote {
        /// The new owner.
        to: usize,
        /// Whether the third host stays what it is.
        keep: bool,
    },
    /// The owner restarted and nobody else is in sync: its new boot is granted (rule 11).
    Regrant,
    /// A member leaves, because it suspects or because the owner misses it.
    Remove(usize),
    /// A host becomes a joining member.
    Join(usize),
    /// A joining member is in sync.
    List(usize),
}

impl Model for Protocol {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        assert!(
            self.scenario.fits(),
            "the scenario asks for more than a state has room for"
        );
        let mut state = State::first(self);
        self.settle(&mut state);
        vec![state]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        actions.push(Action::Tick);
        self.host_actions(state, actions);
        self.manager_actions(state, actions);
        if self.scenario.receiver {
            self.receiver_actions(state, actions);
        }
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut state = last.clone();
        match action {
            Action::Tick => self.tick(&mut state),
            Action::Deadline(owner) => self.deadline(&mut state, owner),
            Action::Beat(owner, member) => self.beat(&mut state, owner, member),
            Action::Hear(owner, member) => self.hear(&mut state, owner, member),
            Action::Ack(owner, member) => self.ack(&mut state, owner, member),
            Action::Resign(owner) => self.resign(&mut state, owner),
            Action::Install(host, record) => self.install(&mut state, host, record),
            Action::Confirm(host, record) => self.confirm(&mut state, host, record),
            Action::Restart(host) => self.restart(&mut state, host),
            Action::Decide(decision) => self.decide(&mut state, decision),
            Action::Push => state.published |= 1 << state.manager.newest,
            Action::Write => state.durable |= 1 << state.manager.newest,
            Action::CrashManager => self.crash_manager(&mut state),
            Action::ReceiverInstall(record) => self.receiver_install(&mut state, record),
            Action::ReceiverConfirm(record) => self.receiver_confirm(&mut state, record),
            Action::ReceiverPersist => state.receiver.persist(&state.records),
            Action::RestartReceiver => self.restart_receiver(&mut state),
        }
        self.settle(&mut state);
        let state = self.representative(state);
        // A step that changes nothing leads to a state that the checker has seen.
        (state != *last).then_some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties::all(self)
    }
}
