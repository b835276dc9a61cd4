//! What a hostile network can do with datagrams: change, repeat, reflect, redirect, invent.

use std::time::Duration;

use messages::codec::{self, CodecError};
use messages::datagram::{DATAGRAM_BYTES_MAX, HEADER_BYTES, Refused};
use messages::keys::{HostSecret, Keys, ManagerSecret};
use messages::session::Nonce;
use messages::{Body, BootId, FabricId, HostId, PeerState, Record, Sessions, SignedRecord, Time};
use proptest::prelude::*;
use wire::encode::HeadingRules;

use hosts::{FABRIC, G, J, host, offer, open, ping, settle, take};

mod arbitrary;
mod hosts;
mod samples;

/// Which check stops a datagram with a changed octet here.
fn check_of(octet: usize) -> Refused {
    match octet {
        0 => Refused::Version,
        // A kind that exists is caught by the tag, another one at once.
        1 => Refused::Version,
        2..4 => Refused::Key,
        4..20 => Refused::Destination,
        // A source that is no peer.
        20..29 => Refused::Key,
        29..38 => Refused::Destination,
        _ => Refused::Tag,
    }
}

#[test]
fn a_flipped_bit_anywhere_is_refused_by_the_check_of_its_octet() {
    let (mut g, mut j, _) = open();
    for (_, mut bodies) in samples::bodies() {
        let body = bodies.swap_remove(0);
        let octets = g.send(J, &body).expect("open");
        for octet in 0..octets.len() {
            for bit in 0..8 {
                let mut changed = octets.clone();
                changed[octet] ^= 1 << bit;
                let refused = take(&mut j, &changed).expect_err("it was changed");
                let kind_that_exists = octet == 1 && (1..=5).contains(&changed[1]);
                let expected = if kind_that_exists {
                    Refused::Tag
                } else {
                    check_of(octet)
                };
                assert_eq!(refused, expected, "octet {octet}, bit {bit}");
            }
        }
        assert!(
            take(&mut j, &octets).is_ok(),
            "what failed the tag did not move the window"
        );
    }
}

#[test]
fn a_flipped_bit_in_a_handshake_opens_nothing() {
    let (_, _, handshake) = open();
    for octets in handshake {
        for octet in 0..octets.len() {
            let mut changed = octets.clone();
            changed[octet] ^= 0x10;
            for (own, boot) in [(G, 10), (J, 20)] {
                let mut receiver = host(own, boot);
                assert!(take(&mut receiver, &changed).is_err());
                assert_eq!(receiver.take_events(), []);
            }
        }
    }
}

#[test]
fn a_cut_or_lengthened_datagram_is_refused() {
    let (mut g, mut j, _) = open();
    let octets = g.send(J, &ping(1)).expect("open");
    for length in 0..octets.len() {
        let expected = if length < HEADER_BYTES + 16 {
            Refused::Length
        } else {
            Refused::Tag
        };
        assert_eq!(take(&mut j, &octets[..length]), Err(expected), "{length}");
    }
    let mut longer = octets.clone();
    longer.resize(DATAGRAM_BYTES_MAX, 0);
    assert_eq!(take(&mut j, &longer), Err(Refused::Tag));
    longer.push(0);
    assert_eq!(take(&mut j, &longer), Err(Refused::Length));
}

#[test]
fn every_earlier_message_is_refused_when_it_comes_again() {
    let (mut g, mut j, _) = open();
    let mut sent = Vec::new();
    for number in 0..1_500 {
        let octets = g.send(J, &ping(number)).expect("open");
        assert!(take(&mut j, &octets).is_ok());
        sent.push(octets);
    }
    for octets in &sent {
        assert_eq!(take(&mut j, octets), Err(Refused::Replay));
    }
}

#[test]
fn a_recorded_handshake_changes_nothing_whenever_it_comes_again() {
    let (mut g, mut j, handshake) = open();
    for octets in &handshake {
        for receiver in [&mut g, &mut j] {
            // A hello is answered, for it may be of now; everything else is refused.
            let mut out = Vec::new();
            let received = receiver.receive(Time::ZERO, octets, &mut out);
            let hello = octets[1] == 1;
            assert!(received.is_err() || (hello && out.len() == 1 && received == Ok(None)));
            assert_eq!(receiver.take_events(), []);
        }
    }
    assert_eq!(
        (g.open_with(J), j.open_with(G)),
        (Some(BootId(20)), Some(BootId(10)))
    );
}

#[test]
fn nothing_of_an_older_life_is_taken_in_a_newer_one() {
    let (mut g, mut j, mut recorded) = open();
    recorded.extend((0..100).map(|number| j.send(G, &ping(number)).expect("open")));
    recorded.extend((0..100).map(|number| g.send(J, &ping(number)).expect("open")));
    let now = Time::ZERO.after(Duration::from_secs(1));
    // The peer has a new life; then the host itself.
    let mut j = host(J, 21);
    settle(&mut g, &mut j, now);
    assert_recording_is_void(&mut g, &mut j, &recorded, now);
    let mut g = host(G, 11);
    settle(&mut g, &mut j, now);
    assert_recording_is_void(&mut g, &mut j, &recorded, now);
}

fn assert_recording_is_void(g: &mut Sessions, j: &mut Sessions, recorded: &[Vec<u8>], now: Time) {
    g.take_events();
    j.take_events();
    let state = (g.open_with(J), j.open_with(G));
    assert!(state.0.is_some() && state.1.is_some());
    for octets in recorded {
        for receiver in [&mut *g, &mut *j] {
            let mut answers = Vec::new();
            let received = receiver.receive(now, octets, &mut answers);
            assert!(matches!(received, Err(_) | Ok(None)), "{received:?}");
            assert_eq!(receiver.take_events(), []);
        }
    }
    assert_eq!((g.open_with(J), j.open_with(G)), state);
}

#[test]
fn an_answer_to_a_dead_question_does_not_revive_a_dead_life() {
    // An old life answers; the answer is held back until a new life has opened.
    let (mut g, mut old) = (host(G, 10), host(J, 20));
    let (mut hello, mut held_back) = (Vec::new(), Vec::new());
    g.poll(Time::ZERO, &mut hello);
    old.receive(Time::ZERO, &hello[0].octets, &mut held_back)
        .expect("a hello is answered");
    let mut new = host(J, 21);
    let now = Time::ZERO.after(Duration::from_millis(20));
    settle(&mut g, &mut new, now);
    assert_eq!(g.open_with(J), Some(BootId(21)));
    assert_eq!(take(&mut g, &held_back[0].octets), Err(Refused::Answer));
    assert_eq!(g.open_with(J), Some(BootId(21)));
}

#[test]
fn a_handshake_with_another_life_is_refused_even_if_the_question_is_the_same() {
    // Hosts whose source of questions is broken: two lives ask the same.
    let life = |boot| {
        let keys = Keys::insecure_lab(FABRIC, G, [J]);
        let question = Box::new(|| Nonce([0; 16]));
        Sessions::new(
            keys,
            offer(&HeadingRules::default()),
            BootId(boot),
            question,
            Time::ZERO,
        )
    };
    let (mut hello, mut ack) = (Vec::new(), Vec::new());
    life(10).poll(Time::ZERO, &mut hello);
    host(J, 20)
        .receive(Time::ZERO, &hello[0].octets, &mut ack)
        .expect("a hello is answered");
    assert_eq!(take(&mut life(11), &ack[0].octets), Err(Refused::Session));
    assert!(
        life(10)
            .receive(Time::ZERO, &ack[0].octets, &mut Vec::new())
            .is_ok()
    );
}

#[test]
fn a_reflected_datagram_is_refused() {
    let (mut g, mut j, mut handshake) = open();
    handshake.push(g.send(J, &ping(1)).expect("open"));
    handshake.push(j.send(G, &ping(1)).expect("open"));
    for octets in handshake {
        let sender = if octets[20..29] == G.0 {
            &mut g
        } else {
            &mut j
        };
        assert_eq!(take(sender, &octets), Err(Refused::Destination));
        // With the hosts exchanged it has the right destination, and the key of the other direction.
        let mut exchanged = octets.clone();
        exchanged[20..29].copy_from_slice(&octets[29..38]);
        exchanged[29..38].copy_from_slice(&octets[20..29]);
        assert_eq!(take(sender, &exchanged), Err(Refused::Key));
    }
}

#[test]
fn a_datagram_for_another_fabric_or_another_host_is_refused() {
    let (mut g, _, _) = open();
    let octets = g.send(J, &ping(1)).expect("open");
    let other = FabricId([9; 16]);
    for (fabric, own) in [(other, J), (FABRIC, HostId([3; 9]))] {
        let keys = Keys::insecure_lab(fabric, own, [G, J]);
        let questions = Box::new(|| Nonce([0; 16]));
        let mut receiver = Sessions::new(
            keys,
            offer(&HeadingRules::default()),
            BootId(20),
            questions,
            Time::ZERO,
        );
        assert_eq!(take(&mut receiver, &octets), Err(Refused::Destination));
    }
}

#[test]
fn hosts_whose_keys_do_not_belong_together_say_so_before_the_tag() {
    let manager = ManagerSecret::insecure_lab(FABRIC).public();
    let mut keys = Keys::new(FABRIC, J, HostSecret::from_random([7; 32]), manager);
    keys.add_peer(G, HostSecret::insecure_lab(FABRIC, G).public())
        .expect("a good key");
    let mut j = Sessions::new(
        keys,
        offer(&HeadingRules::default()),
        BootId(20),
        Box::new(|| Nonce([1; 16])),
        Time::ZERO,
    );
    let mut g = host(G, 10);
    let mut out = Vec::new();
    g.poll(Time::ZERO, &mut out);
    assert_eq!(take(&mut j, &out[0].octets), Err(Refused::Key));
    assert_eq!(j.peers().next(), Some((G, PeerState::Asking)));
}

#[test]
fn a_length_that_no_memory_holds_allocates_nothing() {
    // A report of 2^60 entries: version, variant, length.
    let mut octets = vec![codec::VERSION];
    octets.extend(17_u32.to_le_bytes());
    octets.extend((1_u64 << 60).to_le_bytes());
    assert!(matches!(
        codec::decode::<Body>(&octets),
        Err(CodecError::Malformed(_))
    ));
}

#[test]
fn an_octet_too_many_or_too_few_is_no_body() {
    for (name, bodies) in samples::bodies() {
        for body in bodies {
            let mut octets = codec::encode(&body).expect("a sample fits");
            for length in 0..octets.len() {
                assert!(
                    codec::decode::<Body>(&octets[..length]).is_err(),
                    "{name} cut at {length}"
                );
            }
            octets.push(0);
            assert!(
                matches!(
                    codec::decode::<Body>(&octets),
                    Err(CodecError::Trailing(1) | CodecError::TooLong { .. })
                ),
                "{name}"
            );
            octets.pop();
            octets[0] += 1;
            assert!(
                matches!(codec::decode::<Body>(&octets), Err(CodecError::Version(2))),
                "{name}"
            );
        }
    }
}

#[test]
fn a_datagram_that_is_refused_before_its_body_allocates_nothing() {
    let (mut g, mut j, _) = open();
    let good = g.send(J, &ping(1)).expect("open");
    let replayed = good.clone();
    take(&mut j, &replayed).expect("once");
    let mut cases = vec![
        (replayed, Refused::Replay),
        (good[..70].to_vec(), Refused::Length),
    ];
    for octet in [0, 3, 5, 21, 30, 40, 50, 70, good.len() - 1] {
        let mut changed = good.clone();
        changed[octet] ^= 0x80;
        cases.push((changed, check_of(octet)));
    }
    let of_another_life = host_pair_of_another_life();
    cases.push((of_another_life, Refused::Session));
    let mut out = Vec::new();
    for (octets, expected) in cases {
        let mut refused = None;
        let allocations = allocation_counter::measure(|| {
            refused = j.receive(Time::ZERO, &octets, &mut out).err()
        });
        assert_eq!(refused, Some(expected));
        assert_eq!(allocations.count_total, 0, "{expected}");
    }
}

fn host_pair_of_another_life() -> Vec<u8> {
    let (mut g, mut j) = (host(G, 11), host(J, 21));
    settle(&mut g, &mut j, Time::ZERO);
    g.send(J, &ping(1)).expect("open")
}

proptest! {
    #[test]
    fn any_body_that_fits_arrives_as_it_was_sent(body in arbitrary::body()) {
        let octets = codec::encode(&body).expect("it fits");
        prop_assert_eq!(&codec::decode::<Body>(&octets).expect("it was encoded"), &body);
        let (mut g, mut j, _) = open();
        let datagram = g.send(J, &body).expect("open");
        prop_assert!(datagram.len() <= DATAGRAM_BYTES_MAX);
        match take(&mut j, &datagram) {
            Ok(received) => prop_assert_eq!(received.expect("a message").body, body),
            Err(refused) => prop_assert!(refused == Refused::Signature && body.signed_record().is_some()),
        }
    }

    #[test]
    fn any_record_decodes_to_itself(signed in arbitrary::signed_record()) {
        let octets = codec::encode(&signed).expect("it fits");
        prop_assert_eq!(&codec::decode::<SignedRecord>(&octets).expect("it was encoded"), &signed);
        let octets = codec::encode(&signed.record).expect("it fits");
        prop_assert_eq!(codec::decode::<Record>(&octets).expect("it was encoded"), signed.record);
    }

    #[test]
    fn arbitrary_octets_are_refused_and_change_nothing(octets in prop::collection::vec(any::<u8>(), 0..1_400)) {
        let (mut g, _, _) = open();
        prop_assert!(take(&mut g, &octets).is_err());
        prop_assert_eq!(g.take_events(), []);
    }

    #[test]
    fn a_body_of_arbitrary_octets_decodes_to_itself_or_not_at_all(octets in prop::collection::vec(any::<u8>(), 0..200), variant in 0_u32..30) {
        let mut framed = vec![codec::VERSION];
        framed.extend(variant.to_le_bytes());
        framed.extend(octets);
        if let Ok(body) = codec::decode::<Body>(&framed) {
            prop_assert_eq!(codec::encode(&body).expect("it was decoded"), framed);
        }
    }

    #[test]
    fn octets_near_a_sample_decode_to_themselves_or_not_at_all(
        which in any::<prop::sample::Index>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let samples: Vec<Body> = samples::bodies().into_iter().flat_map(|(_, bodies)| bodies).collect();
        let mut octets = codec::encode(which.get(&samples)).expect("a sample fits");
        for (place, value) in changes {
            let place = place.index(octets.len());
            octets[place] = value;
        }
        if let Ok(body) = codec::decode::<Body>(&octets) {
            prop_assert_eq!(codec::encode(&body).expect("it was decoded"), octets);
        }
    }

    #[test]
    fn records_of_arbitrary_octets_decode_to_themselves_or_not_at_all(mut octets in prop::collection::vec(any::<u8>(), 1..300)) {
        octets[0] = codec::VERSION;
        if let Ok(record) = codec::decode::<Record>(&octets) {
            prop_assert_eq!(&codec::encode(&record).expect("it was decoded"), &octets);
        }
        prop_assert!(codec::decode::<Vec<SignedRecord>>(&octets).map_or(true, |records| records.is_empty()));
    }
}
