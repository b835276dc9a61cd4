//! How a new snapshot reaches the workers, and who frees the old one.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::{ArcSwap, Cache};
use crossbeam::utils::CachePadded;

use crate::snapshot::Snapshot;

/// The version that one reader is on. Written by that reader only, read by the
/// publisher.
type Position = Arc<CachePadded<AtomicU64>>;

/// The one place from which snapshots are published.
///
/// There is one per process, owned by the controller thread. Old snapshots wait
/// here until no reader can hold them.
#[derive(Debug)]
pub struct Publisher {
    current: Arc<ArcSwap<Snapshot>>,
    readers: Vec<Position>,
    retired: Vec<Arc<Snapshot>>,
}

impl Publisher {
    /// Starts with `first`, as version 1.
    pub fn new(mut first: Snapshot) -> Self {
        first.version = 1;
        Self {
            current: Arc::new(ArcSwap::from_pointee(first)),
            readers: Vec::new(),
            retired: Vec::new(),
        }
    }

    /// A reader for one worker. Made before the worker starts.
    pub fn reader(&mut self) -> Reader {
        let position = Position::default();
        self.readers.push(Arc::clone(&position));
        Reader {
            cache: Cache::new(Arc::clone(&self.current)),
            position,
            seen: 0,
        }
    }

    /// For threads that look now and then, off the packet path (status).
    pub fn observer(&self) -> Observer {
        Observer {
            current: Arc::clone(&self.current),
            readers: self.readers.clone().into(),
        }
    }

    /// The snapshot that is published now.
    pub fn current(&self) -> Arc<Snapshot> {
        self.current.load_full()
    }

    /// Publishes the successor of the current snapshot and returns its version.
    /// Frees what every reader has left behind.
    pub fn publish(&mut self, mut next: Snapshot) -> u64 {
        let version = self.current.load().version + 1;
        next.version = version;
        let previous = self.current.swap(Arc::new(next));
        self.retired.push(previous);
        self.retire();
        version
    }

    /// Frees the old snapshots that nobody holds any more; returns how many
    /// still wait. Called from time to time, since a worker moves on only at
    /// its next burst.
    pub fn retire(&mut self) -> usize {
        let oldest = self
            .readers
            .iter()
            .map(|reader| reader.load(Ordering::Acquire))
            .min();
        self.retired.retain(|snapshot| {
            let passed = oldest.is_none_or(|version| version > snapshot.version);
            // An observer may hold it for a moment longer; it must not be the
            // one who frees it.
            !passed || Arc::strong_count(snapshot) > 1
        });
        self.retired.len()
    }
}

/// A worker's view: one load a burst, about a nanosecond while nothing changes.
pub struct Reader {
    cache: Cache<Arc<ArcSwap<Snapshot>>, Arc<Snapshot>>,
    position: Position,
    seen: u64,
}

impl Reader {
    /// The newest snapshot. Says to the publisher which one this reader is on.
    #[inline]
    pub fn load(&mut self) -> &Snapshot {
        let snapshot = self.cache.load();
        if snapshot.version != self.seen {
            self.seen = snapshot.version;
            // Release: what was read from older versions happens before.
            self.position.store(snapshot.version, Ordering::Release);
        }
        snapshot
    }
}

/// A view for cold paths.
#[derive(Clone, Debug)]
pub struct Observer {
    current: Arc<ArcSwap<Snapshot>>,
    readers: Arc<[Position]>,
}

impl Observer {
    /// The snapshot that is published now.
    pub fn current(&self) -> Arc<Snapshot> {
        self.current.load_full()
    }

    /// The version that each worker is on, in the order of the readers' making;
    /// 0 before its first burst.
    pub fn versions(&self) -> impl Iterator<Item = u64> + '_ {
        self.readers
            .iter()
            .map(|reader| reader.load(Ordering::Acquire))
    }
}

#[cfg(test)]
mod tests;
