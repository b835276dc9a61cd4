//! After the last fault: everything heals, an operator does what is left to an operator, and things
//! must come to rest.

use std::time::Duration;

use messages::body::Request;
use messages::{GroupState, MemberState};

use super::{Happening, Step, World};
use crate::invariants::{Footprint, Invariant, Standing, bounded, claim, nothing_missing, settled};
use crate::naming::Host;
use crate::say;
use crate::scenario::Profile;

/// After the last fault, and everything has come to rest (I7).
const BOUND: Duration = Duration::from_secs(25);
/// An operator looks after this long, and then as often.
const OPERATOR_EVERY: Duration = Duration::from_secs(4);
/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// What has come to rest stays so for this long.
const REST: Duration = Duration::from_millis(1_500);

impl World {
    /// The faults are over: cuts, disks, stopped processes, dead hosts. Now and then one host stays
    /// dead.
    pub(super) fn heal(&mut self) -> Step {
        self.healed = Some(self.now);
        let spared = self.spared();
        say!(self, "HEAL everything, but for {spared:?}");
        self.network.heal(self.scenario.quality);
        self.slow_disks.fill(0);
        for host in Host::all(self.scenario.hosts) {
            self.set_full(host, false);
            self.set_sync_fails(host, false);
            let machine = &mut self.machines[host.index()];
            machine.stops = 0;
            machine.downs = u32::from(spared == Some(host));
            self.go_on(host)?;
            if spared == Some(host) {
                self.die(host, true, false)?;
                continue;
            }
            self.power_on(host);
            self.open_ports(host)?;
            self.boot(host)?;
        }
        self.queue.put(self.now.after(LOOK_EVERY), Happening::Rest);
        self.queue.put(self.now.after(LOOK_EVERY), Happening::Rest);
        Ok(())
    }

    fn open_ports(&mut self, host: Host) -> Step {
        for group in 0..self.scenario.groups.len() {
            self.machines[host.index()].closed_ports[group] = 0;
            self.show_port(host, group)?;
        }
        Ok(())
    }

    /// A host that stays dead: never the manager's, and none where nothing may be missing.
    fn spared(&mut self) -> Option<Host> {
        if self.scenario.profile == Profile::Lossless || !self.streams.faults.chance(300_000) {
            return None;
        }
        let hosts: Vec<Host> = Host::all(self.scenario.hosts)
            .filter(|&host| host != self.scenario.manager)
            .collect();
        Some(self.streams.faults.pick(&hosts))
    }

    /// Looks whether everything has come to rest.
    pub(super) fn rest(&mut self) -> Step {
        let Some(healed) = self.healed else {
            return Ok(());
        };
        self.note_protection();
        let result = self.is_settled().and_then(|()| self.is_protected());
        let since = self.now.since(healed);
        match (&result, self.at_rest) {
            (Ok(()), None) => self.at_rest = Some(self.now),
            (Ok(()), Some(at_rest)) if self.now.since(at_rest) >= REST => return self.finish(),
            (Ok(()), Some(_)) => (),
            (Err(_), _) if since > BOUND => return result,
            (Err(_), _) => {
                self.at_rest = None;
                self.operator_looks(since)?;
            }
        }
        self.queue.put(self.now.after(LOOK_EVERY), Happening::Rest);
        Ok(())
    }

    fn is_settled(&self) -> Step {
        for group in 0..self.scenario.groups.len() {
            if self.is_hopeless(group) {
                continue;
            }
            let standings: Vec<Standing> = self
                .scenario
                .concerned(group)
                .filter(|host| self.machines[host.index()].life.is_some())
                .map(|host| self.standing(host, group))
                .collect();
            settled(self.now, group, &standings)?;
        }
        Ok(())
    }

    /// Which groups have been protected again since the last fault: every member in sync. On a bad
    /// substrate members come and go; once is enough.
    fn note_protection(&mut self) {
        for group in 0..self.scenario.groups.len() {
            let all_in_sync = self.epochs.newest_record(group).is_some_and(|signed| {
                let members = signed.record.members.iter();
                let mut listed = members.filter(|member| member.state != MemberState::Removed);
                listed.all(|member| member.state == MemberState::InSync)
            });
            self.protected[group] |= all_in_sync;
        }
    }

    /// I7 as well: whoever lives takes part again. Without a checkpoint, which a dead replica
    /// prevents, none that came back is in sync; and where acknowledgements get lost members fall
    /// out of sync as fast as they come.
    fn is_protected(&self) -> Step {
        let quality = self.scenario.quality;
        if quality.loss_per_million > 100 || quality.late_per_million > 0 {
            return Ok(());
        }
        for group in 0..self.scenario.groups.len() {
            let all_live = self
                .members(group)
                .iter()
                .all(|member| self.machines[member.index()].life.is_some());
            claim(
                self.protected[group] || !all_live,
                Invariant::I7,
                self.now,
                || format!("a live member of group {group} does not come into sync again"),
            )?;
        }
        Ok(())
    }

    /// Whether only more hosts could help: no live host is a member any more.
    fn is_hopeless(&self, group: usize) -> bool {
        let mut members = self.members(group).into_iter();
        members.all(|member| self.machines[member.index()].life.is_none())
    }

    /// What the manager is doing about a group; `None` while there is none.
    pub(super) fn phase(&self, group: usize) -> Option<&'static str> {
        let id = self.scenario.groups[group].id;
        let machine = &self.machines[self.scenario.manager.index()];
        let manager = machine.life.as_ref()?.manager.as_ref()?;
        let view = manager.view().find(|view| view.group == id)?;
        Some(view.phase)
    }

    fn standing(&self, host: Host, group: usize) -> Standing {
        let id = self.scenario.groups[group].id;
        let machine = &self.machines[host.index()];
        let view = machine
            .life
            .as_ref()
            .and_then(|life| life.agent.view().find(|view| view.group == id));
        let holds = view.filter(|view| view.confirmed).and_then(|view| {
            let record = view.record?.record;
            Some((record.owner.map(|owner| owner.host), record.epoch))
        });
        let now = machine.time(self.now);
        Standing {
            host,
            holds,
            is_heard: machine
                .life
                .as_ref()
                .is_some_and(|life| life.plane.is_heard(group, now)),
        }
    }

    /// What the protocol leaves to an operator: a log in doubt, a manager that waits for members
    /// that are off, an address that nobody owns, an owner whose host is off.
    fn operator_looks(&mut self, since: Duration) -> Step {
        let turn = since.as_nanos() / LOOK_EVERY.as_nanos();
        let every = OPERATOR_EVERY.as_nanos() / LOOK_EVERY.as_nanos();
        if !turn.is_multiple_of(every) {
            return Ok(());
        }
        if self.manager_doubts() {
            self.ask(self.scenario.manager, Request::RaiseTerm)?;
        }
        for group in 0..self.scenario.groups.len() {
            if self.phase(group) == Some("recovering") {
                self.promote_fenced(group)?;
                continue;
            }
            if self.owner_heard(group).is_some() {
                continue;
            }
            let nobody = self
                .epochs
                .newest_record(group)
                .is_some_and(|signed| signed.record.state == GroupState::NoOwner);
            let off = self
                .last_owner(group)
                .is_some_and(|owner| self.machines[owner.index()].life.is_none());
            if nobody || off {
                self.promote_fenced(group)?;
            }
        }
        Ok(())
    }

    fn manager_doubts(&self) -> bool {
        (0..self.scenario.groups.len()).any(|group| self.phase(group) == Some("in doubt"))
    }

    /// The end: nothing may be missing where nothing could be lost.
    fn finish(&mut self) -> Step {
        self.finished = true;
        self.check_memory()?;
        if self.scenario.profile != Profile::Lossless {
            return Ok(());
        }
        for group in 0..self.scenario.groups.len() {
            if !self.scenario.groups[group].copying.buffer {
                continue;
            }
            let Some(owner) = self.owner_heard(group) else {
                continue;
            };
            let service = &self.services[group];
            // What was sent just now is on its way.
            let mut sent = service.sent.clone();
            for number in service.next.saturating_sub(200)..service.next {
                if self.ledger.in_flight > 0 {
                    sent.remove(number);
                }
            }
            nothing_missing(self.now, group, &sent, &service.guest(owner).has)?;
        }
        Ok(())
    }

    pub(super) fn check_memory(&self) -> Step {
        for machine in &self.machines {
            let Some(life) = &machine.life else {
                continue;
            };
            let disk = machine.kept_records.disk().octets() + machine.log.disk().octets();
            let manager = life
                .manager
                .as_ref()
                .map_or(0, failover::Manager::footprint);
            let footprint = Footprint {
                host: machine.host,
                agent: life.agent.footprint() + machine.kept_records.backlog(),
                manager: manager + machine.log.backlog(),
                disk,
            };
            let groups = self.scenario.groups.len();
            bounded(self.now, self.scenario.hosts, groups, footprint)?;
        }
        Ok(())
    }
}
