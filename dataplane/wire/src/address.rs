//! The overlay's addresses in the substrate (sections 1 and 8).
//!
//! ```text
//! neutral56   H, 56 bits | N, 16 | NET, 24 | V4, 32
//! fixed72     H, 72 bits         | NET, 24 | V4, 32
//! ```
//! H routes to one host, NET is the virtual network, V4 the virtual address.
//! N makes the first 96 bits sum to 0xffff, so that a checksum over IPv4
//! addresses is also right over these.

use crate::checksum;
use std::{
    fmt,
    net::{Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

/// A virtual network, in 24 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NetworkId(u32);

impl NetworkId {
    /// The hosts' own endpoints. No guest is in it, and [`Self::new`] does not make it.
    pub const HOST: Self = Self(0);
    /// The greatest network a guest can be in; 0xffffff is reserved.
    pub const MAX: Self = Self(0xff_fffe);

    /// A guests' network, 1 to 0xfffffe.
    #[must_use]
    pub const fn new(id: u32) -> Option<Self> {
        match id {
            1..=0xff_fffe => Some(Self(id)),
            _ => None,
        }
    }

    /// The number.
    #[must_use]
    #[inline]
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl fmt::Display for NetworkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// How the first 96 bits of an overlay address are divided. One for a whole fabric.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Layout {
    /// A 56-bit locator and 16 bits that make the address neutral to checksums.
    #[default]
    Neutral56,
    /// A 72-bit locator; checksums are not neutral.
    Fixed72,
}

impl Layout {
    /// The length of a host's locator, which is also that of its route.
    #[must_use]
    #[inline]
    pub const fn locator_bits(self) -> u8 {
        match self {
            Self::Neutral56 => 56,
            Self::Fixed72 => 72,
        }
    }

    const fn locator_mask(self) -> u128 {
        u128::MAX << (128 - self.locator_bits())
    }

    /// The first 96 bits of all addresses of network `net` at a host.
    /// Only the low 24 bits of `net` count.
    #[must_use]
    pub fn prefix96(self, locator: &Locator, net: u32) -> Prefix96 {
        let mut octets = [0; 12];
        octets[..9].copy_from_slice(&locator.bits.to_be_bytes()[..9]);
        octets[9..].copy_from_slice(&net.to_be_bytes()[1..]);
        if self == Self::Neutral56 {
            octets[7..9].fill(0);
            // Octets 7 and 8 lie in two 16-bit words, as the low half of the
            // one and the high half of the other: hence little-endian.
            let residue = 0xffff - checksum::sum(&octets);
            octets[7..9].copy_from_slice(&residue.to_le_bytes());
        }
        Prefix96(octets)
    }

    /// The address on which a host's controller listens: network 0, 0.0.0.1.
    #[must_use]
    pub fn control_address(self, locator: &Locator) -> Ipv6Addr {
        self.prefix96(locator, NetworkId::HOST.get())
            .with(Ipv4Addr::new(0, 0, 0, 1))
            .into()
    }

    /// The network of an overlay address, in 24 bits.
    #[must_use]
    #[inline]
    pub const fn network_of(self, address: &[u8; 16]) -> u32 {
        u32::from_be_bytes([0, address[9], address[10], address[11]])
    }

    /// The locator of an overlay address.
    #[must_use]
    #[inline]
    pub const fn locator_of(self, address: &[u8; 16]) -> Locator {
        Locator {
            bits: u128::from_be_bytes(*address) & self.locator_mask(),
            layout: self,
        }
    }

    /// Whether the address is one that [`Self::prefix96`] makes. Always so
    /// with `fixed72`, which has nothing to check.
    #[must_use]
    #[inline]
    pub fn is_canonical(self, address: &[u8; 16]) -> bool {
        match self {
            // A residue of 0xffff has the same sum as 0, and is never made.
            Self::Neutral56 => {
                checksum::sum(&address[..12]) == 0xffff && address[7..9] != [0xff, 0xff]
            }
            Self::Fixed72 => true,
        }
    }
}

impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Neutral56 => "neutral56",
            Self::Fixed72 => "fixed72",
        })
    }
}

impl FromStr for Layout {
    type Err = BadAddress;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        match name {
            "neutral56" => Ok(Self::Neutral56),
            "fixed72" => Ok(Self::Fixed72),
            _ => Err(BadAddress::Layout(name.to_owned())),
        }
    }
}

/// The virtual IPv4 address that an overlay address ends in.
#[must_use]
#[inline]
pub const fn virtual_of(address: &[u8; 16]) -> Ipv4Addr {
    Ipv4Addr::new(address[12], address[13], address[14], address[15])
}

/// The prefix that is routed to one host: H.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Locator {
    bits: u128,
    layout: Layout,
}

impl Locator {
    /// The locator that `network`, as configured, stands for.
    ///
    /// # Errors
    /// If bits behind the locator's length are set, or if it lies neither in
    /// 2000::/3 nor in fc00::/7.
    pub fn new(network: Ipv6Addr, layout: Layout) -> Result<Self, BadAddress> {
        let bits = network.to_bits();
        if bits & !layout.locator_mask() != 0 {
            return Err(BadAddress::LocatorHostBits(network, layout.locator_bits()));
        }
        if bits >> 125 != 0b001 && bits >> 121 != 0b111_1110 {
            return Err(BadAddress::LocatorScope(network));
        }
        Ok(Self { bits, layout })
    }

    /// The layout that gives this locator its length.
    #[must_use]
    #[inline]
    pub const fn layout(&self) -> Layout {
        self.layout
    }

    /// The first address of the prefix.
    #[must_use]
    pub const fn network(&self) -> Ipv6Addr {
        Ipv6Addr::from_bits(self.bits)
    }

    /// Whether `address` is routed to this host.
    #[must_use]
    #[inline]
    pub const fn contains(&self, address: &[u8; 16]) -> bool {
        (u128::from_be_bytes(*address) ^ self.bits) & self.layout.locator_mask() == 0
    }
}

impl fmt::Display for Locator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.network(), self.layout.locator_bits())
    }
}

/// The first 96 bits of an overlay address: host and network.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Prefix96(pub [u8; 12]);

impl Prefix96 {
    /// The whole address of one virtual address.
    #[must_use]
    #[inline]
    pub const fn with(self, virtual_address: Ipv4Addr) -> [u8; 16] {
        let mut address = [0; 16];
        let (prefix, rest) = address.split_at_mut(12);
        prefix.copy_from_slice(&self.0);
        rest.copy_from_slice(&virtual_address.octets());
        address
    }
}

impl fmt::Debug for Prefix96 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/96", Ipv6Addr::from(self.with(Ipv4Addr::UNSPECIFIED)))
    }
}

/// F: the prefix that holds the locators of all hosts of a fabric.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FabricPrefix {
    bits: u128,
    mask: u128,
}

impl FabricPrefix {
    /// The prefix of `prefix_bits` bits that `network` stands for.
    ///
    /// # Errors
    /// If `prefix_bits` exceeds 128 or bits behind it are set.
    pub fn new(network: Ipv6Addr, prefix_bits: u8) -> Result<Self, BadAddress> {
        let bits = network.to_bits();
        let mask = match prefix_bits {
            0 => 0,
            1..=128 => u128::MAX << (128 - prefix_bits),
            _ => return Err(BadAddress::Fabric(format!("{network}/{prefix_bits}"))),
        };
        if bits & !mask != 0 {
            return Err(BadAddress::Fabric(format!("{network}/{prefix_bits}")));
        }
        Ok(Self { bits, mask })
    }

    /// Whether `address` lies in the fabric.
    #[must_use]
    #[inline]
    pub const fn contains(&self, address: &[u8; 16]) -> bool {
        (u128::from_be_bytes(*address) ^ self.bits) & self.mask == 0
    }
}

impl fmt::Display for FabricPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let network = Ipv6Addr::from_bits(self.bits);
        write!(f, "{network}/{}", self.mask.leading_ones())
    }
}

impl FromStr for FabricPrefix {
    type Err = BadAddress;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts = text.split_once('/');
        let parsed = parts.and_then(|(net, len)| Some((net.parse().ok()?, len.parse().ok()?)));
        match parsed {
            Some((network, prefix_bits)) => Self::new(network, prefix_bits),
            None => Err(BadAddress::Fabric(text.to_owned())),
        }
    }
}

/// What is wrong with a configured address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BadAddress {
    /// No layout has this name.
    Layout(String),
    /// Bits behind the locator's length are set.
    LocatorHostBits(Ipv6Addr, u8),
    /// The locator is not in a range that a fabric may use.
    LocatorScope(Ipv6Addr),
    /// Not an IPv6 prefix, or with bits set behind its length.
    Fabric(String),
}

impl fmt::Display for BadAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Layout(name) => {
                write!(
                    f,
                    "\"{name}\" is not an address layout; use neutral56 or fixed72"
                )
            }
            Self::LocatorHostBits(network, bits) => write!(
                f,
                "locator {network} has bits set behind its first {bits}; clear them, or change the layout"
            ),
            Self::LocatorScope(network) => write!(
                f,
                "locator {network} lies neither in 2000::/3 nor in fc00::/7; take one from a prefix that is yours"
            ),
            Self::Fabric(text) => write!(
                f,
                "\"{text}\" is not an IPv6 prefix; write one as in fd00:aa::/32, with no bit set behind its length"
            ),
        }
    }
}

impl std::error::Error for BadAddress {}

#[cfg(test)]
mod tests;
