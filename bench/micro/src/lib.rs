//! The measured host of [`traffic::world`], with a worker over ports in memory.
//!
//! `cargo bench -p micro` measures its parts: codec, look-up, a whole burst, a change of the
//! tables. Where memory and devices count, `scripts/bench` does.
#![forbid(unsafe_code)]

use std::error::Error;
use std::fs;

use config::Config;
use tables::counters::WorkerCounters;
use tables::group::{CopyTo, FanOut, Owner};
use tables::mappings::Change;
use tables::notice::notice_ring;
use tables::punt::punt_ring;
use tables::{Group, GroupIndex, HostIndex, Key, PortIndex, Publisher, Snapshot};
use traffic::frame::{self, FRAME_BYTES_MIN, Flow};
use traffic::keys::Keys;
use traffic::world::{GENERATION, UPLINK_MAC, World};
use wire::packet::HeapPacket;
use worker::memory::MemoryIo;
use worker::{Assignment, BURST_PACKETS_MAX, BurstIo, Worker, WorkerIndex};

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
        entry.key = Key::new(world.network(), world.address(key));
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

/// What the host knows in a world of one mapping that is replicated: the owner is where the mapping
/// was, and each of the next hosts has one of `replicas`.
///
/// # Errors
/// As [`config`].
pub fn replicated(replicas: u8) -> Result<Snapshot, Box<dyn Error>> {
    let world = World::new(1).ok_or("a world has a mapping")?;
    let mut tables = snapshot(world)?;
    let key = Key::new(world.network(), world.address(0));
    let entry = *tables.mappings.find(key).ok_or("the mapping is missing")?;
    let replica = |number: u8| CopyTo {
        host: HostIndex(entry.owner.0 + u16::from(number)),
        prefix: world.prefix(number.into()),
        slot: number,
        budget: None,
    };
    let group = Group {
        key,
        fan_out: FanOut::Sender,
        owner: Some(Owner {
            host: entry.owner,
            prefix: entry.prefix,
        }),
        generation: entry.generation,
        copies: (1..=replicas).map(replica).collect(),
        local: None,
    };
    let index = GroupIndex::new(0).ok_or("the first group has an index")?;
    tables.mappings = tables.mappings.with(&[Change::Put(group.entry(index))]);
    tables.groups = [group].into();
    Ok(tables)
}

/// A worker over memory, and what publishes its tables.
///
/// # Errors
/// As [`config`].
pub fn host(world: World) -> Result<(Worker<MemoryIo>, Publisher), Box<dyn Error>> {
    Ok(worker(MemoryIo::new(2), snapshot(world)?))
}

/// The one worker of a host with one guest, over `io`, and what publishes its tables.
pub fn worker<Io: BurstIo>(io: Io, tables: Snapshot) -> (Worker<Io>, Publisher) {
    let (groups, hosts) = (tables.groups.len(), tables.path_mtus.hosts());
    let mut publisher = Publisher::new(tables);
    let (to_controller, _) = punt_ring(8192);
    let (notices, _) = notice_ring(64);
    let assignment = Assignment {
        index: WorkerIndex(0),
        workers: 1,
        port_owners: &[WorkerIndex(0)],
        tables: publisher.reader(),
        counters: WorkerCounters::with_groups(2, groups, hosts),
        to_controller,
        from_controller: None,
        notices,
    };
    (Worker::new(io, assignment), publisher)
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
    use wire::packet::Packet;

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
    fn a_burst_for_a_replicated_address_passes_with_its_copies() {
        let io = MemoryIo::new(2);
        let (mut worker, _publisher) = worker(io, replicated(2).unwrap());
        let packets = burst(World::new(1).unwrap(), true);
        worker.io().port(GUEST).incoming.extend(packets);
        worker.run_once();
        let sent = &worker.io().port(PortIndex::UPLINK).sent;
        let copies = sent
            .iter()
            .filter(|frame| wire::copy::is_copy(frame.bytes()));
        assert_eq!((sent.len(), copies.count()), (96, 64));
    }

    #[test]
    fn every_mapping_of_the_world_is_in_the_tables_at_its_host() {
        let world = World::new(2_500).unwrap();
        let tables = snapshot(world).unwrap();
        for key in 0..2_500 {
            let found = tables
                .mappings
                .find(Key::new(world.network(), world.address(key)));
            assert_eq!(found.unwrap().prefix, world.prefix(key), "{key}");
        }
    }
}
