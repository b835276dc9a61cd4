//! Ports: a device from its string to its running queues.

use std::ffi::{CStr, CString, c_int};
use std::io;
use std::marker::PhantomData;
use std::mem;
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use thiserror::Error;

use crate::device::{Device, DeviceError};
use crate::eal::{Eal, Running};
use crate::interface::Interface;
use crate::kernel_ring::{Before, KernelRing};
use crate::pool::{HEADROOM_BYTES, Mempool};
use crate::queue::{RxQueue, TxQueue};
use crate::statistics::PortStatistics;

mod limits;

/// How to run a port.
#[derive(Clone, Debug)]
pub struct PortOptions {
    /// Receive queues, one for each worker that polls it.
    pub rx_queues: u16,
    /// Transmit queues, one for each worker that sends.
    pub tx_queues: u16,
    /// Descriptors in each receive queue; rounded to what the device takes.
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

/// Why a port was not started.
#[derive(Debug, Error)]
pub enum PortError {
    /// The device string has not the right form.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// DPDK could not attach the device.
    #[error("DPDK cannot attach device '{device}': {source}")]
    Attach {
        /// The device string.
        device: Device,
        /// What the driver says.
        source: io::Error,
    },
    /// No driver took the PCI function.
    #[error(
        "no DPDK driver runs PCI device {0}: bind it with dpdk-devbind.py --bind=vfio-pci {0}, and list it when DPDK is started"
    )]
    NotBound(Device),
    /// The device has fewer queues.
    #[error(
        "device '{device}' has {rx} receive and {tx} transmit queues, and {wanted_rx} and {wanted_tx} are wanted{remedy}"
    )]
    Queues {
        /// The device string.
        device: Device,
        /// Receive queues that it has.
        rx: u16,
        /// Transmit queues that it has.
        tx: u16,
        /// Receive queues asked for.
        wanted_rx: u16,
        /// Transmit queues asked for.
        wanted_tx: u16,
        /// What to add to the string.
        remedy: String,
    },
    /// There must be a pool for each receive queue.
    #[error("device '{device}': {pools} pools were given for {rx_queues} receive queues")]
    Pools {
        /// The device string.
        device: Device,
        /// Pools given.
        pools: usize,
        /// Receive queues asked for.
        rx_queues: u16,
    },
    /// Frames of this MTU would be cut or lost.
    #[error("device '{device}' carries an MTU of at most {mtu_max}, not {mtu}{remedy}")]
    Mtu {
        /// The device string.
        device: Device,
        /// The MTU asked for.
        mtu: u16,
        /// The MTU that fits.
        mtu_max: u32,
        /// What to change.
        remedy: String,
    },
    /// The interface under the device did not take the MTU.
    #[error("cannot set the MTU of interface '{interface}' to {mtu}: {source}")]
    InterfaceMtu {
        /// The interface.
        interface: String,
        /// The MTU asked for.
        mtu: u16,
        /// What the kernel says.
        source: io::Error,
    },
    /// The pool does not suit the driver.
    #[error(
        "device '{device}' needs a pool of its own of at least {mbufs_min} buffers in one piece: make the pool larger, or give DPDK more memory"
    )]
    PoolUnfit {
        /// The device string.
        device: Device,
        /// Buffers that the pool must have.
        mbufs_min: u32,
    },
    /// A step of the set-up failed.
    #[error("device '{device}' cannot be started ({step}): {source}")]
    Step {
        /// The device string.
        device: Device,
        /// What was tried.
        step: &'static str,
        /// What DPDK says.
        source: io::Error,
    },
}

/// A started device. It stops when the port, its queues and its statistics are
/// all dropped.
#[derive(Debug)]
pub struct Port(Arc<Opened>);

/// An attached device: what a port's handles share.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) id: u16,
    pub(crate) capabilities: PortCapabilities,
    pub(crate) kernel_ring: Option<KernelRing>,
    pub(crate) rx_chained: Count,
    pub(crate) tx_no_mbuf: Count,
    device: Device,
    mac: [u8; 6],
    pools: Vec<Mempool>,
    running: Arc<Running>,
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
        if pools.len() != usize::from(options.rx_queues) || pools.is_empty() {
            return Err(PortError::Pools {
                device,
                pools: pools.len(),
                rx_queues: options.rx_queues,
            });
        }
        limits::check_pools(&device, pools)?;
        limits::check_mtu(&device, options.mtu, pools)?;
        set_interface_mtu(&device, options.mtu)?;

        let running = eal.running().clone();
        let _alone = running.opening.lock();
        let before = Before::opening(&device);
        let mut opened = Opened::attach(device, pools, running.clone())?;
        opened.configure(options)?;
        opened.kernel_ring = before.opened();
        let port = Arc::new(opened);
        let rx = (0..options.rx_queues)
            .map(|index| RxQueue {
                port: port.clone(),
                index,
                _one_owner: PhantomData,
            })
            .collect();
        let tx = (0..options.tx_queues)
            .map(|index| {
                let pool = pools[usize::from(index) % pools.len()].clone();
                TxQueue {
                    port: port.clone(),
                    index,
                    pool,
                    _one_owner: PhantomData,
                }
            })
            .collect();
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
        self.0.id
    }

    /// A handle to its counters, for another thread.
    #[must_use]
    pub fn statistics(&self) -> PortStatistics {
        PortStatistics(self.0.clone())
    }
}

/// The kernel's interface carries what the port carries, no more and no less.
fn set_interface_mtu(device: &Device, mtu: u16) -> Result<(), PortError> {
    let Some(name) = device.interface() else {
        return Ok(());
    };
    let set = |name| {
        let mut interface = Interface::open(name)?;
        if interface.mtu()? == u32::from(mtu) {
            Ok(())
        } else {
            interface.set_mtu(mtu)
        }
    };
    set(name).map_err(|source| PortError::InterfaceMtu {
        interface: name.to_owned(),
        mtu,
        source,
    })
}

impl Opened {
    fn attach(device: Device, pools: &[Mempool], running: Arc<Running>) -> Result<Self, PortError> {
        let failed = |device: &Device, source| PortError::Attach {
            device: device.clone(),
            source,
        };
        if device.driver().is_some() {
            let text =
                CString::new(device.to_string()).map_err(|error| failed(&device, error.into()))?;
            // SAFETY: the EAL runs, the caller holds the bus, the text is terminated.
            let code = unsafe { dpdk_sys::rte_dev_probe(text.as_ptr()) };
            if code != 0 {
                return Err(failed(&device, crate::returned(code)));
            }
        }
        let name = CString::new(device.name()).map_err(|error| failed(&device, error.into()))?;
        let mut id = 0;
        // SAFETY: the name is terminated, `id` is writable.
        if unsafe { dpdk_sys::rte_eth_dev_get_port_by_name(name.as_ptr(), &raw mut id) } != 0 {
            return Err(PortError::NotBound(device));
        }
        let capabilities = PortCapabilities {
            chained_tx: false,
            checksum_offload: false,
            queues_max: (0, 0),
            driver: String::new(),
        };
        Ok(Self {
            id,
            capabilities,
            kernel_ring: None,
            rx_chained: Count::default(),
            tx_no_mbuf: Count::default(),
            device,
            mac: [0; 6],
            pools: pools.to_vec(),
            running,
        })
    }

    fn configure(&mut self, options: &PortOptions) -> Result<(), PortError> {
        let info = self.info()?;
        self.capabilities = limits::capabilities(&info);
        limits::check_queues(&self.device, &self.capabilities, options)?;

        let mut configuration = dpdk_sys::rte_eth_conf::default();
        configuration.txmode.offloads =
            info.tx_offload_capa & u64::from(dpdk_sys::RTE_ETH_TX_OFFLOAD_MULTI_SEGS);
        let hash = dpdk_sys::RTE_ETH_RSS_IP | dpdk_sys::RTE_ETH_RSS_TCP | dpdk_sys::RTE_ETH_RSS_UDP;
        let hash = u64::from(hash) & info.flow_type_rss_offloads;
        if options.rx_queues > 1 && hash != 0 {
            configuration.rxmode.mq_mode = dpdk_sys::rte_eth_rx_mq_mode_RTE_ETH_MQ_RX_RSS;
            configuration.rx_adv_conf.rss_conf.rss_hf = hash;
        }
        let (id, rx_queues, tx_queues) = (self.id, options.rx_queues, options.tx_queues);
        // SAFETY: the port is attached and not started; DPDK copies the configuration.
        let code = unsafe {
            dpdk_sys::rte_eth_dev_configure(id, rx_queues, tx_queues, &raw const configuration)
        };
        self.check("configure", code)?;
        self.set_mtu(options.mtu, info.max_mtu)?;
        self.set_up_queues(options)?;
        // SAFETY: the port is configured, its queues are set up.
        self.check("start", unsafe { dpdk_sys::rte_eth_dev_start(id) })?;
        if options.promiscuous {
            // SAFETY: the port is started.
            let code = unsafe { dpdk_sys::rte_eth_promiscuous_enable(id) };
            self.check_supported("receive for all addresses", code)?;
        }
        let mut address = dpdk_sys::rte_ether_addr::default();
        // SAFETY: the port is attached, `address` is writable.
        self.check("read the MAC address", unsafe {
            dpdk_sys::rte_eth_macaddr_get(id, &raw mut address)
        })?;
        self.mac = address.addr_bytes;
        Ok(())
    }

    /// A device over a kernel interface has its MTU from there already.
    fn set_mtu(&self, mtu: u16, mtu_max: u16) -> Result<(), PortError> {
        if self.device.interface().is_some() {
            return Ok(());
        }
        if mtu > mtu_max {
            let (device, mtu_max) = (self.device.clone(), mtu_max.into());
            return Err(PortError::Mtu {
                device,
                mtu,
                mtu_max,
                remedy: String::new(),
            });
        }
        // SAFETY: the port is configured and not started.
        self.check_supported("set the MTU", unsafe {
            dpdk_sys::rte_eth_dev_set_mtu(self.id, mtu)
        })
    }

    fn set_up_queues(&self, options: &PortOptions) -> Result<(), PortError> {
        let (mut rx, mut tx) = (options.rx_descriptors, options.tx_descriptors);
        // SAFETY: the port is configured, both numbers are writable.
        let code = unsafe {
            dpdk_sys::rte_eth_dev_adjust_nb_rx_tx_desc(self.id, &raw mut rx, &raw mut tx)
        };
        self.check("choose the number of descriptors", code)?;
        // SAFETY: the port is attached.
        let socket = unsafe { dpdk_sys::rte_eth_dev_socket_id(self.id) }.cast_unsigned();
        for (queue, pool) in (0..options.rx_queues).zip(&self.pools) {
            // SAFETY: the port is configured, the queue below its number of
            // queues, and the pool lives as long as the port.
            let code = unsafe {
                dpdk_sys::rte_eth_rx_queue_setup(
                    self.id,
                    queue,
                    rx,
                    socket,
                    ptr::null(),
                    pool.as_ptr(),
                )
            };
            self.check("set up a receive queue", code)?;
        }
        for queue in 0..options.tx_queues {
            // SAFETY: the port is configured, the queue below its number of queues.
            let code = unsafe {
                dpdk_sys::rte_eth_tx_queue_setup(self.id, queue, tx, socket, ptr::null())
            };
            self.check("set up a transmit queue", code)?;
        }
        Ok(())
    }

    fn info(&self) -> Result<dpdk_sys::rte_eth_dev_info, PortError> {
        let mut info = dpdk_sys::rte_eth_dev_info::default();
        // SAFETY: the port is attached, `info` is writable.
        self.check("read its capabilities", unsafe {
            dpdk_sys::rte_eth_dev_info_get(self.id, &raw mut info)
        })?;
        Ok(info)
    }

    fn check(&self, step: &'static str, code: c_int) -> Result<(), PortError> {
        match code {
            0.. => Ok(()),
            _ => Err(PortError::Step {
                device: self.device.clone(),
                step,
                source: crate::returned(code),
            }),
        }
    }

    /// As [`Self::check`], for what a driver need not have.
    fn check_supported(&self, step: &'static str, code: c_int) -> Result<(), PortError> {
        if code == -libc::ENOTSUP {
            Ok(())
        } else {
            self.check(step, code)
        }
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        // SAFETY: every queue of the port is gone; stopping twice does nothing.
        unsafe { dpdk_sys::rte_eth_dev_stop(self.id) };
        // SAFETY: stopped; its number is not used after.
        unsafe { dpdk_sys::rte_eth_dev_close(self.id) };
        if self.device.driver().is_some() {
            if let Ok(name) = CString::new(self.device.name()) {
                // SAFETY: both names are terminated; the device is closed.
                unsafe { dpdk_sys::rte_eal_hotplug_remove(c"vdev".as_ptr(), name.as_ptr()) };
            }
        }
    }
}
