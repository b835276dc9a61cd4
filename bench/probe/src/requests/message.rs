//! What a request and its answer look like, in network order.
//!
//! ```text
//!  0         4        6        8                  16                 24        32
//!  | "urq1"  | 0      | 0      | sequence          | send time in ns   | padding |   request
//!  | "urq1"  | 1      | id     | the same          | the same          |         |   answer
//! ```

/// Octets of a request and of an answer.
pub const BYTES: usize = 32;
const MAGIC: [u8; 4] = *b"urq1";

/// One of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message {
    /// Who answers; `None` in a request.
    pub answerer: Option<u16>,
    /// The request's number, from 0.
    pub sequence: u64,
    /// When the request was sent, in ns of `CLOCK_MONOTONIC`.
    pub sent_ns: u64,
}

impl Message {
    /// The octets on the wire.
    pub fn write(&self) -> [u8; BYTES] {
        let mut octets = [0; BYTES];
        octets[..4].copy_from_slice(&MAGIC);
        octets[4..6].copy_from_slice(&u16::from(self.answerer.is_some()).to_be_bytes());
        octets[6..8].copy_from_slice(&self.answerer.unwrap_or(0).to_be_bytes());
        octets[8..16].copy_from_slice(&self.sequence.to_be_bytes());
        octets[16..24].copy_from_slice(&self.sent_ns.to_be_bytes());
        octets
    }

    /// Reads a datagram; `None` if it is not one of ours.
    pub fn read(datagram: &[u8]) -> Option<Self> {
        let octets: &[u8; BYTES] = datagram.try_into().ok()?;
        let [m0, m1, m2, m3, k0, k1, i0, i1, rest @ ..] = *octets;
        let (sequence, rest) = rest.split_first_chunk::<8>()?;
        let (sent_ns, _) = rest.split_first_chunk::<8>()?;
        let answerer = match u16::from_be_bytes([k0, k1]) {
            0 => None,
            1 => Some(u16::from_be_bytes([i0, i1])),
            _ => return None,
        };
        ([m0, m1, m2, m3] == MAGIC).then_some(Self {
            answerer,
            sequence: u64::from_be_bytes(*sequence),
            sent_ns: u64::from_be_bytes(*sent_ns),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_message_reads_back(answerer: Option<u16>, sequence: u64, sent_ns: u64) {
            let message = Message { answerer, sequence, sent_ns };
            prop_assert_eq!(Message::read(&message.write()), Some(message));
        }

        #[test]
        fn arbitrary_octets_never_panic(octets: Vec<u8>) {
            let _ = Message::read(&octets);
        }
    }
}
