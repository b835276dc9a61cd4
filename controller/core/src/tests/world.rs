//! Three hosts on a perfect network: s (rank 0), t (rank 1) and r, which has the manager.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::time::Duration;

use messages::body::{Answer, Body, Counts, Recipient, Request, Standing};
use messages::{BootId, FabricId, GroupId, HostId, Record, Signature, SignedRecord, Time};

use crate::*;

pub(super) const S: HostId = HostId([1; 9]);
pub(super) const T: HostId = HostId([2; 9]);
pub(super) const R: HostId = HostId([3; 9]);
pub(super) const U: HostId = HostId([4; 9]);
pub(super) const INTERVAL: Duration = Duration::from_millis(50);
const DELAY: Duration = Duration::from_micros(100);
const AGENT_DISK: Duration = Duration::from_millis(2);
const MANAGER_DISK: Duration = Duration::from_millis(4);

pub(super) fn group() -> GroupId {
    GroupId::new(0x12_3456, Ipv4Addr::new(10, 0, 0, 3))
}

pub(super) fn ms(value: u64) -> Duration {
    Duration::from_millis(value)
}

enum Due {
    Agent(HostId, AgentEvent),
    Manager(ManagerEvent),
}

struct Host {
    boot: BootId,
    agent: Option<Agent>,
    disk: BTreeMap<GroupId, SignedRecord>,
    paused: bool,
}

/// What was done, when and by whom.
#[derive(Clone, Debug)]
#[expect(dead_code, reason = "some of it is only printed when a test fails")]
pub(super) enum Seen {
    Note(Fact),
    Lease(Lease),
    Install(Box<GroupInstall>),
    Manager(Fact),
    Hook(HookRole),
}

pub(super) struct World {
    pub(super) now: Time,
    hosts: BTreeMap<HostId, Host>,
    manager: Option<Manager>,
    log: Vec<SignedRecord>,
    log_lost: bool,
    queue: BTreeMap<(Time, u64), Due>,
    order: u64,
    boots: u64,
    pub(super) cut: BTreeSet<(HostId, HostId)>,
    pub(super) seen: Vec<(Time, HostId, Seen)>,
    pub(super) answers: Vec<(u64, Answer)>,
    pub(super) config: GroupConfig,
    pub(super) spares: Vec<HostId>,
}

fn sign(record: &Record) -> Signature {
    let mut octets = [0; 64];
    octets[..8].copy_from_slice(&record.epoch.seq.to_be_bytes());
    octets[8..16].copy_from_slice(&record.generation.to_be_bytes());
    octets[16] = record.owner.map_or(0, |owner| owner.host.0[0]);
    Signature(octets)
}

impl World {
    pub(super) fn new() -> Self {
        Self::with(|_| {})
    }

    pub(super) fn with(change: impl FnOnce(&mut GroupConfig)) -> Self {
        Self::configured(change).start()
    }

    fn configured(change: impl FnOnce(&mut GroupConfig)) -> Self {
        let mut config = GroupConfig {
            id: group(),
            members: vec![S, T],
            copies: CopyMode::Deliver,
            fan_out: FanOut::Sender,
            timers: Timers {
                interval: INTERVAL,
                detect_mult: 3,
            },
            on_isolation: Isolation::Mute,
            checkpoint_margin: ms(100),
            hook: HookPolicy::Absent,
            audience: vec![S, T, R],
        };
        change(&mut config);
        Self {
            now: Time(1_000_000_000),
            hosts: BTreeMap::new(),
            manager: None,
            log: Vec::new(),
            log_lost: false,
            queue: BTreeMap::new(),
            order: 0,
            boots: 100,
            cut: BTreeSet::new(),
            seen: Vec::new(),
            answers: Vec::new(),
            config,
            spares: Vec::new(),
        }
    }

    /// Starts every host.
    fn start(mut self) -> Self {
        let mut hosts = self.config.audience.clone();
        hosts.sort_by_key(|host| *host != R);
        for host in hosts {
            self.boot(host);
        }
        self
    }

    /// A settled world with a fourth host, u, which sends to the address.
    pub(super) fn of_four(change: impl FnOnce(&mut Self)) -> Self {
        let mut world = Self::configured(|config| config.audience.push(U));
        change(&mut world);
        let mut world = world.start();
        world.run(ms(1_000));
        world
    }

    /// A world in which the group has settled.
    pub(super) fn settled() -> Self {
        let mut world = Self::new();
        world.run(ms(1_000));
        world
    }

    pub(super) fn boot(&mut self, host: HostId) {
        self.boots += 1;
        let boot = BootId(self.boots);
        let disk = self
            .hosts
            .remove(&host)
            .map(|host| host.disk)
            .unwrap_or_default();
        let config = AgentConfig {
            fabric: FabricId([7; 16]),
            host,
            manager: R,
            groups: vec![self.config.clone()],
            machine_kept: true,
        };
        let agent = Agent::new(config, disk.values().cloned().collect(), boot, self.now);
        self.hosts.insert(
            host,
            Host {
                boot,
                agent: Some(agent),
                disk,
                paused: false,
            },
        );
        if host == R {
            let config = ManagerConfig {
                fabric: FabricId([7; 16]),
                host: R,
                hosts: self.config.audience.clone(),
                groups: vec![ManagedGroup {
                    group: self.config.clone(),
                    spares: self.spares.clone(),
                }],
                damping: Damping::default(),
            };
            let newest: BTreeMap<GroupId, SignedRecord> = self
                .log
                .iter()
                .map(|signed| (signed.record.group, signed.clone()))
                .collect();
            let log = if self.log_lost {
                LogState::Lost
            } else if self.log.is_empty() {
                LogState::New
            } else {
                LogState::Whole
            };
            let restored = Restored {
                log,
                records: newest.into_values().collect(),
            };
            self.manager = Some(Manager::new(
                config,
                restored,
                Box::new(sign),
                boot,
                self.now,
            ));
        }
        self.tell_agent(host, AgentEvent::Tick);
        if host != R {
            self.tell_agent(
                host,
                AgentEvent::Port {
                    group: group(),
                    up: true,
                },
            );
        }
        let lives: Vec<(HostId, BootId)> = self
            .hosts
            .iter()
            .map(|(host, life)| (*host, life.boot))
            .collect();
        for (other, life) in lives {
            for (at, host, boot) in [(other, host, boot), (host, other, life)] {
                self.later(DELAY, Due::Agent(at, AgentEvent::PeerBoot { host, boot }));
                if at == R {
                    self.later(DELAY, Due::Manager(ManagerEvent::PeerBoot { host, boot }));
                }
            }
        }
    }

    pub(super) fn kill(&mut self, host: HostId) {
        if let Some(life) = self.hosts.get_mut(&host) {
            life.agent = None;
        }
        if host == R {
            self.manager = None;
        }
    }

    /// The manager's disk is lost; its next life sees that.
    pub(super) fn lose_log(&mut self) {
        self.log.clear();
        self.log_lost = true;
    }

    pub(super) fn log_is_empty(&self) -> bool {
        self.log.is_empty()
    }

    pub(super) fn pause(&mut self, host: HostId, paused: bool) {
        if let Some(life) = self.hosts.get_mut(&host) {
            life.paused = paused;
        }
    }

    /// Cuts a link in both directions.
    pub(super) fn cut(&mut self, a: HostId, b: HostId) {
        self.cut.extend([(a, b), (b, a)]);
    }

    pub(super) fn operate(&mut self, at: HostId, token: u64, request: Request) {
        self.tell_agent(at, AgentEvent::Operate { token, request });
    }

    fn later(&mut self, delay: Duration, due: Due) {
        self.order += 1;
        self.queue.insert((self.now.after(delay), self.order), due);
    }

    pub(super) fn tell_agent(&mut self, host: HostId, event: AgentEvent) {
        let mut out = Vec::new();
        let now = self.now;
        let Some(agent) = self
            .hosts
            .get_mut(&host)
            .and_then(|life| life.agent.as_mut())
        else {
            return;
        };
        agent.handle(now, event, &mut out);
        assert!(
            agent.next_deadline().is_none_or(|deadline| deadline > now),
            "a deadline in the past"
        );
        for action in out {
            match action {
                AgentAction::Send { to, body } => self.carry(host, to, body),
                AgentAction::Install(install) => self.saw(host, Seen::Install(Box::new(install))),
                AgentAction::Lease { group: _, until } => self.saw(host, Seen::Lease(until)),
                AgentAction::Barrier { token } => {
                    self.later(DELAY, Due::Agent(host, AgentEvent::Boundary { token }));
                }
                AgentAction::Persist { token, record } => {
                    if let Some(life) = self.hosts.get_mut(&host) {
                        life.disk.insert(record.record.group, record);
                    }
                    self.later(
                        AGENT_DISK,
                        Due::Agent(host, AgentEvent::Persisted { token }),
                    );
                }
                AgentAction::Hook {
                    group: _,
                    epoch: _,
                    role,
                } => self.saw(host, Seen::Hook(role)),
                AgentAction::Answer { token, answer } => self.answers.push((token, answer)),
                AgentAction::Note(note) => self.saw(host, Seen::Note(note.fact)),
            }
        }
    }

    fn tell_manager(&mut self, event: ManagerEvent) {
        let mut out = Vec::new();
        let now = self.now;
        let Some(manager) = &mut self.manager else {
            return;
        };
        manager.handle(now, event, &mut out);
        assert!(
            manager
                .next_deadline()
                .is_none_or(|deadline| deadline > now),
            "a deadline in the past"
        );
        for action in out {
            match action {
                ManagerAction::Append { token, record } => {
                    self.log.push(record);
                    self.later(MANAGER_DISK, Due::Manager(ManagerEvent::Appended { token }));
                }
                ManagerAction::Send { to, body } => self.carry(R, to, body),
                ManagerAction::Answer { token, answer } => self.answers.push((token, answer)),
                ManagerAction::Note(note) => self.saw(R, Seen::Manager(note.fact)),
            }
        }
    }

    fn saw(&mut self, host: HostId, seen: Seen) {
        self.seen.push((self.now, host, seen));
    }

    /// A message sets off.
    pub(super) fn carry(&mut self, from: HostId, to: HostId, body: Body) {
        if self.cut.contains(&(from, to)) {
            return;
        }
        let from_boot = self.hosts[&from].boot;
        let recipient = body.recipient();
        if recipient != Recipient::Agent && to == R {
            let body = body.clone();
            self.later(
                DELAY,
                Due::Manager(ManagerEvent::Message {
                    from,
                    from_boot,
                    body,
                }),
            );
        }
        if recipient != Recipient::Manager {
            self.later(
                DELAY,
                Due::Agent(
                    to,
                    AgentEvent::Message {
                        from,
                        from_boot,
                        body,
                    },
                ),
            );
        }
    }

    pub(super) fn run(&mut self, span: Duration) {
        let end = self.now.after(span);
        loop {
            let mut next = self.queue.keys().next().map(|(time, _)| *time);
            let lives = self.hosts.values().filter(|life| !life.paused);
            let agents = lives.filter_map(|life| life.agent.as_ref()?.next_deadline());
            let manager = self.manager.iter().filter_map(Manager::next_deadline);
            for deadline in agents.chain(manager) {
                next = Some(next.map_or(deadline, |next| next.min(deadline)));
            }
            let Some(next) = next.filter(|next| *next <= end) else {
                break;
            };
            self.now = self.now.max(next);
            self.step();
        }
        self.now = end;
    }

    fn step(&mut self) {
        while let Some(entry) = self.queue.first_entry()
            && entry.key().0 <= self.now
        {
            match entry.remove() {
                Due::Agent(host, event) if self.hosts[&host].paused => {
                    self.later(ms(1), Due::Agent(host, event));
                }
                Due::Agent(host, event) => self.tell_agent(host, event),
                Due::Manager(event) => self.tell_manager(event),
            }
        }
        let due: Vec<HostId> = self
            .hosts
            .iter()
            .filter(|(_, life)| !life.paused)
            .filter(|(_, life)| {
                life.agent
                    .as_ref()
                    .and_then(Agent::next_deadline)
                    .is_some_and(|deadline| deadline <= self.now)
            })
            .map(|(host, _)| *host)
            .collect();
        for host in due {
            self.tell_agent(host, AgentEvent::Workers { advanced: true });
            self.tell_agent(host, AgentEvent::Tick);
        }
        if self
            .manager
            .as_ref()
            .and_then(Manager::next_deadline)
            .is_some_and(|deadline| deadline <= self.now)
        {
            self.tell_manager(ManagerEvent::Tick);
        }
    }

    pub(super) fn lose_copies(&mut self, host: HostId, lost: u64) {
        let counts = Counts {
            lost,
            ..Counts::default()
        };
        self.tell_agent(
            host,
            AgentEvent::Counts {
                group: group(),
                counts,
                senders: vec![R],
            },
        );
    }

    /// The last life of a host.
    pub(super) fn boot_of(&self, host: HostId) -> BootId {
        self.hosts[&host].boot
    }

    pub(super) fn standing(&self, host: HostId) -> Standing {
        self.view(host).standing
    }

    pub(super) fn view(&self, host: HostId) -> GroupView {
        let agent = self.hosts[&host].agent.as_ref().expect("the host is up");
        agent.view().next().expect("there is one group")
    }

    pub(super) fn record(&self) -> Record {
        self.log
            .last()
            .expect("something was decided")
            .record
            .clone()
    }

    pub(super) fn lease(&self, host: HostId) -> Lease {
        let leases = self.seen.iter().rev();
        leases
            .filter(|(_, at, _)| *at == host)
            .find_map(|(_, _, seen)| match seen {
                Seen::Lease(lease) => Some(*lease),
                Seen::Note(_) | Seen::Install(_) | Seen::Manager(_) | Seen::Hook(_) => None,
            })
            .unwrap_or(Lease::Muted)
    }

    /// When the first thing happened at a host that this says yes to, after `since`.
    pub(super) fn when(
        &self,
        since: Time,
        host: HostId,
        what: impl Fn(&Seen) -> bool,
    ) -> Option<Time> {
        let after = self
            .seen
            .iter()
            .filter(|(time, at, _)| *time >= since && *at == host);
        after
            .clone()
            .find(|(_, _, seen)| what(seen))
            .map(|(time, _, _)| *time)
    }

    /// The places, in order, of the first thing after `since` that each of these says yes to.
    pub(super) fn position(
        &self,
        since: Time,
        host: HostId,
        what: impl Fn(&Seen) -> bool,
    ) -> usize {
        self.seen
            .iter()
            .position(|(time, at, seen)| *time >= since && *at == host && what(seen))
            .expect("it happened")
    }
}
