//! Groups: one virtual address, several members, one of which speaks.
//!
//! A [`Group`] says for one address who owns it, which members get copies of
//! what is sent to it, and what the member of this host, if it has one, does
//! with what arrives. The mapping of the address names its group by
//! [`Entry::group`](crate::Entry::group), so that packets to other addresses
//! pay one comparison.
//!
//! # How the controller drives this
//!
//! - **At launch** it makes one group for each configured one, in an order that
//!   stays: counters, token buckets and buffers are set aside then, by position.
//!   A host with a port for the address has a [`LocalMember`] from the first
//!   snapshot on, [`Role::Fenced`] until it is told otherwise, with the largest
//!   [`BufferLimits`] that it may ever have, and its
//!   [`LocalNode`](crate::LocalNode) names the
//!   group and shares the [`Lease`](crate::lease::Lease).
//! - **A new record** becomes a new `Group` and a new mapping
//!   ([`Group::entry`]), both in one [`publish`](crate::Publisher::publish). A
//!   member keeps its [`CopyTo::slot`] while it is in the group.
//! - **The lease** is not published: the controller stores its deadline, and
//!   workers read it before each burst from the member's port.
//! - **"Has every worker passed a boundary?"** is
//!   [`Boundary`](crate::boundary::Boundary): taken after a publication or a
//!   lease was stored, asked each round until it says yes.
//! - **Counts** are in [`GroupCounters`](crate::counters::GroupCounters), one
//!   for each worker, to be added up. What a sender counts in
//!   `copies[slot].sent` the replica counts in `copies_from(sender)`; `lost`,
//!   and `tx_queue_full` and `handoff_full` of the member's port, are what the
//!   replica lost after that.
//! - **Notices** of workers ([`Notice`](crate::notice::Notice)) come by one ring
//!   from each worker.
//! - **A planned move**: the old owner becomes `Primary { hold: true }` with its
//!   lease muted. Then, in this order: the new one is published as
//!   `Primary { hold: true }`, with `discard_before_ns` of that moment if it
//!   buffers, and the other members likewise with the new owner; the old one
//!   becomes [`Role::Forwarding`]; senders learn the owner; the new one gets its
//!   lease and leaves the hold. Every member but the old owner has
//!   [`LocalMember::copy_from`] for the second after: at the new owner no other
//!   host's copy counts then, at the others the old owner's counts as well. An
//!   abort is `Primary { hold: false }` and the lease at the old owner. What a
//!   worker of the new owner kept before it saw the move is dropped when it sees
//!   it, whatever the times say.
//! - **Promotion** is `Primary { hold: true }` with a muted lease, then the
//!   lease, then `Primary { hold: false }`: workers release what was buffered
//!   ahead of what comes, and first drop what waited at the guest's port.

use std::num::NonZeroU16;

use arrayvec::ArrayVec;
use wire::address::Prefix96;

use crate::mappings::{Entry, HostIndex, Key, LocalPort, PortIndex};

/// Members of a group, owner included.
pub const MEMBERS_MAX: usize = 8;

/// A group of [`Snapshot::groups`](crate::Snapshot::groups): its position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(transparent)]
pub struct GroupIndex(NonZeroU16);

impl GroupIndex {
    /// The group at this position, from 0; `None` from 65,535 on.
    #[must_use]
    pub fn new(position: usize) -> Option<Self> {
        let number = u16::try_from(position).ok()?.checked_add(1)?;
        NonZeroU16::new(number).map(Self)
    }

    /// The position.
    #[inline]
    #[must_use]
    pub const fn index(self) -> usize {
        self.0.get() as usize - 1
    }
}

/// One replicated address as this host sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Network and virtual address.
    pub key: Key,
    /// Who makes the copies.
    pub fan_out: FanOut,
    /// Who speaks for the address now; `None` while nobody may.
    pub owner: Option<Owner>,
    /// Owner generation: the low two bits travel in what the owner sends.
    pub generation: u8,
    /// The members that get copies, the owner not among them.
    pub copies: ArrayVec<CopyTo, MEMBERS_MAX>,
    /// The member on this host.
    pub local: Option<LocalMember>,
}

/// Who makes the copies of a group. The same at all hosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FanOut {
    /// The sender's host, for every member.
    Sender,
    /// The owner's host, of what reaches it.
    Primary,
}

/// Where the owner is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner {
    /// Its host.
    pub host: HostIndex,
    /// The first 96 bits of its substrate address.
    pub prefix: Prefix96,
}

/// A member that gets a copy of what is sent to the group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CopyTo {
    /// Its host; may be this one.
    pub host: HostIndex,
    /// The first 96 bits of its substrate address.
    pub prefix: Prefix96,
    /// Which of the group's counters and token buckets are its own, below
    /// [`MEMBERS_MAX`].
    pub slot: u8,
    /// What may be copied to it; `None` is everything.
    pub budget: Option<Budget>,
}

/// A rate of copies from one host to one member, shared among its workers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Nanoseconds that a packet takes, times 2^[`Budget::FRACTION_BITS`].
    packet_cost: u64,
    /// Likewise that an octet takes.
    byte_cost: u64,
}

impl Budget {
    /// Binary digits behind the point of a cost.
    const FRACTION_BITS: u32 = 16;

    /// So many packets and octets a second; a rate of 0 lets nothing pass
    /// beyond the first packet.
    #[must_use]
    pub fn new(packets_per_second: u64, bytes_per_second: u64) -> Self {
        let cost = |rate: u64| {
            (1_000_000_000_u64 << Self::FRACTION_BITS)
                .checked_div(rate)
                .unwrap_or(u64::MAX)
        };
        Self {
            packet_cost: cost(packets_per_second),
            byte_cost: cost(bytes_per_second),
        }
    }

    /// For how long a worker that has one of `shares` equal shares may send
    /// nothing after a frame of `bytes` octets, in nanoseconds: by packets, and
    /// by octets.
    #[inline]
    #[must_use]
    pub fn costs_ns(&self, bytes: u64, shares: u64) -> (u64, u64) {
        let scaled = |cost: u64| cost.saturating_mul(shares) >> Self::FRACTION_BITS;
        (
            scaled(self.packet_cost),
            scaled(self.byte_cost.saturating_mul(bytes)),
        )
    }
}

/// The member of a group on this host, whatever it is at present.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocalMember {
    /// The guest port that leads to it.
    pub port: PortIndex,
    /// What it does with what arrives, and whether it may speak.
    pub role: Role,
    /// What a replica does with its copies.
    pub copies: Copies,
    /// What was received earlier is part of a checkpoint, in the nanoseconds of
    /// the process's clock; 0 for nothing.
    pub discard_before_ns: u64,
    /// After a planned move: who alone may send it copies, and until when.
    pub copy_from: Option<CopyWindow>,
    /// What it may buffer, all workers together.
    pub limits: BufferLimits,
}

/// What a member is to the packet path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Takes copies, says nothing.
    Replica,
    /// Takes everything, and speaks while its lease runs.
    Primary {
        /// Keep what arrives, in order, instead of delivering it.
        hold: bool,
    },
    /// Takes nothing, says nothing.
    Fenced,
    /// Was the primary of a planned move: passes on what it held and what comes
    /// late, says nothing.
    Forwarding {
        /// The new owner's host.
        to: HostIndex,
        /// The first 96 bits of the new owner's substrate address.
        prefix: Prefix96,
    },
}

/// What a replica does with its copies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Copies {
    /// Its guest gets them and keeps its state up to date.
    Deliver,
    /// They wait for the promotion or for the checkpoint that includes them.
    Buffer,
}

/// The time after a planned move in which copies come from the old owner only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CopyWindow {
    /// The old owner's host.
    pub host: HostIndex,
    /// The first 96 bits of its substrate address.
    pub prefix: Prefix96,
    /// The end, in nanoseconds of the process's clock.
    pub until_ns: u64,
}

/// What a member may keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BufferLimits {
    /// Frames.
    pub packets: u32,
    /// Their octets.
    pub bytes: u32,
    /// The oldest that a frame may get, in nanoseconds.
    pub age_ns: u64,
}

impl Group {
    /// The mapping of the address. Without an owner it names none of the hosts:
    /// nobody's packets pass for the address's own.
    #[must_use]
    pub fn entry(&self, index: GroupIndex) -> Entry {
        let nobody = Owner {
            host: HostIndex(u16::MAX),
            prefix: Prefix96([0; 12]),
        };
        let owner = self.owner.unwrap_or(nobody);
        let port = self.local.as_ref().map(|member| member.port.0);
        Entry {
            key: self.key,
            prefix: owner.prefix,
            owner: owner.host,
            port: port.and_then(LocalPort::new),
            generation: self.generation,
            group: Some(index),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_found_at_the_position_that_it_was_made_from() {
        for position in [0, 1, 65_534] {
            let index = GroupIndex::new(position).expect("within the range");
            assert_eq!(index.index(), position);
        }
        assert_eq!(GroupIndex::new(65_535), None);
        assert_eq!(size_of::<Option<GroupIndex>>(), 2);
    }

    #[test]
    fn a_budget_costs_the_inverse_of_its_rates_and_a_share_its_part() {
        let budget = Budget::new(1_000_000, 125_000_000);
        assert_eq!(budget.costs_ns(1_000, 1), (1_000, 8_000));
        assert_eq!(budget.costs_ns(1_000, 4), (4_000, 32_000));
        let (packets, bytes) = Budget::new(0, 0).costs_ns(64, 1);
        assert!(packets.min(bytes) > 1_000_000_000 * 3_600);
    }
}
