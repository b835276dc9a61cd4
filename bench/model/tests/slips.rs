//! The protocol with one sentence taken away: a property notices, each time.
#![allow(clippy::print_stdout)] // each trace is printed

use model::{Protocol, Scenario, Slip, properties, scenario::fault};
use stateright::{Checker, HasDiscoveries, Model};

/// Explores until any property is violated, and asserts that it is the expected one.
fn finds(slip: Slip, scenario: Scenario, expected: &str) {
    let protocol = Protocol {
        scenario,
        slip: Some(slip),
    };
    let checker = protocol
        .checker()
        .finish_when(HasDiscoveries::AnyFailures)
        .spawn_bfs()
        .join();
    let violated: Vec<_> = checker
        .discoveries()
        .into_iter()
        .filter(|(name, _)| !name.starts_with("reached"))
        .collect();
    println!(
        "{slip:?}: {} states, depth {}",
        checker.unique_state_count(),
        checker.max_depth()
    );
    for (name, path) in &violated {
        println!("{slip:?} violates {name}:");
        for action in path.clone().into_actions() {
            println!("    {action:?}");
        }
    }
    assert!(
        violated.iter().any(|(name, _)| *name == expected),
        "{slip:?} should violate {expected:?}, but {} states gave {:?}",
        checker.unique_state_count(),
        violated.iter().map(|(name, _)| name).collect::<Vec<_>>()
    );
}

fn pair(faults: u8) -> Scenario {
    Scenario {
        faults,
        ..Scenario::pair()
    }
}

fn trio(faults: u8) -> Scenario {
    Scenario {
        faults,
        ..Scenario::trio()
    }
}

#[test]
fn a_push_before_the_write_is_seen_and_lost() {
    finds(
        Slip::PushBeforeWrite,
        pair(fault::MANAGER_RESTARTS),
        properties::ON_DISK,
    );
}

#[test]
fn the_last_update_must_not_win() {
    finds(Slip::LastUpdateWins, pair(0), properties::NEVER_OLDER);
}

#[test]
fn a_record_from_before_a_restart_confirms_nothing() {
    finds(
        Slip::StaleSession,
        pair(fault::RECEIVER_RESTARTS),
        properties::NEVER_OLDER,
    );
}

#[test]
fn a_packet_needs_its_source_tag() {
    let scenario = Scenario {
        records_max: 5,
        ..pair(0)
    };
    finds(Slip::NoSourceTag, scenario, properties::NEVER_OLDER);
}

#[test]
fn a_packet_needs_the_present_owners_address() {
    finds(Slip::NoSourceCheck, pair(0), properties::NEVER_OLDER);
}

#[test]
fn a_joining_member_bounds_the_lease() {
    let scenario = Scenario {
        members: &[],
        ..pair(0)
    };
    finds(Slip::JoinerNotLeased, scenario, properties::ONE_VOICE);
}

#[test]
fn a_boot_does_not_end_a_promise() {
    finds(
        Slip::BootEndsPromise,
        pair(fault::MEMBER_RESTARTS),
        properties::ONE_VOICE,
    );
}

#[test]
fn a_late_acknowledgement_revives_nobody() {
    finds(
        Slip::LateAckRevives,
        pair(fault::OWNER_RESIGNS),
        properties::ONE_VOICE,
    );
}

#[test]
fn a_lease_counts_from_the_sending() {
    finds(Slip::LeaseFromReceipt, pair(0), properties::ONE_VOICE);
}

#[test]
fn a_lease_is_shorter_than_the_promise() {
    finds(Slip::LeaseIgnoresDrift, pair(0), properties::ONE_VOICE);
}

#[test]
fn a_member_under_a_new_owner_promises_from_its_install() {
    finds(Slip::InstallEndsPromise, trio(0), properties::ONE_VOICE);
}

#[test]
fn a_new_owner_waits_for_its_members() {
    finds(Slip::NewOwnerSkipsMembers, trio(0), properties::ONE_VOICE);
}

#[test]
fn a_promise_outlives_the_fence() {
    let faults = fault::OWNER_RESTARTS | fault::MEMBER_RESTARTS;
    let scenario = Scenario {
        records_max: 4,
        ..pair(faults)
    };
    finds(Slip::FencingEndsPromise, scenario, properties::ONE_VOICE);
}

#[test]
fn a_candidate_acknowledges_nothing() {
    finds(Slip::CandidateAcknowledges, pair(0), properties::ONE_VOICE);
}

#[test]
fn a_late_grant_waits_for_the_promise() {
    finds(Slip::GrantIgnoresPromise, pair(0), properties::ONE_VOICE);
}

#[test]
fn solo_ends_the_other_members_chance() {
    finds(Slip::SoloStillPromotable, pair(0), properties::ONE_VOICE);
}

#[test]
fn an_owner_hears_of_a_joiner_before_it_is_in_sync() {
    let scenario = Scenario {
        members: &[],
        ..pair(0)
    };
    finds(
        Slip::OwnerNeverHearsOfJoiner,
        scenario,
        properties::ONE_VOICE,
    );
}

#[test]
fn a_resignation_unheard_ends_no_older_lease() {
    finds(
        Slip::UnheardResignation,
        trio(fault::OWNER_RESIGNS),
        properties::ONE_VOICE,
    );
}

#[test]
fn a_resignation_ends_with_its_owner() {
    finds(
        Slip::ResignationOutlivesOwner,
        trio(fault::OWNER_RESIGNS),
        properties::ONE_VOICE,
    );
}

#[test]
fn an_acknowledged_epoch_is_on_the_receivers_disk() {
    finds(
        Slip::AckBeforePersist,
        pair(fault::RECEIVER_RESTARTS),
        properties::NEVER_FALLS,
    );
}

#[test]
fn a_grant_is_for_one_boot() {
    finds(
        Slip::GrantForAnyBoot,
        pair(fault::OWNER_RESTARTS),
        properties::NO_CONTINUATION,
    );
}

/// The deposed owner is dead, and one record has to do. A new owner that waits for the dead one
/// never speaks: no property is violated, but no run gets through a promotion.
#[test]
fn a_new_owner_does_not_wait_for_the_old_one() {
    let promoted = |slip| {
        let scenario = Scenario {
            first_owner_lost: true,
            records_max: 2,
            ..trio(0)
        };
        let checker = Protocol { scenario, slip }.checker().spawn_bfs().join();
        assert!(checker.discovery(properties::ONE_VOICE).is_none());
        checker.discovery(properties::PROMOTED).is_some()
    };
    assert!(
        promoted(None),
        "the protocol promotes when the owner is lost"
    );
    assert!(
        !promoted(Some(Slip::DeposedInLease)),
        "the slip should hold every promotion up"
    );
}
