//! Another implementation of the same encoding, derived from other declarations of the same values,
//! agrees octet for octet. Should bincode have to go, this is where to go from here.

use messages::body::{Beat, Counts, Heartbeat, Standing, Unsent, Vouch};
use messages::codec;
use messages::{Body, Epoch, GroupState, HostId, Member, MemberState, Owner, Record, SignedRecord};
use proptest::prelude::*;
use wincode::{SchemaRead, SchemaWrite};

use arbitrary::{heartbeat, signed_record};

mod arbitrary;

#[derive(Debug, PartialEq, SchemaWrite, SchemaRead)]
struct OtherSignedRecord {
    fabric: [u8; 16],
    group: (u32, u32),
    epoch: (u32, u64),
    generation: u64,
    owner: Option<([u8; 9], u64)>,
    state: OtherGroupState,
    members: Vec<([u8; 9], OtherMemberState)>,
    checkpoint: u64,
    signature: [u8; 64],
}

#[derive(Debug, PartialEq, SchemaWrite, SchemaRead)]
enum OtherGroupState {
    Active,
    Solo,
    Handover([u8; 9]),
    NoOwner,
}

#[derive(Debug, PartialEq, SchemaWrite, SchemaRead)]
enum OtherMemberState {
    Joining,
    InSync,
    Removed,
}

/// The first variant of a body is all that is needed of it.
#[derive(Debug, PartialEq, SchemaWrite, SchemaRead)]
enum OtherBody {
    Heartbeat(u64, Vec<OtherBeat>),
}

#[derive(Debug, PartialEq, SchemaWrite, SchemaRead)]
struct OtherBeat {
    group: (u32, u32),
    epoch: (u32, u64),
    standing: u32,
    vouch: u32,
    received: u64,
    lost: u64,
    from_owner: u64,
    unsent: Vec<([u8; 9], u64)>,
    checkpoint: u64,
}

fn epoch(epoch: Epoch) -> (u32, u64) {
    let Epoch { term, seq } = epoch;
    (term, seq)
}

fn group(group: messages::GroupId) -> (u32, u32) {
    (group.network, group.address().to_bits())
}

fn other_record(signed: &SignedRecord) -> OtherSignedRecord {
    let SignedRecord { record, signature } = signed;
    let Record {
        fabric,
        group: about,
        epoch: at,
        generation,
        owner,
        state,
        members,
        checkpoint,
    } = record;
    let member = |Member { host, state }: &Member| {
        let state = match state {
            MemberState::Joining => OtherMemberState::Joining,
            MemberState::InSync => OtherMemberState::InSync,
            MemberState::Removed => OtherMemberState::Removed,
        };
        (host.0, state)
    };
    OtherSignedRecord {
        fabric: fabric.0,
        group: group(*about),
        epoch: epoch(*at),
        generation: *generation,
        owner: owner.map(|Owner { host, boot }| (host.0, boot.0)),
        state: match state {
            GroupState::Active => OtherGroupState::Active,
            GroupState::Solo => OtherGroupState::Solo,
            GroupState::Handover { to: HostId(to) } => OtherGroupState::Handover(*to),
            GroupState::NoOwner => OtherGroupState::NoOwner,
        },
        members: members.iter().map(member).collect(),
        checkpoint: *checkpoint,
        signature: signature.0,
    }
}

fn other_beat(beat: &Beat) -> OtherBeat {
    let Beat {
        group: about,
        epoch: at,
        standing,
        vouch,
        counts,
    } = beat;
    let Counts {
        received,
        lost,
        from_owner,
        unsent,
        checkpoint,
    } = counts;
    OtherBeat {
        group: group(*about),
        epoch: epoch(*at),
        standing: match standing {
            Standing::Outside => 0,
            Standing::Joining => 1,
            Standing::Replica => 2,
            Standing::Candidate => 3,
            Standing::Promoting => 4,
            Standing::Primary => 5,
            Standing::Muted => 6,
            Standing::Frozen => 7,
            Standing::Resigned => 8,
            Standing::Fenced => 9,
        },
        vouch: match vouch {
            Vouch::Good => 0,
            Vouch::WorkerStalled => 1,
            Vouch::PortDown => 2,
        },
        received: *received,
        lost: *lost,
        from_owner: *from_owner,
        unsent: unsent
            .iter()
            .map(|Unsent { member, packets }| (member.0, *packets))
            .collect(),
        checkpoint: *checkpoint,
    }
}

proptest! {
    #[test]
    fn a_signed_record_has_the_same_octets(signed in signed_record()) {
        let octets = codec::encode(&signed).expect("a record that fits");
        let other = other_record(&signed);
        prop_assert_eq!(&wincode::serialize(&other).expect("encodable"), &octets[1..]);
        prop_assert_eq!(wincode::deserialize::<OtherSignedRecord>(&octets[1..]).expect("decodable"), other);
    }

    #[test]
    fn a_heartbeat_has_the_same_octets(heartbeat in heartbeat()) {
        let octets = codec::encode(&Body::Heartbeat(heartbeat.clone())).expect("a heartbeat that fits");
        let Heartbeat { sent, beats } = heartbeat;
        let other = OtherBody::Heartbeat(sent.0, beats.iter().map(other_beat).collect());
        prop_assert_eq!(&wincode::serialize(&other).expect("encodable"), &octets[1..]);
        prop_assert_eq!(wincode::deserialize::<OtherBody>(&octets[1..]).expect("decodable"), other);
    }
}
