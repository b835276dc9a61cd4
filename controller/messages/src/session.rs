//! Sessions: who of the other hosts is alive, in which of its lives, and what it says.
//!
//! A session is a pair of lives. It opens when each end has proven to the other that it is alive
//! now, by answering a random question that was never asked before:
//!
//! ```text
//!   A                                    B
//!   | hello       question a             |   B believes nothing yet: it may be a recording
//!   |----------------------------------->|
//!   | ack         answer a, question b   |
//!   |<-----------------------------------|   A: B lives, and this is which of its lives
//!   | confirm     answer b               |
//!   |----------------------------------->|   B: the same of A
//! ```
//!
//! Both may begin at once. The offers in the hellos are compared by each end for itself, and only
//! once they are known to be of now: a recorded one refuses nobody. An answered question is dead,
//! so no recording opens, resets or revives a session; and a new life of the peer ends the old
//! session only when it has answered. From then on what the old life said is void.
//!
//! Messages of a session are numbered from 1 and never wrap; each is taken once, and only within
//! 1,024 of the newest. A session has no end in time: that a host is silent is for heartbeats to
//! notice, and what follows is decided elsewhere.
//!
//! No clock, no I/O, and no randomness but what is handed in.

use std::collections::BTreeMap;

use crate::body::Body;
use crate::bulk::Channel;
use crate::codec::{self, CodecError};
use crate::datagram::{self, DATAGRAM_BYTES_MAX, Header, Kind, Refused, Unproven};
use crate::ids::{BootId, HostId};
use crate::keys::{Keys, Pair, Verifier};
use crate::time::Time;

mod event;
mod hello;
mod peer;
mod signed;
mod window;

pub use event::{Event, PeerState};
pub use hello::{Fingerprint, Hello, Nonce, Offer, PROTOCOL};
use peer::Peer;

/// Where questions come from: each must be one that nobody can guess, and none may come twice.
pub type Questions = Box<dyn FnMut() -> Nonce + Send>;

/// All sessions of a host. What it should send appears in the `out` that the caller brings.
pub struct Sessions {
    keys: Keys,
    verifier: Verifier,
    boot: BootId,
    offer: Offer,
    questions: Questions,
    peers: BTreeMap<HostId, Peer>,
    deadline: Option<Time>,
    events: Vec<Event>,
    refusals: [u64; Refused::ALL.len()],
}

/// A datagram to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// To whose control address.
    pub to: HostId,
    /// The payload of UDP.
    pub octets: Vec<u8>,
}

/// A message whose every record is signed by the manager.
#[derive(Clone, Debug, PartialEq)]
pub struct Received {
    /// Who says it.
    pub from: HostId,
    /// In which of its lives: that of the open session.
    pub boot: BootId,
    /// What it says.
    pub body: Body,
}

/// Why a message cannot be sent.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// There is no session, or not yet.
    #[error("no session with host {0} is open")]
    NotOpen(HostId),
    /// It does not fit into a datagram.
    #[error("the message does not fit into a datagram")]
    Encoding(#[from] CodecError),
    /// All sequence numbers of this session are used up.
    #[error("the session with host {0} has no sequence number left")]
    Exhausted(HostId),
}

impl Sessions {
    /// The sessions of the host that `keys` belong to, with all hosts that it shares a key with.
    /// Nothing was sent yet: call [`Self::poll`].
    ///
    /// # Panics
    ///
    /// If `boot` is 0, which stands for no boot.
    #[must_use]
    pub fn new(
        keys: Keys,
        offer: Offer,
        boot: BootId,
        mut questions: Questions,
        now: Time,
    ) -> Self {
        assert_ne!(boot.0, 0, "a boot id is never 0");
        let peers: BTreeMap<_, _> = keys
            .peers()
            .map(|host| (host, Peer::new(host, questions(), now)))
            .collect();
        Self {
            deadline: (!peers.is_empty()).then_some(now),
            verifier: Verifier::new(*keys.manager()),
            keys,
            boot,
            offer,
            questions,
            peers,
            events: Vec::new(),
            refusals: [0; Refused::ALL.len()],
        }
    }

    /// Takes a datagram. The answers that a handshake needs go to `out`.
    ///
    /// # Errors
    ///
    /// Why it was not taken. It was counted here; until its tag held it has cost no allocation.
    pub fn receive(
        &mut self,
        now: Time,
        octets: &[u8],
        out: &mut Vec<Outgoing>,
    ) -> Result<Option<Received>, Refused> {
        let received = self.take(now, octets, out);
        if let Err(refused) = received {
            self.refusals[refused as usize] += 1;
        }
        received
    }

    fn take(
        &mut self,
        now: Time,
        octets: &[u8],
        out: &mut Vec<Outgoing>,
    ) -> Result<Option<Received>, Refused> {
        let unproven = Unproven::parse(
            octets,
            self.keys.fabric(),
            self.keys.own(),
            DATAGRAM_BYTES_MAX,
        )?;
        let header = unproven.header;
        let pair = self.keys.pair(header.source).ok_or(Refused::Key)?;
        if header.key != pair.back.id {
            return Err(Refused::Key);
        }
        let body = unproven.prove(&pair.back.datagrams)?;
        match header.kind {
            Kind::Message => self.take_message(now, &header, body).map(Some),
            Kind::Hello | Kind::HelloAck | Kind::HelloConfirm => {
                self.take_handshake(now, &header, body, out).map(|()| None)
            }
            Kind::Frame => Err(Refused::Version),
        }
    }

    fn take_message(
        &mut self,
        now: Time,
        header: &Header,
        body: &[u8],
    ) -> Result<Received, Refused> {
        let from = header.source;
        let peer = self.peers.get_mut(&from).ok_or(Refused::Key)?;
        let ours = header.destination_boot == Some(self.boot);
        let session = peer
            .session
            .as_mut()
            .filter(|session| ours && session.boot == header.source_boot);
        let Some(session) = session else {
            peer.spoken_to_in_vain(now);
            self.settle_deadline();
            return Err(Refused::Session);
        };
        if !session.window.take(header.sequence) {
            return Err(Refused::Replay);
        }
        let boot = session.boot;
        let body: Body = codec::decode(body).map_err(|_| Refused::Body)?;
        let forged = |signed| !self.verifier.signed(signed);
        if body.signed_record().is_some_and(forged) {
            return Err(Refused::Signature);
        }
        Ok(Received { from, boot, body })
    }

    fn take_handshake(
        &mut self,
        now: Time,
        header: &Header,
        body: &[u8],
        out: &mut Vec<Outgoing>,
    ) -> Result<(), Refused> {
        let (host, boot) = (header.source, header.source_boot);
        let expected = match header.kind {
            Kind::Hello => None,
            _ => Some(self.boot),
        };
        if boot.0 == 0 || header.destination_boot != expected {
            return Err(Refused::Session);
        }
        let hello: Hello = codec::decode(body).map_err(|_| Refused::Body)?;
        let peer = self.peers.get_mut(&host).ok_or(Refused::Key)?;
        match header.kind {
            Kind::Hello => peer.greeted(now, boot),
            _ => peer.answered(
                now,
                boot,
                &hello,
                &self.offer,
                &mut self.questions,
                &mut self.events,
            )?,
        }
        let reply = match header.kind {
            Kind::Hello => Some(Kind::HelloAck),
            Kind::HelloAck => Some(Kind::HelloConfirm),
            _ => None,
        };
        if let Some(kind) = reply {
            out.extend(self.handshake(kind, host, Some(boot), hello.question));
        }
        self.settle_deadline();
        Ok(())
    }

    /// A datagram of a handshake. It asks the peer's question in each of them, so that all are of
    /// the same length; in a confirmation nobody reads it.
    fn handshake(
        &self,
        kind: Kind,
        to: HostId,
        boot: Option<BootId>,
        answer: Nonce,
    ) -> Option<Outgoing> {
        let hello = Hello {
            question: self.peers.get(&to)?.question,
            answer,
            offer: self.offer,
        };
        let pair = self.keys.pair(to)?;
        let mut octets = Vec::with_capacity(DATAGRAM_BYTES_MAX);
        self.header(kind, pair, to, boot, 0).write(&mut octets);
        codec::encode_into(&hello, &mut octets).expect("a hello has one length, and it fits");
        datagram::seal(&pair.out.datagrams, 0, &mut octets);
        Some(Outgoing { to, octets })
    }

    fn header(
        &self,
        kind: Kind,
        pair: &Pair,
        to: HostId,
        boot: Option<BootId>,
        sequence: u64,
    ) -> Header {
        Header {
            kind,
            key: pair.out.id,
            fabric: self.keys.fabric(),
            source: self.keys.own(),
            destination: to,
            source_boot: self.boot,
            destination_boot: boot,
            sequence,
        }
    }

    /// The datagram that carries `body` to `to`.
    ///
    /// # Errors
    ///
    /// Without a session, and for a body that does not fit.
    pub fn send(&mut self, to: HostId, body: &Body) -> Result<Vec<u8>, SendError> {
        let session = self
            .peers
            .get_mut(&to)
            .and_then(|peer| peer.session.as_mut());
        let session = session.ok_or(SendError::NotOpen(to))?;
        let boot = session.boot;
        let sequence = session.next_sequence().ok_or(SendError::Exhausted(to))?;
        let pair = self.keys.pair(to).ok_or(SendError::NotOpen(to))?;
        let mut octets = Vec::with_capacity(DATAGRAM_BYTES_MAX);
        self.header(Kind::Message, pair, to, Some(boot), sequence)
            .write(&mut octets);
        codec::encode_into(body, &mut octets)?;
        datagram::seal(&pair.out.datagrams, 0, &mut octets);
        Ok(octets)
    }

    /// Asks the peers that are to be asked now.
    pub fn poll(&mut self, now: Time, out: &mut Vec<Outgoing>) {
        if self.deadline.is_none_or(|deadline| deadline > now) {
            return;
        }
        let due: Vec<HostId> = self
            .peers
            .iter_mut()
            .filter_map(|(host, peer)| peer.ask(now).then_some(*host))
            .collect();
        for host in due {
            out.extend(self.handshake(Kind::Hello, host, None, Nonce([0; 16])));
        }
        self.settle_deadline();
    }

    /// When [`Self::poll`] has something to do.
    #[must_use]
    pub const fn next_deadline(&self) -> Option<Time> {
        self.deadline
    }

    fn settle_deadline(&mut self) {
        self.deadline = self.peers.values().filter_map(Peer::due).min();
    }

    /// What became of the peers since this was asked last, in order. To be asked after each
    /// datagram, before what it carried is acted upon.
    pub fn take_events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    /// How things stand with each peer.
    pub fn peers(&self) -> impl Iterator<Item = (HostId, PeerState<'_>)> {
        self.peers.iter().map(|(host, peer)| {
            let state = match (&peer.session, &peer.disagreement) {
                (Some(session), _) => PeerState::Open(session.boot),
                (None, Some(disagreement)) => PeerState::Refused(&disagreement.sentence),
                (None, None) => PeerState::Asking,
            };
            (*host, state)
        })
    }

    /// The life of the peer with which a session is open.
    #[must_use]
    pub fn open_with(&self, host: HostId) -> Option<BootId> {
        let session = self.peers.get(&host)?.session.as_ref()?;
        Some(session.boot)
    }

    /// How many datagrams were refused, by reason.
    pub fn refusals(&self) -> impl Iterator<Item = (Refused, u64)> + '_ {
        Refused::ALL.into_iter().zip(self.refusals)
    }

    /// What a bulk stream with this peer needs, as long as its session lasts.
    #[must_use]
    pub fn channel(&self, host: HostId) -> Option<Channel> {
        let boot = self.open_with(host)?;
        let pair = self.keys.pair(host)?;
        Some(Channel::new(&self.keys, pair, self.boot, host, boot))
    }

    /// A question of the kind that handshakes ask: for whoever asks for a bulk stream.
    pub fn question(&mut self) -> Nonce {
        (self.questions)()
    }
}
