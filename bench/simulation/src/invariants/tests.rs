use std::net::Ipv4Addr;

use messages::{Epoch, GroupId, GroupState, Record, Signature, SignedRecord};

use super::*;
use crate::ledger::Ledger;
use crate::naming::{FABRIC, Host, plain_address};
use crate::numbers::Numbers;
use crate::packet::{Packet, Purpose, Silence, Truth};

const R: Host = Host(0);
const S: Host = Host(1);
const T: Host = Host(2);
const NETWORK: u32 = 7;

fn said(host: Host, generation: u64, passed: u64) -> Packet {
    Packet {
        network: NETWORK,
        source: Ipv4Addr::new(10, 0, 0, 3),
        destination: plain_address(R),
        outer_source: host,
        tag: crate::plane::tag(generation),
        copy: false,
        purpose: Purpose::Output {
            group: 0,
            answers: None,
        },
        truth: Truth {
            host,
            network: NETWORK,
            passed: Moment(passed),
            generation,
            silence: None,
        },
    }
}

/// What is broken when these are accepted one after the other.
fn broken(leased: bool, heard: &[(Host, Packet)]) -> Option<Invariant> {
    let mut acceptances = Acceptances::new(vec![leased]);
    for (receiver, packet) in heard {
        let hearing = Hearing {
            moment: Moment(100),
            receiver: *receiver,
            group: 0,
            packet,
            networks: &[NETWORK],
        };
        if let Err(violation) = acceptances.judge(&hearing) {
            return Some(violation.invariant);
        }
    }
    None
}

#[test]
fn one_node_speaks_under_a_generation() {
    assert_eq!(
        broken(true, &[(R, said(S, 1, 1)), (R, said(S, 1, 2))]),
        None
    );
    assert_eq!(
        broken(true, &[(R, said(S, 1, 1)), (T, said(T, 1, 2))]),
        Some(Invariant::I1)
    );
}

#[test]
fn a_receiver_never_goes_back_and_another_one_not_past_the_successors_first_word() {
    let newer_first = [(R, said(T, 2, 5)), (R, said(S, 1, 4))];
    assert_eq!(broken(false, &newer_first), Some(Invariant::I2));
    // Elsewhere what was sent before is still on its way.
    assert_eq!(
        broken(true, &[(R, said(T, 2, 5)), (S, said(S, 1, 4))]),
        None
    );
    let both_at_once = [(R, said(T, 2, 5)), (S, said(S, 1, 6))];
    assert_eq!(broken(true, &both_at_once), Some(Invariant::I2));
    assert_eq!(broken(false, &both_at_once), None);
    let noticed_late = [(S, said(S, 1, 6)), (R, said(T, 2, 5))];
    assert_eq!(broken(true, &noticed_late), Some(Invariant::I2));
}

#[test]
fn who_had_to_be_silent_must_not_be_heard() {
    let mut packet = said(S, 1, 1);
    packet.truth.silence = Some(Silence::LeaseOver);
    assert_eq!(broken(true, &[(R, packet)]), Some(Invariant::I5));
}

#[test]
fn a_network_is_not_left() {
    let mut packet = said(S, 1, 1);
    packet.truth.network = NETWORK + 1;
    assert_eq!(broken(true, &[(R, packet)]), Some(Invariant::I6));
}

const fn epoch(seq: u64) -> Epoch {
    Epoch { term: 0, seq }
}

fn record(seq: u64, generation: u64) -> SignedRecord {
    SignedRecord {
        record: Record {
            fabric: FABRIC,
            group: GroupId::new(NETWORK, Ipv4Addr::new(10, 0, 0, 3)),
            epoch: epoch(seq),
            generation,
            owner: None,
            state: GroupState::NoOwner,
            members: Vec::new(),
            checkpoint: 0,
        },
        signature: Signature([0; 64]),
    }
}

const SEEN: Seen = Seen {
    moment: Moment(1),
    group: 0,
    by: S,
};

fn invariant(step: Result<(), Violation>) -> Option<Invariant> {
    step.err().map(|violation| violation.invariant)
}

#[test]
fn an_acknowledged_epoch_is_not_fallen_below_until_the_disk_is_lost() {
    let mut epochs = Epochs::new(1);
    epochs.acknowledges(0, S, epoch(3));
    assert_eq!(invariant(epochs.never_below(SEEN, epoch(3))), None);
    assert_eq!(
        invariant(epochs.never_below(SEEN, epoch(2))),
        Some(Invariant::I3)
    );
    epochs.forget(S);
    assert_eq!(invariant(epochs.never_below(SEEN, epoch(2))), None);
}

#[test]
fn what_was_seen_means_one_thing_and_survives() {
    let mut epochs = Epochs::new(1);
    assert_eq!(invariant(epochs.means_one_thing(SEEN, &record(1, 1))), None);
    assert_eq!(invariant(epochs.means_one_thing(SEEN, &record(2, 1))), None);
    assert_eq!(
        invariant(epochs.means_one_thing(SEEN, &record(2, 2))),
        Some(Invariant::I4)
    );
    assert_eq!(invariant(epochs.survives(SEEN, Some(epoch(2)))), None);
    assert_eq!(
        invariant(epochs.survives(SEEN, Some(epoch(1)))),
        Some(Invariant::I4)
    );
}

#[test]
fn rest_is_one_owner_that_all_agree_on_and_that_is_heard() {
    let holds = Some((Some(S.id()), epoch(4)));
    let standing = |host, is_heard| Standing {
        host,
        holds,
        is_heard,
    };
    let rest = |standings: &[Standing]| invariant(settled(Moment(1), 0, standings));
    assert_eq!(rest(&[standing(R, false), standing(S, true)]), None);
    let silent = [standing(R, false), standing(S, false)];
    assert_eq!(rest(&silent), Some(Invariant::I7));
    let behind = Standing {
        holds: Some((Some(S.id()), epoch(3))),
        ..standing(T, false)
    };
    assert_eq!(rest(&[standing(S, true), behind]), Some(Invariant::I7));
}

#[test]
fn a_frame_without_a_fate_and_a_request_without_a_guest_are_missed() {
    let mut ledger = Ledger::default();
    ledger.made = 2;
    ledger.delivered = 1;
    assert_eq!(invariant(balanced(Moment(1), &ledger)), Some(Invariant::I8));
    ledger.in_flight = 1;
    assert_eq!(invariant(balanced(Moment(1), &ledger)), None);

    let (mut sent, mut has) = (Numbers::default(), Numbers::default());
    sent.insert(5);
    assert_eq!(
        invariant(nothing_missing(Moment(1), 0, &sent, &has)),
        Some(Invariant::I8)
    );
    has.insert(5);
    assert_eq!(invariant(nothing_missing(Moment(1), 0, &sent, &has)), None);
}

#[test]
fn memory_grows_with_hosts_and_groups_only() {
    let footprint = |agent| Footprint {
        host: R,
        agent,
        manager: 0,
        disk: 0,
    };
    assert_eq!(invariant(bounded(Moment(1), 3, 2, footprint(100))), None);
    assert_eq!(
        invariant(bounded(Moment(1), 3, 2, footprint(100_000))),
        Some(Invariant::I9)
    );
}
