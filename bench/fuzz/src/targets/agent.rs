//! The agent of a host, told anything by its peers, its workers and its disk, in any order.

use std::time::Duration;

use failover::{
    Agent, AgentAction, AgentConfig, AgentEvent, CopyMode, FanOut, GroupConfig, HookPolicy,
    Isolation, Lease, LocalRole, Timers,
};
use messages::body::{Counts, Promise};
use messages::{Body, BootId, GroupId, HostId, SignedRecord, Time, codec};

use super::datagrams::{FABRIC, G, J, signed};
use crate::Target;
use crate::choices::Choices;

pub(crate) const TARGET: Target = Target {
    name: "agent",
    claim: "whatever a host is told by those who hold keys, it installs and keeps only records of the \
            manager, never an older one after a newer one, and a guest may transmit only while the \
            newest record says that this life of this host owns the address",
    run,
};

/// The manager's host.
const R: HostId = HostId([3; 9]);
const OWN_BOOT: BootId = BootId(20);
const RECORDS: u64 = 16;

fn group() -> GroupId {
    GroupId::new(0x12_3456, [10, 0, 0, 3].into())
}

fn config(choices: &mut Choices<'_>) -> AgentConfig {
    AgentConfig {
        fabric: FABRIC,
        host: J,
        manager: R,
        groups: vec![GroupConfig {
            id: group(),
            members: vec![G, J],
            copies: choices.pick(&[CopyMode::Deliver, CopyMode::Buffer]),
            fan_out: choices.pick(&[FanOut::Sender, FanOut::Primary]),
            timers: Timers {
                interval: Duration::from_millis(50),
                detect_mult: 3,
            },
            on_isolation: choices.pick(&[Isolation::Mute, Isolation::Continue]),
            checkpoint_margin: Duration::from_millis(100),
            hook: choices.pick(&[HookPolicy::Absent, HookPolicy::Beside, HookPolicy::Awaited]),
            audience: vec![G, J, R],
        }],
        machine_kept: choices.one_in(2),
    }
}

/// What was promised by the agent's actions so far.
#[derive(Debug, Default)]
struct Seen {
    /// The newest record that was installed.
    record: Option<SignedRecord>,
    tokens: Vec<u64>,
    barriers: Vec<u64>,
}

fn run(octets: &[u8]) {
    let mut choices = Choices::new(octets);
    let config = config(&mut choices);
    let restored = match choices.one_in(2) {
        true => vec![signed(1 + choices.below(4) as u64)],
        false => Vec::new(),
    };
    let mut now = Time(1_000_000_000);
    let mut agent = Agent::new(config, restored, OWN_BOOT, now);
    let mut seen = Seen::default();
    let mut actions = Vec::new();
    for (host, boot) in [(G, BootId(10)), (R, BootId(30))] {
        agent.handle(now, AgentEvent::PeerBoot { host, boot }, &mut actions);
    }
    while !choices.is_empty() {
        seen.watch(&actions);
        actions.clear();
        now = now.after(Duration::from_millis(
            choices.pick(&[0, 1, 10, 50, 200, 2_000]),
        ));
        let event = event(&mut choices, &seen);
        agent.handle(now, event, &mut actions);
    }
    seen.watch(&actions);
}

impl Seen {
    fn watch(&mut self, actions: &[AgentAction]) {
        for action in actions {
            match action {
                AgentAction::Install(install) => {
                    genuine(&install.record);
                    let epoch = install.record.record.epoch;
                    if let Some(before) = &self.record {
                        assert!(before.record.epoch <= epoch, "{before:?}, then {install:?}");
                    }
                    let owner = install.record.record.owner;
                    let ours = owner.is_some_and(|o| o.host == J && o.boot == OWN_BOOT);
                    let primary = matches!(install.local, Some(LocalRole::Primary { .. }));
                    assert!(ours || !primary, "{install:?}");
                    self.record = Some(install.record.clone());
                }
                AgentAction::Lease { until, .. } if *until != Lease::Muted => {
                    let owner = self.record.as_ref().and_then(|signed| signed.record.owner);
                    assert!(
                        owner.is_some_and(|o| o.host == J && o.boot == OWN_BOOT),
                        "a lease until {until:?} by {:?}",
                        self.record
                    );
                }
                AgentAction::Persist { token, record } => {
                    genuine(record);
                    self.tokens.push(*token);
                }
                AgentAction::Barrier { token } => self.barriers.push(*token),
                _ => {}
            }
        }
    }
}

/// That a record is one of those which the manager signed.
fn genuine(record: &SignedRecord) {
    let known = (0..RECORDS).map(signed).any(|known| known == *record);
    // At the start nobody has decided anything: the configuration's own record has no owner.
    let initial = record.record.owner.is_none() && record.record.epoch.seq == 0;
    assert!(known || initial, "nobody signed {record:?}");
}

fn event(choices: &mut Choices<'_>, seen: &Seen) -> AgentEvent {
    let of = |tokens: &[u64], choices: &mut Choices<'_>| match tokens.len() {
        0 => choices.octet().into(),
        count => tokens[choices.below(count)],
    };
    match choices.below(14) {
        0..=2 => AgentEvent::Tick,
        3..=6 => message(choices),
        7 => AgentEvent::PeerBoot {
            host: choices.pick(&[G, R]),
            boot: BootId(10 + u64::from(choices.octet() % 3)),
        },
        8 => AgentEvent::Port {
            group: group(),
            up: choices.one_in(2),
        },
        9 => AgentEvent::Workers {
            advanced: !choices.one_in(4),
        },
        10 => AgentEvent::Boundary {
            token: of(&seen.barriers, choices),
        },
        11 => match choices.one_in(4) {
            true => AgentEvent::PersistFailed {
                token: of(&seen.tokens, choices),
            },
            false => AgentEvent::Persisted {
                token: of(&seen.tokens, choices),
            },
        },
        12 => AgentEvent::Counts {
            group: group(),
            counts: Counts::default(),
            senders: vec![choices.pick(&[G, R])],
        },
        _ => match choices.below(3) {
            0 => AgentEvent::FencedPacket {
                group: group(),
                sender: G,
            },
            1 => AgentEvent::Bounced { group: group() },
            _ => AgentEvent::HookDone {
                group: group(),
                epoch: signed(choices.below(RECORDS as usize) as u64).record.epoch,
                ok: choices.one_in(2),
            },
        },
    }
}

/// A message with a record of the manager's, or of any body that can be read.
fn message(choices: &mut Choices<'_>) -> AgentEvent {
    let record = signed(choices.below(RECORDS as usize) as u64);
    let promise = choices.pick(&[Promise::Waived, Promise::Needed, Promise::Moved { from: G }]);
    let body = match choices.below(5) {
        0 | 1 => Body::Push { record, promise },
        2 => Body::Announce { record },
        3 => Body::Newer { record },
        _ => {
            let length = choices.below(160);
            let octets = [&[codec::VERSION][..], choices.octets(length)].concat();
            match codec::decode::<Body>(&octets) {
                Ok(body) if body.signed_record().is_none() => body,
                _ => Body::Ping { number: 1 },
            }
        }
    };
    AgentEvent::Message {
        from: choices.pick(&[R, G]),
        from_boot: choices.pick(&[BootId(30), BootId(10)]),
        body,
    }
}
