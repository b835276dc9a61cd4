//! Names of fabrics, hosts, groups and of the points in a group's history.

use std::fmt;
use std::net::Ipv4Addr;

use bincode::de::Decoder;
use bincode::error::DecodeError;
use bincode::{Decode, Encode};
use wire::address::Locator;

use crate::planted::{self, Slip};

/// The fabric that a message or a record belongs to: 128 bits that its hosts share.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Encode, Decode)]
pub struct FabricId(pub [u8; 16]);

/// A host: the first 72 bits of its locator. Unlike a position in a list it stays the same when
/// the configuration is sorted anew.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Encode, Decode)]
pub struct HostId(pub [u8; 9]);

/// One life of a daemon: random at each start, never 0. What was said to or by another life of the
/// same host is void.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Encode, Decode)]
pub struct BootId(pub u64);

/// A replicated virtual address: (network, address).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Encode)]
pub struct GroupId {
    /// The network, 24 bits.
    pub network: u32,
    /// The virtual address, as a number in host order.
    address: u32,
}

/// A point in a group's history. Ordered by term, then by sequence.
///
/// It is neither the owner generation, which counts changes of owner only, nor a table version,
/// which is a host's own count of published snapshots.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Encode)]
pub struct Epoch {
    /// Rises only when the store behind the decider was replaced or restored.
    pub term: u32,
    /// Counts every change of the record, and never begins again.
    pub seq: u64,
}

// Read field by field, as it would be derived, so that slips can be planted.
impl<Context> Decode<Context> for GroupId {
    fn decode<D: Decoder<Context = Context>>(from: &mut D) -> Result<Self, DecodeError> {
        let network: u32 = Decode::decode(from)?;
        let cut = planted::is_on(Slip::NetworkCut);
        Ok(Self {
            network: if cut { network & !1 } else { network },
            address: Decode::decode(from)?,
        })
    }
}

impl<Context> Decode<Context> for Epoch {
    fn decode<D: Decoder<Context = Context>>(from: &mut D) -> Result<Self, DecodeError> {
        let term = Decode::decode(from)?;
        let forgotten = planted::is_on(Slip::TermForgotten);
        Ok(Self {
            term: if forgotten { 0 } else { term },
            seq: Decode::decode(from)?,
        })
    }
}

bincode::impl_borrow_decode!(GroupId);
bincode::impl_borrow_decode!(Epoch);

impl HostId {
    /// The host to which the substrate routes `locator`.
    #[must_use]
    pub fn of(locator: &Locator) -> Self {
        let mut octets = [0; 9];
        octets.copy_from_slice(&locator.network().octets()[..9]);
        Self(octets)
    }
}

impl GroupId {
    /// The group of `address` in the network with this id.
    #[must_use]
    pub const fn new(network: u32, address: Ipv4Addr) -> Self {
        Self {
            network,
            address: address.to_bits(),
        }
    }

    /// The virtual address.
    #[must_use]
    pub const fn address(self) -> Ipv4Addr {
        Ipv4Addr::from_bits(self.address)
    }
}

impl Epoch {
    /// The next change within the same term.
    #[must_use]
    pub const fn next(self) -> Self {
        Self {
            term: self.term,
            seq: self.seq + 1,
        }
    }
}

fn hexadecimal(f: &mut fmt::Formatter<'_>, octets: &[u8]) -> fmt::Result {
    octets.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
}

impl fmt::Display for FabricId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        hexadecimal(f, &self.0)
    }
}

impl fmt::Display for HostId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        hexadecimal(f, &self.0)
    }
}

impl fmt::Display for BootId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Display for GroupId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#08x}/{}", self.network, self.address())
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.term, self.seq)
    }
}

macro_rules! debug_as_display {
    ($($name:ident)*) => {$(
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }
    )*};
}
debug_as_display!(FabricId HostId BootId GroupId Epoch);
