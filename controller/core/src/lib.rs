//! Who owns an address: the agent's and the manager's state machines.
//!
//! Both are pure: an event and the host's time go in, actions come out. Nothing here reads a clock,
//! waits, draws a random number, or fails. The same code runs in the daemon and in the simulation.
//!
//! - [`agent::Agent`]: one on each host. It holds the records, sends and answers heartbeats, keeps
//!   the lease of what it owns, and says what the tables are to be.
//! - [`manager::Manager`]: on one host. It alone changes records.
//!
//! docs/failover.md has the protocol, its messages and its timers.
#![forbid(unsafe_code)]

pub mod agent;
pub mod config;
pub mod install;
pub mod manager;
pub mod note;
pub mod planted;
mod retry;
mod schedule;
#[cfg(test)]
mod tests;

pub use agent::{Agent, AgentAction, AgentEvent, GroupView, HookRole};
pub use config::{
    AgentConfig, CopyMode, Damping, FanOut, GroupConfig, HookPolicy, Isolation, ManagedGroup,
    ManagerConfig, Timers,
};
pub use install::{CopyFrom, GroupInstall, Lease, LocalRole};
pub use manager::{
    LogState, Manager, ManagerAction, ManagerEvent, ManagerGroupView, Restored, Signer,
};
pub use note::{Fact, Note};
