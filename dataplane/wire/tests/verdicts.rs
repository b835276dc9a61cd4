//! The documents that say which sentence is shown by which test: no sentence is without its
//! verdict, and every test that they name exists.
#![allow(
    clippy::unwrap_used,
    reason = "a test says no more than panicking does"
)]

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// Where the tests of a crate are; of `lab`, the scripts.
fn place(krate: &str) -> Option<PathBuf> {
    let root = Path::new(ROOT);
    if krate == "lab" {
        return Some(root.join("scripts/tests"));
    }
    let homes = ["dataplane", "controller", "bench"];
    homes
        .map(|home| root.join(home).join(krate))
        .into_iter()
        .find(|path| path.is_dir())
}

/// Every file below a directory.
fn files(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else {
            found.push(path);
        }
    }
}

/// The names of the tests in a place: functions, or scripts.
fn tests_in(place: &Path) -> HashSet<String> {
    let mut found = Vec::new();
    files(place, &mut found);
    let mut names = HashSet::new();
    for path in found {
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("sh") => {
                names.insert(path.file_stem().unwrap().to_str().unwrap().to_owned());
            }
            Some("rs") => {
                let text = fs::read_to_string(&path).unwrap();
                let functions = text.split("fn ").skip(1);
                let names_of =
                    functions.filter_map(|rest| rest.split_once('(').map(|(name, _)| name));
                names.extend(names_of.map(str::to_owned));
            }
            _ => {}
        }
    }
    names
}

/// `crate: `a`, `b`; lab: `c`` as (crate, test), in a cell of a table.
fn named(cell: &str) -> Vec<(String, String)> {
    let mut named = Vec::new();
    let mut krate = None;
    for part in cell.split('`').enumerate() {
        match part {
            (at, text) if at % 2 == 0 => {
                let text = text.trim();
                if let Some(before) = text.strip_suffix(':') {
                    krate = before.split([' ', ';', '.']).next_back().map(str::to_owned);
                } else if !matches!(text, "," | "") {
                    krate = None;
                }
            }
            (_, name) => {
                if let Some(krate) = &krate {
                    named.push((krate.clone(), name.to_owned()));
                }
            }
        }
    }
    named
}

/// The rows of all tables in a document, headings left out, as cells.
fn rows(document: &str) -> Vec<Vec<String>> {
    let text = fs::read_to_string(Path::new(ROOT).join(document)).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let is_row = |line: &&str| line.starts_with('|');
    let rows = lines.iter().enumerate().filter(|(at, line)| {
        let heading = lines
            .get(at + 1)
            .is_some_and(|next| next.starts_with("|---") || next.starts_with("| ---"));
        is_row(line) && !heading && !line.starts_with("|---") && !line.starts_with("| ---")
    });
    rows.map(|(_, line)| {
        let cells = line.trim_matches('|').split(" | ");
        cells.map(|cell| cell.trim().to_owned()).collect()
    })
    .collect()
}

#[test]
fn every_test_that_a_document_names_exists() {
    let mut seen = 0;
    let mut missing = Vec::new();
    for document in ["docs/rfc7915.md", "docs/wire-verdicts.md"] {
        for row in rows(document) {
            for (krate, test) in row.iter().flat_map(|cell| named(cell)) {
                let Some(place) = place(&krate) else {
                    continue;
                };
                seen += 1;
                if !tests_in(&place).contains(&test) {
                    missing.push(format!("{document}: {krate}: {test}"));
                }
            }
        }
    }
    assert!(missing.is_empty(), "no such tests:\n{}", missing.join("\n"));
    assert!(seen > 200, "only {seen} tests are named");
}

/// That each row of a document has a section, a sentence, one of these verdicts, and a test that
/// shows it, unless its verdict may be without.
fn judge(document: &str, rows_min: usize, verdicts: &[&str], without_test: &[&str]) {
    let rows = rows(document);
    assert!(rows.len() > rows_min, "only {} rows", rows.len());
    for row in &rows {
        let [section, sentence, verdict, shown] = row.as_slice() else {
            panic!("not four cells: {row:?}");
        };
        assert!(!section.is_empty() && !sentence.is_empty(), "{row:?}");
        let begins = |words: &[&str]| words.iter().any(|word| verdict.starts_with(word));
        assert!(begins(verdicts), "{row:?}");
        let shows = named(shown).iter().any(|(krate, _)| place(krate).is_some());
        assert!(shows || begins(without_test), "no test: {row:?}");
    }
}

#[test]
fn no_sentence_of_rfc_7915_is_without_its_verdict() {
    let verdicts = [
        "implemented",
        "otherwise",
        "not applicable",
        "discard implemented",
    ];
    judge("docs/rfc7915.md", 100, &verdicts, &["not applicable: "]);
}

#[test]
fn no_sentence_of_the_wire_format_is_without_its_verdict() {
    let verdicts = ["implemented", "otherwise", "not applicable", "not yet"];
    let without_test = ["not applicable: ", "not yet: "];
    judge("docs/wire-verdicts.md", 90, &verdicts, &without_test);
    // Every section of the norm has a table.
    let sections: HashSet<String> = rows("docs/wire-verdicts.md")
        .iter()
        .map(|row| row[0].clone())
        .collect();
    let norm = (1..=10).map(|section| section.to_string()).collect();
    assert_eq!(sections, norm);
}
