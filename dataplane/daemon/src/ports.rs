//! The devices of a host, opened.

use config::{Config, Memory};
use dpdk::device::Device;
use dpdk::port::{self, PortError};
use dpdk::{Eal, EalOptions, Mempool, Port, PortOptions};
use queues::QueuePair;
use wire::ethernet::MacAddress;
use worker::WorkerIndex;

use crate::host_view::OpenPort;
use crate::launch::LaunchError;

/// Descriptors of a queue, unless the configuration says otherwise: a tenth of
/// a second's worth at 20,000 packets a second, since on a shared machine a
/// worker can lose its core for that long.
const DESCRIPTORS_DEFAULT: u16 = 2048;

/// Buffers of a port beyond its descriptors: bursts on their way, the threads'
/// caches, and what af_xdp keeps for the kernel.
const MBUFS_BESIDE_DESCRIPTORS: u32 = 4096;

/// Buffers that each thread keeps at hand.
const MBUF_CACHE: u32 = 256;

/// How DPDK is started for this configuration.
pub(crate) fn eal_options(config: &Config) -> EalOptions {
    let guests = config.ports.iter().map(|port| port.device.clone());
    EalOptions {
        program: "understudyd".to_owned(),
        file_prefix: file_prefix(config),
        memory: match config.host.memory {
            Memory::HugePages { mib } => dpdk::Memory::HugePages { mib },
            Memory::Ordinary { mib } => dpdk::Memory::Ordinary { mib },
        },
        worker_cores: config.host.workers.clone(),
        devices: std::iter::once(config.uplink.device.clone())
            .chain(guests)
            .collect(),
        telemetry: false,
    }
}

/// Under which name DPDK keeps its files: the host's, by which captures attach. Nothing attaches to
/// ordinary memory, so there it is the process's own, and a daemon beside another of its name does
/// not remove that one's files when it ends.
fn file_prefix(config: &Config) -> String {
    let name = &config.host.name;
    match config.host.memory {
        Memory::HugePages { .. } => format!("understudy-{name}"),
        Memory::Ordinary { .. } => format!("understudy-{name}-{}", std::process::id()),
    }
}

/// The ports of a host, the uplink first.
pub(crate) struct Ports {
    /// They close when this is dropped, after their queues.
    pub(crate) handles: Vec<Port>,
    /// What the local API tells about them.
    pub(crate) described: Vec<OpenPort>,
    /// By port: one pair for each worker at the uplink, one at a guest port.
    pub(crate) queues: Vec<Vec<QueuePair>>,
    /// For each guest port, the worker that owns it.
    pub(crate) owners: Vec<WorkerIndex>,
    /// The uplink's buffers.
    pub(crate) pool: Mempool,
    /// Whether the uplink's device sends chains of buffers.
    pub(crate) uplink_chains: bool,
}

/// What a port is to be.
struct Plan<'a> {
    name: &'a str,
    device: &'a str,
    queues: u16,
    rx_descriptors: u16,
    tx_descriptors: u16,
    /// Packets received here that may wait in the transmit queues of others.
    waiting_elsewhere: u32,
    /// Buffers that the configuration wants at least.
    mbufs_min: u32,
    mtu: u16,
    /// The lcore that polls it, if it is one.
    lcore: Option<u16>,
    /// Whether frames come to other addresses than the device's own.
    promiscuous: bool,
}

impl Ports {
    /// Opens and starts all devices.
    ///
    /// # Errors
    /// The first device that cannot be had as it is configured.
    pub(crate) fn open(eal: &Eal, config: &Config) -> Result<Self, LaunchError> {
        let workers = &config.host.workers;
        let uplink = &config.uplink;
        let plan = Plan {
            name: "uplink",
            device: &uplink.device,
            queues: workers.len() as u16,
            rx_descriptors: descriptors(uplink.rx_descriptors),
            tx_descriptors: descriptors(uplink.tx_descriptors),
            // What came from the substrate waits in the guests' queues; copies,
            // of up to two buffers, wait in its own.
            waiting_elsewhere: config
                .ports
                .iter()
                .map(|port| u32::from(descriptors(port.tx_descriptors)))
                .sum::<u32>()
                + 2 * u32::from(descriptors(uplink.tx_descriptors)) * workers.len() as u32,
            mbufs_min: uplink.mbufs_min.unwrap_or(0),
            mtu: uplink.mtu,
            lcore: None,
            promiscuous: uplink.mac.is_some(),
        };
        let pool = plan.pool(eal, 0)?;
        let mut ports = Self {
            handles: Vec::new(),
            described: Vec::new(),
            queues: Vec::new(),
            owners: owners(config),
            pool: pool.clone(),
            uplink_chains: false,
        };
        ports.start(eal, &plan, &pool)?;
        ports.uplink_chains = ports.handles[0].capabilities().chained_tx;
        for (index, port) in config.ports.iter().enumerate() {
            let (network, node) = knowledge::behind(config, port);
            let plan = Plan {
                name: &port.name,
                device: &port.device,
                queues: 1,
                rx_descriptors: descriptors(port.rx_descriptors),
                tx_descriptors: descriptors(port.tx_descriptors),
                // At the uplink, or at a neighbour's port.
                waiting_elsewhere: descriptors(uplink.tx_descriptors).into(),
                mbufs_min: port.mbufs_min.unwrap_or(0),
                mtu: network.subnets[node.subnet].mtu,
                lcore: Some(workers[usize::from(ports.owners[index].0)]),
                // A guest sends to the virtual MACs of others.
                promiscuous: true,
            };
            let pool = plan.pool(eal, index + 1)?;
            ports.start(eal, &plan, &pool)?;
        }
        Ok(ports)
    }

    /// The Ethernet address under which this host is known on the uplink.
    pub(crate) fn uplink_mac(&self, config: &Config) -> MacAddress {
        config.uplink.mac.unwrap_or(self.described[0].mac)
    }

    fn start(&mut self, eal: &Eal, plan: &Plan<'_>, pool: &Mempool) -> Result<(), LaunchError> {
        let options = PortOptions {
            rx_queues: plan.queues,
            tx_queues: plan.queues,
            rx_descriptors: plan.rx_descriptors,
            tx_descriptors: plan.tx_descriptors,
            mtu: plan.mtu,
            promiscuous: plan.promiscuous,
        };
        let pools = vec![pool.clone(); usize::from(plan.queues)];
        let started = Port::start(eal, plan.device, &options, &pools);
        let (port, rx, tx) = started.map_err(|source| plan.failed(source))?;
        self.described.push(OpenPort {
            name: plan.name.to_owned(),
            device: plan.device.to_owned(),
            driver: port.capabilities().driver.clone(),
            mac: MacAddress(port.mac()),
            lcore: plan.lcore,
            statistics: port.statistics(),
        });
        self.queues.push(
            rx.into_iter()
                .zip(tx)
                .map(|(rx, tx)| QueuePair { rx, tx })
                .collect(),
        );
        self.handles.push(port);
        Ok(())
    }
}

impl Plan<'_> {
    fn failed(&self, source: PortError) -> LaunchError {
        LaunchError::Port {
            name: self.name.to_owned(),
            source: Box::new(source),
        }
    }

    /// The buffers of the port `index`.
    fn pool(&self, eal: &Eal, index: usize) -> Result<Mempool, LaunchError> {
        let own = u32::from(self.rx_descriptors) * u32::from(self.queues);
        let mbufs = own + self.waiting_elsewhere + MBUFS_BESIDE_DESCRIPTORS;
        let mbufs = mbufs.max(self.mbufs_min);
        // One less than a power of two is what a pool's ring holds best.
        let mbufs = mbufs.next_power_of_two() - 1;
        let data_room = port::data_room(self.device, self.mtu).map_err(|e| self.failed(e))?;
        let numa_node = self
            .device
            .parse::<Device>()
            .ok()
            .and_then(|device| device.numa_node());
        Ok(Mempool::create(
            eal,
            &format!("port{index}"),
            mbufs,
            MBUF_CACHE,
            data_room,
            numa_node,
        )?)
    }
}

/// The size of a queue, as configured or not.
fn descriptors(configured: Option<u16>) -> u16 {
    configured.unwrap_or(DESCRIPTORS_DEFAULT)
}

/// Which worker owns which guest port: the one that the configuration names,
/// else each in turn.
fn owners(config: &Config) -> Vec<WorkerIndex> {
    let workers = &config.host.workers;
    let owner = |(index, port): (usize, &config::Port)| {
        let named = workers.iter().position(|lcore| Some(*lcore) == port.worker);
        WorkerIndex(named.unwrap_or(index % workers.len()) as u16)
    };
    config.ports.iter().enumerate().map(owner).collect()
}
