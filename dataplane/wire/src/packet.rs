//! The one thing that re-heading asks of a packet buffer.

/// A packet whose bytes lie in one piece, with room in front.
///
/// `dpdk::Mbuf` is the live one; [`HeapPacket`] serves tests and replay.
/// Everything that translates is written against this trait, so that it runs
/// without a device.
pub trait Packet: Sized {
    /// The frame, from the Ethernet destination on.
    fn bytes(&self) -> &[u8];
    /// The length of the frame in octets. More than those of
    /// [`bytes`](Self::bytes) if the rest is shared with another packet.
    fn frame_bytes(&self) -> usize {
        self.bytes().len()
    }
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
    /// Cuts the frame off behind its first `frame_bytes` octets and has `NEW` octets
    /// take the place of the first `OLD` of them. Shows the `NEW`, whose content is
    /// unspecified, but for the last `OLD` of a longer front and the last `NEW` of a
    /// shorter one, which are those that lay there before. `None`, and none of the
    /// `frame_bytes` octets changed, if the frame is shorter than that or than `OLD`, or
    /// not in one piece, or may not be written to, or the headroom does not hold what it
    /// grows by.
    #[must_use]
    fn replace_front<const OLD: usize, const NEW: usize>(
        &mut self,
        frame_bytes: u16,
    ) -> Option<&mut [u8; NEW]> {
        let frame_bytes = usize::from(frame_bytes);
        if frame_bytes < OLD || self.bytes_mut().len() < frame_bytes {
            return None;
        }
        if NEW > OLD {
            self.prepend(NEW - OLD)?;
        } else {
            self.remove_front(OLD - NEW);
        }
        self.truncate(frame_bytes - OLD + NEW);
        self.bytes_mut().first_chunk_mut()
    }

    /// Asks the cache for the first line of the frame. Never faults.
    fn prefetch(&self);

    /// Asks the cache for the line in which a front begins that is `n` octets longer. Never faults.
    fn prefetch_before(&self, n: usize);
}

/// The headroom of a [`HeapPacket`] in octets: that of a DPDK mbuf by default.
pub const HEADROOM_BYTES: usize = 128;

/// A packet on the heap: the buffer of tests, and of captures that are replayed.
#[derive(Clone)]
pub struct HeapPacket {
    buffer: Vec<u8>,
    start: usize,
}

impl HeapPacket {
    /// A copy of `frame` behind [`HEADROOM_BYTES`] of room.
    #[must_use]
    pub fn new(frame: &[u8]) -> Self {
        Self::with_headroom(frame, HEADROOM_BYTES)
    }

    /// A copy of `frame` behind `headroom_bytes` of room.
    #[must_use]
    pub fn with_headroom(frame: &[u8], headroom_bytes: usize) -> Self {
        let mut buffer = Vec::with_capacity(headroom_bytes + frame.len());
        buffer.resize(headroom_bytes, 0);
        buffer.extend_from_slice(frame);
        Self {
            buffer,
            start: headroom_bytes,
        }
    }
}

impl Packet for HeapPacket {
    fn bytes(&self) -> &[u8] {
        &self.buffer[self.start..]
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.buffer[self.start..]
    }

    fn prepend(&mut self, n: usize) -> Option<()> {
        self.start = self.start.checked_sub(n)?;
        Some(())
    }

    fn remove_front(&mut self, n: usize) {
        debug_assert!(n <= self.bytes().len());
        self.start = (self.start + n).min(self.buffer.len());
    }

    fn truncate(&mut self, len: usize) {
        self.buffer.truncate(self.start.saturating_add(len));
    }

    fn prefetch(&self) {}

    fn prefetch_before(&self, _: usize) {}
}

impl PartialEq for HeapPacket {
    /// Equal frames are equal packets; the room in front does not count.
    fn eq(&self, other: &Self) -> bool {
        self.bytes() == other.bytes()
    }
}

impl Eq for HeapPacket {}

impl std::fmt::Debug for HeapPacket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "HeapPacket({:02x?})", self.bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn front_and_end_move_and_the_rest_stays() {
        let mut packet = HeapPacket::new(&[1, 2, 3, 4, 5]);
        packet.remove_front(2);
        packet.truncate(2);
        assert_eq!(packet.bytes(), [3, 4]);
        packet.truncate(9);
        assert_eq!(packet.bytes(), [3, 4]);
        assert_eq!(packet.prepend(1), Some(()));
        packet.bytes_mut()[0] = 9;
        assert_eq!(packet.bytes(), [9, 3, 4]);
    }

    #[test]
    fn a_prepend_beyond_the_headroom_changes_nothing() {
        let mut packet = HeapPacket::with_headroom(&[7], 3);
        assert_eq!(packet.prepend(4), None);
        assert_eq!(packet.bytes(), [7]);
        assert_eq!(packet.prepend(3), Some(()));
        assert_eq!(packet.bytes().len(), 4);
    }
}
