//! Who makes copies, for whom, and what they say of the owner's life.

use messages::HostId;
use messages::body::Counts;

use super::world::*;
use crate::*;

fn copies_to(world: &World, host: HostId) -> Vec<HostId> {
    let mut seen = world.seen.iter().rev();
    let installed = seen.find_map(|(_, at, seen)| match seen {
        Seen::Install(install) if *at == host => Some(install.copies_to.clone()),
        _ => None,
    });
    installed.expect("it holds the record")
}

#[test]
fn with_sender_fan_out_every_host_copies_to_every_replica() {
    let world = World::settled();
    for host in [R, S, T] {
        assert_eq!(copies_to(&world, host), [T], "{host}");
    }
}

#[test]
fn with_primary_fan_out_only_the_owners_host_copies_and_its_follower_after_it() {
    let mut world = World::with(|config| config.fan_out = FanOut::Primary);
    world.run(ms(1_000));
    assert_eq!(copies_to(&world, S), [T]);
    for host in [R, T] {
        assert!(copies_to(&world, host).is_empty(), "{host}");
    }
    world.kill(S);
    world.run(ms(400));
    assert_eq!(copies_to(&world, T), [S]);
    assert!(copies_to(&world, R).is_empty());
}

#[test]
fn copies_of_a_dead_controllers_workers_delay_a_suspicion_by_one_silence_at_most() {
    let mut world = World::settled();
    let death = world.now;
    world.kill(S);
    for packets in 1..=100 {
        let counts = Counts {
            from_owner: packets,
            ..Counts::default()
        };
        let counts = AgentEvent::Counts {
            group: group(),
            counts,
            senders: vec![R],
        };
        world.tell_agent(T, counts);
        world.run(ms(10));
    }
    let suspected = |seen: &Seen| matches!(seen, Seen::Note(Fact::Suspected { .. }));
    let suspected = world.when(death, T, suspected).expect("t suspects s");
    let delay = suspected.since(death);
    assert!(
        (ms(150)..=ms(2 * 150 + 50)).contains(&delay),
        "longer than without copies, and not for ever: {delay:?}"
    );
}
