//! One packet buffer, owned.
//!
//! A buffer's octets may be shared: [`Mbuf::share`] makes a second buffer that
//! refers to the same ones. Shared octets are read-only from both sides, so
//! that a write needs [`Mbuf::copy`] first. A packet may be a chain of buffers,
//! whose first holds what [`Packet::bytes`] shows; everything that is received
//! is flat, chains are made by [`Mbuf::chain`] for transmission only.

use std::mem::{self, ManuallyDrop};
use std::ptr::{self, NonNull};
use std::slice;
use std::sync::atomic::{AtomicU16, Ordering};

use wire::packet::Packet;

use crate::clock::prefetch_at;
use crate::pool::Mempool;

/// A packet in a buffer of a [`Mempool`], to which it returns when dropped.
#[derive(Debug)]
#[repr(transparent)]
pub struct Mbuf(NonNull<dpdk_sys::rte_mbuf>);

// SAFETY: an `Mbuf` owns its buffer. What several may refer to, the reference
// count and shared octets, is atomic and read-only.
unsafe impl Send for Mbuf {}

/// Reads or writes one field of the header. Never by a reference to the whole:
/// the reference count in it changes under other threads' hands.
macro_rules! field {
    ($mbuf:ident.$name:ident) => {{
        // SAFETY: the buffer is alive, and this field its owner's alone.
        unsafe { (*$mbuf.0.as_ptr()).$name }
    }};
    ($mbuf:ident.$name:ident = $value:expr) => {{
        let value = $value;
        // SAFETY: the buffer is alive, and this field its owner's alone.
        unsafe { (*$mbuf.0.as_ptr()).$name = value }
    }};
}

/// `rte_mbuf`'s flags for a buffer whose octets are not its own.
const BORROWED: u64 = dpdk_sys::RTE_MBUF_F_INDIRECT | dpdk_sys::RTE_MBUF_F_EXTERNAL;

impl Mbuf {
    /// # Safety
    ///
    /// `mbuf` is a packet's first buffer in a live pool, and owned by nobody else.
    #[inline]
    pub(crate) unsafe fn from_raw(mbuf: NonNull<dpdk_sys::rte_mbuf>) -> Self {
        Self(mbuf)
    }

    /// A packet of these octets; `None` if the pool is empty or they do not fit
    /// into one buffer.
    #[must_use]
    pub fn from_bytes(pool: &Mempool, bytes: &[u8]) -> Option<Self> {
        let mut mbuf = pool.alloc()?;
        mbuf.append(bytes.len())?;
        mbuf.bytes_mut().copy_from_slice(bytes);
        Some(mbuf)
    }

    /// Grows the packet by `n` octets at its end, whose content is unspecified.
    /// `None`, and nothing changed, if there is no room, or it is shared or a
    /// chain.
    #[must_use]
    pub fn append(&mut self, n: usize) -> Option<()> {
        let end = self.headroom() + usize::from(field!(self.data_len));
        let tailroom = usize::from(field!(self.buf_len)) - end;
        if n > tailroom || !self.is_flat() || self.is_shared() {
            return None;
        }
        self.set_first(field!(self.data_off), field!(self.data_len) + n as u16);
        Some(())
    }

    /// A second packet over the same octets, in a buffer of `pool` that holds
    /// no octets itself; `None` if the pool is empty. Both are read-only until
    /// one of them is dropped.
    #[must_use]
    pub fn share(&mut self, pool: &Mempool) -> Option<Self> {
        // SAFETY: both are alive; DPDK counts the references atomically.
        let clone = unsafe { dpdk_sys::rte_pktmbuf_clone(self.0.as_ptr(), pool.as_ptr()) };
        // SAFETY: a fresh buffer, owned by nobody else.
        NonNull::new(clone).map(|mbuf| unsafe { Self::from_raw(mbuf) })
    }

    /// A flat packet with a copy of all octets, in a buffer of `pool` with the
    /// full headroom; `None` if the pool is empty or they do not fit into one.
    #[must_use]
    pub fn copy(&self, pool: &Mempool) -> Option<Self> {
        let (whole, from) = (u32::MAX, 0);
        // SAFETY: both are alive; the source is only read.
        let copy =
            unsafe { dpdk_sys::rte_pktmbuf_copy(self.0.as_ptr(), pool.as_ptr(), from, whole) };
        // SAFETY: a fresh buffer, owned by nobody else.
        let copy = NonNull::new(copy).map(|mbuf| unsafe { Self::from_raw(mbuf) })?;
        copy.is_flat().then_some(copy)
    }

    /// Makes the packet flat and its own: unchanged if it is, else replaced by
    /// a [copy](Self::copy) from `pool`. `None`, and nothing changed, if that
    /// fails.
    #[must_use]
    pub fn flatten(&mut self, pool: &Mempool) -> Option<()> {
        if !self.is_flat() || self.is_shared() {
            *self = self.copy(pool)?;
        }
        Some(())
    }

    /// Moves all octets into the first buffer; whether they fitted.
    pub(crate) fn linearise(&mut self) -> bool {
        // SAFETY: alive and ours; received buffers are not shared.
        unsafe { dpdk_sys::rte_pktmbuf_linearize(self.0.as_ptr()) == 0 }
    }

    /// Hangs `tail` after this packet, without copying: how a header of one's
    /// own goes in front of a shared payload. Gives it back if the chain would
    /// be longer than DPDK allows.
    ///
    /// # Errors
    ///
    /// `tail`, unchanged.
    pub fn chain(&mut self, tail: Self) -> Result<(), Self> {
        let raw = tail.0.as_ptr();
        // SAFETY: both are alive and different; on success the chain owns `tail`.
        match unsafe { dpdk_sys::rte_pktmbuf_chain(self.0.as_ptr(), raw) } {
            0 => {
                mem::forget(tail);
                Ok(())
            }
            _ => Err(tail),
        }
    }

    /// Whether all octets are in one buffer.
    #[inline]
    #[must_use]
    pub fn is_flat(&self) -> bool {
        field!(self.nb_segs) == 1
    }

    /// Whether the octets of the first buffer are, or may be, another packet's too.
    #[inline]
    #[must_use]
    pub fn is_shared(&self) -> bool {
        field!(self.ol_flags) & BORROWED != 0 || self.references() != 1
    }

    /// Whether the octets are in another buffer than the packet's own.
    #[inline]
    pub(crate) fn is_indirect(&self) -> bool {
        field!(self.ol_flags) & BORROWED != 0
    }

    /// How many packets refer to the first buffer: itself, and its clones.
    #[inline]
    #[must_use]
    pub fn references(&self) -> u16 {
        // SAFETY: the buffer is alive, so that the field's address is in it.
        let count = unsafe { &raw mut (*self.0.as_ptr()).refcnt };
        // SAFETY: alive and aligned, and others touch it by atomic operations only.
        unsafe { AtomicU16::from_ptr(count) }.load(Ordering::Acquire)
    }

    /// Octets in the packet, all of its buffers together.
    #[inline]
    #[must_use]
    pub fn packet_len(&self) -> usize {
        field!(self.pkt_len) as usize
    }

    /// Octets free in front of the packet.
    #[inline]
    #[must_use]
    pub fn headroom(&self) -> usize {
        usize::from(field!(self.data_off))
    }

    /// A number that travels with the packet, such as the port that it is meant
    /// for. A device writes its own port number there on receive.
    #[inline]
    #[must_use]
    pub fn tag(&self) -> u16 {
        field!(self.port)
    }

    /// Sets [the number](Self::tag) that travels with the packet.
    #[inline]
    pub fn set_tag(&mut self, tag: u16) {
        field!(self.port = tag);
    }

    #[inline]
    fn data(&self) -> *mut u8 {
        let start = field!(self.buf_addr).cast::<u8>();
        start.wrapping_add(self.headroom())
    }

    /// Where the first buffer's octets begin and how many they are; the
    /// packet's length follows.
    #[inline]
    fn set_first(&mut self, data_off: u16, data_len: u16) {
        let rest = field!(self.pkt_len) - u32::from(field!(self.data_len));
        field!(self.data_off = data_off);
        field!(self.data_len = data_len);
        field!(self.pkt_len = rest + u32::from(data_len));
    }
}

impl Packet for Mbuf {
    #[inline]
    fn bytes(&self) -> &[u8] {
        let len = usize::from(field!(self.data_len));
        // SAFETY: DPDK keeps offset and length within the buffer, as we do,
        // and nobody writes to the octets while `self` is borrowed.
        unsafe { slice::from_raw_parts(self.data(), len) }
    }

    #[inline]
    fn frame_bytes(&self) -> usize {
        self.packet_len()
    }

    /// Empty if the octets are [shared](Mbuf::is_shared).
    #[inline]
    fn bytes_mut(&mut self) -> &mut [u8] {
        let len = if self.is_shared() {
            0
        } else {
            field!(self.data_len)
        };
        // SAFETY: as for `bytes`, and no other packet refers to the octets.
        unsafe { slice::from_raw_parts_mut(self.data(), usize::from(len)) }
    }

    #[inline]
    fn prepend(&mut self, n: usize) -> Option<()> {
        if n > self.headroom() || self.is_shared() {
            return None;
        }
        let data_len = field!(self.data_len).checked_add(n as u16)?;
        self.set_first(field!(self.data_off) - n as u16, data_len);
        Some(())
    }

    #[inline]
    fn remove_front(&mut self, n: usize) {
        let held = field!(self.data_len);
        debug_assert!(
            n <= usize::from(held),
            "removed more than the first buffer holds"
        );
        let n = n.min(usize::from(held)) as u16;
        self.set_first(field!(self.data_off) + n, held - n);
    }

    /// A chain keeps the buffers that it still needs.
    #[inline]
    fn truncate(&mut self, len: usize) {
        if len >= self.packet_len() {
            return;
        }
        if !self.is_flat() {
            self.truncate_chain(len);
            return;
        }
        self.set_first(field!(self.data_off), len as u16);
    }

    // One look at each field of the buffer, where the steps by themselves take several.
    #[inline(always)]
    fn replace_front<const OLD: usize, const NEW: usize>(
        &mut self,
        frame_bytes: u16,
    ) -> Option<&mut [u8; NEW]> {
        let data_off = field!(self.data_off);
        let front = (usize::from(data_off) + OLD).checked_sub(NEW)?;
        if usize::from(frame_bytes) < OLD
            || frame_bytes > field!(self.data_len)
            || !self.is_flat()
            || self.is_shared()
        {
            return None;
        }
        // Both fit: the front is at most `frame_bytes` behind `data_off`, and so within the
        // buffer, as is its end.
        let data_len = (usize::from(frame_bytes) - OLD + NEW) as u16;
        field!(self.data_off = front as u16);
        field!(self.data_len = data_len);
        field!(self.pkt_len = u32::from(data_len));
        // SAFETY: the packet has at least `NEW` octets, in a buffer that is its own alone, and
        // nobody else reads or writes them while `self` is borrowed.
        Some(unsafe { &mut *self.data().cast() })
    }

    #[inline]
    fn prefetch(&self) {
        prefetch_at(self.data());
    }

    #[inline]
    fn prefetch_before(&self, n: usize) {
        prefetch_at(self.data().wrapping_sub(n));
    }
}

impl Mbuf {
    /// `len` is below the packet's length.
    #[cold]
    fn truncate_chain(&mut self, len: usize) {
        let (mut kept, mut rest) = (1, len);
        let mut last = ManuallyDrop::new(Self(self.0));
        while rest > usize::from(field!(last.data_len)) {
            rest -= usize::from(field!(last.data_len));
            // The lengths of all buffers add up to the packet's, above `len`.
            let Some(next) = NonNull::new(field!(last.next)) else {
                break;
            };
            last = ManuallyDrop::new(Self(next));
            kept += 1;
        }
        let tail = field!(last.next);
        field!(last.next = ptr::null_mut());
        field!(last.data_len = rest as u16);
        field!(self.nb_segs = kept);
        field!(self.pkt_len = len as u32);
        // SAFETY: the tail was taken off the chain; null is allowed.
        unsafe { dpdk_sys::rte_pktmbuf_free(tail) };
    }
}

impl Drop for Mbuf {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: owned, and not used after.
        unsafe { dpdk_sys::rte_pktmbuf_free(self.0.as_ptr()) };
    }
}
