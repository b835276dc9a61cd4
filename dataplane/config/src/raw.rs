//! The shape of the files: which sections and keys there are, and of which type
//!
//! The raw types mirror the files and promise nothing: a value that is missing or of the wrong
//! type is `None` and has been reported. Values are judged in [`check`](crate::check).

use std::collections::HashSet;

use toml::de::DeTable;

use crate::problem::{Draft, Drafts};
use crate::reader::Section;
use crate::source::{At, Span};

mod group;
mod multicast;
mod native;

pub(crate) use group::{Group, Manager};
pub(crate) use multicast::Multicast;
pub(crate) use native::{Native, Peer, PeerPrefix};

/// Everything that the files say.
#[derive(Debug, Default)]
pub(crate) struct Raw {
    /// The keys at the top level of all files, whatever their type.
    pub keys: HashSet<String>,
    pub host: Option<Host>,
    pub uplink: Option<Uplink>,
    pub ports: Vec<Port>,
    pub fabric: Option<Fabric>,
    pub networks: Vec<Network>,
    pub groups: Vec<Group>,
    pub manager: Option<Manager>,
}

#[derive(Debug)]
pub(crate) struct Host {
    pub span: Span,
    pub name: Option<At<String>>,
    pub workers: Option<At<Vec<At<i64>>>>,
    pub poll: Option<At<String>>,
    pub memory: Option<At<String>>,
    pub memory_mib: Option<At<i64>>,
    pub socket: Option<At<String>>,
    pub state_dir: Option<At<String>>,
    pub key_file: Option<At<String>>,
}

#[derive(Debug)]
pub(crate) struct Uplink {
    pub span: Span,
    pub device: Option<At<String>>,
    pub address: Option<At<String>>,
    pub next_hop: Option<At<String>>,
    pub next_hop_mac: Option<At<String>>,
    pub mac: Option<At<String>>,
    pub mtu: Option<At<i64>>,
    pub rx_descriptors: Option<At<i64>>,
    pub tx_descriptors: Option<At<i64>>,
    pub mbufs_min: Option<At<i64>>,
}

#[derive(Debug)]
pub(crate) struct Port {
    pub node: Option<At<String>>,
    pub device: Option<At<String>>,
    pub worker: Option<At<i64>>,
    pub rx_descriptors: Option<At<i64>>,
    pub tx_descriptors: Option<At<i64>>,
    pub mbufs_min: Option<At<i64>>,
}

#[derive(Debug)]
pub(crate) struct Fabric {
    pub span: Span,
    pub prefix: Option<At<String>>,
    pub id: Option<At<String>>,
    pub control_port: Option<At<i64>>,
    pub insecure_lab: Option<At<bool>>,
    pub layout: Option<At<String>>,
    pub keep_id: Option<At<String>>,
    pub dscp: Option<At<String>>,
    pub dscp_value: Option<At<i64>>,
    pub allow_experimental_protocols: Option<At<bool>>,
    pub hosts: Vec<FabricHost>,
}

#[derive(Debug)]
pub(crate) struct FabricHost {
    pub span: Span,
    pub name: Option<At<String>>,
    pub locator: Option<At<String>>,
    pub public_key: Option<At<String>>,
}

#[derive(Debug)]
pub(crate) struct Network {
    pub span: Span,
    pub name: Option<At<String>>,
    pub id: Option<At<i64>>,
    pub subnets: Vec<Subnet>,
    pub routes: Vec<Route>,
    pub nodes: Vec<Node>,
    pub native: Option<Native>,
    pub multicast: Option<Multicast>,
}

#[derive(Debug)]
pub(crate) struct Subnet {
    pub span: Span,
    pub prefix: Option<At<String>>,
    pub gateway: Option<At<String>>,
    pub mtu: Option<At<i64>>,
}

#[derive(Debug)]
pub(crate) struct Route {
    pub prefix: Option<At<String>>,
    pub via: Option<At<String>>,
}

#[derive(Debug)]
pub(crate) struct Node {
    pub name: Option<At<String>>,
    pub address: Option<At<String>>,
    pub host: Option<At<String>>,
    pub mac: Option<At<String>>,
}

impl Raw {
    /// Adds what one file says and returns the files that it includes, `None` if it is unclear
    /// which.
    pub fn add(
        &mut self,
        drafts: &Drafts,
        span: Span,
        table: &DeTable<'_>,
    ) -> Option<Vec<At<String>>> {
        self.keys
            .extend(table.keys().map(|key| key.get_ref().to_string()));
        let mut file = Section::new("the top level of the file", span, table, drafts);
        let includes = file.optional("include").map(|list| list.value);
        let (host, uplink, fabric, manager) = (
            file.section("host", "[host]").map(host),
            file.section("uplink", "[uplink]").map(uplink),
            file.section("fabric", "[fabric]").map(fabric),
            file.section("manager", "[manager]").map(group::manager),
        );
        once(drafts, "[host]", &mut self.host, host, |host| host.span);
        once(drafts, "[uplink]", &mut self.uplink, uplink, |uplink| {
            uplink.span
        });
        once(drafts, "[fabric]", &mut self.fabric, fabric, |fabric| {
            fabric.span
        });
        once(drafts, "[manager]", &mut self.manager, manager, |manager| {
            manager.span
        });
        self.ports
            .extend(file.sections("port", "[[port]]").into_iter().map(port));
        self.networks.extend(
            file.sections("network", "[[network]]")
                .into_iter()
                .map(network),
        );
        self.groups.extend(
            file.sections("group", "[[group]]")
                .into_iter()
                .map(group::group),
        );
        file.finish();
        if table.contains_key("include") {
            includes
        } else {
            Some(Vec::new())
        }
    }
}

/// Keeps the first of two sections of which only one may be.
fn once<T>(
    drafts: &Drafts,
    name: &str,
    kept: &mut Option<T>,
    found: Option<T>,
    span: impl Fn(&T) -> Span,
) {
    match (&kept, found) {
        (Some(first), Some(second)) => {
            let draft = Draft::error(format!("{name} is in two files"))
                .at(span(&second), "the second")
                .at(span(first), "the first")
                .help(format!("keep one {name} and remove the other"));
            drafts.push(draft);
        }
        (None, Some(found)) => *kept = Some(found),
        (_, None) => {}
    }
}

fn host(mut section: Section<'_>) -> Host {
    let host = Host {
        span: section.span,
        name: section.required("name", "name = \"r\", one of the names in [[fabric.host]]"),
        workers: section.required("workers", "workers = [1], the cores that poll"),
        poll: section.optional("poll"),
        memory: section.optional("memory"),
        memory_mib: section.optional("memory_mib"),
        socket: section.optional("socket"),
        state_dir: section.optional("state_dir"),
        key_file: section.optional("key_file"),
    };
    section.finish();
    host
}

fn uplink(mut section: Section<'_>) -> Uplink {
    let uplink = Uplink {
        span: section.span,
        device: section.required("device", "device = \"0000:03:00.0\""),
        address: section.required("address", "address = \"2001:db8:0:1::2/64\""),
        next_hop: section.required("next_hop", "next_hop = \"2001:db8:0:1::1\", the router"),
        next_hop_mac: section.optional("next_hop_mac"),
        mac: section.optional("mac"),
        mtu: section.required("mtu", "mtu = 1600, at least the guests' MTU + 28"),
        rx_descriptors: section.optional("rx_descriptors"),
        tx_descriptors: section.optional("tx_descriptors"),
        mbufs_min: section.optional("mbufs_min"),
    };
    section.finish();
    uplink
}

fn port(mut section: Section<'_>) -> Port {
    let port = Port {
        node: section.required("node", "node = \"z/a\", that is network/node"),
        device: section.required(
            "device",
            "device = \"net_vhost0,iface=/run/understudy/a.sock\"",
        ),
        worker: section.optional("worker"),
        rx_descriptors: section.optional("rx_descriptors"),
        tx_descriptors: section.optional("tx_descriptors"),
        mbufs_min: section.optional("mbufs_min"),
    };
    section.finish();
    port
}

fn fabric(mut section: Section<'_>) -> Fabric {
    let fabric = Fabric {
        span: section.span,
        prefix: section.required(
            "prefix",
            "prefix = \"fd00:aa::/32\", which holds all locators",
        ),
        id: section.optional("id"),
        control_port: section.optional("control_port"),
        insecure_lab: section.optional("insecure_lab"),
        layout: section.optional("layout"),
        keep_id: section.optional("keep_id"),
        dscp: section.optional("dscp"),
        dscp_value: section.optional("dscp_value"),
        allow_experimental_protocols: section.optional("allow_experimental_protocols"),
        hosts: section
            .sections("host", "[[fabric.host]]")
            .into_iter()
            .map(fabric_host)
            .collect(),
    };
    section.finish();
    fabric
}

fn fabric_host(mut section: Section<'_>) -> FabricHost {
    let host = FabricHost {
        span: section.span,
        name: section.required("name", "name = \"r\""),
        locator: section.required("locator", "locator = \"fd00:aa:0:100::/56\""),
        public_key: section.optional("public_key"),
    };
    section.finish();
    host
}

fn network(mut section: Section<'_>) -> Network {
    let network = Network {
        span: section.span,
        name: section.required("name", "name = \"z\""),
        id: section.required("id", "id = 0x123456, the network's number on the wire"),
        subnets: section
            .sections("subnet", "[[network.subnet]]")
            .into_iter()
            .map(subnet)
            .collect(),
        routes: section
            .sections("route", "[[network.route]]")
            .into_iter()
            .map(route)
            .collect(),
        nodes: section
            .sections("node", "[[network.node]]")
            .into_iter()
            .map(node)
            .collect(),
        native: section
            .section("native", "[network.native]")
            .map(native::native),
        multicast: section
            .section("multicast", "[network.multicast]")
            .map(multicast::multicast),
    };
    section.finish();
    network
}

fn subnet(mut section: Section<'_>) -> Subnet {
    let subnet = Subnet {
        span: section.span,
        prefix: section.required("prefix", "prefix = \"10.0.0.0/24\""),
        gateway: section.required("gateway", "gateway = \"10.0.0.1\", the virtual router"),
        mtu: section.optional("mtu"),
    };
    section.finish();
    subnet
}

fn route(mut section: Section<'_>) -> Route {
    let route = Route {
        prefix: section.required("prefix", "prefix = \"192.168.7.0/24\""),
        via: section.required("via", "via = \"a\", a node of the network"),
    };
    section.finish();
    route
}

fn node(mut section: Section<'_>) -> Node {
    let node = Node {
        name: section.required("name", "name = \"a\""),
        address: section.required("address", "address = \"10.0.0.2\""),
        host: section.required("host", "host = \"r\", one of the names in [[fabric.host]]"),
        mac: section.optional("mac"),
    };
    section.finish();
    node
}
