//! What a port moved, and what it lost by itself.

use std::mem;
use std::sync::Arc;

use crate::port::Opened;

/// The counters of a port since it was started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Packets handed to us.
    pub ipackets: u64,
    /// Octets in them.
    pub ibytes: u64,
    /// Packets that the device took from us.
    pub opackets: u64,
    /// Octets in them.
    pub obytes: u64,
    /// Packets lost.
    pub losses: DeviceLosses,
}

/// Packets lost between the wire and us, by where. Each is counted once: a
/// driver's counter that includes packets which were merely left for the next
/// call is not taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DeviceLosses {
    /// Received while the device had no buffer for it.
    pub imissed: u64,
    /// Received while the pool was empty.
    pub rx_nombuf: u64,
    /// Received wrong.
    pub ierrors: u64,
    /// Taken for transmission, and not sent.
    pub oerrors: u64,
    /// Received by the kernel while the ring to the driver was full.
    pub kernel_ring_drops: u64,
    /// Received in several buffers whose octets do not fit into one.
    pub rx_chained: u64,
    /// Not sent because it needed a flat copy, for which the pool had no buffer.
    pub tx_no_mbuf: u64,
}

/// Reads a port's counters, from any thread, while others poll its queues.
#[derive(Clone, Debug)]
pub struct PortStatistics(pub(crate) Arc<Opened>);

impl PortStatistics {
    /// Whether the link is up, by the interface under the device or as far as
    /// the driver knows: drivers in memory are always up.
    #[must_use]
    pub fn link_is_up(&self) -> bool {
        if let Some(interface) = &self.0.interface {
            return interface.is_running().unwrap_or(false);
        }
        let mut link = dpdk_sys::rte_eth_link::default();
        // SAFETY: the port is open as long as `self` holds it; `link` is writable.
        let code =
            unsafe { dpdk_sys::rte_eth_link_get_nowait(self.0.attached.id(), &raw mut link) };
        code == 0 && link.link_status() != 0
    }

    /// The counters as they are now. They are not read at one instant: the sums
    /// agree when nothing moves.
    #[must_use]
    pub fn read(&self) -> Statistics {
        let port = &self.0;
        // SAFETY: the structure is plain integers, for which zeros are valid.
        let mut counts: dpdk_sys::rte_eth_stats = unsafe { mem::zeroed() };
        // SAFETY: the port is open as long as `self` holds it.
        let code = unsafe { dpdk_sys::rte_eth_stats_get(port.attached.id(), &raw mut counts) };
        debug_assert_eq!(code, 0, "an open port has counters");
        // What these drivers count there, they left with us or in their ring.
        let (kept_by_driver, refused) = match port.capabilities.driver.as_str() {
            "net_af_xdp" => (counts.rx_nombuf, counts.oerrors),
            "net_tap" => (0, counts.oerrors),
            _ => (0, 0),
        };
        Statistics {
            ipackets: counts.ipackets,
            ibytes: counts.ibytes,
            opackets: counts.opackets,
            obytes: counts.obytes,
            losses: DeviceLosses {
                imissed: counts.imissed,
                rx_nombuf: counts.rx_nombuf - kept_by_driver,
                ierrors: counts.ierrors,
                oerrors: counts.oerrors - refused,
                kernel_ring_drops: port.kernel_ring.as_ref().map_or(0, |ring| ring.drops()),
                rx_chained: port.rx_chained.get(),
                tx_no_mbuf: port.tx_no_mbuf.get(),
            },
        }
    }
}
