//! `[network.native]`: the two names of each native IPv6 peer

use std::collections::HashMap;
use std::net::{Ipv4Addr, Ipv6Addr};

use ipnet::{Ipv4Net, Ipv6Net};
use wire::native::{NativePrefix, UdpZero};

use super::network::{MARTIANS, reserved};
use super::{value, whole};
use crate::model::{Native, Peer, PeerPrefix, Subnet};
use crate::problem::{Draft, Drafts};
use crate::raw::{self, Raw};
use crate::source::{At, Span};

/// The MTU of every IPv6 link (RFC 8200 section 5).
const IPV6_MTU_MIN: u16 = 1280;

/// The prefix that everybody may use, for addresses that are everybody's (RFC 6052 section 3.1).
const WELL_KNOWN: Ipv6Addr = Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0);

/// Addresses that mean something else in each network (RFC 6890).
const NOT_GLOBAL: [Ipv4Net; 10] = [
    Ipv4Net::new_assert(Ipv4Addr::new(10, 0, 0, 0), 8),
    Ipv4Net::new_assert(Ipv4Addr::new(100, 64, 0, 0), 10),
    Ipv4Net::new_assert(Ipv4Addr::new(169, 254, 0, 0), 16),
    Ipv4Net::new_assert(Ipv4Addr::new(172, 16, 0, 0), 12),
    Ipv4Net::new_assert(Ipv4Addr::new(192, 0, 0, 0), 24),
    Ipv4Net::new_assert(Ipv4Addr::new(192, 0, 2, 0), 24),
    Ipv4Net::new_assert(Ipv4Addr::new(192, 168, 0, 0), 16),
    Ipv4Net::new_assert(Ipv4Addr::new(198, 18, 0, 0), 15),
    Ipv4Net::new_assert(Ipv4Addr::new(198, 51, 100, 0), 24),
    Ipv4Net::new_assert(Ipv4Addr::new(203, 0, 113, 0), 24),
];

/// What surrounds the peers of one network.
pub struct Site<'a> {
    /// The network.
    pub network: &'a raw::Network,
    /// Its subnets; `None` for those that are wrong.
    pub subnets: &'a [Option<Subnet>],
    /// The fabric's prefix.
    pub fabric: Option<At<Ipv6Net>>,
    /// The uplink's.
    pub uplink_mtu: Option<At<u16>>,
}

/// The native peers of one network.
pub fn check(raw: &raw::Native, site: &Site<'_>, drafts: &Drafts) -> Option<Native> {
    if raw.peers.is_empty() && raw.prefixes.is_empty() {
        let draft = Draft::error("[network.native] has neither a peer nor a prefix")
            .at(raw.span, "nothing to translate for")
            .help("add a [[network.native.peer]] with address and ipv6, or remove the section");
        drafts.push(draft);
    }
    let zero = [("compute", UdpZero::Compute), ("drop", UdpZero::Drop)];
    let udp_zero = value::choice(
        drafts,
        "udp_zero_checksum",
        raw.udp_zero_checksum.as_ref(),
        &zero,
    );
    let mtu_max = site.uplink_mtu.map_or(u16::MAX, |mtu| mtu.value);
    let lowest_ipv6_mtu = value::number_or(
        drafts,
        "lowest_ipv6_mtu",
        raw.lowest_ipv6_mtu.as_ref(),
        IPV6_MTU_MIN.into()..=mtu_max.into(),
        IPV6_MTU_MIN,
    );
    let mut ranges = Vec::new();
    let prefixes = raw
        .prefixes
        .iter()
        .map(|raw| peer_prefix(raw, site, &mut ranges, drafts));
    let prefixes = whole(prefixes.collect());
    let mut taken = Taken::default();
    let peers = raw
        .peers
        .iter()
        .map(|raw| peer(raw, site, &mut taken, drafts));
    Some(Native {
        peers: whole(peers.collect())?,
        prefixes: prefixes?,
        udp_zero: udp_zero?,
        lowest_ipv6_mtu: lowest_ipv6_mtu?,
    })
}

/// Legal, and yet perhaps not expected: no copy is made of what a native peer sends.
pub fn warn_of_groups(raw: &Raw, drafts: &Drafts) {
    for network in &raw.networks {
        let (Some(native), Some(name)) = (&network.native, &network.name) else {
            continue;
        };
        let of_it = |group: &&raw::Group| {
            let network = group.network.as_ref();
            network.is_some_and(|network| network.value == name.value)
        };
        if let Some(group) = raw.groups.iter().find(of_it) {
            let message = format!(
                "network \"{}\" has native peers and a replicated address",
                name.value
            );
            let draft = Draft::warning(message)
                .at(native.span, "the native peers")
                .at(group.span, "the replicated address");
            drafts.push(draft.help(
                "what a native peer sends to the address reaches its primary only; expect no copies of it",
            ));
        }
    }
}

/// The addresses of the peers so far.
#[derive(Default)]
struct Taken {
    virtual_addresses: HashMap<Ipv4Addr, Span>,
    addresses: HashMap<Ipv6Addr, Span>,
}

fn peer(raw: &raw::Peer, site: &Site<'_>, taken: &mut Taken, drafts: &Drafts) -> Option<Peer> {
    let address = raw
        .address
        .as_ref()
        .and_then(|found| dummy(found, site, &mut taken.virtual_addresses, drafts));
    let ipv6 = raw.ipv6.as_ref().and_then(|found| {
        let ipv6 = value::ipv6(drafts, "ipv6", found)?;
        let net = Ipv6Net::from(ipv6);
        if !outside(net, found.span, site, drafts) {
            return None;
        }
        if let Some(first) = taken.addresses.insert(ipv6, found.span) {
            let message = format!("two native peers of one network have the IPv6 address {ipv6}");
            value::taken(drafts, message, found.span, first, "list each peer once");
        }
        Some(ipv6)
    });
    Some(Peer {
        address: address?,
        ipv6: ipv6?,
    })
}

/// A peer's virtual address, which is nobody else's.
fn dummy(
    found: &At<String>,
    site: &Site<'_>,
    taken: &mut HashMap<Ipv4Addr, Span>,
    drafts: &Drafts,
) -> Option<Ipv4Addr> {
    let address = value::ipv4(drafts, "address", found)?;
    if let Some(martian) = MARTIANS.iter().find(|martian| martian.contains(&address)) {
        let message = format!("address {address} lies in {martian}, which no packet may use");
        let draft = Draft::error(message).at(found.span, "not an address for a peer");
        drafts.push(draft.help("write one such as \"10.0.0.200\""));
        return None;
    }
    for (raw, subnet) in site.network.subnets.iter().zip(site.subnets) {
        let Some(subnet) = subnet else { continue };
        let kind = match () {
            () if address == subnet.gateway => Some("gateway"),
            () if subnet.prefix.contains(&address) => reserved(subnet.prefix, address),
            () => None,
        };
        if let Some(kind) = kind {
            let message = format!(
                "address {address} is the {kind} address of {}",
                subnet.prefix
            );
            let draft = Draft::error(message)
                .at(found.span, "not an address for a peer")
                .at(raw.span, "the subnet");
            drafts.push(draft.help("take an address that nobody has"));
            return None;
        }
    }
    let is_it = |node: &&raw::Node| {
        let other = node.address.as_ref();
        other.is_some_and(|other| other.value.parse() == Ok(address))
    };
    if let Some(node) = site.network.nodes.iter().find(is_it) {
        let message = format!("a node and a native peer of one network have the address {address}");
        let first = node.address.as_ref().map_or(found.span, |at| at.span);
        let help = "give the peer a virtual address of its own";
        value::taken(drafts, message, found.span, first, help);
        return None;
    }
    if let Some(first) = taken.insert(address, found.span) {
        let message = format!("two native peers of one network have the address {address}");
        let help = "give each peer a virtual address of its own";
        value::taken(drafts, message, found.span, first, help);
    }
    Some(address)
}

fn peer_prefix(
    raw: &raw::PeerPrefix,
    site: &Site<'_>,
    ranges: &mut Vec<At<Ipv4Net>>,
    drafts: &Drafts,
) -> Option<PeerPrefix> {
    let addresses = raw
        .addresses
        .as_ref()
        .and_then(|found| range(found, site, ranges, drafts));
    let ipv6 = raw.ipv6.as_ref().and_then(|found| {
        let net = value::ipv6_net(drafts, "ipv6", found, "2001:db8:64::/96")?;
        if net.addr() != net.network() {
            value::host_bits(drafts, "ipv6", found, &net.trunc().to_string());
            return None;
        }
        if net.prefix_len() != 96 {
            let message = format!("prefix {net} of native peers has {} bits", net.prefix_len());
            let draft = Draft::error(message).at(found.span, "not a /96");
            drafts.push(draft.help("write a prefix of 96 bits: the virtual address is the rest"));
            return None;
        }
        if !outside(net, found.span, site, drafts) {
            return None;
        }
        let prefix = NativePrefix::new(net.addr());
        if prefix.is_none() {
            let message = format!("prefix {net} has bits 64 to 71 set, which are reserved");
            let draft = Draft::error(message).at(found.span, "see RFC 6052 section 2.2");
            drafts.push(draft.help("take a prefix whose fifth group begins with 00"));
        }
        prefix
    });
    let (addresses, ipv6) = (addresses?, ipv6?);
    let overlaps = |other: &&Ipv4Net| other.contains(&addresses) || addresses.contains(*other);
    if ipv6.network() == WELL_KNOWN
        && let Some(other) = NOT_GLOBAL.iter().find(overlaps)
    {
        let message = format!(
            "the well-known prefix {WELL_KNOWN}/96 must not stand for {addresses}, in or around {other}"
        );
        let span = raw.ipv6.as_ref().map_or(site.network.span, |at| at.span);
        let draft = Draft::error(message).at(span, "for global addresses only");
        drafts.push(draft.help("take a prefix of your own (RFC 6052 section 3.1)"));
        return None;
    }
    Some(PeerPrefix { addresses, ipv6 })
}

/// The virtual addresses behind a prefix, among which no node can be.
fn range(
    found: &At<String>,
    site: &Site<'_>,
    ranges: &mut Vec<At<Ipv4Net>>,
    drafts: &Drafts,
) -> Option<Ipv4Net> {
    let net = value::ipv4_prefix(drafts, "addresses", found)?;
    let overlaps = |other: &Ipv4Net| other.contains(&net) || net.contains(other);
    let report = |message: String, other: Option<(Span, &str)>| {
        let mut draft = Draft::error(message).at(found.span, "not a range for peers");
        if let Some((span, label)) = other {
            draft = draft.at(span, label);
        }
        drafts.push(draft.help("write a range that nothing else of the network uses"));
    };
    if let Some(martian) = MARTIANS.iter().find(|martian| overlaps(martian)) {
        let message = format!("range {net} lies in or around {martian}, which no packet may use");
        report(message, None);
        return None;
    }
    let subnets = site.network.subnets.iter().zip(site.subnets);
    let subnet = subnets
        .filter_map(|(raw, subnet)| Some((raw, subnet.as_ref()?)))
        .find(|(_, subnet)| overlaps(&subnet.prefix));
    if let Some((raw, subnet)) = subnet {
        let message = format!(
            "range {net} of native peers overlaps subnet {}",
            subnet.prefix
        );
        report(message, Some((raw.span, "the subnet")));
        return None;
    }
    if let Some(first) = ranges.iter().find(|other| overlaps(&other.value)) {
        let message = format!("ranges {} and {net} of native peers overlap", first.value);
        report(message, Some((first.span, "the first")));
        return None;
    }
    ranges.push(At {
        value: net,
        span: found.span,
    });
    Some(net)
}

/// Whether a peer can be there: a native peer is never inside the fabric (docs/wire.md section 7).
fn outside(net: Ipv6Net, span: Span, site: &Site<'_>, drafts: &Drafts) -> bool {
    let address = net.addr();
    let wrong = address.is_multicast()
        || address.is_unicast_link_local()
        || address.is_unspecified()
        || address.is_loopback()
        || address.to_ipv4_mapped().is_some();
    if wrong {
        let draft = Draft::error(format!(
            "{address} is not the address of a host on the substrate"
        ))
        .at(span, "not a peer's")
        .help("write a global or unique local address");
        drafts.push(draft);
        return false;
    }
    if let Some(fabric) = site.fabric
        && (fabric.value.contains(&net) || net.contains(&fabric.value))
    {
        let draft = Draft::error(format!(
            "{address} is inside the fabric's prefix {}, where there are only our own hosts",
            fabric.value
        ))
        .at(span, "not a native peer")
        .at(fabric.span, "the fabric's prefix")
        .help("write an address outside of it");
        drafts.push(draft);
        return false;
    }
    true
}
