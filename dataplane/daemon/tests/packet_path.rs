//! The live packet path over DPDK: what it counts, and that it asks nothing of
//! the kernel.

mod support;

use std::fs;
use std::process::{Command, Stdio};
use std::time::Duration;

use support::frames::{self, udp};
use support::{Daemon, Files, status};

/// Host r, whose uplink and guest a receive the same packets over and over from
/// memory, and drop what they are given: no kernel anywhere.
fn busy_host(files: &Files) -> Daemon {
    let out: Vec<_> = (0..256)
        .map(|i| (i, udp([10, 0, 0, 2], [10, 0, 0, 3], &[i as u8; 64])))
        .collect();
    frames::write(&files.path("a.pcap"), &out);
    let back: Vec<_> = out
        .iter()
        .map(|(us, _)| (*us, udp([10, 0, 0, 3], [10, 0, 0, 2], &[7; 64])))
        .collect();
    frames::write(&files.path("g.pcap"), &back);
    files.replay("s", &["z/g=g.pcap"], "s");
    let endless = |name: &str, file: &str| {
        format!(
            "net_pcap{name},rx_pcap={},infinite_rx=1",
            files.path(file).display()
        )
    };
    let config = files.host(
        "r",
        &endless("0", "s/uplink.pcap"),
        &[("z/a", &endless("1", "a.pcap"))],
    );
    Daemon::start(&config)
}

/// The thread of the first worker.
fn worker_thread(daemon: &Daemon) -> String {
    let tasks = fs::read_dir(format!("/proc/{}/task", daemon.id())).expect("a process");
    let named = |task: &fs::DirEntry| {
        fs::read_to_string(task.path().join("comm")).is_ok_and(|name| name.trim() == "worker-0")
    };
    let task = tasks
        .flatten()
        .find(named)
        .expect("a thread named worker-0");
    task.file_name().into_string().expect("a number")
}

#[test]
fn both_directions_pass_and_nothing_is_dropped() {
    let files = Files::new();
    let daemon = busy_host(&files);
    let moved = |status: &api::Status| (status.ports[0].tx_packets, status.ports[1].tx_packets);
    let before = moved(&status(&files, "r"));
    std::thread::sleep(Duration::from_millis(500));
    let after = status(&files, "r");
    let (uplink, guest) = (moved(&after).0 - before.0, moved(&after).1 - before.1);
    assert!(
        uplink > 10_000 && guest > 10_000,
        "{uplink} and {guest} packets in half a second"
    );
    assert_eq!(after.balance.dropped, 0, "{:?}", after.drops);
    assert!(daemon.end_by("TERM").success());
}

/// Needs strace, and the right to trace an own child.
#[test]
fn a_worker_under_load_makes_no_system_call() {
    let files = Files::new();
    let daemon = busy_host(&files);
    let before = status(&files, "r").balance.received;
    let trace = files.path("trace");
    let strace = Command::new("strace")
        .args(["-p", &worker_thread(&daemon), "-o"])
        .arg(&trace)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let mut strace = strace.expect("strace is installed (scripts/install-dependencies)");
    std::thread::sleep(Duration::from_secs(2));
    let traced = status(&files, "r").balance.received - before;
    let attached = fs::read_to_string(format!(
        "/proc/{}/task/{}/status",
        daemon.id(),
        worker_thread(&daemon)
    ));
    let tracer = format!("TracerPid:\t{}", strace.id());
    assert!(
        attached.expect("a thread").contains(&tracer),
        "strace is attached"
    );
    let interrupted = Command::new("kill")
        .args(["-s", "INT", &strace.id().to_string()])
        .status();
    assert!(interrupted.expect("kill runs").success());
    strace.wait().expect("strace ends");
    let calls = fs::read_to_string(&trace).expect("a trace");
    let calls: Vec<&str> = calls.lines().filter(|line| line.contains('(')).collect();
    assert!(traced > 100_000, "{traced} packets were handled meanwhile");
    assert!(
        calls.is_empty(),
        "{} calls for {traced} packets, the first: {}",
        calls.len(),
        calls[0]
    );
    assert!(daemon.end_by("TERM").success());
}

/// Worker 0 receives only packets for c, which worker 1 owns, and the other way
/// round; the captures end, so that the books can be closed.
#[test]
fn two_workers_hand_packets_to_each_other_and_the_balance_is_exact() {
    const PACKETS: u64 = 5_000;
    let files = Files::new();
    for (name, to) in [("a", [10, 0, 0, 2]), ("c", [10, 0, 0, 4])] {
        let sent: Vec<_> = (0..PACKETS)
            .map(|i| (i, udp([10, 0, 0, 3], to, &i.to_be_bytes())))
            .collect();
        frames::write(&files.path("g.pcap"), &sent);
        files.replay("s", &["z/g=g.pcap"], name);
    }
    let queue = |name: &str| format!("rx_pcap={}", files.path(name).join("uplink.pcap").display());
    let uplink = format!("net_pcap0,{},{}", queue("c"), queue("a"));
    let config = files.host("r", &uplink, &[("z/a", "net_ring1"), ("z/c", "net_ring2")]);
    files.edit("r.toml", "workers = [0]", "workers = [0, 1]");
    let daemon = Daemon::start(&config);
    let mut last = status(&files, "r");
    for _ in 0..100 {
        if last.ports[0].rx_packets == 2 * PACKETS && last.balance.unexplained == 0 {
            break;
        }
        std::thread::sleep(Duration::from_millis(50));
        last = status(&files, "r");
    }
    assert_eq!(last.ports[0].rx_packets, 2 * PACKETS);
    assert_eq!(last.balance.unexplained, 0, "{:?}", last.balance);
    // What a ring port sends comes back to it; a guest that receives its own
    // neighbour's packets would be spoofing, and is told so.
    for port in &last.ports[1..] {
        assert!(
            port.tx_packets > 0,
            "{} got packets from the other worker",
            port.name
        );
        assert_eq!(port.drops.get("l2_source_mac"), Some(&port.rx_packets));
    }
    assert!(last.workers.iter().all(|worker| worker.busy_rounds > 0));
    assert!(daemon.end_by("TERM").success());
}
