//! `[[network]]`: numbers and subnets

use std::collections::HashMap;
use std::net::Ipv4Addr;

use ipnet::{Ipv4Net, Ipv6Net};
use wire::address::NetworkId;

use super::group::Shared;
use super::{multicast, native, node, route, uplink, value, whole};
use crate::model::{Network, Subnet};
use crate::name::Names;
use crate::problem::{Draft, Drafts};
use crate::raw::{self, Raw};
use crate::source::At;

/// A guest's MTU in bytes where none is given.
const GUEST_MTU_DEFAULT: i64 = 1500;

/// Every IPv4 link carries 68 bytes (RFC 791 section 3.2).
const GUEST_MTU_MIN: i64 = 68;

/// What re-heading may add to a packet: 20 bytes, and 8 for a fragment (docs/wire.md section 4).
const GROWTH_BYTES: u16 = 28;

/// Sources that no guest may have: the packet path drops them as martians.
pub const MARTIANS: [Ipv4Net; 4] = [
    Ipv4Net::new_assert(Ipv4Addr::new(0, 0, 0, 0), 8),
    Ipv4Net::new_assert(Ipv4Addr::new(127, 0, 0, 0), 8),
    Ipv4Net::new_assert(Ipv4Addr::new(224, 0, 0, 0), 4),
    Ipv4Net::new_assert(Ipv4Addr::new(240, 0, 0, 0), 4),
];

/// All networks; `fabric` and `hosts` are the fabric's.
pub fn check(
    raw: &Raw,
    fabric: Option<At<Ipv6Net>>,
    hosts: &Names<'_>,
    drafts: &Drafts,
) -> Option<Vec<Network>> {
    // An MTU that is out of range is reported where the uplink is checked.
    let uplink_mtu = raw
        .uplink
        .as_ref()
        .and_then(|uplink| uplink.mtu.as_ref())
        .and_then(|found| {
            let value = uplink::mtu(found, &Drafts::default())?;
            Some(At {
                value,
                span: found.span,
            })
        });
    let shared = Shared::by_groups(raw);
    let mut taken = HashMap::new();
    let network = |network: &raw::Network| {
        let id = network.id.as_ref().and_then(|found| {
            let id = id(found, drafts)?;
            if let Some(first) = taken.insert(id, found.span) {
                let message = format!("two networks have the id {:#x}", id.get());
                let help = "give each network an id of its own";
                value::taken(drafts, message, found.span, first, help);
            }
            Some(id)
        });
        let subnets = subnets(network, uplink_mtu, drafts);
        let nodes = node::check(network, &subnets, hosts, &shared, drafts);
        let routes = route::check(network, &subnets, nodes.as_deref(), drafts);
        let site = native::Site {
            network,
            subnets: &subnets,
            fabric,
            uplink_mtu,
        };
        let native = network
            .native
            .as_ref()
            .map(|native| native::check(native, &site, drafts));
        let multicast = network
            .multicast
            .as_ref()
            .map(|multicast| multicast::check(multicast, drafts));
        Some(Network {
            name: network.name.as_ref()?.value.clone(),
            id: id?,
            routes: routes?,
            subnets: whole(subnets)?,
            nodes: nodes?,
            native: match native {
                Some(checked) => Some(checked?),
                None => None,
            },
            multicast: match multicast {
                Some(checked) => Some(checked?),
                None => None,
            },
        })
    };
    whole(raw.networks.iter().map(network).collect())
}

fn id(found: &At<i64>, drafts: &Drafts) -> Option<NetworkId> {
    let id = u32::try_from(found.value).ok().and_then(NetworkId::new);
    if id.is_none() {
        let found_id = found.value;
        let message = match found_id {
            0 => "network `id` is 0, which stands for the hosts themselves".to_owned(),
            0xff_ffff => "network `id` is 0xffffff, which is reserved".to_owned(),
            ..0 => format!("network `id` is {found_id}, a negative number"),
            _ => format!("network `id` is {found_id} ({found_id:#x}), more than 24 bits"),
        };
        let draft = Draft::error(message)
            .at(found.span, "not a network's number")
            .help("write a number from 1 to 0xfffffe");
        drafts.push(draft);
    }
    id
}

/// The subnets of one network at their positions; `None` for those that are wrong.
fn subnets(
    network: &raw::Network,
    uplink_mtu: Option<At<u16>>,
    drafts: &Drafts,
) -> Vec<Option<Subnet>> {
    if network.subnets.is_empty() {
        let draft = Draft::error("a network has no subnet")
            .at(network.span, "no [[network.subnet]] below")
            .help("add a [[network.subnet]] with prefix and gateway");
        drafts.push(draft);
    }
    let mut placed: Vec<At<Ipv4Net>> = Vec::new();
    let subnet = |raw: &raw::Subnet| {
        let mtu = mtu(raw, uplink_mtu, drafts);
        let prefix = raw.prefix.as_ref().and_then(|found| prefix(found, drafts));
        if let Some(prefix) = prefix {
            let overlaps = |other: &&At<Ipv4Net>| {
                other.value.contains(&prefix.value) || prefix.value.contains(&other.value)
            };
            if let Some(first) = placed.iter().find(overlaps) {
                let message = format!(
                    "subnets {} and {} of one network overlap",
                    first.value, prefix.value
                );
                let help = "cut them so that each address lies in one subnet";
                value::taken(drafts, message, prefix.span, first.span, help);
            }
            placed.push(prefix);
        }
        let gateway = raw
            .gateway
            .as_ref()
            .and_then(|found| gateway(found, prefix, drafts));
        Some(Subnet {
            prefix: prefix?.value,
            gateway: gateway?,
            mtu: mtu?,
        })
    };
    network.subnets.iter().map(subnet).collect()
}

fn prefix(found: &At<String>, drafts: &Drafts) -> Option<At<Ipv4Net>> {
    let net = value::ipv4_prefix(drafts, "prefix", found)?;
    let message = if let Some(martian) = MARTIANS
        .iter()
        .find(|martian| martian.contains(&net) || net.contains(*martian))
    {
        format!("subnet {net} lies in or around {martian}, which no guest may use")
    } else if net.prefix_len() == 32 {
        format!("subnet {net} has one address, no room for a gateway and a node")
    } else {
        return Some(At {
            value: net,
            span: found.span,
        });
    };
    let draft = Draft::error(message).at(found.span, "not a subnet for guests");
    drafts.push(draft.help("write a prefix such as \"10.0.0.0/24\""));
    None
}

fn gateway(found: &At<String>, prefix: Option<At<Ipv4Net>>, drafts: &Drafts) -> Option<Ipv4Addr> {
    let gateway = value::ipv4(drafts, "gateway", found)?;
    let prefix = prefix?;
    let message = if !prefix.value.contains(&gateway) {
        format!("gateway {gateway} is outside its subnet {}", prefix.value)
    } else if let Some(kind) = reserved(prefix.value, gateway) {
        format!(
            "gateway {gateway} is the {kind} address of {}",
            prefix.value
        )
    } else {
        return Some(gateway);
    };
    let first = prefix.value.hosts().next().unwrap_or(gateway);
    let draft = Draft::error(message)
        .at(found.span, "not a router's address")
        .at(prefix.span, "the subnet");
    drafts.push(draft.help(format!(
        "write an address of {}, such as \"{first}\"",
        prefix.value
    )));
    None
}

/// The two addresses of a subnet that are no one's; a /31 has none (RFC 3021).
pub fn reserved(prefix: Ipv4Net, address: Ipv4Addr) -> Option<&'static str> {
    match address {
        _ if prefix.prefix_len() >= 31 => None,
        _ if address == prefix.network() => Some("network"),
        _ if address == prefix.broadcast() => Some("broadcast"),
        _ => None,
    }
}

fn mtu(raw: &raw::Subnet, uplink_mtu: Option<At<u16>>, drafts: &Drafts) -> Option<u16> {
    let default = At {
        value: GUEST_MTU_DEFAULT,
        span: raw.span,
    };
    let found = raw.mtu.as_ref().unwrap_or(&default);
    let range = GUEST_MTU_MIN..=i64::from(u16::MAX - GROWTH_BYTES);
    let mtu: u16 = value::number(drafts, "mtu", found, range)?;
    let uplink = uplink_mtu.filter(|uplink| mtu + GROWTH_BYTES > uplink.value);
    let Some(uplink) = uplink else {
        return Some(mtu);
    };
    let message = format!(
        "guest MTU {mtu} + {GROWTH_BYTES} bytes of IPv6 header is above the uplink's MTU {}",
        uplink.value
    );
    let label = if raw.mtu.is_some() {
        "the guests' MTU"
    } else {
        "no mtu here: 1500"
    };
    let help = format!(
        "raise [uplink] mtu to {} or lower the subnet's to {}",
        mtu + GROWTH_BYTES,
        uplink.value - GROWTH_BYTES
    );
    drafts.push(
        Draft::error(message)
            .at(found.span, label)
            .at(uplink.span, "the uplink's MTU")
            .help(help),
    );
    None
}
