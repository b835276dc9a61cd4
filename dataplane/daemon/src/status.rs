//! What `understudy status` shows of this host.

use std::collections::BTreeMap;

mod multicast;
mod native;

use api::{
    Balance, Delay, DropStatus, HostStatus, IcmpStatus, NodeStatus, PathMtuStatus, PortStatus,
    Status, UplinkStatus, WorkerStatus,
};
use dpdk::DeviceLosses;
use tables::counters::{Counter, GroupCounters, IcmpCounters, WorkerCounters};
use tables::delays::Delays;
use tables::{Key, PortIndex, Snapshot};
use wire::drop_reason::DropReason;

use crate::host_view::{OpenPort, View};

/// What went through a port, all workers and the device itself together.
struct PortFlow {
    /// Frames that the port was given by the outside, lost ones included.
    arrived: u64,
    rx: (u64, u64),
    tx: (u64, u64),
    /// By [`DropReason`].
    drops: [u64; DropReason::COUNT],
}

impl View {
    /// Everything that there is to show.
    pub(crate) fn describe(&self) -> Status {
        let snapshot = self.tables.current();
        let versions: Vec<u64> = self.tables.versions().collect();
        let flows: Vec<PortFlow> = (0u16..)
            .zip(&self.ports)
            .map(|(index, port)| self.flow(PortIndex(index), port))
            .collect();
        Status {
            host: self.config.host.name.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pid: std::process::id(),
            uptime_s: self.clock.now_ns().saturating_sub(self.started_ns) / 1_000_000_000,
            table_version: snapshot.version,
            hosts: self.hosts(),
            uplink: self.uplink(&snapshot),
            ports: self
                .ports
                .iter()
                .zip(&flows)
                .map(|(port, flow)| port_status(port, flow))
                .collect(),
            nodes: self.nodes(&snapshot),
            mappings: snapshot.mappings.len() as u64,
            workers: self.workers(&versions),
            controller: self.controller.read(),
            path_mtus: self.path_mtus(&snapshot),
            icmp: self.icmp(),
            native: native::status(&self.config, &self.counters),
            multicast: multicast::status(
                &self.config,
                &self.ports,
                &snapshot,
                &self.counters,
                self.clock.now_ns(),
            ),
            table_version_by_worker: versions,
            tables_built: delays(self.tables.built()),
            drops: drops(&flows),
            balance: self.balance(&flows),
        }
    }

    fn flow(&self, index: PortIndex, port: &OpenPort) -> PortFlow {
        let losses = port.statistics.read().losses;
        let counters = || self.counters.iter().map(|worker| worker.port(index));
        let mut drops =
            DropReason::ALL.map(|reason| counters().map(|port| port.dropped(reason)).sum());
        let DeviceLosses {
            imissed,
            rx_nombuf,
            ierrors,
            oerrors,
            kernel_ring_drops,
            rx_chained,
            tx_no_mbuf,
        } = losses;
        let rx_lost = imissed + ierrors + kernel_ring_drops + rx_chained;
        drops[DropReason::DeviceRx as usize] += rx_lost;
        drops[DropReason::DeviceTx as usize] += oerrors;
        drops[DropReason::NoMbuf as usize] += rx_nombuf + tx_no_mbuf;
        let rx_packets: u64 = counters().map(|port| port.received.packets.get()).sum();
        let tx_accepted: u64 = counters().map(|port| port.transmitted.packets.get()).sum();
        PortFlow {
            arrived: rx_packets + rx_lost + rx_nombuf,
            rx: (
                rx_packets,
                counters().map(|port| port.received.bytes.get()).sum(),
            ),
            tx: (
                tx_accepted.saturating_sub(oerrors + tx_no_mbuf),
                counters().map(|port| port.transmitted.bytes.get()).sum(),
            ),
            drops,
        }
    }

    fn balance(&self, flows: &[PortFlow]) -> Balance {
        let total = |count: fn(&WorkerCounters) -> u64| -> u64 {
            self.counters.iter().map(|worker| count(worker)).sum()
        };
        let (uplink, guests) = flows.split_at(1);
        Balance {
            received: flows.iter().map(|flow| flow.arrived).sum(),
            injected: total(|worker| worker.worker.injected.get()),
            delivered: guests.iter().map(|flow| flow.tx.0).sum(),
            transmitted: uplink.iter().map(|flow| flow.tx.0).sum(),
            punted: total(|worker| worker.worker.punted.get()),
            dropped: flows.iter().flat_map(|flow| flow.drops).sum(),
            copied: total(|worker| worker.worker.copied.get()),
            generated: total(|worker| worker.worker.generated.get()),
            kept: total(|worker| worker.groups().map(kept).sum()),
            unexplained: 0,
        }
        .drawn()
    }

    fn path_mtus(&self, snapshot: &Snapshot) -> Vec<PathMtuStatus> {
        let now_ns = self.clock.now_ns();
        let learned = snapshot.path_mtus.learned();
        let named = learned.filter_map(|(host, path)| {
            Some(PathMtuStatus {
                host: self
                    .config
                    .fabric
                    .hosts
                    .get(usize::from(host.0))?
                    .name
                    .clone(),
                mtu: path.mtu,
                forgotten_in_s: path.until_ns.saturating_sub(now_ns) / 1_000_000_000,
            })
        });
        named.collect()
    }

    fn icmp(&self) -> IcmpStatus {
        let total = |count: fn(&IcmpCounters) -> &Counter| -> u64 {
            let workers = self.counters.iter();
            workers.map(|worker| count(&worker.worker.icmp).get()).sum()
        };
        IcmpStatus {
            errors: total(|icmp| &icmp.errors),
            errors_limited: total(|icmp| &icmp.errors_limited),
            echoes: total(|icmp| &icmp.echoes),
            fragmented: total(|icmp| &icmp.fragmented),
            heard_too_big: total(|icmp| &icmp.heard_too_big),
            heard_unreachable: total(|icmp| &icmp.heard_unreachable),
            heard_other: total(|icmp| &icmp.heard_other),
        }
    }

    fn hosts(&self) -> Vec<HostStatus> {
        let fabric = &self.config.fabric;
        let hosts = fabric.hosts.iter().enumerate();
        hosts
            .map(|(index, host)| HostStatus {
                name: host.name.clone(),
                locator: host.locator.to_string(),
                control_address: fabric.layout.control_address(&host.locator),
                is_self: index == self.config.host.index,
            })
            .collect()
    }

    fn uplink(&self, snapshot: &Snapshot) -> UplinkStatus {
        let (config, port) = (&self.config.uplink, &self.ports[0]);
        UplinkStatus {
            device: port.device.clone(),
            driver: port.driver.clone(),
            address: format!("{}/{}", config.address, config.prefix_len),
            mac: port.mac,
            next_hop: config.next_hop,
            next_hop_mac: snapshot.uplink.next_hop_mac,
            mtu: config.mtu,
        }
    }

    fn nodes(&self, snapshot: &Snapshot) -> Vec<NodeStatus> {
        let nodes = self
            .config
            .networks
            .iter()
            .flat_map(|network| network.nodes.iter().map(move |node| (network, node)));
        nodes
            .filter_map(|(network, node)| {
                let entry = snapshot.mappings.find(Key::new(network.id, node.address))?;
                // Of a group, each member has a node, which is where it is whoever owns the address.
                let host = match entry.group {
                    Some(_) => node.host,
                    None => entry.owner.0.into(),
                };
                Some(NodeStatus {
                    network: network.name.clone(),
                    name: Some(node.name.clone()),
                    address: node.address,
                    host: self.config.fabric.hosts.get(host)?.name.clone(),
                    local: host == self.config.host.index && entry.local_port().is_some(),
                    generation: entry.generation.into(),
                    mac: node.mac,
                })
            })
            .collect()
    }

    fn workers(&self, versions: &[u64]) -> Vec<WorkerStatus> {
        let workers = self
            .config
            .host
            .workers
            .iter()
            .zip(&self.counters)
            .zip(versions)
            .zip(self.tables.taken_up());
        workers
            .map(|(((lcore, counters), version), taken_up)| {
                let counters = &counters.worker;
                WorkerStatus {
                    lcore: *lcore,
                    rounds: counters.rounds.get(),
                    busy_rounds: counters.busy_rounds.get(),
                    longest_gap_us: counters.longest_gap_ns.get() / 1_000,
                    arp_answered: counters.arp_answered.get(),
                    options_stripped: counters.options_stripped.get(),
                    table_version: *version,
                    tables_taken_up: delays(&taken_up.after),
                    tables_late: delays(&taken_up.late),
                }
            })
            .collect()
    }
}

fn delays(delays: &Delays) -> Vec<Delay> {
    let part = |(at_most_ns, times)| Delay { at_most_ns, times };
    delays.read().map(part).collect()
}

/// Packets that a member keeps, or kept for nothing.
fn kept(group: &GroupCounters) -> u64 {
    group.held.packets.get() + group.checkpointed.get() + group.discarded.get()
}

fn port_status(port: &OpenPort, flow: &PortFlow) -> PortStatus {
    let drops = DropReason::ALL
        .into_iter()
        .zip(flow.drops)
        .filter(|(_, packets)| *packets > 0);
    PortStatus {
        name: port.name.clone(),
        device: port.device.clone(),
        driver: port.driver.clone(),
        worker: port.lcore,
        link_up: port.statistics.link_is_up(),
        mac: Some(port.mac),
        rx_packets: flow.rx.0,
        rx_bytes: flow.rx.1,
        tx_packets: flow.tx.0,
        tx_bytes: flow.tx.1,
        drops: drops
            .map(|(reason, packets)| (reason.name().to_owned(), packets))
            .collect::<BTreeMap<_, _>>(),
    }
}

fn drops(flows: &[PortFlow]) -> Vec<DropStatus> {
    let drops = DropReason::ALL.into_iter().map(|reason| DropStatus {
        reason: reason.name().to_owned(),
        class: reason.class().name().to_owned(),
        packets: flows.iter().map(|flow| flow.drops[reason as usize]).sum(),
        meaning: reason.meaning().to_owned(),
    });
    drops.collect()
}
