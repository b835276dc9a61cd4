use std::time::Duration;

use failover::note::{Cause, Doubt, Evidence};
use messages::body::{Fault, Standing, Vouch};
use messages::{BootId, Time};

use super::*;
use crate::fixture::{S, T, config, epoch, group, host};

/// The kind that each fact is told as. A fact without a line here does not compile.
const fn kind(fact: &Fact) -> &'static str {
    match fact {
        Fact::Standing { .. } => "standing",
        Fact::Installed { .. } => "installed",
        Fact::Persisted => "persisted",
        Fact::PersistFailed => "persist_failed",
        Fact::OwnerSilent { .. } => "owner_silent",
        Fact::Suspected { .. } => "suspected",
        Fact::Withdrew { .. } => "withdrew",
        Fact::Granted { .. } => "granted",
        Fact::Announced { .. } => "announced",
        Fact::AnnounceAcked { .. } => "announce_acknowledged",
        Fact::AnnounceTimedOut { .. } => "announce_timed_out",
        Fact::Unmuted => "unmuted",
        Fact::FirstAnswer { .. } => "first_answer",
        Fact::Muted => "muted",
        Fact::Released => "released",
        Fact::AckOverdue { .. } => "acknowledgement_overdue",
        Fact::FirstAcked { .. } => "first_acknowledged",
        Fact::Port { .. } => "port",
        Fact::Resigned => "resigned",
        Fact::Frozen => "frozen",
        Fact::Vouch { .. } => "vouch",
        Fact::OwnStall { .. } => "own_stall",
        Fact::ToldNewer { .. } => "told_newer",
        Fact::Ignored { .. } => "ignored",
        Fact::HookStarted => "hook_started",
        Fact::HookEnded { .. } => "hook_ended",
        Fact::Checkpoint { .. } => "checkpoint",
        Fact::PeerBoot { .. } => "peer",
        Fact::SuspectHeard { .. } => "suspect_heard",
        Fact::WithdrawHeard { .. } => "withdraw_heard",
        Fact::FaultHeard { .. } => "fault_heard",
        Fact::Evidence { .. } => "evidence",
        Fact::ProbeSent { .. } => "probe_sent",
        Fact::ProbeAnswered { .. } => "probe_answered",
        Fact::Damped { .. } => "damped",
        Fact::Deciding { .. } => "deciding",
        Fact::Decided { .. } => "decided",
        Fact::NotDurable => "not_durable",
        Fact::PushAcked { .. } => "push_acknowledged",
        Fact::Settled => "settled",
        Fact::Recovered => "recovered",
        Fact::InDoubt { .. } => "in_doubt",
        Fact::Bounced { .. } => "bounced",
    }
}

/// One of each.
fn all() -> Vec<Fact> {
    let (s, wait, number) = (host(S), Duration::from_millis(7), 3);
    vec![
        Fact::Standing {
            from: Standing::Replica,
            to: Standing::Candidate,
        },
        Fact::Installed {
            owner: Some(s),
            generation: 2,
        },
        Fact::Persisted,
        Fact::PersistFailed,
        Fact::OwnerSilent { silence: wait },
        Fact::Suspected { number },
        Fact::Withdrew { number },
        Fact::Granted { wait },
        Fact::Announced { hosts: 2 },
        Fact::AnnounceAcked { host: s },
        Fact::AnnounceTimedOut { missing: 1 },
        Fact::Unmuted,
        Fact::FirstAnswer { at: Time(5) },
        Fact::Muted,
        Fact::Released,
        Fact::AckOverdue { member: s },
        Fact::FirstAcked { member: s },
        Fact::Port { up: true },
        Fact::Resigned,
        Fact::Frozen,
        Fact::Vouch {
            vouch: Vouch::PortDown,
        },
        Fact::OwnStall { late: wait },
        Fact::ToldNewer { host: s },
        Fact::Ignored {
            from: s,
            why: "an old epoch",
        },
        Fact::HookStarted,
        Fact::HookEnded { ok: false },
        Fact::Checkpoint { number },
        Fact::PeerBoot {
            host: s,
            boot: BootId(9),
        },
        Fact::SuspectHeard { by: s, number },
        Fact::WithdrawHeard { by: s },
        Fact::FaultHeard {
            fault: Fault::Worker,
        },
        Fact::Evidence {
            evidence: Evidence::Silence,
        },
        Fact::ProbeSent { via: s },
        Fact::ProbeAnswered {
            via: s,
            alive: false,
        },
        Fact::Damped { wait },
        Fact::Deciding {
            epoch: epoch(4),
            cause: Cause::Promotion,
        },
        Fact::Decided {
            epoch: epoch(4),
            owner: None,
        },
        Fact::NotDurable,
        Fact::PushAcked { host: s },
        Fact::Settled,
        Fact::Recovered,
        Fact::InDoubt {
            doubt: Doubt::LogLost,
        },
        Fact::Bounced { by: s },
    ]
}

fn event(fact: Fact) -> Event {
    let note = failover::Note {
        group: Some(group()),
        epoch: Some(epoch(3)),
        fact,
    };
    let timed = TimedNote { at: Time(5), note };
    Names::new(config("r")).event(&timed, 1_000)
}

#[test]
fn every_fact_has_a_kind_of_its_own_and_a_sentence() {
    let mut kinds = std::collections::BTreeSet::new();
    for fact in all() {
        let expected = kind(&fact);
        let event = event(fact);
        assert_eq!(event.kind, expected);
        assert!(kinds.insert(event.kind.clone()), "{expected} twice");
        assert!(event.text.contains(' '), "{expected}: {}", event.text);
        assert!(!event.text.ends_with('.'), "{expected}: {}", event.text);
        let id = host(S).to_string();
        assert!(
            !event.text.contains(&id),
            "hosts have names: {}",
            event.text
        );
        assert_eq!(event.group.as_deref(), Some("z/10.0.0.3"));
        assert_eq!(event.host, "r");
        assert_eq!(event.fields["at_ns"], 5);
        assert_eq!(event.fields["epoch"], "1.3");
    }
    assert_eq!(kinds.len(), 43, "one of each is listed");
}

#[test]
fn what_the_configuration_does_not_know_is_shown_by_its_id() {
    let names = Names::new(config("r"));
    let stranger = HostId([9; 9]);
    assert_eq!(names.host(stranger), stranger.to_string());
    assert_eq!(names.host(host(T)), "t");
    let unknown = GroupId::new(1, std::net::Ipv4Addr::LOCALHOST);
    assert_eq!(names.group(unknown), unknown.to_string());
}

#[test]
fn nobody_owns_an_address_without_owner() {
    let event = event(Fact::Installed {
        owner: None,
        generation: 2,
    });
    assert_eq!(event.fields["owner"], "nobody");
}
