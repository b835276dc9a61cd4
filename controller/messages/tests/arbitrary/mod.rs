//! Any value of each kind that fits a datagram.
#![allow(dead_code, reason = "each test program uses a part of it")]

use std::net::Ipv4Addr;

use messages::body::{
    Beat, Counts, Heartbeat, HeartbeatAck, Held, Promise, Reported, Standing, Unsent, Vouch,
};
use messages::{
    Body, BootId, Epoch, FabricId, GroupId, GroupState, HostId, Member, MemberState, Owner, Record,
    Signature, SignedRecord, Time,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

pub fn host() -> impl Strategy<Value = HostId> {
    any::<[u8; 9]>().prop_map(HostId)
}

pub fn group() -> impl Strategy<Value = GroupId> {
    any::<(u32, u32)>()
        .prop_map(|(network, address)| GroupId::new(network, Ipv4Addr::from_bits(address)))
}

pub fn epoch() -> impl Strategy<Value = Epoch> {
    any::<(u32, u64)>().prop_map(|(term, seq)| Epoch { term, seq })
}

fn signature() -> impl Strategy<Value = Signature> {
    (any::<[u8; 32]>(), any::<[u8; 32]>()).prop_map(|(r, s)| {
        let mut octets = [0; 64];
        octets[..32].copy_from_slice(&r);
        octets[32..].copy_from_slice(&s);
        Signature(octets)
    })
}

fn member() -> impl Strategy<Value = Member> {
    let states = [
        MemberState::Joining,
        MemberState::InSync,
        MemberState::Removed,
    ];
    (host(), select(states.to_vec())).prop_map(|(host, state)| Member { host, state })
}

fn state() -> impl Strategy<Value = GroupState> {
    prop_oneof![
        Just(GroupState::Active),
        Just(GroupState::Solo),
        host().prop_map(|to| GroupState::Handover { to }),
        Just(GroupState::NoOwner),
    ]
}

pub fn record() -> impl Strategy<Value = Record> {
    let owner = (host(), any::<u64>()).prop_map(|(host, boot)| Owner {
        host,
        boot: BootId(boot),
    });
    let name = (any::<[u8; 16]>(), group(), epoch(), any::<u64>());
    let rest = (
        option::of(owner),
        state(),
        vec(member(), 0..40),
        any::<u64>(),
    );
    (name, rest).prop_map(
        |((fabric, group, epoch, generation), (owner, state, members, checkpoint))| Record {
            fabric: FabricId(fabric),
            group,
            epoch,
            generation,
            owner,
            state,
            members,
            checkpoint,
        },
    )
}

pub fn signed_record() -> impl Strategy<Value = SignedRecord> {
    (record(), signature()).prop_map(|(record, signature)| SignedRecord { record, signature })
}

fn beat() -> impl Strategy<Value = Beat> {
    let standings = [
        Standing::Outside,
        Standing::Candidate,
        Standing::Primary,
        Standing::Fenced,
    ];
    let vouches = [Vouch::Good, Vouch::WorkerStalled, Vouch::PortDown];
    let unsent = (host(), any::<u64>()).prop_map(|(member, packets)| Unsent { member, packets });
    let counts = (any::<[u64; 4]>(), vec(unsent, 0..4)).prop_map(
        |([received, lost, from_owner, checkpoint], unsent)| Counts {
            received,
            lost,
            from_owner,
            unsent,
            checkpoint,
        },
    );
    let standing = select(standings.to_vec());
    let vouch = select(vouches.to_vec());
    (group(), epoch(), standing, vouch, counts).prop_map(
        |(group, epoch, standing, vouch, counts)| Beat {
            group,
            epoch,
            standing,
            vouch,
            counts,
        },
    )
}

pub fn heartbeat() -> impl Strategy<Value = Heartbeat> {
    (any::<u64>(), vec(beat(), 0..8)).prop_map(|(sent, beats)| Heartbeat {
        sent: Time(sent),
        beats,
    })
}

/// The bodies that have the most to them.
pub fn body() -> impl Strategy<Value = Body> {
    let held = (epoch(), signature()).prop_map(|(epoch, signature)| Held { epoch, signature });
    let reported = (group(), option::of(held)).prop_map(|(group, held)| Reported { group, held });
    let acked = (any::<(u64, u64)>(), vec((group(), epoch()), 0..40));
    prop_oneof![
        heartbeat().prop_map(Body::Heartbeat),
        acked.prop_map(|((echo, now), acked)| Body::HeartbeatAck(HeartbeatAck {
            echo: Time(echo),
            now: Time(now),
            acked
        })),
        (group(), epoch(), vec(host(), 0..40)).prop_map(|(group, epoch, without)| {
            Body::SoloRequest {
                group,
                epoch,
                without,
            }
        }),
        signed_record().prop_map(|record| Body::Push {
            record,
            promise: Promise::Waived
        }),
        signed_record().prop_map(|record| Body::Announce { record }),
        vec(reported, 0..=messages::body::REPORT_ENTRIES_MAX)
            .prop_map(|entries| Body::Report { entries }),
        vec(group(), 0..100).prop_map(|groups| Body::ReportAck { groups }),
    ]
}
