//! The octets of version 1, held in place: what is in `golden/` was once sent, or lies on a disk.
//!
//! A difference here means that the next release could not talk to the last. If a value got new
//! parts, give it a new version; only what was never released may be written anew, by running the
//! tests with `GOLDEN=write`.

use std::fmt::Debug;
use std::fs;
use std::path::PathBuf;

use messages::Body;
use messages::bulk::{Receiver, Sender};
use messages::codec::{self, CodecError, Encoded};
use messages::keys::{HostSecret, Keys};
use messages::session::Nonce;

mod hosts;
mod samples;

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

fn octets(hex: &str) -> Vec<u8> {
    assert_eq!(hex.len() % 2, 0, "whole octets");
    (0..hex.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hexadecimal"))
        .collect()
}

/// The lines of the golden file of this name.
fn golden(name: &str, present: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(format!("{name}.hex"));
    if std::env::var("GOLDEN").is_ok_and(|value| value == "write") {
        let lines: Vec<String> = present.iter().map(|octets| hex(octets) + "\n").collect();
        fs::write(&path, lines.concat()).expect("the tree can be written");
    }
    let text =
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    text.lines().map(octets).collect()
}

/// Encodes to the golden octets, and they decode to the samples.
fn assert_golden<T: Encoded + PartialEq + Debug>(name: &str, samples: &[T]) {
    let present: Vec<Vec<u8>> = samples
        .iter()
        .map(|sample| codec::encode(sample).expect("a sample fits"))
        .collect();
    let golden = golden(name, &present);
    assert_eq!(
        golden.len(),
        samples.len(),
        "{name}: a line for each sample"
    );
    for ((sample, present), golden) in samples.iter().zip(&present).zip(&golden) {
        assert_eq!(
            hex(present),
            hex(golden),
            "{name}: the encoding of {sample:?} has changed"
        );
        let decoded: T = codec::decode(golden).expect("golden octets decode");
        assert_eq!(decoded, *sample, "{name}");
    }
}

#[test]
fn every_body_is_encoded_as_ever() {
    for (name, bodies) in samples::bodies() {
        assert_golden(name, &bodies);
    }
}

#[test]
fn records_are_encoded_as_ever() {
    assert_golden("record", &samples::records());
    assert_golden("signed_record", &samples::signed());
    assert_golden("signed_records", &[samples::signed()]);
}

#[test]
fn every_variant_of_a_body_has_a_sample() {
    let samples = samples::bodies();
    for (variant, (name, bodies)) in samples.iter().enumerate() {
        for body in bodies {
            let octets = codec::encode(body).expect("a sample fits");
            assert_eq!(octets[1..5], (variant as u32).to_le_bytes(), "{name}");
        }
    }
    let mut next = vec![codec::VERSION];
    next.extend((samples.len() as u32).to_le_bytes());
    next.extend([0; 200]);
    let decoded: Result<Body, _> = codec::decode(&next);
    let Err(CodecError::Malformed(error)) = decoded else {
        panic!("variant {} has no sample: {decoded:?}", samples.len());
    };
    assert!(
        error.to_string().contains("UnexpectedVariant"),
        "variant {} has no sample: {error}",
        samples.len()
    );
}

#[test]
fn every_sample_fits_a_datagram() {
    for (name, bodies) in samples::bodies() {
        for body in bodies {
            let length = codec::encode(&body).expect("a sample fits").len();
            assert!(
                length <= messages::datagram::BODY_BYTES_MAX,
                "{name}: {length}"
            );
        }
    }
}

#[test]
fn signatures_are_made_as_ever_and_hold() {
    let keys = Keys::insecure_lab(samples::FABRIC, samples::G, [samples::J]);
    for signed in samples::signed() {
        assert!(keys.manager().signed(&signed));
    }
}

#[test]
fn lab_keys_are_derived_as_ever() {
    let keys = Keys::insecure_lab(samples::FABRIC, samples::G, [samples::J]);
    let host = HostSecret::insecure_lab(samples::FABRIC, samples::G).public();
    let text = [host.to_string(), keys.manager().to_string()].map(String::into_bytes);
    assert_same("lab_keys", &text);
}

#[test]
fn datagrams_are_laid_out_and_sealed_as_ever() {
    let (mut g, _, mut datagrams) = hosts::open();
    datagrams.push(g.send(hosts::J, &hosts::ping(1)).expect("open"));
    assert_same("datagrams", &datagrams);
}

#[test]
fn streams_are_laid_out_and_sealed_as_ever() {
    let (g, j, _) = hosts::open();
    let (_, asking) = Receiver::new(j.channel(hosts::G).expect("open"), Nonce([5; 16]), 9);
    let mut sender = Sender::new(g.channel(hosts::J).expect("open"));
    sender.push(&asking).expect("the question");
    let mut octets = Vec::new();
    sender
        .records(samples::signed(), &mut octets)
        .expect("short records");
    sender.end(&mut octets).expect("asked");
    assert_same("stream", &[asking, octets]);
}

fn assert_same(name: &str, present: &[Vec<u8>]) {
    let golden = golden(name, present);
    assert_eq!(golden.len(), present.len(), "{name}");
    for (line, (golden, present)) in golden.iter().zip(present).enumerate() {
        assert_eq!(hex(golden), hex(present), "{name}, line {line}");
    }
}
