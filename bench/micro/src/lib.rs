//! The measured host of [`traffic::world`], with a worker over ports in memory.
//!
//! `cargo bench -p micro` measures its parts: codec, look-up, a whole burst, a change of the
//! tables. Where memory and devices count, `scripts/bench` does.
#![forbid(unsafe_code)]

use std::error::Error;
use std::fs;
use std::sync::Arc;

use config::Config;
use tables::counters::WorkerCounters;
use tables::mappings::Change;
use tables::notice::notice_ring;
use tables::punt::punt_ring;
use tables::{PortIndex, Publisher, Snapshot};
use traffic::frame::{self, FRAME_BYTES_MIN, Flow};
use traffic::keys::Keys;
use traffic::world::{GENERATION, UPLINK_MAC, World};
use wire::packet::HeapPacket;
use worker::memory::MemoryIo;
use worker::{Assignment, BURST_PACKETS_MAX, Worker, WorkerIndex};

/// The guest's port.
pub const GUEST: PortIndex = PortIndex(1);
/// The same flows on every run.
const SEED: u64 = 33;

const HOST_TOML: &str = r#"
include = ["fabric.toml"]
[host]
name = "r"
workers = [1]
[uplink]
device = "net_null0"
address = "2001:db8:0:1::2/64"
next_hop = "2001:db8:0:1::1"
next_hop_mac = "02:00:00:00:01:01"
mtu = 1600
[[port]]
node = "z/guest"
device = "net_null1"
"#;

/// The configuration of the measured host.
///
/// # Errors
/// The world and the configuration have grown apart.
pub fn config(world: World) -> Result<Config, Box<dyn Error>> {
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("r.toml");
    fs::write(directory.path().join("fabric.toml"), world.fabric_toml())?;
    fs::write(&path, HOST_TOML)?;
    config::load(&path).map_err(|errors| errors.report(false).into())
}

/// The changes that bring all mappings in.
#[must_use]
pub fn changes(config: &Config, world: World) -> Vec<Change> {
    let change = |key| {
        let prefix = world.prefix(key);
        let layout = config.fabric.layout;
        let mut hosts = config.fabric.hosts.iter();
        let owner = hosts
            .position(|host| layout.prefix96(&host.locator, world.network().get()) == prefix)
            .unwrap_or_default();
        let address = world.address(key);
        Change::Put(knowledge::entry(
            config,
            world.network(),
            address,
            owner,
            GENERATION,
        ))
    };
    // Owners repeat; looking each of a million up would take longer than the measurement.
    let mut first: Vec<Change> = (0..world.mappings().min(1000)).map(change).collect();
    let period = first.len() as u32;
    for key in period..world.mappings() {
        let Change::Put(like) = &first[(key % period) as usize] else {
            continue;
        };
        let mut entry = *like;
        entry.key = tables::Key::new(world.network(), world.address(key));
        first.push(Change::Put(entry));
    }
    first
}

/// What the host knows with all mappings.
///
/// # Errors
/// As [`config`].
pub fn snapshot(world: World) -> Result<Snapshot, Box<dyn Error>> {
    let config = config(world)?;
    let mut snapshot = knowledge::first_snapshot(&config, UPLINK_MAC);
    snapshot.mappings = snapshot.mappings.with(&changes(&config, world));
    Ok(snapshot)
}

/// A worker over memory, and what publishes its tables.
///
/// # Errors
/// As [`config`].
pub fn host(world: World) -> Result<(Worker<MemoryIo>, Publisher), Box<dyn Error>> {
    let mut publisher = Publisher::new(snapshot(world)?);
    let hosts = config(world)?.fabric.hosts.len();
    let (to_controller, _) = punt_ring(8192);
    let (notices, _) = notice_ring(64);
    let assignment = Assignment {
        index: WorkerIndex(0),
        workers: 1,
        port_owners: &[WorkerIndex(0)],
        tables: publisher.reader(),
        counters: Arc::clone(&WorkerCounters::with_groups(2, 0, hosts)),
        to_controller,
        from_controller: None,
        notices,
    };
    Ok((Worker::new(MemoryIo::new(2), assignment), publisher))
}

/// A burst of the shortest packets, from the guest or for it.
#[must_use]
pub fn burst(world: World, from_guest: bool) -> Vec<HeapPacket> {
    let mut keys = Keys::new(world.mappings(), SEED);
    let packet = |_| {
        let flow = Flow {
            key: keys.next_key(),
            source_port: keys.next_port(),
            destination_port: keys.next_port(),
        };
        match from_guest {
            true => frame::from_guest(world, flow, FRAME_BYTES_MIN, |_| ()),
            false => frame::from_substrate(world, flow, FRAME_BYTES_MIN, |_| ()),
        }
    };
    (0..BURST_PACKETS_MAX).map(packet).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_of_either_direction_passes_whole() {
        let world = World::new(2_000).unwrap();
        let (mut worker, _publisher) = host(world).unwrap();
        for (from_guest, came_in, goes_out) in [
            (true, GUEST, PortIndex::UPLINK),
            (false, PortIndex::UPLINK, GUEST),
        ] {
            worker
                .io()
                .port(came_in)
                .incoming
                .extend(burst(world, from_guest));
            worker.run_once();
            let sent = std::mem::take(&mut worker.io().port(goes_out).sent);
            assert_eq!(sent.len(), BURST_PACKETS_MAX);
        }
    }

    #[test]
    fn every_mapping_of_the_world_is_in_the_tables_at_its_host() {
        let world = World::new(2_500).unwrap();
        let tables = snapshot(world).unwrap();
        for key in 0..2_500 {
            let found = tables
                .mappings
                .find(tables::Key::new(world.network(), world.address(key)));
            assert_eq!(found.unwrap().prefix, world.prefix(key), "{key}");
        }
    }
}
