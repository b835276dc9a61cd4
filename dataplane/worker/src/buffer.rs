//! Frames that a member keeps: a ring of octets, set aside at launch.
//!
//! It holds copies of whole frames, not packet buffers: a member may keep a
//! second's traffic, and a port's pool must not be what pays for it. A record
//! lies in one piece, `length 4 | unused 4 | received_ns 8 | frame`, in a
//! multiple of 16 octets; where the end of the ring is too near for the next
//! one, a marker stands instead of a length.
//!
//! When it is full the newest frame is refused and the oldest are kept: what
//! was kept is without gaps, so that its reader knows from where on something
//! is missing.

use tables::group::BufferLimits;

/// Octets of a record before its frame, and what records are aligned to.
const RECORD_HEAD_BYTES: usize = 16;

/// In the place of a length: the next record is at the start of the ring.
const AT_START: u32 = u32::MAX;

/// The ring has no room for the frame, by packets or by octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Full;

/// The frames of one member at one worker, the oldest first.
pub(crate) struct Buffer {
    octets: Box<[u8]>,
    /// Where the oldest record begins, or the marker before it.
    head: usize,
    /// Where the next one will.
    tail: usize,
    packets: u32,
    bytes: u64,
    packets_max: u32,
    bytes_max: u64,
}

/// A frame that is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Kept<'a> {
    /// When it came, in nanoseconds of the process's clock.
    pub(crate) received_ns: u64,
    /// From the Ethernet header on.
    pub(crate) frame: &'a [u8],
}

impl Buffer {
    /// Room for one of `shares` equal parts of `limits`, for frames of at most
    /// `frame_bytes_max` octets.
    pub(crate) fn new(limits: &BufferLimits, shares: u16, frame_bytes_max: usize) -> Self {
        let shares = u32::from(shares.max(1));
        let packets_max = limits.packets.div_ceil(shares);
        let bytes_max = limits.bytes.div_ceil(shares);
        // Beside the frames themselves: heads, alignment, and the end of the
        // ring that is too short for a frame.
        let capacity = bytes_max as usize
            + packets_max as usize * (RECORD_HEAD_BYTES + RECORD_HEAD_BYTES - 1)
            + record_bytes(frame_bytes_max);
        let capacity = capacity.next_multiple_of(RECORD_HEAD_BYTES);
        // Written to, so that the kernel has given the memory before the first
        // frame comes: zeros it would give only then.
        let mut octets = Vec::with_capacity(capacity);
        octets.resize(capacity, 0xff);
        Self {
            octets: octets.into(),
            head: 0,
            tail: 0,
            packets: 0,
            bytes: 0,
            packets_max,
            bytes_max: bytes_max.into(),
        }
    }

    /// Frames that are kept.
    #[inline]
    pub(crate) fn packets(&self) -> u32 {
        self.packets
    }

    /// Their octets.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.packets == 0
    }

    /// Appends a copy of `frame`, which came at `received_ns`.
    ///
    /// # Errors
    /// [`Full`], and nothing is changed.
    pub(crate) fn push(&mut self, received_ns: u64, frame: &[u8]) -> Result<(), Full> {
        let bytes = self.bytes + frame.len() as u64;
        if self.packets == self.packets_max || bytes > self.bytes_max {
            return Err(Full);
        }
        let length = u32::try_from(frame.len()).map_err(|_| Full)?;
        let at = self.place(record_bytes(frame.len())).ok_or(Full)?;
        let (head, body) = self.octets[at..].split_at_mut(RECORD_HEAD_BYTES);
        head[..4].copy_from_slice(&length.to_ne_bytes());
        head[8..].copy_from_slice(&received_ns.to_ne_bytes());
        body[..frame.len()].copy_from_slice(frame);
        self.tail = at + record_bytes(frame.len());
        self.packets += 1;
        self.bytes = bytes;
        Ok(())
    }

    /// Where a record of `needed` octets can lie. Leaves a marker if that is at
    /// the start.
    fn place(&mut self, needed: usize) -> Option<usize> {
        if self.packets == 0 {
            (self.head, self.tail) = (0, 0);
        }
        let wrapped = self.packets > 0 && self.tail <= self.head;
        let end = if wrapped {
            self.head
        } else {
            self.octets.len()
        };
        if needed <= end - self.tail {
            return Some(self.tail);
        }
        if wrapped || needed > self.head {
            return None;
        }
        if let Some(mark) = self.octets.get_mut(self.tail..self.tail + 4) {
            mark.copy_from_slice(&AT_START.to_ne_bytes());
        }
        Some(0)
    }

    /// The frames, the oldest first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Kept<'_>> {
        let mut at = self.head;
        (0..self.packets).map(move |_| {
            let (kept, next) = self.record(at);
            at = next;
            kept
        })
    }

    /// The oldest frame.
    pub(crate) fn oldest(&self) -> Option<Kept<'_>> {
        self.iter().next()
    }

    /// Removes the oldest frame, if there is one.
    pub(crate) fn remove_oldest(&mut self) {
        if self.packets == 0 {
            return;
        }
        let (kept, next) = self.record(self.head);
        let frame_bytes = kept.frame.len() as u64;
        self.head = next;
        self.packets -= 1;
        self.bytes -= frame_bytes;
    }

    /// Removes all frames.
    pub(crate) fn clear(&mut self) {
        (self.head, self.tail, self.packets, self.bytes) = (0, 0, 0, 0);
    }

    /// The record at `at`, or the first one if a marker or the end is there; and
    /// where the next begins.
    fn record(&self, at: usize) -> (Kept<'_>, usize) {
        let at = match self.number_at(at) {
            Some(AT_START) | None => 0,
            Some(_) => at,
        };
        let length = self.number_at(at).unwrap_or(0) as usize;
        let (head, body) = self.octets[at..].split_at(RECORD_HEAD_BYTES);
        let mut received_ns = [0; 8];
        received_ns.copy_from_slice(&head[8..]);
        let kept = Kept {
            received_ns: u64::from_ne_bytes(received_ns),
            frame: &body[..length],
        };
        (kept, at + record_bytes(length))
    }

    fn number_at(&self, at: usize) -> Option<u32> {
        let octets = self.octets.get(at..)?.first_chunk()?;
        Some(u32::from_ne_bytes(*octets))
    }
}

/// Octets of the record of a frame.
fn record_bytes(frame_bytes: usize) -> usize {
    RECORD_HEAD_BYTES + frame_bytes.next_multiple_of(RECORD_HEAD_BYTES)
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use proptest::prelude::*;

    use super::*;

    fn limits(packets: u32, bytes: u32) -> BufferLimits {
        BufferLimits {
            packets,
            bytes,
            age_ns: 0,
        }
    }

    #[test]
    fn the_limits_are_reached_exactly_and_shared_among_workers() {
        let mut buffer = Buffer::new(&limits(6, 1_000), 2, 500);
        for i in 0..3 {
            buffer.push(i, &[i as u8; 100]).expect("room for three");
        }
        assert_eq!(buffer.push(3, &[3]), Err(Full), "by packets");
        let mut buffer = Buffer::new(&limits(100, 1_000), 2, 500);
        buffer.push(0, &[0; 300]).expect("room");
        buffer.push(1, &[1; 200]).expect("room");
        assert_eq!(buffer.push(2, &[2]), Err(Full), "by octets");
        assert_eq!((buffer.packets(), buffer.bytes()), (2, 500));
    }

    proptest! {
        /// Against a queue of the standard library, over several times around.
        #[test]
        fn frames_come_out_in_order_as_they_went_in(
            packets_max in 1u32..20, bytes_max in 200u32..2_000,
            steps in prop::collection::vec((0usize..200, 0u8..4), 1..400),
        ) {
            let mut buffer = Buffer::new(&limits(packets_max, bytes_max), 1, 200);
            let mut model: VecDeque<(u64, Vec<u8>)> = VecDeque::new();
            for (now, (length, step)) in (0u64..).zip(steps) {
                if step == 0 {
                    buffer.remove_oldest();
                    model.pop_front();
                } else {
                    let frame: Vec<u8> = (0..length).map(|i| (i as u64 + now) as u8).collect();
                    let bytes: usize = model.iter().map(|(_, frame)| frame.len()).sum();
                    let room = (model.len() as u32) < packets_max && bytes + length <= bytes_max as usize;
                    prop_assert_eq!(buffer.push(now, &frame).is_ok(), room, "limits alone decide");
                    if room {
                        model.push_back((now, frame));
                    }
                }
                prop_assert!(buffer.iter().map(|kept| (kept.received_ns, kept.frame.to_vec())).eq(model.iter().cloned()));
                prop_assert_eq!(buffer.bytes(), model.iter().map(|(_, frame)| frame.len() as u64).sum::<u64>());
            }
        }
    }
}
