//! Has every worker passed the moment at which something changed?

use std::sync::Arc;
use std::sync::atomic::{Ordering, fence};

use crate::counters::WorkerCounters;
use crate::publication::Observer;

/// A moment of the workers' loops. Once it is passed, everything that a worker
/// judged by an older snapshot or lease has been handed to its device.
#[derive(Clone, Debug)]
pub struct Boundary {
    version: u64,
    /// By worker, the number of rounds that lies behind the moment.
    rounds: Box<[u64]>,
}

/// Rounds until one has begun and ended after the moment: the one that was
/// under way, and the one after it.
const ROUNDS: u64 = 2;

impl Boundary {
    /// The moment now, for what was published or stored before the call.
    /// `tables` and `workers` are those of the same workers in the same order.
    #[must_use]
    pub fn after_now(tables: &Observer, workers: &[Arc<WorkerCounters>]) -> Self {
        // What was stored before is seen by every round that begins after the
        // counts that are read now. Workers have the other half of this.
        fence(Ordering::SeqCst);
        Self {
            version: tables.current().version,
            rounds: workers
                .iter()
                .map(|worker| worker.worker.rounds.get() + ROUNDS)
                .collect(),
        }
    }

    /// Whether every worker has passed it. A worker that stands still never
    /// does.
    #[must_use]
    pub fn is_passed(&self, tables: &Observer, workers: &[Arc<WorkerCounters>]) -> bool {
        let rounds = self.rounds.iter().zip(workers);
        tables.versions().all(|version| version >= self.version)
            && rounds
                .into_iter()
                .all(|(rounds, worker)| worker.worker.rounds.get() >= *rounds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::publication::Publisher;
    use crate::snapshot::tests::snapshot;

    #[test]
    fn it_is_passed_when_every_worker_did_a_whole_round_on_the_new_version() {
        let mut publisher = Publisher::new(snapshot());
        let mut readers = [publisher.reader(), publisher.reader()];
        let workers: Vec<_> = readers.iter().map(|_| WorkerCounters::new(1)).collect();
        let observer = publisher.observer();
        for reader in &mut readers {
            reader.load();
        }
        publisher.publish(snapshot());
        let boundary = Boundary::after_now(&observer, &workers);
        for worker in &workers {
            worker.worker.rounds.add(2);
        }
        assert!(!boundary.is_passed(&observer, &workers), "old snapshot");
        readers[0].load();
        assert!(!boundary.is_passed(&observer, &workers), "one of two");
        readers[1].load();
        assert!(boundary.is_passed(&observer, &workers));

        let boundary = Boundary::after_now(&observer, &workers);
        workers[0].worker.rounds.add(2);
        workers[1].worker.rounds.add(1);
        assert!(!boundary.is_passed(&observer, &workers), "under way");
        workers[1].worker.rounds.add(1);
        assert!(boundary.is_passed(&observer, &workers));
    }
}
