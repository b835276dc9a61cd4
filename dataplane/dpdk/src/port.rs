//! Ports: a device from its string to its running queues.

use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::device::Device;
use crate::eal::Eal;
use crate::interface::Interface;
use crate::kernel_ring::{Before, KernelRing};
use crate::pool::Mempool;
use crate::queue::{RxQueue, TxQueue};
use crate::statistics::PortStatistics;

mod attached;
mod error;
mod limits;

pub use error::PortError;

use attached::Attached;

/// How to run a port.
#[derive(Clone, Debug)]
pub struct PortOptions {
    /// Receive queues, one for each worker that polls it.
    pub rx_queues: u16,
    /// Transmit queues, one for each worker that sends.
    pub tx_queues: u16,
    /// Descriptors in each receive queue; rounded up to a power of two, then
    /// to what the device takes.
    pub rx_descriptors: u16,
    /// Descriptors in each transmit queue; likewise.
    pub tx_descriptors: u16,
    /// Octets that follow the Ethernet header in a frame, at most.
    pub mtu: u16,
    /// Whether to receive what is for other MAC addresses too.
    pub promiscuous: bool,
}

/// What a port can do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortCapabilities {
    /// Whether packets in several buffers go out right. If not, a [`TxQueue`]
    /// makes them flat.
    pub chained_tx: bool,
    /// Whether it computes IPv4, TCP and UDP checksums on the way out.
    pub checksum_offload: bool,
    /// Receive and transmit queues, at most.
    pub queues_max: (u16, u16),
    /// The driver's name.
    pub driver: String,
}

/// A started device. It stops when the port, its queues and its statistics are
/// all dropped.
#[derive(Debug)]
pub struct Port(pub(crate) Arc<Opened>);

/// What a port's handles share. Dropped in this order: the device before the
/// pools that it takes from.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) attached: Attached,
    pub(crate) capabilities: PortCapabilities,
    pub(crate) kernel_ring: Option<KernelRing>,
    /// Under af_packet and af_xdp: af_xdp's driver does not watch its link.
    pub(crate) interface: Option<Interface>,
    pub(crate) rx_chained: Count,
    pub(crate) tx_no_mbuf: Count,
    mac: [u8; 6],
    _pools: Vec<Mempool>,
}

/// A counter that several queues add to, rarely.
#[derive(Debug, Default)]
pub(crate) struct Count(AtomicU64);

impl Count {
    pub(crate) fn add(&self, n: u64) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// The data room, headroom included, that the buffers of a port on `device` need
/// for this MTU: at least [`DATA_ROOM_BYTES_DEFAULT`](crate::pool::DATA_ROOM_BYTES_DEFAULT).
///
/// # Errors
///
/// The device string has not the right form.
pub fn data_room(device: &str, mtu: u16) -> Result<u16, PortError> {
    Ok(limits::data_room(&device.parse()?, mtu))
}

impl Port {
    /// Attaches the device, configures and starts it. Receive queue `n` takes
    /// its buffers from `pools[n]`; transmit queues make flat copies from the
    /// pools in turn.
    ///
    /// # Errors
    ///
    /// See [`PortError`]; nothing stays attached.
    pub fn start(
        eal: &Eal,
        device: &str,
        options: &PortOptions,
        pools: &[Mempool],
    ) -> Result<(Self, Vec<RxQueue>, Vec<TxQueue>), PortError> {
        let device: Device = device.parse()?;
        limits::check_pools(&device, options, pools)?;
        limits::check_mtu(&device, options.mtu, pools)?;
        set_interface_mtu(&device, options.mtu)?;

        let port = Arc::new(Opened::start(eal, device, options, pools)?);
        let rx = (0..options.rx_queues).map(|index| RxQueue {
            port: port.clone(),
            index,
            _one_owner: PhantomData,
        });
        let tx = (0..options.tx_queues).map(|index| TxQueue {
            port: port.clone(),
            index,
            pool: pools[usize::from(index) % pools.len()].clone(),
            _one_owner: PhantomData,
        });
        let (rx, tx) = (rx.collect(), tx.collect());
        Ok((Self(port), rx, tx))
    }

    /// What the port can do.
    #[must_use]
    pub fn capabilities(&self) -> &PortCapabilities {
        &self.0.capabilities
    }

    /// The MAC address.
    #[must_use]
    pub fn mac(&self) -> [u8; 6] {
        self.0.mac
    }

    /// DPDK's number for the port, which received packets are tagged with.
    #[must_use]
    pub fn id(&self) -> u16 {
        self.0.attached.id()
    }

    /// A handle to its counters, for another thread.
    #[must_use]
    pub fn statistics(&self) -> PortStatistics {
        PortStatistics(self.0.clone())
    }
}

impl Opened {
    fn start(
        eal: &Eal,
        device: Device,
        options: &PortOptions,
        pools: &[Mempool],
    ) -> Result<Self, PortError> {
        let mut open = eal.running().opening.lock();
        let before = Before::opening(&device);
        let interface = device
            .interface()
            .and_then(|name| Interface::open(name).ok());
        let attached = Attached::attach(device, eal.running(), &mut open)?;
        let started = attached.start(options, pools);
        let kernel_ring = before.opened();
        // A device that did not start is detached under the same lock.
        drop(open);
        let (capabilities, mac) = started?;
        Ok(Self {
            attached,
            capabilities,
            kernel_ring,
            interface,
            rx_chained: Count::default(),
            tx_no_mbuf: Count::default(),
            mac,
            _pools: pools.to_vec(),
        })
    }
}

/// The kernel's interface carries what the port carries, no more and no less.
fn set_interface_mtu(device: &Device, mtu: u16) -> Result<(), PortError> {
    let Some(name) = device.interface() else {
        return Ok(());
    };
    let set = |name| {
        let interface = Interface::open(name)?;
        if interface.mtu()? == u32::from(mtu) {
            return Ok(());
        }
        interface.set_mtu(mtu)
    };
    set(name).map_err(|source| PortError::InterfaceMtu {
        interface: name.to_owned(),
        mtu,
        source,
    })
}
