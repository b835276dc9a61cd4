//! A port's queues: where bursts of packets come in and go out.

use std::ptr;
use std::sync::Arc;

use arrayvec::ArrayVec;

use crate::mbuf::Mbuf;
use crate::pool::Mempool;
use crate::port::Opened;

/// A receive queue. One thread polls it.
#[derive(Debug)]
pub struct RxQueue {
    pub(crate) port: Arc<Opened>,
    pub(crate) index: u16,
    /// Keeps the type from being `Sync`: DPDK's queues are not.
    pub(crate) _one_owner: std::marker::PhantomData<std::cell::Cell<()>>,
}

/// A transmit queue. One thread fills it.
#[derive(Debug)]
pub struct TxQueue {
    pub(crate) port: Arc<Opened>,
    pub(crate) index: u16,
    /// Where flat copies come from, for a device that sends no chains.
    pub(crate) pool: Mempool,
    /// Keeps the type from being `Sync`: DPDK's queues are not.
    pub(crate) _one_owner: std::marker::PhantomData<std::cell::Cell<()>>,
}

impl RxQueue {
    /// Receives into the free room of `burst`; returns how many packets came.
    /// They are flat, and tagged with the device's port number.
    #[inline]
    pub fn burst<const N: usize>(&mut self, burst: &mut ArrayVec<Mbuf, N>) -> usize {
        let held = burst.len();
        let room = burst.remaining_capacity().min(usize::from(u16::MAX));
        // SAFETY: the length is within the capacity, so that the sum is in the array.
        let free = unsafe { burst.as_mut_ptr().add(held) };
        // SAFETY: the port is started and this queue ours alone; there is room
        // for `room` pointers at `free`, and an `Mbuf` is one.
        let count = unsafe {
            dpdk_sys::rte_eth_rx_burst(
                self.port.attached.id(),
                self.index,
                free.cast(),
                room as u16,
            )
        };
        // SAFETY: the driver filled in `count` packets, which are ours now.
        unsafe { burst.set_len(held + usize::from(count)) };
        if burst[held..].iter().any(|mbuf| !mbuf.is_flat()) {
            self.flatten(burst, held);
        }
        burst.len() - held
    }

    /// vhost, memif and pcap hand over what is longer than a buffer in several,
    /// unasked. What does not fit into the first is lost, and counted.
    #[cold]
    fn flatten<const N: usize>(&self, burst: &mut ArrayVec<Mbuf, N>, from: usize) {
        for position in (from..burst.len()).rev() {
            if !burst[position].linearise() {
                burst.remove(position);
                self.port.rx_chained.add(1);
            }
        }
    }
}

impl TxQueue {
    /// Sends from the front of `burst`; returns how many packets the device
    /// took. What it did not take stays, in order.
    ///
    /// For a device that cannot send chains, they are made flat first. One for
    /// which there is no buffer is dropped and counted as
    /// [`tx_no_mbuf`](crate::DeviceLosses::tx_no_mbuf), not in the result.
    #[inline]
    pub fn burst<const N: usize>(&mut self, burst: &mut ArrayVec<Mbuf, N>) -> usize {
        if !self.port.capabilities.chained_tx {
            self.flatten(burst);
        }
        let held = burst.len();
        let first = burst.as_mut_ptr();
        let count = held.min(usize::from(u16::MAX)) as u16;
        // SAFETY: the port is started and this queue ours alone; `first` points
        // to `count` packets, and an `Mbuf` is a pointer.
        let sent = unsafe {
            dpdk_sys::rte_eth_tx_burst(self.port.attached.id(), self.index, first.cast(), count)
        };
        // SAFETY: the driver owns the first `sent` packets now.
        unsafe { forget_front(burst, usize::from(sent)) };
        usize::from(sent)
    }

    /// af_xdp reads the whole length from the first buffer, and computes a
    /// clone's address from the clone's own, empty buffer: both would send
    /// other packets' memory.
    #[inline]
    fn flatten<const N: usize>(&self, burst: &mut ArrayVec<Mbuf, N>) {
        let sendable = |mbuf: &Mbuf| mbuf.is_flat() && !mbuf.is_indirect();
        if burst.iter().all(sendable) {
            return;
        }
        burst.retain(|mbuf| {
            let kept = sendable(mbuf) || mbuf.flatten(&self.pool).is_some();
            self.port.tx_no_mbuf.add(u64::from(!kept));
            kept
        });
    }
}

/// Takes the first `n` out without dropping them.
///
/// # Safety
///
/// `n` is within the length, and someone else owns those elements already.
#[inline]
pub(crate) unsafe fn forget_front<const N: usize>(burst: &mut ArrayVec<Mbuf, N>, n: usize) {
    let left = burst.len() - n;
    let first = burst.as_mut_ptr();
    // SAFETY: `n` is within the array, by the caller.
    let rest = unsafe { first.add(n) };
    // SAFETY: both ranges are within the array, and may overlap.
    unsafe { ptr::copy(rest, first, left) };
    // SAFETY: the first `left` elements are those that remain.
    unsafe { burst.set_len(left) };
}
