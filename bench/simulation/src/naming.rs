//! Hosts as small numbers, and what a reader of a trace calls things.

use std::fmt;
use std::net::Ipv4Addr;

use messages::{FabricId, HostId};

/// The most hosts that a run may have.
pub const HOSTS_MAX: usize = 6;

/// The fabric of every run.
pub const FABRIC: FabricId = FabricId(*b"simulated fabric");

/// A host of the run, by its position.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Host(pub u8);

impl Host {
    /// The position as an index.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }

    /// The name that messages and records use.
    #[must_use]
    pub const fn id(self) -> HostId {
        HostId([0xfd, 0, 0, 0xaa, 0, 0, self.0 + 1, 0, 0])
    }

    /// The host of this name; `None` for one that no run has, which a garbled message may name.
    #[must_use]
    pub fn of(id: HostId) -> Option<Self> {
        let position = usize::from(id.0[6]).checked_sub(1)?;
        let host = Self(u8::try_from(position).ok()?);
        (position < HOSTS_MAX && host.id() == id).then_some(host)
    }

    /// All hosts of a run with this many.
    pub fn all(count: usize) -> impl Iterator<Item = Self> + Clone {
        (0..u8::try_from(count).unwrap_or(u8::MAX)).map(Self)
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The lab's hosts are r, s and t as well.
        write!(f, "{}", char::from(b'r' + self.0))
    }
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The address of the plain node that a host has in each network.
#[must_use]
pub const fn plain_address(host: Host) -> Ipv4Addr {
    Ipv4Addr::new(10, 0, 0, 100 + host.0)
}

/// The host of a plain node's address.
#[must_use]
pub fn plain_host(address: Ipv4Addr) -> Option<Host> {
    let [10, 0, 0, last] = address.octets() else {
        return None;
    };
    let position = last.checked_sub(100)?;
    (usize::from(position) < HOSTS_MAX).then_some(Host(position))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_found_by_its_id_and_its_node_by_its_address() {
        for host in Host::all(HOSTS_MAX) {
            assert_eq!(Host::of(host.id()), Some(host));
            assert_eq!(plain_host(plain_address(host)), Some(host));
        }
        assert_eq!(Host::of(HostId([0; 9])), None);
        assert_eq!(plain_host(Ipv4Addr::new(10, 0, 0, 3)), None);
    }
}
