use smoltcp::wire::{IpAddress, Ipv6Packet, UdpPacket};

use crate::host::{HOSTS, R, S, Setup, T, address};
use crate::world::World;

/// Every datagram that waits for r and comes from s.
fn datagrams_of_s(world: &World) -> Vec<Vec<u8>> {
    let waiting = world.wires.get(&R).cloned().unwrap_or_default();
    let of_s = |packet: &Vec<u8>| {
        let packet = Ipv6Packet::new_unchecked(&packet[..]);
        packet.src_addr() == address(S)
    };
    waiting.into_iter().filter(of_s).collect()
}

/// The same datagram as if another host had sent it.
fn from(packet: &[u8], source: std::net::Ipv6Addr) -> Vec<u8> {
    let mut octets = packet.to_vec();
    let mut packet = Ipv6Packet::new_unchecked(&mut octets[..]);
    packet.set_src_addr(source);
    let destination = packet.dst_addr();
    let mut datagram = UdpPacket::new_unchecked(packet.payload_mut());
    datagram.fill_checksum(&IpAddress::Ipv6(source), &IpAddress::Ipv6(destination));
    octets
}

/// Lets time pass until s says something to r that has not arrived.
fn next_of_s(world: &mut World) -> Vec<Vec<u8>> {
    world.run_until(200, "s speaks to r", |world| {
        !datagrams_of_s(world).is_empty()
    });
    datagrams_of_s(world)
}

#[test]
fn a_datagram_from_another_hosts_address_is_refused_and_counted() {
    let mut world = World::settled(Setup::default());
    let genuine = next_of_s(&mut world);
    let refused = |world: &World| world.hosts[&R].replication.counters().refused;
    let before = refused(&world);
    let moved: Vec<_> = genuine
        .iter()
        .map(|packet| from(packet, address(T)))
        .collect();
    let others = world.wires.get_mut(&R).expect("they wait");
    others.retain(|packet| !genuine.contains(packet));
    others.extend(moved);
    world.run(1);
    assert_eq!(refused(&world), before + genuine.len() as u64);
}

#[test]
fn what_was_recorded_is_refused_when_it_is_sent_again() {
    let mut world = World::settled(Setup::default());
    let genuine = next_of_s(&mut world);
    world.run(1);
    let before = world.hosts[&R].replication.counters();
    world.wires.insert(R, genuine.clone());
    world.run(1);
    let after = world.hosts[&R].replication.counters();
    assert_eq!(after.refused, before.refused + genuine.len() as u64);
    assert_eq!(after.received, before.received, "nothing else came");
}

#[test]
fn a_flood_of_one_host_is_cut_before_its_tags_are_computed_and_another_is_still_heard() {
    let mut world = World::settled(Setup::default());
    let genuine = next_of_s(&mut world).remove(0);
    for _ in 0..100 {
        for _ in 0..100 {
            world.carry(S, genuine.clone());
        }
        world.run(1);
    }
    let counters = world.hosts[&R].replication.counters();
    assert!(counters.over_budget > 8_000, "{counters:?}");
    assert!(counters.refused < 1_200, "{counters:?}");
    world.run(1_000);
    for host in HOSTS {
        let record = world.record_at(host).expect("a record");
        assert_eq!(record.generation, 1, "nobody was taken for dead");
    }
}

#[test]
fn notes_that_nobody_takes_are_lost_and_counted() {
    let mut world = World::empty(Setup {
        notes_max: 4,
        ..Setup::default()
    });
    world.notes_are_read = false;
    for host in HOSTS {
        world.boot(host);
    }
    world.settle();
    for host in &HOSTS {
        let host = world.hosts.get_mut(host).expect("up");
        assert_eq!(host.notes.slots(), 4, "what fits is kept");
        assert!(host.replication.counters().notes_lost > 0);
    }
}
