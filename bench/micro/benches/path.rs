//! Times of the packet path's parts. `cargo bench -p micro` prints them; criterion keeps those of
//! the last run beside them.
#![forbid(unsafe_code)]

use std::hint::black_box;

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use micro::{GUEST, burst, host, snapshot};
use tables::mappings::Change;
use tables::{Key, PortIndex};
use traffic::keys::Keys;
use traffic::world::World;
use wire::decode::{self, Ipv6Facts, Overlay};
use wire::encode::{self, Heading, HeadingRules, Ipv4Facts};
use wire::ethernet;
use wire::packet::Packet;

const TABLES: [u32; 3] = [1, 10_000, 1_000_000];

fn codec(c: &mut Criterion) {
    let world = World::new(1).expect("a world");
    let rules = HeadingRules::default();
    let (guest, substrate) = (burst(world, true), burst(world, false));
    let (source, destination) = (world.guest_prefix(), world.prefix(0));
    let heading = Heading {
        source: &source,
        destination: &destination,
        virtual_routers: 0,
        generation: 1,
        copy: false,
    };
    let mut group = c.benchmark_group("codec");
    group.bench_function("encode", |b| {
        b.iter_batched_ref(
            || guest[0].clone(),
            |packet| {
                let facts = Ipv4Facts::parse(&packet.bytes()[ethernet::HEADER_BYTES..]);
                encode::reheader(packet, &facts.expect("right"), &heading, &rules)
            },
            BatchSize::SmallInput,
        );
    });
    group.bench_function("decode", |b| {
        b.iter_batched_ref(
            || substrate[0].clone(),
            |packet| {
                let ip = &packet.bytes()[ethernet::HEADER_BYTES..];
                let facts = Ipv6Facts::parse(ip).expect("right");
                let overlay = Overlay::parse(&facts, ip, &rules).expect("right");
                decode::restore(packet, &facts, &overlay, || 1, &rules);
            },
            BatchSize::SmallInput,
        );
    });
}

fn look_up(c: &mut Criterion) {
    let mut group = c.benchmark_group("look-up");
    for mappings in TABLES {
        let world = World::new(mappings).expect("a world");
        let tables = snapshot(world).expect("the world's tables");
        let mut keys = Keys::new(mappings, 1);
        let key = |_| Key::new(world.network(), world.address(keys.next_key()));
        let wanted: Vec<Key> = (0..1 << 16).map(key).collect();
        let mut at = 0;
        group.bench_function(BenchmarkId::from_parameter(mappings), |b| {
            b.iter(|| {
                at = (at + 1) % wanted.len();
                black_box(tables.mappings.find(wanted[at]))
            });
        });
    }
}

fn whole_burst(c: &mut Criterion) {
    let mut group = c.benchmark_group("burst");
    group.throughput(Throughput::Elements(worker::BURST_PACKETS_MAX as u64));
    let world = World::new(10_000).expect("a world");
    let (mut worker, _publisher) = host(world).expect("a host");
    for (name, from_guest, came_in, goes_out) in [
        ("encode", true, GUEST, PortIndex::UPLINK),
        ("decode", false, PortIndex::UPLINK, GUEST),
    ] {
        let packets = burst(world, from_guest);
        group.bench_function(name, |b| {
            b.iter_custom(|rounds| {
                let mut taken = std::time::Duration::ZERO;
                for _ in 0..rounds {
                    worker
                        .io()
                        .port(came_in)
                        .incoming
                        .extend(packets.iter().cloned());
                    let begun = now();
                    worker.run_once();
                    taken += begun.elapsed();
                    worker.io().port(goes_out).sent.clear();
                }
                taken
            });
        });
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a measuring instrument needs a clock, and this is its only one"
)]
fn now() -> std::time::Instant {
    std::time::Instant::now()
}

fn update(c: &mut Criterion) {
    let mut group = c.benchmark_group("one change");
    for mappings in TABLES {
        let world = World::new(mappings).expect("a world");
        let tables = snapshot(world).expect("the world's tables");
        let key = Key::new(world.network(), world.address(0));
        let mut entry = *tables.mappings.find(key).expect("it is there");
        entry.generation += 1;
        let change = [Change::Put(entry)];
        group.bench_function(BenchmarkId::from_parameter(mappings), |b| {
            b.iter(|| black_box(tables.mappings.with(&change)));
        });
    }
}

criterion_group!(path, codec, look_up, whole_burst, update);
criterion_main!(path);
