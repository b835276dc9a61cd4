//! What right files mean: values, defaults, positions, warnings
#![allow(
    clippy::unwrap_used,
    reason = "a test says no more than panicking does"
)]

use std::path::{Path, PathBuf};

use config::{Config, Memory, Poll, Severity};
use wire::address::Layout;
use wire::encode::{DscpRule, KeepId};
use wire::ethernet::MacAddress;
use wire::native::UdpZero;

fn load(path: &str) -> Config {
    config::load(Path::new(path)).unwrap_or_else(|errors| panic!("{}", errors.report(false)))
}

#[test]
fn a_host_and_the_fabric_that_it_includes_make_one_configuration() {
    let config = load("tests/right/r.toml");
    assert_eq!(
        config.files,
        ["tests/right/r.toml", "tests/right/fabric.toml"].map(PathBuf::from)
    );
    assert!(config.warnings.is_empty());

    assert_eq!((config.host.name.as_str(), config.host.index), ("r", 0));
    assert_eq!(
        (config.host.workers.as_slice(), config.host.poll),
        (&[1][..], Poll::Adaptive)
    );
    assert_eq!(config.uplink.device, "net_af_xdp0,iface=r-up");
    assert_eq!(config.uplink.address.to_string(), "2001:db8:0:1::2");
    assert_eq!(config.uplink.prefix_len, 64);
    assert_eq!(config.uplink.next_hop.to_string(), "2001:db8:0:1::1");
    assert_eq!(
        config.uplink.next_hop_mac,
        Some(MacAddress([2, 0, 0, 0, 1, 1]))
    );
    assert_eq!(config.uplink.mtu, 1600);

    let fabric = &config.fabric;
    assert_eq!(fabric.prefix.to_string(), "fd00:aa::/32");
    assert_eq!(fabric.layout, Layout::Neutral56);
    assert_eq!(
        (fabric.rules.dscp, fabric.rules.keep_id),
        (DscpRule::Copy, KeepId::Off)
    );
    assert!(!fabric.rules.experimental_allowed);
    let hosts: Vec<_> = fabric
        .hosts
        .iter()
        .map(|host| (host.name.as_str(), host.locator.to_string()))
        .collect();
    assert_eq!(
        hosts,
        [
            ("r", "fd00:aa:0:100::/56".to_owned()),
            ("s", "fd00:aa:0:200::/56".to_owned())
        ]
    );

    let [network] = config.networks.as_slice() else {
        panic!("{:?}", config.networks)
    };
    assert_eq!((network.name.as_str(), network.id.get()), ("z", 0x12_3456));
    let [subnet] = network.subnets.as_slice() else {
        panic!("{:?}", network.subnets)
    };
    assert_eq!(subnet.prefix.to_string(), "10.0.0.0/24");
    assert_eq!(
        (subnet.gateway.to_string().as_str(), subnet.mtu),
        ("10.0.0.1", 1500)
    );
    let [a, g] = network.nodes.as_slice() else {
        panic!("{:?}", network.nodes)
    };
    assert_eq!(
        (a.name.as_str(), a.address.to_string().as_str(), a.host),
        ("a", "10.0.0.2", 0)
    );
    assert_eq!(
        (g.name.as_str(), g.address.to_string().as_str(), g.host),
        ("g", "10.0.0.3", 1)
    );
    assert_eq!(a.mac.to_string(), "02:55:0a:00:00:02");

    let [port] = config.ports.as_slice() else {
        panic!("{:?}", config.ports)
    };
    assert_eq!((port.network, port.node, port.name.as_str()), (0, 0, "z/a"));
    assert_eq!(
        (port.device.as_str(), port.worker),
        ("net_af_packet1,iface=r-a", None)
    );
}

#[test]
fn what_is_left_out_has_its_documented_default() {
    let config = load("tests/right/fixed72.toml");
    assert_eq!(config.host.poll, Poll::Adaptive);
    assert_eq!(config.host.memory, Memory::HugePages { mib: 256 });
    assert_eq!(config.host.socket, Path::new("/run/understudy/r.sock"));
    assert_eq!(
        (config.uplink.mac, config.uplink.next_hop_mac),
        (None, None)
    );
    assert_eq!(
        (config.uplink.rx_descriptors, config.uplink.tx_descriptors),
        (None, None)
    );
    assert_eq!(
        (config.uplink.mbufs_min, config.ports[0].mbufs_min),
        (None, None)
    );
    assert_eq!(
        (config.fabric.rules.dscp, config.fabric.rules.keep_id),
        (DscpRule::Copy, KeepId::Off)
    );
    assert_eq!(config.networks[0].subnets[0].mtu, 1500);
    assert_eq!(
        config.networks[0].nodes[0].mac,
        MacAddress([2, 0x55, 10, 0, 0, 2])
    );
}

#[test]
fn the_fixed72_layout_takes_locators_of_72_bits() {
    let config = load("tests/right/fixed72.toml");
    assert_eq!(config.fabric.layout, Layout::Fixed72);
    assert_eq!(
        config.fabric.hosts[0].locator.to_string(),
        "fd00:aa:0:100:1200::/72"
    );
}

#[test]
fn a_link_local_next_hop_is_a_neighbour() {
    assert_eq!(
        load("tests/right/fixed72.toml").uplink.next_hop.to_string(),
        "fe80::1"
    );
}

#[test]
fn every_key_arrives() {
    let config = load("tests/right/every-key.toml");
    assert_eq!((config.host.name.as_str(), config.host.index), ("hv-17", 1));
    assert_eq!(config.host.workers, [2, 3, 127]);
    assert_eq!(config.host.poll, Poll::Busy);
    assert_eq!(config.host.memory, Memory::Ordinary { mib: 1024 });
    assert_eq!(config.host.socket, Path::new("/run/understudy/other.sock"));
    assert_eq!(config.uplink.device, "3b:00.1,representor=0");
    assert_eq!(config.uplink.prefix_len, 127);
    assert_eq!(config.uplink.mac, Some(MacAddress([2, 0, 0, 0, 1, 2])));
    assert_eq!(
        (config.uplink.mtu, config.uplink.rx_descriptors),
        (9000, Some(4096))
    );
    assert_eq!(
        (config.uplink.tx_descriptors, config.uplink.mbufs_min),
        (Some(2048), Some(65_535))
    );
    let port = &config.ports[0];
    assert_eq!((port.name.as_str(), port.worker), ("blue/web_1", Some(127)));
    assert_eq!(
        (port.rx_descriptors, port.tx_descriptors, port.mbufs_min),
        (Some(1024), Some(512), Some(8191))
    );
    let rules = config.fabric.rules;
    assert_eq!(
        (rules.dscp, rules.keep_id),
        (DscpRule::Fixed(46), KeepId::Df0)
    );
    assert!(rules.experimental_allowed);
    let blue = &config.networks[0];
    assert_eq!(
        blue.subnets
            .iter()
            .map(|subnet| subnet.mtu)
            .collect::<Vec<_>>(),
        [68, 8972]
    );
    assert_eq!(
        blue.nodes
            .iter()
            .map(|node| node.subnet)
            .collect::<Vec<_>>(),
        [1, 0]
    );
    let routes = blue.routes.iter();
    let routes: Vec<_> = routes
        .map(|route| (route.prefix.to_string(), route.via))
        .collect();
    assert_eq!(
        routes,
        [
            ("0.0.0.0/0".to_owned(), blue.nodes[1].address),
            ("172.31.0.0/16".to_owned(), blue.nodes[0].address)
        ]
    );
    assert_eq!(blue.nodes[0].mac.to_string(), "52:54:00:12:34:56");
}

#[test]
fn native_peers_have_two_names() {
    let config = load("tests/right/every-key.toml");
    let native = config.networks[1].native.as_ref().unwrap();
    assert_eq!(
        (native.udp_zero, native.lowest_ipv6_mtu),
        (UdpZero::Drop, 1500)
    );
    let peers: Vec<_> = native
        .peers
        .iter()
        .map(|peer| (peer.address.to_string(), peer.ipv6.to_string()))
        .collect();
    assert_eq!(
        peers,
        [("172.16.0.200", "2001:db8:7::80"), ("192.0.2.7", "fd12::7")]
            .map(|(address, ipv6)| (address.to_owned(), ipv6.to_owned()))
    );
    let [prefix] = native.prefixes.as_slice() else {
        panic!("{:?}", native.prefixes)
    };
    assert_eq!(prefix.addresses.to_string(), "198.18.0.0/15");
    assert_eq!(prefix.ipv6.network().to_string(), "2001:db8:64::");
    assert!(config.networks[0].native.is_none());
}

#[test]
fn the_options_of_native_peers_have_their_documented_defaults() {
    let native = load("tests/right/native.toml").networks[0].native.clone();
    let native = native.unwrap();
    assert_eq!(
        (native.udp_zero, native.lowest_ipv6_mtu, native.peers.len()),
        (UdpZero::Compute, 1280, 1)
    );
}

#[test]
fn what_nodes_may_send_to_many_arrives_and_has_its_documented_defaults() {
    let networks = load("tests/right/every-key.toml").networks;
    let multicast = networks[1].multicast.as_ref().unwrap();
    assert_eq!(
        *multicast,
        config::Multicast {
            groups: vec![[239, 1, 1, 1].into(), [224, 0, 1, 129].into()],
            broadcast: false,
            never_forward: ["224.0.0.0/24", "239.255.0.0/16"]
                .map(|prefix| prefix.parse().unwrap())
                .into(),
            copy_packets_per_s: 500,
            copy_bytes_per_s: 1_000_000,
            query_interval_s: 30,
        }
    );
    assert!(
        networks[0].multicast.is_none(),
        "nothing without the section"
    );
    let defaults = load("tests/right/native.toml").networks[0]
        .multicast
        .clone();
    assert_eq!(
        defaults.unwrap(),
        config::Multicast {
            groups: vec![],
            broadcast: true,
            never_forward: vec!["224.0.0.0/16".parse().unwrap()],
            copy_packets_per_s: 10_000,
            copy_bytes_per_s: 12_500_000,
            query_interval_s: 125,
        }
    );
}

#[test]
fn native_peers_beside_a_group_are_a_warning_only() {
    let config = load("tests/right/native.toml");
    let [warning] = config.warnings.as_slice() else {
        panic!("{:?}", config.warnings)
    };
    assert!(
        warning
            .to_string()
            .contains("network \"z\" has native peers and a replicated address"),
        "{warning}"
    );
}

#[test]
fn tenants_may_have_the_same_names_addresses_and_macs() {
    let config = load("tests/right/every-key.toml");
    let [blue, green, _] = config.networks.as_slice() else {
        panic!("{:?}", config.networks)
    };
    assert_eq!(
        blue.nodes[0],
        config::Node {
            subnet: 1,
            ..green.nodes[0].clone()
        }
    );
}

#[test]
fn a_local_node_without_a_port_is_a_warning_only() {
    let config = load("tests/right/every-key.toml");
    let [warning, _] = config.warnings.as_slice() else {
        panic!("{:?}", config.warnings)
    };
    assert_eq!(warning.severity, Severity::Warning);
    assert_eq!(
        warning.to_string(),
        "tests/right/fabric-every-key.toml:65:8: warning: node \"green/web_1\" is on this host, but \
         has no port (add a [[port]] with node = \"green/web_1\", else it can't be reached)"
    );
    assert!(config::report(&config.warnings, false).contains("help: add a [[port]]"));
}

#[test]
fn the_documented_example_is_right_and_raises_no_warning() {
    let config = load("../../docs/examples/host.toml");
    assert!(config.warnings.is_empty(), "{:?}", config.warnings);
    assert_eq!(config.ports.len(), 3);
}

#[test]
fn the_examples_of_a_host_and_of_a_native_peer_in_the_reference_are_right() {
    let reference = std::fs::read_to_string("../../docs/configuration.md").unwrap();
    let examples = || {
        let examples = reference.split("```toml\n").skip(1);
        examples.filter_map(|rest| rest.split("```").next())
    };
    let host = examples().next().unwrap();
    let peer = examples().find(|example| example.contains("[[network.native.peer]]"));
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("host.toml");
    for example in [host.to_owned(), format!("{host}{}", peer.unwrap())] {
        std::fs::write(&path, example).unwrap();
        let config = load(path.to_str().unwrap());
        assert!(config.warnings.is_empty(), "{:?}", config.warnings);
    }
    assert!(load(path.to_str().unwrap()).networks[0].native.is_some());
}
