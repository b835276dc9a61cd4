//! Hostile packets, one by one, with what must become of each.
//!
//! The cases lie in `cases/`, a file for each class of malformed input, as text that says what is
//! wrong with a packet by the names of its headers and fields:
//!
//! ```toml
//! [[case]]
//! name = "a header of four words"
//! rx = "z/a: eth / ipv4 ihl=4 / udp / data 32"
//! expect = "drop encode_malformed"
//! ```
//! What is not said is as an honest packet of that port has it. The hosts and networks are those of
//! a configuration in `worlds/`. `docs/hostile-input.md` is the guide.
//!
//! [`Reference`] says the same of any packet, slowly. The cases hold it to the norm, and it holds the
//! packet path to it where nobody thought of a case: fuzzing compares the two.
//!
//! The crate uses none of ours: addresses, checksums and headers are written here a second time,
//! from `docs/wire.md` and the RFCs, so that a mistake there does not become the expected value.
#![forbid(unsafe_code)]

mod build;
mod case;
mod checksum;
mod headers;
pub mod live;
mod notation;
mod outcome;
mod reference;
mod world;

pub use build::{Frame, Packet};
pub use case::{Case, CaseError, File, Verdict, load};
pub use outcome::{Found, Ids, judge};
pub use reference::Reference;
pub use world::World;
