//! I1, I2, I5 and I6: what a receiver may accept.

use std::collections::BTreeMap;

use super::{Invariant, Violation, claim};
use crate::clock::Moment;
use crate::naming::{HOSTS_MAX, Host};
use crate::packet::Packet;

/// One acceptance of a member's output.
#[derive(Clone, Copy, Debug)]
pub struct Hearing<'a> {
    /// When.
    pub moment: Moment,
    /// Who accepted it.
    pub receiver: Host,
    /// The position of the group that spoke.
    pub group: usize,
    /// What it said.
    pub packet: &'a Packet,
    /// The networks of the receiving host.
    pub networks: &'a [u32],
}

/// What receivers accepted of one group so far.
#[derive(Clone, Debug, Default)]
struct History {
    by_generation: BTreeMap<u64, Generation>,
    newest: [u64; HOSTS_MAX],
}

#[derive(Clone, Copy, Debug)]
struct Generation {
    host: Host,
    first_passed: Moment,
    last_passed: Moment,
}

/// What all receivers accepted so far.
#[derive(Clone, Debug)]
pub struct Acceptances {
    groups: Vec<History>,
    leased: Vec<bool>,
}

impl Acceptances {
    /// Nothing yet. `leased` says for each group whether its owner is silenced by a lease: where it
    /// is not, only each receiver by itself keeps to I2, and a muted node is not expected.
    #[must_use]
    pub fn new(leased: Vec<bool>) -> Self {
        Self {
            groups: vec![History::default(); leased.len()],
            leased,
        }
    }

    /// Looks at one acceptance.
    ///
    /// # Errors
    ///
    /// The invariant that it breaks.
    pub fn judge(&mut self, hearing: &Hearing<'_>) -> Result<(), Violation> {
        same_network(hearing)?;
        let leased = self.leased[hearing.group];
        entitled(hearing)?;
        let history = &mut self.groups[hearing.group];
        one_node(history, hearing)?;
        never_older(history, hearing)?;
        if leased {
            none_after_its_successor(history, hearing)?;
        }
        history.add(hearing);
        Ok(())
    }
}

impl History {
    fn add(&mut self, hearing: &Hearing<'_>) {
        let truth = &hearing.packet.truth;
        let generation = self
            .by_generation
            .entry(truth.generation)
            .or_insert(Generation {
                host: truth.host,
                first_passed: truth.passed,
                last_passed: truth.passed,
            });
        generation.first_passed = generation.first_passed.min(truth.passed);
        generation.last_passed = generation.last_passed.max(truth.passed);
        let newest = &mut self.newest[hearing.receiver.index()];
        *newest = (*newest).max(truth.generation);
    }
}

/// I1.
fn one_node(history: &History, hearing: &Hearing<'_>) -> Result<(), Violation> {
    let truth = &hearing.packet.truth;
    let known = history.by_generation.get(&truth.generation);
    claim(
        known.is_none_or(|known| known.host == truth.host),
        Invariant::I1,
        hearing.moment,
        || {
            format!(
                "{} accepted output of group {} generation {} from {}, and somebody accepted it from {:?}",
                hearing.receiver,
                hearing.group,
                truth.generation,
                truth.host,
                known.map(|known| known.host),
            )
        },
    )
}

/// I2, for each receiver.
fn never_older(history: &History, hearing: &Hearing<'_>) -> Result<(), Violation> {
    let generation = hearing.packet.truth.generation;
    let newest = history.newest[hearing.receiver.index()];
    claim(generation >= newest, Invariant::I2, hearing.moment, || {
        format!(
            "{} accepted output of group {} generation {generation} of {} after generation {newest}",
            hearing.receiver, hearing.group, hearing.packet.truth.host,
        )
    })
}

/// I2, for all of them: it leans on the lease.
fn none_after_its_successor(history: &History, hearing: &Hearing<'_>) -> Result<(), Violation> {
    let truth = &hearing.packet.truth;
    for (&other, heard) in &history.by_generation {
        let overlap = match other.cmp(&truth.generation) {
            std::cmp::Ordering::Greater => truth.passed > heard.first_passed,
            std::cmp::Ordering::Less => heard.last_passed > truth.passed,
            std::cmp::Ordering::Equal => false,
        };
        claim(!overlap, Invariant::I2, hearing.moment, || {
            format!(
                "{} accepted what {} sent for group {} as generation {} at {}, and output of {} as generation {other} from {} to {} was accepted too: two owners were heard at once",
                hearing.receiver,
                truth.host,
                hearing.group,
                truth.generation,
                truth.passed,
                heard.host,
                heard.first_passed,
                heard.last_passed,
            )
        })?;
    }
    Ok(())
}

/// I5.
fn entitled(hearing: &Hearing<'_>) -> Result<(), Violation> {
    let truth = &hearing.packet.truth;
    claim(
        truth.silence.is_none(),
        Invariant::I5,
        hearing.moment,
        || {
            format!(
                "{} accepted what {} sent for group {} as generation {} at {}, where it had to be silent: {:?}",
                hearing.receiver,
                truth.host,
                hearing.group,
                truth.generation,
                truth.passed,
                truth.silence,
            )
        },
    )
}

/// I6.
fn same_network(hearing: &Hearing<'_>) -> Result<(), Violation> {
    let packet = hearing.packet;
    claim(
        packet.network == packet.truth.network && hearing.networks.contains(&packet.network),
        Invariant::I6,
        hearing.moment,
        || {
            format!(
                "{} accepted a packet of network {:#x} in network {:#x}",
                hearing.receiver, packet.truth.network, packet.network
            )
        },
    )
}
