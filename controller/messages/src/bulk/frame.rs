//! One frame of a stream: its layout, its proof, and how it is gathered from pieces.

use super::PAYLOAD_BYTES_MAX;
use crate::datagram::{self, HEADER_BYTES, Header, Kind, Refused, Unproven};
use crate::ids::{BootId, FabricId, HostId};
use crate::keys::{Keys, ManagerPublic, Pair, TAG_BYTES};
use crate::session::Nonce;

const LENGTH_BYTES: usize = 4;
const QUESTION_BYTES: usize = 16;
const FRAME_BYTES_MIN: usize = HEADER_BYTES + QUESTION_BYTES + 1 + TAG_BYTES;
/// The longest frame, its length field left out.
const FRAME_BYTES_MAX: usize = FRAME_BYTES_MIN + PAYLOAD_BYTES_MAX;

/// The two ends of a stream, in their present lives, and their keys.
#[derive(Clone, Debug)]
pub struct Channel {
    fabric: FabricId,
    own: HostId,
    own_boot: BootId,
    peer: HostId,
    peer_boot: BootId,
    pair: Pair,
    pub(super) manager: ManagerPublic,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Question,
    Records,
    End,
}

impl Part {
    const fn code(self) -> u8 {
        match self {
            Self::Question => 1,
            Self::Records => 2,
            Self::End => 3,
        }
    }

    const fn of(code: u8) -> Option<Self> {
        Some(match code {
            1 => Self::Question,
            2 => Self::Records,
            3 => Self::End,
            _ => return None,
        })
    }
}

impl Channel {
    pub(crate) fn new(
        keys: &Keys,
        pair: &Pair,
        own_boot: BootId,
        peer: HostId,
        peer_boot: BootId,
    ) -> Self {
        Self {
            fabric: keys.fabric(),
            own: keys.own(),
            own_boot,
            peer,
            peer_boot,
            pair: pair.clone(),
            manager: *keys.manager(),
        }
    }

    pub(super) fn write(
        &self,
        sequence: u64,
        question: Nonce,
        part: Part,
        payload: &[u8],
        out: &mut Vec<u8>,
    ) {
        let length = FRAME_BYTES_MIN + payload.len();
        assert!(length <= FRAME_BYTES_MAX, "the codec bounds each payload");
        out.extend((length as u32).to_be_bytes());
        let start = out.len();
        let header = Header {
            kind: Kind::Frame,
            key: self.pair.out.id,
            fabric: self.fabric,
            source: self.own,
            destination: self.peer,
            source_boot: self.own_boot,
            destination_boot: Some(self.peer_boot),
            sequence,
        };
        header.write(out);
        out.extend(question.0);
        out.push(part.code());
        out.extend(payload);
        datagram::seal(&self.pair.out.frames, start, out);
    }

    pub(super) fn read<'a>(&self, frame: &'a [u8]) -> Result<Frame<'a>, Refused> {
        let unproven = Unproven::parse(frame, self.fabric, self.own, FRAME_BYTES_MAX)?;
        let header = unproven.header;
        if header.kind != Kind::Frame {
            return Err(Refused::Version);
        }
        if header.source != self.peer || header.key != self.pair.back.id {
            return Err(Refused::Key);
        }
        let body = unproven.prove(&self.pair.back.frames)?;
        if header.source_boot != self.peer_boot || header.destination_boot != Some(self.own_boot) {
            return Err(Refused::Session);
        }
        let (question, rest) = body.split_first_chunk().ok_or(Refused::Body)?;
        let (&part, payload) = rest.split_first().ok_or(Refused::Body)?;
        Ok(Frame {
            sequence: header.sequence,
            question: Nonce(*question),
            part: Part::of(part).ok_or(Refused::Body)?,
            payload,
        })
    }
}

pub(super) struct Frame<'a> {
    pub(super) sequence: u64,
    pub(super) question: Nonce,
    pub(super) part: Part,
    pub(super) payload: &'a [u8],
}

/// Octets of one frame, as far as they have come.
#[derive(Debug)]
pub(super) struct Collected(Vec<u8>);

impl Collected {
    pub(super) fn new() -> Self {
        Self(Vec::with_capacity(LENGTH_BYTES + FRAME_BYTES_MAX))
    }

    /// How many octets the frame has, its length field included; `None` before that is known.
    fn wanted(&self) -> Result<Option<usize>, Refused> {
        let Some(length) = self.0.first_chunk() else {
            return Ok(None);
        };
        let length = u32::from_be_bytes(*length) as usize;
        if (FRAME_BYTES_MIN..=FRAME_BYTES_MAX).contains(&length) {
            Ok(Some(LENGTH_BYTES + length))
        } else {
            Err(Refused::Length)
        }
    }

    /// Takes what belongs to the present frame, and nothing behind it.
    pub(super) fn push(&mut self, octets: &[u8]) -> Result<usize, Refused> {
        let mut taken = 0;
        loop {
            let wanted = self.wanted()?.unwrap_or(LENGTH_BYTES);
            let missing = wanted.saturating_sub(self.0.len());
            let rest = &octets[taken..];
            if missing == 0 || rest.is_empty() {
                return Ok(taken);
            }
            let piece = &rest[..missing.min(rest.len())];
            self.0.extend_from_slice(piece);
            taken += piece.len();
        }
    }

    /// The frame, if all of it is there.
    pub(super) fn frame(&self) -> Result<Option<&[u8]>, Refused> {
        Ok(match self.wanted()? {
            Some(wanted) if self.0.len() == wanted => Some(&self.0[LENGTH_BYTES..]),
            _ => None,
        })
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}
