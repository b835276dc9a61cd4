//! A worker that copies what it re-heads for replicas, over two devices of bed P.
//!
//! Who owns a replicated address is decided by a manager that every member reports to, and the
//! bed's devices carry nothing to other hosts: `understudyd` would never copy there. So this is its
//! worker, its queues and its tables without the daemon around them, with a group put into the
//! tables as the controller puts it there. Every packet of [`traffic::world`] with one mapping is
//! for that group, whose owner and replicas are on other hosts.
#![forbid(unsafe_code)]

use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::Parser;
use dpdk::pool::DATA_ROOM_BYTES_DEFAULT;
use dpdk::{Eal, EalOptions, Memory, Mempool, Port, PortOptions};
use queues::{DpdkIo, ProcessClock, QueuePair};
use signal_hook::consts::{SIGINT, SIGTERM};
use worker::Worker;

/// Buffers for copies, and of those in a thread's cache: what `understudyd` has by default.
const UPLINK_MBUFS: u32 = 16_383;
const MBUF_CACHE: u32 = 256;
/// What re-heading adds fits.
const MTU: u16 = 1600;
/// Of one buffer, with its header and what the pool adds, in octets.
const MBUF_BYTES: u64 = 2176 + 128 + 64;
/// For ports and rings, in MiB.
const OTHER_MIB: u64 = 100;

/// Re-heads packets of a guest to a replicated address, and copies them for its replicas.
#[derive(Parser)]
#[command(version)]
struct Options {
    /// Names this process among those that run DPDK
    #[arg(long)]
    file_prefix: String,
    /// The processor that works
    #[arg(long)]
    core: u16,
    /// The device that packets come in at
    #[arg(long)]
    rx: String,
    /// The device that they leave at
    #[arg(long)]
    tx: String,
    /// Copies of each packet
    #[arg(long, value_parser = clap::value_parser!(u8).range(0..=2))]
    replicas: u8,
    /// Copies of frames from this length on share their payload with the original; none by default
    #[arg(long)]
    shared_from: Option<usize>,
    /// Buffers of the device that packets come in at
    #[arg(long)]
    mbufs: u32,
}

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "copier: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        signal_hook::flag::register(signal, Arc::clone(&stop))?;
    }
    let mbufs = u64::from(options.mbufs + UPLINK_MBUFS);
    let eal = Eal::start(&EalOptions {
        program: "copier".to_owned(),
        file_prefix: options.file_prefix.clone(),
        memory: Memory::HugePages {
            mib: u32::try_from(mbufs * MBUF_BYTES / (1 << 20) + OTHER_MIB)?,
        },
        worker_cores: vec![options.core],
        devices: vec![options.rx.clone(), options.tx.clone()],
        telemetry: true,
    })?;
    // In this order: the one that packets come in at is DPDK's port 0.
    let (guest_port, guest, _) = open(&eal, &options.rx, options.mbufs)?;
    let (uplink_port, uplink, pool) = open(&eal, &options.tx, UPLINK_MBUFS)?;
    let io = DpdkIo {
        ports: [Some(uplink), Some(guest)].into(),
        pool,
        shared_from_bytes: options.shared_from,
        clock: ProcessClock::start(),
        to_workers: [None].into(),
        from_workers: [].into(),
        next_ring: 0,
    };
    let (mut worker, _publisher) = micro::worker(io, micro::replicated(options.replicas)?);
    let polls = Arc::clone(&stop);
    let poll = move || -> Worker<DpdkIo> {
        while !polls.load(Ordering::Relaxed) {
            worker.run_once();
        }
        worker
    };
    let polling = eal.launch(0, "worker-0", poll)?;
    writeln!(io::stdout(), "ready")?;
    // Its queues go before the ports that they are of.
    drop(polling.join().map_err(|_| "the worker panicked")?);
    drop((guest_port, uplink_port));
    Ok(())
}

/// A device with one queue each way, and its buffers.
fn open(eal: &Eal, device: &str, mbufs: u32) -> Result<(Port, QueuePair, Mempool), Box<dyn Error>> {
    let name = device.split(',').next().unwrap_or(device);
    let pool = Mempool::create(eal, name, mbufs, MBUF_CACHE, DATA_ROOM_BYTES_DEFAULT, None)?;
    let options = PortOptions {
        rx_queues: 1,
        tx_queues: 1,
        rx_descriptors: 1024,
        tx_descriptors: 1024,
        mtu: MTU,
        promiscuous: true,
    };
    let (port, rx, tx) = Port::start(eal, device, &options, std::slice::from_ref(&pool))?;
    let (rx, tx) = rx
        .into_iter()
        .zip(tx)
        .next()
        .ok_or("a port has one queue")?;
    Ok((port, QueuePair { rx, tx }, pool))
}
