//! What is measured: direction, table, packets, frames.

use std::fmt;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// Which way packets go through the measured host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// From the guest into the substrate.
    Encode,
    /// From the substrate to the guest.
    Decode,
}

impl Direction {
    /// As it stands in the names of scenarios and files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Encode => "encode",
            Self::Decode => "decode",
        }
    }
}

/// How many different packets come round again and again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Reuse {
    /// Few enough to stay in the second-level cache: what a program costs by itself.
    Hot,
    /// More than the last-level cache holds: each comes from memory, as from a NIC.
    Cold,
}

impl Reuse {
    /// Different packets. A packet of [`Reuse::Cold`] comes again after 64 MB of
    /// others: two cache lines each, of buffer header and data.
    #[must_use]
    pub fn packets(self) -> u32 {
        match self {
            Self::Hot => 1_000,
            Self::Cold => 500_000,
        }
    }
}

/// One line of the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Scenario {
    /// Which way packets go.
    pub direction: Direction,
    /// Entries of the table; destinations, or inner sources, are spread over all of them.
    pub mappings: u32,
    /// Different packets.
    pub reuse: Reuse,
    /// Of the guest's frame, with Ethernet's checksum, as RFC 2544 counts: 64 to 1518. On the
    /// substrate it is 20 longer.
    pub frame_bytes: u16,
}

impl Scenario {
    /// The tables in both directions, hot where that can be, and sizes.
    #[must_use]
    pub fn full() -> Vec<Self> {
        let mut all = Vec::new();
        for direction in [Direction::Encode, Direction::Decode] {
            let at = |mappings, reuse, frame_bytes| Self {
                direction,
                mappings,
                reuse,
                frame_bytes,
            };
            all.push(at(1, Reuse::Hot, 64));
            all.extend([1, 10_000, 1_000_000].map(|mappings| at(mappings, Reuse::Cold, 64)));
            all.extend([512, 1518].map(|frame_bytes| at(10_000, Reuse::Cold, frame_bytes)));
        }
        all
    }

    /// One of each kind, small enough for a machine with little memory.
    #[must_use]
    pub fn quick() -> Vec<Self> {
        let at = |direction, mappings| Self {
            direction,
            mappings,
            reuse: Reuse::Hot,
            frame_bytes: 64,
        };
        vec![at(Direction::Encode, 10_000), at(Direction::Decode, 10_000)]
    }

    /// Different packets; of long frames fewer fill the cache as well.
    #[must_use]
    pub fn packets(&self) -> u32 {
        match self.frame_bytes {
            ..=127 => self.reuse.packets(),
            _ => self.reuse.packets().min(125_000),
        }
    }
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let direction = self.direction.name();
        let reuse = match self.reuse {
            Reuse::Hot => "hot",
            Reuse::Cold => "cold",
        };
        let (mappings, frame_bytes) = (self.mappings, self.frame_bytes);
        write!(f, "{direction}-{mappings}-{reuse}-{frame_bytes}")
    }
}
