//! One sample at least of everything that is encoded, with every variant of every part of it.
#![allow(dead_code, reason = "each test program uses a part of it")]

use std::net::Ipv4Addr;

use messages::body::{
    Answer, Beat, CheckpointPhase, Counts, Fault, Heartbeat, HeartbeatAck, Held, Promise, Refusal,
    Reported, Request, Standing, Unsent, Vouch, Witness,
};
use messages::keys::ManagerSecret;
use messages::{
    Body, BootId, Epoch, FabricId, GroupId, GroupState, HostId, Member, MemberState, Owner, Record,
    SignedRecord, Time,
};

pub const FABRIC: FabricId = FabricId(*b"fabric of tests.");
pub const G: HostId = HostId([0xfd, 0, 0xaa, 0, 1, 0, 0, 0, 0]);
pub const J: HostId = HostId([0xfd, 0, 0xaa, 0, 2, 0, 0, 0, 0]);
const EPOCH: Epoch = Epoch {
    term: 0x0102_0304,
    seq: 0x1112_1314_1516_1718,
};

pub fn group() -> GroupId {
    GroupId::new(0x12_3456, Ipv4Addr::new(10, 0, 0, 3))
}

pub fn records() -> Vec<Record> {
    let states = [
        GroupState::Active,
        GroupState::Solo,
        GroupState::Handover { to: J },
        GroupState::NoOwner,
    ];
    states.map(record).into()
}

fn record(state: GroupState) -> Record {
    let members = [
        (G, MemberState::InSync),
        (J, MemberState::Joining),
        (HostId([7; 9]), MemberState::Removed),
    ];
    Record {
        fabric: FABRIC,
        group: group(),
        epoch: EPOCH,
        generation: 0x2122,
        owner: (state != GroupState::NoOwner).then_some(Owner {
            host: G,
            boot: BootId(0x3132),
        }),
        state,
        members: members.map(|(host, state)| Member { host, state }).into(),
        checkpoint: 0x4142,
    }
}

pub fn signed() -> Vec<SignedRecord> {
    let manager = ManagerSecret::insecure_lab(FABRIC);
    records()
        .into_iter()
        .map(|record| SignedRecord {
            signature: manager.sign(&record).expect("a short record"),
            record,
        })
        .collect()
}

fn one_signed() -> SignedRecord {
    signed().swap_remove(0)
}

/// By the name of their variant, in the order of the variants.
pub fn bodies() -> Vec<(&'static str, Vec<Body>)> {
    let (group, epoch, number, token, record) = (group(), EPOCH, 0x5152, 0x6162, one_signed);
    vec![
        ("heartbeat", vec![Body::Heartbeat(heartbeat())]),
        ("heartbeat_ack", vec![Body::HeartbeatAck(heartbeat_ack())]),
        (
            "suspect",
            vec![Body::Suspect {
                group,
                epoch,
                number,
            }],
        ),
        (
            "withdraw",
            vec![Body::Withdraw {
                group,
                epoch,
                number,
            }],
        ),
        ("fault", faults()),
        (
            "solo_request",
            vec![Body::SoloRequest {
                group,
                epoch,
                without: vec![J, G],
            }],
        ),
        (
            "join",
            vec![Body::Join {
                group,
                epoch,
                resumable: true,
            }],
        ),
        (
            "first_ack",
            vec![Body::FirstAck {
                group,
                epoch,
                member: J,
                member_boot: BootId(0x7172),
            }],
        ),
        ("probe", vec![Body::Probe { number, target: G }]),
        ("ping", vec![Body::Ping { number }]),
        ("pong", vec![Body::Pong { number }]),
        (
            "probe_result",
            vec![Body::ProbeResult {
                number,
                target: G,
                alive: true,
            }],
        ),
        (
            "push",
            [Promise::Needed, Promise::Waived]
                .map(|promise| Body::Push {
                    record: record(),
                    promise,
                })
                .into(),
        ),
        (
            "announce",
            signed()
                .into_iter()
                .map(|record| Body::Announce { record })
                .collect(),
        ),
        ("newer", vec![Body::Newer { record: record() }]),
        ("record_ack", vec![Body::RecordAck { group, epoch }]),
        ("ask", vec![Body::Ask { group, epoch }]),
        ("report", vec![report()]),
        (
            "report_ack",
            vec![Body::ReportAck {
                groups: vec![group],
            }],
        ),
        ("fetch", vec![Body::Fetch { group }]),
        ("fetched", vec![Body::Fetched { record: record() }]),
        (
            "checkpoint_mark",
            [None, Some(Time(9))]
                .map(|discard_before| Body::CheckpointMark {
                    group,
                    epoch,
                    number,
                    discard_before,
                })
                .into(),
        ),
        (
            "checkpoint_ack",
            vec![Body::CheckpointAck {
                group,
                epoch,
                number,
            }],
        ),
        (
            "checkpoint_complete",
            vec![Body::CheckpointComplete {
                group,
                epoch,
                number,
            }],
        ),
        ("frozen", vec![Body::Frozen { group, epoch }]),
        (
            "request",
            requests()
                .into_iter()
                .map(|request| Body::Request { token, request })
                .collect(),
        ),
        (
            "answer",
            answers()
                .into_iter()
                .map(|answer| Body::Answer { token, answer })
                .collect(),
        ),
        ("bounce", vec![Body::Bounce { group, epoch }]),
        (
            "witness",
            vec![Body::Witness(Witness {
                group,
                epoch,
                part: 1,
                parts: 2,
                octets: vec![0x7b, 0x7d],
            })],
        ),
    ]
}

fn heartbeat() -> Heartbeat {
    let standings = [
        Standing::Outside,
        Standing::Joining,
        Standing::Replica,
        Standing::Candidate,
        Standing::Promoting,
        Standing::Primary,
        Standing::Muted,
        Standing::Frozen,
        Standing::Resigned,
        Standing::Fenced,
    ];
    let vouches = [Vouch::Good, Vouch::WorkerStalled, Vouch::PortDown];
    let beat = |(standing, vouch)| Beat {
        group: group(),
        epoch: EPOCH,
        standing,
        vouch,
        counts: Counts {
            received: 1,
            lost: 2,
            from_owner: 3,
            unsent: vec![Unsent {
                member: J,
                packets: 4,
            }],
            checkpoint: 5,
        },
    };
    Heartbeat {
        sent: Time(0x8182),
        beats: standings
            .into_iter()
            .zip(vouches.into_iter().cycle())
            .map(beat)
            .collect(),
    }
}

fn heartbeat_ack() -> HeartbeatAck {
    HeartbeatAck {
        echo: Time(0x8182),
        now: Time(0x9192),
        acked: vec![(group(), EPOCH)],
    }
}

fn faults() -> Vec<Body> {
    let faults = [
        Fault::Guest { unmuted: true },
        Fault::Guest { unmuted: false },
        Fault::Worker,
    ];
    faults
        .map(|fault| Body::Fault {
            group: group(),
            epoch: EPOCH,
            fault,
        })
        .into()
}

fn report() -> Body {
    let held = Held {
        epoch: EPOCH,
        signature: one_signed().signature,
    };
    Body::Report {
        entries: [None, Some(held)]
            .map(|held| Reported {
                group: group(),
                held,
            })
            .into(),
    }
}

fn requests() -> Vec<Request> {
    let group = group();
    let phases = [
        CheckpointPhase::Begin,
        CheckpointPhase::Commit { number: 3 },
        CheckpointPhase::Whole,
    ];
    let mut requests = vec![
        Request::Promote {
            group,
            to: Some(J),
            fenced: true,
        },
        Request::Promote {
            group,
            to: None,
            fenced: false,
        },
        Request::Move { group, to: Some(J) },
        Request::AddMember {
            group,
            host: J,
            rank: None,
        },
        Request::AddMember {
            group,
            host: J,
            rank: Some(2),
        },
        Request::RemoveMember { group, host: J },
        Request::ResetToConfig { group },
        Request::RaiseTerm,
    ];
    requests.extend(phases.map(|phase| Request::Checkpoint { group, phase }));
    requests
}

fn answers() -> Vec<Answer> {
    let refusals = [
        Refusal::UnknownGroup,
        Refusal::UnknownHost,
        Refusal::Busy,
        Refusal::Recovering,
        Refusal::LogInDoubt,
        Refusal::NotDurable,
        Refusal::NobodyEligible,
        Refusal::NotInSync,
        Refusal::IsOwner,
        Refusal::NoOwner,
        Refusal::OwnerMayLive,
        Refusal::TooSoon,
        Refusal::TooManyMembers,
        Refusal::IsMember,
        Refusal::Aborted,
        Refusal::CheckpointIncomplete,
        Refusal::NothingInDoubt,
        Refusal::TimedOut,
        Refusal::NotHeard,
    ];
    let mut answers = vec![
        Answer::Decided { epoch: EPOCH },
        Answer::Marked { number: 1 },
        Answer::Checkpointed { number: 2 },
        Answer::TermRaised { term: 3 },
    ];
    answers.extend(refusals.map(Answer::Refused));
    answers
}
