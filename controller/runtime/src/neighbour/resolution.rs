//! How the link address of the one neighbour that we send to is learnt and kept:
//! neighbour unreachability detection, RFC 4861 section 7.3, without input or clock.
//!
//! ```text
//!   ┌────────────┐        answered        ┌───────────┐ ──┐ answered
//!   │ Incomplete │ ─────────────────────▶ │ Reachable │   │
//!   │ no address │                        │  for 30 s │ ◀─┘
//!   └────────────┘                        └───────────┘
//!      ▲  │ │  ▲                             ▲     │
//!      │  │ └──┘ ask the group:     answered │     │ 30 s over,
//!      │  │      1, 1, 1, 2, 4, 8, 8, … s    │     ▼ or another address heard
//!      │  │  heard without asking         ┌───────────┐ ──┐ ask the owner: 1 s
//!      │  └─────────────────────────────▶ │  Probing  │   │
//!      └───────────────────────────────── │ keeps mac │ ◀─┘
//!           three probes unanswered       └───────────┘
//!
//!   ┌────────┐
//!   │ Pinned │  configured; nothing that a packet says changes it
//!   └────────┘
//! ```
//!
//! RFC 4861 has two more states between Reachable and Probing, Stale and Delay,
//! which put a probe off until there is traffic. A host's next hop always has
//! traffic, so they are passed through in no time. The address stays in use while
//! it is probed: traffic stops only when the neighbour is known to be gone.

use wire::ethernet::MacAddress;

/// How long a confirmed address is used without a probe (REACHABLE_TIME, RFC 4861
/// section 10).
const REACHABLE_MS: u64 = 30_000;

/// Pause between two solicitations (RETRANS_TIMER).
const RETRANSMIT_MS: u64 = 1_000;

/// Solicitations one [`RETRANSMIT_MS`] apart before the pause begins to double
/// (MAX_MULTICAST_SOLICIT); we never give up, RFC 7048 section 3.
const SOLICIT_AT_FULL_RATE: u32 = 3;

/// How often the pause doubles: a router that comes back is found within 8 s.
const DOUBLINGS_MAX: u32 = 3;

/// Probes of a known address before it is given up (MAX_UNICAST_SOLICIT).
const PROBES_MAX: u32 = 3;

/// What is known of the neighbour. Times are milliseconds of the caller's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// The address is configured.
    Pinned(MacAddress),
    /// No address is known; the group has been asked `asked` times.
    Incomplete {
        /// Solicitations sent.
        asked: u32,
        /// When to send the next.
        ask_at_ms: u64,
    },
    /// The address was confirmed within [`REACHABLE_MS`].
    Reachable {
        /// The neighbour's address.
        mac: MacAddress,
        /// When to begin to probe.
        probe_at_ms: u64,
    },
    /// The address is used and in doubt.
    Probing {
        /// The neighbour's last known address.
        mac: MacAddress,
        /// Probes sent.
        asked: u32,
        /// When to send the next, or to give up.
        ask_at_ms: u64,
    },
}

/// What happens to a neighbour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// Time has passed.
    Timer,
    /// A valid advertisement of the neighbour's IPv6 address.
    Advertised(Claim),
    /// A valid solicitation from the neighbour, with its link address.
    Solicited(MacAddress),
}

/// What an advertisement says besides the address that it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The Target Link-Layer Address option; an answer to a probe may do without.
    pub mac: Option<MacAddress>,
    /// The Solicited flag: it answers us.
    pub solicited: bool,
    /// The Override flag: it may replace what is known.
    pub overrides: bool,
}

/// A solicitation to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// To the neighbour's solicited-node group.
    Group,
    /// To the address that is in doubt.
    Owner(MacAddress),
}

impl State {
    /// Where resolution begins: pinned if the address is configured, else with a
    /// solicitation at the first [`Event::Timer`].
    pub const fn start(configured: Option<MacAddress>) -> Self {
        match configured {
            Some(mac) => Self::Pinned(mac),
            None => Self::Incomplete {
                asked: 0,
                ask_at_ms: 0,
            },
        }
    }

    /// The address to send to, if there is one.
    pub const fn mac(self) -> Option<MacAddress> {
        match self {
            Self::Incomplete { .. } => None,
            Self::Pinned(mac) | Self::Reachable { mac, .. } | Self::Probing { mac, .. } => {
                Some(mac)
            }
        }
    }

    /// When the next [`Event::Timer`] has an effect.
    pub const fn deadline_ms(self) -> Option<u64> {
        match self {
            Self::Pinned(_) => None,
            Self::Reachable { probe_at_ms, .. } => Some(probe_at_ms),
            Self::Incomplete { ask_at_ms, .. } | Self::Probing { ask_at_ms, .. } => Some(ask_at_ms),
        }
    }

    /// The next state, and the solicitation to send on the way.
    pub fn step(self, event: Event, now_ms: u64) -> (Self, Option<Ask>) {
        match event {
            Event::Timer => self.timer(now_ms),
            Event::Advertised(claim) => (self.advertised(claim, now_ms), None),
            Event::Solicited(mac) => (self.solicited(mac, now_ms), None),
        }
    }

    fn timer(self, now_ms: u64) -> (Self, Option<Ask>) {
        if self.deadline_ms().is_none_or(|due_ms| now_ms < due_ms) {
            return (self, None);
        }
        match self {
            Self::Pinned(_) => (self, None),
            Self::Incomplete { asked, .. } => ask_group(asked, now_ms),
            Self::Reachable { mac, .. } => ask_owner(mac, 0, now_ms),
            Self::Probing { mac, asked, .. } if asked < PROBES_MAX => ask_owner(mac, asked, now_ms),
            Self::Probing { .. } => ask_group(0, now_ms),
        }
    }

    /// RFC 4861 section 7.2.5.
    fn advertised(self, claim: Claim, now_ms: u64) -> Self {
        let (known, heard) = match (self, claim.mac) {
            (Self::Pinned(_), Some(_) | None) => return self,
            (Self::Incomplete { .. }, None) => return self,
            (Self::Incomplete { .. }, Some(heard)) if claim.solicited => {
                return reachable(heard, now_ms);
            }
            (Self::Incomplete { .. }, Some(heard)) => return doubted(heard, now_ms),
            (Self::Reachable { mac, .. } | Self::Probing { mac, .. }, heard) => {
                (mac, heard.unwrap_or(mac))
            }
        };
        match (heard == known || claim.overrides, claim.solicited) {
            (true, true) => reachable(heard, now_ms),
            (true, false) if heard == known => self,
            (true, false) => doubted(heard, now_ms),
            // Another address that may not override: a reason to ask, no more.
            (false, true | false) => match self {
                Self::Reachable { .. } => doubted(known, now_ms),
                Self::Pinned(_) | Self::Incomplete { .. } | Self::Probing { .. } => self,
            },
        }
    }

    /// RFC 4861 section 7.2.3: an address that is new is used and in doubt.
    fn solicited(self, heard: MacAddress, now_ms: u64) -> Self {
        match self {
            Self::Pinned(_) => self,
            Self::Reachable { mac, .. } | Self::Probing { mac, .. } if mac == heard => self,
            Self::Incomplete { .. } | Self::Reachable { .. } | Self::Probing { .. } => {
                doubted(heard, now_ms)
            }
        }
    }
}

fn reachable(mac: MacAddress, now_ms: u64) -> State {
    State::Reachable {
        mac,
        probe_at_ms: now_ms + REACHABLE_MS,
    }
}

/// An address that nobody confirmed: probed at the next timer.
fn doubted(mac: MacAddress, now_ms: u64) -> State {
    State::Probing {
        mac,
        asked: 0,
        ask_at_ms: now_ms,
    }
}

fn ask_owner(mac: MacAddress, asked: u32, now_ms: u64) -> (State, Option<Ask>) {
    let next = State::Probing {
        mac,
        asked: asked + 1,
        ask_at_ms: now_ms + RETRANSMIT_MS,
    };
    (next, Some(Ask::Owner(mac)))
}

fn ask_group(asked: u32, now_ms: u64) -> (State, Option<Ask>) {
    let asked = asked.saturating_add(1);
    let doublings = asked
        .saturating_sub(SOLICIT_AT_FULL_RATE)
        .min(DOUBLINGS_MAX);
    let ask_at_ms = now_ms + (RETRANSMIT_MS << doublings);
    (State::Incomplete { asked, ask_at_ms }, Some(Ask::Group))
}

#[cfg(test)]
mod tests;
