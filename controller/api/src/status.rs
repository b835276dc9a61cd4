//! How a host is doing: the answer to `GET /v1/status`.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Ipv6Addr};

use serde::{Deserialize, Serialize};

use wire::ethernet::MacAddress;

use crate::delay::Delay;

/// A host at one moment. Counters count from the start of the daemon.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// This host's name in the fabric.
    pub host: String,
    /// The daemon's version.
    pub version: String,
    /// The daemon's process.
    pub pid: u32,
    /// Seconds since the daemon's workers started.
    pub uptime_s: u64,
    /// The newest version of the tables that was published.
    pub table_version: u64,
    /// The version that each worker has taken up, in the order of `workers`.
    pub table_version_by_worker: Vec<u64>,
    /// How long it took to build and to publish each change of mappings.
    #[serde(default)]
    pub tables_built: Vec<Delay>,
    /// Every host of the fabric.
    pub hosts: Vec<HostStatus>,
    /// The way to the substrate.
    pub uplink: UplinkStatus,
    /// The guests' ports of this host.
    pub ports: Vec<PortStatus>,
    /// The configured nodes of every network.
    pub nodes: Vec<NodeStatus>,
    /// Virtual addresses that this host can reach, nodes included.
    pub mappings: u64,
    /// The polling threads.
    pub workers: Vec<WorkerStatus>,
    /// The controller thread.
    pub controller: ControllerStatus,
    /// Paths that take less than the uplink, as routers said.
    #[serde(default)]
    pub path_mtus: Vec<PathMtuStatus>,
    /// What guests were told by ICMP, and what routers said.
    #[serde(default)]
    pub icmp: IcmpStatus,
    /// Hosts of the substrate that nodes reach by a virtual address.
    #[serde(default)]
    pub native: NativeStatus,
    /// Packets to groups and to all of a subnet.
    #[serde(default)]
    pub multicast: MulticastStatus,
    /// Packets that went nowhere, one entry a reason.
    pub drops: Vec<DropStatus>,
    /// Whether every packet is accounted for.
    pub balance: Balance,
}

/// A host of the fabric, as the asked host knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostStatus {
    /// Its name.
    pub name: String,
    /// Its locator, such as `fd00:aa:0:100::/56`.
    pub locator: String,
    /// Where the host itself, rather than a node on it, is reached.
    pub control_address: Ipv6Addr,
    /// This is the host that answers.
    pub is_self: bool,
}

/// The port to the substrate and the router behind it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UplinkStatus {
    /// The DPDK device as configured.
    pub device: String,
    /// The DPDK driver, such as `net_af_xdp`.
    pub driver: String,
    /// This host's address on the link and its prefix length, such as `2001:db8:0:1::2/64`.
    pub address: String,
    /// The port's own MAC.
    #[serde(with = "crate::text")]
    pub mac: MacAddress,
    /// The router that everything is sent to.
    pub next_hop: Ipv6Addr,
    /// The router's MAC, once configured or discovered.
    #[serde(default, with = "crate::text::option")]
    pub next_hop_mac: Option<MacAddress>,
    /// The largest IPv6 packet that the link carries, in octets.
    pub mtu: u16,
}

/// A port of this host; counters are from the host's side, so `rx` is what the guest sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortStatus {
    /// `network/node` of the guest behind it, or `uplink`.
    pub name: String,
    /// The DPDK device as configured.
    pub device: String,
    /// The DPDK driver, such as `net_af_packet`.
    pub driver: String,
    /// The lcore that polls it; none where several share it.
    pub worker: Option<u16>,
    /// Whether its link is up, as far as the driver knows.
    pub link_up: bool,
    /// The port's own MAC, if it has one.
    #[serde(default, with = "crate::text::option")]
    pub mac: Option<MacAddress>,
    /// Packets received from the port.
    pub rx_packets: u64,
    /// Octets of those, Ethernet header included.
    pub rx_bytes: u64,
    /// Packets handed to the port.
    pub tx_packets: u64,
    /// Octets of those, Ethernet header included.
    pub tx_bytes: u64,
    /// Packets of this port that were dropped, by reason; reasons that never happened are left out.
    pub drops: BTreeMap<String, u64>,
}

/// A node of a network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeStatus {
    /// The network's name.
    pub network: String,
    /// The node's name; mappings made at run time need none.
    pub name: Option<String>,
    /// Its virtual address.
    pub address: Ipv4Addr,
    /// The host that owns it.
    pub host: String,
    /// That is the host that answers.
    pub local: bool,
    /// The generation of its ownership, 1 until it first moves.
    pub generation: u64,
    /// The MAC that its neighbours see.
    #[serde(with = "crate::text")]
    pub mac: MacAddress,
}

/// A polling thread.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkerStatus {
    /// The lcore that it is pinned to.
    pub lcore: u16,
    /// Rounds over all its queues.
    pub rounds: u64,
    /// Rounds that moved at least one packet.
    pub busy_rounds: u64,
    /// The longest time between the beginnings of two rounds since the start, an idle
    /// worker's sleep included, in microseconds.
    pub longest_gap_us: u64,
    /// ARP requests of guests that it answered; they count as delivered.
    pub arp_answered: u64,
    /// Packets whose IPv4 options re-heading stripped.
    pub options_stripped: u64,
    /// The version of the tables that it has taken up.
    pub table_version: u64,
    /// How long after their publication it took up versions; those that a newer one overtook are
    /// not among them.
    #[serde(default)]
    pub tables_taken_up: Vec<Delay>,
    /// How much of that is more than the round took in which a version was published.
    #[serde(default)]
    pub tables_late: Vec<Delay>,
}

/// The controller thread: what became of the frames that workers punted to it.
///
/// `received` is the sum of the five that follow it. A packet that it does not believe or answer
/// ends here; the workers' balance counts it as punted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ControllerStatus {
    /// Frames from the workers.
    pub received: u64,
    /// Of those, to another station, or nothing that this host answers.
    pub not_for_us: u64,
    /// Of those, IPv6 headers that contradict the frame.
    pub malformed: u64,
    /// Of those, neighbour discovery that was believed.
    pub discovery: u64,
    /// Of those, neighbour discovery that was not.
    pub discovery_refused: u64,
    /// Of those, packets for the control endpoint.
    pub endpoint: u64,
    /// Frames made here.
    pub sent: u64,
    /// Packets made here that found no next hop.
    pub no_next_hop: u64,
    /// Datagrams made here that found no room in the endpoint.
    #[serde(default)]
    pub datagrams_full: u64,
    /// Frames made here that found no room on the way to the worker.
    pub transmit_full: u64,
    /// ICMPv6 errors that were kept back.
    pub unsent_errors: u64,
    /// Times that the control endpoint's stack was started anew after a fault of its own.
    pub stack_restarts: u64,
    /// What became of messages between hosts; all zero on a host without groups.
    #[serde(default)]
    pub messages: MessageStatus,
}

/// What became of the messages by which hosts speak about groups.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageStatus {
    /// Messages of other hosts that were believed.
    pub received: u64,
    /// Datagrams that were not: wrong key, replayed, of another life or fabric, malformed.
    pub refused: u64,
    /// Datagrams that were not looked at, since their sender had sent too many.
    pub over_budget: u64,
    /// Messages sent to other hosts.
    pub sent: u64,
    /// Messages that were not sent, since no session was open.
    pub unsent: u64,
    /// Events and reports that were lost on their way to the event stream.
    pub notes_lost: u64,
}

/// A path that takes less than the uplink: a router said so in answer to a packet of a guest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PathMtuStatus {
    /// The host at its end.
    pub host: String,
    /// The largest IPv6 packet that it takes, in octets.
    pub mtu: u16,
    /// When that is forgotten, in seconds from now.
    pub forgotten_in_s: u64,
}

/// ICMP, over all workers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct IcmpStatus {
    /// Errors that guests of this host were sent, those that were made of a router's included.
    pub errors: u64,
    /// Errors that a guest was not sent, since it had too many of late.
    pub errors_limited: u64,
    /// Echo requests to virtual routers that were answered; they count as delivered.
    #[serde(default)]
    pub echoes: u64,
    /// Packets of guests that were cut into fragments.
    pub fragmented: u64,
    /// Errors of routers that were believed: a packet was too big (ICMPv6 2/0).
    pub heard_too_big: u64,
    /// A host cannot be reached (ICMPv6 1/x).
    pub heard_unreachable: u64,
    /// Other errors, which are counted and dropped (ICMPv6 3/x and 4/x).
    pub heard_other: u64,
}

/// Native IPv6 peers, and what was translated for them, over all workers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NativeStatus {
    /// Each peer, and each range of peers behind a prefix.
    pub peers: Vec<NativePeerStatus>,
    /// Packets of nodes to peers, each once, however many fragments it became.
    pub up: u64,
    /// Packets of peers to nodes, and errors of routers about packets to peers.
    pub down: u64,
    /// ICMPv6 errors that peers were sent.
    pub errors: u64,
    /// Errors that no peer was sent, since there were too many of late.
    pub errors_limited: u64,
}

/// Packets of nodes to groups and to all of their subnet, over all workers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MulticastStatus {
    /// Each configured group of each subnet.
    pub groups: Vec<MulticastGroupStatus>,
    /// Packets that nodes of this host sent to many, each once.
    pub sent: u64,
    /// What these became for other hosts, fragments each.
    pub to_hosts: u64,
    /// Packets to many for nodes of this host, wherever they came from.
    pub to_nodes: u64,
    /// Times that a node was asked what it listens to; they count as generated.
    pub queries: u64,
    /// IGMP messages that were believed, of nodes here and of other hosts.
    pub reports: u64,
    /// Messages to other hosts about what nodes here listen to; they count as generated.
    pub announced: u64,
}

/// A group on a subnet, and who listens to it now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MulticastGroupStatus {
    /// The network's name.
    pub network: String,
    /// The subnet, such as `10.0.0.0/24`.
    pub subnet: String,
    /// The group's address.
    pub address: Ipv4Addr,
    /// The nodes of this host that listen, as `network/node`.
    pub nodes: Vec<String>,
    /// The other hosts with nodes that listen; those that were not heard since this one
    /// started are taken to.
    pub hosts: Vec<String>,
}

/// A native peer, or a range of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NativePeerStatus {
    /// The network whose nodes reach it.
    pub network: String,
    /// What they call it: an address, or a prefix such as `198.18.0.0/15`.
    pub address: String,
    /// Its own address, or a prefix such as `2001:db8:64::/96`.
    pub ipv6: String,
}

/// How often one drop reason happened, over all ports and workers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DropStatus {
    /// The reason's name, such as `encode_no_mapping`.
    pub reason: String,
    /// `malformed`, `policy`, `stale` or `capacity`.
    pub class: String,
    /// Packets dropped for it.
    pub packets: u64,
    /// What happened and what to do, in one sentence.
    pub meaning: String,
}

/// Where every packet that came in has gone.
///
/// `received + injected + copied + generated = delivered + transmitted + punted + dropped + kept +
/// unexplained`, and `unexplained` is 0 whenever no packet is on its way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Balance {
    /// Packets received from any port.
    pub received: u64,
    /// Packets that the host itself sent (neighbour discovery, answers to ping).
    pub injected: u64,
    /// Copies of packets to replicated addresses that were due here: each is a packet more.
    #[serde(default)]
    pub copied: u64,
    /// Packets that the packet path made: ICMP errors for guests, and all but one fragment of each
    /// packet that it cut.
    #[serde(default)]
    pub generated: u64,
    /// Packets handed to guests of this host, answers to their ARP requests included.
    pub delivered: u64,
    /// Packets handed to the uplink.
    pub transmitted: u64,
    /// Packets handed to the controller, and errors of routers that it alone had to hear of.
    pub punted: u64,
    /// Packets dropped with a reason.
    pub dropped: u64,
    /// Packets that replicas of this host keep, or kept until they were not needed any more.
    #[serde(default)]
    pub kept: u64,
    /// What is left: more than 0 are packets that vanished, less than 0 packets out of nowhere.
    pub unexplained: i64,
}

impl Balance {
    /// The same counts with `unexplained` drawn up from the others.
    #[must_use]
    pub fn drawn(self) -> Self {
        let come = [self.received, self.injected, self.copied, self.generated].into_iter();
        let gone = [
            self.delivered,
            self.transmitted,
            self.punted,
            self.dropped,
            self.kept,
        ];
        let unexplained =
            come.map(i128::from).sum::<i128>() - gone.into_iter().map(i128::from).sum::<i128>();
        let unexplained = unexplained.clamp(i64::MIN.into(), i64::MAX.into()) as i64;
        Self {
            unexplained,
            ..self
        }
    }
}
