//! A device in DPDK's hands: attached, configured, started; and given back.

use std::collections::BTreeSet;
use std::ffi::{CStr, CString, c_int};
use std::ptr;
use std::sync::Arc;

use super::{PortCapabilities, PortError, PortOptions, limits};
use crate::device::Device;
use crate::eal::Running;
use crate::pool::Mempool;

/// An attached device. Dropping it stops and detaches it.
#[derive(Debug)]
pub(crate) struct Attached {
    id: u16,
    device: Device,
    running: Arc<Running>,
}

impl Attached {
    /// Attaches `device`, alone: `open` is the set of those that are.
    pub(super) fn attach(
        device: Device,
        running: &Arc<Running>,
        open: &mut BTreeSet<String>,
    ) -> Result<Self, PortError> {
        let failed = |source| PortError::Attach {
            device: device.clone(),
            source,
        };
        if open.contains(device.name()) {
            return Err(PortError::InUse(device));
        }
        let name = CString::new(device.name()).map_err(|error| failed(error.into()))?;
        let text = CString::new(device.to_string()).map_err(|error| failed(error.into()))?;
        // PCI devices were attached when the EAL started, if a driver took them.
        let id = match port_by_name(&name) {
            Some(id) => id,
            None => {
                // SAFETY: the EAL runs, the caller holds the bus, the text is terminated.
                let code = unsafe { dpdk_sys::rte_dev_probe(text.as_ptr()) };
                match (code, port_by_name(&name)) {
                    (0, Some(id)) => id,
                    _ if device.pci_address().is_some() => return Err(PortError::NotBound(device)),
                    _ => return Err(failed(crate::returned(code))),
                }
            }
        };
        open.insert(device.name().to_owned());
        Ok(Self {
            id,
            device,
            running: running.clone(),
        })
    }

    /// DPDK's number for the port.
    pub(crate) fn id(&self) -> u16 {
        self.id
    }

    /// Configures and starts the device; what it can do, and its MAC address.
    pub(super) fn start(
        &self,
        options: &PortOptions,
        pools: &[Mempool],
    ) -> Result<(PortCapabilities, [u8; 6]), PortError> {
        let info = self.info()?;
        let capabilities = limits::capabilities(&info);
        limits::check_queues(&self.device, &capabilities, options)?;
        self.configure(options, &info)?;
        self.set_mtu(options.mtu, info.max_mtu)?;
        self.set_up_queues(options, pools)?;
        // SAFETY: the port is configured, its queues are set up.
        self.check("start", unsafe { dpdk_sys::rte_eth_dev_start(self.id) })?;
        if options.promiscuous {
            // SAFETY: the port is started.
            let code = unsafe { dpdk_sys::rte_eth_promiscuous_enable(self.id) };
            self.check_supported("receive for all addresses", code)?;
        }
        // Neighbour discovery speaks to groups.
        // SAFETY: the port is started.
        let code = unsafe { dpdk_sys::rte_eth_allmulticast_enable(self.id) };
        self.check_supported("receive for all groups", code)?;
        let mut address = dpdk_sys::rte_ether_addr::default();
        // SAFETY: the port is attached, `address` is writable.
        let code = unsafe { dpdk_sys::rte_eth_macaddr_get(self.id, &raw mut address) };
        self.check("read the MAC address", code)?;
        Ok((capabilities, address.addr_bytes))
    }

    /// Several receive queues share the load by RSS, where the device has it.
    fn configure(
        &self,
        options: &PortOptions,
        info: &dpdk_sys::rte_eth_dev_info,
    ) -> Result<(), PortError> {
        let mut configuration = dpdk_sys::rte_eth_conf::default();
        configuration.txmode.offloads =
            info.tx_offload_capa & u64::from(dpdk_sys::RTE_ETH_TX_OFFLOAD_MULTI_SEGS);
        let hash = dpdk_sys::RTE_ETH_RSS_IP | dpdk_sys::RTE_ETH_RSS_TCP | dpdk_sys::RTE_ETH_RSS_UDP;
        let hash = u64::from(hash) & info.flow_type_rss_offloads;
        if options.rx_queues > 1 && hash != 0 {
            configuration.rxmode.mq_mode = dpdk_sys::rte_eth_rx_mq_mode_RTE_ETH_MQ_RX_RSS;
            configuration.rx_adv_conf.rss_conf.rss_hf = hash;
        }
        let (rx_queues, tx_queues) = (options.rx_queues, options.tx_queues);
        // SAFETY: the port is attached and not started; DPDK copies the configuration.
        let code = unsafe {
            dpdk_sys::rte_eth_dev_configure(self.id, rx_queues, tx_queues, &raw const configuration)
        };
        self.check("configure", code)
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

    fn set_up_queues(&self, options: &PortOptions, pools: &[Mempool]) -> Result<(), PortError> {
        // af_xdp takes powers of two only, and does not say so.
        let rounded = |n: u16| n.checked_next_power_of_two().unwrap_or(1 << 15);
        let (mut rx, mut tx) = (
            rounded(options.rx_descriptors),
            rounded(options.tx_descriptors),
        );
        // SAFETY: the port is configured, both numbers are writable.
        let code = unsafe {
            dpdk_sys::rte_eth_dev_adjust_nb_rx_tx_desc(self.id, &raw mut rx, &raw mut tx)
        };
        self.check("choose the number of descriptors", code)?;
        // SAFETY: the port is attached.
        let socket = unsafe { dpdk_sys::rte_eth_dev_socket_id(self.id) }.cast_unsigned();
        for (queue, pool) in (0..options.rx_queues).zip(pools) {
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

impl Drop for Attached {
    fn drop(&mut self) {
        let mut open = self.running.opening.lock();
        // SAFETY: every queue of the port is gone; stopping twice does nothing.
        unsafe { dpdk_sys::rte_eth_dev_stop(self.id) };
        // SAFETY: stopped; its number is not used after.
        unsafe { dpdk_sys::rte_eth_dev_close(self.id) };
        let bus = if self.device.pci_address().is_some() {
            c"pci"
        } else {
            c"vdev"
        };
        if let Ok(name) = CString::new(self.device.name()) {
            // SAFETY: both names are terminated; the device is closed.
            unsafe { dpdk_sys::rte_eal_hotplug_remove(bus.as_ptr(), name.as_ptr()) };
        }
        open.remove(self.device.name());
    }
}

fn port_by_name(name: &CStr) -> Option<u16> {
    let mut id = 0;
    // SAFETY: the name is terminated, `id` is writable.
    let code = unsafe { dpdk_sys::rte_eth_dev_get_port_by_name(name.as_ptr(), &raw mut id) };
    (code == 0).then_some(id)
}
