//! A stream of records arrives whole and in order, or ends in an error.

use messages::bulk::{Bulk, BulkError, Channel, Receiver, Sender};
use messages::datagram::Refused;
use messages::session::Nonce;
use messages::{Epoch, SignedRecord, Time};
use proptest::prelude::*;

use hosts::{G, J, host, open, settle};

mod hosts;
mod samples;

const QUESTION: Nonce = Nonce([5; 16]);

/// So many records, each another one. The manager is that of the lab.
fn records(count: u64) -> Vec<SignedRecord> {
    let manager = messages::keys::ManagerSecret::insecure_lab(hosts::FABRIC);
    let record = samples::records().swap_remove(0);
    let records = (0..count).map(|seq| {
        let mut record = record.clone();
        record.epoch = Epoch { term: 1, seq };
        let signature = manager.sign(&record).expect("a short record");
        SignedRecord { record, signature }
    });
    records.collect()
}

/// The channel as each end sees it: from the side that has the records, and from the other.
fn channels() -> (Channel, Channel) {
    let (g, j, _) = open();
    (g.channel(J).expect("open"), j.channel(G).expect("open"))
}

/// The octets of a stream that answers `question`, and the octets that asked.
fn stream(channel: Channel, asking: &[u8], records: Vec<SignedRecord>) -> Vec<u8> {
    let mut sender = Sender::new(channel);
    assert!(!sender.is_asked());
    assert_eq!(sender.push(asking).expect("the question"), asking.len());
    assert!(sender.is_asked());
    let mut octets = Vec::new();
    sender.records(records, &mut octets).expect("short records");
    sender.end(&mut octets).expect("asked");
    octets
}

/// Everything that comes out, in pieces of at most `piece` octets.
fn receive(
    receiver: &mut Receiver,
    octets: &[u8],
    piece: usize,
) -> Result<Vec<SignedRecord>, BulkError> {
    let mut records = Vec::new();
    for mut piece in octets.chunks(piece) {
        while !piece.is_empty() {
            let taken = receiver.push(piece)?;
            assert!(taken > 0, "it takes octets until there is a frame to take");
            piece = &piece[taken..];
            match receiver.take()? {
                Some(Bulk::Records(more)) => records.extend(more),
                Some(Bulk::End { records: count }) => assert_eq!(count, records.len() as u64),
                None => {}
            }
        }
    }
    Ok(records)
}

#[test]
fn records_arrive_in_order_whatever_pieces_they_come_in() {
    for count in [0, 1, 21, 300] {
        for piece in [1, 7, 100_000] {
            let (from, to) = channels();
            let (mut receiver, asking) = Receiver::new(to, QUESTION, 1_000);
            let records = records(count);
            let octets = stream(from, &asking, records.clone());
            let received = receive(&mut receiver, &octets, piece).expect("a good stream");
            assert_eq!(received, records);
            assert!(receiver.is_complete());
        }
    }
}

#[test]
fn a_stream_that_stops_early_is_not_complete() {
    let (from, to) = channels();
    let (mut receiver, asking) = Receiver::new(to, QUESTION, 1_000);
    let octets = stream(from, &asking, records(100));
    let received = receive(&mut receiver, &octets[..octets.len() - 1], 512).expect("so far good");
    assert_eq!(received.len(), 100);
    assert!(!receiver.is_complete());
}

#[test]
fn a_recorded_stream_answers_no_other_question() {
    let (from, to) = channels();
    let (_, asking) = Receiver::new(to.clone(), QUESTION, 1_000);
    let octets = stream(from, &asking, records(3));
    let (mut receiver, _) = Receiver::new(to, Nonce([6; 16]), 1_000);
    assert!(matches!(
        receive(&mut receiver, &octets, 512),
        Err(BulkError::Refused(Refused::Answer))
    ));
}

#[test]
fn a_stream_of_another_life_is_refused() {
    let (mut g, mut j, _) = open();
    let (_, asking) = Receiver::new(j.channel(G).expect("open"), QUESTION, 1_000);
    let octets = stream(g.channel(J).expect("open"), &asking, records(3));
    let mut j_new = host(J, 21);
    settle(&mut g, &mut j_new, Time(100_000_000));
    settle(&mut g, &mut j, Time(200_000_000));
    let (mut receiver, asking_anew) =
        Receiver::new(j_new.channel(G).expect("open"), QUESTION, 1_000);
    assert!(matches!(
        receive(&mut receiver, &octets, 512),
        Err(BulkError::Refused(Refused::Session))
    ));
    let mut sender = Sender::new(g.channel(J).expect("open"));
    assert!(matches!(
        sender.push(&asking),
        Err(BulkError::Refused(Refused::Session))
    ));
    assert!(
        Sender::new(g.channel(J).expect("open"))
            .push(&asking_anew)
            .is_ok()
    );
}

#[test]
fn a_frame_that_is_left_out_doubled_or_moved_is_noticed() {
    let (from, to) = channels();
    let (_, asking) = Receiver::new(to.clone(), QUESTION, 1_000);
    let octets = stream(from, &asking, records(100));
    let frames = frames(&octets);
    assert!(frames.len() > 4);
    let mut swapped = frames.clone();
    swapped.swap(1, 2);
    let mut doubled = frames.clone();
    doubled.insert(1, frames[1]);
    let mut left_out = frames.clone();
    left_out.remove(1);
    for changed in [swapped, doubled, left_out] {
        let (mut receiver, _) = Receiver::new(to.clone(), QUESTION, 1_000);
        let received = receive(&mut receiver, &changed.concat(), 4_096);
        assert!(matches!(received, Err(BulkError::Refused(Refused::Replay))));
    }
}

fn frames(octets: &[u8]) -> Vec<&[u8]> {
    let mut frames = Vec::new();
    let mut rest = octets;
    while let Some(length) = rest.first_chunk() {
        let (frame, after) = rest.split_at(4 + u32::from_be_bytes(*length) as usize);
        frames.push(frame);
        rest = after;
    }
    frames
}

#[test]
fn a_flipped_bit_anywhere_ends_the_stream() {
    let (from, to) = channels();
    let (_, asking) = Receiver::new(to.clone(), QUESTION, 1_000);
    let octets = stream(from, &asking, records(1));
    for octet in 0..octets.len() {
        let mut changed = octets.clone();
        changed[octet] ^= 1;
        let (mut receiver, _) = Receiver::new(to.clone(), QUESTION, 1_000);
        let received = receive(&mut receiver, &changed, 4_096);
        assert!(
            received.is_err() || !receiver.is_complete(),
            "octet {octet}"
        );
    }
}

#[test]
fn a_record_that_the_manager_did_not_sign_ends_the_stream() {
    let (from, to) = channels();
    let (mut receiver, asking) = Receiver::new(to, QUESTION, 1_000);
    let mut records = records(3);
    records[1].record.checkpoint += 1;
    let octets = stream(from, &asking, records);
    assert!(matches!(
        receive(&mut receiver, &octets, 512),
        Err(BulkError::Refused(Refused::Signature))
    ));
}

#[test]
fn more_records_than_agreed_end_the_stream() {
    let (from, to) = channels();
    let (mut receiver, asking) = Receiver::new(to, QUESTION, 99);
    let octets = stream(from, &asking, records(100));
    assert!(matches!(
        receive(&mut receiver, &octets, 512),
        Err(BulkError::TooMany(99))
    ));
}

#[test]
fn nothing_is_said_before_it_is_asked_for_and_nothing_after_the_end() {
    let (from, to) = channels();
    let mut sender = Sender::new(from.clone());
    assert!(matches!(
        sender.records(records(1), &mut Vec::new()),
        Err(BulkError::OutOfPlace)
    ));
    assert!(matches!(
        Sender::new(from.clone()).end(&mut Vec::new()),
        Err(BulkError::OutOfPlace)
    ));
    let (mut receiver, asking) = Receiver::new(to.clone(), QUESTION, 99);
    let octets = stream(from.clone(), &asking, records(1));
    receive(&mut receiver, &octets, 512).expect("a good stream");
    assert!(matches!(receiver.push(&octets), Err(BulkError::OutOfPlace)));
    assert_eq!(sender.push(&asking).expect("the question"), asking.len());
    assert!(matches!(sender.push(&asking), Err(BulkError::OutOfPlace)));
    // A stream that is sent back to its sender is for somebody else.
    assert!(matches!(
        Sender::new(from).push(&octets),
        Err(BulkError::Refused(Refused::Destination))
    ));
    assert!(matches!(
        Sender::new(to).push(&octets),
        Err(BulkError::OutOfPlace)
    ));
}

proptest! {
    #[test]
    fn arbitrary_octets_end_the_stream_or_wait_for_more(octets in prop::collection::vec(any::<u8>(), 0..600), length in 0_u32..6_000) {
        let (_, to) = channels();
        let (mut receiver, _) = Receiver::new(to, QUESTION, 99);
        let framed = [&length.to_be_bytes()[..], &octets].concat();
        let received = receive(&mut receiver, &framed, 64);
        prop_assert!(received.map_or(true, |records| records.is_empty()));
        prop_assert!(!receiver.is_complete());
    }
}
