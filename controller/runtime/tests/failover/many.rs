use messages::GroupState;

use crate::host::{HOSTS, R, S, Setup, T, group};
use crate::world::World;

/// More than the jobs and datagrams that wait at once, and than a datagram has room for.
const MANY: usize = 500;

/// Several datagrams of heartbeats. Each event costs a look at all groups, so that more take long
/// without optimisation.
const SEVERAL: usize = 100;

fn setup(groups: usize) -> Setup {
    Setup {
        groups: groups as u32,
        ..Setup::default()
    }
}

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
fn a_hundred_groups_become_active_and_stay_so() {
    let mut world = World::new(setup(SEVERAL));
    world.run_until(20_000, "all groups are active", |world| {
        HOSTS.iter().all(|host| active(world, *host) == SEVERAL)
    });
    world.run(2_000);
    for host in HOSTS {
        assert_eq!(active(&world, host), SEVERAL, "{host}");
    }
    let last = SEVERAL as u32 - 1;
    let record = world.view(S, last).record.expect("a record").record;
    assert!(record.is_owned_by(S) && record.group == group(last));
    assert_eq!(record.generation, 1);
}

#[test]
fn a_host_that_comes_late_has_all_records_from_one_connection() {
    let mut world = World::empty(setup(MANY));
    world.boot(S);
    world.boot(T);
    world.boot(R);
    world.run_until(20_000, "s has all records", |world| held(world, S) == MANY);
    world.kill(T);
    std::fs::remove_dir_all(world.directory(T)).expect("t has lost its disk");
    world.run(500);
    world.boot(T);
    world.datagrams_to = Some(T);
    world.run_until(10_000, "t has all records", |world| held(world, T) == MANY);
}
