//! What a host's tables hold about a group.

use failover::{GroupInstall, LocalRole};
use messages::{Epoch, Time};

use crate::naming::Host;

/// A group as a host knows it.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The epoch of the record behind it.
    pub epoch: Epoch,
    /// Owner generation.
    pub generation: u64,
    /// The owner's host; nobody if packets are to be dropped.
    pub owner: Option<Host>,
    /// Who gets copies.
    pub copies_to: Vec<Host>,
    /// The only host whose copies a new primary takes after a planned move, and until when.
    pub copy_from: Option<(Host, Time)>,
    /// What the member on this host may do; `None` if it has none.
    pub role: Option<Role>,
    /// Whether it buffers as a replica.
    pub buffer: bool,
}

/// What the packet path does for a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Takes copies and is silent.
    Replica,
    /// Owns the address; with `hold` everything for it waits in the buffer.
    Primary {
        /// Whether inbound waits.
        hold: bool,
    },
    /// Takes nothing and is silent.
    Fenced,
    /// Sends what comes late to the new owner.
    Forwarding {
        /// The new owner.
        to: Host,
        /// Afterwards it is fenced.
        until: Time,
    },
}

impl Entry {
    /// What an agent publishes, in the terms of this model. A record that is not confirmed counts
    /// as owned by nobody.
    #[must_use]
    pub fn of(install: &GroupInstall) -> Self {
        let record = &install.record.record;
        Self {
            epoch: record.epoch,
            generation: record.generation,
            owner: record
                .owner
                .filter(|_| install.confirmed)
                .and_then(|owner| Host::of(owner.host)),
            copies_to: install
                .copies_to
                .iter()
                .copied()
                .filter_map(Host::of)
                .collect(),
            copy_from: install
                .copy_from
                .and_then(|from| Some((Host::of(from.host)?, from.until))),
            role: install.local.and_then(Role::of),
            buffer: install.buffer,
        }
    }
}

impl Role {
    fn of(role: LocalRole) -> Option<Self> {
        Some(match role {
            LocalRole::Replica => Self::Replica,
            LocalRole::Primary { hold } => Self::Primary { hold },
            LocalRole::Fenced => Self::Fenced,
            LocalRole::Forwarding { to, until } => Self::Forwarding {
                to: Host::of(to)?,
                until,
            },
        })
    }
}
