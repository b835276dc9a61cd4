//! What a seed stands for: hosts, groups, timers, how good the substrate and the clocks are, and
//! which kinds of faults there will be.

use std::net::Ipv4Addr;
use std::time::Duration;

use failover::HookPolicy;
use messages::GroupId;

use crate::dice::{Dice, Stream};
use crate::naming::Host;
use crate::network::Quality;
use crate::plane::Copying;

/// What a run is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// Nothing is lost on the way and somebody always survives: with buffers, no request may be
    /// missing. Hosts die one at a time, processes pause, addresses move.
    Lossless,
    /// Frames are lost, doubled and late, directions and hosts are cut off.
    Network,
    /// Disks fail in every way, and managers die in the middle of it.
    Disks,
    /// Many moves, members that come and go, checkpoints.
    Operator,
    /// All of it.
    Everything,
}

/// One group.
#[derive(Clone, Debug)]
pub struct GroupSpec {
    /// Its name.
    pub id: GroupId,
    /// Its members by rank; the first is the first owner.
    pub members: Vec<Host>,
    /// How it is replicated.
    pub copying: Copying,
    /// Between two heartbeats.
    pub interval: Duration,
    /// How many of them make a silence.
    pub detect_mult: u32,
    /// Whether the owner goes on without a decider.
    pub continues: bool,
    /// Before the freeze, and not covered by a checkpoint.
    pub checkpoint_margin: Duration,
    /// Whether there is a promotion hook.
    pub hook: HookPolicy,
    /// Whether the other hosts of its network are spares.
    pub spares: bool,
}

/// The whole of a run.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// The seed.
    pub seed: u64,
    /// What it is about.
    pub profile: Profile,
    /// How many hosts.
    pub hosts: usize,
    /// Where the manager runs.
    pub manager: Host,
    /// The networks of each host.
    pub networks: Vec<Vec<u32>>,
    /// The groups.
    pub groups: Vec<GroupSpec>,
    /// The rate error of each host's clock, in nanoseconds a second.
    pub rates_ppb: Vec<i64>,
    /// The substrate without faults.
    pub quality: Quality,
    /// For how long there are faults.
    pub faults_last: Duration,
    /// Between two faults, on average.
    pub fault_every: Duration,
    /// Between two requests to a group, on average.
    pub request_every: Duration,
    /// Whether the daemons' real sessions are used.
    pub real_sessions: bool,
}

/// The greatest rate error for which the lease holds (docs/failover.md: ρ).
pub const RATE_BOUND_PPB: i64 = 500_000;

const NETWORKS: [u32; 2] = [0x12_3456, 0x12_3457];

impl Scenario {
    /// The run with this seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let mut dice = Dice::new(seed, Stream::Scenario);
        let profile = dice.weighted(&[
            (25, Profile::Lossless),
            (25, Profile::Network),
            (15, Profile::Disks),
            (15, Profile::Operator),
            (20, Profile::Everything),
        ]);
        let hosts = dice.weighted(&[(50, 3), (25, 4), (15, 5), (10, 6)]);
        let manager = Host(u8::try_from(dice.index(hosts)).unwrap_or(0));
        let interval_ms = dice.weighted(&[(15, 20), (60, 50), (25, 100)]);
        let groups: Vec<GroupSpec> = (0..dice.between(2, 5))
            .map(|number| group(number, hosts, manager, profile, interval_ms, &mut dice))
            .collect();
        let networks = Host::all(hosts)
            .map(|host| networks_of(host, &groups, &mut dice))
            .collect();
        // Beyond the bound only to see that what goes wrong then is bounded, too.
        let most = if dice.chance(30_000) {
            10 * RATE_BOUND_PPB
        } else {
            RATE_BOUND_PPB
        };
        let rates_ppb = (0..hosts)
            .map(|_| match dice.index(4) {
                0 => most,
                1 => -most,
                _ => dice.around(most),
            })
            .collect();
        Self {
            seed,
            profile,
            hosts,
            manager,
            networks,
            groups,
            rates_ppb,
            quality: quality(profile, &mut dice),
            faults_last: dice.span(Duration::from_secs(15), Duration::from_secs(40)),
            fault_every: dice.span(Duration::from_millis(700), Duration::from_secs(4)),
            request_every: Duration::from_millis(dice.weighted(&[(1, 15), (2, 30), (1, 60)])),
            real_sessions: dice.chance(125_000),
        }
    }

    /// Whether every clock keeps within the bound that leases rely on.
    #[must_use]
    pub fn clocks_keep_the_bound(&self) -> bool {
        self.rates_ppb
            .iter()
            .all(|rate| rate.abs() <= RATE_BOUND_PPB)
    }

    /// The shortest interval of all groups.
    #[must_use]
    pub fn interval_min(&self) -> Duration {
        let intervals = self.groups.iter().map(|group| group.interval);
        intervals.min().unwrap_or(Duration::from_millis(50))
    }

    /// The hosts that hold a group's record (docs/failover.md, rule 16).
    pub fn concerned(&self, group: usize) -> impl Iterator<Item = Host> + '_ {
        let network = self.groups[group].id.network;
        Host::all(self.hosts).filter(move |host| self.networks[host.index()].contains(&network))
    }
}

fn group(
    number: u64,
    hosts: usize,
    manager: Host,
    profile: Profile,
    interval_ms: u64,
    dice: &mut Dice,
) -> GroupSpec {
    let mut order: Vec<Host> = Host::all(hosts).collect();
    for last in (1..order.len()).rev() {
        order.swap(last, dice.index(last + 1));
    }
    // A decider on a host of its own, as the manual recommends, most of the time.
    if dice.chance(700_000) {
        order.sort_by_key(|&host| host == manager);
    }
    order.truncate(dice.weighted(&[(60, 2), (35, 3), (5, 4)]));
    let buffer = profile == Profile::Lossless || dice.chance(500_000);
    // The same address in two networks, so that mixing them up shows.
    let network = NETWORKS[usize::try_from(number % 2).unwrap_or(0)];
    let last_octet = 3 + u8::try_from(number / 2).unwrap_or(0);
    GroupSpec {
        id: GroupId::new(network, Ipv4Addr::new(10, 0, 0, last_octet)),
        members: order,
        copying: Copying {
            buffer,
            by_primary: profile != Profile::Lossless && dice.chance(250_000),
        },
        // Groups that share two hosts have different timers now and then.
        interval: Duration::from_millis(if dice.chance(800_000) {
            interval_ms
        } else {
            100
        }),
        detect_mult: dice.weighted(&[(70, 3), (20, 4), (10, 5)]),
        continues: dice.chance(100_000),
        checkpoint_margin: Duration::from_millis(100),
        hook: dice.weighted(&[
            (70, HookPolicy::Absent),
            (20, HookPolicy::Beside),
            (10, HookPolicy::Awaited),
        ]),
        spares: profile != Profile::Lossless && dice.chance(200_000),
    }
}

fn networks_of(host: Host, groups: &[GroupSpec], dice: &mut Dice) -> Vec<u32> {
    NETWORKS
        .into_iter()
        .filter(|&network| {
            let is_member = groups
                .iter()
                .any(|group| group.id.network == network && group.members.contains(&host));
            dice.chance(700_000) || is_member
        })
        .collect()
}

fn quality(profile: Profile, dice: &mut Dice) -> Quality {
    let bad = match profile {
        Profile::Lossless => return Quality::GOOD,
        Profile::Disks | Profile::Operator => dice.chance(300_000),
        Profile::Network | Profile::Everything => dice.chance(800_000),
    };
    if !bad {
        return Quality::GOOD;
    }
    Quality {
        loss_per_million: dice.pick(&[0, 100, 1_000, 10_000, 50_000]),
        twice_per_million: dice.pick(&[0, 1_000, 20_000]),
        late_per_million: dice.pick(&[0, 1_000, 20_000]),
        least: Duration::from_micros(dice.between(20, 400)),
        jitter: Duration::from_micros(dice.between(50, 3_000)),
        tail: Duration::from_millis(dice.between(5, 400)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_of_a_group_are_different_hosts_of_its_network() {
        for seed in 0..500 {
            let scenario = Scenario::new(seed);
            for (number, group) in scenario.groups.iter().enumerate() {
                let mut members = group.members.clone();
                members.sort_unstable();
                members.dedup();
                assert_eq!(members.len(), group.members.len(), "seed {seed}");
                let concerned: Vec<Host> = scenario.concerned(number).collect();
                assert!(
                    members.iter().all(|member| concerned.contains(member)),
                    "seed {seed}"
                );
            }
        }
    }

    #[test]
    fn few_seeds_have_clocks_beyond_the_bound() {
        let beyond = (0..1000)
            .filter(|&seed| !Scenario::new(seed).clocks_keep_the_bound())
            .count();
        assert!((5..60).contains(&beyond), "{beyond} of 1000");
    }
}
