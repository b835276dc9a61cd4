//! What must never be otherwise. Each invariant has a function of its own, which is called after
//! every step that could break it, and a memory that costs the same however long a run is.

mod acceptance;
mod balance;
mod epochs;
mod memory;
mod settled;

use std::fmt;

use crate::clock::Moment;

pub use acceptance::{Acceptances, Hearing};
pub use balance::{balanced, nothing_missing};
pub use epochs::{Epochs, Seen};
pub use memory::{Footprint, bounded};
pub use settled::{Standing, settled};

/// An invariant of docs/failover.md.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Invariant {
    /// One node an owner generation.
    I1,
    /// Never back to an older generation.
    I2,
    /// Never below an acknowledged epoch.
    I3,
    /// What anybody saw survives a crash of the manager.
    I4,
    /// The silent are silent.
    I5,
    /// No other network.
    I6,
    /// After the last fault all agree and somebody serves.
    I7,
    /// Every packet is accounted for, and with buffers none is missing.
    I8,
    /// Memory is bounded.
    I9,
}

impl Invariant {
    /// What it says.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::I1 => {
                "at most one node's output per (address, owner generation) is accepted by any receiver"
            }
            Self::I2 => {
                "once a receiver accepted output of a generation it never accepts an older one, and nobody accepts what an older owner sent after the newer one began"
            }
            Self::I3 => {
                "the epoch at any receiver never falls below one that it acknowledged, restarts included"
            }
            Self::I4 => {
                "an epoch that anybody saw survives a crash of the manager, and means one thing only"
            }
            Self::I5 => "nothing of a replica, muted or fenced node reaches another node",
            Self::I6 => "no packet is delivered in another network than the sender's",
            Self::I7 => {
                "after the last fault all live hosts come to hold the same owner and epoch, and an owner serves where one may"
            }
            Self::I8 => {
                "sent = delivered + drops by reason + in flight, and with buffers no request is missing or left unanswered"
            }
            Self::I9 => "memory is bounded",
        }
    }
}

impl fmt::Display for Invariant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// An invariant that did not hold.
#[derive(Clone, Debug)]
pub struct Violation {
    /// Which.
    pub invariant: Invariant,
    /// When it was noticed.
    pub moment: Moment,
    /// What was found.
    pub words: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} at {}: {} ({})",
            self.invariant,
            self.moment,
            self.words,
            self.invariant.text()
        )
    }
}

/// Fails with these words unless it holds.
pub(crate) fn claim(
    holds: bool,
    invariant: Invariant,
    moment: Moment,
    words: impl FnOnce() -> String,
) -> Result<(), Violation> {
    if holds {
        return Ok(());
    }
    Err(Violation {
        invariant,
        moment,
        words: words(),
    })
}

#[cfg(test)]
mod tests;
