//! Groups, printed.

use std::io::{self, Write};

use api::{
    BufferStatus, Done, GroupRole, GroupState, GroupStatus, Lease, MemberState, MemberStatus,
};
use serde::Serialize;

use crate::arguments::Format;
use crate::status::table;

/// Prints one line a group.
pub fn write_list(out: &mut impl Write, groups: &[GroupStatus], format: Format) -> io::Result<()> {
    if format == Format::Json {
        return json(out, &groups);
    }
    if groups.is_empty() {
        return writeln!(out, "this host knows no groups");
    }
    let rows = groups.iter().map(|group| {
        let in_sync = |member: &&MemberStatus| member.state == MemberState::InSync;
        let in_sync = group.members.iter().filter(in_sync).count();
        [
            name(group),
            or_dash(group.owner.as_ref()),
            or_dash(group.epoch.as_ref()),
            state(group),
            role(group.role).to_owned(),
            lease(group.lease),
            format!("{in_sync} of {}", group.members.len()),
            group.checkpoint.to_string(),
            if group.difference.is_empty() {
                ""
            } else {
                "differs"
            }
            .to_owned(),
        ]
    });
    let header = [
        "GROUP",
        "OWNER",
        "EPOCH",
        "STATE",
        "HERE",
        "LEASE",
        "IN SYNC",
        "CHECKPOINT",
        "CONFIG",
    ];
    writeln!(out, "{}", table(header, rows, &[7]))
}

/// Prints all that is known of a group.
pub fn write(out: &mut impl Write, group: &GroupStatus, format: Format) -> io::Result<()> {
    if format == Format::Json {
        return json(out, group);
    }
    let owner = group.owner.as_deref().unwrap_or("nobody");
    writeln!(out, "group       {}", name(group))?;
    writeln!(
        out,
        "owner       {owner}, generation {}, {}",
        group.generation,
        state(group)
    )?;
    let unconfirmed = if group.confirmed {
        ""
    } else {
        ", not confirmed since this daemon started"
    };
    let epoch = or_dash(group.epoch.as_ref());
    writeln!(out, "epoch       {epoch}{unconfirmed}")?;
    let lease = match group.lease {
        Some(_) => format!(", lease {}", lease(group.lease)),
        None => String::new(),
    };
    writeln!(out, "this host   {}{lease}", role(group.role))?;
    let settings = &group.settings;
    writeln!(
        out,
        "settings    copies = {}, fan_out = {}, {} ms x {}, on_isolation = {}",
        settings.copies,
        settings.fan_out,
        settings.interval_ms,
        settings.detect_mult,
        settings.on_isolation
    )?;
    writeln!(out, "checkpoint  {}", group.checkpoint)?;
    if let Some(buffer) = &group.buffer {
        writeln!(out, "buffer      {}", self::buffer(buffer))?;
    }
    if !group.members.is_empty() {
        writeln!(out, "\n{}", members(group))?;
    }
    for difference in &group.difference {
        writeln!(out, "\ndiffers from the configuration: {difference}")?;
    }
    Ok(())
}

fn members(group: &GroupStatus) -> String {
    let rows = group.members.iter().map(|member| {
        let copies = member.copies;
        [
            member.rank.to_string(),
            member.host.clone(),
            or_dash(member.node.as_ref()),
            match (member.owner, member.state) {
                (true, _) => "owner",
                (false, MemberState::Joining) => "joining",
                (false, MemberState::InSync) => "in sync",
                (false, MemberState::Removed) => "removed",
            }
            .to_owned(),
            or_dash(copies.map(|copies| copies.packets)),
            or_dash(copies.map(|copies| copies.bytes)),
            or_dash(copies.map(|copies| copies.over_budget)),
            or_dash(member.acknowledged_ms.map(|ms| format!("{ms} ms ago"))),
            or_dash(member.mark),
        ]
    });
    let header = [
        "RANK",
        "HOST",
        "NODE",
        "STATE",
        "COPIES",
        "COPY BYTES",
        "OVER BUDGET",
        "ACKNOWLEDGED",
        "MARK",
    ];
    table(header, rows, &[0, 4, 5, 6, 7, 8])
}

/// What a buffer holds and what became of what it held.
pub fn buffer(buffer: &BufferStatus) -> String {
    let BufferStatus {
        packets,
        bytes,
        oldest_ms,
        released,
        discarded,
        expired,
        full,
    } = buffer;
    let oldest = oldest_ms.map_or(String::new(), |ms| format!(", the oldest {ms} ms old"));
    format!(
        "{packets} packets, {bytes} bytes{oldest}; released {released}, covered by checkpoints \
         {discarded}, expired {expired}, no room {full}"
    )
}

/// Prints what became of a request.
pub fn write_done(out: &mut impl Write, done: &Done, format: Format) -> io::Result<()> {
    if format == Format::Json {
        return json(out, done);
    }
    let Done {
        epoch,
        owner,
        checkpoint,
        flight,
        note,
    } = done;
    let facts = [
        epoch.as_ref().map(|epoch| format!("epoch {epoch}")),
        owner.as_ref().map(|owner| format!("owner {owner}")),
        checkpoint.map(|number| format!("checkpoint {number}")),
        flight.as_ref().map(|id| format!("flight {id}")),
    ];
    let facts: Vec<_> = facts.into_iter().flatten().collect();
    match facts.is_empty() {
        true => writeln!(out, "{note}"),
        false => writeln!(out, "{note} ({})", facts.join(", ")),
    }
}

fn json(out: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, value)?;
    writeln!(out)
}

fn name(group: &GroupStatus) -> String {
    format!("{}/{}", group.network, group.address)
}

fn state(group: &GroupStatus) -> String {
    match (group.state, &group.handover_to) {
        (GroupState::Active, _) => "active".to_owned(),
        (GroupState::Solo, _) => "solo".to_owned(),
        (GroupState::Handover, Some(to)) => format!("moving to {to}"),
        (GroupState::Handover, None) => "moving".to_owned(),
        (GroupState::NoOwner, _) => "no owner".to_owned(),
        (GroupState::Unknown, _) => "unknown".to_owned(),
    }
}

fn role(role: GroupRole) -> &'static str {
    match role {
        GroupRole::None => "no member",
        GroupRole::Joining => "joining",
        GroupRole::Replica => "replica",
        GroupRole::Candidate => "candidate",
        GroupRole::Promoting => "promoting",
        GroupRole::Primary => "primary",
        GroupRole::Muted => "primary, muted",
        GroupRole::Fenced => "fenced",
    }
}

fn lease(lease: Option<Lease>) -> String {
    match lease {
        None => "-".to_owned(),
        Some(Lease::Muted) => "over".to_owned(),
        Some(Lease::Running { remaining_ms }) => format!("{remaining_ms} ms"),
        Some(Lease::Unlimited) => "unlimited".to_owned(),
    }
}

fn or_dash(value: Option<impl ToString>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| value.to_string())
}
