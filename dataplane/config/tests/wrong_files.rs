//! Every wrong file in `tests/wrong` is refused with exactly the lines in its `.expected`
#![allow(
    clippy::unwrap_used,
    reason = "a test says no more than panicking does"
)]

use std::fs;
use std::path::{Path, PathBuf};

/// The files in `directory` that end in `.toml`, sorted.
fn toml_files(directory: &str) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "toml")
        })
        .collect();
    files.sort();
    files
}

/// With `BLESS=1` in the environment the expectations are written anew, for review by `git diff`.
#[test]
fn every_wrong_file_is_refused_with_its_expected_lines() {
    let files = toml_files("tests/wrong");
    assert!(
        files.len() >= 45,
        "only {} wrong files were found",
        files.len()
    );
    let mut different = Vec::new();
    for path in files {
        let said = match config::load(&path) {
            Ok(_) => "accepted\n".to_owned(),
            Err(errors) => format!("{errors}\n"),
        };
        let expected_path = path.with_extension("expected");
        if std::env::var_os("BLESS").is_some() {
            fs::write(&expected_path, &said).unwrap();
        }
        let expected = fs::read_to_string(&expected_path).unwrap_or_default();
        if said != expected {
            different.push(format!(
                "{}\n  said     {said}  expected {expected}",
                path.display()
            ));
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
}

#[test]
fn every_expectation_belongs_to_a_wrong_file() {
    for entry in fs::read_dir("tests/wrong").unwrap() {
        let path = entry.unwrap().path();
        if path
            .extension()
            .is_some_and(|extension| extension == "expected")
        {
            assert!(
                path.with_extension("toml").exists(),
                "{} has no file",
                path.display()
            );
        }
    }
}

#[test]
fn an_unreadable_file_is_named() {
    let errors = config::load(Path::new("tests/wrong/nowhere.toml")).unwrap_err();
    assert_eq!(
        errors.to_string(),
        "tests/wrong/nowhere.toml:1:1: the configuration cannot be read: No such file or directory \
         (os error 2) (give the path of a host's TOML file that you may read)"
    );
}

#[test]
fn the_report_draws_both_files_of_a_conflict() {
    let path = Path::new("tests/wrong/guest-mtu-in-another-file.toml");
    let report = config::load(path).unwrap_err().report(false);
    assert!(report.contains("mtu = 1600"), "{report}");
    assert!(report.contains("mtu = 1573"), "{report}");
    assert!(report.contains("parts/host.toml:8:7"), "{report}");
    assert!(
        report.contains("help: raise [uplink] mtu to 1601"),
        "{report}"
    );
    assert!(
        !report.contains('\u{1b}'),
        "colours where none were asked for: {report}"
    );
    let coloured = config::load(path).unwrap_err().report(true);
    assert!(coloured.contains('\u{1b}'), "no colours: {coloured}");
}

#[test]
fn the_report_names_a_file_of_which_no_line_can_be_drawn() {
    for path in ["tests/wrong/empty-file.toml", "tests/wrong/nowhere.toml"] {
        let report = config::load(Path::new(path)).unwrap_err().report(false);
        assert!(report.contains(&format!("{path}: the ")), "{report}");
    }
}

#[test]
fn the_report_is_headed_by_the_place_to_change() {
    let path = Path::new("tests/wrong/nodes-with-one-mac.toml");
    let report = config::load(path).unwrap_err().report(false);
    assert!(
        report.contains("[tests/wrong/nodes-with-one-mac.toml:16:7]"),
        "{report}"
    );
}

#[test]
fn the_json_has_a_record_for_each_problem() {
    let errors = config::load(Path::new("tests/wrong/many-at-once.toml")).unwrap_err();
    let json: serde_json::Value = serde_json::from_str(&errors.json()).unwrap();
    let records = json.as_array().unwrap();
    assert_eq!(records.len(), errors.problems().len());
    for (record, problem) in records.iter().zip(errors.problems()) {
        assert_eq!(record["severity"], "error");
        assert_eq!(record["file"], problem.places[0].file.to_str().unwrap());
        assert_eq!(record["line"], problem.places[0].line);
        assert_eq!(record["column"], problem.places[0].column);
        assert_eq!(record["message"], problem.message);
        assert_eq!(record["help"], problem.help);
        assert_eq!(
            record["see"].as_array().unwrap().len(),
            problem.places.len() - 1
        );
    }
}
