//! The hosts, the network between them, and the time.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv6Addr;
use std::path::PathBuf;
use std::time::Duration;

use failover::{Fact, GroupView};
use messages::body::{Request, Standing};
use messages::{BootId, GroupState, HostId, Record, Time};
use tempfile::TempDir;

use crate::host::{HOSTS, Host, S, Seen, Setup, T, address, group};

/// One round of every host.
const STEP: Duration = Duration::from_millis(1);

/// What a round takes outside, so that disks, which are real, are not slower than in life: a write
/// lasts as many rounds as it takes milliseconds, at most.
const PACE: Duration = Duration::from_micros(250);

/// The IPv6 next header of a datagram.
const UDP: u8 = 17;

pub struct World {
    pub now: Time,
    pub setup: Setup,
    pub hosts: BTreeMap<HostId, Host>,
    pub directories: TempDir,
    boots: u64,
    /// Packets on their way, by where they go.
    pub wires: BTreeMap<HostId, Vec<Vec<u8>>>,
    /// Directed links that carry nothing.
    pub cut: BTreeSet<(HostId, HostId)>,
    pub seen: Vec<(Time, HostId, Seen)>,
    /// How far a host's clock is ahead.
    pub ahead: BTreeMap<HostId, Duration>,
    pub notes_are_read: bool,
    /// Once it has sessions, only TCP gets through to this host.
    pub datagrams_to: Option<HostId>,
}

impl World {
    /// Three hosts that were started just now.
    pub fn new(setup: Setup) -> Self {
        let mut world = Self::empty(setup);
        for host in HOSTS {
            world.boot(host);
        }
        world
    }

    pub fn empty(setup: Setup) -> Self {
        Self {
            now: Time(1_000_000_000),
            setup,
            hosts: BTreeMap::new(),
            directories: TempDir::new().expect("a directory"),
            boots: 100,
            wires: BTreeMap::new(),
            cut: BTreeSet::new(),
            seen: Vec::new(),
            ahead: BTreeMap::new(),
            notes_are_read: true,
            datagrams_to: None,
        }
    }

    /// Hosts whose group has an owner with a lease and a replica in sync.
    pub fn settled(setup: Setup) -> Self {
        let mut world = Self::new(setup);
        world.settle();
        world
    }

    pub fn settle(&mut self) {
        self.run_until(10_000, "the group is active", |world| {
            HOSTS
                .iter()
                .all(|host| world.state_at(*host) == Some(GroupState::Active))
        });
        // Acknowledgements of the last record are under way.
        self.run(50);
    }

    pub fn directory(&self, host: HostId) -> PathBuf {
        self.directories.path().join(host.0[0].to_string())
    }

    pub fn time_at(&self, host: HostId) -> Time {
        self.now
            .after(self.ahead.get(&host).copied().unwrap_or_default())
    }

    pub fn boot(&mut self, host: HostId) {
        self.boots += 1;
        let directory = self.directory(host);
        std::fs::create_dir_all(&directory).expect("a directory");
        let now = self.time_at(host);
        let life = Host::boot(host, BootId(self.boots), &directory, &self.setup, now);
        self.hosts.insert(host, life);
    }

    /// The host's daemon is gone.
    pub fn kill(&mut self, host: HostId) {
        self.hosts.remove(&host);
        self.wires.remove(&host);
    }

    pub fn operate(&mut self, at: HostId, token: u64, request: Request) {
        let now = self.time_at(at);
        let host = self.hosts.get_mut(&at).expect("the host is up");
        host.replication
            .operate(now, token, request, &mut host.path);
    }

    /// The answer to an operator who has asked at a host.
    pub fn answer(&mut self, at: HostId, token: u64, request: Request) -> messages::body::Answer {
        self.operate(at, token, request);
        self.run_until(8_000, "an answer", |world| {
            world.hosts[&at]
                .answers
                .iter()
                .any(|(answered, _)| *answered == token)
        });
        let mut answers = self.hosts[&at].answers.iter();
        let found = answers.find(|(answered, _)| *answered == token);
        found.expect("there is one").1
    }

    /// Lets `ms` milliseconds pass.
    pub fn run(&mut self, ms: u64) {
        for _ in 0..ms {
            self.step();
        }
    }

    /// Lets time pass until something holds.
    pub fn run_until(&mut self, ms_max: u64, what: &str, holds: impl Fn(&Self) -> bool) {
        for _ in 0..ms_max {
            if holds(self) {
                return;
            }
            self.step();
        }
        let views: Vec<_> = self
            .hosts
            .keys()
            .map(|host| (host, self.view(*host, 0)))
            .collect();
        panic!("not within {ms_max} ms: {what}\n{views:#?}");
    }

    fn step(&mut self) {
        self.now = self.now.after(STEP);
        let mut sent = Vec::new();
        for (name, host) in &mut self.hosts {
            let ahead = self.ahead.get(name).copied().unwrap_or_default();
            let packets = self.wires.remove(name).unwrap_or_default();
            let leaving = host.round(self.now.after(ahead), &packets);
            sent.extend(leaving.into_iter().map(|packet| (*name, packet)));
            let seen = host.path.seen.drain(..);
            self.seen.extend(seen.map(|seen| (self.now, *name, seen)));
            while self.notes_are_read
                && let Ok(note) = host.notes.pop()
            {
                self.seen.push((self.now, *name, Seen::Note(note.note)));
            }
        }
        for (from, packet) in sent {
            self.carry(from, packet);
        }
        std::thread::sleep(PACE);
    }

    /// Whether both ends have the session.
    fn is_open(&self, a: HostId, b: HostId) -> bool {
        let open = |at: HostId, with: HostId| {
            let host = self.hosts.get(&at);
            host.is_some_and(|host| host.replication.sessions().open_with(with).is_some())
        };
        open(a, b) && open(b, a)
    }

    /// A packet arrives in the next round.
    pub fn carry(&mut self, from: HostId, packet: Vec<u8>) {
        let octets: [u8; 16] = packet[24..40].try_into().expect("an IPv6 header");
        let to = HOSTS
            .into_iter()
            .find(|host| address(*host) == Ipv6Addr::from(octets));
        let to = to.expect("a host's control address");
        let lost = packet[6] == UDP && self.datagrams_to == Some(to) && self.is_open(from, to);
        if !lost && !self.cut.contains(&(from, to)) && self.hosts.contains_key(&to) {
            self.wires.entry(to).or_default().push(packet);
        }
    }

    pub fn view(&self, host: HostId, index: u32) -> GroupView {
        let agent = self.hosts[&host].replication.agent();
        let mut views = agent.view();
        let found = views.find(|view| view.group == group(index));
        found.expect("the group is configured")
    }

    pub fn standing(&self, host: HostId) -> Standing {
        self.view(host, 0).standing
    }

    pub fn record_at(&self, host: HostId) -> Option<Record> {
        Some(self.view(host, 0).record?.record)
    }

    fn state_at(&self, host: HostId) -> Option<GroupState> {
        Some(self.record_at(host)?.state)
    }

    /// Whether one of the members owns the address and may be heard.
    pub fn is_owned_by(&self, host: HostId) -> bool {
        self.hosts.contains_key(&host) && self.standing(host) == Standing::Primary
    }

    /// The place of the first thing since then that this says yes to.
    pub fn position(&self, since: Time, host: HostId, what: impl Fn(&Seen) -> bool) -> usize {
        let mut seen = self.seen.iter();
        seen.position(|(at, who, seen)| *at >= since && *who == host && what(seen))
            .expect("it happened")
    }

    /// Everything that was noted at a host since then.
    pub fn facts(&self, since: Time, host: HostId) -> impl Iterator<Item = &Fact> {
        let seen = self.seen.iter();
        seen.filter_map(move |(at, who, seen)| match seen {
            Seen::Note(note) if *at >= since && *who == host => Some(&note.fact),
            Seen::Note(_) | Seen::Install(_) | Seen::Lease(..) => None,
        })
    }

    /// Everything that the manager decided since then.
    pub fn decisions(&self, since: Time) -> usize {
        let facts = HOSTS.iter().flat_map(|host| self.facts(since, *host));
        facts
            .filter(|fact| matches!(fact, Fact::Deciding { .. }))
            .count()
    }

    /// The owner's host is lost, and t has the address.
    pub fn promote(&mut self) {
        self.kill(S);
        self.run_until(3_000, "t owns the address", |world| world.is_owned_by(T));
    }
}
