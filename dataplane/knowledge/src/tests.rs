use std::fs;

use wire::address::NetworkId;

use super::*;

/// z/10.0.0.3 has its members on s and t; a lives on r, e on s. y uses the same address.
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
[network.multicast]
groups = ["239.1.1.1"]
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
"#;

fn config(host: &str) -> Config {
    let port = match host {
        "s" => "[[port]]\nnode = \"z/g\"\ndevice = \"net_ring1\"\n",
        _ => "",
    };
    let text = format!(
        r#"
[host]
name = "{host}"
workers = [1]
[uplink]
device = "net_ring0"
address = "2001:db8:0:1::2/64"
next_hop = "2001:db8:0:1::1"
mtu = 1600
{port}{FABRIC}"#
    );
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("host.toml");
    fs::write(&file, text).unwrap();
    config::load(&file).unwrap_or_else(|errors| panic!("{}", errors.report(false)))
}
fn snapshot(host: &str) -> Snapshot {
    first_snapshot(&config(host), MacAddress([2, 0, 0, 0, 0, 1]))
}

fn key(network: u32, last: u8) -> Key {
    let network = NetworkId::new(network).unwrap();
    Key::new(network, Ipv4Addr::new(10, 0, 0, last))
}

#[test]
fn nobody_owns_a_group_before_somebody_has_said_so() {
    for host in ["r", "s", "t"] {
        let snapshot = snapshot(host);
        let [group] = &*snapshot.groups else {
            panic!("there is one group");
        };
        assert_eq!(group.key, key(0x12_3456, 3));
        assert!(group.owner.is_none() && group.copies.is_empty());
    }
}

#[test]
fn a_member_with_a_port_is_fenced_and_mute() {
    let snapshot = snapshot("s");
    let local = snapshot.groups[0].local.as_ref().unwrap();
    assert_eq!(local.role, Role::Fenced);
    let node = snapshot.node(local.port).unwrap();
    let member = node.member.as_ref().unwrap();
    assert_eq!(member.group.index(), 0);
    assert_eq!(member.lease.deadline_ns(), Lease::MUTED);
    assert!(groups(&config("t")).all(|group| group.local.is_none()));
}

#[test]
fn each_address_of_a_network_has_one_mapping() {
    let snapshot = snapshot("r");
    // z: a, e and the group; y: its own 10.0.0.3.
    assert_eq!(snapshot.mappings.len(), 4);
    let of_group = snapshot.mappings.find(key(0x12_3456, 3)).unwrap();
    assert_eq!(of_group.group.unwrap().index(), 0);
    let same_address = snapshot.mappings.find(key(0x65_4321, 3)).unwrap();
    assert!(same_address.group.is_none(), "another network's");
    assert_eq!(same_address.owner, HostIndex(2));
    let single = snapshot.mappings.find(key(0x12_3456, 4)).unwrap();
    assert!(single.group.is_none());
    assert_eq!(single.owner, HostIndex(1));
}

#[test]
fn a_link_has_the_ports_here_and_the_other_hosts_with_nodes_in_its_subnet() {
    for (host, others, ports) in [
        ("r", [1, 2], &[][..]),
        ("s", [0, 2], &[PortIndex(1)][..]),
        ("t", [0, 1], &[][..]),
    ] {
        let snapshot = snapshot(host);
        let z = snapshot
            .multicast
            .link(0x12_3456, Ipv4Addr::new(10, 0, 0, 2));
        let z = z.expect("it has groups");
        let hosts: Vec<u16> = z.hosts().iter().map(|far| far.host.0).collect();
        assert_eq!((hosts, z.ports()), (others.to_vec(), ports), "at {host}");
        let e = snapshot.mappings.find(key(0x12_3456, 4)).unwrap();
        for far in z.hosts().iter().filter(|far| far.host == e.owner) {
            assert_eq!(far.prefix, e.prefix, "as any packet to that host");
        }
        assert!(z.group(Ipv4Addr::new(239, 1, 1, 1)).is_some());
        assert!(
            snapshot
                .multicast
                .link(0x65_4321, Ipv4Addr::new(10, 0, 0, 3))
                .is_none()
        );
    }
}
