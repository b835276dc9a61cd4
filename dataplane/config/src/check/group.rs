//! `[[group]]`: who serves the address, and the values that say how

use std::collections::HashMap;
use std::net::Ipv4Addr;

use super::{node, value, whole};
use crate::model::{BufferLimits, Copies, CopyBudget, FanOut, Group, Hook, OnIsolation};
use crate::name::Names;
use crate::problem::{Draft, Drafts};
use crate::raw::{self, Raw};
use crate::source::At;

mod members;

use members::Gathering;
pub use members::{NODES_MAX as GROUP_NODES_MAX, Shared};

/// A table entry names its group by 16 bits, of which 0 is none.
const GROUPS_MAX: usize = 65_535;

/// A day, in milliseconds: no buffer or hook needs longer.
const DAY_MS: i64 = 86_400_000;

/// All groups, against the nodes of their networks.
pub fn check(raw: &Raw, networks: &Names<'_>, drafts: &Drafts) -> Option<Vec<Group>> {
    if let Some(group) = raw.groups.first()
        && !raw.keys.contains("manager")
    {
        let draft = Draft::error("a group needs a [manager], which decides who owns its address")
            .at(group.span, "the first group");
        drafts.push(draft.help(
            "add [manager] with the name of its host: best one that has no member of the group",
        ));
    }
    if let Some(group) = raw.groups.get(GROUPS_MAX) {
        let draft = Draft::error(format!("there are {} groups", raw.groups.len()))
            .at(group.span, "one too many")
            .help(format!("a fabric has at most {GROUPS_MAX} groups"));
        drafts.push(draft);
    }
    let nodes = node::names(raw);
    let mut taken = HashMap::new();
    let group = |group: &raw::Group| {
        let network = group
            .network
            .as_ref()
            .and_then(|found| network_of(found, networks, drafts));
        let address = group.address.as_ref().and_then(|found| {
            let value = value::ipv4(drafts, "address", found)?;
            let span = found.span;
            Some(At { value, span })
        });
        if let (Some(network), Some(address)) = (network, address)
            && let Some(first) = taken.insert((network, address.value), address.span)
        {
            let message = format!("two groups are about {}", name(group));
            let help = "list all members in one [[group]]";
            value::taken(drafts, message, address.span, first, help);
        }
        let listed = network.and_then(|network| {
            let (one, names) = (&raw.networks[network], &nodes[network]);
            let mut gathering = Gathering::new(one, names, address, drafts);
            let members = gathering.take(group.members.as_ref(), "members");
            let spares = gathering.take(group.spares.as_ref(), "spares");
            Some((members?, spares?))
        });
        values(group, network, address, listed, drafts)
    };
    whole(raw.groups.iter().map(group).collect())
}

/// The values that say how the group works, put together with who is in it.
fn values(
    raw: &raw::Group,
    network: Option<usize>,
    address: Option<At<Ipv4Addr>>,
    listed: Option<(Vec<usize>, Vec<usize>)>,
    drafts: &Drafts,
) -> Option<Group> {
    let copies = [("deliver", Copies::Deliver), ("buffer", Copies::Buffer)];
    let copies = value::choice(drafts, "copies", raw.copies.as_ref(), &copies);
    let fan_outs = [("sender", FanOut::Sender), ("primary", FanOut::Primary)];
    let fan_out = value::choice(drafts, "fan_out", raw.fan_out.as_ref(), &fan_outs);
    let isolations = [
        ("mute", OnIsolation::Mute),
        ("continue", OnIsolation::Continue),
    ];
    let on_isolation = raw.on_isolation.as_ref();
    let on_isolation = value::choice(drafts, "on_isolation", on_isolation, &isolations);
    let duration = |key, found: &Option<At<i64>>, range_ms, default_ms| {
        value::duration_or(drafts, key, found.as_ref(), range_ms, default_ms)
    };
    let interval = duration("interval_ms", &raw.interval_ms, 10..=1000, 50);
    let mult = raw.detect_mult.as_ref();
    // At least 3: a host that was slow for one interval is heard again before it counts as lost.
    let detect_mult = value::number_or(drafts, "detect_mult", mult, 3..=20, 3);
    let (margin, gap) = (&raw.checkpoint_margin_ms, &raw.promotion_min_gap_ms);
    let checkpoint_margin = duration("checkpoint_margin_ms", margin, 0..=60_000, 100);
    let promotion_min_gap = duration("promotion_min_gap_ms", gap, 1000..=60_000, 1000);
    let copy_budget = copy_budget(raw, drafts);
    let buffer = buffer(raw, drafts);
    let hook = hook(raw, drafts);
    let (members, spares) = listed?;
    Some(Group {
        network: network?,
        address: address?.value,
        name: name(raw),
        members,
        spares,
        copies: copies?,
        fan_out: fan_out?,
        interval: interval?,
        detect_mult: detect_mult?,
        on_isolation: on_isolation?,
        copy_budget: copy_budget?,
        buffer: buffer?,
        checkpoint_margin: checkpoint_margin?,
        promotion_min_gap: promotion_min_gap?,
        hook: hook?,
    })
}

fn copy_budget(raw: &raw::Group, drafts: &Drafts) -> Option<CopyBudget> {
    let limit = |key, found: &Option<At<i64>>, range| match found {
        Some(found) => value::number(drafts, key, found, range).map(Some),
        None => Some(None),
    };
    let packets = &raw.copy_packets_per_s;
    let packets_per_s = limit("copy_packets_per_s", packets, 1..=1_000_000_000);
    let bytes = &raw.copy_bytes_per_s;
    // Less than the largest packet a second would never pass it.
    let bytes_per_s = limit("copy_bytes_per_s", bytes, 65_575..=1_000_000_000_000);
    Some(CopyBudget {
        packets_per_s: packets_per_s?,
        bytes_per_s: bytes_per_s?,
    })
}

fn buffer(raw: &raw::Group, drafts: &Drafts) -> Option<BufferLimits> {
    let packets = raw.buffer_packets.as_ref();
    let packets = value::number_or(drafts, "buffer_packets", packets, 64..=16_777_216, 262_144);
    let mib = raw.buffer_mib.as_ref();
    let mib: Option<u64> = value::number_or(drafts, "buffer_mib", mib, 1..=65_536, 64);
    let age = raw.buffer_age_ms.as_ref();
    let age = value::duration_or(drafts, "buffer_age_ms", age, 100..=DAY_MS, 10_000);
    Some(BufferLimits {
        packets: packets?,
        bytes: mib? << 20,
        age: age?,
    })
}

/// The outer `None` means that something was reported.
fn hook(raw: &raw::Group, drafts: &Drafts) -> Option<Option<Hook>> {
    let example = "/etc/understudy/promote";
    let path = value::optional_absolute(drafts, "hook", raw.hook.as_ref(), example);
    let timeout = raw.hook_timeout_ms.as_ref();
    let timeout = value::duration_or(drafts, "hook_timeout_ms", timeout, 10..=DAY_MS, 5000);
    let keys = [
        (
            "hook_timeout_ms",
            raw.hook_timeout_ms.as_ref().map(|at| at.span),
        ),
        ("hook_wait", raw.hook_wait.as_ref().map(|at| at.span)),
    ];
    for (key, span) in keys {
        if let (None, Some(span)) = (&raw.hook, span) {
            let draft = Draft::error(format!("`{key}` has no effect without a `hook`"))
                .at(span, "not used")
                .help(format!("add hook = \"{example}\", or remove {key}"));
            drafts.push(draft);
        }
    }
    let (path, timeout) = (path?, timeout?);
    let wait = raw.hook_wait.as_ref().is_some_and(|at| at.value);
    Some(path.map(|path| Hook {
        path,
        timeout,
        wait,
    }))
}

fn network_of(found: &At<String>, networks: &Names<'_>, drafts: &Drafts) -> Option<usize> {
    let index = networks.get(&found.value);
    if index.is_none() {
        let draft = Draft::error(format!("unknown network \"{}\"", found.value))
            .at(found.span, "no such [[network]]")
            .help(networks.suggest("network", &found.value));
        drafts.push(draft);
    }
    index
}

/// `network/address` as the operator wrote them.
pub fn name(group: &raw::Group) -> String {
    let text =
        |found: &Option<At<String>>| found.as_ref().map_or("?".to_owned(), |at| at.value.clone());
    format!("{}/{}", text(&group.network), text(&group.address))
}

/// The node that is the primary when there is no record yet.
pub fn primary<'a>(group: &raw::Group, raw: &'a Raw) -> Option<&'a raw::Node> {
    let (network, member) = (
        group.network.as_ref()?,
        group.members.as_ref()?.value.first()?,
    );
    let is = |name: &Option<At<String>>, wanted: &At<String>| {
        name.as_ref().is_some_and(|name| name.value == wanted.value)
    };
    let network = raw.networks.iter().find(|one| is(&one.name, network))?;
    network.nodes.iter().find(|one| is(&one.name, member))
}

/// A group that nobody can take over protects nothing.
///
/// Asked only when all is right.
pub fn warn_of_lone_members(raw: &Raw, drafts: &Drafts) {
    for group in &raw.groups {
        if let Some(members) = &group.members
            && members.value.len() == 1
        {
            let message = format!("group {} has one member: nobody can take over", name(group));
            let draft = Draft::warning(message).at(members.span, "only one");
            drafts.push(
                draft.help(
                    "add a node with the same address on another host, or remove the [[group]]",
                ),
            );
        }
    }
}
