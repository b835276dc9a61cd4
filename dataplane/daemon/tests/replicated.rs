//! The daemon with a group: what it shows, and what it refuses.

mod support;

use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use api::{GroupRole, GroupState, GroupStatus, Lease};
use journal::RealDisk;
use messages::keys::{HostSecret, ManagerSecret, write_secret};
use support::{Daemon, Files, UNDERSTUDYD, ask, text, understudyd};

/// What host r is called here.
const NAME: &str = "replicated-r";

/// A tenant with a group of these members on r and s; the manager is on `manager`.
fn replicated(manager: &str, members: &str) -> Files {
    let files = Files::new();
    let state = |name: &str| files.path(name).display().to_string();
    let group = format!(
        r#"
[[network]]
name = "x"
id = 0x111111
[[network.subnet]]
prefix = "10.0.0.0/24"
gateway = "10.0.0.1"
mtu = 1500
[[network.node]]
name = "p"
address = "10.0.0.5"
host = "r"
[[network.node]]
name = "q"
address = "10.0.0.5"
host = "s"
[[group]]
network = "x"
address = "10.0.0.5"
members = [{members}]
[manager]
host = "{manager}"
state_dir = "{}"
"#,
        state("manager")
    );
    let fabric = files.path("fabric.toml");
    let shared = fs::read_to_string(&fabric).expect("read") + &group;
    fs::write(&fabric, shared).expect("written");
    files.edit(
        "fabric.toml",
        "[fabric]\n",
        "[fabric]\ninsecure_lab = true\n",
    );
    files.host(
        "r",
        "net_ring0",
        &[("z/a", "net_ring1"), ("x/p", "net_ring2")],
    );
    let host = format!("[host]\nstate_dir = \"{}\"\n", state("state"));
    files.edit("r.toml", "[host]\n", &host);
    // Not the name of a host that may run on this machine: DPDK's files are named after it.
    for file in ["fabric.toml", "r.toml"] {
        files.edit(file, "\"r\"", &format!("\"{NAME}\""));
    }
    files
}

/// A group that r has alone, under its own manager.
fn alone() -> Files {
    let files = replicated("r", "\"p\"");
    // q would be a node of the address that is in no group.
    files.edit(
        "fabric.toml",
        "name = \"q\"\naddress = \"10.0.0.5\"",
        "name = \"q\"\naddress = \"10.0.0.6\"",
    );
    files
}

fn group(files: &Files) -> GroupStatus {
    let groups = ask(files, "r", async |client| client.groups().await);
    let mut groups = groups.expect("the daemon answers");
    assert_eq!(groups.len(), 1);
    groups.remove(0)
}

/// Waits until the group is as it should be.
fn eventually(files: &Files, holds: impl Fn(&GroupStatus) -> bool) -> GroupStatus {
    for _ in 0..200 {
        let group = group(files);
        if holds(&group) {
            return group;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("not within ten seconds: {:#?}", group(files));
}

fn run(config: &Path) -> Output {
    understudyd(&["--config", config.to_str().expect("UTF-8")])
}

#[test]
fn without_a_word_of_the_manager_the_group_is_nobodys() {
    let files = replicated("s", "\"p\", \"q\"");
    let daemon = Daemon::start(&files.path("r.toml"));
    std::thread::sleep(Duration::from_millis(500));
    let group = group(&files);
    assert_eq!(
        (group.network.as_str(), group.owner.as_deref()),
        ("x", None)
    );
    assert_eq!((group.state, group.confirmed), (GroupState::Unknown, false));
    assert_eq!((group.epoch, group.lease), (None, None));
    assert!(matches!(
        group.role,
        GroupRole::Joining | GroupRole::None | GroupRole::Fenced
    ));
    assert!(group.buffer.is_some(), "a member has its port here");
    assert!(daemon.end_by("TERM").success());
}

#[test]
fn a_lone_member_beside_its_manager_has_the_address_and_again_after_a_restart() {
    let files = alone();
    let owned = |group: &GroupStatus| group.role == GroupRole::Primary;
    let daemon = Daemon::start(&files.path("r.toml"));
    let first = eventually(&files, owned);
    assert_eq!((first.owner.as_deref(), first.generation), (Some(NAME), 1));
    assert_eq!(
        (first.state, first.lease),
        (GroupState::Solo, Some(Lease::Unlimited))
    );
    assert!(first.confirmed);
    assert!(
        daemon.log().contains("insecure_lab = true"),
        "{}",
        daemon.log()
    );
    assert!(daemon.end_by("TERM").success());
    let daemon = Daemon::start(&files.path("r.toml"));
    let again = eventually(&files, owned);
    assert_eq!(again.owner.as_deref(), Some(NAME));
    assert!(
        again.epoch > first.epoch,
        "a restart is never a continuation"
    );
    assert!(daemon.end_by("TERM").success());
}

#[test]
fn a_kill_in_the_middle_leaves_disks_that_the_next_daemon_believes() {
    let files = alone();
    let owned = |group: &GroupStatus| group.role == GroupRole::Primary;
    for _ in 0..2 {
        let daemon = Daemon::start(&files.path("r.toml"));
        eventually(&files, owned);
        assert!(!daemon.end_by("KILL").success());
    }
    let daemon = Daemon::start(&files.path("r.toml"));
    eventually(&files, owned);
    assert!(!daemon.log().contains("not believed"), "{}", daemon.log());
    assert!(daemon.end_by("TERM").success());
}

/// The same fabric with real keys; r's are in files.
fn with_keys(files: &Files) {
    let host = |seed: u8| HostSecret::from_random([seed; 32]);
    let manager = ManagerSecret::from_random([9; 32]);
    files.edit("fabric.toml", "insecure_lab = true\n", "");
    for (seed, locator) in [(1, "fd00:aa:0:100::/56"), (2, "fd00:aa:0:200::/56")] {
        let locator = format!("locator = \"{locator}\"\n");
        let key = format!("{locator}public_key = \"{}\"\n", host(seed).public());
        files.edit("fabric.toml", &locator, &key);
    }
    let (own, managers) = (files.path("host.key"), files.path("manager.key"));
    let keys = format!(
        "[manager]\npublic_key = \"{}\"\nkey_file = \"{}\"\n",
        manager.public(),
        managers.display()
    );
    files.edit("fabric.toml", "[manager]\n", &keys);
    let key_file = format!("[host]\nkey_file = \"{}\"\n", own.display());
    files.edit("r.toml", "[host]\n", &key_file);
    write_secret(&own, &host(1)).expect("written");
    write_secret(&managers, &manager).expect("written");
}

#[test]
fn with_its_keys_it_starts_and_says_nothing_of_a_lab() {
    let files = alone();
    with_keys(&files);
    let daemon = Daemon::start(&files.path("r.toml"));
    eventually(&files, |group| group.role == GroupRole::Primary);
    assert!(!daemon.log().contains("insecure_lab"), "{}", daemon.log());
    assert!(daemon.end_by("TERM").success());
}

#[test]
fn a_wrong_key_file_is_said_and_exits_78() {
    let files = alone();
    with_keys(&files);
    for (name, right, sentence) in [
        (
            "host.key",
            "understudy host key 1",
            "its first line should be",
        ),
        (
            "manager.key",
            "understudy manager key 1",
            "its first line should be",
        ),
        ("host.key", "", "No such file"),
    ] {
        let file = files.path(name);
        let before = fs::read_to_string(&file).expect("a key");
        if right.is_empty() {
            fs::remove_file(&file).expect("removed");
        } else {
            files.edit(name, right, "understudy other key 1");
        }
        let output = run(&files.path("r.toml"));
        let stderr = text(&output.stderr);
        assert_eq!(output.status.code(), Some(78), "{name}: {stderr}");
        assert!(
            stderr.contains(name) && stderr.contains(sentence),
            "{name}: {stderr}"
        );
        if !right.is_empty() {
            fs::write(&file, before).expect("written");
        }
    }
}

#[test]
fn fast_timers_are_refused_where_the_kernel_refuses_real_time() {
    let files = alone();
    files.edit(
        "fabric.toml",
        "members = [\"p\"]",
        "members = [\"p\"]\ninterval_ms = 10",
    );
    let output = Command::new("setpriv")
        .args([
            "--bounding-set",
            "-sys_nice",
            "--inh-caps",
            "-sys_nice",
            "--",
        ])
        .args(["timeout", "30", UNDERSTUDYD, "--config"])
        .arg(files.path("r.toml"))
        .output();
    let output = match output {
        Ok(output) if !text(&output.stderr).starts_with("setpriv: ") => output,
        failed => {
            eprintln!("skipped, for setpriv cannot take CAP_SYS_NICE away: {failed:?}");
            return;
        }
    };
    let stderr = text(&output.stderr);
    assert_eq!(output.status.code(), Some(78), "{stderr}");
    assert!(
        stderr.contains("group x/10.0.0.5 has interval_ms = 10") && stderr.contains("CAP_SYS_NICE"),
        "{stderr}"
    );
}

#[test]
fn a_state_directory_that_another_daemon_has_is_refused_with_its_name() {
    let files = alone();
    for name in ["state", "manager"] {
        let taken = RealDisk::open(&files.path(name)).expect("the first");
        let output = run(&files.path("r.toml"));
        let stderr = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{stderr}");
        let path = files.path(name).display().to_string();
        let error = stderr
            .lines()
            .find(|line| line.contains("error: host replicated-r does not start: "));
        let error = error.expect("a sentence");
        assert_eq!(error.matches(&path).count(), 1, "{error}");
        assert!(error.contains("another daemon uses it"), "{error}");
        drop(taken);
    }
}
