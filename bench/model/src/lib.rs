//! An exhaustive model of the promotion protocol (docs/failover.md, rules 1 to 11 and 15).
//!
//! Three hosts that may own a group's address, one manager with a disk and one receiver are run
//! through every order of their steps, within the bounds of a [`Scenario`]: heartbeats and
//! acknowledgements with their ages, leases and promises that run out on clocks of different
//! rates, Solo and rejoin, resignation, a restart of each role, a manager that dies between a
//! write and its sending. After each step the [`properties`] are asked. Each [`Slip`] takes one
//! sentence of the protocol away; a property that does not notice would prove nothing.
//!
//! `docs/model.md` says what is modelled, what is not, and what was counted.
#![forbid(unsafe_code)]

pub mod action;
pub mod host;
pub mod manager;
pub mod properties;
pub mod receiver;
pub mod record;
pub mod scenario;
pub mod settle;
pub mod slip;
pub mod state;
mod symmetry;

pub use action::Action;
pub use scenario::{Protocol, Scenario};
pub use slip::Slip;
pub use state::State;

/// Hosts that may own the group; the first is the owner at the start.
pub const HOSTS: usize = 3;

/// Records that one run may see, the first included.
pub const RECORDS_MAX: usize = 8;

/// By how many ticks one clock may fall behind another while a lease runs. A deadline of L on
/// the owner's clock falls anywhere between L and L + this in the time of the others.
pub const DRIFT_TICKS: u8 = 1;
