//! What right files mean for replication: groups, the manager, keys, and where a warning is due
#![allow(
    clippy::unwrap_used,
    reason = "a test says no more than panicking does"
)]

use std::net::Ipv4Addr;
use std::path::Path;
use std::time::Duration;

use config::{
    BufferLimits, Config, Copies, CopyBudget, FanOut, Group, Hook, OnIsolation, Severity,
};

fn load(path: &str) -> Config {
    config::load(Path::new(path)).unwrap_or_else(|errors| panic!("{}", errors.report(false)))
}

#[test]
fn every_key_of_replication_arrives() {
    let config = load("tests/right/every-key.toml");
    let fabric = &config.fabric;
    assert_eq!(fabric.id[..4], [0x6b, 0xa7, 0xb8, 0x10]);
    assert_eq!((fabric.control_port, fabric.insecure_lab), (4242, false));
    let key = fabric.hosts[1].public_key.as_ref().unwrap();
    assert_eq!(
        key.as_str(),
        "x25519:ERERERERERERERERERERERERERERERERERERERERERE="
    );
    assert_eq!(config.host.state_dir, Path::new("/srv/understudy"));
    assert_eq!(
        config.host.key_file.as_deref(),
        Some(Path::new("/etc/understudy/hv-17.key"))
    );
    let manager = config.manager.unwrap();
    assert_eq!(manager.host, 1);
    assert_eq!(manager.state_dir, Path::new("/var/lib/manager"));
    assert_eq!(
        manager.key_file.as_deref(),
        Some(Path::new("/etc/understudy/manager.key"))
    );
    let key = manager.public_key.unwrap();
    assert_eq!(
        key.as_str(),
        "ed25519:CQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQk="
    );

    let expected = Group {
        network: 2,
        address: Ipv4Addr::new(10, 0, 0, 3),
        name: "red/10.0.0.3".to_owned(),
        members: vec![1, 0],
        spares: Vec::new(),
        copies: Copies::Buffer,
        fan_out: FanOut::Primary,
        interval: Duration::from_millis(10),
        detect_mult: 5,
        on_isolation: OnIsolation::Continue,
        copy_budget: CopyBudget {
            packets_per_s: Some(100_000),
            bytes_per_s: Some(125_000_000),
        },
        buffer: BufferLimits {
            packets: 1000,
            bytes: 8 << 20,
            age: Duration::from_secs(2),
        },
        checkpoint_margin: Duration::from_millis(50),
        promotion_min_gap: Duration::from_secs(2),
        hook: Some(Hook {
            path: "/etc/understudy/promote".into(),
            timeout: Duration::from_millis(1500),
            wait: true,
        }),
    };
    assert_eq!(config.groups[0], expected);
    assert_eq!(expected.detection(), Duration::from_millis(50));
    let second = &config.groups[1];
    assert_eq!(
        (&second.members[..], &second.spares[..]),
        (&[2][..], &[3][..])
    );
}

#[test]
fn a_group_that_says_only_who_is_in_it_has_its_documented_defaults() {
    let config = load("tests/right/group.toml");
    let expected = Group {
        network: 0,
        address: Ipv4Addr::new(10, 0, 0, 3),
        name: "z/10.0.0.3".to_owned(),
        members: vec![0, 1],
        spares: Vec::new(),
        copies: Copies::Deliver,
        fan_out: FanOut::Sender,
        interval: Duration::from_millis(50),
        detect_mult: 3,
        on_isolation: OnIsolation::Mute,
        copy_budget: CopyBudget::default(),
        buffer: BufferLimits {
            packets: 262_144,
            bytes: 64 << 20,
            age: Duration::from_secs(10),
        },
        checkpoint_margin: Duration::from_millis(100),
        promotion_min_gap: Duration::from_secs(1),
        hook: None,
    };
    assert_eq!(config.groups, [expected]);
    let manager = config.manager.unwrap();
    assert_eq!(manager.state_dir, Path::new("/var/lib/understudy/manager"));
    assert_eq!((manager.key_file, manager.public_key), (None, None));
    assert_eq!(config.host.state_dir, Path::new("/var/lib/understudy/r"));
    let fabric = &config.fabric;
    assert_eq!((fabric.control_port, fabric.insecure_lab), (9342, true));
    let id = [0xfd, 0, 0, 0xaa, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 32];
    assert_eq!(fabric.id, id, "the prefix and its length");
    assert!(config.warnings.is_empty(), "{:?}", config.warnings);
}

/// The warnings about a fabric of these hosts, with g on s as the primary and j on t.
fn warnings_with(hosts: &[&str], manager: &str) -> Vec<String> {
    let text = std::fs::read_to_string("tests/right/group.toml").unwrap();
    let (head, tail) = text.split_once("[[fabric.host]]").unwrap();
    let (_, tail) = tail.split_once("[[network]]").unwrap();
    let this = head.replace("name = \"r\"", &format!("name = \"{}\"", hosts[0]));
    let list: String = (1..)
        .zip(hosts)
        .map(|(number, host)| {
            format!("[[fabric.host]]\nname = \"{host}\"\nlocator = \"fd00:aa:0:{number}00::/56\"\n")
        })
        .collect();
    let tail = tail.replace("host = \"r\"", &format!("host = \"{manager}\""));
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("host.toml");
    std::fs::write(&path, format!("{this}{list}[[network]]{tail}")).unwrap();
    let config = load(path.to_str().unwrap());
    let warnings = config.warnings.into_iter();
    warnings
        .map(|warning| format!("{} ({})", warning.message, warning.help))
        .filter(|warning| !warning.contains("has no port"))
        .collect()
}

#[test]
fn a_manager_that_dies_with_the_primary_is_a_warning_with_the_reason() {
    let [two] = &warnings_with(&["s", "t"], "s")[..] else {
        panic!("one warning")
    };
    assert_eq!(
        two,
        "the manager is on host \"s\" with the primary of z/10.0.0.3, and there are two hosts: when \
         \"s\" dies nobody is promoted, because a crash cannot be told from a cut (put the manager on \
         the other host; here the manager dies too, and until it is back no command promotes \
         anybody)"
    );
    let [three] = &warnings_with(&["r", "s", "t"], "s")[..] else {
        panic!("one warning")
    };
    assert_eq!(
        three,
        "the manager is on host \"s\" with the primary of z/10.0.0.3: when \"s\" dies, nobody is left \
         to promote another (put the manager on a third host, one without a member of the group)"
    );
    let none: [String; 0] = [];
    assert_eq!(warnings_with(&["s", "t"], "t"), none, "with the replica");
    assert_eq!(warnings_with(&["r", "s", "t"], "r"), none, "on a third");
}

#[test]
fn a_group_that_nobody_can_take_over_is_a_warning() {
    let config = load("tests/right/every-key.toml");
    let [_, warning] = config.warnings.as_slice() else {
        panic!("{:?}", config.warnings)
    };
    assert_eq!(warning.severity, Severity::Warning);
    assert_eq!(
        warning.message,
        "group red/10.0.0.4 has one member: nobody can take over"
    );
}

#[test]
fn a_summary_counts_groups_where_there_are_some() {
    assert_eq!(
        load("tests/right/group.toml").summary(),
        "host r can run: fabric of 3 hosts, 1 network, 2 nodes, 1 group, 0 ports here"
    );
}

#[test]
fn the_documented_group_is_right_and_raises_no_warning() {
    let config = load("../../docs/examples/replicated.toml");
    assert!(config.warnings.is_empty(), "{:?}", config.warnings);
    let [group] = config.groups.as_slice() else {
        panic!("{:?}", config.groups)
    };
    assert_eq!((group.members.len(), group.spares.len()), (2, 1));
}

#[test]
fn the_sections_about_groups_in_the_reference_are_right() {
    let reference = std::fs::read_to_string("../../docs/configuration.md").unwrap();
    let mut examples = reference
        .split("```toml\n")
        .skip(1)
        .filter_map(|rest| rest.split("```").next());
    let whole = examples.next().unwrap();
    let group = examples
        .find(|example| example.contains("[[group]]"))
        .unwrap();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("host.toml");
    // The group's nodes replace g, and its replica needs a host.
    let (before, _) = whole.rsplit_once("[[network.node]]").unwrap();
    let before = before.replace(
        "[[network]]",
        "[[fabric.host]]\nname = \"t\"\nlocator = \"fd00:aa:0:300::/56\"\n[[network]]",
    );
    let before = before.replace("[fabric]", "[fabric]\ninsecure_lab = true");
    std::fs::write(&path, format!("{before}{group}")).unwrap();
    let config = load(path.to_str().unwrap());
    assert!(config.warnings.is_empty(), "{:?}", config.warnings);
    assert_eq!(config.groups[0].copies, Copies::Buffer);
}
