//! Handing packets from one thread to another: an `rte_ring` with one producer
//! and one consumer, each owned by its thread.

use std::ffi::CString;
use std::io;
use std::ptr::{self, NonNull};
use std::sync::Arc;

use arrayvec::ArrayVec;
use thiserror::Error;

use crate::eal::{Eal, Running};
use crate::mbuf::Mbuf;
use crate::queue::forget_front;

/// The end that packets go into.
#[derive(Debug)]
pub struct RingProducer(Arc<Ring>);

/// The end that packets come out of.
#[derive(Debug)]
pub struct RingConsumer(Arc<Ring>);

#[derive(Debug)]
struct Ring {
    ring: NonNull<dpdk_sys::rte_ring>,
    _running: Arc<Running>,
}

// SAFETY: an `rte_ring` may be used by several threads; that there is one
// producer and one consumer is what the two ends, which cannot be cloned, see to.
unsafe impl Send for Ring {}
// SAFETY: likewise: each end calls only functions for its own side, by `&mut self`.
unsafe impl Sync for Ring {}

/// Why a ring was not made.
#[derive(Debug, Error)]
pub enum RingError {
    /// The name holds a zero byte, or is too long.
    #[error("'{0}' cannot name a ring: at most 28 bytes, none of them zero")]
    Name(String),
    /// The name is taken, the capacity too large, or memory short.
    #[error("cannot make ring '{name}' for {packets} packets: {source}")]
    Create {
        /// The ring's name.
        name: String,
        /// Its capacity.
        packets: u32,
        /// What DPDK says.
        source: io::Error,
    },
}

/// Makes a ring for up to `packets` packets.
///
/// # Errors
///
/// The name is taken or not possible, the capacity too large, memory short.
pub fn create(
    eal: &Eal,
    name: &str,
    packets: u32,
) -> Result<(RingProducer, RingConsumer), RingError> {
    let name_c = CString::new(name)
        .ok()
        .filter(|name| name.as_bytes_with_nul().len() <= dpdk_sys::RTE_RING_NAMESIZE as usize)
        .ok_or_else(|| RingError::Name(name.to_owned()))?;
    let flags = dpdk_sys::RING_F_SP_ENQ | dpdk_sys::RING_F_SC_DEQ | dpdk_sys::RING_F_EXACT_SZ;
    let any_socket = -1;
    // SAFETY: the EAL runs, the name is terminated; DPDK copies it.
    let ring = unsafe { dpdk_sys::rte_ring_create(name_c.as_ptr(), packets, any_socket, flags) };
    let ring = NonNull::new(ring).ok_or_else(|| RingError::Create {
        name: name.to_owned(),
        packets,
        source: crate::last_error(),
    })?;
    let ring = Arc::new(Ring {
        ring,
        _running: eal.running().clone(),
    });
    Ok((RingProducer(ring.clone()), RingConsumer(ring)))
}

impl RingProducer {
    /// Hands over from the front of `burst`; returns how many packets fitted.
    /// The others stay, in order.
    #[inline]
    pub fn enqueue<const N: usize>(&mut self, burst: &mut ArrayVec<Mbuf, N>) -> usize {
        let (ring, free_space) = (self.0.ring.as_ptr(), ptr::null_mut());
        let (first, held) = (burst.as_mut_ptr(), burst.len() as u32);
        // SAFETY: the ring is alive and this its only producer; `first` points
        // to `held` packets, and an `Mbuf` is a pointer.
        let count =
            unsafe { dpdk_sys::rte_ring_sp_enqueue_burst(ring, first.cast(), held, free_space) };
        // SAFETY: the first `count` are in the ring now.
        unsafe { forget_front(burst, count as usize) };
        count as usize
    }

    /// Packets in the ring, as of a moment ago.
    #[inline]
    #[must_use]
    pub fn queued(&self) -> u32 {
        self.0.queued()
    }
}

impl RingConsumer {
    /// Takes packets into the free room of `burst`; returns how many.
    #[inline]
    pub fn dequeue<const N: usize>(&mut self, burst: &mut ArrayVec<Mbuf, N>) -> usize {
        let (ring, available) = (self.0.ring.as_ptr(), ptr::null_mut());
        let (held, room) = (burst.len(), burst.remaining_capacity() as u32);
        // SAFETY: the length is within the capacity, so that the sum is in the array.
        let free = unsafe { burst.as_mut_ptr().add(held) };
        // SAFETY: the ring is alive and this its only consumer; there is room
        // for `room` pointers at `free`, and an `Mbuf` is one.
        let count =
            unsafe { dpdk_sys::rte_ring_sc_dequeue_burst(ring, free.cast(), room, available) };
        // SAFETY: `count` packets were taken out, and are ours now.
        unsafe { burst.set_len(held + count as usize) };
        count as usize
    }

    /// Packets in the ring, as of a moment ago.
    #[inline]
    #[must_use]
    pub fn queued(&self) -> u32 {
        self.0.queued()
    }
}

impl Ring {
    fn queued(&self) -> u32 {
        // SAFETY: the ring is alive.
        unsafe { dpdk_sys::rte_ring_count(self.ring.as_ptr()) }
    }
}

impl Drop for Ring {
    fn drop(&mut self) {
        let mut left = ptr::null_mut();
        let (ring, available) = (self.ring.as_ptr(), ptr::null_mut());
        // SAFETY: both ends are gone, so that nobody else uses the ring.
        while unsafe { dpdk_sys::rte_ring_sc_dequeue_burst(ring, &raw mut left, 1, available) } == 1
        {
            if let Some(mbuf) = NonNull::new(left) {
                // SAFETY: only packets are ever put in, and this one was taken out.
                drop(unsafe { Mbuf::from_raw(mbuf.cast()) });
            }
        }
        // SAFETY: nobody uses it any more.
        unsafe { dpdk_sys::rte_ring_free(ring) };
    }
}
