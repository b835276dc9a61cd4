//! A network namespace with a veth pair in it, in which a test binary runs
//! one of its own tests as a child.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test says why it is skipped"
)]

use std::process::Command;

/// The ends of the pair: the device under test, and its peer.
pub const DEVICE: &str = "d0";
/// See [`DEVICE`].
pub const PEER: &str = "p0";

/// Set in the child: it runs where it may.
const INSIDE: &str = "UNDERSTUDY_TEST_NAMESPACE";

pub struct Namespace(String);

impl Namespace {
    /// `None`, with a sentence, if this needs what the caller has not.
    pub fn create(test: &str) -> Option<Self> {
        let namespace = Self(format!("dpdk-{test}-{}", std::process::id()));
        if !run(&["ip", "netns", "add", &namespace.0]) {
            println!("skipped: needs root, and iproute2 to make a network namespace");
            return None;
        }
        for command in [
            "sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1",
            "ip link add d0 type veth peer name p0",
            "ip link set d0 arp off up",
            "ip link set p0 arp off mtu 1700 up",
        ] {
            let command: Vec<&str> = command.split(' ').collect();
            assert!(namespace.run(&command), "{command:?}");
        }
        Some(namespace)
    }

    /// Runs the ignored test of this name of this binary inside.
    pub fn run_test(&self, name: &str) {
        assert!(
            self.try_test(name),
            "{name} failed in its namespace, see above"
        );
    }

    /// As [`Self::run_test`]; whether it passed.
    pub fn try_test(&self, name: &str) -> bool {
        let binary = std::env::current_exe().unwrap();
        let binary = binary.to_str().unwrap();
        self.run(&[binary, "--exact", name, "--ignored", "--nocapture"])
    }

    fn run(&self, command: &[&str]) -> bool {
        let inside = format!("{INSIDE}=1");
        run(&[&["ip", "netns", "exec", &self.0, "env", &inside], command].concat())
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        run(&["ip", "netns", "del", &self.0]);
    }
}

/// Whether the caller is a child in a namespace of its own.
pub fn is_inside() -> bool {
    let inside = std::env::var_os(INSIDE).is_some();
    if !inside {
        println!("skipped: another test runs this one, in a network namespace");
    }
    inside
}

/// A counter that the kernel keeps for an interface.
pub fn kernel_counter(interface: &str, name: &str) -> u64 {
    let path = format!("/sys/class/net/{interface}/statistics/{name}");
    std::fs::read_to_string(path)
        .unwrap()
        .trim()
        .parse()
        .unwrap()
}

fn run(command: &[&str]) -> bool {
    Command::new(command[0])
        .args(&command[1..])
        .status()
        .is_ok_and(|status| status.success())
}
