//! Every pair of what a host is in a group and what it is told, decided.

use std::collections::BTreeSet;

use messages::body::{
    Answer, Beat, Body, CheckpointPhase, Counts, Fault, Heartbeat, HeartbeatAck, Promise, Refusal,
    Request, Standing, Vouch, Witness,
};
use messages::{BootId, HostId, Member, MemberState, Owner, SignedRecord, Time};

use super::world::*;
use crate::*;

const STANDINGS: [Standing; 10] = [
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

/// A world in which a host stands like this, and the host.
fn at(standing: Standing) -> (World, HostId) {
    let mut world = match standing {
        // A hook that is waited for and never ends.
        Standing::Promoting => World::with(|config| config.hook = HookPolicy::Awaited),
        _ => World::settled(),
    };
    world.run(ms(100));
    let move_to_t = Request::Move {
        group: group(),
        to: Some(T),
    };
    let to_t_by_force = Request::Promote {
        group: group(),
        to: Some(T),
        fenced: true,
    };
    let host = match standing {
        Standing::Outside => R,
        Standing::Joining => {
            world.kill(T);
            world.cut(T, R);
            world.cut(T, S);
            world.boot(T);
            T
        }
        Standing::Replica => T,
        Standing::Candidate => {
            world.kill(R);
            world.kill(S);
            world.run(ms(400));
            T
        }
        Standing::Promoting | Standing::Primary => S,
        Standing::Muted => {
            world.kill(R);
            world.kill(T);
            world.run(ms(400));
            S
        }
        Standing::Frozen => {
            world.operate(S, 1, move_to_t);
            world.run(ms(6));
            world.kill(R);
            world.run(ms(100));
            S
        }
        Standing::Resigned => {
            world.kill(R);
            world.tell_agent(S, port(false));
            world.run(ms(10));
            S
        }
        Standing::Fenced => {
            world.cut(S, T);
            world.operate(R, 1, to_t_by_force);
            world.run(ms(30));
            S
        }
    };
    assert_eq!(world.standing(host), standing);
    (world, host)
}

fn port(up: bool) -> AgentEvent {
    AgentEvent::Port { group: group(), up }
}

/// What the host is after it was told this.
fn expected(before: Standing, event: &AgentEvent) -> Standing {
    match event {
        AgentEvent::Message { body, .. } => after_message(before, body),
        AgentEvent::Port { up: false, .. } => match before {
            Standing::Promoting
            | Standing::Primary
            | Standing::Muted
            | Standing::Frozen
            | Standing::Resigned => Standing::Resigned,
            Standing::Outside
            | Standing::Joining
            | Standing::Replica
            | Standing::Candidate
            | Standing::Fenced => before,
        },
        AgentEvent::Tick
        | AgentEvent::PeerBoot { .. }
        | AgentEvent::Port { up: true, .. }
        | AgentEvent::Workers { .. }
        | AgentEvent::Boundary { .. }
        | AgentEvent::Persisted { .. }
        | AgentEvent::PersistFailed { .. }
        | AgentEvent::Counts { .. }
        | AgentEvent::HookDone { .. }
        | AgentEvent::FencedPacket { .. }
        | AgentEvent::Bounced { .. }
        | AgentEvent::FirstAnswer { .. }
        | AgentEvent::Operate { .. } => before,
    }
}

fn after_message(before: Standing, body: &Body) -> Standing {
    match body {
        // Of the owner by the host's own record.
        Body::Heartbeat(_) => match before {
            Standing::Replica | Standing::Candidate | Standing::Fenced => Standing::Replica,
            // Its record is not confirmed in this life.
            Standing::Joining => Standing::Joining,
            Standing::Outside
            | Standing::Promoting
            | Standing::Primary
            | Standing::Muted
            | Standing::Frozen
            | Standing::Resigned => before,
        },
        // Of a later record, which somebody else owns.
        Body::Push { .. } => match before {
            Standing::Outside => Standing::Outside,
            Standing::Joining => Standing::Joining,
            Standing::Replica | Standing::Candidate => Standing::Replica,
            Standing::Promoting
            | Standing::Primary
            | Standing::Muted
            | Standing::Frozen
            | Standing::Resigned
            | Standing::Fenced => Standing::Fenced,
        },
        Body::HeartbeatAck(_)
        | Body::Suspect { .. }
        | Body::Withdraw { .. }
        | Body::Fault { .. }
        | Body::SoloRequest { .. }
        | Body::Join { .. }
        | Body::FirstAck { .. }
        | Body::Probe { .. }
        | Body::Ping { .. }
        | Body::Pong { .. }
        | Body::ProbeResult { .. }
        | Body::Announce { .. }
        | Body::Newer { .. }
        | Body::RecordAck { .. }
        | Body::Ask { .. }
        | Body::Report { .. }
        | Body::ReportAck { .. }
        | Body::Fetch { .. }
        | Body::Fetched { .. }
        | Body::CheckpointMark { .. }
        | Body::CheckpointAck { .. }
        | Body::CheckpointComplete { .. }
        | Body::Frozen { .. }
        | Body::Request { .. }
        | Body::Answer { .. }
        | Body::Bounce { .. }
        | Body::Witness(_) => before,
    }
}

/// A record after this one, by which a stranger owns the address and everybody else is joining.
fn later(present: &SignedRecord) -> SignedRecord {
    let mut signed = present.clone();
    let record = &mut signed.record;
    record.epoch.seq += 1;
    record.generation += 1;
    let stranger = HostId([9; 9]);
    for member in &mut record.members {
        member.state = MemberState::Joining;
    }
    record.members.push(Member {
        host: stranger,
        state: MemberState::InSync,
    });
    record.owner = Some(Owner {
        host: stranger,
        boot: BootId(1),
    });
    record.state = messages::GroupState::Solo;
    signed
}

/// One of each message, about the record that the host holds.
fn bodies(record: &SignedRecord) -> Vec<Body> {
    let (group, epoch) = (group(), record.record.epoch);
    let (number, token, sent) = (7, 7, Time(1));
    let whole = Request::Checkpoint {
        group,
        phase: CheckpointPhase::Whole,
    };
    vec![
        Body::Heartbeat(Heartbeat {
            sent,
            beats: vec![Beat {
                group,
                epoch,
                standing: Standing::Primary,
                vouch: Vouch::Good,
                counts: Counts::default(),
            }],
        }),
        Body::HeartbeatAck(HeartbeatAck {
            echo: sent,
            now: sent,
            acked: vec![(group, epoch)],
        }),
        Body::Suspect {
            group,
            epoch,
            number,
        },
        Body::Withdraw {
            group,
            epoch,
            number,
        },
        Body::Fault {
            group,
            epoch,
            fault: Fault::Worker,
        },
        Body::SoloRequest {
            group,
            epoch,
            without: vec![T],
        },
        Body::Join {
            group,
            epoch,
            resumable: true,
        },
        Body::FirstAck {
            group,
            epoch,
            member: T,
            member_boot: BootId(1),
        },
        Body::Probe { number, target: S },
        Body::Ping { number },
        Body::Pong { number },
        Body::ProbeResult {
            number,
            target: S,
            alive: true,
        },
        Body::Push {
            record: later(record),
            promise: Promise::Needed,
        },
        Body::Announce {
            record: record.clone(),
        },
        Body::Newer {
            record: record.clone(),
        },
        Body::RecordAck { group, epoch },
        Body::Ask { group, epoch },
        Body::Report { entries: vec![] },
        Body::ReportAck {
            groups: vec![group],
        },
        Body::Fetch { group },
        Body::Fetched {
            record: record.clone(),
        },
        Body::CheckpointMark {
            group,
            epoch,
            number,
            discard_before: Some(sent),
        },
        Body::CheckpointAck {
            group,
            epoch,
            number,
        },
        Body::CheckpointComplete {
            group,
            epoch,
            number,
        },
        Body::Frozen { group, epoch },
        Body::Request {
            token,
            request: whole,
        },
        Body::Answer {
            token,
            answer: Answer::Refused(Refusal::Busy),
        },
        Body::Bounce { group, epoch },
        Body::Witness(Witness {
            group,
            epoch,
            part: 0,
            parts: 1,
            octets: vec![],
        }),
    ]
}

/// One of each event but messages.
fn events(record: &SignedRecord) -> Vec<AgentEvent> {
    let (group, token, sender) = (group(), u64::MAX, R);
    vec![
        AgentEvent::Tick,
        AgentEvent::PeerBoot {
            host: HostId([8; 9]),
            boot: BootId(8),
        },
        port(true),
        port(false),
        AgentEvent::Workers { advanced: true },
        AgentEvent::Boundary { token },
        AgentEvent::Persisted { token },
        AgentEvent::PersistFailed { token },
        AgentEvent::Counts {
            group,
            counts: Counts::default(),
            senders: vec![R],
        },
        AgentEvent::HookDone {
            group,
            epoch: record.record.epoch.max(messages::Epoch { term: 9, seq: 9 }),
            ok: true,
        },
        AgentEvent::FencedPacket { group, sender },
        AgentEvent::Bounced { group },
        AgentEvent::FirstAnswer { group, at: Time(1) },
        AgentEvent::Operate {
            token: 9,
            request: Request::RaiseTerm,
        },
    ]
}

#[test]
fn every_standing_answers_every_event_as_the_table_says() {
    for standing in STANDINGS {
        let (world, host) = at(standing);
        let record = world.view(host).record.expect("it holds a record");
        let owner = record.record.owner.expect("somebody owns the address").host;
        let messages = bodies(&record).into_iter().map(|body| {
            let from = match &body {
                // From another host than the owner it would not be the owner's.
                Body::Heartbeat(_) | Body::Announce { .. } if owner != host => owner,
                Body::Heartbeat(_) | Body::HeartbeatAck(_) => T,
                _ => R,
            };
            let from_boot = world.boot_of(from);
            AgentEvent::Message {
                from,
                from_boot,
                body,
            }
        });
        let all: Vec<AgentEvent> = events(&record).into_iter().chain(messages).collect();
        for event in all {
            let (mut world, host) = at(standing);
            let wanted = expected(standing, &event);
            let said = format!("{standing:?} told {event:?}");
            world.tell_agent(host, event);
            assert_eq!(world.standing(host), wanted, "{said}");
        }
    }
}

#[test]
fn the_table_has_one_of_each() {
    let (world, host) = at(Standing::Replica);
    let record = world.view(host).record.expect("it holds a record");
    let bodies = bodies(&record);
    let kinds: BTreeSet<String> = bodies.iter().map(kind).collect();
    assert_eq!((kinds.len(), bodies.len()), (29, 29));
    let events = events(&record);
    let kinds: BTreeSet<String> = events.iter().map(kind).collect();
    assert_eq!(
        (kinds.len(), events.len()),
        (13, 14),
        "a port goes both ways"
    );
}

/// The name of a variant.
fn kind(value: &impl std::fmt::Debug) -> String {
    let text = format!("{value:?}");
    text.split([' ', '(']).next().unwrap_or_default().to_owned()
}
