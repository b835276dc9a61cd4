//! The two replicas of the start differ only in their number: a state and its mirror are one.

use crate::HOSTS;
use crate::record::Record;
use crate::scenario::Protocol;
use crate::state::{Host, Manager, Receiver, State};

/// The hosts whose numbers are exchanged.
const TWINS: (usize, usize) = (1, 2);

impl Protocol {
    /// The one of the two mirror images that stands for both. Runs of a slip keep their hosts'
    /// numbers, so that a trace can be read.
    pub(crate) fn representative(&self, state: State) -> State {
        let twins = self.scenario.hosts == HOSTS && self.scenario.members == [TWINS.0, TWINS.1];
        if !twins || self.slip.is_some() {
            return state;
        }
        let mirrored = mirror(&state);
        if mirrored.octets() < state.octets() {
            mirrored
        } else {
            state
        }
    }
}

fn mirror(state: &State) -> State {
    State {
        records: state.records.map(mirror_record),
        manager: Manager {
            suspects: mirror_hosts(state.manager.suspects),
            overdue: mirror_hosts(state.manager.overdue),
            joined: mirror_hosts(state.manager.joined),
            ..state.manager
        },
        hosts: mirror_places(state.hosts.map(|host| Host {
            counted: mirror_hosts(host.counted),
            lease: mirror_places(host.lease),
            flight: mirror_places(host.flight),
            ..host
        })),
        receiver: Receiver {
            accepted: mirror_output(state.receiver.accepted),
            ..state.receiver
        },
        emitted: mirror_output(state.emitted),
        ..state.clone()
    }
}

fn mirror_host(host: usize) -> usize {
    match host {
        host if host == TWINS.0 => TWINS.1,
        host if host == TWINS.1 => TWINS.0,
        host => host,
    }
}

fn mirror_places<T>(mut places: [T; HOSTS]) -> [T; HOSTS] {
    places.swap(TWINS.0, TWINS.1);
    places
}

fn mirror_hosts(hosts: u8) -> u8 {
    hosts & 1 | (hosts & 2) << 1 | (hosts & 4) >> 1
}

/// Output has three bits for each of four generations.
fn mirror_output(output: u16) -> u16 {
    output & 0o1111 | (output & 0o2222) << 1 | (output & 0o4444) >> 1
}

fn mirror_record(record: Record) -> Record {
    let standings = (0..HOSTS).map(|host| record.standing(mirror_host(host)));
    standings
        .enumerate()
        .fold(record, |record, (host, standing)| {
            record.with_standing(host, standing)
        })
        .with_owner(mirror_host(record.owner()))
}
