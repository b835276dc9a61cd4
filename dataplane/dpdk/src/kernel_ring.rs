//! What the kernel drops between an interface and a driver's ring.
//!
//! No DPDK counter shows these losses: af_packet reports no `imissed` at all,
//! af_xdp's holds frames without a buffer but not those for which its ring had
//! no room. The kernel counts them for each socket, so the sockets that a
//! driver opened are found by looking before and after.

use std::collections::BTreeSet;
use std::fs;
use std::mem;
use std::os::fd::RawFd;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::device::Device;

/// How to ask a driver's sockets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Family {
    Packet,
    Xdp,
}

/// The sockets of one port.
#[derive(Debug)]
pub(crate) struct KernelRing {
    family: Family,
    sockets: Vec<RawFd>,
    /// The kernel forgets af_packet's count when it is read.
    packet_drops: AtomicU64,
}

/// The sockets that were open before a device was.
pub(crate) struct Before(Option<(Family, BTreeSet<RawFd>)>);

impl Before {
    /// To be called before `device` is attached.
    pub(crate) fn opening(device: &Device) -> Self {
        let family = if device.is_af_packet() {
            Some(Family::Packet)
        } else {
            device.is_af_xdp().then_some(Family::Xdp)
        };
        Self(family.map(|family| (family, sockets(family))))
    }

    /// To be called when the device is started: the sockets that are new.
    pub(crate) fn opened(self) -> Option<KernelRing> {
        let (family, before) = self.0?;
        let sockets = sockets(family).difference(&before).copied().collect();
        Some(KernelRing {
            family,
            sockets,
            packet_drops: AtomicU64::new(0),
        })
    }
}

impl KernelRing {
    /// The sockets, one for each queue.
    pub(crate) fn sockets(&self) -> &[RawFd] {
        &self.sockets
    }

    /// Frames dropped since the port was started, for want of room in the ring.
    pub(crate) fn drops(&self) -> u64 {
        match self.family {
            Family::Packet => {
                let new: u64 = self
                    .sockets
                    .iter()
                    .map(|&socket| u64::from(packet_drops(socket)))
                    .sum();
                self.packet_drops.fetch_add(new, Ordering::Relaxed) + new
            }
            Family::Xdp => self
                .sockets
                .iter()
                .map(|&socket| xdp_ring_full(socket))
                .sum(),
        }
    }
}

/// Takes from a socket the error that it would otherwise tell again and again.
pub(crate) fn clear_error(socket: RawFd) {
    let _: Option<libc::c_int> = option(socket, libc::SOL_SOCKET, libc::SO_ERROR);
}

/// The open sockets of this family.
fn sockets(family: Family) -> BTreeSet<RawFd> {
    let domain = match family {
        Family::Packet => libc::AF_PACKET,
        Family::Xdp => libc::AF_XDP,
    };
    let open = fs::read_dir("/proc/self/fd")
        .into_iter()
        .flatten()
        .flatten();
    open.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|&fd| option::<libc::c_int>(fd, libc::SOL_SOCKET, libc::SO_DOMAIN) == Some(domain))
        .collect()
}

fn packet_drops(socket: RawFd) -> u32 {
    let counts: Option<libc::tpacket_stats> =
        option(socket, libc::SOL_PACKET, libc::PACKET_STATISTICS);
    counts.map_or(0, |counts| counts.tp_drops)
}

fn xdp_ring_full(socket: RawFd) -> u64 {
    let counts: Option<libc::xdp_statistics> = option(socket, libc::SOL_XDP, libc::XDP_STATISTICS);
    counts.map_or(0, |counts| counts.rx_ring_full)
}

/// Types that the kernel fills: plain integers, valid whatever it writes.
trait Plain: Copy {}
impl Plain for libc::c_int {}
impl Plain for libc::tpacket_stats {}
impl Plain for libc::xdp_statistics {}

fn option<T: Plain>(socket: RawFd, level: libc::c_int, name: libc::c_int) -> Option<T> {
    let mut value = mem::MaybeUninit::<T>::zeroed();
    let mut len = size_of::<T>() as libc::socklen_t;
    // SAFETY: the kernel writes at most `len` octets to `value`; a descriptor
    // that is no socket, or closed, is an error.
    match unsafe { libc::getsockopt(socket, level, name, value.as_mut_ptr().cast(), &raw mut len) }
    {
        // SAFETY: zeroed, then written by the kernel; plain integers.
        0 => Some(unsafe { value.assume_init() }),
        _ => None,
    }
}
