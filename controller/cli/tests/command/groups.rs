//! Groups, events, flight records and keys, as an operator meets them.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::process::{Command as Process, Stdio};

use api::{Event, FlightRecord, GroupStatus};
use messages::keys::{HostPublic, ManagerPublic, read_host_secret, read_manager_secret};
use serde_json::Value;

use super::host::{Host, events, flight, groups};
use super::{assert_golden, run, understudy};

#[test]
fn groups_are_the_golden_tables() {
    let host = Host::start();
    for (arguments, golden) in [
        (&["group", "list"][..], "groups.txt"),
        (&["group", "show", "z/j"], "group.txt"),
        (&["group", "show", "0x654321/10.0.0.4"], "group-unknown.txt"),
    ] {
        let (code, out, err) = run(&mut host.understudy(arguments));
        assert_eq!((code, err.as_str()), (0, ""));
        assert_golden(golden, &out);
    }
}

#[test]
fn groups_as_json_are_what_the_host_says() {
    let host = Host::start();
    let (_, out, _) = run(&mut host.understudy(&["group", "list", "--json"]));
    assert_eq!(
        serde_json::from_str::<Vec<GroupStatus>>(&out).unwrap(),
        groups()
    );
    let (_, out, _) = run(&mut host.understudy(&["group", "show", "z/10.0.0.3", "--json"]));
    assert_eq!(
        serde_json::from_str::<GroupStatus>(&out).unwrap(),
        groups()[0]
    );
}

#[test]
fn every_request_to_a_group_reaches_it_as_it_was_meant() {
    let host = Host::start();
    let rows: [(&[&str], &str); 10] = [
        (
            &["promote", "z/g"],
            "Promote(Promote { to: None, fenced: false })",
        ),
        (
            &["promote", "z/10.0.0.3", "--to", "t", "--fenced"],
            "Promote(Promote { to: Some(\"t\"), fenced: true })",
        ),
        (
            &["move", "z/g", "--to", "t"],
            "Move(Move { to: Some(\"t\") })",
        ),
        (&["checkpoint", "z/j"], "Checkpoint(Whole)"),
        (&["checkpoint", "z/j", "--begin"], "Checkpoint(Begin)"),
        (
            &["checkpoint", "z/j", "--commit", "5"],
            "Checkpoint(Commit { number: 5 })",
        ),
        (
            &["add-member", "z/g", "r", "--rank", "1"],
            "AddMember(AddMember { host: \"r\", rank: Some(1) })",
        ),
        (
            &["add-member", "z/g", "r"],
            "AddMember(AddMember { host: \"r\", rank: None })",
        ),
        (
            &["remove-member", "z/g", "t"],
            "RemoveMember(RemoveMember { host: \"t\" })",
        ),
        (&["reset-to-config", "z/g"], "ResetToConfig"),
    ];
    for (arguments, request) in rows {
        let (code, out, err) = run(host.understudy(&["group"]).args(arguments));
        assert_eq!((code, err.as_str()), (0, ""), "{arguments:?}");
        let mark = if request.starts_with("Checkpoint") {
            ", checkpoint 5"
        } else {
            ""
        };
        assert_eq!(
            out,
            format!("10.0.0.3 {request} (epoch 1.18, owner t{mark})\n")
        );
    }
    let (code, out, _) = run(&mut host.understudy(&["manager", "raise-term"]));
    assert_eq!((code, out.as_str()), (0, "the term is 2 now\n"));
    let (_, out, _) = run(&mut host.understudy(&["group", "checkpoint", "z/g", "--json"]));
    assert_eq!(
        serde_json::from_str::<Value>(&out).unwrap()["checkpoint"],
        5
    );
}

#[test]
fn what_the_state_of_a_group_does_not_allow_is_a_sentence_and_exit_code_1() {
    let host = Host::start();
    let (code, out, err) = run(&mut host.understudy(&["group", "remove-member", "z/g", "s"]));
    assert_eq!((code, out.as_str()), (1, ""));
    assert_eq!(
        err,
        "understudy: s owns 10.0.0.3: move it to another member first\n"
    );
    let (code, _, err) = run(&mut host.understudy(&["group", "show", "z/10.0.0.9"]));
    assert_eq!(code, 1);
    assert_eq!(
        err,
        "understudy: there is no group z/10.0.0.9: known are z/10.0.0.3, y/10.0.0.4\n"
    );
}

#[test]
fn events_are_the_golden_lines_and_as_json_what_the_host_says() {
    let host = Host::start();
    let (code, out, err) = run(&mut host.understudy(&["events"]));
    assert_eq!((code, err.as_str()), (0, ""));
    assert_golden("events.txt", &out);
    let (_, out, _) = run(&mut host.understudy(&["events", "--since", "1", "--json"]));
    let told: Vec<Event> = out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(told, events()[1..]);
}

#[test]
fn a_follower_sees_an_event_when_it_happens_and_is_told_when_the_daemon_stops() {
    let host = Host::start();
    let mut child = Process::new(assert_cmd::cargo::cargo_bin!("understudy"))
        .args(["events", "--follow", "--since", "3", "--json", "--socket"])
        .arg(&host.socket)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    host.log.push(events().remove(0));
    let line = lines.next().unwrap().unwrap();
    assert_eq!(serde_json::from_str::<Event>(&line).unwrap().sequence, 4);
    drop(host);
    assert!(lines.next().is_none());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let err = String::from_utf8(output.stderr).unwrap();
    assert!(err.contains("has the daemon stopped?"), "{err}");
}

#[test]
fn a_flight_is_listed_told_and_drawn() {
    let host = Host::start();
    let id = flight().id;
    let (code, out, _) = run(&mut host.understudy(&["flight", "list"]));
    assert_eq!(code, 0);
    assert_golden("flights.txt", &out);
    let (code, out, _) = run(&mut host.understudy(&["flight", "show", &id]));
    assert_eq!(code, 0);
    assert_golden("flight.txt", &out);
    let (_, out, _) = run(&mut host.understudy(&["flight", "show", &id, "--json"]));
    assert_eq!(
        serde_json::from_str::<FlightRecord>(&out).unwrap(),
        flight()
    );

    let (code, out, _) = run(&mut host.understudy(&["flight", "show", &id, "--svg", "-"]));
    assert_eq!(code, 0);
    assert_golden("flight.svg", &out);
    let file = host.dir.path().join("flight.svg");
    let path = file.to_str().unwrap();
    let (code, said, _) = run(&mut host.understudy(&["flight", "show", &id, "--svg", path]));
    assert_eq!((code, said), (0, format!("drawn into {path}\n")));
    assert_eq!(fs::read_to_string(&file).unwrap(), out);
    let nowhere = ["flight", "show", &id, "--svg", "/nonexistent/f.svg"];
    let (code, _, err) = run(&mut host.understudy(&nowhere));
    assert_eq!(code, 1);
    assert!(
        err.starts_with("understudy: cannot write /nonexistent/f.svg: "),
        "{err}"
    );
}

#[test]
fn a_key_goes_into_a_file_that_only_its_owner_reads_and_is_never_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("host.key");
    let file = path.to_str().unwrap();
    let (code, public, err) = run(&mut understudy(&["keygen", "host", "--out", file]));
    assert_eq!((code, err.as_str()), (0, ""));
    let public: HostPublic = public.trim_end().parse().unwrap();
    assert_eq!(read_host_secret(&path).unwrap().public(), public);
    let mode = fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    let (code, _, err) = run(&mut understudy(&["keygen", "host", "--out", file]));
    assert_eq!(code, 1);
    assert!(err.contains("never replaced: File exists"), "{err}");
    assert_eq!(read_host_secret(&path).unwrap().public(), public);

    let path = dir.path().join("manager.key");
    let file = path.to_str().unwrap();
    let (_, out, _) = run(&mut understudy(&[
        "keygen", "manager", "--json", "--out", file,
    ]));
    let answer: Value = serde_json::from_str(&out).unwrap();
    let public: ManagerPublic = answer["public_key"].as_str().unwrap().parse().unwrap();
    assert_eq!(read_manager_secret(&path).unwrap().public(), public);
    assert_eq!(answer["key_file"], file);
}

#[test]
fn without_a_file_the_secret_key_is_what_would_be_in_it_and_the_public_one_is_beside() {
    let (code, secret, public) = run(&mut understudy(&["keygen", "host"]));
    assert_eq!(code, 0);
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("host.key");
    fs::write(&path, secret).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    let public: HostPublic = public.trim_end().parse().unwrap();
    assert_eq!(read_host_secret(&path).unwrap().public(), public);
}
