//! A fabric of three hosts for the tests of this crate: z/10.0.0.3 has its members on s and t and a
//! spare on r, which also has the manager and an ordinary node, as s has.

use std::fs;
use std::sync::Arc;

use config::Config;
use messages::{Epoch, GroupId, HostId};
use tables::Publisher;
use tempfile::TempDir;
use wire::ethernet::MacAddress;

use crate::plane::Plane;
use crate::replication::{group_id, host_id};

/// What all hosts share. `STATE` stands for a directory.
const FABRIC: &str = r#"
[fabric]
prefix = "fd00:aa::/32"
insecure_lab = true
[[fabric.host]]
name = "r"
locator = "fd00:aa:0:100::/56"
[[fabric.host]]
name = "s"
locator = "fd00:aa:0:200::/56"
[[fabric.host]]
name = "t"
locator = "fd00:aa:0:300::/56"
[manager]
host = "r"
state_dir = "STATE/manager"
[[network]]
name = "z"
id = 0x123456
[[network.subnet]]
prefix = "10.0.0.0/24"
gateway = "10.0.0.1"
[[network.node]]
name = "a"
address = "10.0.0.2"
host = "r"
[[network.node]]
name = "e"
address = "10.0.0.4"
host = "s"
[[network.node]]
name = "g"
address = "10.0.0.3"
host = "s"
[[network.node]]
name = "j"
address = "10.0.0.3"
host = "t"
[[network.node]]
name = "k"
address = "10.0.0.3"
host = "r"
[[network]]
name = "y"
id = 0x654321
[[network.subnet]]
prefix = "10.0.0.0/24"
gateway = "10.0.0.1"
[[network.node]]
name = "b"
address = "10.0.0.3"
host = "t"
[[group]]
network = "z"
address = "10.0.0.3"
members = ["g", "j"]
spares = ["k"]
"#;

pub(crate) const R: usize = 0;
pub(crate) const S: usize = 1;
pub(crate) const T: usize = 2;

/// A directory with configurations and state.
pub(crate) struct Files(pub(crate) TempDir);

impl Files {
    pub(crate) fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    /// The configuration of a host, with some of its text replaced.
    pub(crate) fn config(&self, host: &str, changes: &[(&str, &str)]) -> Arc<Config> {
        let state = self.0.path().display().to_string();
        let port = match host {
            "s" => "[[port]]\nnode = \"z/g\"\ndevice = \"net_ring1\"\n",
            _ => "",
        };
        let mut text = format!(
            r#"
[host]
name = "{host}"
workers = [1]
state_dir = "STATE/{host}"
[uplink]
device = "net_ring0"
address = "2001:db8:0:1::2/64"
next_hop = "2001:db8:0:1::1"
mtu = 1600
{port}{FABRIC}"#
        );
        for (from, to) in changes {
            assert!(text.contains(from), "{from}");
            text = text.replace(from, to);
        }
        let file = self.0.path().join(format!("{host}.toml"));
        fs::write(&file, text.replace("STATE", &state)).unwrap();
        match config::load(&file) {
            Ok(config) => Arc::new(config),
            Err(errors) => panic!("{}", errors.report(false)),
        }
    }
}

/// A host's configuration without changes.
pub(crate) fn config(host: &str) -> Arc<Config> {
    Files::new().config(host, &[])
}

/// What a host knows when it starts, without workers.
pub(crate) fn plane(config: &Arc<Config>) -> Plane {
    let snapshot = knowledge::first_snapshot(config, MacAddress([2, 0, 0, 0, 0, 1]));
    let (news, _) = rtrb::RingBuffer::new(1);
    let publisher = Publisher::new(snapshot);
    Plane::new(config, publisher, Vec::new(), Vec::new(), &[], news)
}

pub(crate) fn host(host: usize) -> HostId {
    host_id(&config("r"), host)
}

pub(crate) fn group() -> GroupId {
    let config = config("r");
    group_id(&config, &config.groups[0])
}

pub(crate) const fn epoch(seq: u64) -> Epoch {
    Epoch { term: 1, seq }
}
