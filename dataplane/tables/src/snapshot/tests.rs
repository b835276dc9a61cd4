//! A snapshot for the tests of this crate.

use wire::encode::{DscpRule, KeepId};

use super::*;

/// A host without ports, mappings and groups.
pub(crate) fn snapshot() -> Snapshot {
    let layout = Layout::Neutral56;
    let address: Ipv6Addr = "fd00:aa:0:100::".parse().expect("an address");
    let locator = Locator::new(address, layout).expect("a locator");
    Snapshot {
        version: 0,
        published_ns: 0,
        fabric: Fabric {
            prefix: "fd00:aa::/32".parse().expect("a prefix"),
            layout,
            rules: HeadingRules {
                dscp: DscpRule::Copy,
                keep_id: KeepId::Off,
                experimental_allowed: false,
            },
        },
        host: LocalHost {
            index: HostIndex(0),
            locator,
            control_address: layout.control_address(&locator),
        },
        uplink: Uplink {
            address: Ipv6Addr::LOCALHOST,
            mac: MacAddress([2, 0, 0, 0, 0, 1]),
            next_hop_mac: None,
            mtu: 1600,
        },
        path_mtus: PathMtus::new(1, 1600),
        nodes: [].into(),
        networks: Arc::default(),
        mappings: Mappings::default(),
        natives: Arc::default(),
        multicast: Arc::default(),
        groups: [].into(),
    }
}
