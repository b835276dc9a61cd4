//! Two hosts and what they have sent each other.
#![allow(dead_code, reason = "each test program uses a part of it")]

use messages::datagram::Refused;
use messages::keys::Keys;
use messages::session::{Fingerprint, Nonce, Offer};
use messages::{Body, BootId, Event, FabricId, HostId, Outgoing, Received, Sessions, Time};
use wire::address::Layout;
use wire::encode::HeadingRules;

pub const FABRIC: FabricId = FabricId(*b"fabric of tests.");
pub const G: HostId = HostId([1; 9]);
pub const J: HostId = HostId([2; 9]);

pub fn offer(rules: &HeadingRules) -> Offer {
    Offer::new(
        Layout::Neutral56,
        rules,
        Fingerprint::default(),
        Fingerprint::default(),
    )
}

/// A host of the fabric in one of its lives, that knows both hosts.
pub fn host(own: HostId, boot: u64) -> Sessions {
    host_with(own, boot, &HeadingRules::default())
}

pub fn host_with(own: HostId, boot: u64, rules: &HeadingRules) -> Sessions {
    let mut asked: u64 = 0;
    let questions = move || {
        asked += 1;
        let mut question = [own.0[0]; 16];
        question[..8].copy_from_slice(&boot.to_le_bytes());
        question[8..15].copy_from_slice(&asked.to_le_bytes()[..7]);
        Nonce(question)
    };
    let keys = Keys::insecure_lab(FABRIC, own, [G, J]);
    Sessions::new(
        keys,
        offer(rules),
        BootId(boot),
        Box::new(questions),
        Time::ZERO,
    )
}

pub fn id(sessions: &Sessions) -> HostId {
    if sessions.peers().any(|(host, _)| host == G) {
        J
    } else {
        G
    }
}

/// Everything due at `now`, and all that follows from it, arrives at once and in order.
/// Returns the datagrams in the order in which they went.
pub fn settle(a: &mut Sessions, b: &mut Sessions, now: Time) -> Vec<Vec<u8>> {
    let mut out = Vec::new();
    a.poll(now, &mut out);
    b.poll(now, &mut out);
    carry(a, b, now, out)
}

/// These arrive, and all that follows from them.
pub fn carry(
    a: &mut Sessions,
    b: &mut Sessions,
    now: Time,
    mut out: Vec<Outgoing>,
) -> Vec<Vec<u8>> {
    let mut sent = Vec::new();
    while !out.is_empty() {
        let Outgoing { to, octets } = out.remove(0);
        let receiver = if id(a) == to { &mut *a } else { &mut *b };
        // Where both ends begin at once, one answer more than needed goes each way.
        let _answer_or_not = receiver.receive(now, &octets, &mut out);
        sent.push(octets);
    }
    sent
}

/// Two hosts with an open session, and the datagrams of its handshake.
pub fn open() -> (Sessions, Sessions, Vec<Vec<u8>>) {
    let (mut g, mut j) = (host(G, 10), host(J, 20));
    let sent = settle(&mut g, &mut j, Time::ZERO);
    assert_eq!(g.take_events(), [opened(J, 20)]);
    assert_eq!(j.take_events(), [opened(G, 10)]);
    (g, j, sent)
}

pub fn opened(host: HostId, boot: u64) -> Event {
    Event::Opened {
        host,
        boot: BootId(boot),
    }
}

pub fn closed(host: HostId, boot: u64) -> Event {
    Event::Closed {
        host,
        boot: BootId(boot),
    }
}

pub fn ping(number: u64) -> Body {
    Body::Ping { number }
}

/// A datagram that should be answered by nothing.
pub fn take(receiver: &mut Sessions, octets: &[u8]) -> Result<Option<Received>, Refused> {
    let mut out = Vec::new();
    let received = receiver.receive(Time::ZERO, octets, &mut out);
    assert_eq!(out, [], "nothing goes out");
    received
}
