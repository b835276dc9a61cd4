//! Who listens to packets for many: a subnet's broadcast, and the groups that are configured.
//!
//! A [`Link`] is one subnet of a network. What is sent there to a group goes, as it is, to each
//! node of the link that listens: to those of this host directly, and once to each other host
//! that has one.
//!
//! Which hosts have nodes on a link, and which groups there are, the configuration says; it never
//! changes. Who listens is soft state: a [`Subscription`] is a moment until which somebody does.
//! Workers write it when they hear IGMP, from a node of this host or, for a node elsewhere, from
//! its host; they read it for each packet to a group. All of it is set aside at launch, so that
//! nothing that a guest says takes memory.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicU64, Ordering};

use wire::address::{NetworkId, Prefix96};

use crate::group::Budget;
use crate::mappings::{HostIndex, PortIndex};
use crate::snapshot::Subnet;

/// Whether this address names many: a group, or all nodes of the sender's subnet.
#[inline]
#[must_use]
pub fn is_for_many(address: Ipv4Addr) -> bool {
    address.is_multicast() || address.is_broadcast()
}

/// Until when somebody listens, in nanoseconds of the process's clock.
#[derive(Debug, Default)]
pub struct Subscription(AtomicU64);

impl Subscription {
    /// Somebody listens, at least until then.
    pub fn renew(&self, until_ns: u64) {
        // Nothing else is published by it: a reader sees it now or a little later.
        self.0.fetch_max(until_ns, Ordering::Relaxed);
    }

    /// Nobody listens any more.
    pub fn end(&self) {
        self.0.store(0, Ordering::Relaxed);
    }

    /// Whether somebody listens.
    #[must_use]
    pub fn holds(&self, now_ns: u64) -> bool {
        now_ns < self.0.load(Ordering::Relaxed)
    }
}

/// Another host with nodes on a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FarHost {
    /// Which one.
    pub host: HostIndex,
    /// The first 96 bits of its nodes' substrate addresses.
    pub prefix: Prefix96,
}

/// A group on a link: who listens to it.
#[derive(Debug)]
pub struct Group {
    /// Its address.
    pub address: Ipv4Addr,
    /// By [`Link::hosts`].
    hosts: Box<[Subscription]>,
    /// By [`Link::ports`].
    ports: Box<[Subscription]>,
}

impl Group {
    /// The subscription of another host, if it has nodes on this link.
    #[must_use]
    pub fn of_host(&self, link: &Link, host: HostIndex) -> Option<&Subscription> {
        let at = link.hosts.iter().position(|far| far.host == host)?;
        self.hosts.get(at)
    }

    /// The subscription of the node behind a port, if it is on this link.
    #[must_use]
    pub fn of_port(&self, link: &Link, port: PortIndex) -> Option<&Subscription> {
        let at = link.ports.iter().position(|known| *known == port)?;
        self.ports.get(at)
    }

    /// Whether any node of this host listens.
    #[must_use]
    pub fn is_heard_here(&self, now_ns: u64) -> bool {
        self.ports.iter().any(|port| port.holds(now_ns))
    }
}

/// Whom a packet to many is for.
#[derive(Clone, Copy, Debug)]
pub enum Audience<'a> {
    /// Every node of the link.
    All,
    /// Those that listen.
    Group(&'a Group),
}

/// One subnet of a network, for packets to many.
#[derive(Debug)]
pub struct Link {
    network: NetworkId,
    subnet: Subnet,
    rules: Rules,
    /// Other hosts that have nodes on it.
    hosts: Box<[FarHost]>,
    /// The ports of this host that lead to its nodes.
    ports: Box<[PortIndex]>,
    /// By address.
    groups: Box<[Group]>,
}

/// What a network's links have in common.
#[derive(Clone, Debug)]
pub struct Rules {
    /// Whether packets to all nodes of a subnet pass.
    pub broadcast: bool,
    /// Groups that are never forwarded, as subnets without a gateway.
    pub never: Box<[Subnet]>,
    /// What the copies of one node's packets may come to.
    pub budget: Budget,
    /// How often nodes are asked what they listen to, in seconds.
    pub query_interval_s: u32,
}

impl Rules {
    /// Within what time a node answers a query, in milliseconds: 10 s, or half the interval
    /// (RFC 3376 section 8.3).
    #[must_use]
    pub fn query_response_ms(&self) -> u32 {
        (self.query_interval_s * 500).min(10_000)
    }

    /// For how long a report counts, in nanoseconds (RFC 3376 section 8.4).
    #[must_use]
    pub fn membership_ns(&self) -> u64 {
        let queries_ms =
            u64::from(self.query_interval_s) * 1_000 * u64::from(wire::igmp::ROBUSTNESS);
        (queries_ms + u64::from(self.query_response_ms())) * 1_000_000
    }

    /// Whether a group is never forwarded.
    #[must_use]
    pub fn is_never_forwarded(&self, group: Ipv4Addr) -> bool {
        self.never.iter().any(|prefix| prefix.contains(group))
    }
}

impl Link {
    /// A link on which nobody listens yet.
    #[must_use]
    pub fn new(
        network: NetworkId,
        subnet: Subnet,
        rules: Rules,
        hosts: Vec<FarHost>,
        ports: Vec<PortIndex>,
        mut groups: Vec<Ipv4Addr>,
    ) -> Self {
        let none = |count: usize| (0..count).map(|_| Subscription::default()).collect();
        groups.sort_unstable();
        groups.dedup();
        let group = |address| Group {
            address,
            hosts: none(hosts.len()),
            ports: none(ports.len()),
        };
        let groups = groups.into_iter().map(group).collect();
        Self {
            network,
            subnet,
            rules,
            groups,
            hosts: hosts.into(),
            ports: ports.into(),
        }
    }

    /// The network that it is part of.
    #[must_use]
    pub fn network(&self) -> NetworkId {
        self.network
    }

    /// The subnet.
    #[must_use]
    pub fn subnet(&self) -> &Subnet {
        &self.subnet
    }

    /// What holds for it.
    #[must_use]
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Other hosts that have nodes on it.
    #[must_use]
    pub fn hosts(&self) -> &[FarHost] {
        &self.hosts
    }

    /// The ports of this host that lead to its nodes.
    #[must_use]
    pub fn ports(&self) -> &[PortIndex] {
        &self.ports
    }

    /// Its groups, by address.
    #[must_use]
    pub fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// The group with this address.
    #[must_use]
    pub fn group(&self, address: Ipv4Addr) -> Option<&Group> {
        let at = self
            .groups
            .binary_search_by_key(&address, |group| group.address);
        self.groups.get(at.ok()?)
    }

    /// Whom packets to `destination` are for; `None` if for nobody.
    #[must_use]
    pub fn audience(&self, destination: Ipv4Addr) -> Option<Audience<'_>> {
        if destination.is_broadcast() || self.subnet.is_last(destination) {
            return self.rules.broadcast.then_some(Audience::All);
        }
        self.group(destination).map(Audience::Group)
    }

    /// The other hosts where somebody listens.
    pub fn far_listeners<'a>(
        &'a self,
        audience: Audience<'a>,
        now_ns: u64,
    ) -> impl Iterator<Item = &'a FarHost> {
        let listens = move |at: usize| match audience {
            Audience::All => true,
            Audience::Group(group) => group.hosts[at].holds(now_ns),
        };
        let hosts = self.hosts.iter().enumerate();
        hosts
            .filter(move |(at, _)| listens(*at))
            .map(|(_, far)| far)
    }

    /// The ports of this host behind which somebody listens.
    pub fn near_listeners<'a>(
        &'a self,
        audience: Audience<'a>,
        now_ns: u64,
    ) -> impl Iterator<Item = PortIndex> + 'a {
        let listens = move |at: usize| match audience {
            Audience::All => true,
            Audience::Group(group) => group.ports[at].holds(now_ns),
        };
        let ports = self.ports.iter().enumerate();
        ports
            .filter(move |(at, _)| listens(*at))
            .map(|(_, port)| *port)
    }
}

/// All links of the networks that have groups or broadcast.
#[derive(Debug, Default)]
pub struct Multicast {
    /// By network.
    links: BTreeMap<u32, Box<[Link]>>,
}

impl Multicast {
    /// These links.
    #[must_use]
    pub fn new(links: Vec<Link>) -> Self {
        let mut by_network: BTreeMap<u32, Vec<Link>> = BTreeMap::new();
        for link in links {
            by_network.entry(link.network.get()).or_default().push(link);
        }
        let boxed = by_network.into_iter().map(|(id, links)| (id, links.into()));
        Self {
            links: boxed.collect(),
        }
    }

    /// The link that a node with this address is on.
    #[must_use]
    pub fn link(&self, network_bits: u32, address: Ipv4Addr) -> Option<&Link> {
        let mut links = self.links.get(&network_bits)?.iter();
        links.find(|link| link.subnet.contains(address))
    }

    /// All links.
    pub fn links(&self) -> impl Iterator<Item = &Link> {
        self.links.values().flat_map(|links| links.iter())
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.links.is_empty()
    }

    /// This host begins at `now_ns`, and has not heard other hosts yet: until it must have, each
    /// counts as listening to everything.
    pub fn begin(&self, now_ns: u64) {
        for link in self.links() {
            let until_ns = now_ns.saturating_add(link.rules.membership_ns());
            let hosts = link.groups.iter().flat_map(|group| &group.hosts);
            hosts.for_each(|host| host.renew(until_ns));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND_NS: u64 = 1_000_000_000;

    fn link() -> Link {
        let rules = Rules {
            broadcast: true,
            never: [Subnet::new([224, 0, 0, 0].into(), 16, [0; 4].into())].into(),
            budget: Budget::new(1_000, 1_000_000),
            query_interval_s: 125,
        };
        let far = |host| FarHost {
            host: HostIndex(host),
            prefix: Prefix96([host as u8; 12]),
        };
        Link::new(
            NetworkId::new(0x12_3456).expect("a network"),
            Subnet::new([10, 0, 0, 0].into(), 24, [10, 0, 0, 1].into()),
            rules,
            vec![far(1), far(3)],
            vec![PortIndex(1), PortIndex(2)],
            vec![
                [239, 1, 1, 2].into(),
                [239, 1, 1, 1].into(),
                [239, 1, 1, 2].into(),
            ],
        )
    }

    fn listeners(link: &Link, destination: [u8; 4], now_ns: u64) -> Option<(Vec<u16>, Vec<u16>)> {
        let audience = link.audience(destination.into())?;
        let far = link.far_listeners(audience, now_ns).map(|far| far.host.0);
        let near = link.near_listeners(audience, now_ns).map(|port| port.0);
        Some((far.collect(), near.collect()))
    }

    #[test]
    fn a_report_counts_for_two_queries_and_an_answer_and_a_leave_at_once() {
        let link = link();
        let until_ns = link.rules().membership_ns();
        assert_eq!(until_ns, 260 * SECOND_NS, "RFC 3376 section 8.4");
        let group = link.group([239, 1, 1, 1].into()).expect("a group");
        group
            .of_port(&link, PortIndex(2))
            .expect("on the link")
            .renew(until_ns);
        group
            .of_host(&link, HostIndex(3))
            .expect("on the link")
            .renew(until_ns);
        let both = Some((vec![3], vec![2]));
        assert_eq!(listeners(&link, [239, 1, 1, 1], until_ns - 1), both);
        assert_eq!(
            listeners(&link, [239, 1, 1, 1], until_ns),
            Some((vec![], vec![]))
        );
        assert_eq!(listeners(&link, [239, 1, 1, 2], 0), Some((vec![], vec![])));
        group
            .of_port(&link, PortIndex(2))
            .expect("on the link")
            .end();
        assert_eq!(listeners(&link, [239, 1, 1, 1], 0), Some((vec![3], vec![])));
        assert!(group.of_port(&link, PortIndex(7)).is_none());
        assert!(group.of_host(&link, HostIndex(2)).is_none());
    }

    #[test]
    fn all_listen_to_a_broadcast_and_nobody_to_a_group_that_is_not_configured() {
        let link = link();
        let all = Some((vec![1, 3], vec![1, 2]));
        assert_eq!(listeners(&link, [255, 255, 255, 255], 0), all);
        assert_eq!(listeners(&link, [10, 0, 0, 255], 0), all);
        for nobody in [
            [10, 0, 0, 0],
            [10, 0, 1, 255],
            [239, 1, 1, 3],
            [224, 0, 0, 1],
        ] {
            assert_eq!(listeners(&link, nobody, 0), None, "{nobody:?}");
        }
    }

    #[test]
    fn at_the_beginning_other_hosts_count_as_listening_and_own_nodes_do_not() {
        let multicast = Multicast::new(vec![link()]);
        multicast.begin(7);
        let link = multicast
            .link(0x12_3456, [10, 0, 0, 9].into())
            .expect("the link");
        let end_ns = 7 + link.rules().membership_ns();
        assert_eq!(
            listeners(link, [239, 1, 1, 2], end_ns - 1),
            Some((vec![1, 3], vec![]))
        );
        assert_eq!(
            listeners(link, [239, 1, 1, 2], end_ns),
            Some((vec![], vec![]))
        );
        assert!(multicast.link(0x12_3456, [10, 0, 1, 9].into()).is_none());
        assert!(multicast.link(1, [10, 0, 0, 9].into()).is_none());
    }
}
