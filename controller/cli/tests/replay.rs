//! `understudy replay` hands over to the daemon. A test program of its own: no other test may fork
//! while a copied program is still open for writing.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

#[test]
fn replay_becomes_the_daemon_beside_it_with_the_same_arguments() {
    let dir = tempfile::tempdir().unwrap();
    let program = dir.path().join("understudy");
    fs::copy(assert_cmd::cargo::cargo_bin!("understudy"), &program).unwrap();
    let arguments = [
        "replay",
        "--config",
        "r.toml",
        "--rx",
        "z/a=in.pcap",
        "--out",
        "d",
        "--help",
    ];
    let replay = || {
        let mut command = Command::new(&program);
        command
            .args(arguments)
            .env("PATH", format!("{}:/bin", dir.path().display()));
        command.output().unwrap()
    };
    let output = replay();
    assert_eq!(output.status.code(), Some(1));
    let err = String::from_utf8(output.stderr).unwrap();
    assert!(
        err.contains("understudy: cannot run understudyd: "),
        "{err}"
    );

    let daemon = dir.path().join("understudyd");
    fs::write(&daemon, "#!/bin/sh\necho \"$@\"\nexit 7\n").unwrap();
    fs::set_permissions(&daemon, PermissionsExt::from_mode(0o755)).unwrap();
    let output = replay();
    assert_eq!(output.status.code(), Some(7));
    assert_eq!(
        String::from_utf8(output.stdout).unwrap().trim(),
        arguments.join(" ")
    );
}
