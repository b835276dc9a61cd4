//! `[network.multicast]`: groups and broadcast

use std::collections::HashMap;
use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

use super::{value, whole};
use crate::model::Multicast;
use crate::problem::{Draft, Drafts};
use crate::raw;
use crate::source::{At, Span};

/// Every address that names a group.
const GROUPS: Ipv4Net = Ipv4Net::new_assert(Ipv4Addr::new(224, 0, 0, 0), 4);

/// Local to a link, and to what runs it (RFC 5771 sections 4 and 5 among them).
const NEVER_FORWARD: Ipv4Net = Ipv4Net::new_assert(Ipv4Addr::new(224, 0, 0, 0), 16);

/// Groups of one network: each host keeps a time for each of them and each node or host.
const GROUPS_MAX: usize = 256;

const COPY_PACKETS_PER_S: u64 = 10_000;
const COPY_BYTES_PER_S: u64 = 12_500_000;
const RATE_MAX: i64 = 1_000_000_000_000;

/// RFC 3376 section 8.2.
const QUERY_INTERVAL_S: u32 = 125;
const QUERY_INTERVAL_MAX_S: i64 = 3_600;

/// The groups of one network.
pub fn check(raw: &raw::Multicast, drafts: &Drafts) -> Option<Multicast> {
    let never_forward = match &raw.never_forward {
        None => Some(vec![NEVER_FORWARD]),
        Some(found) => whole(
            found
                .value
                .iter()
                .map(|found| prefix(found, drafts))
                .collect(),
        ),
    };
    let groups = groups(raw, never_forward.as_deref().unwrap_or_default(), drafts);
    let broadcast = raw.broadcast.as_ref().is_none_or(|found| found.value);
    let without = raw
        .groups
        .as_ref()
        .is_none_or(|found| found.value.is_empty());
    if without && !broadcast {
        let draft = Draft::error("[network.multicast] has neither a group nor broadcast")
            .at(raw.span, "nothing is sent to many")
            .help("add groups = [\"239.1.1.1\"], or remove the section");
        drafts.push(draft);
    }
    let rate = |key, found: &Option<At<i64>>, low, default| {
        value::number_or(drafts, key, found.as_ref(), low..=RATE_MAX, default)
    };
    let packets = rate(
        "copy_packets_per_s",
        &raw.copy_packets_per_s,
        1,
        COPY_PACKETS_PER_S,
    );
    // The longest frame is within a tenth of a second's.
    let bytes = rate(
        "copy_bytes_per_s",
        &raw.copy_bytes_per_s,
        655_750,
        COPY_BYTES_PER_S,
    );
    let query_interval_s = value::number_or(
        drafts,
        "query_interval_s",
        raw.query_interval_s.as_ref(),
        1..=QUERY_INTERVAL_MAX_S,
        QUERY_INTERVAL_S,
    );
    Some(Multicast {
        groups: groups?,
        broadcast,
        never_forward: never_forward?,
        copy_packets_per_s: packets?,
        copy_bytes_per_s: bytes?,
        query_interval_s: query_interval_s?,
    })
}

fn groups(raw: &raw::Multicast, never: &[Ipv4Net], drafts: &Drafts) -> Option<Vec<Ipv4Addr>> {
    let Some(found) = &raw.groups else {
        return Some(Vec::new());
    };
    if found.value.len() > GROUPS_MAX {
        let message = format!("{} groups in one network", found.value.len());
        let draft = Draft::error(message).at(found.span, "too many");
        drafts.push(draft.help(format!("list at most {GROUPS_MAX}")));
        return None;
    }
    let mut taken: HashMap<Ipv4Addr, Span> = HashMap::new();
    let groups = found.value.iter().map(|found| {
        let group = value::ipv4(drafts, "groups", found)?;
        let wrong = if !GROUPS.contains(&group) {
            Some(format!("{group} is not a multicast address"))
        } else {
            let prefix = never.iter().find(|prefix| prefix.contains(&group));
            prefix.map(|prefix| format!("group {group} lies in {prefix}, which is never forwarded"))
        };
        if let Some(message) = wrong {
            let draft = Draft::error(message).at(found.span, "no group for nodes");
            drafts.push(draft.help("write one such as \"239.1.1.1\""));
            return None;
        }
        if let Some(first) = taken.insert(group, found.span) {
            let message = format!("group {group} is listed twice");
            value::taken(drafts, message, found.span, first, "list each group once");
        }
        Some(group)
    });
    whole(groups.collect())
}

fn prefix(found: &At<String>, drafts: &Drafts) -> Option<Ipv4Net> {
    let net = value::ipv4_prefix(drafts, "never_forward", found)?;
    if !GROUPS.contains(&net) {
        let draft = Draft::error(format!("{net} lies outside {GROUPS}"))
            .at(found.span, "no multicast prefix")
            .help("write one such as \"224.0.0.0/16\"");
        drafts.push(draft);
        return None;
    }
    Some(net)
}
