//! What an agent and a manager are told at their start, and the times that follow from it.

use std::time::Duration;

use messages::{FabricId, GroupId, HostId};

/// The difference in rate that two hosts' clocks may have: parts per million of each against true
/// time.
pub const CLOCK_RATE_PPM: u32 = 500;

/// How long a new owner waits for acknowledgements of its announcement (W).
pub const ANNOUNCE_WAIT: Duration = Duration::from_millis(20);

/// How long the output of an owner that is to be moved passes while its input is queued already:
/// the guest answers what it got before.
pub const FREEZE_DRAIN: Duration = Duration::from_millis(20);

/// How long an old owner forwards after a planned move, and the new one takes copies from it.
pub const FORWARD_SPAN: Duration = Duration::from_secs(1);

/// How long a host that an address left does not get it back.
pub const RETURN_GAP: Duration = Duration::from_secs(1);

/// The most members of a group, those that were removed not counted. The tables have room for as
/// many.
pub const MEMBERS_MAX: usize = 8;

/// What one host's agent is told.
#[derive(Clone, Debug)]
pub struct AgentConfig {
    /// The fabric; records of another one are ignored.
    pub fabric: FabricId,
    /// This host.
    pub host: HostId,
    /// The manager's host.
    pub manager: HostId,
    /// Every group that this host is a member of, or whose address something on it may send to.
    pub groups: Vec<GroupConfig>,
    /// Whether the machine has not rebooted since the last daemon ran.
    pub machine_kept: bool,
}

/// A group as the configuration gives it: the initial state, and what never changes at run time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupConfig {
    /// The group.
    pub id: GroupId,
    /// Its members in the order of their rank; the first one owns the address at the start.
    pub members: Vec<HostId>,
    /// What a replica does with copies.
    pub copies: CopyMode,
    /// Who makes them.
    pub fan_out: FanOut,
    /// I and G.
    pub timers: Timers,
    /// What an owner does whose lease ends.
    pub on_isolation: Isolation,
    /// A checkpoint discards only what was received this much before the primary froze its input.
    pub checkpoint_margin: Duration,
    /// Whether there is a hook, and whether a promotion waits for it.
    pub hook: HookPolicy,
    /// Every host that needs the group's record: members, spares, and hosts that have a port in the
    /// network or in one peered with it.
    pub audience: Vec<HostId>,
}

/// What a replica does with copies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CopyMode {
    /// Hands them to its guest.
    Deliver,
    /// Keeps them until a checkpoint covers them or it is promoted.
    Buffer,
}

/// Who makes the copies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FanOut {
    /// Each sender's host.
    Sender,
    /// The owner's host.
    Primary,
}

/// What an owner does whose lease ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Isolation {
    /// It is muted: two hosts never transmit at a time.
    Mute,
    /// It goes on: there is no lease, and only the receivers' check silences it once deposed.
    Continue,
}

/// Whether there is a promotion hook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HookPolicy {
    /// None.
    Absent,
    /// One that runs beside the promotion.
    Beside,
    /// One that a promotion waits for: the new owner is muted until it ended well.
    Awaited,
}

/// A group's timers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timers {
    /// I: a heartbeat's interval.
    pub interval: Duration,
    /// How many intervals of silence make a candidate.
    pub detect_mult: u32,
}

impl Timers {
    /// G: the silence after which a replica's promise is over.
    #[must_use]
    pub fn silence(&self) -> Duration {
        self.interval.saturating_mul(self.detect_mult)
    }

    /// L: how long after sending an acknowledged heartbeat an owner may transmit, on its own clock.
    /// `G (1 - 2 rho) - 1 ms`, so that it has stopped when the replica's G is over, whatever the
    /// difference of the clocks' rates within rho; the millisecond is for what the rings hold.
    #[must_use]
    pub fn lease(&self) -> Duration {
        let silence = self.silence();
        let drift = silence.saturating_mul(2 * CLOCK_RATE_PPM) / 1_000_000;
        silence
            .saturating_sub(drift)
            .saturating_sub(Duration::from_millis(1))
    }
}

/// What the manager is told.
#[derive(Clone, Debug)]
pub struct ManagerConfig {
    /// The fabric.
    pub fabric: FabricId,
    /// The manager's own host.
    pub host: HostId,
    /// Every host of the fabric.
    pub hosts: Vec<HostId>,
    /// Every group of the fabric.
    pub groups: Vec<ManagedGroup>,
    /// What keeps a flapping group from flapping faster.
    pub damping: Damping,
}

/// A group as the manager is told of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManagedGroup {
    /// What every host knows.
    pub group: GroupConfig,
    /// Hosts that may become members when one is lost, in the order of preference.
    pub spares: Vec<HostId>,
}

/// What keeps a flapping group from flapping faster, and other spans of the manager's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Damping {
    /// The least time between two promotions of a group. It doubles while the group flaps.
    pub promotion_gap_min: Duration,
    /// The most that it doubles to.
    pub promotion_gap_max: Duration,
    /// After this long without trouble the group no longer flaps.
    pub stable_after: Duration,
    /// How long a member that fell out of sync must do well before it is in sync again.
    pub rejoin_after: Duration,
    /// A planned move that is not frozen after this long is given up.
    pub handover_within: Duration,
    /// How long a lost member is waited for before a spare takes its place.
    pub reprotect_after: Duration,
    /// How long an owner without in-sync members must be lost before nobody owns the address.
    pub no_owner_after: Duration,
}

impl Default for Damping {
    fn default() -> Self {
        Self {
            promotion_gap_min: Duration::from_secs(1),
            promotion_gap_max: Duration::from_secs(60),
            stable_after: Duration::from_secs(10),
            rejoin_after: Duration::from_secs(1),
            handover_within: Duration::from_secs(1),
            reprotect_after: Duration::from_secs(2),
            no_owner_after: Duration::from_secs(1),
        }
    }
}
