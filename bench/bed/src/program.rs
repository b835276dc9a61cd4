//! The programs that are measured, all over the same devices.
//!
//! Each receives what `net_pcap` copies out of memory into fresh buffers, without end, and sends
//! to a device that drops it: the cost of both is in every figure, and [`Kind::Gauge`] is that cost
//! alone. Each works on one core, with the same number of buffers of the same size.

use std::error::Error;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::counters::Counters;
use crate::inputs::Inputs;
use crate::process::Process;
use crate::scenario::Direction;

mod bare_loop;
mod copier;
mod testpmd;
pub mod understudyd;

/// The core that works.
const WORKER_CORE: u16 = 1;
/// The core of everything else.
const OTHER_CORE: u16 = 0;

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The product: all checks and counters on.
    Understudyd,
    /// The limit: `bench/bare-loop` with the mandatory work.
    BareLoop,
    /// The same without prefetching table slots: whether the load is memory-bound.
    BareLoopNoPrefetch,
    /// The older limit: no header checks, no label. Encode only.
    BareLoopSimple,
    /// DPDK's own forwarder, packets untouched.
    TestpmdIo,
    /// DPDK's own forwarder, Ethernet addresses exchanged.
    TestpmdMacswap,
    /// The bare loop without work: the devices alone. Run before and after each round.
    Gauge,
    /// `understudyd`'s worker alone, packets to a group without replicas.
    Worker,
    /// The same with one replica: flat copies.
    WorkerCopies,
    /// The same, copies that share their payload.
    WorkerShares,
    /// The bare loop with one replica.
    BareLoopCopies,
}

impl Kind {
    /// What takes turns in a round, in this order; the gauge is beside them.
    #[must_use]
    pub fn contenders(direction: Direction) -> Vec<Self> {
        let mut all = vec![Self::Understudyd, Self::BareLoop, Self::BareLoopNoPrefetch];
        if direction == Direction::Encode {
            all.push(Self::BareLoopSimple);
        }
        all.extend([Self::TestpmdIo, Self::TestpmdMacswap]);
        all
    }

    /// As it is called on the terminal and in files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Understudyd => "understudyd",
            Self::BareLoop => "bare loop",
            Self::BareLoopNoPrefetch => "bare loop, no prefetch",
            Self::BareLoopSimple => "bare loop, simple",
            Self::TestpmdIo => "testpmd io",
            Self::TestpmdMacswap => "testpmd macswap",
            Self::Gauge => "IO only",
            Self::Worker => "worker",
            Self::WorkerCopies => "worker, flat copies",
            Self::WorkerShares => "worker, shared payload",
            Self::BareLoopCopies => "bare loop, flat copies",
        }
    }

    /// Copies that it makes of each packet.
    #[must_use]
    pub fn copies(self) -> u8 {
        match self {
            Self::WorkerCopies | Self::WorkerShares | Self::BareLoopCopies => 1,
            _ => 0,
        }
    }

    fn file_name(self) -> String {
        self.name().replace(", ", "-").replace(' ', "-")
    }
}

/// Where the programs are.
#[derive(Clone, Debug)]
pub struct Binaries {
    /// The directory of `understudyd`, `understudy` and `bare-loop`.
    pub directory: PathBuf,
    /// DPDK's forwarder.
    pub testpmd: PathBuf,
}

/// What the devices do.
#[derive(Clone, Debug)]
pub enum Devices {
    /// Packets come without end, and are dropped.
    Endless,
    /// Each packet comes once, and is written to this file.
    Once(PathBuf),
}

impl Devices {
    /// DPDK's string for the device that receives, number 0.
    fn rx(&self, packets: &Path) -> String {
        let endless = match self {
            Self::Endless => ",infinite_rx=1",
            Self::Once(_) => "",
        };
        format!("net_pcap0,rx_pcap={}{endless}", packets.display())
    }

    /// DPDK's string for the device that sends, number 1.
    fn tx(&self) -> String {
        match self {
            Self::Endless => "net_null1,no-rx=1".to_owned(),
            Self::Once(out) => format!("net_pcap1,tx_pcap={}", out.display()),
        }
    }
}

/// A program that runs, or waits for its turn.
pub struct Running {
    /// The process.
    pub process: Process,
    /// What it has forwarded.
    pub counters: Counters,
    /// The thread that works; `None` is the first.
    pub thread: Option<&'static str>,
    /// What it took to make it ready, where that is a figure of its own.
    pub load: Option<Load>,
}

/// What it took to load the mappings.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Load {
    /// Mappings loaded over the local socket.
    pub mappings: u32,
    /// Seconds, from the command's start to its end.
    pub seconds: f64,
    /// Memory outside hugepages before and after, in octets.
    pub resident_bytes: [u64; 2],
}

impl Kind {
    /// Starts it and waits until it works.
    ///
    /// # Errors
    /// It does not come up; with the end of its log.
    pub fn start(
        self,
        binaries: &Binaries,
        inputs: &Inputs,
        devices: &Devices,
    ) -> Result<Running, Box<dyn Error>> {
        match self {
            Self::Understudyd => understudyd::start(binaries, inputs, devices),
            Self::TestpmdIo => testpmd::start(self, "io", binaries, inputs, devices),
            Self::TestpmdMacswap => testpmd::start(self, "macswap", binaries, inputs, devices),
            Self::BareLoop
            | Self::BareLoopNoPrefetch
            | Self::BareLoopSimple
            | Self::BareLoopCopies
            | Self::Gauge => bare_loop::start(self, binaries, inputs, devices),
            Self::Worker | Self::WorkerCopies | Self::WorkerShares => {
                copier::start(self, binaries, inputs, devices)
            }
        }
    }
}

/// Buffers of a program: the packets that `net_pcap` keeps, and as many as may be on their way.
fn mbufs(inputs: &Inputs) -> u32 {
    (inputs.scenario.packets() + 16_384).next_power_of_two() - 1
}
