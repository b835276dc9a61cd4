//! Which life of a peer a host speaks with. A small stand-in for `messages::session`, without keys:
//! a session opens when the other end has answered a question of now.

use messages::BootId;

use crate::naming::HOSTS_MAX;
use crate::naming::Host;

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
}

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

    /// A message came in vain from or for another life: ask.
    pub fn spoken_to_in_vain(&mut self, peer: Host) {
        self.peers[peer.index()].asks = true;
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
            Content::HelloAck { .. } | Content::HelloConfirm { .. } | Content::Message { .. } => {
                Handshake::default()
            }
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
