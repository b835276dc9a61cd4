//! Does one thing a few times, so that valgrind can count its instructions: `scripts/bench
//! instructions` runs this under callgrind, which collects while [`counted`] runs and at no other
//! time.
#![forbid(unsafe_code)]

use std::error::Error;
use std::hint::black_box;
use std::io::{self, Write};

use micro::{GUEST, burst, host, replicated, snapshot, worker};
use tables::mappings::Change;
use tables::{Key, PortIndex, Publisher};
use traffic::keys::Keys;
use traffic::world::World;
use wire::decode::{self, Ipv6Facts, Overlay};
use wire::encode::{self, Heading, HeadingRules, Ipv4Facts};
use wire::ethernet;
use wire::packet::{HeapPacket, Packet};
use worker::Worker;
use worker::memory::MemoryIo;

/// Mappings of the tables: what a look-up costs in instructions hardly depends on it, what it takes
/// to make them under valgrind does.
const MAPPINGS: u32 = 10_000;
/// How often each thing is done; the script divides by it.
const TIMES: u32 = 200;

const NAMES: [&str; 8] = [
    "encode",
    "decode",
    "look-up",
    "burst-encode",
    "burst-decode",
    "burst-group",
    "burst-copied",
    "one-change",
];

fn main() -> Result<(), Box<dyn Error>> {
    let name = std::env::args().nth(1).unwrap_or_default();
    match name.as_str() {
        "list" => writeln!(io::stdout(), "{TIMES} {}", NAMES.join(" "))?,
        "encode" => encode()?,
        "decode" => decode()?,
        "look-up" => look_up()?,
        "burst-encode" => whole_burst(host(world()?)?, &packets(true)?, GUEST)?,
        "burst-decode" => whole_burst(host(world()?)?, &packets(false)?, PortIndex::UPLINK)?,
        "burst-group" => to_group(0)?,
        "burst-copied" => to_group(1)?,
        "one-change" => one_change()?,
        other => return Err(format!("'{other}' is none of: list {}", NAMES.join(" ")).into()),
    }
    Ok(())
}

/// What is done in here is counted.
#[inline(never)]
fn counted<T>(what: impl FnOnce() -> T) -> T {
    black_box(what())
}

fn world() -> Result<World, Box<dyn Error>> {
    Ok(World::new(MAPPINGS).ok_or("no such world")?)
}

fn packets(from_guest: bool) -> Result<Vec<HeapPacket>, Box<dyn Error>> {
    Ok(burst(world()?, from_guest))
}

fn encode() -> Result<(), Box<dyn Error>> {
    let world = world()?;
    let rules = HeadingRules::default();
    let (source, destination) = (world.guest_prefix(), world.prefix(0));
    let heading = Heading {
        source: &source,
        destination: &destination,
        virtual_routers: 0,
        generation: 1,
        copy: false,
    };
    let packet = packets(true)?.swap_remove(0);
    for _ in 0..TIMES {
        let mut packet = packet.clone();
        counted(|| {
            let facts = Ipv4Facts::parse(&packet.bytes()[ethernet::HEADER_BYTES..]);
            encode::reheader(&mut packet, &facts.expect("right"), &heading, &rules)
        })
        .map_err(|reason| reason.name())?;
    }
    Ok(())
}

fn decode() -> Result<(), Box<dyn Error>> {
    let rules = HeadingRules::default();
    let packet = packets(false)?.swap_remove(0);
    for _ in 0..TIMES {
        let mut packet = packet.clone();
        counted(|| {
            let ip = &packet.bytes()[ethernet::HEADER_BYTES..];
            let facts = Ipv6Facts::parse(ip).expect("right");
            let overlay = Overlay::parse(&facts, ip, &rules).expect("right");
            decode::restore(&mut packet, &facts, &overlay, || 1, &rules);
        });
    }
    Ok(())
}

fn look_up() -> Result<(), Box<dyn Error>> {
    let world = world()?;
    let tables = snapshot(world)?;
    let mut keys = Keys::new(MAPPINGS, 1);
    for _ in 0..TIMES {
        let key = Key::new(world.network(), world.address(keys.next_key()));
        counted(|| tables.mappings.find(black_box(key)));
    }
    Ok(())
}

fn to_group(replicas: u8) -> Result<(), Box<dyn Error>> {
    let host = worker(MemoryIo::new(2), replicated(replicas)?);
    let packets = burst(World::new(1).ok_or("no such world")?, true);
    whole_burst(host, &packets, GUEST)
}

/// `packets` come in at a port, and leave at the other.
fn whole_burst(
    (mut worker, _publisher): (Worker<MemoryIo>, Publisher),
    packets: &[HeapPacket],
    came_in: PortIndex,
) -> Result<(), Box<dyn Error>> {
    for _ in 0..TIMES {
        let incoming = packets.iter().cloned();
        worker.io().port(came_in).incoming.extend(incoming);
        let moved = counted(|| worker.run_once());
        if moved != packets.len() {
            return Err(format!("of {} packets {moved} were moved", packets.len()).into());
        }
        for port in [PortIndex::UPLINK, GUEST] {
            worker.io().port(port).sent.clear();
        }
    }
    Ok(())
}

fn one_change() -> Result<(), Box<dyn Error>> {
    let world = world()?;
    let tables = snapshot(world)?;
    let mut keys = Keys::new(MAPPINGS, 1);
    for _ in 0..TIMES {
        let key = Key::new(world.network(), world.address(keys.next_key()));
        let mut entry = *tables.mappings.find(key).ok_or("no mapping")?;
        entry.generation += 1;
        let change = [Change::Put(entry)];
        drop(counted(|| tables.mappings.with(&change)));
    }
    Ok(())
}
