//! The generator's ports, opened on DPDK.

use std::error::Error;
use std::thread::sleep;
use std::time::Duration;

use dpdk::clock::{Reading, TscLine, tsc};
use dpdk::pool::DATA_ROOM_BYTES_DEFAULT;
use dpdk::{Eal, EalOptions, Memory, Mempool, Port, PortOptions};
use nix::time::{ClockId, clock_gettime};

use crate::packets::{Packets, STAMP_AT_GUEST, STAMP_AT_UPLINK};
use crate::profile::{Direction, Profile};
use crate::trial::End;

/// Buffers of a port.
const MBUFS: u32 = 16_383;
/// Of these, in a thread's cache.
const MBUF_CACHE: u32 = 256;
/// What re-heading adds fits; Ethernet's header is not counted.
const MTU: u16 = 1600;
/// How long the other side may take to connect.
const LINK_WITHIN: Duration = Duration::from_secs(10);

/// Both ends, and what keeps them open.
pub struct Opened {
    /// Guest, then uplink.
    pub ends: Vec<End>,
    /// They close after their queues.
    pub handles: Vec<Port>,
}

/// Starts DPDK for a profile.
///
/// # Errors
/// What the machine lacks.
pub fn start(profile: &Profile) -> Result<Eal, Box<dyn Error>> {
    Ok(Eal::start(&EalOptions {
        program: "pktgen".to_owned(),
        file_prefix: "pktgen".to_owned(),
        memory: Memory::HugePages {
            mib: profile.generator.memory_mib,
        },
        worker_cores: vec![profile.generator.core],
        devices: vec![
            profile.port.guest.device.clone(),
            profile.port.uplink.device.clone(),
        ],
        telemetry: false,
    })?)
}

/// Opens both ends, and makes what they send.
///
/// # Errors
/// A device that cannot be had, a capture that cannot be read.
pub fn open(eal: &Eal, profile: &Profile) -> Result<Opened, Box<dyn Error>> {
    let traffic = &profile.traffic;
    let from_guest = match traffic.direction {
        Direction::Encode | Direction::Both => Some(Packets::from_guest(traffic)?),
        Direction::Decode => None,
    };
    let from_substrate = match traffic.direction {
        Direction::Decode | Direction::Both => Some(Packets::from_substrate(traffic)?),
        Direction::Encode => None,
    };
    let mut opened = Opened {
        ends: Vec::new(),
        handles: Vec::new(),
    };
    let ports = [
        ("guest", &profile.port.guest, from_guest, STAMP_AT_GUEST),
        (
            "uplink",
            &profile.port.uplink,
            from_substrate,
            STAMP_AT_UPLINK,
        ),
    ];
    for (name, port, packets, stamp_at) in ports {
        let pool = Mempool::create(eal, name, MBUFS, MBUF_CACHE, DATA_ROOM_BYTES_DEFAULT, None)?;
        let options = PortOptions {
            rx_queues: 1,
            tx_queues: 1,
            rx_descriptors: profile.generator.descriptors,
            tx_descriptors: profile.generator.descriptors,
            mtu: MTU,
            promiscuous: true,
        };
        let (handle, rx, tx) =
            Port::start(eal, &port.device, &options, std::slice::from_ref(&pool))?;
        let (rx, tx) = rx
            .into_iter()
            .zip(tx)
            .next()
            .ok_or("a port has one queue")?;
        opened.handles.push(handle);
        opened.ends.push(End {
            rx,
            tx,
            pool,
            packets,
            stamp_at,
        });
    }
    Ok(opened)
}

impl Opened {
    /// Waits until both links are up: the other process has connected.
    ///
    /// # Errors
    /// One of them stays down.
    pub fn wait_for_links(&self) -> Result<(), Box<dyn Error>> {
        const STEP: Duration = Duration::from_millis(20);
        let up = || {
            self.handles
                .iter()
                .all(|port| port.statistics().link_is_up())
        };
        let mut waited = Duration::ZERO;
        while !up() {
            if waited > LINK_WITHIN {
                return Err("a link stays down: does the device under test run, and with the other end of these devices?".into());
            }
            sleep(STEP);
            waited += STEP;
        }
        Ok(())
    }
}

/// The generator's clock: CLOCK_MONOTONIC, off the cycle counter.
///
/// # Errors
/// The counter stands still.
pub fn clock() -> Result<TscLine, Box<dyn Error>> {
    let read = || -> Result<Reading, Box<dyn Error>> {
        let time = clock_gettime(ClockId::CLOCK_MONOTONIC)?;
        let ns = time.tv_sec() as u64 * 1_000_000_000 + time.tv_nsec() as u64;
        Ok(Reading { tsc: tsc(), ns })
    };
    let first = read()?;
    sleep(Duration::from_millis(50));
    TscLine::through(first, read()?).ok_or_else(|| "the cycle counter stands still".into())
}
