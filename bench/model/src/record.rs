//! The record: what the manager decides and everybody else installs.

use crate::HOSTS;
use std::fmt;

/// How a host stands in a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Not a member.
    Out,
    /// Gets copies and heartbeats; counts in the lease from its first acknowledgement.
    Joining,
    /// Counts in the lease and may be promoted.
    InSync,
    /// Only with [`crate::Slip::SoloStillPromotable`]: out of the lease, but may be promoted.
    LetGo,
}

/// One record, packed into 17 bits because millions of states hold several of it.
///
/// From the lowest bit: 3 epoch, 3 generation, 2 owner, 2 the owner's boot, 1 whether the owner
/// may speak before its own promise is over, then 2 for each host's standing. The owner itself
/// stands as `Out`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Record(u32);

const MEMBERS_SHIFT: u32 = 11;

impl Record {
    /// The first record: host 0 owns, `members` are in sync.
    pub fn first(members: &[usize]) -> Self {
        let mut record = Self(0).with(0, 3, 1).with(3, 3, 1);
        for member in members {
            record = record.with_standing(*member, Standing::InSync);
        }
        record
    }

    /// The successor of this record: next epoch, everything else the same.
    pub fn next(self) -> Self {
        let epoch = u32::from(self.epoch()) + 1;
        self.with(0, 3, epoch).with(10, 1, 0)
    }

    /// A successor with another owner; the deposed one is out.
    pub fn promoting(self, owner: usize, boot: u8, at_once: bool) -> Self {
        self.next()
            .with(3, 3, u32::from(self.generation()) + 1)
            .with(6, 2, owner as u32)
            .with(8, 2, u32::from(boot))
            .with(10, 1, u32::from(at_once))
            .with_standing(owner, Standing::Out)
    }

    /// The record with one host's standing changed.
    #[must_use]
    pub fn with_standing(self, host: usize, standing: Standing) -> Self {
        let value = match standing {
            Standing::Out => 0,
            Standing::Joining => 1,
            Standing::InSync => 2,
            Standing::LetGo => 3,
        };
        self.with(MEMBERS_SHIFT + 2 * host as u32, 2, value)
    }

    /// The record with another owner under the same grant: only for mirror images.
    #[must_use]
    pub(crate) fn with_owner(self, owner: usize) -> Self {
        self.with(6, 2, owner as u32)
    }

    /// Position in the manager's order; what receivers compare.
    pub fn epoch(self) -> u8 {
        self.field(0, 3) as u8
    }

    /// Counts changes of the owner; what a packet carries.
    pub fn generation(self) -> u8 {
        self.field(3, 3) as u8
    }

    /// The host that owns the address.
    pub fn owner(self) -> usize {
        self.field(6, 2) as usize
    }

    /// The boot of the owner that the grant is for.
    pub fn boot(self) -> u8 {
        self.field(8, 2) as u8
    }

    /// The grant follows a resignation: the new owner's own promise need not be over.
    pub fn at_once(self) -> bool {
        self.field(10, 1) == 1
    }

    /// How `host` stands.
    pub fn standing(self, host: usize) -> Standing {
        match self.field(MEMBERS_SHIFT + 2 * host as u32, 2) {
            0 => Standing::Out,
            1 => Standing::Joining,
            2 => Standing::InSync,
            _ => Standing::LetGo,
        }
    }

    /// Whether `host` is a member other than the owner.
    pub fn lists(self, host: usize) -> bool {
        self.standing(host) != Standing::Out
    }

    /// Whether the manager may promote `host` from this record.
    pub fn promotable(self, host: usize) -> bool {
        matches!(self.standing(host), Standing::InSync | Standing::LetGo)
    }

    /// Whether the owner has no other member: no lease binds it.
    pub fn solo(self) -> bool {
        (0..HOSTS).all(|host| !self.lists(host))
    }

    /// Whether `other` is under the same grant of ownership.
    pub fn same_owner(self, other: Self) -> bool {
        self.owner() == other.owner() && self.generation() == other.generation()
    }

    /// The packed form, for hashing.
    pub fn bits(self) -> u32 {
        self.0
    }

    fn field(self, shift: u32, width: u32) -> u32 {
        (self.0 >> shift) & ((1 << width) - 1)
    }

    fn with(self, shift: u32, width: u32, value: u32) -> Self {
        let mask = (1 << width) - 1;
        debug_assert!(
            value <= mask,
            "a field of the record is too narrow for {value}"
        );
        Self(self.0 & !(mask << shift) | (value << shift))
    }
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return f.write_str("-");
        }
        let (epoch, generation, owner) = (self.epoch(), self.generation(), self.owner());
        write!(
            f,
            "E{epoch} generation {generation} owner {owner}.{}",
            self.boot()
        )?;
        if self.at_once() {
            f.write_str(" at once")?;
        }
        for host in (0..HOSTS).filter(|host| self.lists(*host)) {
            write!(f, " {host}:{:?}", self.standing(host))?;
        }
        Ok(())
    }
}
