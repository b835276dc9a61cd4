//! When a daemon's controller wakes, and what it samples then.

use std::time::Duration;

use failover::{AgentEvent, ManagerEvent};
use messages::body::Counts;
use messages::{GroupId, Time};

use super::{Happening, Step, Told, World};
use crate::naming::Host;

impl World {
    /// Sets the alarms of the hosts whose state machines were told something.
    pub(super) fn arm_all(&mut self) {
        let unarmed = std::mem::take(&mut self.unarmed);
        for host in Host::all(self.scenario.hosts) {
            if unarmed >> host.0 & 1 == 1 {
                self.arm(host);
            }
        }
    }

    /// Sets the alarm for the next deadline. The controller wakes a little late.
    fn arm(&mut self, host: Host) {
        let machine = &mut self.machines[host.index()];
        let Some(life) = &mut machine.life else {
            return;
        };
        let agent = life.agent.next_deadline();
        let manager = life
            .manager
            .as_ref()
            .and_then(failover::Manager::next_deadline);
        let Some(deadline) = [agent, manager].into_iter().flatten().min() else {
            return;
        };
        let due = machine.clock.moment(deadline).max(self.now);
        if life.wake.is_some_and(|wake| wake <= due) {
            return;
        }
        let late = if self.streams.runtime.chance(3_000) {
            Duration::from_millis(3)
        } else {
            Duration::from_micros(60)
        };
        let moment = due.after(self.streams.runtime.span(Duration::from_micros(2), late));
        if life.wake.is_some_and(|wake| wake <= moment) {
            return;
        }
        life.wake = Some(moment);
        self.queue.put(moment, Happening::Wake(host, life.number));
    }

    pub(super) fn wake(&mut self, host: Host, number: u32) -> Step {
        let moment = self.now;
        let Some(life) = self.life(host, number) else {
            return Ok(());
        };
        // An alarm that an earlier one took the place of; one that waited out a stop is late.
        if life.wake.is_none_or(|wake| wake > moment) {
            return Ok(());
        }
        life.wake = None;
        self.sample(host, number)?;
        self.tell(host, number, Told::Agent(AgentEvent::Tick))?;
        self.tell(host, number, Told::Manager(ManagerEvent::Tick))
    }

    /// Once an interval: whether the workers advanced, and what they counted.
    fn sample(&mut self, host: Host, number: u32) -> Step {
        let interval = self.scenario.interval_min();
        let machine = &mut self.machines[host.index()];
        let now = machine.time(self.now);
        let Some(life) = &mut machine.life else {
            return Ok(());
        };
        let is_due = life
            .sampled
            .is_none_or(|sampled| now.since(sampled) >= interval * 9 / 10);
        if !is_due {
            return Ok(());
        }
        life.sampled = Some(now);
        let advanced = life.stuck_until <= self.now;
        self.tell(host, number, Told::Agent(AgentEvent::Workers { advanced }))?;
        for group in 0..self.scenario.groups.len() {
            let id = self.scenario.groups[group].id;
            if let Some(event) = self.counts(host, group, id, now) {
                self.tell(host, number, Told::Agent(event))?;
            }
        }
        Ok(())
    }

    fn counts(&self, host: Host, group: usize, id: GroupId, now: Time) -> Option<AgentEvent> {
        let plane = &self.machines[host.index()].life.as_ref()?.plane;
        plane.entry(group)?.role?;
        let counted = plane.counted(group);
        Some(AgentEvent::Counts {
            group: id,
            counts: Counts {
                received: counted.received,
                lost: counted.lost,
                from_owner: counted.from_owner,
                ..Counts::default()
            },
            senders: plane
                .senders(group, now.before(Duration::from_secs(1)))
                .map(Host::id)
                .collect(),
        })
    }
}
