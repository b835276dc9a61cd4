//! Whole frames between a worker and the controller, one ring for each way.
//!
//! One side writes, the other reads, and neither ever waits: a real-time
//! controller thread that spun on a preempted worker of the same core would
//! spin for ever. Frames of any size lie one behind the other as
//! `length (2 octets, host order) | octets`, so that the ring is as full as its
//! octets and nothing is allocated.

use rtrb::{Consumer, Producer, RingBuffer};

/// Octets of a record's length field.
const LENGTH_BYTES: usize = 2;

/// The ring has no room for the frame; it is the caller's to count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

/// The writing end.
#[derive(Debug)]
pub struct PuntSender {
    ring: Producer<u8>,
}

/// The reading end.
#[derive(Debug)]
pub struct PuntReceiver {
    ring: Consumer<u8>,
}

/// A ring that holds `capacity_bytes`, length fields included.
pub fn punt_ring(capacity_bytes: usize) -> (PuntSender, PuntReceiver) {
    let (producer, consumer) = RingBuffer::new(capacity_bytes);
    (
        PuntSender { ring: producer },
        PuntReceiver { ring: consumer },
    )
}

impl PuntSender {
    /// Appends a copy of `frame`.
    ///
    /// # Errors
    /// [`Full`] if there is no room, or if the frame is longer than 65,535
    /// octets; nothing is written then.
    pub fn push(&mut self, frame: &[u8]) -> Result<(), Full> {
        let length = u16::try_from(frame.len()).map_err(|_| Full)?;
        if self.ring.slots() < LENGTH_BYTES + frame.len() {
            return Err(Full);
        }
        // The reader takes a record only when it is there as a whole, so the
        // two steps may be seen apart.
        self.ring
            .push_entire_slice(&length.to_ne_bytes())
            .map_err(|_| Full)?;
        self.ring.push_entire_slice(frame).map_err(|_| Full)
    }
}

impl PuntReceiver {
    /// Replaces the content of `frame` by the oldest frame; false, with `frame`
    /// emptied, if there is none. Allocates only while `frame` grows.
    pub fn pop(&mut self, frame: &mut Vec<u8>) -> bool {
        frame.clear();
        let Ok(record) = self.ring.read_chunk(LENGTH_BYTES) else {
            return false;
        };
        let (first, second) = record.as_slices();
        let mut length = [0; LENGTH_BYTES];
        length[..first.len()].copy_from_slice(first);
        length[first.len()..].copy_from_slice(second);
        let length = usize::from(u16::from_ne_bytes(length));

        let Ok(record) = self.ring.read_chunk(LENGTH_BYTES + length) else {
            return false;
        };
        let (first, second) = record.as_slices();
        let in_first = first.len().max(LENGTH_BYTES);
        frame.extend_from_slice(first.get(LENGTH_BYTES..).unwrap_or_default());
        frame.extend_from_slice(&second[in_first - first.len()..]);
        record.commit_all();
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_of_any_size_come_out_as_they_went_in_across_the_wrap() {
        let (mut sender, mut receiver) = punt_ring(1000);
        let mut out = Vec::new();
        for size in (0..900).chain((0..900).rev()) {
            let frame: Vec<u8> = (0..size).map(|i| (i * 7 + size) as u8).collect();
            sender.push(&frame).expect("the ring is empty");
            assert!(receiver.pop(&mut out));
            assert_eq!(out, frame);
        }
        assert!(!receiver.pop(&mut out));
    }

    #[test]
    fn a_full_ring_refuses_and_keeps_what_it_has() {
        let (mut sender, mut receiver) = punt_ring(100);
        sender.push(&[1; 60]).expect("room for the first");
        assert_eq!(sender.push(&[2; 60]), Err(Full));
        sender.push(&[3; 36]).expect("exactly fits");
        let mut out = Vec::new();
        assert!(receiver.pop(&mut out));
        assert_eq!(out, [1; 60]);
        assert!(receiver.pop(&mut out));
        assert_eq!(out, [3; 36]);
        assert!(!receiver.pop(&mut out));
    }

    #[test]
    fn the_two_ends_work_from_two_threads() {
        const FRAMES: u32 = 20_000;
        let (mut sender, mut receiver) = punt_ring(4096);
        let writer = std::thread::spawn(move || {
            for i in 0..FRAMES {
                let frame = i.to_be_bytes().repeat(1 + i as usize % 50);
                while sender.push(&frame).is_err() {
                    std::thread::yield_now();
                }
            }
        });
        let mut out = Vec::new();
        for i in 0..FRAMES {
            while !receiver.pop(&mut out) {
                std::thread::yield_now();
            }
            assert_eq!(out, i.to_be_bytes().repeat(1 + i as usize % 50));
        }
        writer.join().expect("the writer does not panic");
    }
}
