//! Daemons that start, die, stop and go on.

use std::time::Duration;

use failover::config::{
    AgentConfig, CopyMode, Damping, FanOut, GroupConfig, Isolation, ManagedGroup, ManagerConfig,
    Timers,
};
use failover::{Agent, AgentEvent, Manager, ManagerEvent, Restored};
use messages::{BootId, HostId, SignedRecord, Time};

use super::{Happening, Step, Told, World};
use crate::clock::{HostClock, Moment};
use crate::invariants::Seen;
use crate::machine::Life;
use crate::naming::{FABRIC, Host};
use crate::packet::Reason;
use crate::plane::Plane;
use crate::say;
use crate::scenario::Scenario;
use crate::sessions::{Post, signer};
use crate::truth::Tenure;

/// Frames that a stopped process's queues hold.
const WAITING_MAX: usize = 50_000;

fn group_config(scenario: &Scenario, group: usize) -> GroupConfig {
    let spec = &scenario.groups[group];
    GroupConfig {
        id: spec.id,
        members: spec.members.iter().map(|host| host.id()).collect(),
        copies: if spec.copying.buffer {
            CopyMode::Buffer
        } else {
            CopyMode::Deliver
        },
        fan_out: if spec.copying.by_primary {
            FanOut::Primary
        } else {
            FanOut::Sender
        },
        timers: timers(scenario, group),
        on_isolation: if spec.continues {
            Isolation::Continue
        } else {
            Isolation::Mute
        },
        checkpoint_margin: spec.checkpoint_margin,
        hook: spec.hook,
        audience: scenario.concerned(group).map(Host::id).collect(),
    }
}

pub(super) fn timers(scenario: &Scenario, group: usize) -> Timers {
    let spec = &scenario.groups[group];
    Timers {
        interval: spec.interval,
        detect_mult: spec.detect_mult,
    }
}

fn agent_config(scenario: &Scenario, host: Host, machine_kept: bool) -> AgentConfig {
    AgentConfig {
        fabric: FABRIC,
        host: host.id(),
        manager: scenario.manager.id(),
        groups: (0..scenario.groups.len())
            .filter(|&group| scenario.concerned(group).any(|other| other == host))
            .map(|group| group_config(scenario, group))
            .collect(),
        machine_kept,
    }
}

fn manager_config(scenario: &Scenario) -> ManagerConfig {
    let spares = |group: usize| -> Vec<HostId> {
        let spec = &scenario.groups[group];
        if !spec.spares {
            return Vec::new();
        }
        scenario
            .concerned(group)
            .filter(|host| !spec.members.contains(host))
            .map(Host::id)
            .collect()
    };
    ManagerConfig {
        fabric: FABRIC,
        host: scenario.manager.id(),
        hosts: Host::all(scenario.hosts).map(Host::id).collect(),
        groups: (0..scenario.groups.len())
            .map(|group| ManagedGroup {
                group: group_config(scenario, group),
                spares: spares(group),
            })
            .collect(),
        damping: Damping {
            // Runs are short: the damping has to be seen at work, and to be over in the end.
            promotion_gap_max: Duration::from_secs(4),
            ..Damping::default()
        },
    }
}

impl World {
    /// A daemon starts, unless something keeps it down.
    pub(super) fn boot(&mut self, host: Host) -> Step {
        let machine = &self.machines[host.index()];
        if machine.downs > 0 || machine.life.is_some() {
            return Ok(());
        }
        let boot = BootId(self.streams.boots.nonce());
        let Some(records) = self.open_kept(host) else {
            say!(
                self,
                "{host} cannot read what its agent kept and stays down a while"
            );
            self.boot_later(host);
            return Ok(());
        };
        let mut manager = None;
        if host == self.scenario.manager {
            let Some(restored) = self.open_log(host)? else {
                say!(
                    self,
                    "{host} cannot read its manager's log and stays down a while"
                );
                self.boot_later(host);
                return Ok(());
            };
            manager = Some(restored);
        }
        self.start(host, boot, records, manager);
        say!(self, "{host} starts as {boot:?}");
        let life = self.machines[host.index()].lives;
        self.queue.put(self.now, Happening::Greet(host, life));
        for group in 0..self.scenario.groups.len() {
            self.show_port(host, group)?;
        }
        self.tell(host, life, Told::Agent(AgentEvent::Tick))?;
        self.tell(host, life, Told::Manager(ManagerEvent::Tick))
    }

    fn boot_later(&mut self, host: Host) {
        self.machines[host.index()].kept_records.die(None, false, 0);
        self.machines[host.index()].log.die(None, false, 0);
        let later = self.now.after(Duration::from_millis(500));
        self.queue.put(later, Happening::Boot(host));
    }

    fn open_kept(&mut self, host: Host) -> Option<Vec<SignedRecord>> {
        let name = self.streams.disks.nonce();
        let machine = &mut self.machines[host.index()];
        let records = machine.kept_records.open_kept(name)?;
        if std::mem::take(&mut machine.may_forget) {
            self.epochs.forget(host);
        }
        Some(records)
    }

    fn open_log(&mut self, host: Host) -> Result<Option<Restored>, crate::invariants::Violation> {
        let name = self.streams.disks.nonce();
        let machine = &mut self.machines[host.index()];
        let Some(restored) = machine.log.open_log(name) else {
            return Ok(None);
        };
        say!(
            self,
            "the manager on {host} finds its log {:?}",
            restored.log
        );
        // A log that rotted is either refused or exact: I4 asks the same of it. Only of an older
        // image nobody can tell here; hosts can.
        let rolled_back = self.machines[host.index()].log_damaged;
        if restored.log == failover::LogState::Whole && !rolled_back {
            for group in 0..self.scenario.groups.len() {
                let id = self.scenario.groups[group].id;
                let epoch = restored
                    .records
                    .iter()
                    .find(|signed| signed.record.group == id)
                    .map(|signed| signed.record.epoch);
                let seen = Seen {
                    moment: self.now,
                    group,
                    by: host,
                };
                self.epochs.survives(seen, epoch)?;
            }
        }
        Ok(Some(restored))
    }

    fn start(
        &mut self,
        host: Host,
        boot: BootId,
        records: Vec<SignedRecord>,
        restored: Option<Restored>,
    ) {
        let scenario = &self.scenario;
        let machine = &mut self.machines[host.index()];
        let now = machine.time(self.now);
        let config = agent_config(scenario, host, machine.kept);
        let manager = restored.map(|restored| {
            let signer = signer(scenario.real_sessions);
            Manager::new(manager_config(scenario), restored, signer, boot, now)
        });
        let groups: Vec<_> = scenario
            .groups
            .iter()
            .map(|group| (group.id, group.copying))
            .collect();
        let tenures = (0..groups.len())
            .map(|group| {
                let lease = timers(scenario, group).lease();
                let lease = (!scenario.groups[group].continues).then_some(lease);
                Tenure::new(host, boot, lease)
            })
            .collect();
        machine.lives += 1;
        machine.kept = true;
        self.stats.lives += 1;
        let (real, hosts) = (scenario.real_sessions, scenario.hosts);
        let post = Post::new(real, host, hosts, boot, now, &mut self.streams.boots);
        machine.life = Some(Life {
            number: machine.lives,
            boot,
            agent: Agent::new(config, records, boot, now),
            manager,
            plane: Plane::new(host, scenario.networks[host.index()].clone(), &groups),
            post,
            tenures,
            wake: None,
            sampled: None,
            stuck_until: Moment::START,
            drained: Moment::START,
            misled: vec![None; groups.len()],
        });
    }

    /// A daemon dies, and with `machine` all that runs beside it.
    pub(super) fn die(&mut self, host: Host, machine: bool, in_a_write: bool) -> Step {
        let operations =
            in_a_write.then(|| u32::try_from(self.streams.disks.between(0, 12)).unwrap_or(0));
        let name = self.streams.disks.nonce();
        let state = &mut self.machines[host.index()];
        state.kept_records.die(operations, machine, name);
        state.log.die(operations, machine, name ^ 1);
        let life = state.life.take();
        let waiting = state.stopped.take().unwrap_or_default();
        if machine {
            state.is_up = false;
            state.kept = false;
        }
        for happening in waiting {
            self.lose(happening);
        }
        if let Some(mut life) = life {
            say!(
                self,
                "{host} dies ({})",
                if machine { "the machine" } else { "the daemon" }
            );
            let mut effects = std::mem::take(&mut self.effects);
            life.plane.die(&mut crate::plane::Step {
                now: Time::ZERO,
                ledger: &mut self.ledger,
                effects: &mut effects,
            });
            effects.clear();
            self.effects = effects;
        }
        if machine {
            for service in &mut self.services {
                service.lose(host);
            }
        }
        Ok(())
    }

    /// What waited for a process that is no more.
    fn lose(&mut self, happening: Happening) {
        match happening {
            Happening::Frame(..) => {
                self.ledger.in_flight -= 1;
                self.ledger.drop(Reason::HostDown);
            }
            Happening::Request(group, _) => self.schedule_request(group),
            Happening::Chatter(group, _) => self.schedule_chatter(group),
            _ => (),
        }
    }

    /// The machine boots: another clock, then the daemon.
    pub(super) fn power_on(&mut self, host: Host) {
        let rate = self.scenario.rates_ppb[host.index()];
        let shown = Time(self.streams.boots.between(1_000_000_000, 60_000_000_000));
        let machine = &mut self.machines[host.index()];
        if !machine.is_up {
            machine.is_up = true;
            machine.clock = HostClock::showing(shown, self.now, rate);
        }
    }

    /// The process stops.
    pub(super) fn stop(&mut self, host: Host) {
        let machine = &mut self.machines[host.index()];
        if machine.life.is_some() && machine.stopped.is_none() {
            machine.stopped = Some(Vec::new());
            say!(self, "{host} is stopped");
        }
    }

    /// It goes on. Which of its threads comes first is chance: the workers, who let a burst of the
    /// guests pass if they believe the lease, or the controller.
    pub(super) fn go_on(&mut self, host: Host) -> Step {
        let Some(waiting) = self.machines[host.index()].stopped.take() else {
            return Ok(());
        };
        say!(self, "{host} goes on");
        let workers_first = self.streams.runtime.chance(500_000);
        let (mut first, second): (Vec<_>, Vec<_>) = waiting.into_iter().partition(|happening| {
            let is_packet = matches!(
                happening,
                Happening::Frame(..) | Happening::Request(..) | Happening::Chatter(..)
            );
            is_packet == workers_first
        });
        first.extend(second);
        for (number, happening) in first.into_iter().enumerate() {
            if number < WAITING_MAX {
                self.happen(happening)?;
            } else {
                self.lose(happening);
            }
            while let Some((host, life, told)) = self.local.pop_front() {
                self.tell(host, life, told)?;
            }
        }
        Ok(())
    }
}
