//! Three hosts' parts in failover on a network in memory: real sessions, state machines, endpoints
//! and disks. Only the packet path and the clock are not the daemon's.

mod host;
mod world;

mod disks;
mod hooks;
mod hostile;
mod many;
mod operators;
mod promotion;
mod witnesses;
