//! The stream of records over TCP, from a peer that says anything, in any pieces.

use messages::SignedRecord;
use messages::bulk::{Bulk, Receiver, Sender};
use messages::session::Nonce;

use super::datagrams::{G, J, open, signed};
use crate::Target;
use crate::choices::Choices;

pub(crate) const TARGET: Target = Target {
    name: "bulk",
    claim: "what comes out of a stream is a beginning of what was put in, and it is complete only if \
            all of it came, unchanged",
    run,
};

const QUESTION: Nonce = Nonce([5; 16]);

fn run(octets: &[u8]) {
    let mut choices = Choices::new(octets);
    let (g, j, _) = open();
    let channels = (g.channel(J).expect("open"), j.channel(G).expect("open"));
    let (mut receiver, asking) = Receiver::new(channels.1, QUESTION, 40);
    let mut sender = Sender::new(channels.0);
    sender.push(&asking).expect("the question");
    let records: Vec<SignedRecord> = (0..choices.below(30) as u64).map(signed).collect();
    let mut stream = Vec::new();
    sender
        .records(records.clone(), &mut stream)
        .expect("short records");
    sender.end(&mut stream).expect("asked");
    let honest = stream.clone();
    match choices.below(4) {
        0 => stream = choices.rest().to_vec(),
        1 => {
            let at = choices.below(stream.len());
            stream[at] ^= 1 << choices.below(8);
        }
        2 => choices.spoil(&mut stream),
        _ => {}
    }

    let mut came: Vec<SignedRecord> = Vec::new();
    let piece = 1 + choices.below(700);
    let whole = stream.chunks(piece).try_for_each(|mut piece| {
        while !piece.is_empty() {
            let taken = receiver.push(piece).map_err(|_| ())?;
            assert!(taken > 0, "it takes octets until there is a frame");
            piece = &piece[taken..];
            if let Some(Bulk::Records(more)) = receiver.take().map_err(|_| ())? {
                came.extend(more);
            }
        }
        Ok::<_, ()>(())
    });
    assert!(records.starts_with(&came), "what nobody put in came out");
    if receiver.is_complete() {
        assert_eq!(came, records, "complete, and something is missing");
    }
    if stream == honest {
        assert_eq!(whole, Ok(()), "the honest stream is refused");
        assert!(receiver.is_complete());
    }
}
