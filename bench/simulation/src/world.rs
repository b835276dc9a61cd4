//! The world of a run: what is to happen, and what each thing that happens leads to.

mod alarms;
mod control;
mod lives;
mod operator;
mod rest;
mod traffic;
mod trouble;
mod writes;

use std::collections::VecDeque;
use std::time::Duration;

use failover::{AgentAction, AgentEvent, ManagerAction, ManagerEvent};
use messages::{Epoch, GroupId};

use crate::clock::{HostClock, Moment};
use crate::dice::{Dice, Stream};
use crate::faults::Fault;
use crate::invariants::{Acceptances, Epochs, Violation, balanced};
use crate::ledger::Ledger;
use crate::machine::Machine;
use crate::naming::Host;
use crate::network::Network;
use crate::packet::Packet;
use crate::plane::Effect;
use crate::queue::Queue;
use crate::scenario::Scenario;
use crate::service::Service;
use crate::sessions::Envelope;
use crate::storage::Store;
use crate::trace::{Detail, Trace};

pub use operator::Asked;

/// A step of a run: whether every invariant holds after it.
pub type Step = Result<(), Violation>;

/// One thing that is to happen.
#[derive(Clone, Debug)]
pub enum Happening {
    /// A daemon's next deadline.
    Wake(Host, u32),
    /// A datagram between daemons arrives.
    Control(Host, Envelope),
    /// A packet arrives.
    Frame(Host, Packet),
    /// Every worker of a life has passed a boundary.
    Boundary(Host, u32, u64),
    /// The agent's disk has had its time.
    Stored(Host, u32),
    /// The manager's disk has.
    Logged(Host, u32),
    /// A hook ends.
    HookDone(Host, u32, GroupId, Epoch, bool),
    /// Peers without a session are asked.
    Greet(Host, u32),
    /// A plain node sends a request to a group; on which host is drawn, or it waited there.
    Request(usize, Option<Host>),
    /// A guest of a group's member speaks unasked.
    Chatter(usize, Option<Host>),
    /// The hypervisor takes a checkpoint of a group.
    Checkpoint(usize),
    /// A checkpoint's state has arrived at the replicas.
    Transferred(Asked),
    /// The next fault is due.
    Trouble,
    /// A fault is over.
    Repair(Fault),
    /// A daemon is killed, if faults still come.
    Die(Host),
    /// A daemon starts.
    Boot(Host),
    /// The last fault is over.
    Heal,
    /// Has everything come to rest?
    Rest,
}

/// What a run came to.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Its seed.
    pub seed: u64,
    /// The invariant that did not hold.
    pub violation: Option<Violation>,
    /// The last lines before that, or nothing.
    pub lines: Vec<String>,
    /// What it consisted of.
    pub stats: Stats,
}

/// What a run consisted of.
#[derive(Clone, Copy, Debug, Default)]
pub struct Stats {
    /// Steps.
    pub steps: u64,
    /// Simulated nanoseconds.
    pub simulated_ns: u64,
    /// Faults.
    pub faults: u64,
    /// Changes of owner.
    pub owners: u64,
    /// Decisions.
    pub decisions: u64,
    /// Daemons started.
    pub lives: u64,
    /// Packets made, copies included.
    pub packets: u64,
    /// Packets dropped because their tag or outer source was not the owner's.
    pub fenced: u64,
    /// Datagrams between daemons.
    pub datagrams: u64,
    /// Requests released from a buffer at a promotion.
    pub released: u64,
}

/// Everything there is.
#[derive(Debug)]
pub struct World {
    /// The present.
    pub now: Moment,
    /// What is told of it.
    pub trace: Trace,
    scenario: Scenario,
    queue: Queue<Happening>,
    network: Network,
    machines: Vec<Machine>,
    services: Vec<Service>,
    ledger: Ledger,
    acceptances: Acceptances,
    epochs: Epochs,
    streams: Streams,
    local: VecDeque<(Host, u32, Told)>,
    agent_actions: Vec<AgentAction>,
    manager_actions: Vec<ManagerAction>,
    effects: Vec<Effect>,
    captured: VecDeque<(Host, Packet)>,
    asked: operator::Pending,
    slow_disks: Vec<u32>,
    unarmed: u8,
    image: Option<crate::disk::SimulatedDisk>,
    protected: Vec<bool>,
    releasing: bool,
    healed: Option<Moment>,
    at_rest: Option<Moment>,
    finished: bool,
    stats: Stats,
}

#[derive(Debug)]
struct Streams {
    faults: Dice,
    traffic: Dice,
    disks: Dice,
    runtime: Dice,
    boots: Dice,
}

/// What is told to a state machine of the same host.
#[derive(Debug)]
enum Told {
    Agent(AgentEvent),
    Manager(ManagerEvent),
}

/// Before the first fault: time to come up.
const FIRST_FAULT: Duration = Duration::from_secs(3);

impl World {
    /// The beginning of a run.
    #[must_use]
    pub fn new(scenario: Scenario, detail: Detail) -> Self {
        let seed = scenario.seed;
        let mut streams = Streams {
            faults: Dice::new(seed, Stream::Faults),
            traffic: Dice::new(seed, Stream::Traffic),
            disks: Dice::new(seed, Stream::Disks),
            runtime: Dice::new(seed, Stream::Runtime),
            boots: Dice::new(seed, Stream::Boots),
        };
        let machines = Host::all(scenario.hosts)
            .map(|host| machine(host, &scenario, &mut streams))
            .collect();
        let bounded = scenario.clocks_keep_the_bound();
        let leased = scenario
            .groups
            .iter()
            .map(|group| bounded && !group.continues)
            .collect();
        let groups = scenario.groups.len();
        let mut world = Self {
            now: Moment::START,
            trace: Trace::new(detail),
            network: Network::new(scenario.quality, Dice::new(seed, Stream::Network)),
            machines,
            services: vec![Service::default(); groups],
            ledger: Ledger::default(),
            acceptances: Acceptances::new(leased),
            epochs: Epochs::new(groups),
            streams,
            queue: Queue::default(),
            local: VecDeque::new(),
            agent_actions: Vec::new(),
            manager_actions: Vec::new(),
            effects: Vec::new(),
            captured: VecDeque::new(),
            asked: operator::Pending::default(),
            slow_disks: vec![0; scenario.hosts],
            unarmed: 0,
            image: None,
            protected: vec![false; groups],
            releasing: false,
            healed: None,
            at_rest: None,
            finished: false,
            stats: Stats::default(),
            scenario,
        };
        world.prepare();
        world
    }

    fn prepare(&mut self) {
        for host in Host::all(self.scenario.hosts) {
            let late = self
                .streams
                .boots
                .span(Duration::ZERO, Duration::from_millis(300));
            self.queue
                .put(Moment::START.after(late), Happening::Boot(host));
        }
        for group in 0..self.scenario.groups.len() {
            let start = Moment::START.after(Duration::from_millis(500));
            self.queue.put(start, Happening::Request(group, None));
            self.queue.put(start, Happening::Chatter(group, None));
            let checkpoint = self
                .streams
                .faults
                .span(Duration::from_secs(1), Duration::from_secs(4));
            self.queue
                .put(start.after(checkpoint), Happening::Checkpoint(group));
        }
        self.queue
            .put(Moment::START.after(FIRST_FAULT), Happening::Trouble);
        self.queue.put(
            Moment::START.after(FIRST_FAULT + self.scenario.faults_last),
            Happening::Heal,
        );
    }

    /// Runs it to its end.
    #[must_use]
    pub fn run(mut self) -> Outcome {
        let mut violation = None;
        while !self.finished {
            if let Err(found) = self.step() {
                violation = Some(found);
                break;
            }
        }
        self.stats.simulated_ns = self.now.0;
        self.stats.packets = self.ledger.made;
        Outcome {
            seed: self.scenario.seed,
            violation,
            lines: self.trace.into_lines(),
            stats: self.stats,
        }
    }

    fn step(&mut self) -> Step {
        let Some((moment, happening)) = self.queue.take() else {
            self.finished = true;
            return Ok(());
        };
        self.now = moment;
        self.stats.steps += 1;
        self.happen(happening)?;
        while let Some((host, life, told)) = self.local.pop_front() {
            self.tell(host, life, told)?;
        }
        self.arm_all();
        balanced(self.now, &self.ledger)?;
        if self.stats.steps.is_multiple_of(4096) {
            self.check_memory()?;
        }
        Ok(())
    }

    fn happen(&mut self, happening: Happening) -> Step {
        let Some(happening) = self.unless_stopped(happening) else {
            return Ok(());
        };
        match happening {
            Happening::Wake(host, life) => self.wake(host, life),
            Happening::Control(host, envelope) => self.receive(host, &envelope),
            Happening::Frame(host, packet) => self.frame(host, packet),
            Happening::Boundary(host, life, token) => {
                self.tell(host, life, Told::Agent(AgentEvent::Boundary { token }))
            }
            Happening::Stored(host, life) => self.stored(host, life),
            Happening::Logged(host, life) => self.logged(host, life),
            Happening::HookDone(host, life, group, epoch, ok) => {
                let done = AgentEvent::HookDone { group, epoch, ok };
                self.tell(host, life, Told::Agent(done))
            }
            Happening::Greet(host, life) => {
                self.greet(host, life);
                Ok(())
            }
            Happening::Request(group, host) => self.request(group, host),
            Happening::Chatter(group, host) => self.chatter(group, host),
            Happening::Checkpoint(group) => self.begin_checkpoint(group),
            Happening::Transferred(asked) => self.commit_checkpoint(asked),
            Happening::Trouble => self.trouble(),
            Happening::Repair(fault) => self.repair(fault),
            Happening::Die(host) if self.healed.is_none() => self.die(host, false, false),
            Happening::Die(_) => Ok(()),
            Happening::Boot(host) => self.boot(host),
            Happening::Heal => self.heal(),
            Happening::Rest => self.rest(),
        }
    }

    /// What concerns a process that is stopped waits until it goes on.
    fn unless_stopped(&mut self, happening: Happening) -> Option<Happening> {
        let host = match &happening {
            Happening::Wake(host, _)
            | Happening::Control(host, _)
            | Happening::Frame(host, _)
            | Happening::Boundary(host, _, _)
            | Happening::Stored(host, _)
            | Happening::Logged(host, _)
            | Happening::HookDone(host, ..)
            | Happening::Greet(host, _)
            | Happening::Request(_, Some(host))
            | Happening::Chatter(_, Some(host)) => *host,
            Happening::Request(_, None)
            | Happening::Chatter(_, None)
            | Happening::Checkpoint(_)
            | Happening::Transferred(_)
            | Happening::Trouble
            | Happening::Repair(_)
            | Happening::Die(_)
            | Happening::Boot(_)
            | Happening::Heal
            | Happening::Rest => return Some(happening),
        };
        match &mut self.machines[host.index()].stopped {
            Some(waiting) => {
                waiting.push(happening);
                None
            }
            None => Some(happening),
        }
    }

    fn group(&self, id: GroupId) -> Option<usize> {
        self.scenario.groups.iter().position(|group| group.id == id)
    }
}

fn machine(host: Host, scenario: &Scenario, streams: &mut Streams) -> Machine {
    let rate = scenario.rates_ppb[host.index()];
    let shown = messages::Time(streams.boots.between(1_000_000_000, 1_000_000_000_000_000));
    Machine {
        host,
        clock: HostClock::showing(shown, Moment::START, rate),
        is_up: true,
        kept: false,
        life: None,
        lives: 0,
        stopped: None,
        stops: 0,
        closed_ports: vec![0; scenario.groups.len()],
        downs: 0,
        kept_records: Store::new(Dice::of_number(&mut streams.disks)),
        log: Store::new(Dice::of_number(&mut streams.disks)),
        may_forget: false,
        log_damaged: false,
    }
}
