//! A host in memory, and what it does with packets.

mod arp;
mod balance;
mod delivery;
mod guest_checks;
mod host;
mod pressure;
mod substrate_checks;
