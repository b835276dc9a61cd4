//! What must hold in every state, and what must be reached so that it means something.

use crate::HOSTS;
use crate::record::{Record, Standing};
use crate::scenario::{Protocol, fault};
use crate::state::{State, broken, output_bit};
use stateright::Property;

/// Never two hosts whose output leaves at the same instant: the lease's promise.
pub const ONE_VOICE: &str = "one voice: no two hosts speak at the same instant";
/// I1.
pub const ONE_HOST: &str = "I1: one host's output is accepted in a generation";
/// I2.
pub const NEVER_OLDER: &str = "I2: no older generation is accepted after a newer one";
/// I3.
pub const NEVER_FALLS: &str = "I3: the receiver's epoch never falls below one it acknowledged";
/// I4.
pub const ON_DISK: &str = "I4: an epoch that anybody saw is on the manager's disk";
/// Rule 10.
pub const NO_CONTINUATION: &str = "rule 10: no host speaks under a grant to another boot";

/// A host speaks under a grant.
pub const PROMOTED: &str = "reached: a promotion completes";
/// An owner goes on alone.
pub const SOLO: &str = "reached: Solo, and the owner speaks";
/// Solo ends.
pub const SOLO_ENDS: &str = "reached: Solo ends with a member in sync";
/// A host that was deposed or removed.
pub const REJOINED: &str = "reached: a host that was out is in sync and acknowledges";
/// A grant that comes after the suspicion was taken back.
pub const LATE_GRANT: &str = "reached: a late grant waits for its host's promise";
/// A suspicion is taken back.
pub const WITHDRAWN: &str = "reached: a candidate takes its suspicion back";
/// The fence has something to refuse.
pub const REFUSED: &str = "reached: output of a deposed owner meets the fence";
/// FAULT(guest).
pub const RESIGNED: &str = "reached: a resigned owner is replaced at once";
/// The manager.
pub const UNSENT: &str = "reached: a manager restarts between write and send";
/// A restarted owner.
pub const OWNER_BACK: &str = "reached: a restarted owner is in sync again";
/// A restarted owner without members.
pub const REGRANTED: &str = "reached: an owner's next boot is granted and speaks";
/// A restarted member.
pub const MEMBER_BACK: &str = "reached: a restarted member acknowledges again";
/// A restarted receiver.
pub const RECEIVER_BACK: &str = "reached: a restarted receiver accepts again";

/// All properties that the scenario can speak about.
pub(crate) fn all(protocol: &Protocol) -> Vec<Property<Protocol>> {
    let mut all = vec![
        Property::always(ONE_VOICE, |protocol: &Protocol, state: &State| {
            (0..HOSTS)
                .filter(|host| state.speaks(protocol, *host))
                .count()
                <= 1
        }),
        Property::always(ON_DISK, on_disk),
        Property::always(NO_CONTINUATION, |_, state: &State| {
            state.broken & broken::CONTINUED == 0
        }),
        Property::sometimes(PROMOTED, |protocol: &Protocol, state: &State| {
            speaker(protocol, state).is_some_and(|(_, record)| record.generation() > 1)
        }),
        Property::sometimes(SOLO, |protocol: &Protocol, state: &State| {
            speaker(protocol, state).is_some_and(|(_, record)| record.solo())
        }),
        Property::sometimes(SOLO_ENDS, |protocol: &Protocol, state: &State| {
            acknowledged(protocol, state, |past, now, _| {
                past.solo() && past.same_owner(now)
            })
        }),
        Property::sometimes(REJOINED, |protocol: &Protocol, state: &State| {
            acknowledged(protocol, state, |past, _, member| {
                past.owner() != member && !past.lists(member)
            })
        }),
        Property::sometimes(LATE_GRANT, |protocol: &Protocol, state: &State| {
            (0..HOSTS).any(|host| state.owns(protocol, host) && state.hosts[host].grace > 0)
        }),
        Property::sometimes(WITHDRAWN, |_, state: &State| {
            let suspects = |host: &usize| state.manager.suspects & (1 << host) != 0;
            (0..HOSTS)
                .filter(suspects)
                .any(|host| state.hosts[host].grace > 0)
        }),
    ];
    if protocol.scenario.receiver {
        all.extend(of_the_receiver());
    }
    all.extend(of_the_faults(protocol));
    all
}

fn of_the_receiver() -> Vec<Property<Protocol>> {
    vec![
        Property::always(ONE_HOST, |protocol: &Protocol, state: &State| {
            (1..=protocol.scenario.generations_max).all(|generation| {
                let accepted =
                    |host: &usize| state.receiver.accepted & output_bit(*host, generation) != 0;
                (0..HOSTS).filter(accepted).count() <= 1
            })
        }),
        Property::always(NEVER_OLDER, |_, state: &State| {
            state.broken & broken::OLDER_ACCEPTED == 0
        }),
        Property::always(NEVER_FALLS, |_, state: &State| {
            state.record(state.receiver.record).epoch() >= state.receiver.acknowledged
        }),
        Property::sometimes(REFUSED, |_, state: &State| {
            let generation = state.record(state.receiver.record).generation();
            state.emitted & (output_bit(0, generation) - 1) != 0
        }),
    ]
}

fn of_the_faults(protocol: &Protocol) -> Vec<Property<Protocol>> {
    let reached = [
        (
            fault::OWNER_RESIGNS,
            Property::sometimes(RESIGNED, |protocol: &Protocol, state: &State| {
                speaker(protocol, state).is_some_and(|(_, record)| record.at_once())
            }),
        ),
        (
            fault::MANAGER_RESTARTS,
            Property::sometimes(UNSENT, |_, state: &State| {
                let unsent = state.published & (1 << state.manager.newest) == 0;
                state.spent & fault::MANAGER_RESTARTS != 0 && unsent
            }),
        ),
        (
            fault::OWNER_RESTARTS,
            Property::sometimes(OWNER_BACK, |protocol: &Protocol, state: &State| {
                let restarted = state.spent & fault::OWNER_RESTARTS != 0;
                restarted && acknowledged(protocol, state, |past, _, member| past.owner() == member)
            }),
        ),
        (
            fault::OWNER_RESTARTS,
            Property::sometimes(REGRANTED, |protocol: &Protocol, state: &State| {
                let again = |past: &Record, owner| past.epoch() > 0 && past.owner() == owner;
                speaker(protocol, state).is_some_and(|(owner, record)| {
                    let past = &state.records[..usize::from(state.hosts[owner].record)];
                    record.boot() > 0 && past.last().is_some_and(|past| again(past, owner))
                })
            }),
        ),
        (
            fault::MEMBER_RESTARTS,
            Property::sometimes(MEMBER_BACK, |protocol: &Protocol, state: &State| {
                let restarted = state.spent & fault::MEMBER_RESTARTS != 0;
                restarted
                    && speaker(protocol, state).is_some_and(|(owner, _)| {
                        let this = &state.hosts[owner];
                        (0..HOSTS)
                            .any(|member| state.hosts[member].boot > 0 && this.lease[member] > 0)
                    })
            }),
        ),
        (
            fault::RECEIVER_RESTARTS,
            Property::sometimes(RECEIVER_BACK, |_, state: &State| {
                let restarted = state.spent & fault::RECEIVER_RESTARTS != 0;
                restarted && !state.receiver.provisional && state.receiver.accepted != 0
            }),
        ),
    ];
    let wanted = |fault: &u8| {
        let receiver = *fault != fault::RECEIVER_RESTARTS || protocol.scenario.receiver;
        protocol.scenario.faults & fault != 0 && receiver
    };
    reached
        .into_iter()
        .filter(|(fault, _)| wanted(fault))
        .map(|(_, property)| property)
        .collect()
}

fn on_disk(protocol: &Protocol, state: &State) -> bool {
    let held = state
        .hosts
        .iter()
        .take(protocol.scenario.hosts)
        .map(|host| host.record);
    held.chain([state.receiver.record])
        .all(|record| state.durable & (1 << record) != 0)
}

/// The host that speaks, with its record.
fn speaker(protocol: &Protocol, state: &State) -> Option<(usize, Record)> {
    (0..HOSTS)
        .find(|host| state.speaks(protocol, *host))
        .map(|host| (host, state.held(host)))
}

/// Whether somebody speaks with an in-sync member's acknowledgement, and `before` holds of an
/// older record, the speaker's, and that member.
fn acknowledged(
    protocol: &Protocol,
    state: &State,
    before: impl Fn(Record, Record, usize) -> bool,
) -> bool {
    let Some((owner, now)) = speaker(protocol, state) else {
        return false;
    };
    let this = &state.hosts[owner];
    let past = &state.records[..usize::from(this.record)];
    (0..HOSTS).any(|member| {
        now.standing(member) == Standing::InSync
            && this.lease[member] > 0
            && past
                .iter()
                .any(|past| past.epoch() > 0 && before(*past, now, member))
    })
}
