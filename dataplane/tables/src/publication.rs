//! How a new snapshot reaches the workers, and who frees the old one.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::{ArcSwap, Cache};
use crossbeam::utils::CachePadded;

use crate::delays::Delays;
use crate::snapshot::Snapshot;

/// The version that one reader is on. Written by that reader only, read by the
/// publisher.
type Position = Arc<CachePadded<AtomicU64>>;

/// What tells publisher and readers the time, in nanoseconds.
pub type Clock = Arc<dyn Fn() -> u64 + Send + Sync>;

/// The one place from which snapshots are published.
///
/// There is one per process, owned by the controller thread. Old snapshots wait
/// here until no reader can hold them.
pub struct Publisher {
    current: Arc<ArcSwap<Snapshot>>,
    readers: Vec<Position>,
    retired: Vec<Arc<Snapshot>>,
    /// `None` where nobody wants to know how long anything takes.
    clock: Option<Clock>,
    /// How long it took to build and to publish a version.
    built: Arc<Delays>,
    /// By reader.
    taken_up: Vec<Arc<TakenUp>>,
}

/// How soon a reader takes versions up.
#[derive(Debug, Default)]
pub struct TakenUp {
    /// From a version's publication to the reader's first look at it.
    pub after: Delays,
    /// How much of that is more than the round took in which the version was published: nothing,
    /// but for the time that news takes from core to core.
    pub late: Delays,
}

impl Publisher {
    /// Starts with `first`, as version 1.
    pub fn new(mut first: Snapshot) -> Self {
        first.version = 1;
        Self {
            current: Arc::new(ArcSwap::from_pointee(first)),
            readers: Vec::new(),
            retired: Vec::new(),
            clock: None,
            built: Arc::default(),
            taken_up: Vec::new(),
        }
    }

    /// The same, which measures by `clock` how long its versions take. Before any reader is made.
    #[must_use]
    pub fn timed(mut self, clock: Clock) -> Self {
        debug_assert!(self.readers.is_empty(), "a reader without a clock");
        self.clock = Some(clock);
        self
    }

    /// A reader for one worker. Made before the worker starts.
    pub fn reader(&mut self) -> Reader {
        let position = Position::default();
        self.readers.push(Arc::clone(&position));
        let taken_up = Arc::<TakenUp>::default();
        self.taken_up.push(Arc::clone(&taken_up));
        Reader {
            cache: Cache::new(Arc::clone(&self.current)),
            position,
            seen: 0,
            clock: self.clock.clone(),
            rounds_ns: [0; 2],
            taken_up,
        }
    }

    /// For threads that look now and then, off the packet path (status).
    pub fn observer(&self) -> Observer {
        Observer {
            current: Arc::clone(&self.current),
            readers: self.readers.clone().into(),
            built: Arc::clone(&self.built),
            taken_up: self.taken_up.clone().into(),
        }
    }

    /// The snapshot that is published now.
    pub fn current(&self) -> Arc<Snapshot> {
        self.current.load_full()
    }

    /// Publishes what `build` makes of the current snapshot, and returns its version. Counts how
    /// long that took.
    pub fn change(&mut self, build: impl FnOnce(&Snapshot) -> Snapshot) -> u64 {
        let begun_ns = self.now_ns();
        let next = build(&self.current.load());
        let version = self.publish(next);
        if self.clock.is_some() {
            self.built.record(self.now_ns().saturating_sub(begun_ns));
        }
        version
    }

    fn now_ns(&self) -> u64 {
        self.clock.as_ref().map_or(0, |clock| clock())
    }

    /// Publishes the successor of the current snapshot and returns its version.
    /// Frees what every reader has left behind.
    pub fn publish(&mut self, mut next: Snapshot) -> u64 {
        let version = self.current.load().version + 1;
        next.version = version;
        next.published_ns = self.now_ns();
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
    clock: Option<Clock>,
    /// When the round before this one began, and when this one did.
    rounds_ns: [u64; 2],
    taken_up: Arc<TakenUp>,
}

impl Reader {
    /// Says that a round begins, by the publisher's clock.
    #[inline]
    pub fn begin_round(&mut self, now_ns: u64) {
        self.rounds_ns = [self.rounds_ns[1], now_ns];
    }

    /// The newest snapshot. Says to the publisher which one this reader is on.
    #[inline]
    pub fn load(&mut self) -> &Snapshot {
        let snapshot = self.cache.load();
        if snapshot.version != self.seen {
            self.seen = snapshot.version;
            // Release: what was read from older versions happens before.
            self.position.store(snapshot.version, Ordering::Release);
            if let Some(clock) = &self.clock {
                // Once a version, not once a burst.
                let now_ns = clock();
                let after_ns = now_ns.saturating_sub(snapshot.published_ns);
                let round_ns = now_ns.saturating_sub(self.rounds_ns[0]);
                self.taken_up.after.record(after_ns);
                self.taken_up.late.record(after_ns.saturating_sub(round_ns));
            }
        }
        snapshot
    }
}

/// A view for cold paths.
#[derive(Clone, Debug)]
pub struct Observer {
    current: Arc<ArcSwap<Snapshot>>,
    readers: Arc<[Position]>,
    built: Arc<Delays>,
    taken_up: Arc<[Arc<TakenUp>]>,
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

    /// How long [`Publisher::change`] took.
    pub fn built(&self) -> &Delays {
        &self.built
    }

    /// How long after its publication each worker took a version up, in the order of the readers'
    /// making. A version that a newer one overtook is not among them.
    pub fn taken_up(&self) -> impl Iterator<Item = &TakenUp> {
        self.taken_up.iter().map(|taken_up| &**taken_up)
    }
}

#[cfg(test)]
mod tests;
