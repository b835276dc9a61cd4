//! A process on huge pages, its files, and a second one with the same prefix.
//! Needs root, says so otherwise.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use dpdk::{Eal, EalOptions, Memory};

/// Where the tests of a run mount hugetlbfs, in a mount namespace of their own.
const DIRECTORY: &str = "UNDERSTUDY_TEST_HUGEPAGES";
const PREFIX: &str = "UNDERSTUDY_TEST_PREFIX";
const NUMBER: &str = "/proc/sys/vm/nr_hugepages";
const MEMORY_MIB: u32 = 64;

#[test]
fn a_prefix_is_one_processs_at_a_time_and_leaves_no_files() {
    let directory = tempfile::tempdir().unwrap();
    // Only this one: the EAL takes the first that it finds.
    let script = "umount -a -t hugetlbfs; mount -t hugetlbfs none \"$0\" \
                  && exec \"$1\" --exact inside --ignored --nocapture";
    let binary = std::env::current_exe().unwrap();
    let mounts = Command::new("unshare")
        .args(["-m", "true"])
        .stderr(Stdio::null())
        .status();
    if !mounts.is_ok_and(|status| status.success()) {
        println!("skipped: needs root, to mount hugetlbfs in a namespace of its own");
        return;
    }
    let _pages = Added::new(i64::from(MEMORY_MIB));
    let status = Command::new("unshare")
        .args(["-m", "sh", "-c", script])
        .args([directory.path(), &binary])
        .env(DIRECTORY, directory.path())
        .env(PREFIX, format!("understudy-test-{}", std::process::id()))
        .status();
    assert!(status.unwrap().success(), "failed inside, see above");
}

/// Huge pages beside those that others use, for as long as it lives.
struct Added(i64);

impl Added {
    fn new(pages: i64) -> Self {
        Self::change(pages);
        Self(pages)
    }

    fn change(by: i64) {
        let pages: i64 = fs::read_to_string(NUMBER).unwrap().trim().parse().unwrap();
        fs::write(NUMBER, (pages + by).to_string()).unwrap();
    }
}

impl Drop for Added {
    fn drop(&mut self) {
        Self::change(-self.0);
    }
}

#[test]
#[ignore = "run in a namespace"]
fn inside() {
    let Some(directory) = std::env::var_os(DIRECTORY) else {
        return;
    };
    let prefix = std::env::var(PREFIX).unwrap();
    let files = || files(directory.as_ref(), &prefix);

    let (mut first, sentence) = start_host();
    assert_eq!(sentence, "running\n");
    assert!(files() > 0, "dpdk-dumpcap needs files to attach to");

    let (mut second, sentence) = start_host();
    let wanted = format!(
        "process {} already runs with the DPDK file prefix '{prefix}': stop it",
        first.id()
    );
    assert!(sentence.starts_with(&wanted), "{sentence}");
    second.wait().unwrap();

    first.kill().unwrap();
    first.wait().unwrap();
    assert!(files() > 0, "a killed process leaves its files");
    let (mut third, sentence) = start_host();
    assert_eq!(sentence, "running\n", "after kill -9 it starts at once");

    drop(third.stdin.take());
    assert!(third.wait().unwrap().success());
    assert_eq!(files(), 0);
    assert!(!Path::new("/var/run/dpdk").join(&prefix).exists());
}

/// Runs DPDK until its standard input ends.
#[test]
#[ignore = "run by another test"]
fn host() {
    let Ok(file_prefix) = std::env::var(PREFIX) else {
        return;
    };
    let options = EalOptions {
        program: "dpdk-test".into(),
        file_prefix,
        memory: Memory::HugePages { mib: MEMORY_MIB },
        worker_cores: vec![],
        devices: vec![],
        telemetry: true,
    };
    match Eal::start(&options) {
        Ok(_eal) => {
            eprintln!("running");
            std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
        }
        Err(error) => eprintln!("{error}"),
    }
}

/// Starts [`host`] in a process of its own; it, and the first line it says.
fn start_host() -> (Child, String) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "host", "--ignored", "--nocapture"])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut sentence = String::new();
    let mut lines = BufReader::new(child.stderr.take().unwrap());
    lines.read_line(&mut sentence).unwrap();
    (child, sentence)
}

/// How many huge pages have a name under the prefix.
fn files(directory: &Path, prefix: &str) -> usize {
    let entries = fs::read_dir(directory).unwrap();
    entries
        .filter(|entry| {
            entry
                .as_ref()
                .unwrap()
                .file_name()
                .to_str()
                .unwrap()
                .starts_with(prefix)
        })
        .count()
}
