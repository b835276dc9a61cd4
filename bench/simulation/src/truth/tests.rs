use messages::{GroupId, Member, Owner, Record, Signature};

use super::*;
use crate::naming::FABRIC;

const R: Host = Host(0);
const S: Host = Host(1);
const T: Host = Host(2);
const BOOT: BootId = BootId(7);
const LEASE: Duration = Duration::from_nanos(100);

fn record(seq: u64, generation: u64, members: &[(Host, MemberState)]) -> SignedRecord {
    SignedRecord {
        record: Record {
            fabric: FABRIC,
            group: GroupId::new(1, [10, 0, 0, 3].into()),
            epoch: Epoch { term: 0, seq },
            generation,
            owner: Some(Owner {
                host: R.id(),
                boot: BOOT,
            }),
            state: GroupState::Active,
            members: members
                .iter()
                .map(|&(host, state)| Member {
                    host: host.id(),
                    state,
                })
                .collect(),
            checkpoint: 0,
        },
        signature: Signature([0; 64]),
    }
}

fn tenure(members: &[(Host, MemberState)]) -> Tenure {
    let mut tenure = Tenure::new(R, BOOT, Some(LEASE));
    tenure.installs(&record(1, 1, members));
    tenure
}

const fn epoch(seq: u64) -> Epoch {
    Epoch { term: 0, seq }
}

use MemberState::{InSync, Joining, Removed};

#[test]
fn an_owner_is_silent_until_every_member_in_sync_acknowledged_and_then_for_a_lease() {
    let mut tenure = tenure(&[(R, InSync), (S, InSync), (T, InSync)]);
    tenure.hears(S, epoch(1), Time(10), Time(10));
    assert_eq!(tenure.silence(Time(20)), Some(Silence::NeverAcknowledged));
    tenure.hears(T, epoch(1), Time(15), Time(15));
    assert_eq!(tenure.silence(Time(109)), None);
    assert_eq!(tenure.silence(Time(110)), Some(Silence::LeaseOver));
}

#[test]
fn acknowledgements_of_an_older_generation_do_not_count() {
    let mut tenure = tenure(&[(R, InSync), (S, InSync)]);
    tenure.hears(S, epoch(1), Time(10), Time(10));
    tenure.installs(&record(3, 3, &[(R, InSync), (S, InSync)]));
    tenure.hears(S, epoch(2), Time(30), Time(30));
    assert_eq!(tenure.silence(Time(40)), Some(Silence::NeverAcknowledged));
}

#[test]
fn a_joining_member_counts_from_its_first_acknowledgement() {
    let mut tenure = tenure(&[(R, InSync), (S, Joining), (T, Removed)]);
    assert_eq!(tenure.silence(Time(1_000)), None);
    tenure.hears(S, epoch(1), Time(1_000), Time(1_000));
    assert_eq!(tenure.silence(Time(1_100)), Some(Silence::LeaseOver));
}

#[test]
fn a_joining_member_does_not_begin_to_count_by_an_old_heartbeat() {
    let mut tenure = tenure(&[(R, InSync), (S, Joining)]);
    tenure.hears(S, epoch(1), Time(1_000), Time(1_051));
    assert_eq!(tenure.silence(Time(1_100)), None);
    tenure.hears(S, epoch(1), Time(1_050), Time(1_100));
    assert_eq!(tenure.silence(Time(1_149)), None);
    assert_eq!(tenure.silence(Time(1_150)), Some(Silence::LeaseOver));
}

#[test]
fn who_resigned_is_silent_under_that_generation() {
    let mut tenure = tenure(&[(R, InSync)]);
    tenure.resigns();
    assert_eq!(tenure.silence(Time(1)), Some(Silence::Resigned));
    tenure.installs(&record(4, 2, &[(R, InSync)]));
    assert_eq!(tenure.silence(Time(1)), None);
}

#[test]
fn another_life_or_a_handover_is_silent() {
    let mut other = Tenure::new(R, BootId(8), Some(LEASE));
    other.installs(&record(1, 1, &[(R, InSync)]));
    assert_eq!(other.silence(Time(1)), Some(Silence::NotOwner));
    let mut moving = tenure(&[(R, InSync)]);
    let mut handover = record(2, 1, &[(R, InSync), (S, InSync)]);
    handover.record.state = GroupState::Handover { to: S.id() };
    moving.installs(&handover);
    assert_ne!(
        moving.silence(Time(1)),
        Some(Silence::Frozen),
        "it has not stopped yet"
    );
    moving.freezes(handover.record.epoch);
    assert_eq!(moving.silence(Time(1)), Some(Silence::Frozen));
}
