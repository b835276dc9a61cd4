//! One life of a host: its replication with everything around it.

use std::collections::BTreeMap;
use std::net::Ipv6Addr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use failover::config::Isolation;
use failover::{
    Agent, AgentConfig, AgentEvent, CopyMode, Damping, FanOut, GroupConfig, GroupInstall,
    HookPolicy, Lease, ManagedGroup, ManagerConfig, Note, Signer, Timers,
};
use journal::RealDisk;
use journal::log::StoreId;
use messages::body::{Answer, Counts};
use messages::keys::{Keys, ManagerSecret};
use messages::session::{Fingerprint, Nonce, Offer};
use messages::{BootId, FabricId, GroupId, HostId, Record, Sessions, Time};
use rtrb::{Consumer, RingBuffer};
use runtime::endpoint::{Endpoint, EndpointConfig};
use runtime::hooks::Hooks;
use runtime::replication::{
    Archive, Dataplane, Executable, Office, Parts, Replication, Testimony, TimedNote,
};
use wire::address::Layout;
use wire::encode::{DscpRule, HeadingRules, KeepId};

/// The first owner, the other member, and the host with the manager.
pub const S: HostId = HostId([1; 9]);
pub const T: HostId = HostId([2; 9]);
pub const R: HostId = HostId([3; 9]);
pub const HOSTS: [HostId; 3] = [S, T, R];
pub const INTERVAL: Duration = Duration::from_millis(50);
const FABRIC: FabricId = FabricId([7; 16]);

/// Where a host's control sessions end.
pub fn address(host: HostId) -> Ipv6Addr {
    Ipv6Addr::new(0xfd00, 0xaa, 0, u16::from(host.0[0]) << 8, 0xfe00, 0, 0, 1)
}

pub fn group(index: u32) -> GroupId {
    GroupId::new(0x12_3456, (0x0a00_0003 + index).into())
}

/// What all hosts are told.
#[derive(Clone)]
pub struct Setup {
    pub groups: u32,
    pub hook: HookPolicy,
    pub executable: Option<Executable>,
    pub notes_max: usize,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            groups: 1,
            hook: HookPolicy::Absent,
            executable: None,
            notes_max: 1 << 16,
        }
    }
}

impl Setup {
    fn group(&self, index: u32) -> GroupConfig {
        GroupConfig {
            id: group(index),
            members: vec![S, T],
            copies: CopyMode::Deliver,
            fan_out: FanOut::Sender,
            timers: Timers {
                interval: INTERVAL,
                detect_mult: 3,
            },
            on_isolation: Isolation::Mute,
            checkpoint_margin: Duration::from_millis(100),
            hook: self.hook,
            audience: HOSTS.to_vec(),
        }
    }

    fn groups(&self) -> impl Iterator<Item = GroupConfig> + '_ {
        (0..self.groups).map(|index| self.group(index))
    }
}

/// What was done, as the packet path and the readers of notes see it.
#[derive(Clone, Debug)]
pub enum Seen {
    Install(Box<GroupInstall>),
    Lease(GroupId, Lease),
    Note(Note),
}

/// A packet path that does what it is told and remembers it.
#[derive(Default)]
pub struct PacketPath {
    pub seen: Vec<Seen>,
    barriers: Vec<u64>,
    groups: u32,
    port_told: bool,
    has_port: bool,
}

impl Dataplane for PacketPath {
    fn install(&mut self, install: &GroupInstall) {
        self.seen.push(Seen::Install(Box::new(install.clone())));
    }

    fn lease(&mut self, group: GroupId, until: Lease) {
        self.seen.push(Seen::Lease(group, until));
    }

    fn barrier(&mut self, token: u64) {
        self.barriers.push(token);
    }

    fn observe(&mut self, _: Time, events: &mut Vec<AgentEvent>) {
        for token in self.barriers.drain(..) {
            events.push(AgentEvent::Boundary { token });
        }
        if self.has_port && !std::mem::replace(&mut self.port_told, true) {
            events.extend((0..self.groups).map(|index| AgentEvent::Port {
                group: group(index),
                up: true,
            }));
        }
    }

    fn sample(&mut self, _: Time, events: &mut Vec<AgentEvent>) {
        events.push(AgentEvent::Workers { advanced: true });
        // The counts of others change nothing here, and each costs a look at all groups.
        events.extend((0..self.groups.min(1)).map(|index| AgentEvent::Counts {
            group: group(index),
            counts: Counts::default(),
            senders: vec![R],
        }));
    }
}

/// A host while it lives.
pub struct Host {
    pub replication: Replication,
    pub endpoint: Endpoint,
    pub path: PacketPath,
    pub answers: Vec<(u64, Answer)>,
    /// Not taken out unless a test does, or [`Host::round`].
    pub notes: Consumer<TimedNote>,
    pub testimonies: Consumer<Testimony>,
}

impl Host {
    /// Starts a host with what is in its directory.
    pub fn boot(own: HostId, boot: BootId, directory: &Path, setup: &Setup, now: Time) -> Self {
        let peers: BTreeMap<HostId, Ipv6Addr> = HOSTS
            .into_iter()
            .filter(|host| *host != own)
            .map(|host| (host, address(host)))
            .collect();
        let mut asked = 0u64;
        let questions = move || {
            asked += 1;
            let mut question = [0; 16];
            question[..8].copy_from_slice(&boot.0.to_be_bytes());
            question[8..].copy_from_slice(&asked.to_be_bytes());
            Nonce(question)
        };
        let sessions = Sessions::new(
            Keys::insecure_lab(FABRIC, own, HOSTS),
            offer(),
            boot,
            Box::new(questions),
            now,
        );
        let store = StoreId([own.0[0]; 16]);
        let disk = |name: &str| RealDisk::open(&directory.join(name)).expect("a disk");
        let (archive, before) = Archive::open(disk("agent"), store).expect("the agent's disk");
        let office = (own == R).then(|| {
            let directory = directory.join("manager");
            let disk = disk("manager");
            Office::open(directory, disk, store, manager(setup), signer(), boot, now)
                .expect("the manager's disk")
        });
        let agent = AgentConfig {
            fabric: FABRIC,
            host: own,
            manager: R,
            groups: setup.groups().collect(),
            machine_kept: true,
        };
        let (to_service, notes) = RingBuffer::new(setup.notes_max);
        let (to_recorder, testimonies) = RingBuffer::new(64);
        let executable = setup.executable.clone();
        Self {
            endpoint: endpoint(own, peers.values().copied().collect(), boot),
            replication: Replication::new(Parts {
                own,
                boot,
                manager: R,
                addresses: peers,
                sessions,
                agent: Agent::new(agent, before.records, boot, now),
                office,
                archive,
                hooks: Hooks::spawn().expect("a thread"),
                executables: executable
                    .map(|found| (group(0), found))
                    .into_iter()
                    .collect(),
                interval: INTERVAL,
                notes: to_service,
                testimonies: to_recorder,
            }),
            path: PacketPath {
                groups: setup.groups,
                has_port: own != R,
                ..PacketPath::default()
            },
            answers: Vec::new(),
            notes,
            testimonies,
        }
    }

    /// Takes packets, does what is due, and returns the packets that leave.
    pub fn round(&mut self, now: Time, packets: &[Vec<u8>]) -> Vec<Vec<u8>> {
        let now_ms = now.0 / 1_000_000;
        let mut sent = Vec::new();
        for packet in packets {
            let checked = smoltcp::wire::Ipv6Packet::new_checked(&packet[..]).expect("a packet");
            if self.endpoint.accepts(&checked) {
                let out = &mut |packet: &[u8]| sent.push(packet.to_vec());
                self.endpoint.input(packet, now_ms, out);
            }
        }
        self.replication
            .round(now, &mut self.endpoint, &mut self.path);
        self.answers.extend(self.replication.take_answers());
        self.endpoint
            .poll(now_ms, &mut |packet| sent.push(packet.to_vec()));
        sent
    }
}

fn endpoint(own: HostId, peers: Arc<[Ipv6Addr]>, boot: BootId) -> Endpoint {
    Endpoint::new(EndpointConfig {
        control_address: address(own),
        control_port: 4747,
        peers,
        uplink_address: Ipv6Addr::new(0x2001, 0xdb8, 0, 1, 0, 0, 0, own.0[0].into()),
        mtu_bytes: 1500,
        seed: boot.0,
    })
}

fn offer() -> Offer {
    let rules = HeadingRules {
        dscp: DscpRule::Copy,
        keep_id: KeepId::Off,
        experimental_allowed: false,
    };
    let settings = Fingerprint::of(["50 ms, 3"]);
    Offer::new(Layout::Neutral56, &rules, settings, settings)
}

fn manager(setup: &Setup) -> ManagerConfig {
    ManagerConfig {
        fabric: FABRIC,
        host: R,
        hosts: HOSTS.to_vec(),
        groups: setup
            .groups()
            .map(|group| ManagedGroup {
                group,
                spares: Vec::new(),
            })
            .collect(),
        damping: Damping::default(),
    }
}

fn signer() -> Signer {
    let secret = ManagerSecret::insecure_lab(FABRIC);
    Box::new(move |record: &Record| secret.sign(record).expect("a short record"))
}
