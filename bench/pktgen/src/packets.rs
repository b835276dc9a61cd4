//! The packets of a profile, made once: sending copies one and stamps it.

use std::error::Error;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use traffic::frame::{self, FCS_BYTES, Flow, HEADS_BYTES};
use traffic::keys::Keys;
use traffic::{capture, stamp};
use wire::packet::Packet;
use wire::{ethernet, ipv6, udp};

use crate::profile::{Traffic, Weighted};

/// Where a stamp begins in a guest's frame.
pub const STAMP_AT_GUEST: usize = HEADS_BYTES;
/// Where it begins on the substrate.
pub const STAMP_AT_UPLINK: usize = ethernet::HEADER_BYTES + ipv6::HEADER_BYTES + udp::HEADER_BYTES;
/// The streams, by where packets are sent.
pub const STREAM_FROM_GUEST: u16 = 1;
/// See [`STREAM_FROM_GUEST`].
pub const STREAM_FROM_UPLINK: u16 = 2;

/// The same packets for the same profile.
const SEED: u64 = 8_219;

/// What one port sends, in order and again from the start.
#[derive(Debug)]
pub struct Packets {
    /// The frames, without Ethernet's checksum.
    pub frames: Vec<Vec<u8>>,
    /// Where the stamp goes; `None` for a capture's.
    pub stamp_at: Option<usize>,
    /// Whose they are.
    pub stream: u16,
}

impl Packets {
    /// What the guest's port sends.
    ///
    /// # Errors
    /// The profile's capture cannot be read.
    pub fn from_guest(traffic: &Traffic) -> Result<Self, Box<dyn Error>> {
        Self::of(traffic, STREAM_FROM_GUEST)
    }

    /// What the uplink's port sends.
    ///
    /// # Errors
    /// The profile's capture cannot be read.
    pub fn from_substrate(traffic: &Traffic) -> Result<Self, Box<dyn Error>> {
        Self::of(traffic, STREAM_FROM_UPLINK)
    }

    /// Octets of a frame on average, with Ethernet's checksum.
    #[must_use]
    pub fn mean_bytes(&self) -> f64 {
        let sum: usize = self
            .frames
            .iter()
            .map(|frame| frame.len() + FCS_BYTES)
            .sum();
        sum as f64 / self.frames.len() as f64
    }

    fn of(traffic: &Traffic, stream: u16) -> Result<Self, Box<dyn Error>> {
        if let Some(path) = &traffic.capture {
            let frames = capture::read(path)?;
            if frames.is_empty() {
                return Err(format!("{} has no packets", path.display()).into());
            }
            return Ok(Self {
                frames,
                stamp_at: None,
                stream,
            });
        }
        let world = traffic.world();
        let mut keys = Keys::new(traffic.mappings, SEED);
        let mut lengths = Lengths::new(&traffic.sizes.weighted());
        let mut frame = || {
            let flow = Flow {
                key: keys.next_key(),
                source_port: keys.next_port(),
                destination_port: keys.next_port(),
            };
            let bytes = lengths.next_bytes() - FCS_BYTES;
            let payload = |payload: &mut [u8]| stamp::fill(payload, flow.key);
            let packet = match stream {
                STREAM_FROM_GUEST => frame::from_guest(world, flow, bytes, payload),
                _ => frame::from_substrate(world, flow, bytes, payload),
            };
            packet.bytes().to_vec()
        };
        Ok(Self {
            frames: (0..traffic.flows).map(|_| frame()).collect(),
            stamp_at: Some(match stream {
                STREAM_FROM_GUEST => STAMP_AT_GUEST,
                _ => STAMP_AT_UPLINK,
            }),
            stream,
        })
    }
}

/// Lengths, as often as their weights say.
struct Lengths {
    sizes: Vec<Weighted>,
    sum: u32,
    random: ChaCha8Rng,
}

impl Lengths {
    fn new(sizes: &[Weighted]) -> Self {
        Self {
            sizes: sizes.to_vec(),
            sum: sizes.iter().map(|size| u32::from(size.weight)).sum(),
            random: ChaCha8Rng::seed_from_u64(SEED),
        }
    }

    fn next_bytes(&mut self) -> usize {
        let mut at = self.random.random_range(0..self.sum);
        for size in &self.sizes {
            match at.checked_sub(size.weight.into()) {
                Some(rest) => at = rest,
                None => return size.bytes.into(),
            }
        }
        unreachable!("`at` is below the sum of all weights")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_come_as_often_as_they_weigh() {
        let sizes =
            [(64, 7), (594, 4), (1518, 1)].map(|(bytes, weight)| Weighted { bytes, weight });
        let mut lengths = Lengths::new(&sizes);
        let drawn: Vec<usize> = (0..12_000).map(|_| lengths.next_bytes()).collect();
        for size in sizes {
            let times = drawn
                .iter()
                .filter(|bytes| **bytes == usize::from(size.bytes))
                .count();
            let expected = usize::from(size.weight) * 1000;
            assert!(
                times.abs_diff(expected) < expected / 5 + 100,
                "{size:?}: {times}"
            );
        }
    }
}
