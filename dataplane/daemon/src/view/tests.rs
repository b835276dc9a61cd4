use std::sync::Arc;

use messages::{HostId, Member, Owner, Signature, SignedRecord};

use super::*;
use crate::fixture::{R, S, T, config, epoch, group, host, plane};

const NOW: Time = Time(10_000_000_000);

fn record(members: &[(usize, RecordMember)], owner: Option<usize>) -> Record {
    let members = members.iter().map(|(member, state)| Member {
        host: host(*member),
        state: *state,
    });
    Record {
        fabric: messages::FabricId([0; 16]),
        group: group(),
        epoch: epoch(3),
        generation: 2,
        owner: owner.map(|owner| Owner {
            host: host(owner),
            boot: messages::BootId(1),
        }),
        state: RecordState::Active,
        members: members.collect(),
        checkpoint: 5,
    }
}

fn view(record: Option<Record>, standing: Standing, lease: failover::Lease) -> GroupView {
    GroupView {
        group: group(),
        standing,
        record: record.map(|record| SignedRecord {
            record,
            signature: Signature([0; 64]),
        }),
        confirmed: true,
        local: None,
        lease,
        vouch: messages::body::Vouch::Good,
        owner_heard: None,
        acknowledged: [(host(T), Time(NOW.0 - 30 * MS))].into(),
        checkpoints: [(host(S), 0), (host(T), 5)].into(),
    }
}

fn status(view: &GroupView) -> GroupStatus {
    let config = config("r");
    let plane = plane(&config);
    let shown = Shown {
        now: NOW,
        config: &config,
        names: &Names::new(Arc::clone(&config)),
        plane: &plane,
        billing: &Billing::new(&[]),
        position: 0,
        configured: &config.groups[0],
        view: Some(view),
    };
    shown.status()
}

fn replica(record: Record) -> GroupStatus {
    status(&view(
        Some(record),
        Standing::Replica,
        failover::Lease::Muted,
    ))
}

#[test]
fn a_group_without_a_record_is_unknown_and_nobodys() {
    let shown = status(&view(None, Standing::Joining, failover::Lease::Muted));
    assert_eq!(
        (shown.epoch, shown.owner, shown.generation),
        (None, None, 0)
    );
    assert_eq!(shown.state, GroupState::Unknown);
    assert!(shown.members.is_empty() && shown.difference.is_empty());
    assert_eq!(shown.settings.copies, "deliver");
}

#[test]
fn members_have_names_ranks_and_states_and_the_owner_is_marked() {
    let members = [(S, RecordMember::InSync), (T, RecordMember::Joining)];
    let shown = replica(record(&members, Some(S)));
    assert_eq!(shown.owner.as_deref(), Some("s"));
    assert_eq!(shown.epoch.as_deref(), Some("1.3"));
    assert_eq!((shown.generation, shown.checkpoint), (2, 5));
    let [s, t] = &shown.members[..] else {
        panic!("there are two members");
    };
    assert_eq!(
        (s.host.as_str(), s.node.as_deref(), s.rank),
        ("s", Some("g"), 1)
    );
    assert_eq!(
        (t.host.as_str(), t.node.as_deref(), t.rank),
        ("t", Some("j"), 2)
    );
    assert!(s.owner && !t.owner);
    assert_eq!((s.acknowledged_ms, t.acknowledged_ms), (None, Some(30)));
    assert_eq!((s.mark, t.mark), (None, Some(5)), "s obeyed none yet");
    assert_eq!(
        (s.state, t.state),
        (MemberState::InSync, MemberState::Joining)
    );
    assert!(shown.difference.is_empty(), "{:?}", shown.difference);
}

#[test]
fn where_the_record_and_the_configuration_part_is_said() {
    let moved = [(S, RecordMember::InSync), (T, RecordMember::InSync)];
    assert_eq!(
        replica(record(&moved, Some(T))).difference,
        ["t owns the address; the configuration begins with s"]
    );
    let reprotected = [
        (T, RecordMember::InSync),
        (R, RecordMember::InSync),
        (S, RecordMember::Removed),
    ];
    assert_eq!(
        replica(record(&reprotected, None)).difference,
        [
            "r is a member and not one of the configuration's",
            "s is a member in the configuration only",
        ]
    );
}

#[test]
fn only_an_owner_has_a_lease() {
    let lease = |standing, lease| status(&view(None, standing, lease)).lease;
    let runs = failover::Lease::Until(Time(NOW.0 + 70 * MS + 1));
    let remaining_ms = 70;
    assert_eq!(
        lease(Standing::Primary, runs),
        Some(Lease::Running { remaining_ms })
    );
    let over = failover::Lease::Until(Time(NOW.0 - 1));
    assert_eq!(
        lease(Standing::Muted, over),
        Some(Lease::Running { remaining_ms: 0 })
    );
    let unlimited = failover::Lease::Unlimited;
    assert_eq!(lease(Standing::Primary, unlimited), Some(Lease::Unlimited));
    assert_eq!(lease(Standing::Replica, unlimited), None);
    assert_eq!(lease(Standing::Outside, failover::Lease::Muted), None);
}

#[test]
fn every_standing_has_its_role() {
    let table = [
        (Standing::Outside, GroupRole::None),
        (Standing::Joining, GroupRole::Joining),
        (Standing::Replica, GroupRole::Replica),
        (Standing::Candidate, GroupRole::Candidate),
        (Standing::Promoting, GroupRole::Promoting),
        (Standing::Primary, GroupRole::Primary),
        (Standing::Muted, GroupRole::Muted),
        (Standing::Frozen, GroupRole::Muted),
        (Standing::Resigned, GroupRole::Muted),
        (Standing::Fenced, GroupRole::Fenced),
    ];
    for (standing, expected) in table {
        assert_eq!(role(standing), expected, "{standing:?}");
    }
}

#[test]
fn a_planned_move_says_where_it_goes() {
    let members = [(S, RecordMember::InSync), (T, RecordMember::InSync)];
    let mut moving = record(&members, Some(S));
    moving.state = RecordState::Handover { to: host(T) };
    let shown = replica(moving);
    assert_eq!(shown.state, GroupState::Handover);
    assert_eq!(shown.handover_to.as_deref(), Some("t"));
    let stranger = HostId([9; 9]);
    let mut unowned = record(&members, None);
    unowned.state = RecordState::NoOwner;
    unowned.members[0].host = stranger;
    let shown = replica(unowned);
    assert_eq!(shown.state, GroupState::NoOwner);
    assert_eq!(shown.members[0].host, stranger.to_string());
    assert_eq!(shown.members[0].node, None);
}
