//! `[fabric]`: the prefix, the layout and the hosts' locators

use std::collections::HashMap;
use std::net::Ipv6Addr;

use ipnet::Ipv6Net;
use wire::address::{FabricPrefix, Layout, Locator};
use wire::encode::{DscpRule, HeadingRules, KeepId};

use super::{keys, value, whole};
use crate::model::{Fabric, FabricHost};
use crate::problem::{Draft, Drafts};
use crate::raw;
use crate::source::{At, Span};

/// Where hosts listen to each other unless the configuration says otherwise.
const CONTROL_PORT_DEFAULT: u16 = 9342;

/// The ranges that a fabric may use (docs/wire.md section 1).
const UNICAST: &str = "2000::/3 or fc00::/7";

/// The fabric's prefix, for those who must lie inside or outside of it.
pub fn prefix(raw: &raw::Fabric, drafts: &Drafts) -> Option<At<Ipv6Net>> {
    let found = raw.prefix.as_ref()?;
    let net = value::ipv6_net(drafts, "prefix", found, "fd00:aa::/32")?;
    if net.addr() != net.network() {
        value::host_bits(drafts, "prefix", found, &net.trunc().to_string());
        return None;
    }
    let first_octet = net.addr().octets()[0];
    let global = net.prefix_len() >= 3 && first_octet >> 5 == 0b001;
    let local = net.prefix_len() >= 7 && first_octet >> 1 == 0b111_1110;
    if !global && !local {
        let draft = Draft::error(format!("the fabric's prefix {net} is not inside {UNICAST}"))
            .at(found.span, "not a range for hosts")
            .help("take a prefix of your own, or a private one such as \"fd00:aa::/32\"");
        drafts.push(draft);
        return None;
    }
    Some(At {
        value: net,
        span: found.span,
    })
}

/// Everything of `[fabric]` but the names of the hosts.
pub fn check(raw: &raw::Fabric, prefix: Option<At<Ipv6Net>>, drafts: &Drafts) -> Option<Fabric> {
    let layouts = [
        ("neutral56", Layout::Neutral56),
        ("fixed72", Layout::Fixed72),
    ];
    let layout_span = raw.layout.as_ref().map_or(raw.span, |found| found.span);
    let layout = value::choice(drafts, "layout", raw.layout.as_ref(), &layouts).map(|value| At {
        value,
        span: layout_span,
    });
    let rules = rules(raw, drafts);
    let id = id(raw.id.as_ref(), prefix, drafts);
    let control_port = value::number_or(
        drafts,
        "control_port",
        raw.control_port.as_ref(),
        1..=i64::from(u16::MAX),
        CONTROL_PORT_DEFAULT,
    );
    if raw.hosts.is_empty() {
        let draft = Draft::error("[fabric] has no hosts")
            .at(raw.span, "no [[fabric.host]] below")
            .help("add a [[fabric.host]] with name and locator for every host");
        drafts.push(draft);
    }
    if let (Some(prefix), Some(layout)) = (prefix, layout)
        && prefix.value.prefix_len() > layout.value.locator_bits()
    {
        let bits = layout.value.locator_bits();
        let message = format!(
            "the fabric's prefix {} is longer than a locator, which has {bits} bits",
            prefix.value
        );
        let draft = Draft::error(message)
            .at(prefix.span, "no locator fits in")
            .at(layout.span, "the layout");
        drafts.push(draft.help(format!("write a prefix of at most {bits} bits")));
        return None;
    }
    let mut taken = HashMap::new();
    let hosts = raw
        .hosts
        .iter()
        .map(|host| check_host(host, prefix, layout, &mut taken, drafts));
    let hosts = whole(hosts.collect())?;
    let prefix = prefix?.value;
    Some(Fabric {
        id: id?,
        control_port: control_port?,
        insecure_lab: raw.insecure_lab.as_ref().is_some_and(|at| at.value),
        prefix: FabricPrefix::new(prefix.addr(), prefix.prefix_len()).ok()?,
        layout: layout?.value,
        rules: rules?,
        hosts,
    })
}

/// The fabric's UUID. By default the octets of its prefix, of which the last one is the length: it
/// is zero in every prefix that is short enough.
fn id(
    found: Option<&At<String>>,
    prefix: Option<At<Ipv6Net>>,
    drafts: &Drafts,
) -> Option<[u8; 16]> {
    let Some(found) = found else {
        let prefix = prefix?.value;
        let mut id = prefix.network().octets();
        id[15] = prefix.prefix_len();
        return Some(id);
    };
    // 8-4-4-4-12 hexadecimal digits (RFC 9562 section 4).
    let right = found.value.len() == 36
        && found.value.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        });
    let id = right
        .then(|| u128::from_str_radix(&found.value.replace('-', ""), 16).ok())
        .flatten();
    if id.is_none() {
        let message = format!(
            "the fabric's `id` is \"{}\", which is not a UUID",
            found.value.escape_debug()
        );
        let draft = Draft::error(message).at(found.span, "not a UUID");
        drafts.push(draft.help("write what `uuidgen` prints, or leave `id` out"));
    }
    id.map(u128::to_be_bytes)
}

fn rules(raw: &raw::Fabric, drafts: &Drafts) -> Option<HeadingRules> {
    let keep = [
        ("off", KeepId::Off),
        ("df0", KeepId::Df0),
        ("all", KeepId::All),
    ];
    let keep_id = value::choice(drafts, "keep_id", raw.keep_id.as_ref(), &keep);
    let dscps = [("copy", false), ("fixed", true)];
    let fixed = value::choice(drafts, "dscp", raw.dscp.as_ref(), &dscps);
    let dscp = match (fixed, &raw.dscp_value) {
        (None, _) => None,
        (Some(true), Some(found)) => {
            value::number(drafts, "dscp_value", found, 0..=63).map(DscpRule::Fixed)
        }
        (Some(false), None) => Some(DscpRule::Copy),
        (Some(true), None) => {
            let at = raw.dscp.as_ref().map_or(raw.span, |found| found.span);
            let draft = Draft::error("`dscp` is \"fixed\", but there is no `dscp_value`")
                .at(at, "fixed to what?")
                .help("add dscp_value = 0, a number from 0 to 63");
            drafts.push(draft);
            None
        }
        (Some(false), Some(found)) => {
            let draft = Draft::error("`dscp_value` has no effect while `dscp` is \"copy\"")
                .at(found.span, "not used")
                .help("write dscp = \"fixed\", or remove dscp_value");
            drafts.push(draft);
            None
        }
    };
    Some(HeadingRules {
        dscp: dscp?,
        keep_id: keep_id?,
        experimental_allowed: raw
            .allow_experimental_protocols
            .as_ref()
            .is_some_and(|at| at.value),
    })
}

fn check_host(
    raw: &raw::FabricHost,
    prefix: Option<At<Ipv6Net>>,
    layout: Option<At<Layout>>,
    taken: &mut HashMap<Ipv6Addr, Span>,
    drafts: &Drafts,
) -> Option<FabricHost> {
    let public_key = keys::public(raw.public_key.as_ref(), keys::Kind::Host, drafts);
    let found = raw.locator.as_ref()?;
    let net = value::ipv6_net(drafts, "locator", found, "fd00:aa:0:100::/56")?;
    let layout = layout?;
    let bits = layout.value.locator_bits();
    if net.prefix_len() != bits {
        let right = Ipv6Net::new(net.addr(), bits).map_or(net, |net| net.trunc());
        let message = format!(
            "locator {net} has {} bits, but with layout {} a locator has {bits}",
            net.prefix_len(),
            layout.value
        );
        let draft = Draft::error(message)
            .at(found.span, format!("not a /{bits}"))
            .at(layout.span, "the layout");
        drafts.push(draft.help(format!("write \"{right}\", or change the layout")));
        return None;
    }
    if net.addr() != net.network() {
        value::host_bits(drafts, "locator", found, &net.trunc().to_string());
        return None;
    }
    if let Some(prefix) = prefix
        && !prefix.value.contains(&net)
    {
        let draft = Draft::error(format!(
            "locator {net} is outside the fabric's prefix {}",
            prefix.value
        ))
        .at(found.span, "outside")
        .at(prefix.span, "the fabric's prefix")
        .help(format!(
            "take a /{bits} out of {}, or widen the prefix",
            prefix.value
        ));
        drafts.push(draft);
        return None;
    }
    if let Some(&first) = taken.get(&net.addr()) {
        let message = format!("two hosts have the locator {net}");
        value::taken(
            drafts,
            message,
            found.span,
            first,
            "give each host a locator of its own",
        );
        return None;
    }
    taken.insert(net.addr(), found.span);
    let locator = match Locator::new(net.addr(), layout.value) {
        Ok(locator) => locator,
        Err(_) => {
            let draft = Draft::error(format!("locator {net} is not inside {UNICAST}"))
                .at(found.span, "not a range for hosts")
                .help("take a locator out of the fabric's prefix");
            drafts.push(draft);
            return None;
        }
    };
    Some(FabricHost {
        name: raw.name.as_ref()?.value.clone(),
        locator,
        public_key: public_key?,
    })
}
