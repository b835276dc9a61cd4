//! Pools of packet buffers.

use std::ffi::CString;
use std::io;
use std::mem::ManuallyDrop;
use std::ptr::NonNull;
use std::sync::Arc;

use arrayvec::ArrayVec;
use thiserror::Error;

use crate::eal::{Eal, Running};
use crate::mbuf::Mbuf;

/// Octets in front of a packet's data in a fresh buffer, for headers to come.
pub const HEADROOM_BYTES: u16 = dpdk_sys::RTE_PKTMBUF_HEADROOM as u16;

/// The data room, headroom included, that every driver is content with.
pub const DATA_ROOM_BYTES_DEFAULT: u16 = 2048 + HEADROOM_BYTES;

/// A pool of packet buffers, shared by reference count.
///
/// Allocation is fast (a cache for each thread) on [workers](crate::worker)
/// and on the thread that started the EAL, and works everywhere.
#[derive(Clone, Debug)]
pub struct Mempool(Arc<Pool>);

#[derive(Debug)]
struct Pool {
    pool: NonNull<dpdk_sys::rte_mempool>,
    mbufs: u32,
    data_room: u16,
    running: ManuallyDrop<Arc<Running>>,
}

// SAFETY: DPDK's pools are made for use by several threads at a time.
unsafe impl Send for Pool {}
// SAFETY: likewise.
unsafe impl Sync for Pool {}

/// Why a pool was not made.
#[derive(Debug, Error)]
pub enum PoolError {
    /// The name holds a zero byte, or is too long.
    #[error("'{0}' cannot name a pool: at most 25 bytes, none of them zero")]
    Name(String),
    /// The cache is larger than DPDK takes.
    #[error(
        "pool '{name}': a cache of {cache} buffers is too large, at most {max} fit (512, and two thirds of the pool)"
    )]
    Cache {
        /// The pool's name.
        name: String,
        /// What was asked for.
        cache: u32,
        /// What is possible.
        max: u32,
    },
    /// DPDK has not enough memory, or the name is taken.
    #[error(
        "cannot make pool '{name}' of {mbufs} buffers ({mib} MiB): {source}; give DPDK more memory or use fewer buffers"
    )]
    Create {
        /// The pool's name.
        name: String,
        /// Buffers asked for.
        mbufs: u32,
        /// About what they take.
        mib: u64,
        /// What DPDK says.
        source: io::Error,
    },
}

impl Mempool {
    /// Makes a pool of `mbufs` buffers (best: a power of two, less one), of
    /// which each thread keeps up to 1.5 times `cache` at hand, with
    /// `data_room` octets each ([`DATA_ROOM_BYTES_DEFAULT`] fits an MTU of
    /// 1,500 and any driver), on a NUMA `socket` if that matters.
    ///
    /// # Errors
    ///
    /// The name is taken or not possible, the cache too large, memory short.
    pub fn create(
        eal: &Eal,
        name: &str,
        mbufs: u32,
        cache: u32,
        data_room: u16,
        socket: Option<u16>,
    ) -> Result<Self, PoolError> {
        let name_c = CString::new(name)
            .ok()
            .filter(|name| {
                name.as_bytes_with_nul().len() <= dpdk_sys::RTE_MEMPOOL_NAMESIZE as usize
            })
            .ok_or_else(|| PoolError::Name(name.to_owned()))?;
        let max = dpdk_sys::RTE_MEMPOOL_CACHE_MAX_SIZE.min(mbufs / 3 * 2);
        if cache > max {
            return Err(PoolError::Cache {
                name: name.to_owned(),
                cache,
                max,
            });
        }
        let socket = socket.map_or(-1, i32::from);
        // SAFETY: the EAL runs, the name is terminated; DPDK copies it.
        let pool = unsafe {
            dpdk_sys::rte_pktmbuf_pool_create(name_c.as_ptr(), mbufs, cache, 0, data_room, socket)
        };
        let pool = NonNull::new(pool).ok_or_else(|| PoolError::Create {
            name: name.to_owned(),
            mbufs,
            mib: (u64::from(mbufs) * (u64::from(data_room) + 256)) >> 20,
            source: crate::last_error(),
        })?;
        let running = ManuallyDrop::new(eal.running().clone());
        Ok(Self(Arc::new(Pool {
            pool,
            mbufs,
            data_room,
            running,
        })))
    }

    /// An empty buffer with [`HEADROOM_BYTES`] in front; `None` if none is left.
    #[inline]
    #[must_use]
    pub fn alloc(&self) -> Option<Mbuf> {
        // SAFETY: the pool is alive.
        let mbuf = unsafe { dpdk_sys::rte_pktmbuf_alloc(self.as_ptr()) };
        // SAFETY: a fresh buffer, owned by nobody else.
        NonNull::new(mbuf).map(|mbuf| unsafe { Mbuf::from_raw(mbuf) })
    }

    /// Fills the free room of `mbufs` with empty buffers, all or none; whether
    /// it did.
    #[inline]
    pub fn alloc_bulk<const N: usize>(&self, mbufs: &mut ArrayVec<Mbuf, N>) -> bool {
        let (held, room) = (mbufs.len(), mbufs.remaining_capacity());
        // SAFETY: the length is within the capacity, so that the sum is in the array.
        let free = unsafe { mbufs.as_mut_ptr().add(held) };
        // SAFETY: there is room for `room` pointers at `free`; an `Mbuf` is one.
        if unsafe { dpdk_sys::rte_pktmbuf_alloc_bulk(self.as_ptr(), free.cast(), room as u32) } != 0
        {
            return false;
        }
        // SAFETY: DPDK filled all of the room with buffers that are ours.
        unsafe { mbufs.set_len(held + room) };
        true
    }

    /// Buffers in the pool, in use or not.
    #[must_use]
    pub fn mbufs(&self) -> u32 {
        self.0.mbufs
    }

    /// Octets in each buffer, headroom included.
    #[must_use]
    pub fn data_room(&self) -> u16 {
        self.0.data_room
    }

    /// Buffers that are out: held as packets, or by a driver. Exact when
    /// nothing moves; walks all caches, not for the packet path.
    #[must_use]
    pub fn in_use(&self) -> u32 {
        self.0.in_use()
    }

    /// Whether all of it is one range of addresses, as af_xdp needs.
    pub(crate) fn is_contiguous(&self) -> bool {
        // SAFETY: the pool is alive, and the field does not change after creation.
        unsafe { (*self.as_ptr()).nb_mem_chunks == 1 }
    }

    pub(crate) fn as_ptr(&self) -> *mut dpdk_sys::rte_mempool {
        self.0.pool.as_ptr()
    }
}

impl Pool {
    fn in_use(&self) -> u32 {
        // SAFETY: the pool is alive.
        self.mbufs - unsafe { dpdk_sys::rte_mempool_avail_count(self.pool.as_ptr()) }
    }
}

impl Drop for Pool {
    /// A pool whose buffers are not all back stays, and with it DPDK's memory:
    /// an [`Mbuf`] holds no reference to either. af_xdp keeps some for good.
    fn drop(&mut self) {
        if self.in_use() > 0 {
            return;
        }
        // SAFETY: no buffer is out, so that nothing refers to the pool.
        unsafe { dpdk_sys::rte_mempool_free(self.pool.as_ptr()) };
        // SAFETY: dropped once, here, and not used after.
        unsafe { ManuallyDrop::drop(&mut self.running) };
    }
}
