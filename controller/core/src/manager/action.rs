//! What the manager wants done.

use messages::body::{Answer, Body};
use messages::{HostId, SignedRecord};

use crate::note::Note;

/// What the manager wants done, in this order, before it is told anything else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ManagerAction {
    /// Append this to the log, make it durable, and say `Appended`.
    Append {
        /// Repeated in the event.
        token: u64,
        /// The record.
        record: SignedRecord,
    },
    /// Send this; to the own host: hand it to the local agent.
    Send {
        /// To whom.
        to: HostId,
        /// What.
        body: Body,
    },
    /// Answer an operator.
    Answer {
        /// From `ManagerEvent::Operate`.
        token: u64,
        /// What came of it.
        answer: Answer,
    },
    /// Write this to the event stream and the flight record.
    Note(Note),
}
