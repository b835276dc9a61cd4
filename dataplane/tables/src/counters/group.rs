//! What one worker counts about one group.

use crate::counters::{Counter, Traffic};
use crate::group::MEMBERS_MAX;
use crate::mappings::HostIndex;

/// Copies from this host to one member.
#[derive(Debug, Default)]
pub struct CopyCounters {
    /// Made and handed on, towards the substrate or to the member's port here.
    pub sent: Traffic,
    /// Not made, because of the member's budget.
    pub over_budget: Counter,
    /// Not made for another reason: no buffer, too big, no next hop.
    pub failed: Counter,
}

/// One worker's counts of one group.
#[derive(Debug)]
pub struct GroupCounters {
    /// Copies sent, by [`CopyTo::slot`](crate::group::CopyTo::slot).
    pub copies: [CopyCounters; MEMBERS_MAX],
    /// Kept instead of delivered.
    pub buffered: Traffic,
    /// Of these: delivered later.
    pub released: Counter,
    /// Of these: passed on to the new owner after a planned move. Packets that
    /// came late and were passed on at once are not among them.
    pub passed_on: Counter,
    /// Of these: dropped because a checkpoint includes them.
    pub checkpointed: Counter,
    /// Of these: dropped because the member is no longer one, or because the new
    /// owner has them.
    pub discarded: Counter,
    /// Of these: dropped because they grew too old (`buffer_expired`).
    pub expired: Counter,
    /// What is kept now: frames and their octets.
    pub held: Traffic,
    /// When the oldest of what is kept now came, on the process's clock in
    /// nanoseconds. Means nothing where `held` is 0.
    pub held_since_ns: Counter,
    /// Passed on to the new owner, whether kept before or not.
    pub forwarded: Counter,
    /// Packets that the buffer of the member of this host lost: `buffer_full`
    /// and `buffer_expired`.
    pub lost: Counter,
    packets_from: Box<[Counter]>,
    copies_from: Box<[Counter]>,
}

impl GroupCounters {
    pub(super) fn new(hosts: usize) -> Self {
        let zeros = || (0..hosts).map(|_| Counter::default()).collect();
        Self {
            copies: std::array::from_fn(|_| CopyCounters::default()),
            buffered: Traffic::default(),
            released: Counter::default(),
            passed_on: Counter::default(),
            checkpointed: Counter::default(),
            discarded: Counter::default(),
            expired: Counter::default(),
            held: Traffic::default(),
            held_since_ns: Counter::default(),
            forwarded: Counter::default(),
            lost: Counter::default(),
            packets_from: zeros(),
            copies_from: zeros(),
        }
    }

    /// Hosts of the fabric.
    pub fn hosts(&self) -> usize {
        self.packets_from.len()
    }

    /// Genuine packets for the member of this host that nodes of `host` sent,
    /// copies included: who must be told when the address moves. `None` for a
    /// host that is not in the fabric.
    #[inline]
    pub fn packets_from(&self, host: HostIndex) -> Option<&Counter> {
        self.packets_from.get(usize::from(host.0))
    }

    /// Copies (C=1) that `host` made for the member of this host. Equal to what
    /// that host counts as sent, less what was lost on the way.
    #[inline]
    pub fn copies_from(&self, host: HostIndex) -> Option<&Counter> {
        self.copies_from.get(usize::from(host.0))
    }
}
