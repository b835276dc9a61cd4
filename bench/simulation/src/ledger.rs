//! Where every packet of a run went.

use crate::packet::Reason;

/// Counts of frames: a packet and each of its copies is one.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    /// Made by a guest's host, copies included.
    pub made: u64,
    /// Doubled by the substrate.
    pub doubled: u64,
    /// Given to a node.
    pub delivered: u64,
    /// On the substrate now.
    pub in_flight: u64,
    /// In a member's buffer now.
    pub buffered: u64,
    dropped: [u64; Reason::COUNT],
}

impl Ledger {
    /// Counts a drop.
    pub const fn drop(&mut self, reason: Reason) {
        self.dropped[reason as usize] += 1;
    }

    /// How many were dropped for this reason.
    #[must_use]
    pub const fn dropped(&self, reason: Reason) -> u64 {
        self.dropped[reason as usize]
    }

    /// How many frames there have been, and how many of them are accounted for.
    #[must_use]
    pub fn balance(&self) -> (u64, u64) {
        let ended = self.delivered + self.dropped.iter().sum::<u64>();
        (
            self.made + self.doubled,
            ended + self.in_flight + self.buffered,
        )
    }
}
