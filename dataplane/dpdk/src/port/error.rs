//! Why a port was not started.

use std::io;

use thiserror::Error;

use crate::device::{Device, DeviceError};

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
    /// Another port of this process has it.
    #[error("device '{0}' is open already")]
    InUse(Device),
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
        "device '{device}' needs a pool of at least {mbufs_min} buffers in one piece: make the pool larger, or give DPDK more memory"
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
