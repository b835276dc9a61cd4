//! A host whose ports are in memory, one packet at a time.

use std::sync::Arc;
use std::time::Duration;

use config::Config;
use tables::counters::WorkerCounters;
use tables::notice::{Notice, NoticeReceiver, notice_ring};
use tables::punt::{PuntReceiver, punt_ring};
use tables::{PathMtus, PortIndex, Publisher, Snapshot};
use wire::drop_reason::DropReason;
use wire::ethernet::MacAddress;
use wire::packet::{HeapPacket, Packet};
use worker::memory::MemoryIo;
use worker::{Assignment, Worker, WorkerIndex};

use crate::verdict::{Totals, Verdict};

/// The uplink's own MAC where the configuration names none.
const UPLINK_MAC: MacAddress = MacAddress([0x02, 0, 0, 0, 0, 0]);

/// Room for the frame that is punted, which is then looked at by nobody.
const PUNT_RING_BYTES: usize = 1 << 18;

/// Room for what one packet teaches.
const NOTICES: usize = 4;

/// A host as its configuration describes it, with nobody at its ports.
pub struct Host {
    port_names: Vec<String>,
    worker: Worker<MemoryIo>,
    counters: Arc<WorkerCounters>,
    controller: PuntReceiver,
    punted: Vec<u8>,
    publisher: Publisher,
    noticed: NoticeReceiver,
    totals: Totals,
}

/// What became of a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// In a word.
    pub verdict: Verdict,
    /// Why it was dropped, if it was.
    pub reason: Option<DropReason>,
    /// The frames that left for it and their ports, in the order of the ports.
    pub out: Vec<(PortIndex, Vec<u8>)>,
}

impl Host {
    /// The host, freshly started.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        let uplink_mac = config.uplink.mac.unwrap_or(UPLINK_MAC);
        let mut publisher = Publisher::new(knowledge::first_snapshot(config, uplink_mac));
        let guests = config.ports.iter().map(|port| port.name.clone());
        let port_names: Vec<String> = std::iter::once("uplink".to_owned()).chain(guests).collect();
        let groups = publisher.current().groups.len();
        let hosts = config.fabric.hosts.len();
        let counters = WorkerCounters::with_groups(port_names.len(), groups, hosts);
        let (to_controller, controller) = punt_ring(PUNT_RING_BYTES);
        let (notices, noticed) = notice_ring(NOTICES);
        let assignment = Assignment {
            index: WorkerIndex(0),
            workers: 1,
            port_owners: &vec![WorkerIndex(0); config.ports.len()],
            tables: publisher.reader(),
            counters: Arc::clone(&counters),
            to_controller,
            from_controller: None,
            notices,
        };
        let worker = Worker::new(MemoryIo::new(port_names.len()), assignment);
        let totals = Totals::of(&counters);
        Self {
            port_names,
            worker,
            counters,
            controller,
            punted: Vec::new(),
            publisher,
            noticed,
            totals,
        }
    }

    /// The names of its ports: `uplink`, then `network/node` in the order of the configuration.
    #[must_use]
    pub fn port_names(&self) -> &[String] {
        &self.port_names
    }

    /// The port of this name.
    #[must_use]
    pub fn port(&self, name: &str) -> Option<PortIndex> {
        let at = self.port_names.iter().position(|known| known == name)?;
        Some(port_index(at))
    }

    /// Lets the host receive a frame at a port at this time, which never goes back.
    pub fn handle(&mut self, port: PortIndex, time: Duration, frame: &[u8]) -> Outcome {
        let now_ns = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.forget(now_ns);
        let io = self.worker.io();
        io.port(port).incoming.push_back(HeapPacket::new(frame));
        io.now_ns = now_ns;
        self.worker.run_once();
        self.controller.pop(&mut self.punted);
        self.learn(now_ns);

        let mut out = Vec::new();
        for port in (0..self.port_names.len()).map(port_index) {
            let sent = self.worker.io().port(port).sent.drain(..);
            out.extend(sent.map(|frame| (port, frame.bytes().to_vec())));
        }
        let totals = Totals::of(&self.counters);
        let left = out.iter().map(|(port, _)| *port == PortIndex::UPLINK);
        let (verdict, reason) = totals.verdict_since(&self.totals, left);
        self.totals = totals;
        Outcome {
            verdict,
            reason,
            out,
        }
    }

    /// Does what the controller does when a router says that a packet was too big.
    fn learn(&mut self, now_ns: u64) {
        while let Some(notice) = self.noticed.pop() {
            if let Notice::PathMtu { host, mtu } = notice {
                let known = self.publisher.current();
                self.publish(known.path_mtus.lowered(host, mtu, now_ns));
            }
        }
    }

    /// And when that is long ago.
    fn forget(&mut self, now_ns: u64) {
        let known = self.publisher.current();
        self.publish(known.path_mtus.aged(now_ns));
    }

    fn publish(&mut self, path_mtus: Option<PathMtus>) {
        if let Some(path_mtus) = path_mtus {
            let current = (*self.publisher.current()).clone();
            self.publisher.publish(Snapshot {
                path_mtus,
                ..current
            });
        }
    }
}

fn port_index(at: usize) -> PortIndex {
    PortIndex(u16::try_from(at).expect("the configuration has at most 65,535 ports"))
}
