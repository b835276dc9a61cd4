use std::net::Ipv4Addr;

use super::*;
use crate::fixture::host as id;
use crate::fixture::{T, config, group};

fn key() -> GroupKey {
    GroupKey {
        network: 0x12_3456,
        address: Ipv4Addr::new(10, 0, 0, 3),
    }
}

fn asked(json: &str, action: impl FnOnce(&str) -> GroupRequest) -> Result<Request, ApiError> {
    request(&config("r"), key(), &action(json))
}

#[test]
fn hosts_are_named_and_become_ids() {
    let promote = |json: &str| GroupRequest::Promote(serde_json::from_str(json).unwrap());
    let expected = Request::Promote {
        group: group(),
        to: Some(id(T)),
        fenced: true,
    };
    let named = asked(r#"{"to": "t", "fenced": true}"#, promote).unwrap();
    assert_eq!(named, expected);
    let add = |json: &str| GroupRequest::AddMember(serde_json::from_str(json).unwrap());
    let expected = Request::AddMember {
        group: group(),
        host: id(T),
        rank: None,
    };
    assert_eq!(asked(r#"{"host": "t"}"#, add).unwrap(), expected);
    let expected = Request::AddMember {
        group: group(),
        host: id(T),
        rank: Some(2),
    };
    let ranked = asked(r#"{"host": "t", "rank": 2}"#, add).unwrap();
    assert_eq!(ranked, expected);
    let refused = asked(r#"{"host": "t", "rank": 0}"#, add).unwrap_err();
    assert_eq!(refused.message, "ranks begin with 1");
    let checkpoint = |json: &str| GroupRequest::Checkpoint(serde_json::from_str(json).unwrap());
    let expected = |phase| Request::Checkpoint {
        group: group(),
        phase,
    };
    for (json, phase) in [
        ("{}", CheckpointPhase::Whole),
        (r#"{"begin": true}"#, CheckpointPhase::Begin),
        (r#"{"commit": 4}"#, CheckpointPhase::Commit { number: 4 }),
    ] {
        assert_eq!(asked(json, checkpoint).unwrap(), expected(phase));
    }
    let go = |json: &str| GroupRequest::Move(serde_json::from_str(json).unwrap());
    let expected = Request::Move {
        group: group(),
        to: None,
    };
    assert_eq!(asked("{}", go).unwrap(), expected);
}

#[test]
fn a_host_that_there_is_not_is_refused_with_those_that_there_are() {
    let remove = |json: &str| GroupRequest::RemoveMember(serde_json::from_str(json).unwrap());
    let refused = asked(r#"{"host": "q"}"#, remove).unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Invalid);
    assert_eq!(
        refused.message,
        "there is no host q in the fabric; it has r, s, t"
    );
}

#[test]
fn every_refusal_is_told_with_its_kind_and_its_sentence() {
    use ErrorKind::{Conflict, Invalid, Unavailable};
    let table = [
        (Refusal::UnknownGroup, Invalid),
        (Refusal::UnknownHost, Invalid),
        (Refusal::Busy, Conflict),
        (Refusal::Recovering, Unavailable),
        (Refusal::LogInDoubt, Unavailable),
        (Refusal::NotDurable, Unavailable),
        (Refusal::NobodyEligible, Conflict),
        (Refusal::NotInSync, Conflict),
        (Refusal::IsOwner, Conflict),
        (Refusal::NoOwner, Conflict),
        (Refusal::OwnerMayLive, Conflict),
        (Refusal::TooSoon, Conflict),
        (Refusal::TooManyMembers, Invalid),
        (Refusal::IsMember, Conflict),
        (Refusal::Aborted, Conflict),
        (Refusal::CheckpointIncomplete, Conflict),
        (Refusal::NothingInDoubt, Conflict),
        (Refusal::TimedOut, Unavailable),
        (Refusal::NotHeard, Conflict),
    ];
    for (refusal, kind) in table {
        let error = done(Answer::Refused(refusal)).unwrap_err();
        assert_eq!(error.kind, kind, "{refusal:?}");
        assert_eq!(error.message, refusal.sentence());
    }
}

#[test]
fn what_was_done_is_told_with_its_number() {
    let epoch = messages::Epoch { term: 1, seq: 8 };
    let decided = done(Answer::Decided { epoch }).unwrap();
    assert_eq!(decided.epoch.as_deref(), Some("1.8"));
    let checkpoint = done(Answer::Checkpointed { number: 4 }).unwrap();
    assert_eq!(checkpoint.checkpoint, Some(4));
    let raised = done(Answer::TermRaised { term: 2 }).unwrap();
    assert!(raised.note.contains('2'), "{}", raised.note);
}
