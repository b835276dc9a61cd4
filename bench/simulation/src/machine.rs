//! One host: what outlives its daemon, and one life of that daemon.

use failover::{Agent, Manager};
use messages::{BootId, SignedRecord, Time};

use crate::clock::{HostClock, Moment};
use crate::naming::Host;
use crate::plane::Plane;
use crate::sessions::Post;
use crate::storage::Store;
use crate::truth::Tenure;
use crate::world::Happening;

/// A host.
#[derive(Debug)]
pub struct Machine {
    /// Which.
    pub host: Host,
    /// Its clock; another one after a reboot.
    pub clock: HostClock,
    /// Whether the machine is up, whatever its daemon does.
    pub is_up: bool,
    /// Whether the machine has not rebooted since the last daemon ran.
    pub kept: bool,
    /// The daemon, while it runs.
    pub life: Option<Life>,
    /// How many daemons there have been.
    pub lives: u32,
    /// What waits while the process is stopped.
    pub stopped: Option<Vec<Happening>>,
    /// Stops that are not over.
    pub stops: u32,
    /// Faults that keep the port of each group's member down.
    pub closed_ports: Vec<u32>,
    /// Faults that keep the daemon down.
    pub downs: u32,
    /// What the agent keeps.
    pub kept_records: Store,
    /// The manager's log, on the manager's host.
    pub log: Store,
    /// Whether the agent's disk was damaged, so that it may forget.
    pub may_forget: bool,
    /// Whether the manager's disk was put back in time.
    pub log_damaged: bool,
}

/// One life of a daemon.
pub struct Life {
    /// Counts the host's lives.
    pub number: u32,
    /// Its name.
    pub boot: BootId,
    /// The agent.
    pub agent: Agent,
    /// The manager, on one host.
    pub manager: Option<Manager>,
    /// The packet path.
    pub plane: Plane,
    /// Sessions with other daemons.
    pub post: Post,
    /// What it may do, by the rules, for each group.
    pub tenures: Vec<Tenure>,
    /// When it wakes next.
    pub wake: Option<Moment>,
    /// When the workers were sampled last.
    pub sampled: Option<Time>,
    /// Until when one of its workers is stuck.
    pub stuck_until: Moment,
    /// When the last burst that passed the lease has left.
    pub drained: Moment,
    /// When a sender was last reported to each group's fenced member.
    pub misled: Vec<Option<Time>>,
}

impl std::fmt::Debug for Life {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Life")
            .field("number", &self.number)
            .field("boot", &self.boot)
            .finish_non_exhaustive()
    }
}

impl Machine {
    /// Whether its daemon runs and is not stopped.
    #[must_use]
    pub const fn is_responsive(&self) -> bool {
        self.life.is_some() && self.stopped.is_none()
    }

    /// The record of a group that its agent has installed.
    #[must_use]
    pub fn record(&self, group: usize) -> Option<&SignedRecord> {
        self.life.as_ref()?.tenures[group].record()
    }

    /// What its clock shows.
    #[must_use]
    pub fn time(&self, now: Moment) -> Time {
        self.clock.read(now)
    }
}
