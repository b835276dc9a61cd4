//! Control datagrams: before their tag holds, and after.

use std::sync::LazyLock;

use messages::keys::Keys;
use messages::session::{Fingerprint, Nonce, Offer};
use messages::{
    Body, BootId, FabricId, GroupId, GroupState, HostId, Member, MemberState, Outgoing, Owner,
    Record, Sessions, SignedRecord, Time, codec,
};
use wire::address::Layout;
use wire::encode::HeadingRules;

use crate::Target;
use crate::choices::Choices;

pub(crate) const BEFORE: Target = Target {
    name: "datagrams_before",
    claim: "a datagram that no host sent is refused and counted, answers nothing, opens and closes \
            nothing",
    run: before,
};

pub(crate) const AFTER: Target = Target {
    name: "datagrams_after",
    claim: "a body has one encoding, and arrives as it was sent, once; octets that are no body are \
            refused; a record that the manager did not sign is refused",
    run: after,
};

pub(crate) const FABRIC: FabricId = FabricId(*b"fabric of fuzz..");
pub(crate) const G: HostId = HostId([1; 9]);
pub(crate) const J: HostId = HostId([2; 9]);

/// A host of the fabric, in the life `boot`.
pub(crate) fn host(own: HostId, boot: u64) -> Sessions {
    let mut asked: u64 = 0;
    let questions = move || {
        asked += 1;
        let mut question = [own.0[0]; 16];
        question[..8].copy_from_slice(&asked.to_le_bytes());
        Nonce(question)
    };
    let offer = Offer::new(
        Layout::Neutral56,
        &HeadingRules::default(),
        Fingerprint::default(),
        Fingerprint::default(),
    );
    let keys = Keys::insecure_lab(FABRIC, own, [G, J]);
    Sessions::new(keys, offer, BootId(boot), Box::new(questions), Time::ZERO)
}

/// Two hosts with an open session, and the datagrams of its handshake.
pub(crate) fn open() -> (Sessions, Sessions, Vec<Outgoing>) {
    let (mut g, mut j) = (host(G, 10), host(J, 20));
    let mut waiting = Vec::new();
    g.poll(Time::ZERO, &mut waiting);
    j.poll(Time::ZERO, &mut waiting);
    let mut sent = Vec::new();
    while !waiting.is_empty() {
        let datagram = waiting.remove(0);
        let receiver = if datagram.to == G { &mut g } else { &mut j };
        // Both begin at once, so that one answer more than needed goes each way.
        let _ = receiver.receive(Time::ZERO, &datagram.octets, &mut waiting);
        sent.push(datagram);
    }
    g.take_events();
    j.take_events();
    assert!(g.open_with(J).is_some() && j.open_with(G).is_some());
    (g, j, sent)
}

/// A record of the manager's.
pub(crate) fn signed(seq: u64) -> SignedRecord {
    let record = Record {
        fabric: FABRIC,
        group: GroupId::new(0x12_3456, [10, 0, 0, 3].into()),
        epoch: messages::Epoch { term: 1, seq },
        generation: 1 + seq,
        owner: Some(Owner {
            host: if seq.is_multiple_of(2) { G } else { J },
            boot: BootId(if seq.is_multiple_of(2) { 10 } else { 20 }),
        }),
        state: GroupState::Active,
        members: [G, J]
            .map(|host| Member {
                host,
                state: MemberState::InSync,
            })
            .into(),
        checkpoint: 0,
    };
    let manager = messages::keys::ManagerSecret::insecure_lab(FABRIC);
    let signature = manager.sign(&record).expect("a short record");
    SignedRecord { record, signature }
}

/// What was ever sent: all of a handshake, and messages both ways.
static GENUINE: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let (mut g, mut j, handshake) = open();
    let mut all: Vec<Vec<u8>> = handshake.into_iter().map(|sent| sent.octets).collect();
    for number in 0..3 {
        all.push(g.send(J, &Body::Ping { number }).expect("open"));
        all.push(j.send(G, &Body::Ping { number }).expect("open"));
    }
    all
});

fn before(octets: &[u8]) {
    let mut choices = Choices::new(octets);
    let (mut receiver, opened) = match choices.below(4) {
        0 => (host(G, 10), false),
        1 => (host(J, 20), false),
        2 => (open().0, true),
        _ => (open().1, true),
    };
    while !choices.is_empty() {
        let datagram = forged(&mut choices);
        if GENUINE.contains(&datagram) {
            continue;
        }
        let count = |receiver: &Sessions| receiver.refusals().map(|refusal| refusal.1).sum::<u64>();
        let refused = count(&receiver);
        let mut out = Vec::new();
        let received = receiver.receive(Time::ZERO, &datagram, &mut out);
        assert!(received.is_err(), "{received:?} of {datagram:02x?}");
        assert_eq!(out, [], "an answer to {datagram:02x?}");
        assert_eq!(receiver.take_events(), [], "an event of {datagram:02x?}");
        assert_eq!(count(&receiver), refused + 1, "counted");
        let other = if receiver.open_with(J).is_some() {
            J
        } else {
            G
        };
        assert_eq!(receiver.open_with(other).is_some(), opened);
    }
}

/// A genuine datagram with changes, two of them joined, or none at all.
fn forged(choices: &mut Choices<'_>) -> Vec<u8> {
    let genuine = &*GENUINE;
    let mut datagram = genuine[choices.below(genuine.len())].clone();
    match choices.below(4) {
        0 => {
            let other = &genuine[choices.below(genuine.len())];
            let at = choices.below(datagram.len().min(other.len()));
            datagram.splice(at.., other[at..].iter().copied());
        }
        1 => datagram = choices.rest().to_vec(),
        _ => {}
    }
    choices.spoil(&mut datagram);
    datagram
}

fn after(octets: &[u8]) {
    let mut choices = Choices::new(octets);
    let mut encoded = match choices.below(3) {
        0 => vec![codec::VERSION],
        1 => codec::encode(&Body::Announce { record: signed(7) }).expect("short"),
        _ => codec::encode(&Body::Ping { number: 3 }).expect("short"),
    };
    if encoded.len() == 1 {
        encoded.extend(choices.rest());
    } else {
        choices.spoil(&mut encoded);
    }
    let Ok(body) = codec::decode::<Body>(&encoded) else {
        return;
    };
    let again = codec::encode(&body).expect("what was read can be written");
    assert_eq!(again, encoded, "the one encoding of {body:?}");
    let (mut g, mut j, _) = open();
    let datagram = g.send(J, &body).expect("what was read fits");
    let mut out = Vec::new();
    let received = j.receive(Time::ZERO, &datagram, &mut out);
    let is_genuine = |record: &SignedRecord| {
        let manager = messages::keys::ManagerSecret::insecure_lab(FABRIC).public();
        manager.signed(record)
    };
    match body.signed_record().is_none_or(is_genuine) {
        true => {
            let received = received.expect("it was sent").expect("a message");
            assert_eq!(
                (received.from, received.boot, received.body),
                (G, BootId(10), body)
            );
        }
        false => assert!(received.is_err(), "a record that nobody signed"),
    }
    assert_eq!(out, []);
    let again = j.receive(Time::ZERO, &datagram, &mut out);
    assert!(again.is_err(), "twice");
}
