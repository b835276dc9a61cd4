//! The daemon from start to end, over rings in memory and without hugepages.

mod support;

use std::os::unix::fs::FileTypeExt;

use api::{Mapping, MappingBatch, MappingKey, NetworkRef};
use support::{Daemon, Files, ask, status, text, understudyd};

#[test]
fn it_starts_answers_and_ends_within_a_second_whatever_the_signal() {
    for signal in ["TERM", "INT"] {
        let files = Files::new();
        let daemon = Daemon::start(&files.path("r.toml"));
        let status = status(&files, "r");
        assert_eq!(
            (status.host.as_str(), status.pid, status.mappings),
            ("r", daemon.id(), 5)
        );
        let names: Vec<&str> = status.ports.iter().map(|port| port.name.as_str()).collect();
        assert_eq!(names, ["uplink", "z/a", "z/c", "y/a"]);
        assert_eq!(status.balance.unexplained, 0);
        assert!(daemon.end_by(signal).success(), "{signal}");
        assert!(!files.path("r.sock").exists(), "the socket is gone");
    }
}

#[test]
fn a_second_daemon_of_the_same_name_is_refused_and_the_first_goes_on() {
    let files = Files::new();
    let first = Daemon::start(&files.path("r.toml"));
    let config = files.path("r.toml");
    let second = understudyd(&["--config", config.to_str().expect("UTF-8")]);
    assert_eq!(second.status.code(), Some(1));
    assert!(
        text(&second.stderr).contains("another daemon answers on"),
        "{}",
        text(&second.stderr)
    );
    assert_eq!(status(&files, "r").pid, first.id());
    let socket = std::fs::metadata(files.path("r.sock")).expect("the socket is there");
    assert!(socket.file_type().is_socket());
    assert!(first.end_by("TERM").success());
}

#[test]
fn after_a_kill_it_starts_again_at_once() {
    let files = Files::new();
    let daemon = Daemon::start(&files.path("r.toml"));
    assert!(!daemon.end_by("KILL").success());
    let daemon = Daemon::start(&files.path("r.toml"));
    assert_eq!(status(&files, "r").pid, daemon.id());
}

#[test]
fn what_this_machine_lacks_is_said_before_anything_starts_and_exits_78() {
    for (from, to, sentence) in [
        ("workers = [0]", "workers = [99]", "99"),
        ("net_ring0", "net_af_packet0,iface=nosuch", "nosuch"),
        ("net_ring1", "net_nonsense1", "net_nonsense"),
        ("memory_mib = 256", "memory_mib = 65", "memory"),
    ] {
        let files = Files::new();
        files.edit("r.toml", from, to);
        let config = files.path("r.toml");
        let output = understudyd(&["--config", config.to_str().expect("UTF-8")]);
        let stderr = text(&output.stderr);
        assert_eq!(output.status.code(), Some(78), "{to}: {stderr}");
        assert!(
            stderr.contains("error: host r does not start: "),
            "{to}: {stderr}"
        );
        assert!(stderr.contains(sentence), "{to}: {stderr}");
        assert!(!files.path("r.sock").exists(), "nothing is left behind");
    }
}

#[test]
fn a_wrong_configuration_exits_78_by_check_and_by_run() {
    let files = Files::new();
    files.edit("r.toml", "mtu = 1600", "mtu = 1500");
    let config = files.path("r.toml");
    let config = config.to_str().expect("UTF-8");
    for arguments in [
        &["check", config][..],
        &["--config", config],
        &["check", "--json", config],
    ] {
        let output = understudyd(arguments);
        assert_eq!(output.status.code(), Some(78), "{arguments:?}");
        let said = text(&output.stdout) + &text(&output.stderr);
        assert!(said.contains("r.toml") && said.contains("1500"), "{said}");
    }
    assert_eq!(
        understudyd(&[]).status.code(),
        Some(2),
        "no configuration named"
    );
}

#[test]
fn a_batch_of_mappings_is_applied_whole_or_refused_with_the_entry_at_fault() {
    let network = |name: &str| NetworkRef::Name(name.to_owned());
    let mapping = |net: &str, address: [u8; 4], host: &str| Mapping {
        network: network(net),
        address: address.into(),
        host: host.to_owned(),
        generation: None,
    };
    let files = Files::new();
    let _daemon = Daemon::start(&files.path("r.toml"));
    let apply = |batch: MappingBatch| ask(&files, "r", async |client| client.apply(&batch).await);
    let before = status(&files, "r");

    let good = mapping("z", [10, 0, 0, 9], "s");
    for (bad, sentence) in [
        (
            mapping("x", [10, 0, 0, 9], "s"),
            "this host knows no network x; it knows z, y",
        ),
        (
            mapping("z", [10, 0, 0, 9], "q"),
            "there is no host q in the fabric; it has r, s",
        ),
        (
            mapping("z", [10, 0, 0, 9], "r"),
            "add a [[port]] to the configuration",
        ),
        (
            mapping("z", [10, 0, 0, 2], "s"),
            "is behind a port of this host",
        ),
        (
            mapping("z", [10, 0, 1, 9], "s"),
            "10.0.1.9 is in no subnet of network z",
        ),
        (mapping("z", [10, 0, 0, 1], "s"), "10.0.0.1 is the gateway"),
        (
            mapping("z", [10, 0, 0, 255], "s"),
            "no node can have 10.0.0.255",
        ),
    ] {
        let refused = apply(MappingBatch::Add {
            mappings: vec![good.clone(), bad],
        });
        let error = refused.expect_err("one entry is wrong").to_string();
        assert!(error.contains(sentence), "{error}");
    }
    assert_eq!(
        status(&files, "r").table_version,
        before.table_version,
        "nothing was applied"
    );

    let twice = MappingBatch::Add {
        mappings: vec![good.clone(), good.clone()],
    };
    let applied = apply(twice.clone()).expect("it is right");
    assert_eq!((applied.changed, applied.persisted), (1, false));
    let after = status(&files, "r");
    assert_eq!(
        (after.mappings, after.table_version),
        (before.mappings + 1, applied.table_version)
    );
    let again = apply(twice).expect("it is right");
    assert_eq!(again.changed, 0, "nothing is different afterwards");
    let key = MappingKey {
        network: good.network,
        address: good.address,
    };
    let removed = apply(MappingBatch::Remove {
        mappings: vec![key.clone()],
    })
    .expect("it is there");
    assert_eq!(removed.table_version, again.table_version + 1);
    let again = apply(MappingBatch::Remove {
        mappings: vec![key],
    });
    assert!(
        again
            .expect_err("it is gone")
            .to_string()
            .contains("10.0.0.9 is not mapped")
    );
}
