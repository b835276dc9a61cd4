//! Every case through the host that `understudyd replay` runs.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use corpus::{File, Found, Ids, Reference, Verdict, judge};
use replay::{Host, Outcome};
use wire::drop_reason::DropReason;

fn files() -> Vec<File> {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("cases");
    corpus::load(&cases).unwrap_or_else(|error| panic!("{error}"))
}

fn host(file: &File) -> Host {
    let config =
        config::load(&file.world.path).unwrap_or_else(|errors| panic!("{}", errors.report(false)));
    Host::new(&config)
}

fn found(host: &Host, outcome: Outcome) -> Found {
    let name = |port: tables::PortIndex| host.port_names()[port.index()].clone();
    let out = outcome.out.into_iter();
    Found {
        verdict: match (outcome.verdict, outcome.reason) {
            (_, Some(reason)) => Verdict::Drop(reason.name().to_owned()),
            (replay::Verdict::Transmit, None) => Verdict::Transmit,
            (replay::Verdict::Deliver, None) => Verdict::Deliver,
            (replay::Verdict::Punt, None) => Verdict::Punt,
            (replay::Verdict::Buffer, None) => Verdict::Buffer,
            (replay::Verdict::Drop, None) => Verdict::Drop("without a reason".to_owned()),
        },
        out: out.map(|(port, frame)| (name(port), frame)).collect(),
    }
}

/// The faults of a file whose cases come one after the other, a second apart.
fn run(file: &File) -> Vec<String> {
    let mut host = host(file);
    let mut ids = Ids::default();
    let mut faults = Vec::new();
    for (second, case) in (1..).zip(&file.cases) {
        let port = host.port(&case.rx.port).expect("the world has the port");
        let outcome = host.handle(port, Duration::from_secs(second), &case.rx.frame.octets);
        let found = found(&host, outcome);
        if let Err(fault) = judge(case, &file.world, &mut ids, &found) {
            faults.push(format!("{}: {fault}", file.path.display()));
        }
    }
    faults
}

#[test]
fn every_case_ends_as_its_file_says() {
    let faults: Vec<String> = files().iter().flat_map(run).collect();
    assert!(
        faults.is_empty(),
        "{} cases went wrong:\n{}",
        faults.len(),
        faults.join("\n")
    );
}

#[test]
fn the_reference_says_the_same() {
    let mut faults = Vec::new();
    for file in &files() {
        let mut reference = Reference::new(&file.world);
        let mut ids = Ids::default();
        for case in &file.cases {
            let found = reference.judge(&case.rx.port, &case.rx.frame.octets);
            let found = found.expect("the world has the port");
            if let Err(fault) = judge(case, &file.world, &mut ids, &found) {
                faults.push(format!("{}: {fault}", file.path.display()));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn the_corpus_is_as_large_as_it_says_and_each_packet_is_another() {
    let files = files();
    let cases = files.iter().flat_map(|file| &file.cases);
    assert!(cases.clone().count() >= 400, "{}", cases.count());
    let mut seen = BTreeSet::new();
    let mut again = Vec::new();
    for file in &files {
        for case in &file.cases {
            let packet = (
                &file.world.path,
                &case.rx.port,
                case.rx.frame.octets.clone(),
            );
            let place = format!("{}: {}", file.path.display(), case.name);
            if !seen.insert(packet) {
                again.push(place);
            }
        }
    }
    assert!(
        again.is_empty(),
        "these are another case's packet: {again:#?}"
    );
}

/// Reasons that one packet at a fresh host cannot raise: they need a full queue, a rate, a device, or
/// a group that was given an owner. Their tests are those of worker and daemon.
const NEEDS_MORE_THAN_A_PACKET: &[DropReason] = &[
    DropReason::EncodeMuted,
    DropReason::CopyBudget,
    DropReason::RateLimit,
    DropReason::MulticastBudget,
    DropReason::DecodeFenced,
    DropReason::DecodeDuplicateCopy,
    DropReason::NoMbuf,
    DropReason::TxQueueFull,
    DropReason::HandoffFull,
    DropReason::PuntFull,
    DropReason::BufferFull,
    DropReason::BufferExpired,
    DropReason::DeviceRx,
    DropReason::DeviceTx,
];

#[test]
fn every_reason_that_one_packet_can_raise_has_a_case() {
    let files = files();
    let cases = files.iter().flat_map(|file| &file.cases);
    let expected: BTreeSet<&str> = cases
        .filter_map(|case| match &case.verdict {
            Verdict::Drop(reason) => Some(reason.as_str()),
            _ => None,
        })
        .collect();
    for reason in DropReason::ALL {
        assert_ne!(
            expected.contains(reason.name()),
            NEEDS_MORE_THAN_A_PACKET.contains(&reason),
            "{reason}"
        );
    }
    for reason in expected {
        assert!(DropReason::from_name(reason).is_some(), "{reason} is none");
    }
}
