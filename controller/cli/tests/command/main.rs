//! The command as its users run it, against the server that understudyd runs.
#![allow(clippy::unwrap_used)] // a failed unwrap is a failed test, in what the tests share too

mod groups;
mod host;

use std::fs;
use std::path::Path;
use std::process::{Command as Process, Stdio};

use api::{Applied, Status};
use assert_cmd::Command;
use serde_json::Value;

use host::Host;

impl Host {
    fn understudy(&self, arguments: &[&str]) -> Command {
        let mut command = understudy(arguments);
        command.arg("--socket").arg(&self.socket);
        command
    }

    fn file(&self, text: &str) -> String {
        let path = self.dir.path().join("mappings");
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

fn understudy(arguments: &[&str]) -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("understudy"));
    command.args(arguments);
    command
}

/// The exit code, standard output and standard error.
fn run(command: &mut Command) -> (i32, String, String) {
    let output = command.output().unwrap();
    let text = |octets: Vec<u8>| String::from_utf8(octets).unwrap();
    (
        output.status.code().unwrap(),
        text(output.stdout),
        text(output.stderr),
    )
}

/// Compares with a file in `tests`, or writes it anew with `UPDATE_GOLDEN` in the environment.
fn assert_golden(name: &str, out: &str) {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests")
        .join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&golden, out).unwrap();
    }
    assert_eq!(out, fs::read_to_string(golden).unwrap(), "{name}");
}

#[test]
fn the_status_is_the_golden_table() {
    let host = Host::start();
    let (code, out, err) = run(&mut host.understudy(&["status"]));
    assert_eq!((code, err.as_str()), (0, ""));
    assert_golden("status.txt", &out);
    let (_, all, _) = run(&mut host.understudy(&["status", "--all"]));
    assert!(
        !out.contains("encode_ttl") && all.contains("encode_ttl"),
        "{all}"
    );
}

#[test]
fn the_status_as_json_is_what_the_host_says() {
    let host = Host::start();
    for form in [["status", "--json", "--all"], ["status", "-o", "json"]] {
        let (code, out, _) = run(&mut host.understudy(&form));
        assert_eq!(code, 0);
        let mut golden: Status =
            serde_json::from_str(include_str!("../../../api/tests/status.json")).unwrap();
        golden.mappings = 0;
        assert_eq!(serde_json::from_str::<Status>(&out).unwrap(), golden);
    }
}

#[test]
fn a_mapping_is_added_and_removed_and_said_not_to_be_persisted() {
    let host = Host::start();
    let add = ["mapping", "add", "z", "10.0.0.9", "s", "--generation", "2"];
    let (code, out, _) = run(&mut host.understudy(&add));
    assert_eq!(code, 0);
    assert_eq!(
        out,
        "1 mapping changed, table version 1 (not persisted: gone when the daemon restarts)\n"
    );
    let remove = ["mapping", "remove", "0x123456", "10.0.0.9", "--json"];
    let (code, out, _) = run(&mut host.understudy(&remove));
    assert_eq!(code, 0);
    let applied: Applied = serde_json::from_str(&out).unwrap();
    assert_eq!((applied.table_version, applied.persisted), (2, false));
}

#[test]
fn a_refusal_of_the_host_is_its_sentence_and_exit_code_1() {
    let host = Host::start();
    let (code, out, err) = run(&mut host.understudy(&["mapping", "add", "z", "10.0.0.9", "q"]));
    assert_eq!((code, out.as_str()), (1, ""));
    assert_eq!(err, "understudy: there is no host \"q\" in the fabric\n");
}

#[test]
fn a_file_and_standard_input_are_loaded_in_batches() {
    let host = Host::start();
    let lines: String = (0..100_000u32)
        .map(|n| format!("z 10.{}.{}.{} s\n", n / 62_500, n / 250 % 250, n % 250))
        .collect();
    let (code, out, err) = run(&mut host.understudy(&["mapping", "load", &host.file(&lines)]));
    assert_eq!((code, err.as_str()), (0, ""));
    assert!(
        out.starts_with("100000 mappings loaded, 100000 changed, table version "),
        "{out}"
    );
    let load = ["mapping", "load", "-", "--json"];
    let (code, out, _) = run(host.understudy(&load).write_stdin(lines));
    assert_eq!(code, 0);
    let loaded: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(loaded["entries"], 100_000);
    assert!(loaded["batches"].as_u64().unwrap() > 1, "{out}");
    assert_eq!(loaded["persisted"], false);
    let (_, out, _) = run(host
        .understudy(&["mapping", "load", "-"])
        .write_stdin("# none\n"));
    assert_eq!(out, "the file holds no mappings: nothing changed\n");
}

#[test]
fn a_wrong_line_is_told_by_file_and_line_and_nothing_is_sent() {
    let host = Host::start();
    let file = host.file("z 10.0.0.9 s\n\nz 10.0.0 s\n");
    let (code, _, err) = run(&mut host.understudy(&["mapping", "load", &file]));
    assert_eq!(code, 1);
    assert_eq!(
        err,
        format!(
            "understudy: {file}:3: address \"10.0.0\" is not an IPv4 address like 10.0.0.9\n\
             nothing was sent\n"
        )
    );
    let (_, out, _) = run(&mut host.understudy(&["status", "--json"]));
    assert_eq!(serde_json::from_str::<Status>(&out).unwrap().mappings, 0);
}

#[test]
fn a_line_that_the_host_refuses_is_told_by_file_and_line() {
    let host = Host::start();
    let (code, _, err) = run(host
        .understudy(&["mapping", "load", "-"])
        .write_stdin("# two\nz 10.0.0.9 s\nz 10.0.0.8 q\n"));
    assert_eq!(code, 1);
    assert_eq!(
        err,
        "understudy: standard input:3: there is no host \"q\" in the fabric \
         (0 mappings before line 2 applied, none from there on)\n"
    );
    let (code, _, err) = run(&mut host.understudy(&["mapping", "load", "/nonexistent"]));
    assert_eq!(code, 1);
    assert!(
        err.starts_with("understudy: cannot read /nonexistent: "),
        "{err}"
    );
}

#[test]
fn without_a_daemon_every_conversation_ends_with_69_and_a_sentence() {
    for arguments in [
        &["status"][..],
        &["mapping", "remove", "z", "10.0.0.9"],
        &["mapping", "load", "-"],
        &["group", "move", "z/g"],
        &["events"],
    ] {
        let mut command = understudy(arguments);
        command
            .args(["--socket", "/nonexistent/r.sock"])
            .write_stdin("z 10.0.0.9 s\n");
        let (code, _, err) = run(&mut command);
        assert_eq!(code, 69, "{err}");
        assert!(
            err.contains("no daemon answers on /nonexistent/r.sock"),
            "{err}"
        );
        assert!(err.contains("is understudyd running"), "{err}");
    }
    let (code, _, err) = run(&mut understudy(&["status", "--host", "no-such-host"]));
    assert_eq!(code, 69);
    assert!(err.contains("/run/understudy/no-such-host.sock"), "{err}");
}

#[test]
fn a_wrong_command_line_ends_with_2() {
    for arguments in [
        &["statu"][..],
        &[],
        &["mapping", "add", "z"],
        &["mapping", "add", "Z!", "10.0.0.9", "s"],
        &["mapping", "add", "z", "10.0.0", "s"],
        &["mapping", "add", "z", "10.0.0.9", "s", "--mac", "nonsense"],
        &["group", "show", "z"],
        &["group", "show", "z/G!"],
        &["group", "add-member", "z/g"],
        &["flight", "show", "../x"],
        &["status", "--json", "--output", "table"],
        &["status", "--host", "r", "--socket", "/r.sock"],
    ] {
        let (code, out, err) = run(&mut understudy(arguments));
        assert_eq!((code, out.as_str()), (2, ""), "{arguments:?}");
        assert!(!err.is_empty(), "{arguments:?}");
    }
}

/// Runs the command with a reader that is gone already; its exit code and standard error.
fn with_broken_pipe(arguments: &[&str]) -> (Option<i32>, String) {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = Process::new(assert_cmd::cargo::cargo_bin!("understudy"))
        .args(arguments)
        .stdout(writer)
        .stderr(Stdio::piped())
        .output()
        .unwrap();
    (
        output.status.code(),
        String::from_utf8(output.stderr).unwrap(),
    )
}

#[test]
fn a_reader_who_goes_away_is_no_failure() {
    let host = Host::start();
    let socket = host.socket.to_str().unwrap();
    for arguments in [
        &["status", "--socket", socket][..],
        &["status", "--json", "--socket", socket],
        &["group", "list", "--socket", socket],
        &["events", "--follow", "--socket", socket],
        &["flight", "list", "--socket", socket],
        &[
            "flight",
            "show",
            &host::flight().id,
            "--svg",
            "-",
            "--socket",
            socket,
        ],
        &["keygen", "host", "--json"],
        &["reasons"],
        &["reasons", "--json"],
        &["completion", "bash"],
        &["man"],
    ] {
        let result = with_broken_pipe(arguments);
        assert_eq!(result, (Some(0), String::new()), "{arguments:?}");
    }
}

#[test]
fn a_full_disk_is_a_failure() {
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let output = Process::new(assert_cmd::cargo::cargo_bin!("understudy"))
        .arg("reasons")
        .stdout(full)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("No space left on device"));
}

#[test]
fn every_drop_reason_is_listed_with_its_class_and_meaning() {
    let (code, out, _) = run(&mut understudy(&["reasons", "--json"]));
    assert_eq!(code, 0);
    let reasons: Vec<Value> = serde_json::from_str(&out).unwrap();
    assert_eq!(reasons.len(), wire::drop_reason::DropReason::COUNT);
    let (_, table, _) = run(&mut understudy(&["reasons"]));
    for reason in reasons {
        for field in ["reason", "class", "meaning"] {
            assert!(table.contains(reason[field].as_str().unwrap()), "{reason}");
        }
    }
}

#[test]
fn a_configuration_that_cannot_run_is_shown_with_its_place_and_ends_with_78() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("r.toml");
    fs::write(&file, "[host]\nnmae = \"r\"\n").unwrap();
    let path = file.to_str().unwrap();
    let (code, out, err) = run(&mut understudy(&["check", path]));
    assert_eq!((code, out.as_str()), (78, ""));
    assert!(err.contains("nmae") && err.contains("r.toml:2:"), "{err}");
    assert!(!err.contains('\u{1b}'), "colours in a file: {err}");
    let (code, out, _) = run(&mut understudy(&["check", path, "--json"]));
    assert_eq!(code, 78);
    let problems: Vec<Value> = serde_json::from_str(&out).unwrap();
    assert!(
        problems
            .iter()
            .any(|p| p["line"] == 2 && p["severity"] == "error"),
        "{out}"
    );
}

#[test]
fn a_configuration_that_can_run_is_summed_up() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("r.toml");
    fs::write(&file, include_str!("../r.toml")).unwrap();
    let path = file.to_str().unwrap();
    let (code, out, err) = run(&mut understudy(&["check", path]));
    assert_eq!((code, err.as_str()), (0, ""));
    let sum = "host r can run: fabric of 2 hosts, 1 network, 2 nodes, 1 port here";
    assert_eq!(out, format!("{path}: {sum}\n"));
    let (code, out, _) = run(&mut understudy(&["check", path, "--json"]));
    assert_eq!(
        (
            code,
            serde_json::from_str::<Vec<Value>>(&out).unwrap().len()
        ),
        (0, 0)
    );
}

#[test]
fn help_tells_the_exit_codes_and_man_pages_and_completions_know_every_command() {
    let (code, help, _) = run(&mut understudy(&["--help"]));
    assert_eq!(code, 0);
    assert!(help.contains("69  no daemon can be reached"), "{help}");
    let (_, completion, _) = run(&mut understudy(&["completion", "bash"]));
    let dir = tempfile::tempdir().unwrap();
    let (code, _, _) = run(&mut understudy(&[
        "man",
        "--out",
        dir.path().to_str().unwrap(),
    ]));
    assert_eq!(code, 0);
    for command in [
        "status",
        "mapping",
        "group",
        "events",
        "flight",
        "manager",
        "keygen",
        "check",
        "reasons",
        "completion",
        "man",
    ] {
        assert!(
            help.contains(command) && completion.contains(command),
            "{command}"
        );
        let page = dir.path().join(format!("understudy-{command}.1"));
        assert!(
            fs::read_to_string(page).unwrap().contains(command),
            "{command}"
        );
    }
}
