//! What nodes listen to: heard from them, told to other hosts, and asked for.
//!
//! A node's host ends its IGMP. For each group that is configured it tells the other hosts of the
//! link, in the node's name and as IGMP of version 2: a packet to many whose listeners are the
//! hosts themselves. It is judged as any packet of that node, so that no host can speak for
//! another. It may be lost: nodes are asked every 125 s, and each answer is told again.
//!
//! Where the node is the owner of a replicated address, its word counts for the host of each
//! member. A member that may not speak is listened to all the same: what its own stack joined
//! concerns its own host, and leaves it for nobody.

use tables::multicast::{Group, Link, is_for_many};
use tables::{GroupIndex, LocalNode, PortIndex, Snapshot};
use wire::drop_reason::DropReason;
use wire::encode::Ipv4Facts;
use wire::ethernet::{self, EtherType, MacAddress};
use wire::igmp::{self, Change};
use wire::packet::Packet;
use wire::protocol;

use crate::guest::{Crossing, Sender, send_across};
use crate::io::BurstIo;
use crate::path::Path;
use crate::substrate::Candidate;

/// From launch to the first query: by then ports and their guests are there.
const FIRST_QUERY_NS: u64 = 1_000_000_000;

/// After the first query, and part of the interval until the second (RFC 3376 section 8.6).
const STARTUP_PART: u64 = 4;

const QUERY_FRAME_BYTES: usize = ethernet::HEADER_BYTES + igmp::QUERY_PACKET_BYTES;
const CHANGE_FRAME_BYTES: usize = ethernet::HEADER_BYTES + igmp::CHANGE_PACKET_BYTES;

/// When the node behind a port is asked next.
struct Appointment {
    port: PortIndex,
    due_ns: u64,
    asked_before: bool,
}

/// When the nodes of one worker are asked what they listen to.
pub(super) struct Schedule {
    appointments: Box<[Appointment]>,
    /// The first of them.
    due_ns: u64,
}

impl Schedule {
    /// For the nodes behind `ports`, of which those on no link are never asked.
    pub(super) fn new(tables: &Snapshot, ports: &[PortIndex], now_ns: u64) -> Self {
        let due_ns = now_ns.saturating_add(FIRST_QUERY_NS);
        let asked = ports.iter().filter(|port| {
            let node = tables.node(**port);
            node.is_some_and(|node| link_of(tables, node).is_some())
        });
        let appointments: Box<[Appointment]> = asked
            .map(|port| Appointment {
                port: *port,
                due_ns,
                asked_before: false,
            })
            .collect();
        let due_ns = if appointments.is_empty() {
            u64::MAX
        } else {
            due_ns
        };
        Self {
            appointments,
            due_ns,
        }
    }
}

fn link_of<'a>(tables: &'a Snapshot, node: &LocalNode) -> Option<&'a Link> {
    tables.multicast.link(node.network.get(), node.address)
}

impl<Io: BurstIo> Path<Io> {
    /// Asks the nodes of this worker that it is time to ask.
    pub(crate) fn ask_nodes(&mut self, tables: &Snapshot, now_ns: u64) {
        if now_ns < self.many.schedule.due_ns {
            return;
        }
        let mut next_ns = u64::MAX;
        for at in 0..self.many.schedule.appointments.len() {
            let Appointment {
                port,
                due_ns,
                asked_before,
            } = &mut self.many.schedule.appointments[at];
            let asked = tables
                .node(*port)
                .and_then(|node| Some((node, link_of(tables, node)?)));
            let Some((node, link)) = asked else {
                continue;
            };
            let port = *port;
            let is_due = now_ns >= *due_ns;
            if is_due {
                let interval_ns = u64::from(link.rules().query_interval_s) * 1_000_000_000;
                let part = if *asked_before { 1 } else { STARTUP_PART };
                *due_ns = now_ns.saturating_add(interval_ns / part);
                *asked_before = true;
            }
            next_ns = next_ns.min(*due_ns);
            if is_due {
                self.ask(link, port, node);
            }
        }
        self.many.schedule.due_ns = next_ns;
    }

    fn ask(&mut self, link: &Link, port: PortIndex, node: &LocalNode) {
        let mut frame = [0; QUERY_FRAME_BYTES];
        let (l2, ip) = frame.split_at_mut(ethernet::HEADER_BYTES);
        let destination = MacAddress::of_group(igmp::ALL_NODES);
        let router = node.subnet.gateway;
        ethernet::write(
            l2,
            destination,
            MacAddress::virtual_of(router),
            EtherType::IPV4,
        );
        if let Ok(ip) = ip.try_into() {
            let rules = link.rules();
            igmp::write_query(
                ip,
                router,
                rules.query_interval_s,
                rules.query_response_ms(),
            );
        }
        // Without a buffer the node is asked the next time.
        if let Some(query) = self.io.allocate(&frame) {
            self.counters.worker.generated.add(1);
            self.counters.worker.multicast.queries.add(1);
            self.send(port, query);
        }
    }

    /// Ends an IGMP message of a node.
    pub(super) fn hear_node(
        &mut self,
        tables: &Snapshot,
        sender: &Sender<'_>,
        link: &Link,
        packet: Io::Packet,
        facts: &Ipv4Facts,
    ) {
        let Some(changes) = said(&packet, facts) else {
            return self.drop_packet(sender.port, DropReason::IcmpRefused, packet);
        };
        let now_ns = self.io.now_ns();
        for change in changes {
            let Some(group) = link.group(change.group) else {
                continue;
            };
            note(link, group, sender.port, change.listens, now_ns);
            if change.listens {
                note_members(
                    tables,
                    link,
                    group,
                    sender.node.member.as_ref().map(|m| m.group),
                    now_ns,
                );
            }
            // Others of this host may listen on.
            if change.listens || !group.is_heard_here(now_ns) {
                self.announce(tables, sender, link, change, now_ns);
            }
        }
        self.counters.worker.multicast.reports.add(1);
        self.counters.worker.punted.add(1);
    }

    /// Takes from a node that may not speak what its stack listens to. The packet ends all the
    /// same.
    #[cold]
    pub(crate) fn overhear(
        &self,
        tables: &Snapshot,
        port: PortIndex,
        node: &LocalNode,
        packet: &Io::Packet,
    ) {
        let Some(link) = link_of(tables, node) else {
            return;
        };
        let ip = packet.bytes().get(ethernet::HEADER_BYTES..);
        let Some(Ok(facts)) = ip.map(Ipv4Facts::parse) else {
            return;
        };
        let is_report = facts.protocol == protocol::IGMP
            && facts.source == node.address
            && is_for_many(facts.destination);
        let Some(changes) = said(packet, &facts).filter(|_| is_report) else {
            return;
        };
        let now_ns = self.io.now_ns();
        for change in changes {
            if let Some(group) = link.group(change.group) {
                note(link, group, port, change.listens, now_ns);
            }
        }
        self.counters.worker.multicast.reports.add(1);
    }

    /// Tells the other hosts of the link, within the node's budget.
    fn announce(
        &mut self,
        tables: &Snapshot,
        sender: &Sender<'_>,
        link: &Link,
        change: Change,
        now_ns: u64,
    ) {
        let mut frame = [0; CHANGE_FRAME_BYTES];
        let (_, ip) = frame.split_at_mut(ethernet::HEADER_BYTES);
        if let Ok(ip) = ip.try_into() {
            igmp::write_change(ip, sender.node.address, change);
        }
        let Ok(facts) = Ipv4Facts::parse(&frame[ethernet::HEADER_BYTES..]) else {
            return;
        };
        for far in link.hosts() {
            let crossing = Crossing {
                tables,
                facts: &facts,
                heading: sender.heading(&far.prefix, 0, false),
            };
            let bytes = ethernet::HEADER_BYTES + crossing.bytes();
            if !self.many.affords(link, sender.port, bytes, now_ns) {
                return;
            }
            let told = self.io.allocate(&frame);
            if let Some(mut told) = told
                && send_across(&crossing, &mut told).is_ok()
            {
                self.counters.worker.generated.add(1);
                self.counters.worker.multicast.announced.add(1);
                self.send(PortIndex::UPLINK, told);
            }
        }
    }

    /// Ends an IGMP message that another host sent about its node.
    pub(super) fn hear_host(
        &mut self,
        tables: &Snapshot,
        link: &Link,
        packet: Io::Packet,
        candidate: &Candidate<'_>,
    ) {
        let message = packet.bytes().get(candidate.payload());
        let changes = message
            .filter(|_| !candidate.is_fragment())
            .and_then(igmp::changes);
        let (Some(changes), Some(sender)) = (changes, tables.place(candidate.source)) else {
            return self.drop_packet(PortIndex::UPLINK, DropReason::IcmpRefused, packet);
        };
        let now_ns = self.io.now_ns();
        for change in changes {
            let Some(group) = link.group(change.group) else {
                continue;
            };
            match (group.of_host(link, sender.owner), change.listens) {
                (Some(host), true) => host.renew(until_ns(link, now_ns)),
                (Some(host), false) => host.end(),
                (None, _) => {}
            }
            if change.listens {
                note_members(tables, link, group, sender.group, now_ns);
            } else if let Some(port) = sender.group.and_then(|_| sender.local_port()) {
                note(link, group, port, false, now_ns);
            }
        }
        self.counters.worker.multicast.reports.add(1);
        self.counters.worker.punted.add(1);
    }
}

/// What an IGMP packet says, which is as its node sent it.
fn said<'a>(packet: &'a impl Packet, facts: &Ipv4Facts) -> Option<igmp::Changes<'a>> {
    let ip = packet.bytes().get(ethernet::HEADER_BYTES..)?;
    let message = ip.get(facts.header_bytes.into()..facts.total_bytes.into())?;
    igmp::changes(message).filter(|_| !facts.is_fragment())
}

/// Until when a report of `now_ns` counts.
fn until_ns(link: &Link, now_ns: u64) -> u64 {
    now_ns.saturating_add(link.rules().membership_ns())
}

/// The node behind a port listens from now on, or does not.
fn note(link: &Link, group: &Group, port: PortIndex, listens: bool, now_ns: u64) {
    let subscription = group.of_port(link, port);
    match (subscription, listens) {
        (Some(subscription), true) => subscription.renew(until_ns(link, now_ns)),
        (Some(subscription), false) => subscription.end(),
        (None, _) => {}
    }
}

/// A join of the owner of `replicated` counts for the hosts of all its members. They hear no
/// leave in its name: those that have other listeners would lose them.
fn note_members(
    tables: &Snapshot,
    link: &Link,
    group: &Group,
    replicated: Option<GroupIndex>,
    now_ns: u64,
) {
    let Some(members) = replicated.and_then(|index| tables.group(index)) else {
        return;
    };
    for member in &members.copies {
        if let Some(host) = group.of_host(link, member.host) {
            host.renew(until_ns(link, now_ns));
        }
    }
    if let Some(member) = &members.local {
        note(link, group, member.port, true, now_ns);
    }
}
