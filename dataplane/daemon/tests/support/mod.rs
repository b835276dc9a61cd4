//! A host's files in a directory of their own, and its daemon.
#![allow(dead_code, reason = "each test binary uses its part of this")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::Duration;

use api::client::Client;
use tempfile::TempDir;

pub mod frames;

pub const UNDERSTUDYD: &str = env!("CARGO_BIN_EXE_understudyd");

/// What all hosts share: tenant Z with a (10.0.0.2) and c (10.0.0.4) on r, and
/// g (10.0.0.3) on s; tenant Y with the same addresses for a and g.
const FABRIC: &str = r#"
[fabric]
prefix = "fd00:aa::/32"
layout = "neutral56"
[[fabric.host]]
name = "r"
locator = "fd00:aa:0:100::/56"
[[fabric.host]]
name = "s"
locator = "fd00:aa:0:200::/56"
[[network]]
name = "z"
id = 0x123456
[[network.subnet]]
prefix = "10.0.0.0/24"
gateway = "10.0.0.1"
mtu = 1500
[[network.node]]
name = "a"
address = "10.0.0.2"
host = "r"
[[network.node]]
name = "c"
address = "10.0.0.4"
host = "r"
[[network.node]]
name = "g"
address = "10.0.0.3"
host = "s"
[[network]]
name = "y"
id = 0x654321
[[network.subnet]]
prefix = "10.0.0.0/24"
gateway = "10.0.0.1"
mtu = 1500
[[network.node]]
name = "a"
address = "10.0.0.2"
host = "r"
[[network.node]]
name = "g"
address = "10.0.0.3"
host = "s"
"#;

/// A directory with the configurations of r and s, whose devices are rings in
/// memory unless a test says otherwise.
pub struct Files {
    dir: TempDir,
}

impl Files {
    pub fn new() -> Self {
        let files = Self {
            dir: TempDir::new().expect("a temporary directory"),
        };
        fs::write(files.path("fabric.toml"), FABRIC).expect("written");
        files.host(
            "r",
            "net_ring0",
            &[
                ("z/a", "net_ring1"),
                ("z/c", "net_ring2"),
                ("y/a", "net_ring3"),
            ],
        );
        files.host(
            "s",
            "net_ring0",
            &[("z/g", "net_ring1"), ("y/g", "net_ring2")],
        );
        files
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Writes `NAME.toml` and returns its path. Its socket is the test's own, and
    /// so is the prefix of DPDK's files, as with all ordinary memory.
    pub fn host(&self, name: &str, uplink: &str, ports: &[(&str, &str)]) -> PathBuf {
        let socket = self.path(&format!("{name}.sock"));
        let mut text = format!(
            r#"include = ["fabric.toml"]
[host]
name = "{name}"
workers = [0]
poll = "adaptive"
memory = "ordinary"
memory_mib = 256
socket = "{}"
[uplink]
device = "{uplink}"
address = "2001:db8:0:1::2/64"
next_hop = "2001:db8:0:1::1"
next_hop_mac = "02:00:00:00:01:01"
mtu = 1600
"#,
            socket.display()
        );
        for (node, device) in ports {
            text += &format!("[[port]]\nnode = \"{node}\"\ndevice = \"{device}\"\n");
        }
        let file = self.path(&format!("{name}.toml"));
        fs::write(&file, text).expect("written");
        file
    }

    /// Runs captures (`PORT=FILE`) through the host `name`; what comes of them is in `out`.
    pub fn replay(&self, name: &str, inputs: &[&str], out: &str) {
        let path = |name: &str| self.path(name).display().to_string();
        let mut arguments = vec!["replay".to_owned()];
        arguments.extend(["--config".to_owned(), path(&format!("{name}.toml"))]);
        for input in inputs {
            let (port, file) = input.split_once('=').expect("PORT=FILE");
            arguments.extend(["--rx".to_owned(), format!("{port}={}", path(file))]);
        }
        arguments.extend(["--out".to_owned(), path(out)]);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let output = understudyd(&arguments);
        assert!(output.status.success(), "{}", text(&output.stderr));
    }

    /// Replaces text in a file.
    pub fn edit(&self, name: &str, from: &str, to: &str) {
        let text = fs::read_to_string(self.path(name)).expect("read");
        assert!(text.contains(from), "{from} is not in {name}");
        fs::write(self.path(name), text.replace(from, to)).expect("written");
    }
}

/// Runs the daemon's binary to its end, which must come within 30 s.
pub fn understudyd(arguments: &[&str]) -> Output {
    let output = Command::new("timeout")
        .arg("30")
        .arg(UNDERSTUDYD)
        .args(arguments)
        .output()
        .expect("the binary runs");
    assert_ne!(output.status.code(), Some(124), "{arguments:?} did not end");
    output
}

/// Asks the daemon of a host that has its socket among `files`.
pub fn ask<T>(files: &Files, host: &str, question: impl AsyncFnOnce(Client) -> T) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(question(Client::new(files.path(&format!("{host}.sock")))))
}

pub fn status(files: &Files, host: &str) -> api::Status {
    ask(files, host, async |client| client.status().await).expect("the daemon answers")
}

pub fn text(octets: &[u8]) -> String {
    String::from_utf8(octets.to_vec()).expect("UTF-8")
}

/// A running daemon; killed when the test ends early.
pub struct Daemon {
    child: Child,
    log: PathBuf,
}

impl Daemon {
    /// Starts it and waits until it says that it is ready.
    pub fn start(config: &Path) -> Self {
        let log = config.with_extension("log");
        let stderr = fs::File::create(&log).expect("a log file");
        let child = Command::new(UNDERSTUDYD)
            .arg("--config")
            .arg(config)
            .stdout(Stdio::null())
            .stderr(stderr)
            .spawn()
            .expect("the binary runs");
        let mut daemon = Self { child, log };
        for _ in 0..600 {
            if daemon.log().contains("ready: host") {
                return daemon;
            }
            if let Some(status) = daemon.child.try_wait().expect("a child") {
                panic!("the daemon ended with {status}:\n{}", daemon.log());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("the daemon was not ready within 30 s:\n{}", daemon.log());
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).expect("a log file")
    }

    /// Sends a signal and waits for the end, at most a second.
    pub fn end_by(mut self, signal: &str) -> ExitStatus {
        let kill = Command::new("kill")
            .args(["-s", signal, &self.id().to_string()])
            .status();
        assert!(kill.expect("kill runs").success());
        for _ in 0..100 {
            if let Some(status) = self.child.try_wait().expect("a child") {
                return status;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!(
            "the daemon did not end within a second of {signal}:\n{}",
            self.log()
        );
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
