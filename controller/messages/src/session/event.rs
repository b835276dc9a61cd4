//! What sessions have to say about the peers themselves.

use crate::ids::{BootId, HostId};

/// What became of a peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// It is alive and configured as this host is.
    Opened {
        /// Who.
        host: HostId,
        /// In which of its lives.
        boot: BootId,
    },
    /// That life of it is over, and what it said is void.
    Closed {
        /// Who.
        host: HostId,
        /// Which of its lives.
        boot: BootId,
    },
    /// It is alive and configured differently. Said once for each of its lives.
    Refused {
        /// Who.
        host: HostId,
        /// In which of its lives.
        boot: BootId,
        /// What differs, for an operator.
        sentence: String,
    },
}

/// How things stand with a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeerState<'a> {
    /// It has not answered yet.
    Asking,
    /// Messages pass.
    Open(BootId),
    /// It is configured differently: this is the difference.
    Refused(&'a str),
}
