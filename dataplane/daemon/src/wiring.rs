//! Which worker gets which queues, rings and counters.

use std::sync::Arc;

use config::Config;
use dpdk::{Eal, Mempool, RingConsumer, RingProducer};
use queues::{DpdkIo, ProcessClock, QueuePair, SHARED_FROM_BYTES};
use tables::Publisher;
use tables::counters::WorkerCounters;
use tables::notice::{NoticeReceiver, notice_ring};
use tables::punt::{PuntReceiver, PuntSender, punt_ring};
use worker::{Assignment, Worker, WorkerIndex};

use crate::launch::LaunchError;

/// Packets that one worker may have waiting at another.
const HANDOVER_PACKETS: u32 = 2048;

/// Octets of frames that may wait between a worker and the controller.
const PUNT_RING_BYTES: usize = 1 << 18;

/// Notices that may wait between a worker and the controller.
const NOTICES: usize = 256;

/// Workers that are ready to run, and the controller's ends of their rings.
pub(crate) struct Wired {
    pub(crate) workers: Vec<Worker<DpdkIo>>,
    pub(crate) counters: Vec<Arc<WorkerCounters>>,
    pub(crate) punted: Vec<PuntReceiver>,
    /// From each worker.
    pub(crate) notices: Vec<NoticeReceiver>,
    /// To the first worker, which transmits for the controller.
    pub(crate) transmit: PuntSender,
}

/// What the workers share the ports by.
pub(crate) struct Shared<'a> {
    /// For each guest port, the worker that owns it.
    pub(crate) owners: &'a [WorkerIndex],
    /// The uplink's buffers.
    pub(crate) pool: &'a Mempool,
    /// Whether the uplink's device sends chains of buffers.
    pub(crate) uplink_chains: bool,
    /// The process's clock.
    pub(crate) clock: ProcessClock,
}

/// Distributes `queues` (by port, then by worker at the uplink) over the workers.
pub(crate) fn wire(
    eal: &Eal,
    config: &Config,
    queues: Vec<Vec<QueuePair>>,
    shared: &Shared<'_>,
    publisher: &mut Publisher,
) -> Result<Wired, LaunchError> {
    let (owners, pool) = (shared.owners, shared.pool);
    let groups = publisher.current().groups.len();
    let count = config.host.workers.len();
    let ports = queues.len();
    let shares = shares(queues, owners, count);
    let handovers = Handover::between(eal, count)?;
    let (transmit, from_controller) = punt_ring(PUNT_RING_BYTES);
    let mut from_controller = Some(from_controller);
    let mut wired = Wired {
        workers: Vec::new(),
        counters: Vec::new(),
        punted: Vec::new(),
        notices: Vec::new(),
        transmit,
    };
    for (index, (share, handover)) in (0..).zip(shares.into_iter().zip(handovers)) {
        let io = DpdkIo {
            ports: share.into(),
            pool: pool.clone(),
            shared_from_bytes: shared.uplink_chains.then_some(SHARED_FROM_BYTES),
            clock: shared.clock,
            to_workers: handover.to.into(),
            from_workers: handover.from.into(),
            next_ring: 0,
        };
        let counters = WorkerCounters::with_groups(ports, groups, config.fabric.hosts.len());
        let (notices, noticed) = notice_ring(NOTICES);
        let (to_controller, punted) = punt_ring(PUNT_RING_BYTES);
        let assignment = Assignment {
            index: WorkerIndex(index),
            workers: count as u16,
            port_owners: owners,
            tables: publisher.reader(),
            counters: Arc::clone(&counters),
            to_controller,
            from_controller: from_controller.take(),
            notices,
        };
        wired.workers.push(Worker::new(io, assignment));
        wired.counters.push(counters);
        wired.punted.push(punted);
        wired.notices.push(noticed);
    }
    Ok(wired)
}

/// For each worker its queues, by port.
fn shares(
    queues: Vec<Vec<QueuePair>>,
    owners: &[WorkerIndex],
    workers: usize,
) -> Vec<Vec<Option<QueuePair>>> {
    let mut shares: Vec<Vec<Option<QueuePair>>> = (0..workers).map(|_| Vec::new()).collect();
    for (port, pairs) in queues.into_iter().enumerate() {
        for share in &mut shares {
            share.push(None);
        }
        for (index, pair) in pairs.into_iter().enumerate() {
            let owner = match port.checked_sub(1) {
                Some(guest) => usize::from(owners[guest].0),
                None => index,
            };
            shares[owner][port] = Some(pair);
        }
    }
    shares
}

/// One worker's ends of the rings between workers.
#[derive(Default)]
struct Handover {
    /// By receiver; `None` for itself.
    to: Vec<Option<RingProducer>>,
    /// From each other worker.
    from: Vec<RingConsumer>,
}

impl Handover {
    /// A ring from each worker to each other one.
    fn between(eal: &Eal, workers: usize) -> Result<Vec<Self>, LaunchError> {
        let mut ends: Vec<Self> = (0..workers).map(|_| Self::default()).collect();
        for sender in 0..workers {
            for receiver in 0..workers {
                if sender == receiver {
                    ends[sender].to.push(None);
                    continue;
                }
                let name = format!("handover-{sender}-{receiver}");
                let (producer, consumer) = dpdk::ring::create(eal, &name, HANDOVER_PACKETS)?;
                ends[sender].to.push(Some(producer));
                ends[receiver].from.push(consumer);
            }
        }
        Ok(ends)
    }
}
