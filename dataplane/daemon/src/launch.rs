//! Bringing a host up, and down again in the opposite order.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use api::server::Lock;
use config::{Config, Memory};
use dpdk::port::PortError;
use dpdk::ring::RingError;
use dpdk::thread::CpuSet;
use dpdk::{Eal, Port};
use parking_lot::Mutex;
use runtime::controller::{Channels, Controller};
use runtime::thread::ControllerThread;
use runtime::uplink::{HostConfig, HostStack};
use tables::Publisher;
use tables::counters::WorkerCounters;
use worker::Worker;

use crate::agent::TableAgent;
use crate::clock::{ProcessClock, Uptime};
use crate::controller_counters::ControllerCounters;
use crate::dpdk_io::DpdkIo;
use crate::ports::{Ports, eal_options};
use crate::service::{BoundService, Service};
use crate::status::View;
use crate::wiring::{self, Shared, Wired};
use crate::{knowledge, poller};

/// Commands of the local API that may wait for the controller.
const COMMANDS_MAX: usize = 64;

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
        let lock = service.lock();
        let eal = Eal::start(&eal_options(&config))?;
        if matches!(config.host.memory, Memory::HugePages { .. }) && !eal.allows_capture() {
            tracing::warn!("dpdk-dumpcap cannot attach: DPDK's packet capture did not start");
        }
        leave_cores(&config.host.workers)?;
        let ports = Ports::open(&eal, &config)?;
        let uplink_mac = ports.uplink_mac(&config);
        let mut publisher = Publisher::new(knowledge::first_snapshot(&config, uplink_mac));
        let Wired {
            workers,
            counters,
            punted,
            // Nothing is fenced before there are groups.
            notices: _,
            transmit,
        } = wiring::wire(
            &eal,
            &config,
            ports.queues,
            &Shared {
                owners: &ports.owners,
                pool: &ports.pool,
                uplink_chains: ports.uplink_chains,
                clock: ProcessClock::start(),
            },
            &mut publisher,
        )?;

        let controller_counters = Arc::new(ControllerCounters::default());
        let (commands, executed) = rtrb::RingBuffer::new(COMMANDS_MAX);
        let view = View {
            config: Arc::clone(&config),
            ports: ports.described,
            counters: counters.clone(),
            controller: Arc::clone(&controller_counters),
            tables: publisher.observer(),
            commands: Mutex::new(commands),
            uptime: Uptime::start(),
        };
        let stack = HostStack::new(&HostConfig {
            mac: uplink_mac,
            uplink_address: config.uplink.address,
            control_address: publisher.current().host.control_address,
            next_hop: config.uplink.next_hop,
            next_hop_mac: config.uplink.next_hop_mac,
            mtu_bytes: config.uplink.mtu,
            seed: RandomState::new().hash_one(std::process::id()),
        });
        let agent = TableAgent::new(Arc::clone(&config), publisher, controller_counters);
        let channels = Channels {
            punted,
            transmit,
            commands: executed,
        };
        let controller = ControllerThread::spawn(Controller::new(stack, agent, channels))?;
        let pollers = Pollers::launch(&eal, &config, workers)?;
        let service = service.serve(view)?;
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
    ) -> Result<Self, LaunchError> {
        let mut pollers = Self {
            stop: Arc::default(),
            workers: Vec::new(),
        };
        for (index, worker) in workers.into_iter().enumerate() {
            let (poll, stop) = (config.host.poll, Arc::clone(&pollers.stop));
            let run = move || poller::run(worker, poll, &stop);
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
