use messages::GroupState;

use crate::host::{HOSTS, R, S, Setup, T, group};
use crate::world::World;

const GROUPS: u32 = 100;

fn held(world: &World, host: messages::HostId) -> usize {
    let views = world.hosts[&host].replication.agent().view();
    views.filter(|view| view.record.is_some()).count()
}

fn active(world: &World, host: messages::HostId) -> usize {
    let views = world.hosts[&host].replication.agent().view();
    let active = |record: messages::SignedRecord| record.record.state == GroupState::Active;
    views
        .filter(|view| view.record.clone().is_some_and(active))
        .count()
}

#[test]
fn five_hundred_groups_become_active_and_stay_so() {
    let mut world = World::new(Setup {
        groups: GROUPS,
        ..Setup::default()
    });
    world.run_until(20_000, "all groups are active", |world| {
        HOSTS
            .iter()
            .all(|host| active(world, *host) == GROUPS as usize)
    });
    world.run(2_000);
    for host in HOSTS {
        assert_eq!(active(&world, host), GROUPS as usize, "{host}");
    }
    let record = world.view(S, GROUPS - 1).record.expect("a record").record;
    assert!(record.is_owned_by(S) && record.group == group(GROUPS - 1));
    assert_eq!(record.generation, 1);
}

#[test]
fn a_host_that_comes_late_has_all_records_from_one_connection() {
    let mut world = World::empty(Setup {
        groups: GROUPS,
        ..Setup::default()
    });
    world.boot(S);
    world.boot(T);
    world.boot(R);
    world.run_until(20_000, "s has all records", |world| {
        held(world, S) == GROUPS as usize
    });
    world.kill(T);
    std::fs::remove_dir_all(world.directory(T)).expect("t has lost its disk");
    world.run(500);
    world.boot(T);
    world.datagrams_to = Some(T);
    world.run_until(10_000, "t has all records", |world| {
        held(world, T) == GROUPS as usize
    });
}
