//! Many hosts' state machines over a simulated network, driven by one seed.
#![forbid(unsafe_code)]

pub mod clock;
pub mod disk;
pub mod dice;
pub mod ledger;
pub mod naming;
pub mod network;
pub mod packet;
pub mod plane;
pub mod queue;
pub mod scenario;
pub mod trace;
