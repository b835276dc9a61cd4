//! How DPDK is touched safely.
//!
//! ```text
//! Eal ──┬── Mempool ── Mbuf          who owns what: an arrow's tail outlives its head
//!       ├── Port ──┬── RxQueue
//!       │          ├── TxQueue
//!       │          └── PortStatistics
//!       ├── RingProducer, RingConsumer
//!       └── Worker
//! ```
//!
//! [`eal::Eal::start`] looks at the machine first and answers with sentences,
//! because `rte_eal_init` answers with a number. What it hands out is released
//! in the right order whatever the order of drops. Packets are [`mbuf::Mbuf`]s,
//! owned by exactly one place at a time; a queue or ring half is `Send` but not
//! `Sync`, so that one thread owns it. Nothing on the packet path logs,
//! allocates from the heap or takes a lock.

pub mod clock;
pub mod device;
pub mod eal;
mod frame_wait;
mod hugepages;
mod interface;
mod kernel_ring;
pub mod mbuf;
pub mod pool;
pub mod port;
pub mod preflight;
pub mod queue;
pub mod ring;
pub mod statistics;
pub mod thread;
pub mod worker;

pub use eal::{Eal, EalOptions, Memory};
pub use frame_wait::FrameWait;
pub use mbuf::Mbuf;
pub use pool::Mempool;
pub use port::{Port, PortCapabilities, PortOptions};
pub use queue::{RxQueue, TxQueue};
pub use ring::{RingConsumer, RingProducer};
pub use statistics::{DeviceLosses, PortStatistics, Statistics};
pub use worker::Worker;

/// Packets in a burst: what one call to a queue moves at most.
pub const BURST_PACKETS_MAX: usize = 32;

/// The error that a DPDK call returned as a negative number.
///
/// Drivers return -1 when they only logged the reason, which would read
/// "operation not permitted".
fn returned(code: i32) -> std::io::Error {
    if code == -1 {
        std::io::Error::other("the driver gave no code, its own message is on standard error")
    } else {
        std::io::Error::from_raw_os_error(code.abs())
    }
}

/// The error that the last DPDK call of this thread left in `rte_errno`.
fn last_error() -> std::io::Error {
    // SAFETY: reads a thread-local integer.
    std::io::Error::from_raw_os_error(unsafe { dpdk_sys::understudy_rte_errno() })
}
