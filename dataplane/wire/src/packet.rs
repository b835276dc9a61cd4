//! The one thing that re-heading asks of a packet buffer.

/// A packet whose bytes lie in one piece, with room in front.
///
/// `dpdk::Mbuf` is the live one, [`worker`'s tests and the replay] use a heap
/// buffer. Everything that translates is written against this trait, so that
/// it runs without a device.
pub trait Packet: Sized {
    /// The frame, from the Ethernet destination on.
    fn bytes(&self) -> &[u8];
    /// The frame, to be rewritten in place.
    fn bytes_mut(&mut self) -> &mut [u8];
    /// Grows the frame by `n` octets in front, whose content is unspecified.
    /// `None`, and nothing changed, if the headroom does not hold them.
    #[must_use]
    fn prepend(&mut self, n: usize) -> Option<()>;
    /// Removes the first `n` octets. `n` must not exceed the length.
    fn remove_front(&mut self, n: usize);
    /// Shortens the frame to `len` octets. No effect if it is shorter.
    fn truncate(&mut self, len: usize);
    /// Asks the cache for the first line of the frame. Never faults.
    fn prefetch(&self);
}
