//! What to send, where, to whom: a TOML file.
//!
//! ```toml
//! [generator]
//! core = 0                      # this processor polls
//!
//! [port.guest]                  # where the host's guest would be
//! device = "net_memif0,role=server,id=0,socket=/run/understudy/bench-guest.sock"
//! [port.uplink]                 # where the host's router would be
//! device = "net_memif1,role=server,id=1,socket=/run/understudy/bench-uplink.sock"
//!
//! [traffic]
//! direction = "encode"          # or "decode", "both"
//! sizes = "imix"                # or a list: [64], [{ bytes = 64, weight = 7 }, ...]
//! mappings = 10000              # destinations are random over all of them
//!
//! [device_under_test]           # left out where it runs elsewhere
//! command = ["target/release/understudyd", "--config", "r.toml"]
//! ready = "ready: host"
//! then = [["target/release/understudy", "mapping", "load", "mappings.txt"]]
//! ```

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use thiserror::Error;
use traffic::frame::{FCS_BYTES, FRAME_BYTES_MAX, FRAME_BYTES_MIN};
use traffic::world::World;

/// A whole profile, as written.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// The generator's own needs.
    pub generator: Generator,
    /// Both ends.
    pub port: Ports,
    /// What is sent.
    pub traffic: Traffic,
    /// What is started first, if anything.
    pub device_under_test: Option<DeviceUnderTest>,
}

/// The generator's own needs.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Generator {
    /// The processor that polls.
    pub core: u16,
    /// Huge pages for it, in MiB.
    #[serde(default = "memory_mib")]
    pub memory_mib: u32,
    /// Descriptors of each queue.
    #[serde(default = "descriptors")]
    pub descriptors: u16,
}

/// Both ends of the device under test.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ports {
    /// Where its guest would be: IPv4.
    pub guest: Port,
    /// Where its router would be: IPv6.
    pub uplink: Port,
}

/// One end.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Port {
    /// DPDK's device string, or a PCI address.
    pub device: String,
}

/// What is sent.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Traffic {
    /// Which way.
    pub direction: Direction,
    /// How long the guest's frames are.
    #[serde(default)]
    pub sizes: Sizes,
    /// The table that destinations, or inner sources, are random over.
    #[serde(default = "one")]
    pub mappings: u32,
    /// Different packets; each has a flow of its own.
    #[serde(default = "flows")]
    pub flows: u32,
    /// Copies of each packet that the host is to make.
    #[serde(default)]
    pub replicas: u16,
    /// Frames of a capture instead, sent as they are; these carry no stamps and are only counted.
    pub capture: Option<PathBuf>,
}

/// Which way packets go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// From the guest to the substrate.
    Encode,
    /// From the substrate to the guest.
    Decode,
    /// Both, in turns of a burst.
    Both,
}

/// How long frames are, with Ethernet's checksum, as RFC 2544 counts.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Sizes {
    /// A mix with a name: `imix`.
    Named(Mix),
    /// These, equally often.
    Each(Vec<u16>),
    /// These, so often.
    Weighted(Vec<Weighted>),
}

/// A mix with a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mix {
    /// Seven of 64, four of 594, one of 1518 octets ("simple IMIX"; RFC 6985 names the parts).
    Imix,
}

/// A size and how often it comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Weighted {
    /// Octets.
    pub bytes: u16,
    /// Out of the sum of all weights.
    pub weight: u16,
}

/// A program that forwards.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeviceUnderTest {
    /// The program and its arguments.
    pub command: Vec<String>,
    /// What its output says when it is ready.
    pub ready: String,
    /// Commands that prepare it then.
    #[serde(default)]
    pub then: Vec<Vec<String>>,
}

/// What is wrong with a profile.
#[derive(Debug, Error)]
pub enum ProfileError {
    /// It cannot be read.
    #[error("{}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is not such a file; with line and column.
    #[error("{}: {source}", path.display())]
    Parse {
        /// The file.
        path: PathBuf,
        /// What TOML says.
        source: Box<toml::de::Error>,
    },
    /// A value is out of range.
    #[error("{}: {problem}", path.display())]
    Value {
        /// The file.
        path: PathBuf,
        /// Which, and what is possible.
        problem: String,
    },
}

impl Profile {
    /// Reads and checks a profile.
    ///
    /// # Errors
    /// See [`ProfileError`].
    pub fn load(path: &Path) -> Result<Self, ProfileError> {
        let text = fs::read_to_string(path).map_err(|source| ProfileError::Read {
            path: path.to_owned(),
            source,
        })?;
        let profile: Self = toml::from_str(&text).map_err(|source| ProfileError::Parse {
            path: path.to_owned(),
            source: Box::new(source),
        })?;
        profile.traffic.problem().map_or(Ok(profile), |problem| {
            Err(ProfileError::Value {
                path: path.to_owned(),
                problem,
            })
        })
    }
}

impl Traffic {
    /// The world that its packets are of.
    ///
    /// # Panics
    /// If it was not checked.
    #[must_use]
    pub fn world(&self) -> World {
        World::new(self.mappings).expect("the profile was checked")
    }

    fn problem(&self) -> Option<String> {
        let (least, most) = (FRAME_BYTES_MIN + FCS_BYTES, FRAME_BYTES_MAX + FCS_BYTES);
        let sizes = self.sizes.weighted();
        if let Some(size) = sizes
            .iter()
            .find(|size| !(least..=most).contains(&usize::from(size.bytes)))
        {
            return Some(format!("frames of {}: write {least} to {most}", size.bytes));
        }
        if sizes.iter().all(|size| size.weight == 0) {
            return Some("`sizes` says nothing: write at least one".to_owned());
        }
        if World::new(self.mappings).is_none() || self.flows == 0 {
            return Some("`mappings` and `flows` are at least 1, and a /8 holds them".to_owned());
        }
        None
    }
}

impl Sizes {
    /// All of them with their weights.
    #[must_use]
    pub fn weighted(&self) -> Vec<Weighted> {
        match self {
            Self::Named(Mix::Imix) => [(64, 7), (594, 4), (1518, 1)]
                .map(|(bytes, weight)| Weighted { bytes, weight })
                .to_vec(),
            Self::Each(sizes) => {
                let weighted = |bytes: &u16| Weighted {
                    bytes: *bytes,
                    weight: 1,
                };
                sizes.iter().map(weighted).collect()
            }
            Self::Weighted(sizes) => sizes.clone(),
        }
    }
}

impl Default for Sizes {
    fn default() -> Self {
        Self::Each(vec![64])
    }
}

fn memory_mib() -> u32 {
    256
}

fn descriptors() -> u16 {
    2048
}

fn one() -> u32 {
    1
}

fn flows() -> u32 {
    16_384
}

#[cfg(test)]
mod tests {
    use super::*;

    const REST: &str = "[generator]\ncore = 0\n[port.guest]\ndevice = \"net_null0\"\n\
                        [port.uplink]\ndevice = \"net_null1\"\n[traffic]\ndirection = \"encode\"\n";

    fn load(traffic: &str) -> Result<Profile, ProfileError> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("p.toml");
        fs::write(&path, format!("{REST}{traffic}")).unwrap();
        Profile::load(&path)
    }

    #[test]
    fn sizes_are_a_name_a_list_or_weights() {
        let sizes = |text: &str| load(text).unwrap().traffic.sizes.weighted();
        assert_eq!(sizes("").len(), 1);
        assert_eq!(sizes("sizes = \"imix\"").len(), 3);
        assert_eq!(sizes("sizes = [64, 1518]").len(), 2);
        let weighted = sizes("sizes = [{ bytes = 100, weight = 3 }]");
        assert_eq!(
            weighted,
            [Weighted {
                bytes: 100,
                weight: 3
            }]
        );
    }

    #[test]
    fn what_cannot_be_sent_is_refused_with_what_can() {
        let refusal = |text: &str| load(text).unwrap_err().to_string();
        assert!(refusal("sizes = [63]").contains("64 to 1518"));
        assert!(refusal("sizes = []").contains("at least one"));
        assert!(refusal("mappings = 0").contains("at least 1"));
        assert!(refusal("packets = 7").contains("unknown field"));
    }

    #[test]
    fn the_profiles_beside_the_code_are_right() {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("profiles");
        let profiles: Vec<_> = fs::read_dir(directory).unwrap().collect();
        assert!(!profiles.is_empty());
        for profile in profiles {
            Profile::load(&profile.unwrap().path()).unwrap();
        }
    }
}
