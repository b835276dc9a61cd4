//! One state of the world. Time is relative everywhere: what is held is how long something
//! still lasts or how old it is, never when it happened, so that the states are finitely many.

use crate::record::{Record, Standing};
use crate::{HOSTS, Protocol, RECORDS_MAX, Slip};
use std::hash::{Hash, Hasher};

/// What is on its way between an owner and one of its members.
///
/// One exchange at a time: a later heartbeat takes the place of what was there, which is a loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flight {
    /// Nothing.
    Empty,
    /// A heartbeat, sent so many ticks ago.
    Beat(u8),
    /// The acknowledgement of a heartbeat that was sent so many ticks ago.
    Ack(u8),
}

impl Flight {
    fn octet(self) -> u8 {
        match self {
            Self::Empty => 0,
            Self::Beat(age) => 1 + age,
            Self::Ack(age) => 16 + age,
        }
    }
}

/// A host that may own the group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Host {
    /// Index of the record that it has installed, in memory and on its disk.
    pub record: u8,
    /// How often it has restarted; stands for the boot nonce.
    pub boot: u8,
    /// Booted, and its record is not confirmed in this session yet (rule 10).
    pub provisional: bool,
    /// As an owner: has resigned.
    pub resigned: bool,
    /// Ticks until its promise is over: G after its last acknowledgement, install or boot.
    /// A replica at 0 is a Candidate.
    pub grace: u8,
    /// As an owner: members (bits) that acknowledged since this record listed them.
    pub counted: u8,
    /// As an owner: for each member, ticks until the lease that it gave is over even on the
    /// slowest clock; 0 is over.
    pub lease: [u8; HOSTS],
    /// As an owner: what is on its way to and from each member.
    pub flight: [Flight; HOSTS],
}

/// The manager: what its memory adds to its disk.
///
/// Hints are noted when they are sent and stay until the next record: a message that arrives
/// late, or whose withdrawal is lost, is a hint that stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Manager {
    /// Index of the newest record it knows.
    pub newest: u8,
    /// Members (bits) whose promise was over under the newest record: SUSPECT.
    pub suspects: u8,
    /// Members (bits) without which the owner asked to go on.
    pub overdue: u8,
    /// Joining members (bits) whose first acknowledgement the owner reported.
    pub joined: u8,
    /// The owner resigned: FAULT(guest).
    pub resigned: bool,
}

/// The receiver: the last fence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receiver {
    /// Index of the record that its table holds.
    pub record: u8,
    /// Index of the record on its disk.
    pub disk: u8,
    /// Highest epoch that it acknowledged.
    pub acknowledged: u8,
    /// Booted, and not confirmed in this session yet: it lets nothing of the group pass.
    pub provisional: bool,
    /// Whose output it accepted: bit `3 * (generation - 1) + host`.
    pub accepted: u16,
}

/// What went wrong in a step and cannot be seen in the state after it; bits of
/// [`State::broken`].
pub mod broken {
    /// The receiver accepted an older generation after a newer one.
    pub const OLDER_ACCEPTED: u8 = 1;
    /// A host spoke under a grant to another boot of it.
    pub const CONTINUED: u8 = 2;
}

/// One state of the world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// Every record that was made; those that nobody can install any more are blanked.
    pub records: [Record; RECORDS_MAX],
    /// How many were made.
    pub made: u8,
    /// Records (bits) on the manager's disk.
    pub durable: u8,
    /// Records (bits) that were sent: from now on they reach anybody, at any time, in any
    /// order, as often as the network likes.
    pub published: u8,
    /// The manager.
    pub manager: Manager,
    /// The hosts.
    pub hosts: [Host; HOSTS],
    /// The receiver.
    pub receiver: Receiver,
    /// Output on its way, numbered as in [`Receiver::accepted`]. It stays on its way: copies
    /// may arrive at any later time.
    pub emitted: u16,
    /// Faults that happened ([`crate::scenario::fault`]).
    pub spent: u8,
    /// What went wrong ([`broken`]).
    pub broken: u8,
}

/// The bit of `host`'s output of `generation`.
pub fn output_bit(host: usize, generation: u8) -> u16 {
    1 << (HOSTS * (usize::from(generation) - 1) + host)
}

impl State {
    /// The state at the start: everything acknowledged a moment ago, all know the first record.
    pub fn first(protocol: &Protocol) -> Self {
        let record = Record::first(protocol.scenario.members);
        let mut records = [Record::default(); RECORDS_MAX];
        records[0] = record;
        let mut host = Host {
            record: 0,
            boot: 0,
            provisional: false,
            resigned: false,
            grace: 0,
            counted: 0,
            lease: [0; HOSTS],
            flight: [Flight::Empty; HOSTS],
        };
        let mut hosts = [host; HOSTS];
        for member in protocol.scenario.members {
            host.lease[*member] = protocol.lease_ticks();
            host.counted |= 1 << member;
            hosts[*member].grace = protocol.grace_ticks();
        }
        hosts[0] = host;
        Self {
            records,
            made: 1,
            durable: 1,
            published: 1,
            manager: Manager {
                newest: 0,
                suspects: 0,
                overdue: 0,
                joined: 0,
                resigned: false,
            },
            hosts,
            receiver: Receiver {
                record: 0,
                disk: 0,
                acknowledged: record.epoch(),
                provisional: false,
                accepted: 0,
            },
            emitted: 0,
            spent: 0,
            broken: 0,
        }
    }

    /// The record with this index.
    pub fn record(&self, index: u8) -> Record {
        self.records[usize::from(index)]
    }

    /// The record that `host` has installed.
    pub fn held(&self, host: usize) -> Record {
        self.record(self.hosts[host].record)
    }

    /// The newest record that the manager knows.
    pub fn newest(&self) -> Record {
        self.record(self.manager.newest)
    }

    /// Index of the newest record on the manager's disk.
    pub(crate) fn newest_durable(&self) -> u8 {
        debug_assert!(
            self.durable != 0,
            "the newest durable record is never forgotten"
        );
        7 - self.durable.leading_zeros() as u8
    }

    /// Whether `host` acts as the owner: granted to this very boot.
    pub fn owns(&self, protocol: &Protocol, host: usize) -> bool {
        let (held, this) = (self.held(host), &self.hosts[host]);
        let boot = held.boot() == this.boot || protocol.slips(Slip::GrantForAnyBoot);
        !this.provisional && held.owner() == host && boot
    }

    /// Whether `host` acts as a replica: listed, and confirmed since its boot.
    pub fn follows(&self, host: usize) -> bool {
        !self.hosts[host].provisional && self.held(host).lists(host)
    }

    /// Whether `member` bounds the lease of `owner` (rule 2).
    pub fn in_lease(&self, protocol: &Protocol, owner: usize, member: usize) -> bool {
        let counted = self.hosts[owner].counted & (1 << member) != 0;
        match self.held(owner).standing(member) {
            Standing::Out | Standing::LetGo => false,
            Standing::Joining => counted && !protocol.slips(Slip::JoinerNotLeased),
            Standing::InSync => counted || !protocol.slips(Slip::NewOwnerSkipsMembers),
        }
    }

    /// Whether output of `host` leaves it at this instant.
    pub fn speaks(&self, protocol: &Protocol, host: usize) -> bool {
        let this = &self.hosts[host];
        self.owns(protocol, host)
            && !this.resigned
            && (this.grace == 0 || protocol.slips(Slip::GrantIgnoresPromise))
            && (0..HOSTS)
                .all(|member| !self.in_lease(protocol, host, member) || this.lease[member] > 0)
    }
}

/// Octets that say everything about a state.
pub(crate) const OCTETS: usize = 79;

impl State {
    /// The state as octets: what is hashed and compared, several million times.
    pub(crate) fn octets(&self) -> [u8; OCTETS] {
        let Self {
            records,
            made,
            durable,
            published,
            manager,
            hosts,
            receiver,
            ..
        } = self;
        let mut octets = [0; OCTETS];
        let mut used = 0;
        let mut put = |bytes: &[u8]| {
            octets[used..used + bytes.len()].copy_from_slice(bytes);
            used += bytes.len();
        };
        for host in hosts {
            let flags = u8::from(host.provisional) | u8::from(host.resigned) << 1;
            put(&[
                host.record,
                host.boot << 4 | flags,
                host.grace,
                host.counted,
            ]);
            put(&host.lease);
            put(&host.flight.map(Flight::octet));
        }
        let flags = u8::from(receiver.provisional) | u8::from(manager.resigned) << 1;
        put(&[*made, *durable, *published, self.spent, self.broken, flags]);
        put(&[
            manager.newest,
            manager.suspects,
            manager.overdue,
            manager.joined,
        ]);
        put(&[receiver.record, receiver.disk, receiver.acknowledged]);
        put(&receiver.accepted.to_le_bytes());
        put(&self.emitted.to_le_bytes());
        for record in records {
            put(&record.bits().to_le_bytes());
        }
        debug_assert_eq!(used, OCTETS, "every octet of a state is written");
        octets
    }
}

impl Hash for State {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        hasher.write(&self.octets());
    }
}
