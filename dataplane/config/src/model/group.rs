//! Replication, validated: `[[group]]`, `[manager]` and the keys of hosts

use std::fmt;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::time::Duration;

/// `[[group]]`: an address that several hosts can serve. The initial state only: once the manager
/// has a record of the group, that record wins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// The position in [`Config::networks`](crate::Config::networks).
    pub network: usize,
    /// The virtual address that all members share; unique among the groups of the network.
    pub address: Ipv4Addr,
    /// `network/address`, unique.
    pub name: String,
    /// The positions in [`Network::nodes`](crate::Network::nodes) in the order of rank; 1 to 8, each
    /// on a host of its own, all with one MAC. The first is the initial primary.
    pub members: Vec<usize>,
    /// Nodes with the same address that may become members after a promotion, in the order in which
    /// they are taken; hosts as with members.
    pub spares: Vec<usize>,
    /// What a replica does with its copies.
    pub copies: Copies,
    /// Who makes the copies.
    pub fan_out: FanOut,
    /// Between two heartbeats; I in the protocol.
    pub interval: Duration,
    /// Intervals without a heartbeat until a host counts as lost: at least 3.
    pub detect_mult: u32,
    /// What a primary without replicas and without the manager does.
    pub on_isolation: OnIsolation,
    /// What one replica may be sent.
    pub copy_budget: CopyBudget,
    /// What one member's buffer may hold.
    pub buffer: BufferLimits,
    /// A checkpoint's mark keeps copies that came within this time before the primary froze its
    /// input.
    pub checkpoint_margin: Duration,
    /// The shortest time between two promotions.
    pub promotion_min_gap: Duration,
    /// What is run when a member is promoted or demoted.
    pub hook: Option<Hook>,
}

impl Group {
    /// How long nothing is heard of a host before it counts as lost: G in the protocol.
    #[must_use]
    pub fn detection(&self) -> Duration {
        self.interval * self.detect_mult
    }
}

/// What a replica does with its copies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Copies {
    /// It gives them to its guest, which runs in step with the primary's.
    Deliver,
    /// It keeps them until a checkpoint covers them or it is promoted.
    Buffer,
}

/// Who makes the copies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FanOut {
    /// The host of whoever sends: a primary that dies takes no copy with it.
    Sender,
    /// The primary's host: the sender's link carries each packet once.
    Primary,
}

/// What a primary does that reaches neither a replica nor the manager.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnIsolation {
    /// It falls silent when its lease ends: never two primaries, perhaps none.
    Mute,
    /// It goes on: never none, and the receivers alone keep out a second one.
    Continue,
}

/// What one replica may be sent; beyond it copies are dropped and counted, the primary's packets
/// never.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CopyBudget {
    /// Packets per second; `None` sets no limit.
    pub packets_per_s: Option<u64>,
    /// Bytes per second of IPv6 packets; `None` sets no limit.
    pub bytes_per_s: Option<u64>,
}

/// What one member's buffer may hold: the copies since the last checkpoint, and what waits for a
/// promotion or a move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BufferLimits {
    /// Packets.
    pub packets: u32,
    /// Memory in bytes, a multiple of 1 MiB.
    pub bytes: u64,
    /// What is older is dropped.
    pub age: Duration,
}

/// An executable that is run on promotion and demotion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hook {
    /// Absolute.
    pub path: PathBuf,
    /// What runs longer is killed and counts as failed.
    pub timeout: Duration,
    /// Whether a promotion waits for it.
    pub wait: bool,
}

/// `[manager]`: who decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manager {
    /// The position in [`Fabric::hosts`](crate::Fabric::hosts).
    pub host: usize,
    /// Where its log is, on that host.
    pub state_dir: PathBuf,
    /// The secret key that signs decisions, on that host.
    pub key_file: Option<PathBuf>,
    /// What the signatures are checked with, on every host.
    pub public_key: Option<PublicKey>,
}

/// A public key as `understudy keygen` prints it: `x25519:` for a host, `ed25519:` for the manager,
/// then the base64 of 32 bytes. Its form is right; whether a secret key belongs to it is not known.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct PublicKey(pub(crate) String);

impl PublicKey {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({self})")
    }
}
