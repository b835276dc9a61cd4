//! The addresses that an IPv6 host has and hears on an Ethernet link.

use std::net::Ipv6Addr;

use smoltcp::wire::EthernetAddress;
use wire::ethernet::MacAddress;

/// All nodes of the link (RFC 4291 section 2.7.1).
pub const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);

/// The group in which `address` is asked for (RFC 4291 section 2.7.1).
pub fn solicited_node(address: Ipv6Addr) -> Ipv6Addr {
    let mut octets = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 1, 0xff00, 0).octets();
    octets[13..].copy_from_slice(&address.octets()[13..]);
    Ipv6Addr::from(octets)
}

/// The link address of a group: 33:33 and its last four octets (RFC 2464 section 7).
pub fn group_mac(group: Ipv6Addr) -> MacAddress {
    let [.., a, b, c, d] = group.octets();
    MacAddress([0x33, 0x33, a, b, c, d])
}

/// fe80::/64 with the modified EUI-64 of `mac` (RFC 4291 appendix A).
pub fn link_local(mac: MacAddress) -> Ipv6Addr {
    let mut octets = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0).octets();
    if let Some(identifier) = EthernetAddress(mac.0).as_eui_64() {
        octets[8..].copy_from_slice(&identifier);
    }
    Ipv6Addr::from(octets)
}

/// Whether `address` can be one host's: no group, and not unset.
pub fn is_unicast(address: Ipv6Addr) -> bool {
    !address.is_multicast() && !address.is_unspecified()
}
