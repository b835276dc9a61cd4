//! What each generated packet carries, so that its fate is known exactly.
//!
//! ```text
//! | stream 16 | sequence 48 | intended send time, ns 64 | check 16 | filling ... |
//! ```
//! 18 octets, which is what the shortest Ethernet frame has room for behind IPv4 and UDP. The
//! check tells a stamp from other traffic and from damage; the filling follows from the sequence,
//! so that a sample of payloads can be compared whole.

use wire::checksum;

/// The length of a stamp in octets.
pub const STAMP_BYTES: usize = 18;

/// What the check is exclusive-ored with: zeros are no stamp.
const MARK: u16 = 0x5553;

/// Which packet, of which stream, meant to be sent when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// The direction or port that it belongs to.
    pub stream: u16,
    /// From 0, without gaps; 48 bits.
    pub sequence: u64,
    /// When it was due, on the sender's clock, in nanoseconds: later than that is late, whatever
    /// kept the sender.
    pub intended_ns: u64,
}

impl Stamp {
    /// Writes the stamp to the front of a payload, whose rest is left as it is.
    ///
    /// # Panics
    /// If the payload is shorter than [`STAMP_BYTES`].
    #[inline]
    pub fn write(&self, payload: &mut [u8]) {
        let (stamp, _) = payload.split_at_mut(STAMP_BYTES);
        stamp[..8].copy_from_slice(&self.sequence.to_be_bytes());
        stamp[..2].copy_from_slice(&self.stream.to_be_bytes());
        stamp[8..16].copy_from_slice(&self.intended_ns.to_be_bytes());
        let check = checksum::sum(&stamp[..16]) ^ MARK;
        stamp[16..].copy_from_slice(&check.to_be_bytes());
    }

    /// The stamp at the front of a payload; `None` if there is none, or a damaged one.
    #[inline]
    #[must_use]
    pub fn read(payload: &[u8]) -> Option<Self> {
        let (stamp, _) = payload.split_first_chunk::<STAMP_BYTES>()?;
        let check = u16::from_be_bytes([stamp[16], stamp[17]]);
        if checksum::sum(&stamp[..16]) ^ MARK != check {
            return None;
        }
        let word = |at: usize| {
            let octets = stamp[at..].first_chunk().expect("eight octets");
            u64::from_be_bytes(*octets)
        };
        Some(Self {
            stream: u16::from_be_bytes([stamp[0], stamp[1]]),
            sequence: word(0) & 0xffff_ffff_ffff,
            intended_ns: word(8),
        })
    }
}

/// Fills what lies behind the stamp: different for each flow, known to the receiver.
pub fn fill(payload: &mut [u8], key: u32) {
    for (octet, at) in payload.iter_mut().zip(0_u32..).skip(STAMP_BYTES) {
        *octet = filling(key, at);
    }
}

/// Whether what lies behind the stamp is what [`fill`] put there.
#[must_use]
pub fn is_filled(payload: &[u8], key: u32) -> bool {
    let mut octets = payload.iter().zip(0_u32..).skip(STAMP_BYTES);
    octets.all(|(octet, at)| *octet == filling(key, at))
}

fn filling(key: u32, at: u32) -> u8 {
    (key.wrapping_mul(0x9e37_79b1).rotate_left(at & 31) ^ at) as u8
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_stamp_is_read_as_it_was_written(stream: u16, sequence in 0_u64..1 << 48, intended_ns: u64) {
            let stamp = Stamp { stream, sequence, intended_ns };
            let mut payload = [0xff; 30];
            stamp.write(&mut payload);
            prop_assert_eq!(Stamp::read(&payload), Some(stamp));
            prop_assert_eq!(Stamp::read(&payload[..STAMP_BYTES]), Some(stamp));
            prop_assert_eq!(Stamp::read(&payload[..STAMP_BYTES - 1]), None);
        }

        #[test]
        fn a_flipped_bit_is_seen(sequence in 0_u64..1 << 48, bit in 0..STAMP_BYTES * 8) {
            let mut payload = [0; STAMP_BYTES];
            Stamp { stream: 1, sequence, intended_ns: 5 }.write(&mut payload);
            payload[bit / 8] ^= 1 << (bit % 8);
            prop_assert_eq!(Stamp::read(&payload), None);
        }
    }

    #[test]
    fn a_filling_is_its_flows_own() {
        let mut payload = [0; 200];
        fill(&mut payload, 7);
        assert!(is_filled(&payload, 7) && !is_filled(&payload, 8));
        payload[199] ^= 1;
        assert!(!is_filled(&payload, 7));
    }
}
