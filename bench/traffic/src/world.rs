//! One host as the benches know it: its guest, the other hosts, the mappings.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::net::{Ipv4Addr, Ipv6Addr};

use wire::address::{Layout, Locator, NetworkId, Prefix96};
use wire::ethernet::MacAddress;

/// The virtual network of all nodes.
pub const NETWORK: u32 = 0x12_3456;
/// Its name in the configuration.
pub const NETWORK_NAME: &str = "z";
/// The guest of the measured host.
pub const GUEST: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
/// A second guest of the measured host, where there is one.
pub const SECOND_GUEST: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 3);
/// The owner generation of everything.
pub const GENERATION: u8 = 1;
/// The router behind the uplink.
pub const NEXT_HOP_MAC: MacAddress = MacAddress([2, 0, 0, 0, 1, 1]);
/// The measured host's uplink.
pub const UPLINK_MAC: MacAddress = MacAddress([2, 0, 0, 0, 1, 2]);
/// Mappings that a world can have at most: what a /8 holds above 10.1.0.0.
pub const MAPPINGS_MAX: u32 = 0xff_0000;

/// Other hosts that mappings are spread over.
const OTHER_HOSTS: u32 = 200;
/// The address of the first mapping.
const FIRST: u32 = 0x0a01_0000;
/// A record of [`World::write_records`], in octets.
const RECORD_BYTES: usize = 28;

/// The measured host, `r`, and what it knows of others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct World {
    mappings: u32,
}

impl World {
    /// A world of 1 to [`MAPPINGS_MAX`] mappings on other hosts; `None` outside that.
    #[must_use]
    pub fn new(mappings: u32) -> Option<Self> {
        (1..=MAPPINGS_MAX)
            .contains(&mappings)
            .then_some(Self { mappings })
    }

    /// Addresses on other hosts.
    #[must_use]
    pub fn mappings(self) -> u32 {
        self.mappings
    }

    /// The network's id.
    ///
    /// # Panics
    /// Never: the constant is a guests' network.
    #[must_use]
    pub fn network(self) -> NetworkId {
        NetworkId::new(NETWORK).expect("a guests' network")
    }

    /// The virtual address of mapping `key`.
    #[must_use]
    pub fn address(self, key: u32) -> Ipv4Addr {
        debug_assert!(key < self.mappings);
        (FIRST + key).into()
    }

    /// Address `offset + key` beyond those of the mappings: nobody's, until somebody maps it.
    #[must_use]
    pub fn address_beside(self, offset: u32, key: u32) -> Ipv4Addr {
        let beyond = offset + key;
        debug_assert!(self.mappings + beyond < MAPPINGS_MAX);
        (FIRST + self.mappings + beyond).into()
    }

    /// The mapping whose address this is, if it is one's.
    #[must_use]
    pub fn key(self, address: Ipv4Addr) -> Option<u32> {
        let key = address.to_bits().checked_sub(FIRST)?;
        (key < self.mappings).then_some(key)
    }

    /// The first 96 bits of the substrate address of mapping `key`.
    #[must_use]
    pub fn prefix(self, key: u32) -> Prefix96 {
        prefix(1 + key % OTHER_HOSTS)
    }

    /// The first 96 bits of the guest's substrate address.
    #[must_use]
    pub fn guest_prefix(self) -> Prefix96 {
        prefix(0)
    }

    /// The configuration that all hosts share, as TOML.
    #[must_use]
    pub fn fabric_toml(self) -> String {
        let mut toml = String::from("[fabric]\nprefix = \"fd00:aa::/32\"\n");
        for host in 0..=OTHER_HOSTS {
            let name = host_name(host);
            let locator = locator(host);
            // Writing into a String does not fail.
            let _ = writeln!(
                toml,
                "[[fabric.host]]\nname = \"{name}\"\nlocator = \"{locator}\""
            );
        }
        let _ = write!(
            toml,
            "[[network]]\nname = \"{NETWORK_NAME}\"\nid = {NETWORK:#x}\n\
             [[network.subnet]]\nprefix = \"10.0.0.0/8\"\ngateway = \"10.255.255.254\"\nmtu = 1500\n\
             [[network.node]]\nname = \"guest\"\naddress = \"{GUEST}\"\nhost = \"r\"\n"
        );
        toml
    }

    /// All mappings as nodes of the configuration, in TOML, behind [`World::fabric_toml`]: there
    /// from the first packet on.
    #[must_use]
    pub fn nodes_toml(self) -> String {
        let node = |key| {
            let (address, host) = (self.address(key), other_host(key));
            format!(
                "[[network.node]]\nname = \"n{key}\"\naddress = \"{address}\"\nhost = \"{host}\"\n"
            )
        };
        (0..self.mappings).map(node).collect()
    }

    /// All mappings as `understudy mapping load` reads them.
    ///
    /// # Errors
    /// What `out` says.
    pub fn write_mappings(self, out: &mut impl Write) -> io::Result<()> {
        for key in 0..self.mappings {
            let (address, host) = (self.address(key), other_host(key));
            writeln!(out, "{NETWORK_NAME} {address} {host}")?;
        }
        Ok(())
    }

    /// All mappings, and the guest's own, as `bench/bare-loop/table.h` reads them.
    ///
    /// # Errors
    /// What `out` says.
    pub fn write_records(self, out: &mut impl Write) -> io::Result<()> {
        out.write_all(&record(GUEST, self.guest_prefix()))?;
        for key in 0..self.mappings {
            out.write_all(&record(self.address(key), self.prefix(key)))?;
        }
        Ok(())
    }
}

fn record(address: Ipv4Addr, prefix: Prefix96) -> [u8; RECORD_BYTES] {
    let mut record = [0; RECORD_BYTES];
    record[..4].copy_from_slice(&NETWORK.to_be_bytes());
    record[4..8].copy_from_slice(&address.octets());
    record[8..20].copy_from_slice(&prefix.0);
    record[20..26].copy_from_slice(&MacAddress::virtual_of(address).0);
    record[26] = GENERATION;
    record
}

/// The name of one of the hosts that mappings are spread over, whatever the number.
#[must_use]
pub fn other_host(number: u32) -> String {
    host_name(1 + number % OTHER_HOSTS)
}

fn host_name(host: u32) -> String {
    match host {
        0 => "r".to_owned(),
        other => format!("h{other}"),
    }
}

/// Host 0 is the measured one.
fn locator(host: u32) -> Locator {
    let third = u16::try_from((1 + host) << 8).expect("there are few hosts");
    let network = Ipv6Addr::new(0xfd00, 0xaa, 0, third, 0, 0, 0, 0);
    Locator::new(network, Layout::Neutral56).expect("a locator of 56 bits")
}

fn prefix(host: u32) -> Prefix96 {
    Layout::Neutral56.prefix96(&locator(host), NETWORK)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mapping_is_found_by_its_address_and_nothing_else_is() {
        let world = World::new(1000).unwrap();
        assert!((0..1000).all(|key| world.key(world.address(key)) == Some(key)));
        assert_eq!(world.key(GUEST), None);
        assert_eq!(world.key((FIRST + 1000).into()), None);
        assert_eq!(World::new(0), None);
        assert_eq!(World::new(MAPPINGS_MAX + 1), None);
    }

    #[test]
    fn both_forms_of_the_mappings_list_the_same() {
        let world = World::new(300).unwrap();
        let (mut text, mut records) = (Vec::new(), Vec::new());
        world.write_mappings(&mut text).unwrap();
        world.write_records(&mut records).unwrap();
        let text = String::from_utf8(text).unwrap();
        assert_eq!(text.lines().count(), 300);
        assert_eq!(records.len(), 301 * RECORD_BYTES);
        for (line, record) in text.lines().zip(records.chunks(RECORD_BYTES).skip(1)) {
            let address = Ipv4Addr::new(record[4], record[5], record[6], record[7]);
            assert_eq!(line.split(' ').nth(1), Some(address.to_string().as_str()));
        }
    }
}
