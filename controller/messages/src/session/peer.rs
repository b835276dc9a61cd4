//! One peer: is it alive, in which of its lives, and may this host speak with it?

use std::time::Duration;

use super::Event;
use super::hello::{Hello, Nonce, Offer};
use super::window::Window;
use crate::datagram::Refused;
use crate::ids::{BootId, HostId};
use crate::time::Time;

/// The first question is repeated after this, and no question follows another sooner.
const RETRY_FIRST: Duration = Duration::from_millis(20);
/// Each repetition waits twice as long as the one before, up to this.
const RETRY_MOST: Duration = Duration::from_secs(1);
/// A peer that is configured otherwise is asked again after this: somebody has to act first.
const RETRY_REFUSED: Duration = Duration::from_secs(10);

/// What both ends have in common while neither starts anew.
#[derive(Debug)]
pub(super) struct Session {
    /// The life of the peer.
    pub(super) boot: BootId,
    /// The number of the newest message to it.
    sent: u64,
    /// The numbers of the messages from it.
    pub(super) window: Window,
}

impl Session {
    /// The number of the next message, each once; `None` when there are no more, in 5,000 years.
    pub(super) fn next_sequence(&mut self) -> Option<u64> {
        self.sent = self.sent.checked_add(1)?;
        Some(self.sent)
    }
}

/// Why nothing is exchanged with a peer.
#[derive(Debug)]
pub(super) struct Disagreement {
    boot: BootId,
    pub(super) sentence: String,
}

/// The handshake with one peer, and what came of it.
#[derive(Debug)]
pub(super) struct Peer {
    host: HostId,
    pub(super) session: Option<Session>,
    pub(super) disagreement: Option<Disagreement>,
    /// Asked with every hello until it is answered, then never again.
    pub(super) question: Nonce,
    due: Option<Time>,
    wait: Duration,
    asked: Option<Time>,
}

impl Peer {
    /// A peer that is asked at once.
    pub(super) fn new(host: HostId, question: Nonce, now: Time) -> Self {
        Self {
            host,
            session: None,
            disagreement: None,
            question,
            due: Some(now),
            wait: RETRY_FIRST,
            asked: None,
        }
    }

    /// When the question is to be asked.
    pub(super) const fn due(&self) -> Option<Time> {
        self.due
    }

    /// Whether the question is to be asked now. If so it counts as asked.
    pub(super) fn ask(&mut self, now: Time) -> bool {
        if self.due.is_none_or(|due| due > now) {
            return false;
        }
        self.asked = Some(now);
        let most = match self.disagreement {
            Some(_) => RETRY_REFUSED,
            None => RETRY_MOST,
        };
        // Of a peer with an open session something claimed to be another life. It does not answer,
        // so what claimed it was recorded.
        let unanswered = self.session.is_some() && self.wait >= RETRY_MOST;
        self.due = (!unanswered).then(|| now.after(self.wait));
        self.wait = (self.wait * 2).min(most);
        true
    }

    /// Somebody with the peer's key says `hello`, now or once upon a time: nothing is believed, but
    /// if it may be another life than the session's, it has to be asked.
    pub(super) fn greeted(&mut self, now: Time, boot: BootId) {
        if !self.is_open_with(boot) {
            // The answer that goes out now holds the question; only if it gets lost is it repeated.
            self.ask_from(now.after(RETRY_FIRST));
        }
    }

    /// A message came that belongs to no session of ours: one end has missed something.
    pub(super) fn spoken_to_in_vain(&mut self, now: Time) {
        self.ask_from(now);
    }

    fn ask_from(&mut self, wanted: Time) {
        let soonest = match self.asked {
            Some(asked) => wanted.max(asked.after(RETRY_FIRST)),
            None => wanted,
        };
        if self.due.is_none_or(|due| soonest < due) {
            self.due = Some(soonest);
            self.wait = RETRY_FIRST;
        }
    }

    fn is_open_with(&self, boot: BootId) -> bool {
        self.session
            .as_ref()
            .is_some_and(|session| session.boot == boot)
    }

    /// The peer answers. If it is our question that it answers, it is alive in this life of it, and
    /// this is its present offer.
    pub(super) fn answered(
        &mut self,
        now: Time,
        boot: BootId,
        hello: &Hello,
        ours: &Offer,
        next_question: &mut dyn FnMut() -> Nonce,
        events: &mut Vec<Event>,
    ) -> Result<(), Refused> {
        if hello.answer != self.question {
            return Err(Refused::Answer);
        }
        self.question = next_question();
        match ours.disagreement(&hello.offer) {
            None => self.open(boot, events),
            Some(sentence) => self.refuse(now, boot, sentence, events),
        }
        Ok(())
    }

    fn open(&mut self, boot: BootId, events: &mut Vec<Event>) {
        self.due = None;
        self.wait = RETRY_FIRST;
        self.disagreement = None;
        if self.is_open_with(boot) {
            return;
        }
        self.close(events);
        self.session = Some(Session {
            boot,
            sent: 0,
            window: Window::new(),
        });
        events.push(Event::Opened {
            host: self.host,
            boot,
        });
    }

    fn refuse(&mut self, now: Time, boot: BootId, sentence: String, events: &mut Vec<Event>) {
        self.close(events);
        self.due = Some(now.after(RETRY_REFUSED));
        self.wait = RETRY_REFUSED;
        let known = |known: &Disagreement| known.boot == boot && known.sentence == sentence;
        if !self.disagreement.as_ref().is_some_and(known) {
            events.push(Event::Refused {
                host: self.host,
                boot,
                sentence: sentence.clone(),
            });
        }
        self.disagreement = Some(Disagreement { boot, sentence });
    }

    fn close(&mut self, events: &mut Vec<Event>) {
        if let Some(session) = self.session.take() {
            events.push(Event::Closed {
                host: self.host,
                boot: session.boot,
            });
        }
    }
}
