//! Fuzz targets. Each takes any octets and panics where its claim does not hold.
//!
//! `scripts/fuzz TARGET SECONDS` lets libFuzzer look for such octets, guided by coverage;
//! `tests/kept.rs` runs every target over the inputs that are kept in `corpus/TARGET/`, over each find
//! of the past in `finds/TARGET/`, and over some thousand made from them.
//! `docs/hostile-input.md` is the guide.
#![forbid(unsafe_code)]

mod choices;
mod frames;
mod memory_disk;
mod place;
mod targets;

/// Something that must hold for any octets.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name, that of its directory of inputs.
    pub name: &'static str,
    /// What must hold.
    pub claim: &'static str,
    /// Panics where it does not.
    pub run: fn(&[u8]),
}

/// All of them.
pub const TARGETS: &[Target] = &[
    targets::reheader::TARGET,
    targets::packet_path::TARGET,
    targets::isolation::TARGET,
    targets::groups::TARGET,
    targets::arp::TARGET,
    targets::datagrams::BEFORE,
    targets::datagrams::AFTER,
    targets::agent::TARGET,
    targets::bulk::TARGET,
    targets::journal::LOG,
    targets::journal::KEPT,
    targets::journal::ARBITRARY,
    targets::configuration::TARGET,
    targets::neighbour::TARGET,
    targets::endpoint::TARGET,
    targets::requests::TARGET,
];

/// The target of this name.
#[must_use]
pub fn target(name: &str) -> Option<Target> {
    TARGETS.iter().find(|target| target.name == name).copied()
}
