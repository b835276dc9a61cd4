//! Slips of the codec that the simulator plants, one at a time, to prove that it would find them.
//!
//! They exist with the feature `planted` only. Without it [`is_on`] is `false` when the code is
//! compiled, and nothing of them is left.

/// A slip in what is read from octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Slip {
    /// An epoch's term is read as 0.
    TermForgotten,
    /// The times of an acknowledgement are exchanged.
    EchoExchanged,
    /// The last bit of a group's network is lost.
    NetworkCut,
}

impl Slip {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::TermForgotten, Self::EchoExchanged, Self::NetworkCut];
}

#[cfg(feature = "planted")]
mod chosen {
    use std::cell::Cell;

    use super::Slip;

    // Of the thread: seeds run beside one another.
    thread_local! {
        static PLANTED: Cell<Option<Slip>> = const { Cell::new(None) };
    }

    /// Chooses the slip that this thread makes from now on; `None` for none.
    pub fn plant(slip: Option<Slip>) {
        PLANTED.set(slip);
    }

    /// Whether this thread makes the slip.
    #[must_use]
    pub fn is_on(slip: Slip) -> bool {
        PLANTED.get() == Some(slip)
    }
}

#[cfg(feature = "planted")]
pub use chosen::{is_on, plant};

/// Never: no slip is compiled in.
#[cfg(not(feature = "planted"))]
#[must_use]
pub const fn is_on(_: Slip) -> bool {
    false
}
