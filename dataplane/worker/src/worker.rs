//! One worker: poll, process, flush, again.

use std::sync::Arc;
use std::sync::atomic::{Ordering, fence};

use tables::counters::WorkerCounters;
use tables::notice::NoticeSender;
use tables::punt::{PuntReceiver, PuntSender};
use tables::{PortIndex, Reader};

use crate::icmp::Allowances;
use crate::io::{BurstIo, WorkerIndex};
use crate::multicast::Many;
use crate::output::Outputs;
use crate::path::{LocalIds, Path};
use crate::replication::Replication;

/// What one worker is responsible for, fixed at launch.
pub struct Assignment<'a> {
    /// Which worker this is.
    pub index: WorkerIndex,
    /// How many there are.
    pub workers: u16,
    /// For each guest port in order, the worker that owns it.
    pub port_owners: &'a [WorkerIndex],
    /// Its view of the tables.
    pub tables: Reader,
    /// Its counters; it is their only writer.
    pub counters: Arc<WorkerCounters>,
    /// Frames for the controller.
    pub to_controller: PuntSender,
    /// Frames from the controller, to be sent at the uplink; it uses one worker
    /// for all.
    pub from_controller: Option<PuntReceiver>,
    /// What else the controller should know.
    pub notices: NoticeSender,
}

/// Longest frame that the controller sends, for which memory is set aside.
const INJECTED_FRAME_BYTES_MAX: usize = 1 << 16;

/// A worker, ready to run.
pub struct Worker<Io: BurstIo> {
    tables: Reader,
    path: Path<Io>,
    guest_ports: Box<[PortIndex]>,
    last_round_ns: Option<u64>,
}

impl<Io: BurstIo> Worker<Io> {
    /// A worker over the queues of `io`. Sets aside what the groups of the
    /// present snapshot may need.
    pub fn new(io: Io, assignment: Assignment<'_>) -> Self {
        let Assignment {
            index,
            workers,
            port_owners,
            mut tables,
            counters,
            to_controller,
            from_controller,
            notices,
        } = assignment;
        let guest_ports: Box<[PortIndex]> = (1..)
            .map(PortIndex)
            .zip(port_owners)
            .filter(|(_, owner)| **owner == index)
            .map(|(port, _)| port)
            .collect();
        let snapshot = tables.load();
        let bounced_ns = vec![0; snapshot.path_mtus.hosts()].into();
        let replication = Replication::new(snapshot, &counters, workers);
        let many = Many::new(snapshot, &guest_ports, io.now_ns());
        let path = Path {
            io,
            counters,
            outputs: Outputs::new(index, port_owners),
            local_ids: LocalIds::new(1 + port_owners.len(), index.0, workers),
            replication,
            many,
            allowances: Allowances::new(1 + port_owners.len()),
            bounced_ns,
            notices,
            to_controller,
            from_controller,
            injected_frame: Vec::with_capacity(INJECTED_FRAME_BYTES_MAX),
        };
        Self {
            tables,
            path,
            guest_ports,
            last_round_ns: None,
        }
    }

    /// One round over all queues: a burst from the controller, then what members
    /// kept, then a burst from the uplink, from the other workers, and from each
    /// guest port. Returns how many packets it moved; 0 means that there was
    /// nothing to do.
    pub fn run_once(&mut self) -> usize {
        let Self {
            tables,
            path,
            guest_ports,
            ..
        } = self;
        let now_ns = path.io.now_ns();
        tables.begin_round(now_ns);
        let mut moved = path.inject();
        moved += path.serve_buffers(tables.load(), now_ns);
        // The uplink first: control messages must not wait behind guests.
        moved += path.substrate_burst(tables.load());
        moved += path.forward_handed_over();
        path.flush_all();
        for port in guest_ports {
            moved += path.guest_burst(tables.load(), *port);
            path.flush_all();
        }
        if !tables.load().groups.is_empty() {
            // Between what this round read and that it is counted: the other
            // half of `tables::boundary`.
            fence(Ordering::SeqCst);
        }
        self.count_round(now_ns, moved);
        moved
    }

    /// Does what is due by the clock and not by packets: asks nodes what they listen to. To be
    /// called many times a second.
    pub fn keep_house(&mut self) {
        let now_ns = self.path.io.now_ns();
        self.path.ask_nodes(self.tables.load(), now_ns);
        self.path.flush_all();
    }

    fn count_round(&mut self, now_ns: u64, moved: usize) {
        let counters = &self.path.counters.worker;
        counters.rounds.add(1);
        if moved > 0 {
            counters.busy_rounds.add(1);
        }
        if let Some(last) = self.last_round_ns.replace(now_ns) {
            counters
                .longest_gap_ns
                .raise_to(now_ns.saturating_sub(last));
        }
    }

    /// The queues, for tests and the replay, which fill and empty them.
    pub fn io(&mut self) -> &mut Io {
        &mut self.path.io
    }
}
