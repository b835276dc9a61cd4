use std::fs;
use std::net::Ipv4Addr;
use std::path::Path;

use super::*;

const PATIENCE: Duration = Duration::from_secs(60);

fn group(index: u8) -> GroupId {
    GroupId::new(0x12_3456, Ipv4Addr::new(10, 0, 0, index))
}

/// A hook that is this shell script.
fn script(directory: &Path, name: &str, lines: &str) -> Hook {
    let path = directory.join(name);
    let text = directory.join(format!("{name}.sh"));
    fs::write(&text, format!("#!/bin/sh\n{lines}\n")).unwrap();
    // Another process writes it: a file that one of this process's children, forked by another test
    // at this moment, has open for writing cannot be executed.
    let mut install = Command::new("install");
    let installed = install.args(["-m", "755"]).arg(&text).arg(&path).status();
    assert!(installed.unwrap().success());
    Hook {
        executable: Arc::new(path),
        time_out: PATIENCE,
        group: group(3),
        epoch: Epoch { term: 1, seq: 7 },
        role: "primary",
    }
}

fn next(hooks: &mut Hooks) -> HookDone {
    loop {
        match hooks.poll() {
            Some(done) => return done,
            None => thread::sleep(PAUSE),
        }
    }
}

#[test]
fn a_hook_is_told_group_epoch_and_role() {
    let directory = tempfile::tempdir().unwrap();
    let said = directory.path().join("said");
    let lines = format!(
        "echo \"$# $*\" > {}; echo out; echo err >&2",
        said.display()
    );
    let mut hooks = Hooks::spawn().unwrap();
    hooks.run(script(directory.path(), "hook", &lines)).unwrap();
    let done = HookDone {
        group: group(3),
        epoch: Epoch { term: 1, seq: 7 },
        ok: true,
    };
    assert_eq!(next(&mut hooks), done);
    assert_eq!(
        fs::read_to_string(said).unwrap(),
        "3 0x123456/10.0.0.3 1.7 primary\n"
    );
}

#[test]
fn a_hook_that_fails_or_is_missing_is_reported() {
    let directory = tempfile::tempdir().unwrap();
    let mut hooks = Hooks::spawn().unwrap();
    hooks
        .run(script(directory.path(), "hook", "exit 3"))
        .unwrap();
    assert!(!next(&mut hooks).ok);
    let mut missing = script(directory.path(), "hook", "");
    missing.executable = Arc::new(directory.path().join("missing"));
    hooks.run(missing).unwrap();
    assert!(!next(&mut hooks).ok);
}

#[test]
fn a_hook_that_takes_too_long_is_killed_with_all_that_it_started() {
    let directory = tempfile::tempdir().unwrap();
    let child = directory.path().join("child");
    let lines = format!("sleep 600 & echo $! > {}; wait", child.display());
    let mut hook = script(directory.path(), "hook", &lines);
    hook.time_out = Duration::from_secs(2);
    let mut hooks = Hooks::spawn().unwrap();
    hooks.run(hook).unwrap();
    assert!(!next(&mut hooks).ok);
    let number = fs::read_to_string(child).unwrap();
    let status = Path::new("/proc").join(number.trim()).join("status");
    // Gone, or dead and waiting for its new parent to take notice.
    while fs::read_to_string(&status).is_ok_and(|status| !status.contains("State:\tZ")) {
        thread::sleep(PAUSE);
    }
}

#[test]
fn hooks_of_one_group_run_in_order_and_those_of_others_beside_them() {
    let directory = tempfile::tempdir().unwrap();
    let go = directory.path().join("go");
    // The first waits for the hook of another group, which was asked for last.
    let waits = format!("while ! [ -e {} ]; do sleep 0.01; done", go.display());
    let first = script(directory.path(), "first", &waits);
    let mut second = script(
        directory.path(),
        "second",
        &format!("[ -e {} ]", go.display()),
    );
    second.epoch.seq = 8;
    second.role = "demoted";
    let mut other = script(
        directory.path(),
        "other",
        &format!("touch {}", go.display()),
    );
    other.group = group(4);
    let mut hooks = Hooks::spawn().unwrap();
    for hook in [first, second, other] {
        hooks.run(hook).unwrap();
    }
    let done = [next(&mut hooks), next(&mut hooks), next(&mut hooks)];
    assert!(done.iter().all(|done| done.ok), "{done:?}");
    let of_one = done.iter().filter(|done| done.group == group(3));
    assert_eq!(
        of_one.map(|done| done.epoch.seq).collect::<Vec<_>>(),
        [7, 8]
    );
}

#[test]
fn what_runs_is_killed_when_the_daemon_stops() {
    let directory = tempfile::tempdir().unwrap();
    let started = directory.path().join("started");
    let lines = format!("touch {}; sleep 600", started.display());
    let mut hooks = Hooks::spawn().unwrap();
    hooks.run(script(directory.path(), "hook", &lines)).unwrap();
    while !started.exists() {
        thread::sleep(PAUSE);
    }
    drop(hooks);
}
