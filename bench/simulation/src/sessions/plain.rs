//! Which life of a peer a host speaks with, without keys: a session opens when the other end has
//! answered a question of now.

use messages::BootId;

use super::{Content, Envelope};
use crate::naming::{HOSTS_MAX, Host};

/// The sessions of one life of a daemon.
#[derive(Debug)]
pub struct Sessions {
    own: Host,
    boot: BootId,
    peers: [Peer; HOSTS_MAX],
}

#[derive(Clone, Copy, Debug, Default)]
struct Peer {
    open: Option<BootId>,
    question: u64,
    asks: bool,
}

/// What a datagram of a handshake leads to.
#[derive(Clone, Debug, Default)]
pub struct Handshake {
    /// To be sent back.
    pub reply: Option<Content>,
    /// A session with this life of the peer is open now.
    pub opened: Option<BootId>,
}

impl Sessions {
    /// No session is open; every peer is to be asked.
    #[must_use]
    pub fn new(own: Host, boot: BootId, mut question: impl FnMut() -> u64) -> Self {
        Self {
            own,
            boot,
            peers: std::array::from_fn(|_| Peer {
                open: None,
                question: question(),
                asks: true,
            }),
        }
    }

    /// The life of a peer with which a session is open.
    #[must_use]
    pub fn open_with(&self, peer: Host) -> Option<BootId> {
        self.peers[peer.index()].open
    }

    /// The peers to be asked now, of this many hosts.
    pub fn asks(&self, hosts: usize) -> impl Iterator<Item = (Host, Content)> + '_ {
        Host::all(hosts)
            .filter(|&host| host != self.own && self.peers[host.index()].asks)
            .map(|host| {
                let question = self.peers[host.index()].question;
                (host, Content::Hello { question })
            })
    }

    /// Whether a message is for this life. If it is not, or of another life of the peer than that
    /// of the session, one end has missed something and the peer is asked.
    pub fn is_for_us(&mut self, envelope: &Envelope, to_boot: BootId) -> bool {
        let peer = &mut self.peers[envelope.from.index()];
        let is_ours = to_boot == self.boot;
        peer.asks |= !is_ours || peer.open != Some(envelope.from_boot);
        is_ours
    }

    /// Takes a datagram of a handshake; `fresh` is the next question.
    pub fn take(&mut self, envelope: &Envelope, fresh: u64) -> Handshake {
        let peer = &mut self.peers[envelope.from.index()];
        match envelope.content {
            Content::Hello { question } => Handshake {
                reply: Some(Content::HelloAck {
                    to_boot: envelope.from_boot,
                    answer: question,
                    question: peer.question,
                }),
                opened: None,
            },
            Content::HelloAck {
                to_boot,
                answer,
                question,
            } if to_boot == self.boot && answer == peer.question => Handshake {
                reply: Some(Content::HelloConfirm {
                    to_boot: envelope.from_boot,
                    answer: question,
                }),
                opened: peer.opens(envelope.from_boot, fresh),
            },
            Content::HelloConfirm { to_boot, answer }
                if to_boot == self.boot && answer == peer.question =>
            {
                Handshake {
                    reply: None,
                    opened: peer.opens(envelope.from_boot, fresh),
                }
            }
            Content::HelloAck { .. }
            | Content::HelloConfirm { .. }
            | Content::Message { .. }
            | Content::Sealed(_) => Handshake::default(),
        }
    }
}

impl Peer {
    fn opens(&mut self, boot: BootId, fresh: u64) -> Option<BootId> {
        self.question = fresh;
        self.asks = false;
        let is_new = self.open != Some(boot);
        self.open = Some(boot);
        is_new.then_some(boot)
    }
}
