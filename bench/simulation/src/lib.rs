//! Many hosts' state machines over a simulated network, driven by one seed.
//!
//! A run is a [`world::World`]: hosts with the agents, the manager and the journal of the daemon,
//! over a substrate, disks and clocks that fail in every way that [`faults::Fault`] knows. After
//! every step the [`invariants`] must hold. The same seed gives the same run.
//!
//! docs/simulation.md says what is simulated and what is not, and how to read a failure.
#![forbid(unsafe_code)]

pub mod clock;
pub mod dice;
pub mod disk;
pub mod faults;
pub mod invariants;
pub mod ledger;
pub mod machine;
pub mod naming;
pub mod network;
pub mod numbers;
pub mod packet;
pub mod plane;
pub mod planted;
pub mod queue;
pub mod run;
pub mod scenario;
pub mod service;
pub mod sessions;
pub mod storage;
pub mod trace;
pub mod truth;
pub mod words;
pub mod world;
