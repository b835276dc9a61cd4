//! The agent: what one host knows and does about each group.

mod action;
mod event;
mod view;

use messages::{BootId, SignedRecord, Time};

pub use action::{AgentAction, HookRole};
pub use event::AgentEvent;
pub use view::GroupView;

use crate::config::AgentConfig;

/// One host's state machine for all its groups.
#[derive(Debug)]
pub struct Agent {
    config: AgentConfig,
    boot: BootId,
}

impl Agent {
    /// An agent that starts at `now` as the life `boot` of its host's daemon, with the records that
    /// were on its disk. Call `handle` with `Tick` next: it says what the tables are to hold.
    #[must_use]
    pub fn new(
        config: AgentConfig,
        _restored: Vec<SignedRecord>,
        boot: BootId,
        _now: Time,
    ) -> Self {
        Self { config, boot }
    }

    /// Takes one event; appends what is to be done to `out`, in order.
    pub fn handle(&mut self, _now: Time, _event: AgentEvent, _out: &mut Vec<AgentAction>) {
        let _ = (&self.config, self.boot);
    }

    /// When `handle` is to be called with `Tick` if nothing happens before.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Time> {
        None
    }

    /// Every group that the agent knows.
    pub fn view(&self) -> impl Iterator<Item = GroupView> + '_ {
        std::iter::empty()
    }
}
