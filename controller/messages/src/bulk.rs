//! Many records at once, over a byte stream.
//!
//! A host that has missed much gets everything in one go, over TCP. The side that wants the records
//! speaks first, whichever side connected: it asks with a random question. Every frame of the
//! answer repeats the question, so that a recorded stream answers nobody, and is numbered, so that
//! none can be left out; the last one says how many records there were and what their hash is.
//!
//! ```text
//! octet 0       4             66             82     83
//! | length (4) | header (62) | question (16) | part | payload ... | tag (16) |
//! ```
//!
//! The length counts what follows it, big endian. The header is that of datagrams (`datagram`);
//! its sequence counts the frames of the answer from 1, and is 0 in the question. The tag covers
//! everything between the length and itself, by a key of the same pair that makes frames only.
//!
//! Both ends take octets in whatever pieces TCP has, and hold one frame at most: [`Sender::push`]
//! and [`Receiver::push`] say how many octets they took, and the rest waits in the socket.

use bincode::{Decode, Encode};
use sha2_for_keys::{Digest as _, Sha256};

use crate::codec::{self, CodecError};
use crate::datagram::Refused;
use crate::record::SignedRecord;
use crate::session::Nonce;

mod frame;

pub use frame::Channel;
use frame::{Collected, Part};

/// The longest payload. It bounds how long a thread is busy with one frame: each record in it costs
/// the check of a signature.
pub const PAYLOAD_BYTES_MAX: usize = 4_096;

/// The payload of the last frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct End {
    /// How many records there were.
    pub records: u64,
    /// SHA-256 over the payloads that held them.
    pub digest: [u8; 32],
}

/// Why a stream cannot go on. Close it, and begin with a new question.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BulkError {
    /// A frame that is not to be believed.
    #[error("a frame of the stream was refused: {0}")]
    Refused(#[from] Refused),
    /// A frame where it does not belong: records before the question, or after the end.
    #[error("a frame of the stream is not the one that has to come next")]
    OutOfPlace,
    /// More records than this host agreed to take.
    #[error("the stream has more than the {0} records that this host takes")]
    TooMany(u64),
    /// What arrived is not what was sent.
    #[error("the stream ends with a count or a digest that is not that of its records")]
    Incomplete,
    /// A record that does not fit.
    #[error("a record does not fit into a frame")]
    Encoding(#[from] CodecError),
}

/// What was put into a stream, or came out of it.
#[derive(Clone, Debug, Default)]
struct Tally {
    frames: u64,
    records: u64,
    hash: Sha256,
}

impl Tally {
    fn add(&mut self, records: usize, payload: &[u8]) {
        self.records += records as u64;
        self.hash.update(payload);
    }

    fn end(&self) -> End {
        End {
            records: self.records,
            digest: self.hash.clone().finalize().into(),
        }
    }
}

/// The side that has the records.
#[derive(Debug)]
pub struct Sender {
    channel: Channel,
    collected: Collected,
    question: Option<Nonce>,
    tally: Tally,
}

impl Sender {
    /// A stream to the channel's peer, on which the question is yet to come.
    #[must_use]
    pub fn new(channel: Channel) -> Self {
        Self {
            channel,
            collected: Collected::new(),
            question: None,
            tally: Tally::default(),
        }
    }

    /// Takes octets of the question, and says how many.
    ///
    /// # Errors
    ///
    /// Whatever is no question of the peer's, and anything after it.
    pub fn push(&mut self, octets: &[u8]) -> Result<usize, BulkError> {
        if self.question.is_some() && !octets.is_empty() {
            return Err(BulkError::OutOfPlace);
        }
        let taken = self.collected.push(octets)?;
        if let Some(frame) = self.collected.frame()? {
            let frame = self.channel.read(frame)?;
            if frame.part != Part::Question || frame.sequence != 0 || !frame.payload.is_empty() {
                return Err(BulkError::OutOfPlace);
            }
            self.question = Some(frame.question);
            self.collected.clear();
        }
        Ok(taken)
    }

    /// Whether the question has come, so that records may go.
    #[must_use]
    pub const fn is_asked(&self) -> bool {
        self.question.is_some()
    }

    /// Appends frames with these records, in their order, to what TCP is to carry.
    ///
    /// # Errors
    ///
    /// A record that is too long, and anything before the question.
    pub fn records(
        &mut self,
        records: impl IntoIterator<Item = SignedRecord>,
        out: &mut Vec<u8>,
    ) -> Result<(), BulkError> {
        // The version and the count of records.
        const OVERHEAD: usize = 1 + 8;
        let mut batch = Vec::new();
        let mut octets = OVERHEAD;
        for record in records {
            let length = codec::encode(&record)?.len();
            if octets + length > PAYLOAD_BYTES_MAX {
                self.batch(&std::mem::take(&mut batch), out)?;
                octets = OVERHEAD;
            }
            octets += length;
            batch.push(record);
        }
        if batch.is_empty() {
            return Ok(());
        }
        self.batch(&batch, out)
    }

    fn batch(&mut self, batch: &Vec<SignedRecord>, out: &mut Vec<u8>) -> Result<(), BulkError> {
        let payload = codec::encode(batch)?;
        self.tally.add(batch.len(), &payload);
        self.frame(Part::Records, &payload, out)
    }

    /// Appends the last frame.
    ///
    /// # Errors
    ///
    /// [`BulkError::OutOfPlace`] before the question.
    pub fn end(mut self, out: &mut Vec<u8>) -> Result<(), BulkError> {
        let payload = codec::encode(&self.tally.end())?;
        self.frame(Part::End, &payload, out)
    }

    fn frame(&mut self, part: Part, payload: &[u8], out: &mut Vec<u8>) -> Result<(), BulkError> {
        let question = self.question.ok_or(BulkError::OutOfPlace)?;
        self.tally.frames += 1;
        self.channel
            .write(self.tally.frames, question, part, payload, out);
        Ok(())
    }
}

/// The side that wants the records.
#[derive(Debug)]
pub struct Receiver {
    channel: Channel,
    collected: Collected,
    question: Nonce,
    records_max: u64,
    tally: Tally,
    complete: bool,
}

/// What came out of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Bulk {
    /// Records, each signed by the manager.
    Records(Vec<SignedRecord>),
    /// There are no more, and none is missing.
    End {
        /// How many there were.
        records: u64,
    },
}

impl Receiver {
    /// A stream from the channel's peer that answers `question`, with at most so many records, and
    /// the octets that ask for it. They are the first that this side sends.
    #[must_use]
    pub fn new(channel: Channel, question: Nonce, records_max: u64) -> (Self, Vec<u8>) {
        let mut asking = Vec::new();
        channel.write(0, question, Part::Question, &[], &mut asking);
        let receiver = Self {
            channel,
            collected: Collected::new(),
            question,
            records_max,
            tally: Tally::default(),
            complete: false,
        };
        (receiver, asking)
    }

    /// Takes octets up to the end of a frame, and says how many. Ask [`Self::take`] before the
    /// rest is pushed.
    ///
    /// # Errors
    ///
    /// A length that no frame has, and anything after the end.
    pub fn push(&mut self, octets: &[u8]) -> Result<usize, BulkError> {
        if self.complete && !octets.is_empty() {
            return Err(BulkError::OutOfPlace);
        }
        Ok(self.collected.push(octets)?)
    }

    /// What the present frame holds, if all of it is there.
    ///
    /// # Errors
    ///
    /// A frame that is not the next of the answer to this question, or a record that the manager
    /// did not sign. Records that were given out before are good.
    pub fn take(&mut self) -> Result<Option<Bulk>, BulkError> {
        let Some(frame) = self.collected.frame()? else {
            return Ok(None);
        };
        let frame = self.channel.read(frame)?;
        if frame.question != self.question {
            return Err(Refused::Answer.into());
        }
        if frame.sequence != self.tally.frames + 1 {
            return Err(Refused::Replay.into());
        }
        self.tally.frames += 1;
        let bulk = match frame.part {
            Part::Question => return Err(BulkError::OutOfPlace),
            Part::Records => {
                let records: Vec<SignedRecord> =
                    codec::decode(frame.payload).map_err(|_| Refused::Body)?;
                self.tally.add(records.len(), frame.payload);
                if self.tally.records > self.records_max {
                    return Err(BulkError::TooMany(self.records_max));
                }
                if !records
                    .iter()
                    .all(|signed| self.channel.manager.signed(signed))
                {
                    return Err(Refused::Signature.into());
                }
                Bulk::Records(records)
            }
            Part::End => {
                let end: End = codec::decode(frame.payload).map_err(|_| Refused::Body)?;
                if end != self.tally.end() {
                    return Err(BulkError::Incomplete);
                }
                self.complete = true;
                Bulk::End {
                    records: end.records,
                }
            }
        };
        self.collected.clear();
        Ok(Some(bulk))
    }

    /// Whether the end has come. A stream that closes before gave good records, but not all.
    #[must_use]
    pub const fn is_complete(&self) -> bool {
        self.complete
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{BootId, FabricId, HostId};
    use crate::keys::Keys;

    const FABRIC: FabricId = FabricId([7; 16]);
    const HOSTS: [HostId; 2] = [HostId([1; 9]), HostId([2; 9])];

    fn channel(own: usize, peer: usize) -> Channel {
        let keys = Keys::insecure_lab(FABRIC, HOSTS[own], HOSTS);
        let pair = keys.pair(HOSTS[peer]).expect("a peer");
        let boot = |host| BootId(10 + host as u64);
        Channel::new(&keys, pair, boot(own), HOSTS[peer], boot(peer))
    }

    #[test]
    fn an_end_that_counts_other_records_than_came_is_refused() {
        for wrong in [0, 1] {
            let (mut receiver, asking) = Receiver::new(channel(1, 0), Nonce([5; 16]), 9);
            let mut sender = Sender::new(channel(0, 1));
            sender.push(&asking).expect("the question");
            sender.tally.records = wrong;
            sender.tally.hash.update([1][..1 - wrong as usize].as_ref());
            let mut octets = Vec::new();
            sender.end(&mut octets).expect("asked");
            receiver.push(&octets).expect("one frame");
            assert!(matches!(receiver.take(), Err(BulkError::Incomplete)));
            assert!(!receiver.is_complete());
        }
    }
}
