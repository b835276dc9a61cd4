//! A packet of the overlay: what a receiver sees of it, and the truth about it that only the
//! simulator knows.

use std::net::Ipv4Addr;

use crate::clock::Moment;
use crate::naming::Host;

/// A packet, or a copy of one, between two nodes.
#[derive(Clone, Copy, Debug)]
pub struct Packet {
    /// The network that its substrate addresses name.
    pub network: u32,
    /// The inner source.
    pub source: Ipv4Addr,
    /// The inner destination.
    pub destination: Ipv4Addr,
    /// The host that its substrate source names.
    pub outer_source: Host,
    /// The low two bits of the owner generation of the source.
    pub tag: u8,
    /// Whether it is a replica's copy (the flag C).
    pub copy: bool,
    /// What it is for.
    pub purpose: Purpose,
    /// What no receiver can see.
    pub truth: Truth,
}

/// What a packet is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A numbered request of a plain node to a group's address.
    Request {
        /// The group's position in the run.
        group: usize,
        /// Counts the group's requests.
        number: u32,
    },
    /// What a member's guest says.
    Output {
        /// The group's position in the run.
        group: usize,
        /// The request that it answers; `None` if it speaks unasked.
        answers: Option<u32>,
    },
}

/// The truth about a packet.
#[derive(Clone, Copy, Debug)]
pub struct Truth {
    /// The host whose guest sent it.
    pub host: Host,
    /// The network of that guest.
    pub network: u32,
    /// When its worker let it pass.
    pub passed: Moment,
    /// The owner generation under which its host sent it; 1 for a plain node.
    pub generation: u64,
    /// Why its host had to be silent; `None` if it was entitled to send.
    pub silence: Option<Silence>,
}

/// Why a host must not send for a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Silence {
    /// No record here names it as the owner.
    NotOwner,
    /// The owner is frozen for a planned move.
    Frozen,
    /// It gave its ownership up.
    Resigned,
    /// A replica of its lease set has not acknowledged for too long.
    LeaseOver,
    /// It is new, and a replica has not acknowledged its epoch yet.
    NeverAcknowledged,
}

/// Why a packet ended without reaching a node, as far as the simulation has the reason; the names
/// are those of the dataplane's counters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "docs/wire.md, section 11, has them")]
pub enum Reason {
    EncodeNoMapping,
    EncodeReplicaSilent,
    EncodeMuted,
    DecodeUnknownNetwork,
    DecodeUnknownDestination,
    DecodeUnknownSource,
    DecodeSpoofed,
    DecodeStaleGeneration,
    DecodeDuplicateCopy,
    DecodeFenced,
    DecodeNoOwner,
    PortDown,
    BufferFull,
    Checkpointed,
    HostDown,
    SubstrateLoss,
}

impl Reason {
    /// How many there are.
    pub const COUNT: usize = Self::SubstrateLoss as usize + 1;
}
