//! Faults as they begin and end.

use std::time::Duration;

use failover::AgentEvent;
use messages::MemberState;
use messages::body::Request;

use super::{Happening, Step, Told, World};
use crate::faults::Fault;
use crate::naming::Host;
use crate::network::Quality;
use crate::say;
use crate::scenario::Profile;

impl World {
    /// The next fault.
    pub(super) fn trouble(&mut self) -> Step {
        if self.healed.is_some() {
            return Ok(());
        }
        // Where nothing may be missing in the end, somebody has to be left each time.
        if self.scenario.profile == Profile::Lossless && !self.is_steady() {
            let again = self.now.after(Duration::from_millis(100));
            self.queue.put(again, Happening::Trouble);
            return Ok(());
        }
        if self.image.is_none() || self.streams.disks.chance(200_000) {
            let disk = self.machines[self.scenario.manager.index()].log.disk();
            self.image = Some(disk.clone());
        }
        let every = self.scenario.fault_every;
        let dice = &mut self.streams.faults;
        let fault = Fault::draw(&self.scenario, dice);
        let lasts = fault.lasts(dice);
        let next = dice.span(every / 4, every * 7 / 4);
        self.queue.put(self.now.after(next), Happening::Trouble);
        if lasts > Duration::ZERO {
            self.queue
                .put(self.now.after(lasts), Happening::Repair(fault));
        }
        self.stats.faults += 1;
        say!(self, "FAULT {fault:?} for {lasts:?}");
        self.begin(fault)
    }

    fn begin(&mut self, fault: Fault) -> Step {
        match fault {
            Fault::KillDaemon(host) => {
                self.machines[host.index()].downs += 1;
                self.die(host, false, false)?;
            }
            Fault::KillMachine(host) | Fault::RotDisk(host) => {
                self.machines[host.index()].downs += 1;
                self.die(host, true, false)?;
                if matches!(fault, Fault::RotDisk(_)) {
                    self.rot(host);
                }
            }
            Fault::RollBack(host) => return self.roll_back(host),
            Fault::DieWriting(host) => {
                self.machines[host.index()].downs += 1;
                let machine = self.streams.disks.chance(500_000);
                self.die(host, machine, true)?;
            }
            Fault::Stop(host) => {
                self.machines[host.index()].stops += 1;
                self.stop(host);
            }
            Fault::StickWorker(host) => {
                let until = self.now.after(Duration::from_millis(700));
                if let Some(life) = &mut self.machines[host.index()].life {
                    life.stuck_until = life.stuck_until.max(until);
                }
            }
            Fault::ClosePort(host, group) => {
                self.machines[host.index()].closed_ports[group] += 1;
                self.show_port(host, group)?;
            }
            Fault::FillDisk(host) => self.set_full(host, true),
            Fault::FailSync(host) => self.set_sync_fails(host, true),
            Fault::SlowDisk(host) => self.slow_disks[host.index()] += 1,
            Fault::CutOneWay(..)
            | Fault::CutLink(..)
            | Fault::CutUplink(_)
            | Fault::Partition(_)
            | Fault::Flap(..) => self.cut(fault, true),
            Fault::Degrade(one, other) => {
                let bad = Quality {
                    loss_per_million: 200_000,
                    twice_per_million: 50_000,
                    late_per_million: 200_000,
                    least: Duration::from_micros(200),
                    jitter: Duration::from_millis(8),
                    tail: Duration::from_millis(300),
                };
                self.network.set_quality(one, other, bad);
                self.network.set_quality(other, one, bad);
            }
            Fault::Replay => self.replay(),
            Fault::MoveAndKill(group, manager) => {
                self.machines[manager.index()].downs += 1;
                self.operate(Fault::Move(group))?;
                let most = Duration::from_millis(40);
                let wait = self.streams.faults.span(Duration::ZERO, most);
                self.queue
                    .put(self.now.after(wait), Happening::Die(manager));
            }
            Fault::PromoteUnreached(group, manager) => {
                self.cut(fault, true);
                let id = self.scenario.groups[group].id;
                let to = self.move_target(group);
                let request = Request::Promote {
                    group: id,
                    to,
                    fenced: false,
                };
                self.ask(manager, request)?;
            }
            Fault::Move(_)
            | Fault::AddMember(..)
            | Fault::RemoveMember(..)
            | Fault::PromoteFenced(_)
            | Fault::Reset(_) => self.operate(fault)?,
        }
        Ok(())
    }

    fn operate(&mut self, fault: Fault) -> Step {
        let id = |group: usize| self.scenario.groups[group].id;
        match fault {
            Fault::Move(group) => {
                let group_id = id(group);
                let to = self.move_target(group);
                self.ask_anywhere(Request::Move {
                    group: group_id,
                    to,
                })
            }
            // A host that has nothing in the network cannot hold a member.
            Fault::AddMember(group, host) if self.scenario.concerned(group).any(|h| h == host) => {
                let group = id(group);
                // The rank matters to who follows, and to nothing that a run asserts.
                let rank = self.streams.faults.chance(500_000).then_some(1);
                self.ask_anywhere(Request::AddMember {
                    group,
                    host: host.id(),
                    rank,
                })
            }
            Fault::RemoveMember(group, host) => {
                let group = id(group);
                self.ask_anywhere(Request::RemoveMember {
                    group,
                    host: host.id(),
                })
            }
            Fault::PromoteFenced(group) => self.promote_fenced(group),
            Fault::Reset(group) => {
                let group = id(group);
                self.ask_anywhere(Request::ResetToConfig { group })
            }
            _ => Ok(()),
        }
    }

    /// A fault is over.
    pub(super) fn repair(&mut self, fault: Fault) -> Step {
        if self.healed.is_some() {
            return Ok(());
        }
        say!(self, "over: {fault:?}");
        match fault {
            Fault::KillDaemon(host)
            | Fault::DieWriting(host)
            | Fault::MoveAndKill(_, host)
            | Fault::KillMachine(host)
            | Fault::RollBack(host)
            | Fault::RotDisk(host) => {
                let machine = &mut self.machines[host.index()];
                machine.downs = machine.downs.saturating_sub(1);
                if machine.downs > 0 {
                    return Ok(());
                }
                self.power_on(host);
                self.boot(host)
            }
            Fault::Stop(host) => {
                let machine = &mut self.machines[host.index()];
                machine.stops = machine.stops.saturating_sub(1);
                if machine.stops > 0 {
                    return Ok(());
                }
                self.go_on(host)
            }
            Fault::ClosePort(host, group) => {
                let closed = &mut self.machines[host.index()].closed_ports[group];
                *closed = closed.saturating_sub(1);
                self.show_port(host, group)
            }
            Fault::FillDisk(host) => {
                self.set_full(host, false);
                Ok(())
            }
            Fault::FailSync(host) => {
                self.set_sync_fails(host, false);
                Ok(())
            }
            Fault::SlowDisk(host) => {
                let slow = &mut self.slow_disks[host.index()];
                *slow = slow.saturating_sub(1);
                Ok(())
            }
            Fault::Degrade(one, other) => {
                let quality = self.scenario.quality;
                self.network.set_quality(one, other, quality);
                self.network.set_quality(other, one, quality);
                Ok(())
            }
            Fault::CutOneWay(..)
            | Fault::CutLink(..)
            | Fault::CutUplink(_)
            | Fault::PromoteUnreached(..)
            | Fault::Partition(_) => {
                self.cut(fault, false);
                Ok(())
            }
            Fault::Flap(..) => {
                self.flap(fault);
                Ok(())
            }
            Fault::StickWorker(_)
            | Fault::Replay
            | Fault::Move(_)
            | Fault::AddMember(..)
            | Fault::RemoveMember(..)
            | Fault::PromoteFenced(_)
            | Fault::Reset(_) => Ok(()),
        }
    }

    /// The link is back; mostly it goes away again soon.
    fn flap(&mut self, fault: Fault) {
        self.cut(fault, false);
        if self.streams.faults.chance(700_000) {
            let next = self
                .streams
                .faults
                .span(Duration::from_millis(20), Duration::from_millis(400));
            self.cut(fault, true);
            self.queue
                .put(self.now.after(next), Happening::Repair(fault));
        }
    }

    fn cut(&mut self, fault: Fault, cut: bool) {
        let hosts = self.scenario.hosts;
        // The first owner: who it is later the end of the fault would not know.
        let first = |group: usize| self.scenario.groups[group].members[0];
        let fault = match fault {
            Fault::PromoteUnreached(group, manager) => Fault::CutLink(first(group), manager),
            other => other,
        };
        for from in Host::all(hosts) {
            for to in Host::all(hosts) {
                let is_meant = match fault {
                    Fault::CutOneWay(one, other) => from == one && to == other,
                    Fault::CutLink(one, other) | Fault::Flap(one, other) => {
                        (from == one && to == other) || (from == other && to == one)
                    }
                    Fault::CutUplink(host) => from == host || to == host,
                    Fault::Partition(mask) => (mask >> from.0 & 1) != (mask >> to.0 & 1),
                    _ => false,
                };
                if is_meant && from != to {
                    self.network.cut(from, to, cut);
                }
            }
        }
    }

    /// The daemon sees whether the port of a group's member is up.
    pub(super) fn show_port(&mut self, host: Host, group: usize) -> Step {
        let id = self.scenario.groups[group].id;
        let machine = &mut self.machines[host.index()];
        let up = machine.closed_ports[group] == 0;
        let Some(life) = &mut machine.life else {
            return Ok(());
        };
        let number = life.number;
        life.plane.set_port(group, up);
        self.tell(
            host,
            number,
            Told::Agent(AgentEvent::Port { group: id, up }),
        )
    }

    pub(super) fn set_full(&mut self, host: Host, full: bool) {
        let machine = &self.machines[host.index()];
        machine.kept_records.disk().set_full(full);
        machine.log.disk().set_full(full);
    }

    pub(super) fn set_sync_fails(&mut self, host: Host, fails: bool) {
        let machine = &self.machines[host.index()];
        machine.kept_records.disk().set_sync_fails(fails);
        machine.log.disk().set_sync_fails(fails);
    }

    /// What was decided since the image is gone from the disk. Hosts know better, as long as a
    /// majority of each group's members does: so this happens where all agree.
    fn roll_back(&mut self, host: Host) -> Step {
        self.machines[host.index()].downs += 1;
        let is_steady = self.is_steady();
        self.die(host, true, false)?;
        let machine = &mut self.machines[host.index()];
        if let Some(image) = self.image.take().filter(|_| is_steady) {
            *machine.log.disk() = image;
            machine.log_damaged = true;
        }
        Ok(())
    }

    fn rot(&mut self, host: Host) {
        let is_manager = host == self.scenario.manager;
        let machine = &mut self.machines[host.index()];
        if is_manager && self.streams.disks.chance(500_000) {
            machine.log.disk().rot();
        } else {
            machine.may_forget |= machine.kept_records.disk().rot();
        }
    }

    /// Whether every group has an owner that is heard and a member in sync beside it, and all hosts
    /// know.
    fn is_steady(&self) -> bool {
        let all_run = self
            .machines
            .iter()
            .all(crate::machine::Machine::is_responsive);
        all_run
            && (0..self.scenario.groups.len()).all(|group| {
                let Some(owner) = self.owner_heard(group) else {
                    return false;
                };
                let Some(signed) = self.machines[owner.index()].record(group) else {
                    return false;
                };
                let has_second =
                    signed.record.members.iter().any(|member| {
                        member.host != owner.id() && member.state == MemberState::InSync
                    });
                has_second
                    && self
                        .scenario
                        .concerned(group)
                        .all(|host| self.machines[host.index()].record(group) == Some(signed))
            })
    }
}
