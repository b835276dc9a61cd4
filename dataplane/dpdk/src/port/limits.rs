//! What a device can take, as far as the operator's wishes go: what DPDK says,
//! and what it leaves out.

use std::ffi::CStr;

use super::{PortCapabilities, PortError, PortOptions};
use crate::device::Device;
use crate::pool::{DATA_ROOM_BYTES_DEFAULT, HEADROOM_BYTES, Mempool};

/// The Ethernet header.
const ETHERNET_BYTES: u32 = 14;

/// What the kernel leaves free in front of a frame in an XDP buffer.
const XDP_HEADROOM_BYTES: u32 = 256;

/// Where a frame begins in a slot of af_packet's receive ring: behind a
/// `tpacket2_hdr` and a `sockaddr_ll`, aligned so that the network header is.
const TPACKET_OFFSET_BYTES: u32 = 66;

/// Where af_packet's driver takes it to begin when it asks whether a slot fits
/// into a buffer: behind the `tpacket2_hdr` alone.
const TPACKET_HEADER_BYTES: u32 = 32;

/// The size of such a slot when the device string has no `framesz`.
const TPACKET_FRAME_BYTES_DEFAULT: u32 = 2048;

/// What af_xdp keeps: a fill ring, and as much again in flight.
const XDP_MBUFS_MIN: u32 = 2 * 2048;

/// What the device says of itself, corrected where drivers are known to be
/// wrong: af_xdp takes the whole length from the first buffer of a chain, and
/// these others handle chains without announcing it.
pub(super) fn capabilities(info: &dpdk_sys::rte_eth_dev_info) -> PortCapabilities {
    // SAFETY: a driver's name is a terminated string in its plug-in, which is
    // never unloaded.
    let driver = unsafe { CStr::from_ptr(info.driver_name) }
        .to_string_lossy()
        .into_owned();
    let can = |offload: u32| info.tx_offload_capa & u64::from(offload) == u64::from(offload);
    let chained_tx = match driver.as_str() {
        "net_af_xdp" => false,
        "net_af_packet" | "net_tap" | "net_vhost" | "net_memif" | "net_pcap" | "net_ring"
        | "net_null" => true,
        _ => can(dpdk_sys::RTE_ETH_TX_OFFLOAD_MULTI_SEGS),
    };
    let checksums = dpdk_sys::RTE_ETH_TX_OFFLOAD_IPV4_CKSUM
        | dpdk_sys::RTE_ETH_TX_OFFLOAD_TCP_CKSUM
        | dpdk_sys::RTE_ETH_TX_OFFLOAD_UDP_CKSUM;
    PortCapabilities {
        chained_tx,
        checksum_offload: can(checksums),
        queues_max: (info.max_rx_queues, info.max_tx_queues),
        driver,
    }
}

pub(super) fn check_queues(
    device: &Device,
    capabilities: &PortCapabilities,
    options: &PortOptions,
) -> Result<(), PortError> {
    let (rx, tx) = capabilities.queues_max;
    let uneven = device.is_af_xdp() && options.rx_queues != options.tx_queues;
    if options.rx_queues <= rx && options.tx_queues <= tx && !uneven {
        return Ok(());
    }
    let wanted = options.rx_queues.max(options.tx_queues);
    let remedy = match device.driver() {
        Some("net_af_packet" | "eth_af_packet") => format!(": add ,qpairs={wanted}"),
        Some("net_af_xdp") => format!(", in equal numbers: add ,queue_count={wanted}"),
        Some("net_vhost") => format!(": add ,queues={wanted}"),
        _ => String::new(),
    };
    Err(PortError::Queues {
        device: device.clone(),
        rx,
        tx,
        wanted_rx: options.rx_queues,
        wanted_tx: options.tx_queues,
        remedy,
    })
}

/// A pool for each receive queue; af_xdp gives the kernel all of it as one range.
pub(super) fn check_pools(
    device: &Device,
    options: &PortOptions,
    pools: &[Mempool],
) -> Result<(), PortError> {
    if pools.len() != usize::from(options.rx_queues) || pools.is_empty() {
        return Err(PortError::Pools {
            device: device.clone(),
            pools: pools.len(),
            rx_queues: options.rx_queues,
        });
    }
    let unfit = |pool: &Mempool| pool.mbufs() < XDP_MBUFS_MIN || !pool.is_contiguous();
    if device.is_af_xdp() && pools.iter().any(unfit) {
        return Err(PortError::PoolUnfit {
            device: device.clone(),
            mbufs_min: XDP_MBUFS_MIN,
        });
    }
    Ok(())
}

/// The data room, headroom included, that buffers need for frames of this MTU.
pub(super) fn data_room(device: &Device, mtu: u16) -> u16 {
    let frame = u32::from(mtu) + ETHERNET_BYTES;
    let held = if device.is_af_xdp() {
        frame + XDP_HEADROOM_BYTES
    } else if device.is_af_packet() {
        // Its driver wants buffers that hold a whole slot, however long frames are.
        frame.max(slot_bytes(device).saturating_sub(TPACKET_HEADER_BYTES))
    } else {
        frame
    };
    let needed = held.saturating_add(HEADROOM_BYTES.into());
    u16::try_from(needed)
        .unwrap_or(u16::MAX)
        .max(DATA_ROOM_BYTES_DEFAULT)
}

/// The size of a slot of af_packet's rings.
fn slot_bytes(device: &Device) -> u32 {
    device
        .argument("framesz")
        .and_then(|text| text.parse().ok())
        .unwrap_or(TPACKET_FRAME_BYTES_DEFAULT)
}

/// Longer frames would be cut by af_packet, and dropped by others.
pub(super) fn check_mtu(device: &Device, mtu: u16, pools: &[Mempool]) -> Result<(), PortError> {
    let data_room = pools.iter().map(Mempool::data_room).min().unwrap_or(0);
    let (mtu_max, remedy) = mtu_max(device, data_room.into(), mtu.into());
    if u32::from(mtu) <= mtu_max {
        return Ok(());
    }
    Err(PortError::Mtu {
        device: device.clone(),
        mtu,
        mtu_max,
        remedy,
    })
}

/// The largest MTU, and what makes it larger.
fn mtu_max(device: &Device, data_room: u32, mtu: u32) -> (u32, String) {
    let buffer = data_room.saturating_sub(HEADROOM_BYTES.into());
    if device.is_af_xdp() {
        let frame = buffer.saturating_sub(XDP_HEADROOM_BYTES);
        let needed = mtu + ETHERNET_BYTES + XDP_HEADROOM_BYTES + u32::from(HEADROOM_BYTES);
        return (
            frame.saturating_sub(ETHERNET_BYTES),
            format!(": it needs buffers with a data room of {needed}"),
        );
    }
    if device.is_af_packet() {
        let slot = slot_bytes(device);
        let needed = (mtu + ETHERNET_BYTES + TPACKET_OFFSET_BYTES).next_power_of_two();
        let remedy = format!(": add ,framesz={needed},blocksz={}", needed.max(4096));
        return (
            slot.saturating_sub(TPACKET_OFFSET_BYTES + ETHERNET_BYTES),
            remedy,
        );
    }
    let needed = mtu + ETHERNET_BYTES + u32::from(HEADROOM_BYTES);
    (
        buffer.saturating_sub(ETHERNET_BYTES),
        format!(": it needs buffers with a data room of {needed}"),
    )
}
