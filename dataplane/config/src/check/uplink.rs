//! `[uplink]`: the device, the host's address on the link, and the router

use std::net::Ipv6Addr;

use ipnet::Ipv6Net;

use super::{device, value};
use crate::model::Uplink;
use crate::problem::{Draft, Drafts};
use crate::raw;
use crate::source::At;

/// Every IPv6 link carries 1280 bytes (RFC 8200 section 5).
const MTU_MIN: i64 = 1280;

/// Everything of `[uplink]`; its addresses must lie outside the fabric's prefix.
pub fn check(raw: &raw::Uplink, fabric: Option<At<Ipv6Net>>, drafts: &Drafts) -> Option<Uplink> {
    let device = raw
        .device
        .as_ref()
        .and_then(|found| device::parse(found, drafts));
    let net = raw
        .address
        .as_ref()
        .and_then(|found| address(found, fabric, drafts));
    let next_hop = raw
        .next_hop
        .as_ref()
        .and_then(|found| next_hop(found, raw.address.as_ref().zip(net), fabric, drafts));
    let mtu = raw.mtu.as_ref().and_then(|found| mtu(found, drafts));
    let optional_mac = |key, found: &Option<At<String>>| match found {
        None => Some(None),
        Some(found) => value::mac(drafts, key, found).map(Some),
    };
    let next_hop_mac = optional_mac("next_hop_mac", &raw.next_hop_mac);
    let mac = optional_mac("mac", &raw.mac);
    if let (Some(Some(own)), Some(Some(next)), Some(own_at), Some(next_at)) =
        (mac, next_hop_mac, &raw.mac, &raw.next_hop_mac)
        && own == next
    {
        let draft = Draft::error(format!("`mac` and `next_hop_mac` are both {own}"))
            .at(next_at.span, "the router's")
            .at(own_at.span, "this host's")
            .help("write the router's own MAC, or leave `next_hop_mac` out to ask for it");
        drafts.push(draft);
    }
    let rx_descriptors = value::descriptors(drafts, "rx_descriptors", raw.rx_descriptors.as_ref());
    let tx_descriptors = value::descriptors(drafts, "tx_descriptors", raw.tx_descriptors.as_ref());
    let mbufs_min = value::mbufs(drafts, "mbufs_min", raw.mbufs_min.as_ref());
    let net = net?;
    Some(Uplink {
        device: device?.text,
        address: net.addr(),
        prefix_len: net.prefix_len(),
        next_hop: next_hop?,
        next_hop_mac: next_hop_mac?,
        mac: mac?,
        mtu: mtu?,
        rx_descriptors,
        tx_descriptors,
        mbufs_min,
    })
}

/// The uplink's MTU in bytes; the guests' are judged against it.
pub fn mtu(found: &At<i64>, drafts: &Drafts) -> Option<u16> {
    value::number(drafts, "mtu", found, MTU_MIN..=i64::from(u16::MAX))
}

/// What keeps an address from being one host's on a link.
fn not_a_host(address: Ipv6Addr) -> Option<&'static str> {
    if address.is_multicast() {
        Some("a multicast address")
    } else if address.is_unspecified() {
        Some("the unspecified address")
    } else if address.is_loopback() {
        Some("the loopback address")
    } else if address.to_ipv4_mapped().is_some() {
        Some("an IPv4 address in IPv6 form")
    } else {
        None
    }
}

fn address(found: &At<String>, fabric: Option<At<Ipv6Net>>, drafts: &Drafts) -> Option<Ipv6Net> {
    let net = value::ipv6_net(drafts, "address", found, "2001:db8:0:1::2/64")?;
    let kind = if net.addr().is_unicast_link_local() {
        Some("a link-local address, which no router forwards to")
    } else if net.prefix_len() < 127
        && net.addr() == net.network()
        && not_a_host(net.addr()).is_none()
    {
        // RFC 4291 section 2.6.1
        Some("the routers' anycast address of its link, not a host's")
    } else {
        not_a_host(net.addr())
    };
    if let Some(kind) = kind {
        let draft = Draft::error(format!("the uplink's `address` {net} is {kind}"))
            .at(found.span, "not a host's address")
            .help("write this host's own address on the link, such as \"2001:db8:0:1::2/64\"");
        drafts.push(draft);
        return None;
    }
    outside_fabric("address", net.addr(), found, fabric, drafts)?;
    Some(net)
}

fn next_hop(
    found: &At<String>,
    own: Option<(&At<String>, Ipv6Net)>,
    fabric: Option<At<Ipv6Net>>,
    drafts: &Drafts,
) -> Option<Ipv6Addr> {
    let next_hop = value::ipv6(drafts, "next_hop", found)?;
    if let Some(kind) = not_a_host(next_hop) {
        let draft = Draft::error(format!("`next_hop` {next_hop} is {kind}"))
            .at(found.span, "not a router's address")
            .help("write the router's address on the uplink's link, or its link-local one");
        drafts.push(draft);
        return None;
    }
    outside_fabric("next_hop", next_hop, found, fabric, drafts)?;
    let Some((at, net)) = own else {
        return Some(next_hop);
    };
    let message = if next_hop == net.addr() {
        format!("`next_hop` {next_hop} is this host's own address")
    } else if !net.contains(&next_hop) && !next_hop.is_unicast_link_local() {
        format!(
            "`next_hop` {next_hop} is not on the uplink's link {}",
            net.trunc()
        )
    } else {
        return Some(next_hop);
    };
    let draft = Draft::error(message)
        .at(found.span, "not a neighbour")
        .at(at.span, "the uplink's address")
        .help(format!(
            "write the router's address in {}, or its link-local one (fe80::...)",
            net.trunc()
        ));
    drafts.push(draft);
    None
}

/// No interface of the substrate has an address in the fabric (docs/wire.md section 1).
fn outside_fabric(
    key: &str,
    address: Ipv6Addr,
    found: &At<String>,
    fabric: Option<At<Ipv6Net>>,
    drafts: &Drafts,
) -> Option<()> {
    let Some(fabric) = fabric.filter(|fabric| fabric.value.contains(&address)) else {
        return Some(());
    };
    let draft = Draft::error(format!(
        "`{key}` {address} lies inside the fabric's prefix {}",
        fabric.value
    ))
    .at(found.span, "inside the fabric")
    .at(fabric.span, "the fabric's prefix")
    .help("give the link to the router a prefix of its own: the fabric's is for the overlay only");
    drafts.push(draft);
    None
}
