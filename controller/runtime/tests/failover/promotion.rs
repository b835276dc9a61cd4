use failover::{Fact, Lease, LocalRole};
use messages::body::Standing;
use messages::{MemberState, Time};

use crate::host::{HOSTS, R, S, Seen, Setup, T, group};
use crate::world::World;

fn installs(role: LocalRole) -> impl Fn(&Seen) -> bool {
    move |seen| matches!(seen, Seen::Install(install) if install.local == Some(role))
}

#[test]
fn three_hosts_open_sessions_and_the_first_member_owns_with_a_running_lease() {
    let world = World::settled(Setup::default());
    for host in HOSTS {
        let sessions = world.hosts[&host].replication.sessions();
        let others = HOSTS.into_iter().filter(|other| *other != host);
        assert!(
            others
                .into_iter()
                .all(|other| sessions.open_with(other).is_some())
        );
        let record = world.record_at(host).expect("a record");
        assert!(record.is_owned_by(S) && record.generation == 1);
        assert_eq!(record.member(T), Some(MemberState::InSync));
        assert!(world.view(host, 0).confirmed);
    }
    assert_eq!(world.standing(T), Standing::Replica);
    assert_eq!(world.standing(R), Standing::Outside);
    match world.view(S, 0).lease {
        Lease::Until(until) => assert!(until > world.time_at(S), "it runs"),
        other => panic!("a replica in sync gives a lease: {other:?}"),
    }
}

#[test]
fn a_new_owner_is_installed_first_unmuted_then_and_releases_what_it_held_last() {
    let mut world = World::settled(Setup::default());
    let death = world.now;
    world.promote();
    world.run(50);
    let unmuted = |seen: &Seen| matches!(seen, Seen::Lease(of, until) if *of == group(0) && *until != Lease::Muted);
    let order = [
        world.position(death, T, installs(LocalRole::Primary { hold: true })),
        world.position(death, T, unmuted),
        world.position(death, T, installs(LocalRole::Primary { hold: false })),
    ];
    assert!(order.is_sorted(), "{order:?}");
    let record = world.record_at(R).expect("a record");
    assert!(record.is_owned_by(T));
    assert_eq!(record.generation, 2);
    assert_eq!(world.record_at(T), Some(record));
    let unmuted_at: Time = world.seen[order[1]].0;
    let gap_ms = unmuted_at.since(death).as_millis();
    assert!(gap_ms >= 100, "no sooner than the silence: {gap_ms} ms");
}

#[test]
fn an_owner_that_is_cut_off_is_mute_when_the_other_takes_over_and_comes_back_as_its_replica() {
    let mut world = World::settled(Setup::default());
    let since = world.now;
    for other in [T, R] {
        world.cut.extend([(S, other), (other, S)]);
    }
    world.run_until(3_000, "t owns the address", |world| world.is_owned_by(T));
    let mute = |seen: &Seen| matches!(seen, Seen::Note(note) if note.fact == Fact::Muted);
    let heard = |seen: &Seen| matches!(seen, Seen::Note(note) if note.fact == Fact::Unmuted);
    assert!(world.position(since, S, mute) < world.position(since, T, heard));
    assert_eq!(world.standing(S), Standing::Muted);
    world.cut.clear();
    world.settle();
    assert_eq!(world.standing(S), Standing::Replica);
    assert!(world.record_at(S).expect("a record").is_owned_by(T));
}
