//! When a session opens, what passes in it, and what ends it.

use std::time::Duration;

use messages::datagram::Refused;
use messages::{
    Body, BootId, Event, GroupId, HostId, Outgoing, PeerState, SendError, SignedRecord, Time,
};
use proptest::prelude::*;
use wire::encode::{DscpRule, HeadingRules};

use hosts::{G, J, carry, closed, host, host_with, open, opened, ping, settle, take};

mod hosts;
mod samples;

const MILLISECOND: Duration = Duration::from_millis(1);

fn at(milliseconds: u64) -> Time {
    Time(milliseconds * 1_000_000)
}

#[test]
fn both_ends_open_when_one_asks() {
    let (mut g, mut j) = (host(G, 10), host(J, 20));
    let mut out = Vec::new();
    g.poll(Time::ZERO, &mut out);
    let sent = carry(&mut g, &mut j, Time::ZERO, out);
    assert_eq!(sent.len(), 3);
    assert!(
        sent.iter().all(|octets| octets.len() == sent[0].len()),
        "nobody gets back more than was sent"
    );
    assert_eq!(g.take_events(), [opened(J, 20)]);
    assert_eq!(j.take_events(), [opened(G, 10)]);
    assert_eq!(g.open_with(J), Some(BootId(20)));
    assert_eq!(g.next_deadline(), None);
}

#[test]
fn both_ends_open_once_when_both_ask() {
    let (g, j, _) = open();
    assert_eq!(
        (g.open_with(J), j.open_with(G)),
        (Some(BootId(20)), Some(BootId(10)))
    );
    assert_eq!((g.next_deadline(), j.next_deadline()), (None, None));
}

#[test]
fn messages_pass_both_ways_once_each() {
    let (mut g, mut j, _) = open();
    for number in 1..=3 {
        let octets = g.send(J, &ping(number)).expect("open");
        let received = take(&mut j, &octets).expect("taken").expect("a message");
        assert_eq!(
            (received.from, received.boot, received.body),
            (G, BootId(10), ping(number))
        );
        assert_eq!(take(&mut j, &octets), Err(Refused::Replay));
        let octets = j.send(G, &Body::Pong { number }).expect("open");
        assert!(take(&mut g, &octets).is_ok());
    }
}

#[test]
fn messages_may_overtake_each_other_by_1023() {
    let (mut g, mut j, _) = open();
    let sent: Vec<_> = (0..1_025)
        .map(|number| g.send(J, &ping(number)).expect("open"))
        .collect();
    assert!(take(&mut j, &sent[1_024]).is_ok());
    assert_eq!(take(&mut j, &sent[0]), Err(Refused::Replay));
    assert!(take(&mut j, &sent[1]).is_ok());
}

#[test]
fn nothing_is_sent_before_a_session_is_open_or_to_a_stranger() {
    let mut g = host(G, 10);
    assert!(matches!(g.send(J, &ping(1)), Err(SendError::NotOpen(J))));
    let (mut g, ..) = open();
    assert!(matches!(
        g.send(HostId([9; 9]), &ping(1)),
        Err(SendError::NotOpen(_))
    ));
    assert!(matches!(g.send(G, &ping(1)), Err(SendError::NotOpen(G))));
}

#[test]
fn a_message_that_is_too_long_is_an_error_and_not_a_datagram() {
    let (mut g, ..) = open();
    let groups = vec![samples::group(); 200];
    assert!(matches!(
        g.send(J, &Body::ReportAck { groups }),
        Err(SendError::Encoding(_))
    ));
}

#[test]
fn questions_are_repeated_ever_slower_until_a_second() {
    let mut g = host(G, 10);
    let mut times = Vec::new();
    while times.len() < 9 {
        let due = g.next_deadline().expect("it goes on asking");
        let mut out = Vec::new();
        g.poll(due.before(MILLISECOND), &mut out);
        assert!(
            out.is_empty() || due == Time::ZERO,
            "nothing before its time"
        );
        out.clear();
        g.poll(due, &mut out);
        times.push(due.0 / 1_000_000);
    }
    assert_eq!(times[1..], [20, 60, 140, 300, 620, 1_260, 2_260, 3_260]);
}

#[test]
fn a_new_life_of_the_peer_ends_the_session_and_opens_another() {
    let (mut g, mut j, _) = open();
    let late = j.send(G, &ping(1)).expect("open");
    let mut j = host(J, 21);
    settle(&mut g, &mut j, at(100));
    assert_eq!(g.take_events(), [closed(J, 20), opened(J, 21)]);
    assert_eq!(j.take_events(), [opened(G, 10)]);
    let octets = j.send(G, &ping(2)).expect("open");
    assert_eq!(
        take(&mut g, &octets)
            .expect("taken")
            .expect("a message")
            .boot,
        BootId(21)
    );
    assert_eq!(
        g.receive(at(100), &late, &mut Vec::new()),
        Err(Refused::Session)
    );
}

#[test]
fn a_new_life_that_has_not_proven_itself_ends_nothing() {
    let (mut g, mut j, _) = open();
    let mut out = Vec::new();
    host(J, 21).poll(at(100), &mut out);
    let mut answers = Vec::new();
    g.receive(at(100), &out[0].octets, &mut answers)
        .expect("a hello is answered");
    assert_eq!(g.take_events(), []);
    let octets = j.send(G, &ping(1)).expect("open");
    assert!(
        g.receive(at(101), &octets, &mut Vec::new()).is_ok(),
        "the old session goes on"
    );
}

#[test]
fn a_peer_that_lost_the_answer_asks_again_and_resets_nothing() {
    let (mut g, mut j) = (host(G, 10), host(J, 20));
    let mut out = Vec::new();
    g.poll(Time::ZERO, &mut out);
    let mut lost = Vec::new();
    j.receive(Time::ZERO, &out[0].octets, &mut lost)
        .expect("a hello is answered");
    let sent = settle(&mut g, &mut j, at(20));
    assert!(!sent.is_empty());
    assert_eq!(g.take_events(), [opened(J, 20)]);
    assert_eq!(j.take_events(), [opened(G, 10)]);
}

#[test]
fn an_end_that_missed_the_confirmation_asks_when_it_is_spoken_to() {
    let (mut g, mut j, _) = open();
    let mut j_new = host(J, 21);
    // The new life opens; its confirmation is lost.
    let mut out = Vec::new();
    j_new.poll(at(100), &mut out);
    let mut ack = Vec::new();
    g.receive(at(100), &out[0].octets, &mut ack)
        .expect("a hello is answered");
    let mut lost = Vec::new();
    j_new
        .receive(at(100), &ack[0].octets, &mut lost)
        .expect("it is the answer");
    assert_eq!(j_new.take_events(), [opened(G, 10)]);
    let octets = j_new.send(G, &ping(1)).expect("open on this side");
    assert_eq!(
        g.receive(at(105), &octets, &mut Vec::new()),
        Err(Refused::Session)
    );
    assert_eq!(g.next_deadline(), Some(at(105)), "it asks at once");
    settle(&mut g, &mut j_new, at(105));
    assert_eq!(g.take_events(), [closed(J, 20), opened(J, 21)]);
    assert_eq!(
        j_new.take_events(),
        [],
        "the side that had opened stays open"
    );
    assert!(
        take(&mut g, &octets).is_ok(),
        "what came too early may come again"
    );
    let octets = j.send(G, &ping(1)).expect("the dead do not know");
    assert_eq!(take(&mut g, &octets), Err(Refused::Session));
}

#[test]
fn a_claim_that_nobody_stands_up_for_is_asked_about_for_a_while_only() {
    let (mut g, _, _) = open();
    let mut out = Vec::new();
    host(J, 21).poll(at(100), &mut out);
    g.receive(at(100), &out[0].octets, &mut Vec::new())
        .expect("a hello is answered");
    let mut asked = 0;
    while let Some(due) = g.next_deadline() {
        g.poll(due, &mut Vec::new());
        asked += 1;
        assert!(asked < 12, "it goes on for ever");
    }
    assert!(asked > 2, "{asked}");
    assert_eq!(g.open_with(J), Some(BootId(20)));
}

#[test]
fn hosts_configured_differently_refuse_each_other_in_a_sentence_each() {
    let fixed = HeadingRules {
        dscp: DscpRule::Fixed(46),
        ..HeadingRules::default()
    };
    let (mut g, mut j) = (host(G, 10), host_with(J, 20, &fixed));
    settle(&mut g, &mut j, Time::ZERO);
    let refused = |host, boot, sentence: &str| Event::Refused {
        host,
        boot: BootId(boot),
        sentence: format!("refused until both hosts are configured alike: {sentence}"),
    };
    assert_eq!(
        g.take_events(),
        [refused(
            J,
            20,
            "[fabric] dscp is copy here and fixed at 46 there"
        )]
    );
    assert_eq!(
        j.take_events(),
        [refused(
            G,
            10,
            "[fabric] dscp is fixed at 46 here and copy there"
        )]
    );
    assert!(matches!(g.peers().next(), Some((J, PeerState::Refused(_)))));
    assert!(matches!(g.send(J, &ping(1)), Err(SendError::NotOpen(J))));
    // It is asked again now and then, and said once.
    let due = g.next_deadline().expect("it asks again");
    assert!(due >= at(10_000));
    settle(&mut g, &mut j, due);
    assert_eq!((g.take_events(), j.take_events()), (vec![], vec![]));
    // A life with the right configuration is taken at once.
    let mut j = host(J, 21);
    settle(&mut g, &mut j, at(30_000));
    assert_eq!(g.take_events(), [opened(J, 21)]);
}

#[test]
fn a_recorded_hello_with_another_offer_refuses_nobody() {
    let fixed = HeadingRules {
        dscp: DscpRule::Fixed(46),
        ..HeadingRules::default()
    };
    let mut recorded = Vec::new();
    host_with(J, 19, &fixed).poll(Time::ZERO, &mut recorded);
    let (mut g, _, _) = open();
    g.receive(at(50), &recorded[0].octets, &mut Vec::new())
        .expect("a hello is answered");
    assert_eq!(g.take_events(), []);
    assert_eq!(g.open_with(J), Some(BootId(20)));
}

#[test]
fn a_forged_grant_is_refused_and_a_signed_one_passes() {
    let (mut g, mut j, _) = open();
    for signed in samples::signed() {
        for body in [
            Body::Announce {
                record: signed.clone(),
            },
            Body::Newer {
                record: signed.clone(),
            },
            Body::Fetched {
                record: signed.clone(),
            },
            Body::Push {
                record: signed.clone(),
                promise: messages::body::Promise::Waived,
            },
        ] {
            let octets = g.send(J, &body).expect("open");
            assert_eq!(
                take(&mut j, &octets)
                    .expect("taken")
                    .expect("a message")
                    .body,
                body
            );
        }
        let mut forgeries = vec![signed.clone(); 5];
        forgeries[0].record.generation += 1;
        forgeries[1].record.group = GroupId::new(1, [10, 0, 0, 3].into());
        forgeries[2].record.members.reverse();
        forgeries[3].signature.0[40] ^= 1;
        forgeries[4].record.fabric.0[0] ^= 1;
        for record in forgeries {
            assert_refused(&mut g, &mut j, record);
        }
    }
    let refused = j
        .refusals()
        .find(|(refused, _)| *refused == Refused::Signature);
    assert_eq!(
        refused,
        Some((Refused::Signature, 5 * 4 * samples::signed().len() as u64))
    );
}

fn assert_refused(g: &mut messages::Sessions, j: &mut messages::Sessions, record: SignedRecord) {
    for body in [
        Body::Announce {
            record: record.clone(),
        },
        Body::Newer {
            record: record.clone(),
        },
        Body::Fetched {
            record: record.clone(),
        },
        Body::Push {
            record,
            promise: messages::body::Promise::Needed,
        },
    ] {
        let octets = g.send(J, &body).expect("open");
        assert_eq!(take(j, &octets), Err(Refused::Signature));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever a network loses, doubles and delays: in the end both are open with each other's
    /// present life, and no message of another life was taken.
    #[test]
    fn hosts_find_each_other_through_loss_and_restarts(fates in prop::collection::vec(0_u8..8, 20..200)) {
        let (mut g, mut j, mut boot) = (host(G, 10), host(J, 20), 20);
        let mut flying: Vec<Outgoing> = Vec::new();
        let mut now = Time::ZERO;
        for fate in fates {
            now = now.after(7 * MILLISECOND);
            g.poll(now, &mut flying);
            j.poll(now, &mut flying);
            flying.extend(g.send(J, &ping(boot)).ok().map(|octets| Outgoing { to: J, octets }));
            flying.extend(j.send(G, &ping(boot)).ok().map(|octets| Outgoing { to: G, octets }));
            if fate == 0 {
                boot += 1;
                j = host(J, boot);
            }
            flying.truncate(64);
            for _ in 0..3 {
                if flying.is_empty() {
                    break;
                }
                let which = usize::from(fate) * 31 % flying.len();
                let taken = if fate == 1 { flying[which].clone() } else { flying.swap_remove(which) };
                if fate == 2 {
                    continue;
                }
                let receiver = if taken.to == G { &mut g } else { &mut j };
                if let Ok(Some(received)) = receiver.receive(now, &taken.octets, &mut flying) {
                    prop_assert_eq!(Some(received.boot), receiver.open_with(received.from));
                    if received.from == J {
                        prop_assert_eq!(received.body, ping(received.boot.0));
                    }
                }
            }
        }
        for _ in 0..20 {
            now = now.after(Duration::from_secs(1));
            // A host that does not know of the other's new life learns it when it is spoken to.
            let mut out = Vec::new();
            out.extend(g.send(J, &ping(0)).ok().map(|octets| Outgoing { to: J, octets }));
            out.extend(j.send(G, &ping(0)).ok().map(|octets| Outgoing { to: G, octets }));
            carry(&mut g, &mut j, now, out);
            settle(&mut g, &mut j, now);
        }
        prop_assert_eq!(g.open_with(J), Some(BootId(boot)));
        prop_assert_eq!(j.open_with(G), Some(BootId(10)));
    }
}
