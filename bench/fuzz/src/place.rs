//! The hosts that the targets run: the worlds of the corpus, with a worker over ports in memory.

use std::path::Path;
use std::sync::Arc;

use config::Config;
use corpus::World;
use tables::counters::WorkerCounters;
use tables::notice::{NoticeReceiver, notice_ring};
use tables::punt::{PuntReceiver, punt_ring};
use tables::{PortIndex, Publisher, Snapshot};
use wire::drop_reason::DropReason;
use wire::ethernet::MacAddress;
use wire::packet::{HeapPacket, Packet};
use worker::memory::MemoryIo;
use worker::{Assignment, Worker, WorkerIndex};

/// A configuration, as the program and as the reference read it.
pub(crate) struct Place {
    pub(crate) world: World,
    pub(crate) config: Config,
    /// Its ports by name, the uplink first.
    pub(crate) ports: Vec<String>,
}

impl Place {
    /// A world of the corpus by name.
    pub(crate) fn load(name: &str) -> Self {
        let worlds = Path::new(env!("CARGO_MANIFEST_DIR")).join("../corpus/worlds");
        let path = worlds.join(format!("{name}.toml"));
        let world = World::load(&path).unwrap_or_else(|what| panic!("{what}"));
        let config = config::load(&path);
        let config = config.unwrap_or_else(|errors| panic!("{}", errors.report(false)));
        let ports = world.ports().map(str::to_owned).collect();
        Self {
            world,
            config,
            ports,
        }
    }

    /// What the host knows when it starts.
    pub(crate) fn snapshot(&self) -> Snapshot {
        let mac = self
            .config
            .uplink
            .mac
            .unwrap_or(MacAddress([2, 0, 0, 0, 0, 0]));
        let mut snapshot = knowledge::first_snapshot(&self.config, mac);
        // Set aside for each run: what members may keep by default would be most of its time.
        let mut groups = snapshot.groups.to_vec();
        for member in groups.iter_mut().filter_map(|group| group.local.as_mut()) {
            member.limits.packets = BUFFER_PACKETS;
            member.limits.bytes = BUFFER_BYTES;
        }
        snapshot.groups = groups.into();
        snapshot
    }
}

/// A host that has just started.
pub(crate) struct Host {
    pub(crate) worker: Worker<MemoryIo>,
    pub(crate) counters: Arc<WorkerCounters>,
    pub(crate) publisher: Publisher,
    pub(crate) controller: PuntReceiver,
    _notices: NoticeReceiver,
    ports: usize,
}

/// What a member keeps at most: more than a run sends.
const BUFFER_PACKETS: u32 = 256;
const BUFFER_BYTES: u32 = 1 << 19;
/// Room for what a run punts.
const PUNT_RING_BYTES: usize = 1 << 18;

impl Host {
    pub(crate) fn new(snapshot: Snapshot) -> Self {
        let ports = 1 + snapshot.nodes.len();
        // Hosts of the fabric: no world has more.
        let counters = WorkerCounters::with_groups(ports, snapshot.groups.len(), 4);
        let (to_controller, controller) = punt_ring(PUNT_RING_BYTES);
        let (notices, noticed) = notice_ring(64);
        let mut publisher = Publisher::new(snapshot);
        let assignment = Assignment {
            index: WorkerIndex(0),
            workers: 1,
            port_owners: &vec![WorkerIndex(0); ports - 1],
            tables: publisher.reader(),
            counters: Arc::clone(&counters),
            to_controller,
            from_controller: None,
            notices,
        };
        Self {
            worker: Worker::new(MemoryIo::new(ports), assignment),
            counters,
            publisher,
            controller,
            _notices: noticed,
            ports,
        }
    }

    /// Its ports, the uplink first.
    pub(crate) fn ports(&self) -> impl Iterator<Item = PortIndex> + use<> {
        (0..self.ports as u16).map(PortIndex)
    }

    /// Puts a frame where the worker will receive it.
    pub(crate) fn offer(&mut self, port: PortIndex, frame: &[u8]) {
        let incoming = &mut self.worker.io().port(port).incoming;
        incoming.push_back(HeapPacket::new(frame));
    }

    /// Takes what was sent at a port.
    pub(crate) fn sent(&mut self, port: PortIndex) -> Vec<Vec<u8>> {
        let sent = std::mem::take(&mut self.worker.io().port(port).sent);
        sent.iter().map(|packet| packet.bytes().to_vec()).collect()
    }

    /// Every drop so far: where, why, how many.
    pub(crate) fn drops(&self) -> Vec<(PortIndex, DropReason, u64)> {
        let ports = self.counters.ports();
        let of = |(port, counters): (PortIndex, &tables::counters::PortCounters)| {
            DropReason::ALL.map(|reason| (port, reason, counters.dropped(reason)))
        };
        ports.flat_map(of).filter(|drop| drop.2 > 0).collect()
    }

    /// That every packet has one fate, and every kept frame too.
    pub(crate) fn assert_balanced(&self) {
        let (counters, worker) = (&self.counters, &self.counters.worker);
        let ports = || counters.ports().map(|(_, port)| port);
        let received: u64 = ports().map(|port| port.received.packets.get()).sum();
        let sent: u64 = ports().map(|port| port.transmitted.packets.get()).sum();
        let dropped: u64 = self.drops().iter().map(|drop| drop.2).sum();
        let kept = counters.groups().map(|group| {
            group.held.packets.get() + group.checkpointed.get() + group.discarded.get()
        });
        assert_eq!(
            received + worker.injected.get() + worker.copied.get() + worker.generated.get(),
            sent + worker.punted.get() + dropped + kept.sum::<u64>(),
            "received, injected, copied and generated against sent {sent}, dropped {dropped}, punted and kept"
        );
        for group in counters.groups() {
            assert_eq!(
                group.buffered.packets.get(),
                group.held.packets.get()
                    + group.released.get()
                    + group.passed_on.get()
                    + group.checkpointed.get()
                    + group.discarded.get()
                    + group.expired.get(),
                "what a member's buffer took, against what became of it"
            );
        }
    }
}
