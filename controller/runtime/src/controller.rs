//! One round of the controller: frames from the workers, commands from the service
//! thread, what is due, and news for the tables.
//!
//! A round never waits and does a bounded amount of work. Every ring has one writer
//! and one reader: a real-time thread that spun on a ring which an ordinary thread
//! was about to write would spin for ever on a shared core (docs/architecture.md).

use rtrb::Consumer;
use tables::punt::{PuntReceiver, PuntSender};
use wire::ethernet::MacAddress;

use crate::uplink::{HostCounters, HostStack};

/// Frames taken from one worker in a round, and commands from the service thread.
const TAKEN_PER_ROUND_MAX: usize = 64;

/// What decides and publishes; the controller calls it on its own thread.
pub trait Agent: Send + 'static {
    /// What the service thread may ask for, with the way to answer in it.
    type Command: Send + 'static;

    /// Where the uplink's packets go from now on: called in the first round, and
    /// when it changes. `None` while it is unknown.
    fn next_hop_changed(&mut self, next_hop: Option<MacAddress>);

    /// Executes one command.
    fn execute(&mut self, command: Self::Command);

    /// Called at the end of every round, to retire what workers have left behind
    /// and to show how the controller is doing.
    fn tick(&mut self, now_ms: u64, status: &ControllerStatus);
}

/// What the controller knows about itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ControllerStatus {
    /// The next hop's link address, if it is known.
    pub next_hop: Option<MacAddress>,
    /// What happened to the frames that workers punted.
    pub host: HostCounters,
    /// Frames that found no room on the way to the worker.
    pub transmit_full: u64,
}

/// The rings that end at the controller.
#[derive(Debug)]
pub struct Channels<Command> {
    /// Frames from each worker.
    pub punted: Vec<PuntReceiver>,
    /// Frames to the worker that transmits for the host.
    pub transmit: PuntSender,
    /// Commands from the service thread.
    pub commands: Consumer<Command>,
}

/// The host's stack and its agent, with their channels.
pub struct Controller<A: Agent> {
    host: HostStack,
    agent: A,
    channels: Channels<A::Command>,
    /// What the agent was told last; `None` before the first round.
    announced: Option<Option<MacAddress>>,
    transmit_full: u64,
    /// Where a punted frame is read to; kept for its room.
    frame: Vec<u8>,
}

impl<A: Agent> Controller<A> {
    /// A controller that has done nothing yet.
    pub const fn new(host: HostStack, agent: A, channels: Channels<A::Command>) -> Self {
        Self {
            host,
            agent,
            channels,
            announced: None,
            transmit_full: 0,
            frame: Vec::new(),
        }
    }

    /// Does everything that can be done now.
    pub fn round(&mut self, now_ms: u64) {
        self.take_frames(now_ms);
        if self.announced != Some(self.host.next_hop_mac()) {
            self.announced = Some(self.host.next_hop_mac());
            self.agent.next_hop_changed(self.host.next_hop_mac());
        }
        for _ in 0..TAKEN_PER_ROUND_MAX {
            let Ok(command) = self.channels.commands.pop() else {
                break;
            };
            self.agent.execute(command);
        }
        let status = self.status();
        self.agent.tick(now_ms, &status);
    }

    /// What the controller knows about itself.
    pub const fn status(&self) -> ControllerStatus {
        ControllerStatus {
            next_hop: self.host.next_hop_mac(),
            host: self.host.counters(),
            transmit_full: self.transmit_full,
        }
    }

    /// The agent.
    pub const fn agent(&self) -> &A {
        &self.agent
    }

    fn take_frames(&mut self, now_ms: u64) {
        let Self {
            host,
            channels,
            transmit_full,
            frame,
            ..
        } = self;
        let Channels {
            punted, transmit, ..
        } = channels;
        let mut send = |frame: &[u8]| {
            if transmit.push(frame).is_err() {
                *transmit_full += 1;
            }
        };
        for worker in punted {
            for _ in 0..TAKEN_PER_ROUND_MAX {
                if !worker.pop(frame) {
                    break;
                }
                host.input(frame, now_ms, &mut send);
            }
        }
        host.poll(now_ms, &mut send);
    }
}

#[cfg(test)]
mod tests;
