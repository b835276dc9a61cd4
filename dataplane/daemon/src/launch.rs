//! Bringing a host up, and down again in the opposite order.

use std::hash::{BuildHasher, RandomState};
use std::net::Ipv6Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use api::server::{EventLog, Lock};
use config::{Config, Memory};
use dpdk::port::PortError;
use dpdk::ring::RingError;
use dpdk::thread::CpuSet;
use dpdk::{Eal, FrameWait, Port};
use messages::Time;
use parking_lot::Mutex;
use queues::{DpdkIo, ProcessClock};
use runtime::controller::{Channels, Controller};
use runtime::thread::ControllerThread;
use runtime::uplink::{HostConfig, HostStack};
use tables::Publisher;
use tables::counters::WorkerCounters;
use wire::ethernet::MacAddress;
use worker::Worker;

use crate::agent::TableAgent;
use crate::billing::Billing;
use crate::events::Names;
use crate::flights::Flights;
use crate::host_view::View;
use crate::mapping_rules::MappingRules;
use crate::notes::{Notes, NotesOfGroups};
use crate::plane::Plane;
use crate::poller::Idle;
use crate::ports::{Ports, eal_options};
use crate::replication::{Assembled, ReplicationError};
use crate::service::{BoundService, Service};
use crate::wiring::{self, Shared};
use crate::{poller, replication};

/// Commands of the local API that may wait for the controller.
const COMMANDS_MAX: usize = 64;

/// What routers said that may wait for the service thread.
const NEWS_MAX: usize = 256;

/// Events that are kept for readers who come later.
const EVENTS_KEPT: usize = 10_000;

/// A thread of ordinary priority is late by tens of milliseconds on a shared machine: a shorter
/// interval between heartbeats would have healthy hosts replaced.
const INTERVAL_WITHOUT_REAL_TIME_MIN: Duration = Duration::from_millis(50);

/// Why a host did not come up.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LaunchError {
    #[error(transparent)]
    Socket(#[from] api::server::BindError),
    #[error(transparent)]
    Eal(#[from] dpdk::eal::EalError),
    #[error(transparent)]
    Pool(#[from] dpdk::pool::PoolError),
    #[error("port {name}: {source}")]
    Port {
        name: String,
        source: Box<PortError>,
    },
    #[error(transparent)]
    Ring(#[from] RingError),
    #[error(transparent)]
    Worker(#[from] dpdk::worker::LaunchError),
    #[error(transparent)]
    Replication(#[from] ReplicationError),
    #[error(
        "group {group} has interval_ms = {interval_ms}, which needs a controller thread with real-time priority, \
         and SCHED_FIFO is refused: give the process CAP_SYS_NICE or LimitRTPRIO=10, or set interval_ms to 50 or more"
    )]
    FastTimers { group: String, interval_ms: u64 },
    #[error("the system gives no thread, no event queue or no processors: {0}")]
    System(#[from] std::io::Error),
}

/// A host that carries packets. Its parts go down in the order in which they
/// stand here, which is the opposite of how they came up.
pub(crate) struct RunningHost {
    pollers: Pollers,
    controller: ControllerThread<TableAgent>,
    service: Service,
    counters: Vec<Arc<WorkerCounters>>,
    _ports: Vec<Port>,
    _eal: Eal,
    /// Last: until then a second daemon could take what is still in use.
    _lock: Lock,
}

impl RunningHost {
    /// Brings a host up, from the socket that tells others that it is there to
    /// the first poll.
    ///
    /// # Errors
    /// The first thing that stands in the way. What came up before it is down
    /// again.
    pub(crate) fn launch(config: Config) -> Result<Self, LaunchError> {
        let config = Arc::new(config);
        // First: a second daemon of this name must not touch the first one's
        // memory or devices.
        let service = BoundService::bind(&config.host.socket)?;
        check_timers(&config)?;
        let lock = service.lock();
        let eal = Eal::start(&eal_options(&config))?;
        if matches!(config.host.memory, Memory::HugePages { .. }) && !eal.allows_capture() {
            tracing::warn!("dpdk-dumpcap cannot attach: DPDK's packet capture did not start");
        }
        warn_of_small_pages();
        leave_cores(&config.host.workers)?;
        let clock = ProcessClock::start();
        let assembled = replication::assemble(&config, Time(clock.now_ns()))?;
        let ports = Ports::open(&eal, &config)?;
        let uplink_mac = ports.uplink_mac(&config);
        let mut publisher = Publisher::new(knowledge::first_snapshot(&config, uplink_mac))
            .timed(Arc::new(move || clock.now_ns()));
        let wired = wiring::wire(
            &eal,
            &config,
            ports.queues,
            &Shared {
                owners: &ports.owners,
                pool: &ports.pool,
                uplink_chains: ports.uplink_chains,
                clock,
            },
            &mut publisher,
        )?;
        let counters = wired.counters.clone();
        let (commands, executed) = rtrb::RingBuffer::new(COMMANDS_MAX);
        let view = View {
            config: Arc::clone(&config),
            ports: ports.described,
            counters: counters.clone(),
            controller: Arc::default(),
            tables: publisher.observer(),
            commands: Mutex::new(commands),
            mapping_rules: MappingRules::new(Arc::clone(&config)),
            started_ns: clock.now_ns(),
            clock,
            events: EventLog::new(EVENTS_KEPT),
            flights: Mutex::new(Flights::new(Arc::clone(&config))),
        };
        let control_address = publisher.current().host.control_address;
        let stack = host_stack(&config, uplink_mac, control_address);
        let (to_service, news) = rtrb::RingBuffer::new(NEWS_MAX);
        let plane = Plane::new(
            &config,
            publisher,
            counters.clone(),
            wired.notices,
            &view.ports,
            to_service,
        );
        let (agent, of_groups) = agent(&view, plane, assembled);
        let notes = Notes {
            news,
            of_groups,
            names: Names::new(Arc::clone(&config)),
            clock,
        };
        let channels = Channels {
            punted: wired.punted,
            transmit: wired.transmit,
            commands: executed,
        };
        let controller = Controller::new(stack, agent, channels);
        let controller = ControllerThread::spawn(controller, move || Time(clock.now_ns()))?;
        // Frames of other workers wake nobody, so a worker among several must look for them.
        let frames = (wired.workers.len() == 1)
            .then(|| FrameWait::at(&ports.handles))
            .flatten();
        let pollers = Pollers::launch(&eal, &config, wired.workers, frames)?;
        let service = service.serve(view, notes)?;
        Ok(Self {
            pollers,
            controller,
            service,
            counters,
            _ports: ports.handles,
            _eal: eal,
            _lock: lock,
        })
    }

    /// Rounds done by each worker, to see that all of them move.
    pub(crate) fn rounds(&self) -> Vec<u64> {
        self.counters
            .iter()
            .map(|worker| worker.worker.rounds.get())
            .collect()
    }

    /// The name of a thread that ended although nobody asked it to.
    pub(crate) fn ended_thread(&self) -> Option<String> {
        if let Some(index) = self
            .pollers
            .workers
            .iter()
            .position(dpdk::Worker::is_finished)
        {
            return Some(format!("worker {index}"));
        }
        let controller = self.controller.is_finished();
        let service = self.service.is_finished();
        let names = [
            (controller, "the controller"),
            (service, "the local API's thread"),
        ];
        names
            .iter()
            .find(|(ended, _)| *ended)
            .map(|(_, name)| (*name).to_owned())
    }
}

/// What the controller's thread runs, and the notes about groups that it makes for the service
/// thread.
fn agent(
    view: &View,
    plane: Plane,
    assembled: Option<Assembled>,
) -> (TableAgent, Option<NotesOfGroups>) {
    let config = Arc::clone(&view.config);
    let (replication, notes, counted) = match assembled {
        None => (None, None, Vec::new()),
        Some(Assembled {
            replication,
            notes: ring,
            testimonies,
            counted,
        }) => {
            let notes = NotesOfGroups { ring, testimonies };
            (Some(replication), Some(notes), counted)
        }
    };
    let (billing, counters) = (Billing::new(&counted), Arc::clone(&view.controller));
    let agent = TableAgent::new(config, plane, replication, billing, counters);
    (agent, notes)
}

fn host_stack(config: &Config, mac: MacAddress, control_address: Ipv6Addr) -> HostStack {
    HostStack::new(&HostConfig {
        mac,
        uplink_address: config.uplink.address,
        control_address,
        control_port: config.fabric.control_port,
        peers: replication::peers(config).into_values().collect(),
        next_hop: config.uplink.next_hop,
        next_hop_mac: config.uplink.next_hop_mac,
        mtu_bytes: config.uplink.mtu,
        seed: RandomState::new().hash_one(std::process::id()),
    })
}

/// Refuses timers that a thread of ordinary priority does not keep.
fn check_timers(config: &Config) -> Result<(), LaunchError> {
    let mut groups = config.groups.iter();
    let Some(fast) = groups.find(|group| group.interval < INTERVAL_WITHOUT_REAL_TIME_MIN) else {
        return Ok(());
    };
    if runtime::thread::grants_real_time() {
        return Ok(());
    }
    Err(LaunchError::FastTimers {
        group: fast.name.clone(),
        interval_ms: fast.interval.as_millis() as u64,
    })
}

/// Where the kernel keeps the tables in pages of 4 KiB, a look-up among many mappings walks page
/// tables: a million cost half as much again (docs/benchmarks.md).
fn warn_of_small_pages() {
    const SWITCH: &str = "/sys/kernel/mm/transparent_hugepage/enabled";
    if std::fs::read_to_string(SWITCH).is_ok_and(|modes| modes.contains("[never]")) {
        tracing::warn!(
            "the kernel gives no large pages for the tables, so packets among many mappings cost more: \
             write madvise to {SWITCH}"
        );
    }
}

/// Takes the calling thread off these cores, if it may use others. The threads
/// that it starts from then on stay with it: a controller that preempts a worker
/// delays packets.
fn leave_cores(workers: &[u16]) -> std::io::Result<()> {
    CpuSet::of_current_thread()?
        .away_from(workers)
        .apply_to_current_thread()
}

/// The workers' threads. They end with this.
struct Pollers {
    stop: Arc<AtomicBool>,
    workers: Vec<dpdk::Worker<Worker<DpdkIo>>>,
}

impl Pollers {
    fn launch(
        eal: &Eal,
        config: &Config,
        workers: Vec<Worker<DpdkIo>>,
        mut frames: Option<FrameWait>,
    ) -> Result<Self, LaunchError> {
        let mut pollers = Self {
            stop: Arc::default(),
            workers: Vec::new(),
        };
        for (index, worker) in workers.into_iter().enumerate() {
            let idle = Idle::new(config.host.poll, frames.take());
            let stop = Arc::clone(&pollers.stop);
            let run = move || poller::run(worker, idle, &stop);
            pollers
                .workers
                .push(eal.launch(index, &format!("worker-{index}"), run)?);
        }
        Ok(pollers)
    }
}

impl Drop for Pollers {
    /// Stops all, then takes the queues back, so that the ports can close.
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for worker in self.workers.drain(..) {
            if worker.join().is_err() {
                tracing::error!("a worker had ended by a panic");
            }
        }
    }
}
