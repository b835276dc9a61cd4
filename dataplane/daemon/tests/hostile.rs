//! The corpus of hostile packets through the binary: captures in, captures and verdicts out.

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use corpus::{File, Found, Ids, Verdict, judge};
use support::frames;
use support::{text, understudyd};
use tempfile::TempDir;

fn corpus_files() -> Vec<File> {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../bench/corpus/cases");
    corpus::load(&cases).unwrap_or_else(|error| panic!("{error}"))
}

/// Runs the cases of a file, one a second, through one host; what became of each.
fn replay(file: &File, directory: &Path) -> Vec<Found> {
    let name = |port: &str| port.replace('/', "-");
    let mut captures: BTreeMap<&str, Vec<(u64, Vec<u8>)>> = BTreeMap::new();
    for (second, case) in (1..).zip(&file.cases) {
        let frames = captures.entry(&case.rx.port).or_default();
        frames.push((second * 1_000_000, case.rx.frame.octets.clone()));
    }
    let mut arguments = vec!["replay".to_owned(), "--config".to_owned()];
    arguments.push(file.world.path.display().to_string());
    for (port, packets) in &captures {
        let capture = directory.join(format!("{}.pcap", name(port)));
        frames::write(&capture, packets);
        arguments.extend(["--rx".to_owned(), format!("{port}={}", capture.display())]);
    }
    let out = directory.join("out");
    arguments.extend(["--out".to_owned(), out.display().to_string()]);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let output = understudyd(&arguments);
    assert!(output.status.success(), "{}", text(&output.stderr));

    let sent = |port: &str| frames::read(&out.join(format!("{port}.pcap")));
    let sent: BTreeMap<&str, _> = file.world.ports().map(|port| (port, sent(port))).collect();
    let lines = fs::read_to_string(out.join("verdicts.jsonl")).expect("verdicts");
    lines.lines().map(|line| found(line, &sent)).collect()
}

fn found(line: &str, sent: &BTreeMap<&str, Vec<(u64, Vec<u8>)>>) -> Found {
    let line: serde_json::Value = serde_json::from_str(line).expect("a JSON line");
    let verdict = match line["verdict"].as_str().expect("a verdict") {
        "transmit" => Verdict::Transmit,
        "deliver" => Verdict::Deliver,
        "punt" => Verdict::Punt,
        "buffer" => Verdict::Buffer,
        _ => Verdict::Drop(line["reason"].as_str().expect("a reason").to_owned()),
    };
    let out = line["out"].as_array().expect("a list").iter().map(|place| {
        let port = place[0].as_str().expect("a port");
        let at = place[1].as_u64().expect("a position") as usize;
        (port.to_owned(), sent[port][at].1.clone())
    });
    Found {
        verdict,
        out: out.collect(),
    }
}

#[test]
fn the_binary_judges_the_corpus_as_its_files_say() {
    let mut faults = Vec::new();
    for file in corpus_files() {
        let directory = TempDir::new().expect("a temporary directory");
        let all = replay(&file, directory.path());
        assert_eq!(all.len(), file.cases.len());
        let mut ids = Ids::default();
        for (case, found) in file.cases.iter().zip(&all) {
            if let Err(fault) = judge(case, &file.world, &mut ids, found) {
                faults.push(format!("{}: {fault}", file.path.display()));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
