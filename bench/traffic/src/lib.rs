//! What the benches send.
//!
//! [`world::World`] is one host with one guest, and as many mappings on other
//! hosts as are wanted; everybody who takes part in a measurement (daemon, bare
//! loop, generator, sink) is given the same one. [`frame`] makes its packets in
//! both directions, [`keys`] says in which order destinations come, [`stamp`] makes each packet known by name, [`capture`]
//! writes them where any DPDK program can read them.
#![forbid(unsafe_code)]

pub mod capture;
pub mod frame;
pub mod keys;
pub mod stamp;
pub mod world;
