use std::fs;
use std::os::unix::fs::PermissionsExt;

use messages::keys::{HostSecret, write_secret};

use super::*;
use crate::fixture::Files;

fn host_secret(host: u8) -> HostSecret {
    HostSecret::from_random([host; 32])
}

fn manager_secret(seed: u8) -> ManagerSecret {
    ManagerSecret::from_random([seed; 32])
}

/// The configuration of r with real keys. Its own and the manager's are in files beside it.
fn with_keys(files: &Files, manager: &str, s: &str) -> Arc<Config> {
    let locator = |host: u8| format!("locator = \"fd00:aa:0:{host}00::/56\"");
    let key = |host: u8, key: &str| format!("{}\npublic_key = \"{key}\"", locator(host));
    let [r, t] = [1, 3].map(|host| key(host, &host_secret(host).public().to_string()));
    let manager = format!(
        "state_dir = \"STATE/manager\"\nkey_file = \"STATE/manager.key\"\npublic_key = \"{manager}\""
    );
    files.config(
        "r",
        &[
            ("insecure_lab = true\n", ""),
            (&locator(1), &r),
            (&locator(2), &key(2, s)),
            (&locator(3), &t),
            ("state_dir = \"STATE/manager\"", &manager),
            (
                "state_dir = \"STATE/r\"",
                "state_dir = \"STATE/r\"\nkey_file = \"STATE/host.key\"",
            ),
        ],
    )
}

fn public_of_s() -> String {
    host_secret(2).public().to_string()
}

fn public_of_manager() -> String {
    manager_secret(9).public().to_string()
}

fn write_keys(files: &Files) {
    write_secret(&files.0.path().join("host.key"), &host_secret(1)).unwrap();
    write_secret(&files.0.path().join("manager.key"), &manager_secret(9)).unwrap();
}

fn refusal(config: &Arc<Config>) -> String {
    match assemble(config, Time(1)) {
        Ok(_) => panic!("it should be refused"),
        Err(error) => {
            assert!(error.is_of_configuration(), "{error}");
            error.to_string()
        }
    }
}

#[test]
fn a_host_with_its_keys_takes_part_and_has_the_manager() {
    let files = Files::new();
    write_keys(&files);
    let config = with_keys(&files, &public_of_manager(), &public_of_s());
    let assembled = assemble(&config, Time(1)).unwrap().unwrap();
    assert!(assembled.replication.manager().is_some());
    assert_eq!(assembled.replication.sessions().peers().count(), 2);
    assert!(assembled.counted.is_empty());
}

#[test]
fn a_key_file_that_others_may_read_is_refused() {
    for name in ["host.key", "manager.key"] {
        let files = Files::new();
        write_keys(&files);
        let file = files.0.path().join(name);
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        let config = with_keys(&files, &public_of_manager(), &public_of_s());
        let sentence = refusal(&config);
        assert!(sentence.contains("mode 0640"), "{sentence}");
        assert!(
            sentence.contains(name) && sentence.contains("chmod 600"),
            "{sentence}"
        );
    }
}

#[test]
fn a_key_file_that_is_missing_or_of_another_kind_is_refused_with_the_reason() {
    let files = Files::new();
    let config = with_keys(&files, &public_of_manager(), &public_of_s());
    let sentence = refusal(&config);
    assert!(sentence.contains("host.key"), "{sentence}");
    assert!(sentence.contains("No such file"), "{sentence}");
    write_secret(&files.0.path().join("host.key"), &manager_secret(9)).unwrap();
    let sentence = refusal(&config);
    assert!(sentence.contains("understudy host key 1"), "{sentence}");
}

#[test]
fn the_key_of_another_manager_is_refused() {
    let files = Files::new();
    write_keys(&files);
    let config = with_keys(
        &files,
        &manager_secret(8).public().to_string(),
        &public_of_s(),
    );
    let sentence = refusal(&config);
    assert!(
        sentence.contains("manager.key is not the secret key"),
        "{sentence}"
    );
}

#[test]
fn a_public_key_that_nobody_can_have_made_is_refused_with_its_host() {
    let files = Files::new();
    write_keys(&files);
    let weak = format!("x25519:{}A=", "A".repeat(42));
    let config = with_keys(&files, &public_of_manager(), &weak);
    let sentence = refusal(&config);
    assert!(
        sentence.starts_with("the public key of host s: "),
        "{sentence}"
    );
}

#[test]
fn a_fabric_without_groups_has_no_part_in_failover() {
    let files = Files::new();
    let config = files.config(
        "r",
        &[
            ("[[group]]\nnetwork = \"z\"\naddress = \"10.0.0.3\"\nmembers = [\"g\", \"j\"]\nspares = [\"k\"]\n", ""),
            ("[manager]\nhost = \"r\"\nstate_dir = \"STATE/manager\"\n", ""),
            ("insecure_lab = true\n", ""),
            ("[[network.node]]\nname = \"j\"\naddress = \"10.0.0.3\"\nhost = \"t\"\n", ""),
            ("[[network.node]]\nname = \"k\"\naddress = \"10.0.0.3\"\nhost = \"r\"\n", ""),
        ],
    );
    assert!(assemble(&config, Time(1)).unwrap().is_none());
}

#[test]
fn a_machine_is_kept_from_one_daemon_to_the_next_and_not_over_a_reboot() {
    let directory = tempfile::tempdir().unwrap();
    assert!(
        !machine_kept(directory.path()),
        "there was no daemon before"
    );
    assert!(machine_kept(directory.path()));
    fs::write(directory.path().join("machine-boot-id"), "another boot\n").unwrap();
    assert!(!machine_kept(directory.path()));
    assert!(machine_kept(directory.path()));
    assert!(!machine_kept(&directory.path().join("missing")));
}
