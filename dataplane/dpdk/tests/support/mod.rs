//! One EAL for all tests of a binary: DPDK starts once in a process. It uses
//! ordinary pages and devices in memory, so that it needs no privilege.

#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "each test binary uses its part, and may fail"
)]

use std::sync::LazyLock;

use arrayvec::ArrayVec;
use dpdk::pool::DATA_ROOM_BYTES_DEFAULT;
use dpdk::thread::CpuSet;
use dpdk::{BURST_PACKETS_MAX, Eal, EalOptions, Mbuf, Memory, Mempool, PortOptions};

pub type Burst = ArrayVec<Mbuf, BURST_PACKETS_MAX>;

pub static EAL: LazyLock<Eal> =
    LazyLock::new(|| Eal::start(&options()).unwrap_or_else(|error| panic!("{error}")));

/// Two workers, on one core if there is only one.
pub fn options() -> EalOptions {
    let allowed = CpuSet::of_current_thread().unwrap();
    let cores: Vec<u16> = allowed.iter().collect();
    EalOptions {
        program: "dpdk-test".into(),
        file_prefix: format!("understudy-dpdk-test-{}", std::process::id()),
        memory: Memory::Ordinary { mib: 256 },
        worker_cores: vec![cores[0], cores[cores.len() - 1]],
        devices: vec![],
        telemetry: false,
    }
}

pub fn pool(name: &str, mbufs: u32) -> Mempool {
    Mempool::create(&EAL, name, mbufs, 0, DATA_ROOM_BYTES_DEFAULT, None).unwrap()
}

pub fn one_queue() -> PortOptions {
    PortOptions {
        rx_queues: 1,
        tx_queues: 1,
        rx_descriptors: 512,
        tx_descriptors: 512,
        mtu: 1500,
        promiscuous: false,
    }
}

/// A frame whose octets tell where they are from.
pub fn frame(seed: u8, len: usize) -> Vec<u8> {
    (0..len)
        .map(|position| seed.wrapping_add(position as u8))
        .collect()
}
