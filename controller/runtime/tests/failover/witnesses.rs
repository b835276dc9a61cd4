use std::time::Duration;

use messages::body::{WITNESS_BYTES_MAX, Witness};
use runtime::replication::ClockOffset;

use crate::host::{HOSTS, R, S, Setup, T, group};
use crate::world::World;

#[test]
fn what_hosts_saw_reaches_the_managers_host_with_the_offset_of_their_clocks() {
    let mut world = World::empty(Setup::default());
    world.ahead = [(S, Duration::from_secs(500)), (T, Duration::from_secs(70))].into();
    for host in HOSTS {
        world.boot(host);
    }
    world.settle();
    let epoch = world.record_at(R).expect("a record").epoch;
    for host in HOSTS {
        for part in 0..2 {
            let witness = Witness {
                group: group(0),
                epoch,
                part,
                parts: 2,
                octets: vec![host.0[0]; WITNESS_BYTES_MAX],
            };
            let host = world.hosts.get_mut(&host).expect("up");
            host.replication.testify(witness);
        }
    }
    world.run(5);
    let host = world.hosts.get_mut(&R).expect("up");
    let mut heard = Vec::new();
    while let Ok(testimony) = host.testimonies.pop() {
        heard.push(testimony);
    }
    for from in HOSTS {
        let of = heard.iter().filter(|testimony| testimony.from == from);
        let parts: Vec<u8> = of.clone().map(|testimony| testimony.witness.part).collect();
        assert_eq!(parts, [0, 1], "{from}");
        for testimony in of {
            assert_eq!(testimony.witness.octets, [from.0[0]; WITNESS_BYTES_MAX]);
            let clock = testimony.clock.expect("heartbeats were acknowledged");
            check(clock, world.ahead.get(&from).copied().unwrap_or_default());
        }
    }
    for member in [S, T] {
        let host = world.hosts.get_mut(&member).expect("up");
        assert!(host.testimonies.pop().is_err(), "{member} records nothing");
    }
}

fn check(clock: ClockOffset, ahead: Duration) {
    let error = clock.to_ours_ns + ahead.as_nanos() as i64;
    assert!(error.unsigned_abs() <= clock.uncertainty_ns, "{clock:?}");
    assert!(clock.uncertainty_ns <= 10_000_000, "{clock:?}");
}
