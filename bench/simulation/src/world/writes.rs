//! Writes of both journals, as long as they take.

use std::time::Duration;

use failover::{AgentEvent, ManagerEvent};

use super::{Happening, Step, Told, World};
use crate::clock::Moment;
use crate::naming::Host;
use crate::say;
use crate::storage::Written;

impl World {
    /// When a write that begins now is done.
    pub(super) fn disk_done(&mut self, host: Host) -> Moment {
        let typical = if self.slow_disks[host.index()] > 0 {
            Duration::from_millis(400)
        } else {
            Duration::from_millis(4)
        };
        // A disk that takes longer than this is taken for a dead one.
        let takes = self.streams.disks.tailed(typical);
        self.now.after(takes.min(Duration::from_secs(3)))
    }

    /// The agent's write is done.
    pub(super) fn stored(&mut self, host: Host, number: u32) -> Step {
        if self.life(host, number).is_none() {
            return Ok(());
        }
        let name = self.streams.disks.nonce();
        let written = self.machines[host.index()].kept_records.finish(name);
        let (tokens, durable) = match written {
            Written::Durable(tokens) => (tokens, true),
            Written::Refused(tokens) => (tokens, false),
            Written::Broken => return self.die_of_disk(host),
        };
        for token in tokens {
            let event = if durable {
                AgentEvent::Persisted { token }
            } else {
                AgentEvent::PersistFailed { token }
            };
            self.tell(host, number, Told::Agent(event))?;
        }
        if self.machines[host.index()].kept_records.begin() {
            let moment = self.disk_done(host);
            self.queue.put(moment, Happening::Stored(host, number));
        }
        Ok(())
    }

    /// The manager's write is done.
    pub(super) fn logged(&mut self, host: Host, number: u32) -> Step {
        if self.life(host, number).is_none() {
            return Ok(());
        }
        let name = self.streams.disks.nonce();
        let written = self.machines[host.index()].log.finish(name);
        let (tokens, durable) = match written {
            Written::Durable(tokens) => (tokens, true),
            Written::Refused(tokens) => (tokens, false),
            Written::Broken => return self.die_of_disk(host),
        };
        for token in tokens {
            self.stats.decisions += u64::from(durable);
            let event = if durable {
                ManagerEvent::Appended { token }
            } else {
                ManagerEvent::AppendFailed { token }
            };
            self.tell(host, number, Told::Manager(event))?;
        }
        if self.machines[host.index()].log.begin() {
            let moment = self.disk_done(host);
            self.queue.put(moment, Happening::Logged(host, number));
        }
        Ok(())
    }

    /// A disk error ends the process; its supervisor starts another one.
    fn die_of_disk(&mut self, host: Host) -> Step {
        say!(self, "{host} has a disk error");
        self.die(host, false, false)?;
        let later = self.now.after(Duration::from_millis(500));
        self.queue.put(later, Happening::Boot(host));
        Ok(())
    }
}
