//! A control datagram: who says something to whom, in which of their lives, and the proof of it.
//!
//! ```text
//!  octet 0         1         2         4                    20              29
//!  | version | kind    | key id  | fabric (16)         | source (9)    | destination (9)
//!  38                  46                  54                  62
//!  | source's boot     | destination's boot | sequence          | body ...          | tag (16) |
//! ```
//!
//! Integers of the header are big endian. The tag is HMAC-SHA-256 (RFC 2104) over all octets before
//! it, cut to its first 16 octets, by a key that this pair of hosts uses in this direction only.
//! The epoch is not in the header: a body speaks of many groups, and names the epoch of each.
//!
//! The order of the checks is fixed: length, version, destination, key, tag, replay window, body.
//! Until the tag holds nothing is allocated and nothing is logged: a [`Refused`] is there to be
//! counted.

use crate::ids::{BootId, FabricId, HostId};
use crate::keys::{KeyId, Mac, TAG_BYTES};

/// The version of this layout. What a body looks like has a version of its own (`codec`), and the
/// two ends compare which protocol they speak when they meet (`session::Offer`).
pub const VERSION: u8 = 1;
/// The octets before the body.
pub const HEADER_BYTES: usize = 62;
/// The longest datagram, as the payload of UDP: it fits the smallest MTU of IPv6, 1,280 octets
/// (RFC 8200 section 5), so that control never waits for the discovery of a path's MTU.
pub const DATAGRAM_BYTES_MAX: usize = 1_280 - 40 - 8;
/// The longest body, its version included.
pub const BODY_BYTES_MAX: usize = DATAGRAM_BYTES_MAX - HEADER_BYTES - TAG_BYTES;

/// What a datagram is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A question: are you there, and which of your lives is it?
    Hello,
    /// The answer to it, and the question back.
    HelloAck,
    /// The answer to the question back.
    HelloConfirm,
    /// A message of an open session.
    Message,
    /// A frame of a bulk stream: never a datagram (`bulk`).
    Frame,
}

impl Kind {
    const fn code(self) -> u8 {
        match self {
            Self::Hello => 1,
            Self::HelloAck => 2,
            Self::HelloConfirm => 3,
            Self::Message => 4,
            Self::Frame => 5,
        }
    }

    const fn of(code: u8) -> Option<Self> {
        Some(match code {
            1 => Self::Hello,
            2 => Self::HelloAck,
            3 => Self::HelloConfirm,
            4 => Self::Message,
            5 => Self::Frame,
            _ => return None,
        })
    }
}

/// What stands before the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// What it is for.
    pub kind: Kind,
    /// Which key the tag was made with.
    pub key: KeyId,
    /// The fabric of both hosts.
    pub fabric: FabricId,
    /// Who says it.
    pub source: HostId,
    /// To whom.
    pub destination: HostId,
    /// In which of the source's lives.
    pub source_boot: BootId,
    /// To which of the destination's lives; `None` (0 on the wire) in a hello, which asks for it.
    pub destination_boot: Option<BootId>,
    /// Counts the messages of a session from 1; 0 outside one.
    pub sequence: u64,
}

/// Why a datagram or a frame was not taken: a counter each, in the order of the checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Refused {
    /// Shorter than a header and a tag, or longer than the path's smallest MTU.
    #[error("the length is out of range")]
    Length,
    /// Another layout, or a kind that this one does not have.
    #[error("the version or the kind is unknown")]
    Version,
    /// For another fabric, or for another host.
    #[error("it is for another fabric or another host")]
    Destination,
    /// From a host that is not configured, or made with a key that is not.
    #[error("the source is no peer, or the key is not the one shared with it")]
    Key,
    /// Changed on the way, or made by somebody else.
    #[error("the tag does not hold")]
    Tag,
    /// From or to another life than those of the open session, or no session is open.
    #[error("it belongs to no open session")]
    Session,
    /// Seen before, or older than the window.
    #[error("the sequence number was seen before or is too old")]
    Replay,
    /// Not the encoding of a body.
    #[error("the body does not decode")]
    Body,
    /// A handshake that answers no question of ours: recorded, or late.
    #[error("it answers no question that was asked")]
    Answer,
    /// It carries a record that the manager did not sign.
    #[error("a record in it is not signed by the manager")]
    Signature,
}

impl Refused {
    /// All of them, in the order of the checks.
    pub const ALL: [Self; 10] = [
        Self::Length,
        Self::Version,
        Self::Destination,
        Self::Key,
        Self::Tag,
        Self::Session,
        Self::Replay,
        Self::Body,
        Self::Answer,
        Self::Signature,
    ];

    /// The name of its counter.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Length => "control_length",
            Self::Version => "control_version",
            Self::Destination => "control_destination",
            Self::Key => "control_key",
            Self::Tag => "control_tag",
            Self::Session => "control_session",
            Self::Replay => "control_replay",
            Self::Body => "control_body",
            Self::Answer => "control_answer",
            Self::Signature => "control_signature",
        }
    }
}

/// A datagram whose tag has not been looked at: nothing in it may be acted upon, but for finding
/// the key.
#[derive(Clone, Copy, Debug)]
pub struct Unproven<'a> {
    /// What it claims.
    pub header: Header,
    signed: &'a [u8],
    body: &'a [u8],
    tag: &'a [u8; TAG_BYTES],
}

impl<'a> Unproven<'a> {
    /// Reads the header: the checks of length, version and destination.
    ///
    /// # Errors
    ///
    /// Those three.
    pub fn parse(
        octets: &'a [u8],
        fabric: FabricId,
        own: HostId,
        most: usize,
    ) -> Result<Self, Refused> {
        if octets.len() > most {
            return Err(Refused::Length);
        }
        let (signed, tag) = octets.split_last_chunk().ok_or(Refused::Length)?;
        let (front, body) = signed
            .split_first_chunk::<HEADER_BYTES>()
            .ok_or(Refused::Length)?;
        let header = Header::read(front)?;
        if header.fabric != fabric || header.destination != own {
            return Err(Refused::Destination);
        }
        Ok(Self {
            header,
            signed,
            body,
            tag,
        })
    }

    /// The body, if this key made the tag.
    ///
    /// # Errors
    ///
    /// [`Refused::Tag`].
    pub fn prove(self, key: &Mac) -> Result<&'a [u8], Refused> {
        if key.holds(self.signed, self.tag) {
            Ok(self.body)
        } else {
            Err(Refused::Tag)
        }
    }
}

impl Header {
    fn read(octets: &[u8; HEADER_BYTES]) -> Result<Self, Refused> {
        let [version, kind, rest @ ..] = octets;
        if *version != VERSION {
            return Err(Refused::Version);
        }
        let kind = Kind::of(*kind).ok_or(Refused::Version)?;
        let mut rest = Rest(rest);
        Ok(Self {
            kind,
            key: KeyId(u16::from_be_bytes(rest.take())),
            fabric: FabricId(rest.take()),
            source: HostId(rest.take()),
            destination: HostId(rest.take()),
            source_boot: BootId(u64::from_be_bytes(rest.take())),
            destination_boot: match u64::from_be_bytes(rest.take()) {
                0 => None,
                boot => Some(BootId(boot)),
            },
            sequence: u64::from_be_bytes(rest.take()),
        })
    }

    /// Appends the header; its body and tag are to follow.
    pub fn write(&self, octets: &mut Vec<u8>) {
        let Self {
            kind,
            key,
            fabric,
            source,
            destination,
            source_boot,
            destination_boot,
            sequence,
        } = self;
        octets.extend([VERSION, kind.code()]);
        octets.extend(key.0.to_be_bytes());
        octets.extend(fabric.0);
        octets.extend(source.0);
        octets.extend(destination.0);
        octets.extend(source_boot.0.to_be_bytes());
        octets.extend(destination_boot.map_or(0, |boot| boot.0).to_be_bytes());
        octets.extend(sequence.to_be_bytes());
    }
}

/// What of a header is yet to be read. The length was checked once, for the whole of it.
struct Rest<'a>(&'a [u8]);

impl Rest<'_> {
    fn take<const N: usize>(&mut self) -> [u8; N] {
        let (front, rest) = self
            .0
            .split_first_chunk()
            .expect("the fields of a header add up to its length");
        self.0 = rest;
        *front
    }
}

/// Appends the tag over everything from octet `start` on.
pub fn seal(key: &Mac, start: usize, octets: &mut Vec<u8>) {
    let tag = key.tag(&octets[start..]);
    octets.extend(tag);
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: Header = Header {
        kind: Kind::Message,
        key: KeyId(0x1234),
        fabric: FabricId([0xfa; 16]),
        source: HostId([1; 9]),
        destination: HostId([2; 9]),
        source_boot: BootId(3),
        destination_boot: Some(BootId(4)),
        sequence: 5,
    };

    #[test]
    fn a_header_reads_back_as_written() {
        for destination_boot in [None, Some(BootId(u64::MAX))] {
            let header = Header {
                destination_boot,
                ..HEADER
            };
            let mut octets = Vec::new();
            header.write(&mut octets);
            let octets: [u8; HEADER_BYTES] = octets.try_into().expect("a header's length");
            assert_eq!(Header::read(&octets), Ok(header));
        }
    }

    #[test]
    fn every_kind_has_a_code_of_its_own() {
        let kinds: Vec<Kind> = (0..=u8::MAX).filter_map(Kind::of).collect();
        assert_eq!(kinds.len(), 5);
        for kind in kinds {
            assert_eq!(Kind::of(kind.code()), Some(kind));
        }
    }

    #[test]
    fn every_refusal_has_a_counter_of_its_own() {
        let mut names: Vec<_> = Refused::ALL.iter().map(|refused| refused.name()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Refused::ALL.len());
    }
}
