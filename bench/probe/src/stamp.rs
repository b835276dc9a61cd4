//! Whose datagram is this: the stamp at the start of every datagram that the probe sends.
//!
//! ```text
//!  0         4         8         12                  20
//!  | tenant  | "ustd"  |  flow   |     sequence      |  content ...
//! ```
//!
//! The content is computed from the stamp, so that the receiver compares every octet. A datagram
//! shorter than the stamp carries as much of it as fits, with flow and sequence 0: from eight
//! octets on it still names its tenant.

use crate::content::Content;

/// Octets of a whole stamp.
pub const STAMP_BYTES: usize = 20;
const MAGIC: [u8; 4] = *b"ustd";

/// Who sent a datagram, and which one it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// The tenant's network id.
    pub tenant: u32,
    /// The flow within the run.
    pub flow: u32,
    /// The position within the flow.
    pub sequence: u64,
}

/// What a receiver learns from a payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// A whole stamp, and every octet behind it is right.
    Whole(Stamp),
    /// Too short for a stamp; what fits is right. The tenant is known from eight octets on.
    Short(Option<u32>),
    /// A stamp, but the octets behind it are not what was sent.
    Damaged,
    /// Not sent by this program.
    Unknown,
}

impl Stamp {
    /// Fills a payload of any length.
    pub fn write(&self, payload: &mut [u8]) {
        let head = if payload.len() < STAMP_BYTES {
            Self {
                flow: 0,
                sequence: 0,
                ..*self
            }
            .head()
        } else {
            self.head()
        };
        let cut = payload.len().min(STAMP_BYTES);
        let (start, rest) = payload.split_at_mut(cut);
        start.copy_from_slice(&head[..cut]);
        self.content().fill(rest);
    }

    /// Reads a payload, comparing all of it.
    pub fn read(payload: &[u8]) -> Reading {
        let Some((head, rest)) = payload.split_first_chunk::<STAMP_BYTES>() else {
            return Self::read_short(payload);
        };
        let [
            t0,
            t1,
            t2,
            t3,
            m0,
            m1,
            m2,
            m3,
            f0,
            f1,
            f2,
            f3,
            sequence @ ..,
        ] = *head;
        if [m0, m1, m2, m3] != MAGIC {
            return Reading::Unknown;
        }
        let stamp = Self {
            tenant: u32::from_be_bytes([t0, t1, t2, t3]),
            flow: u32::from_be_bytes([f0, f1, f2, f3]),
            sequence: u64::from_be_bytes(sequence),
        };
        let mut expected = vec![0; rest.len()];
        stamp.content().fill(&mut expected);
        if rest == expected {
            Reading::Whole(stamp)
        } else {
            Reading::Damaged
        }
    }

    fn read_short(payload: &[u8]) -> Reading {
        let Some((head, rest)) = payload.split_first_chunk::<8>() else {
            return Reading::Short(None);
        };
        let [t0, t1, t2, t3, magic @ ..] = *head;
        if magic != MAGIC {
            return Reading::Unknown;
        }
        if rest.iter().any(|&octet| octet != 0) {
            return Reading::Damaged;
        }
        Reading::Short(Some(u32::from_be_bytes([t0, t1, t2, t3])))
    }

    fn head(&self) -> [u8; STAMP_BYTES] {
        let mut head = [0; STAMP_BYTES];
        head[..4].copy_from_slice(&self.tenant.to_be_bytes());
        head[4..8].copy_from_slice(&MAGIC);
        head[8..12].copy_from_slice(&self.flow.to_be_bytes());
        head[12..].copy_from_slice(&self.sequence.to_be_bytes());
        head
    }

    fn content(&self) -> Content {
        let seed = u64::from(self.tenant) << 32 | u64::from(self.flow);
        Content::new(seed ^ self.sequence.rotate_left(40))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_payload_of_any_length_reads_back(tenant: u32, flow: u32, sequence: u64, bytes in 0usize..1600) {
            let stamp = Stamp { tenant, flow, sequence };
            let mut payload = vec![0; bytes];
            stamp.write(&mut payload);
            let expected = match bytes {
                0..8 => Reading::Short(None),
                8..STAMP_BYTES => Reading::Short(Some(tenant)),
                _ => Reading::Whole(stamp),
            };
            prop_assert_eq!(Stamp::read(&payload), expected);
        }

        #[test]
        fn one_wrong_bit_anywhere_behind_the_stamp_is_seen(bytes in 21usize..200, at: prop::sample::Index, bit in 0u8..8) {
            let stamp = Stamp { tenant: 0x12_3456, flow: 3, sequence: 9 };
            let mut payload = vec![0; bytes];
            stamp.write(&mut payload);
            let at = STAMP_BYTES + at.index(bytes - STAMP_BYTES);
            payload[at] ^= 1 << bit;
            prop_assert_eq!(Stamp::read(&payload), Reading::Damaged);
        }

        #[test]
        fn arbitrary_octets_never_panic(payload: Vec<u8>) {
            let _ = Stamp::read(&payload);
        }
    }
}
