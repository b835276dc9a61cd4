//! A host in memory, and what it does with packets.

mod arp;
mod balance;
mod budgets;
mod buffer;
mod delivery;
mod fan_out;
mod fragments;
mod group;
mod guest_checks;
mod host;
mod icmp;
mod lease;
mod multicast;
mod native;
mod planned_move;
mod pressure;
mod roles;
mod router;
mod substrate_checks;
mod substrate_errors;
