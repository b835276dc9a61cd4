//! How the controller acts: its thread, neighbour discovery and the control endpoint.
//!
//! From the inside out: [`neighbour`] knows the next hop, [`endpoint`] is the host's
//! user-space stack, [`uplink`] puts Ethernet around the two, [`controller`] joins
//! them to the workers' rings and to an agent, and [`thread`] runs it all. Only
//! [`clock`] reads a clock and only [`thread`] sleeps; the rest is called with the
//! time and tested without either.
#![forbid(unsafe_code)]

pub mod clock;
pub mod controller;
pub mod endpoint;
pub mod hooks;
pub mod neighbour;
pub mod thread;
pub mod uplink;

#[cfg(test)]
mod fixture;
