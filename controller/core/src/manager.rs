//! The manager: it alone decides who owns an address.

mod action;
mod event;
mod view;

use messages::{BootId, Record, Signature, Time};

pub use action::ManagerAction;
pub use event::ManagerEvent;
pub use view::{LogState, ManagerGroupView, Restored};

use crate::config::ManagerConfig;

/// Signs a record with the manager's key. It must be deterministic (Ed25519 is).
pub type Signer = Box<dyn Fn(&Record) -> Signature + Send>;

/// The state machine that changes records.
pub struct Manager {
    config: ManagerConfig,
    signer: Signer,
    boot: BootId,
}

impl Manager {
    /// A manager that starts at `now` with what its journal found. `boot` is the life of its host's
    /// daemon, the same as its agent's.
    #[must_use]
    pub fn new(
        config: ManagerConfig,
        _restored: Restored,
        signer: Signer,
        boot: BootId,
        _now: Time,
    ) -> Self {
        Self {
            config,
            signer,
            boot,
        }
    }

    /// Takes one event; appends what is to be done to `out`, in order.
    pub fn handle(&mut self, _now: Time, _event: ManagerEvent, _out: &mut Vec<ManagerAction>) {
        let _ = (&self.config, &self.signer, self.boot);
    }

    /// When `handle` is to be called with `Tick` if nothing happens before.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Time> {
        None
    }

    /// Every group that the manager knows.
    pub fn view(&self) -> impl Iterator<Item = ManagerGroupView> + '_ {
        std::iter::empty()
    }
}
