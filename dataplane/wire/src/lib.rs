//! What the bytes mean: headers, address layout, re-heading both ways, drop reasons.
//!
//! A guest's IPv4 packet crosses the IPv6 substrate with its IPv4 header
//! exchanged for an IPv6 header and its payload untouched. This crate is the
//! codec for that and holds no state: [`encode`] goes from guest to substrate,
//! [`decode`] comes back, [`address`] and [`label`] say where each datum
//! travels, [`copy`] makes one host's packet another's, [`native`] translates for hosts that
//! are not ours, [`substrate_error`] reads what routers say of packets, [`drop_reason`] names
//! every way in which a packet may end.
//!
//! The other modules are views of one protocol each. Every one has the same
//! parts in the same order: its constants, the `Header` as it lies in memory,
//! `parse`, which checks the bounds once, then accessors that cannot fail.
//!
//! The format is specified in `docs/wire.md`; "section" here always means a
//! section of that document.
#![forbid(unsafe_code)]

pub mod address;
pub mod arp;
pub mod checksum;
pub mod copy;
pub mod decode;
pub mod drop_reason;
pub mod encode;
pub mod ethernet;
pub mod fragment;
pub mod icmpv4;
pub mod icmpv6;
pub mod igmp;
pub mod ipv4;
pub mod ipv6;
pub mod label;
pub mod native;
pub mod packet;
pub mod protocol;
#[cfg(test)]
mod samples;
pub mod substrate_error;
pub mod tcp;
pub mod udp;

pub use drop_reason::DropReason;
