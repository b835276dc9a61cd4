//! One round of the controller: frames from the workers, commands from the service
//! thread, what is due, and news for the tables.
//!
//! A round never waits and does a bounded amount of work. Every ring has one writer
//! and one reader: a real-time thread that spun on a ring which an ordinary thread
//! was about to write would spin for ever on a shared core (docs/architecture.md).

use messages::Time;
use rtrb::Consumer;
use tables::punt::{PuntReceiver, PuntSender};
use wire::ethernet::MacAddress;

use crate::endpoint::Endpoint;
use crate::uplink::{HostCounters, HostStack};

/// Frames taken from one worker in a round, and commands from the service thread.
const TAKEN_PER_ROUND_MAX: usize = 64;

/// What the tables are told is in nanoseconds; the stack counts milliseconds.
const NANOSECONDS_PER_MS: u64 = 1_000_000;

/// What decides and publishes; the controller calls it on its own thread.
pub trait Agent: Send + 'static {
    /// What the service thread may ask for, with the way to answer in it.
    type Command: Send + 'static;

    /// Where the uplink's packets go from now on: called in the first round, and
    /// when it changes. `None` while it is unknown.
    fn next_hop_changed(&mut self, next_hop: Option<MacAddress>);

    /// Executes one command.
    fn execute(&mut self, command: Self::Command, now: Time);

    /// Called once a round, after frames and commands: takes from `endpoint` what other hosts sent,
    /// does what is due, and gives it what is to be sent to them.
    fn tick(&mut self, now: Time, status: &ControllerStatus, endpoint: &mut Endpoint);
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
    pub fn round(&mut self, now: Time) {
        let now_ms = now.0 / NANOSECONDS_PER_MS;
        self.take_frames(now_ms);
        if self.announced != Some(self.host.next_hop_mac()) {
            self.announced = Some(self.host.next_hop_mac());
            self.agent.next_hop_changed(self.host.next_hop_mac());
        }
        for _ in 0..TAKEN_PER_ROUND_MAX {
            let Ok(command) = self.channels.commands.pop() else {
                break;
            };
            self.agent.execute(command, now);
        }
        let status = self.status();
        self.agent.tick(now, &status, self.host.endpoint());
        self.send_frames(now_ms);
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
        for worker in punted {
            for _ in 0..TAKEN_PER_ROUND_MAX {
                if !worker.pop(frame) {
                    break;
                }
                host.input(frame, now_ms, &mut |frame| {
                    push(transmit, frame, transmit_full);
                });
            }
        }
    }

    fn send_frames(&mut self, now_ms: u64) {
        let Self {
            host,
            channels,
            transmit_full,
            ..
        } = self;
        host.poll(now_ms, &mut |frame| {
            push(&mut channels.transmit, frame, transmit_full);
        });
    }
}

/// A frame to the worker; counted if it finds no room.
fn push(transmit: &mut PuntSender, frame: &[u8], full: &mut u64) {
    if transmit.push(frame).is_err() {
        *full += 1;
    }
}

#[cfg(test)]
mod tests;
