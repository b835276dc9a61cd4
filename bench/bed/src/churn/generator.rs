//! Changes of mappings over the local socket, at a given rate, from a thread of their own.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use api::client::{Client, ClientError};
use api::{Mapping, MappingBatch, MappingKey, NetworkRef};
use tokio::runtime::Runtime;
use traffic::keys::Keys;
use traffic::world::{self, NETWORK, World};

use crate::clock;

/// The same changes on every run.
const SEED: u64 = 51_966;

/// Of so many batches one adds addresses and one removes them again.
const ROUND: u64 = 10;

/// How fast mappings change.
#[derive(Clone, Copy, Debug)]
pub struct Rate {
    /// Mappings a second.
    pub changes_per_s: u32,
    /// Mappings of a batch.
    pub batch: u32,
}

/// What changes mappings.
pub struct Generator {
    socket: PathBuf,
    world: World,
    changes: Arc<AtomicU64>,
    batches: Arc<AtomicU64>,
}

/// A generator's thread.
pub struct AtWork {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Result<(), String>>,
}

impl AtWork {
    /// Ends it.
    ///
    /// # Errors
    /// A change was refused.
    pub fn end(self) -> Result<(), Box<dyn Error>> {
        self.stop.store(true, Ordering::Relaxed);
        let ended = self.thread.join().map_err(|_| "the generator panicked")?;
        Ok(ended?)
    }
}

impl Generator {
    /// Of changes for the daemon that listens on `socket`, in `world`.
    pub fn new(socket: &Path, world: World) -> Self {
        Self {
            socket: socket.to_owned(),
            world,
            changes: Arc::default(),
            batches: Arc::default(),
        }
    }

    /// Mappings changed so far.
    pub fn changes(&self) -> u64 {
        self.changes.load(Ordering::Relaxed)
    }

    /// Begins to change mappings at this rate.
    pub fn start(&self, rate: Rate) -> AtWork {
        let stop = Arc::<AtomicBool>::default();
        let (stopped, socket, world) = (Arc::clone(&stop), self.socket.clone(), self.world);
        let (changes, batches) = (Arc::clone(&self.changes), Arc::clone(&self.batches));
        let thread = thread::spawn(move || {
            let (runtime, client) = conversation(&socket).map_err(|error| error.to_string())?;
            let every =
                Duration::from_secs_f64(f64::from(rate.batch) / f64::from(rate.changes_per_s));
            let mut due = clock::now();
            while !stopped.load(Ordering::Relaxed) {
                let number = batches.fetch_add(1, Ordering::Relaxed);
                let batch = batch(world, number, rate.batch);
                thread::sleep(due.saturating_duration_since(clock::now()));
                due += every;
                let applied = runtime.block_on(client.apply(&batch));
                let applied = applied.map_err(|error| error.to_string())?;
                changes.fetch_add(applied.changed, Ordering::Relaxed);
            }
            Ok(())
        });
        AtWork { stop, thread }
    }

    /// Makes `count` changes, each by itself, each after the one before was answered.
    ///
    /// # Errors
    /// One was refused.
    pub fn one_by_one(&self, count: u32) -> Result<(), Box<dyn Error>> {
        let (runtime, client) = conversation(&self.socket)?;
        for _ in 0..count {
            // Only moves: what is to be removed must be there.
            let number = self.batches.fetch_add(ROUND, Ordering::Relaxed) / ROUND * ROUND;
            let moved = batch(self.world, number, 1);
            let applied: Result<_, ClientError> = runtime.block_on(client.apply(&moved));
            applied?;
        }
        Ok(())
    }
}

fn conversation(socket: &Path) -> std::io::Result<(Runtime, Client)> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    Ok((runtime, Client::new(socket)))
}

/// Batch `number`: moves of random addresses; the last but one of each round adds addresses above
/// the table's, the last removes those again.
fn batch(world: World, number: u64, size: u32) -> MappingBatch {
    let network = || NetworkRef::Id(NETWORK);
    let beside = |key| world.address_beside((number / ROUND % 16) as u32 * size, key);
    let mapping = |address, host: u32| Mapping {
        network: network(),
        address,
        host: world::other_host(host),
        generation: Some((number / ROUND % 3) as u8 + 1),
    };
    match number % ROUND {
        8 => MappingBatch::Add {
            mappings: (0..size).map(|key| mapping(beside(key), key)).collect(),
        },
        9 => MappingBatch::Remove {
            mappings: (0..size)
                .map(|key| MappingKey {
                    network: network(),
                    address: beside(key),
                })
                .collect(),
        },
        _ => {
            let mut keys = Keys::new(world.mappings(), SEED + number);
            let moved = (0..size).map(|_| {
                let key = keys.next_key();
                mapping(world.address(key), key.wrapping_add(number as u32))
            });
            MappingBatch::Add {
                mappings: moved.collect(),
            }
        }
    }
}
