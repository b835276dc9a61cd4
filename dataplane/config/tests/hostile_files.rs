//! No file makes the loader panic, and every refusal points somewhere
#![allow(
    clippy::unwrap_used,
    reason = "a test says no more than panicking does"
)]

use std::fs;
use std::path::Path;

use proptest::prelude::*;

/// Loads a file of these bytes; a refusal must be presentable in all three forms.
fn survives(bytes: &[u8]) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("host.toml");
    fs::write(&path, bytes).unwrap();
    if let Err(errors) = config::load(&path) {
        assert!(!errors.problems().is_empty());
        for problem in errors.problems() {
            assert!(
                !problem.message.is_empty() && !problem.help.is_empty(),
                "{problem:?}"
            );
            assert!(
                problem
                    .places
                    .iter()
                    .all(|place| place.line >= 1 && place.column >= 1)
            );
        }
        assert!(errors.to_string().contains("host.toml:"));
        assert!(!errors.report(false).is_empty());
        assert!(errors.json().starts_with('['));
    }
}

fn right() -> String {
    fs::read_to_string("tests/right/fixed72.toml").unwrap()
}

/// Values that a slip or an attack puts in the place of another.
const ODD_VALUES: [&str; 16] = [
    "0",
    "-1",
    "99999999999999999999",
    "1.5",
    "nan",
    "true",
    "\"\"",
    "\"é\"",
    "[]",
    "[[]]",
    "{}",
    "{ a = 1 }",
    "2026-01-01",
    "\"\\u0000\"",
    "\"::\"",
    "\"/\"",
];

proptest! {
    #[test]
    fn arbitrary_bytes_do_not_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        survives(&bytes);
    }

    #[test]
    fn arbitrary_text_does_not_panic(text in "[a-z\\[\\]=\"0-9.:/#é\n ]{0,200}") {
        survives(text.as_bytes());
    }

    #[test]
    fn changed_bytes_do_not_panic(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let mut bytes = right().into_bytes();
        for (index, byte) in changes {
            let index = index.index(bytes.len());
            bytes[index] = byte;
        }
        survives(&bytes);
    }

    #[test]
    fn odd_values_do_not_panic(
        changes in prop::collection::vec(
            (any::<prop::sample::Index>(), prop::sample::select(&ODD_VALUES[..])), 1..4),
    ) {
        let text = right();
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let keys: Vec<usize> = (0..lines.len()).filter(|&at| lines[at].contains(" = ")).collect();
        for (index, value) in changes {
            let line = &mut lines[keys[index.index(keys.len())]];
            let key = line.split(" = ").next().unwrap().to_owned();
            *line = format!("{key} = {value}");
        }
        survives(lines.join("\n").as_bytes());
    }

    #[test]
    fn lines_that_moved_vanished_or_doubled_do_not_panic(
        order in prop::collection::vec(any::<prop::sample::Index>(), 0..40),
    ) {
        let text = right();
        let lines: Vec<&str> = text.lines().collect();
        let chosen: Vec<&str> = order.iter().map(|index| *index.get(&lines)).collect();
        survives(chosen.join("\n").as_bytes());
    }
}

#[test]
fn nesting_without_end_is_refused() {
    let deep = format!("workers = {}", "[".repeat(200_000));
    survives(deep.as_bytes());
    survives(format!("{} = 1", vec!["a"; 100_000].join(".")).as_bytes());
}

#[test]
fn a_file_that_never_ends_is_refused() {
    let errors = config::load(Path::new("/dev/zero")).unwrap_err();
    let said = errors.to_string();
    assert!(
        said.contains("the configuration is larger than 16 MiB"),
        "{said}"
    );
}

#[test]
fn text_that_is_not_utf8_is_refused_with_its_line() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("host.toml");
    fs::write(&path, b"[host]\nname = \"\xff\"\n").unwrap();
    let said = config::load(&path).unwrap_err().to_string();
    assert!(
        said.contains("is not UTF-8 text: the first wrong byte is in line 2"),
        "{said}"
    );
}

#[test]
fn a_thousand_errors_are_all_listed_and_the_report_stays_short() {
    let mut text = right();
    for index in 0..1000 {
        text.push_str(&format!("[[network]]\nname = \"n{index}\"\nid = 0\n"));
    }
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("host.toml");
    fs::write(&path, text).unwrap();
    let errors = config::load(&path).unwrap_err();
    assert_eq!(errors.problems().len(), 2000);
    assert_eq!(errors.to_string().lines().count(), 2000);
    assert!(errors.report(false).ends_with("and 1950 more\n"));
}
