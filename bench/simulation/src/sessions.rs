//! How daemons speak with each other: bodies through the real codec, in datagrams of one life to
//! another.
//!
//! Most runs use a small stand-in for `messages::session` without keys, which hands on what another
//! life of the peer said: the state machines are to void it. One run in eight uses the real
//! sessions, with their handshake, tags, replay window and signatures.

mod plain;

use failover::Signer;
use messages::session::{Fingerprint, Nonce, Offer};
use messages::{Body, BootId, Record, Signature, SignedRecord, Time, codec, keys};
use wire::address::Layout;
use wire::encode::HeadingRules;

use crate::dice::Dice;
use crate::naming::{FABRIC, Host};

use plain::Sessions;

/// A datagram between two daemons.
#[derive(Clone, Debug)]
pub struct Envelope {
    /// Who sent it.
    pub from: Host,
    /// In which life.
    pub from_boot: BootId,
    /// What it is.
    pub content: Content,
}

/// What a datagram is.
#[derive(Clone, Debug)]
pub enum Content {
    /// Are you there, and in which life?
    Hello {
        /// To be answered.
        question: u64,
    },
    /// I am.
    HelloAck {
        /// For which life of the asking host.
        to_boot: BootId,
        /// Its question.
        answer: u64,
        /// The question back.
        question: u64,
    },
    /// I am, too.
    HelloConfirm {
        /// For which life.
        to_boot: BootId,
        /// Its question.
        answer: u64,
    },
    /// A body, encoded.
    Message {
        /// For which life.
        to_boot: BootId,
        /// As the codec wrote it.
        octets: Vec<u8>,
    },
    /// Whatever the real sessions made.
    Sealed(Vec<u8>),
}

/// What a host takes from a datagram.
#[derive(Debug, Default)]
pub struct Taken {
    /// Datagrams to be sent.
    pub replies: Vec<(Host, Content)>,
    /// Sessions that are open now.
    pub opened: Vec<(Host, BootId)>,
    /// What it says, and in which life its sender said it.
    pub message: Option<(BootId, Body)>,
    /// Why it was not taken, if that is worth a line.
    pub refused: Option<String>,
}

/// The sessions of one life of a daemon.
#[derive(Debug)]
pub enum Post {
    /// The stand-in.
    Plain(Sessions),
    /// The daemon's.
    Real(Box<RealSessions>),
}

/// The daemon's sessions.
pub struct RealSessions(messages::Sessions);

impl std::fmt::Debug for RealSessions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RealSessions(..)")
    }
}

/// What the manager signs with. In a run with the stand-in it is a sum over the record, which a slip
/// of the codec breaks.
#[must_use]
pub fn signer(real: bool) -> Signer {
    if !real {
        return Box::new(checksum);
    }
    let secret = keys::ManagerSecret::insecure_lab(FABRIC);
    Box::new(move |record| secret.sign(record).unwrap_or(Signature([0; 64])))
}

fn checksum(record: &Record) -> Signature {
    let mut sum = 0xcbf2_9ce4_8422_2325_u64;
    for octet in codec::encode(record).unwrap_or_default() {
        sum = (sum ^ u64::from(octet)).wrapping_mul(0x0100_0000_01b3);
    }
    let mut octets = [0; 64];
    octets[..8].copy_from_slice(&sum.to_be_bytes());
    Signature(octets)
}

impl Post {
    /// No session is open.
    #[must_use]
    pub fn new(
        real: bool,
        own: Host,
        hosts: usize,
        boot: BootId,
        now: Time,
        dice: &mut Dice,
    ) -> Self {
        if !real {
            return Self::Plain(Sessions::new(own, boot, || dice.nonce()));
        }
        let peers = Host::all(hosts).filter(|&host| host != own).map(Host::id);
        let keys = keys::Keys::insecure_lab(FABRIC, own.id(), peers);
        let offer = Offer::new(
            Layout::Neutral56,
            &HeadingRules::default(),
            Fingerprint::default(),
            Fingerprint::default(),
        );
        let mut questions = Dice::of_number(dice);
        let question = move || {
            let mut octets = [0; 16];
            octets[..8].copy_from_slice(&questions.nonce().to_le_bytes());
            octets[8..].copy_from_slice(&questions.nonce().to_le_bytes());
            Nonce(octets)
        };
        let sessions = messages::Sessions::new(keys, offer, boot, Box::new(question), now);
        Self::Real(Box::new(RealSessions(sessions)))
    }

    /// Whether messages of this life of a peer belong to the open session.
    #[must_use]
    pub fn is_open_with(&self, peer: Host, boot: BootId) -> bool {
        match self {
            Self::Plain(sessions) => sessions.open_with(peer) == Some(boot),
            Self::Real(sessions) => sessions.0.open_with(peer.id()) == Some(boot),
        }
    }

    /// A body as a datagram; `None` without a session.
    pub fn seal(&mut self, to: Host, body: &Body) -> Option<Content> {
        match self {
            Self::Plain(sessions) => {
                let to_boot = sessions.open_with(to)?;
                let octets = codec::encode(body).ok()?;
                Some(Content::Message { to_boot, octets })
            }
            Self::Real(sessions) => sessions.0.send(to.id(), body).ok().map(Content::Sealed),
        }
    }

    /// The questions that are to be asked now, of this many hosts.
    pub fn ask(&mut self, now: Time, hosts: usize) -> Vec<(Host, Content)> {
        match self {
            Self::Plain(sessions) => sessions.asks(hosts).collect(),
            Self::Real(sessions) => {
                let mut out = Vec::new();
                sessions.0.poll(now, &mut out);
                sealed(out)
            }
        }
    }

    /// Takes a datagram; `fresh` is a new question.
    pub fn take(&mut self, now: Time, envelope: &Envelope, fresh: u64) -> Taken {
        match (self, &envelope.content) {
            (Self::Plain(sessions), Content::Message { to_boot, octets }) => {
                if !sessions.is_for_us(envelope, *to_boot) {
                    return Taken::default();
                }
                open(envelope.from_boot, octets)
            }
            (Self::Plain(sessions), _) => {
                let handshake = sessions.take(envelope, fresh);
                Taken {
                    replies: handshake
                        .reply
                        .map(|reply| (envelope.from, reply))
                        .into_iter()
                        .collect(),
                    opened: handshake
                        .opened
                        .map(|boot| (envelope.from, boot))
                        .into_iter()
                        .collect(),
                    ..Taken::default()
                }
            }
            (Self::Real(sessions), Content::Sealed(octets)) => sessions.take(now, octets),
            (Self::Real(_), _) => Taken::default(),
        }
    }
}

impl RealSessions {
    fn take(&mut self, now: Time, octets: &[u8]) -> Taken {
        let mut out = Vec::new();
        let received = self.0.receive(now, octets, &mut out);
        let opened = self
            .0
            .take_events()
            .into_iter()
            .filter_map(|event| match event {
                messages::Event::Opened { host, boot } => Some((Host::of(host)?, boot)),
                messages::Event::Closed { .. } | messages::Event::Refused { .. } => None,
            })
            .collect();
        Taken {
            replies: sealed(out),
            opened,
            message: received
                .ok()
                .flatten()
                .map(|received| (received.boot, received.body)),
            refused: None,
        }
    }
}

fn sealed(out: Vec<messages::Outgoing>) -> Vec<(Host, Content)> {
    out.into_iter()
        .filter_map(|outgoing| Some((Host::of(outgoing.to)?, Content::Sealed(outgoing.octets))))
        .collect()
}

/// What the stand-in does of what the real sessions do with a message.
fn open(from_boot: BootId, octets: &[u8]) -> Taken {
    let is_genuine = |signed: &SignedRecord| checksum(&signed.record) == signed.signature;
    let refused = match codec::decode::<Body>(octets) {
        Ok(body) if body.signed_record().is_none_or(is_genuine) => {
            return Taken {
                message: Some((from_boot, body)),
                ..Taken::default()
            };
        }
        Ok(body) => format!("its record is not signed: {body:?}"),
        Err(error) => error.to_string(),
    };
    Taken {
        refused: Some(refused),
        ..Taken::default()
    }
}
