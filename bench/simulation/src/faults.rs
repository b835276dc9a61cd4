//! What goes wrong, how often, and for how long.

use std::time::Duration;

use crate::dice::Dice;
use crate::naming::Host;
use crate::scenario::{Profile, Scenario};

/// One thing that goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A daemon is killed; its machine and guests go on.
    KillDaemon(Host),
    /// A machine dies.
    KillMachine(Host),
    /// A process is stopped (SIGSTOP).
    Stop(Host),
    /// One of a host's workers does not advance.
    StickWorker(Host),
    /// The port of a guest goes down.
    ClosePort(Host, usize),
    /// One direction between two hosts is cut.
    CutOneWay(Host, Host),
    /// Both directions are.
    CutLink(Host, Host),
    /// A host's uplink is cut.
    CutUplink(Host),
    /// The hosts of a mask are cut off from the others.
    Partition(u8),
    /// A link goes away and comes back several times.
    Flap(Host, Host),
    /// Everything between two hosts is lossy and late.
    Degrade(Host, Host),
    /// Packets captured before are sent again.
    Replay,
    /// A disk is full.
    FillDisk(Host),
    /// Syncs fail from now on.
    FailSync(Host),
    /// The daemon dies in the middle of its next write.
    DieWriting(Host),
    /// While the machine is down one bit of its disk turns round.
    RotDisk(Host),
    /// The manager's machine comes back with a disk as it was some time ago.
    RollBack(Host),
    /// A disk takes a hundred times as long.
    SlowDisk(Host),
    /// An operator moves an address.
    Move(usize),
    /// An operator moves an address, and the manager's daemon dies in the middle of it.
    MoveAndKill(usize, Host),
    /// An operator adds a member.
    AddMember(usize, Host),
    /// An operator removes one.
    RemoveMember(usize, Host),
    /// An operator promotes a member, saying that the owner is off: it is.
    PromoteFenced(usize),
    /// An operator promotes a member and says nothing of the owner, whose host the manager does not
    /// reach.
    PromoteUnreached(usize, Host),
    /// An operator returns a group to its configuration.
    Reset(usize),
}

#[derive(Clone, Copy)]
enum Kind {
    KillDaemon,
    KillMachine,
    Stop,
    StickWorker,
    ClosePort,
    CutOneWay,
    CutLink,
    CutUplink,
    Partition,
    Flap,
    Degrade,
    Replay,
    FillDisk,
    FailSync,
    DieWriting,
    RotDisk,
    RollBack,
    SlowDisk,
    Move,
    MoveAndKill,
    AddMember,
    RemoveMember,
    PromoteFenced,
    PromoteUnreached,
    Reset,
}

const LOSSLESS: &[(u32, Kind)] = &[
    (25, Kind::KillDaemon),
    (20, Kind::KillMachine),
    (20, Kind::Stop),
    (25, Kind::Move),
    (5, Kind::DieWriting),
    (5, Kind::SlowDisk),
];
const NETWORK: &[(u32, Kind)] = &[
    (15, Kind::CutOneWay),
    (20, Kind::CutLink),
    (20, Kind::CutUplink),
    (15, Kind::Partition),
    (10, Kind::Flap),
    (10, Kind::Degrade),
    (10, Kind::Replay),
    (5, Kind::KillMachine),
    (5, Kind::Stop),
    (3, Kind::Move),
    (4, Kind::PromoteUnreached),
];
const DISKS: &[(u32, Kind)] = &[
    (15, Kind::DieWriting),
    (15, Kind::KillDaemon),
    (15, Kind::KillMachine),
    (10, Kind::FillDisk),
    (5, Kind::FailSync),
    (8, Kind::RotDisk),
    (6, Kind::RollBack),
    (10, Kind::SlowDisk),
    (15, Kind::CutUplink),
    (10, Kind::Move),
    (8, Kind::MoveAndKill),
];
const OPERATOR: &[(u32, Kind)] = &[
    (30, Kind::Move),
    (12, Kind::MoveAndKill),
    (8, Kind::ClosePort),
    (12, Kind::AddMember),
    (12, Kind::RemoveMember),
    (6, Kind::PromoteFenced),
    (12, Kind::PromoteUnreached),
    (4, Kind::Reset),
    (10, Kind::KillDaemon),
    (6, Kind::KillMachine),
    (8, Kind::CutLink),
    (6, Kind::Stop),
    (6, Kind::Replay),
];
const EVERYTHING: &[(u32, Kind)] = &[
    (12, Kind::KillDaemon),
    (12, Kind::KillMachine),
    (10, Kind::Stop),
    (5, Kind::StickWorker),
    (16, Kind::ClosePort),
    (6, Kind::CutOneWay),
    (8, Kind::CutLink),
    (8, Kind::CutUplink),
    (6, Kind::Partition),
    (4, Kind::Flap),
    (4, Kind::Degrade),
    (6, Kind::Replay),
    (3, Kind::FillDisk),
    (2, Kind::FailSync),
    (5, Kind::DieWriting),
    (1, Kind::RotDisk),
    (4, Kind::SlowDisk),
    (10, Kind::Move),
    (5, Kind::AddMember),
    (5, Kind::RemoveMember),
    (3, Kind::PromoteFenced),
    (4, Kind::PromoteUnreached),
    (1, Kind::Reset),
];

impl Fault {
    /// The next one of a run.
    pub fn draw(scenario: &Scenario, dice: &mut Dice) -> Self {
        let kind = dice.weighted(match scenario.profile {
            Profile::Lossless => LOSSLESS,
            Profile::Network => NETWORK,
            Profile::Disks => DISKS,
            Profile::Operator => OPERATOR,
            Profile::Everything => EVERYTHING,
        });
        let group = dice.index(scenario.groups.len());
        let host = victim(scenario, group, dice);
        let other = another(scenario, host, dice);
        // The manager's disk is the interesting one.
        let disk = if dice.chance(500_000) {
            scenario.manager
        } else {
            host
        };
        match kind {
            Kind::KillDaemon => Self::KillDaemon(host),
            Kind::KillMachine => Self::KillMachine(host),
            Kind::Stop => Self::Stop(host),
            Kind::StickWorker => Self::StickWorker(host),
            Kind::ClosePort => Self::ClosePort(host, group),
            Kind::CutOneWay => Self::CutOneWay(host, other),
            Kind::CutLink => Self::CutLink(host, other),
            Kind::CutUplink => Self::CutUplink(host),
            Kind::Partition => Self::Partition(mask(scenario.hosts, dice)),
            Kind::Flap => Self::Flap(host, other),
            Kind::Degrade => Self::Degrade(host, other),
            Kind::Replay => Self::Replay,
            Kind::FillDisk => Self::FillDisk(disk),
            Kind::FailSync => Self::FailSync(disk),
            Kind::DieWriting => Self::DieWriting(disk),
            Kind::RotDisk => Self::RotDisk(disk),
            Kind::RollBack => Self::RollBack(scenario.manager),
            Kind::SlowDisk => Self::SlowDisk(disk),
            Kind::Move => Self::Move(group),
            Kind::MoveAndKill => Self::MoveAndKill(group, scenario.manager),
            Kind::AddMember => Self::AddMember(group, other),
            Kind::RemoveMember => Self::RemoveMember(group, host),
            Kind::PromoteFenced => Self::PromoteFenced(group),
            Kind::PromoteUnreached => Self::PromoteUnreached(group, scenario.manager),
            Kind::Reset => Self::Reset(group),
        }
    }

    /// How long it lasts; nothing for what is done at once.
    pub fn lasts(self, dice: &mut Dice) -> Duration {
        let (least, most) = match self {
            Self::KillDaemon(_) | Self::DieWriting(_) | Self::MoveAndKill(..) => (50, 3_000),
            Self::KillMachine(_) | Self::FailSync(_) | Self::RotDisk(_) | Self::RollBack(_) => {
                (500, 6_000)
            }
            Self::Stop(_) => (20, 2_000),
            Self::StickWorker(_) => (50, 1_500),
            Self::ClosePort(..) => (300, 4_000),
            Self::CutOneWay(..) | Self::CutLink(..) | Self::CutUplink(_) | Self::Partition(_) => {
                (30, 5_000)
            }
            Self::Flap(..) => (20, 200),
            Self::PromoteUnreached(..) => (200, 1_500),
            Self::Degrade(..) => (500, 5_000),
            Self::FillDisk(_) | Self::SlowDisk(_) => (300, 5_000),
            Self::Replay
            | Self::Move(_)
            | Self::AddMember(..)
            | Self::RemoveMember(..)
            | Self::PromoteFenced(_)
            | Self::Reset(_) => return Duration::ZERO,
        };
        dice.span(Duration::from_millis(least), Duration::from_millis(most))
    }
}

/// Mostly somebody who matters: a member of the group, the manager's host.
fn victim(scenario: &Scenario, group: usize, dice: &mut Dice) -> Host {
    let members = &scenario.groups[group].members;
    match dice.index(10) {
        0..4 => members[0],
        4..7 => dice.pick(members),
        7..9 => scenario.manager,
        _ => Host(u8::try_from(dice.index(scenario.hosts)).unwrap_or(0)),
    }
}

fn another(scenario: &Scenario, host: Host, dice: &mut Dice) -> Host {
    let others: Vec<Host> = Host::all(scenario.hosts)
        .filter(|&other| other != host)
        .collect();
    dice.pick(&others)
}

fn mask(hosts: usize, dice: &mut Dice) -> u8 {
    let all = (1_u64 << hosts) - 1;
    u8::try_from(dice.between(1, all)).unwrap_or(1)
}
