//! What a worker runs on in a process: DPDK's queues, and the process's clock.
//!
//! `understudyd` plugs these into its workers; so does whatever measures a
//! worker over real devices, without the rest of the daemon.
#![forbid(unsafe_code)]

mod clock;
mod io;

pub use clock::ProcessClock;
pub use io::{DpdkIo, QueuePair, SHARED_FROM_BYTES};
