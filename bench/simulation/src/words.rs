//! What a trace says about records, messages and notes.

use std::fmt::Write as _;

use failover::{GroupInstall, Note};
use messages::body::Body;
use messages::{HostId, MemberState, Record};

use crate::naming::Host;

/// Whether a message comes so often that a trace leaves it out.
#[must_use]
pub const fn is_routine(body: &Body) -> bool {
    matches!(body, Body::Heartbeat(_) | Body::HeartbeatAck(_))
}

/// A record in a line.
#[must_use]
pub fn record(record: &Record) -> String {
    let mut words = format!(
        "{} E{} gen {} owner ",
        record.group, record.epoch, record.generation
    );
    match record.owner {
        Some(owner) => words += &format!("{} of {}", name(owner.host), owner.boot),
        None => words += "nobody",
    }
    let _infallible = write!(words, " {} [", state(&record.state));
    for member in &record.members {
        let mark = match member.state {
            MemberState::Joining => "+",
            MemberState::InSync => "",
            MemberState::Removed => "-",
        };
        let _infallible = write!(words, " {}{mark}", name(member.host));
    }
    let _infallible = write!(words, " ] checkpoint {}", record.checkpoint);
    words
}

fn state(state: &messages::GroupState) -> String {
    match state {
        messages::GroupState::Handover { to } => format!("handover to {}", name(*to)),
        other => format!("{other:?}"),
    }
}

/// What is published in the tables.
#[must_use]
pub fn install(install: &GroupInstall) -> String {
    let copies: Vec<String> = install.copies_to.iter().copied().map(name).collect();
    format!(
        "{}{}, {:?}, copies to {copies:?}{}",
        record(&install.record.record),
        if install.confirmed {
            ""
        } else {
            " (unconfirmed)"
        },
        install.local,
        match install.discard_before {
            Some(before) => format!(", discards before {}", before.0),
            None => String::new(),
        },
    )
}

/// A message.
#[must_use]
pub fn body(body: &Body) -> String {
    if let Body::Heartbeat(heartbeat) = body {
        let beats = heartbeat.beats.iter().map(|beat| {
            format!(
                " {} E{} {:?} {:?}",
                beat.group, beat.epoch, beat.standing, beat.vouch
            )
        });
        return format!(
            "Heartbeat {}:{}",
            heartbeat.sent.0,
            beats.collect::<String>()
        );
    }
    match body.signed_record() {
        Some(signed) => {
            let kind = format!("{body:?}");
            let kind = kind.split([' ', '{', '(']).next().unwrap_or_default();
            format!("{kind} {}", record(&signed.record))
        }
        None => with_names(&format!("{body:?}")),
    }
}

/// A note.
#[must_use]
pub fn note(note: &Note) -> String {
    let group = note
        .group
        .map_or_else(String::new, |group| format!("{group} "));
    let epoch = note
        .epoch
        .map_or_else(String::new, |epoch| format!("E{epoch} "));
    format!(
        "notes {group}{epoch}{}",
        with_names(&format!("{:?}", note.fact))
    )
}

fn name(host: HostId) -> String {
    Host::of(host).map_or_else(|| host.to_string(), |host| host.to_string())
}

/// Hosts' numbers replaced by their names.
fn with_names(words: &str) -> String {
    let mut words = words.to_owned();
    for host in Host::all(crate::naming::HOSTS_MAX) {
        words = words.replace(&format!("{:?}", host.id()), &host.to_string());
    }
    words
}
