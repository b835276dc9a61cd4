//! What the manager is told.

use messages::body::{Body, Request};
use messages::{BootId, HostId};

/// What the manager is told, with its host's time beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ManagerEvent {
    /// The time of `next_deadline` has come.
    Tick,
    /// A message from a host (its own too), authenticated and addressed to this life.
    Message {
        /// Who sent it.
        from: HostId,
        /// In which life.
        from_boot: BootId,
        /// What it says.
        body: Body,
    },
    /// A session with this life of a host's daemon is open; messages of another life are void.
    PeerBoot {
        /// The host.
        host: HostId,
        /// Its life.
        boot: BootId,
    },
    /// The record of this token is durable.
    Appended {
        /// From `ManagerAction::Append`.
        token: u64,
    },
    /// The record of this token is not in the log, and will not be (no room). After an fsync error
    /// nobody can say that: then the process ends.
    AppendFailed {
        /// From `ManagerAction::Append`.
        token: u64,
    },
    /// An operator's request at the manager's host.
    Operate {
        /// Repeated in the answer.
        token: u64,
        /// Where it was made.
        from: HostId,
        /// What is asked.
        request: Request,
    },
}
